/**
 * Writes the pod's `model/` folder from a training checkpoint.
 *
 * node --import tsx pods/image/train/export.ts [checkpoint folder] [pod folder]
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImageConfig } from '../../../worker/engines/image/config.ts'
import { colours, positions, SHAPES, sizes } from './family.ts'
import { exportTextEncoder, exportTransformer, parametersOf, shapeFor } from './model.ts'
import { subjects, vocabulary } from './phrase.ts'
import { idsOfWords } from './train.ts'

export async function exportModel(checkpoint: string, pod: string): Promise<void> {
  const ids = idsOfWords()
  const shape = shapeFor(1 + Object.keys(ids).length)
  const parameters = parametersOf(shape)
  const weights = new Float32Array((await readFile(join(checkpoint, 'average.bin'))).slice().buffer)
  if (weights.length !== parameters.size) {
    throw new RangeError(`checkpoint of ${weights.length} weights for a model of ${parameters.size}`)
  }
  const config: ImageConfig = {
    pipeline: 'text-to-image',
    sampleSize: shape.side,
    channels: 3,
    maxWords: shape.words,
    scheduler: { type: 'flow-match-euler', predictionType: 'sample', shift: 1 },
    sizes: ['32x32', '64x64', '128x128', '256x256', '512x512', '1024x1024'],
    subjects: subjects(),
    completion: {
      sentence: 'a {size} {colour} {shape} on a {background} background, {place}',
      choices: { shape: [...SHAPES], size: sizes, place: positions, colour: colours },
      ground: 'background',
      before: ['on', 'against', 'with', 'over', 'upon'],
    },
  }
  await mkdir(join(pod, 'model/onnx'), { recursive: true })
  await writeFile(join(pod, 'model/onnx/text_encoder.onnx'), exportTextEncoder(shape, parameters, weights))
  await writeFile(join(pod, 'model/onnx/transformer.onnx'), exportTransformer(shape, parameters, weights))
  await writeJson(join(pod, 'model/config.json'), config)
  await writeJson(join(pod, 'model/tokenizer.json'), tokenizer(ids))
}

/** The vocabulary in the Hugging Face tokenizer format: lower case, letters only, one id per word. */
function tokenizer(ids: Record<string, number>) {
  const silence = '<silence>'
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      {
        id: 0,
        content: silence,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      },
    ],
    normalizer: {
      type: 'Sequence',
      normalizers: [{ type: 'Lowercase' }, { type: 'Replace', pattern: { Regex: '[^a-z]+' }, content: ' ' }],
    },
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: null,
    decoder: null,
    model: { type: 'WordLevel', vocab: { [silence]: 0, ...ids }, unk_token: silence },
  }
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`)
}

if (import.meta.filename === process.argv[1]) {
  await exportModel(process.argv[2] ?? '.data/pods/image', process.argv[3] ?? 'pods/image')
  console.log(JSON.stringify({ exported: process.argv[3] ?? 'pods/image', words: vocabulary().length }))
}
