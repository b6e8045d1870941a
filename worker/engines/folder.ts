import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { bug } from '../../sdk/errors.ts'

/** What Hugging Face folders append to a graph's name, by precision; the first that is there is served. */
const PRECISIONS = ['', '_fp16', '_q4f16', '_q4', '_quantized', '_int8', '_uint8']

/**
 * The file of one graph in a Hugging Face folder: `onnx/<name>.onnx` in the first precision that is there.
 *
 * @throws `pod.broken` (bug) if there is none.
 */
export async function modelFile(folder: string, name: string): Promise<string> {
  for (const precision of PRECISIONS) {
    const path = join(folder, 'onnx', `${name}${precision}.onnx`)
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path
  }
  const names = PRECISIONS.map((precision) => `${name}${precision}.onnx`).join(', ')
  throw bug('pod.broken', `${folder}/onnx holds no ${names}`)
}

const configSchema = z.looseObject({ max_position_embeddings: z.number().int().positive() })

/**
 * The most tokens that a model has positions for.
 *
 * @throws `pod.broken` (bug) if `config.json` does not say.
 */
export async function contextOf(folder: string): Promise<number> {
  const config = configSchema.safeParse(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')))
  if (!config.success) throw bug('pod.broken', `${folder}/config.json has no max_position_embeddings`)
  return config.data.max_position_embeddings
}
