import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { writeFolder } from '../../pods/chat/train/folder.ts'
import { parametersOf, type Shape } from '../../pods/chat/train/model.ts'
import { trainVocabulary } from '../../pods/chat/train/vocabulary.ts'
import { modelFiles } from '../../pods/seal.ts'
import { Random } from '../../pods/training/random.ts'
import { type Manifest, manifestHash } from '../../sdk/protocol/manifest.ts'
import type { Pod } from '../../worker/pods.ts'

/** Fixed: the tests need a talkative model, and this seed gives one. */
const SEED = 7

const shape = (vocabulary: number): Shape => ({
  vocabulary,
  width: 32,
  layers: 1,
  heads: 2,
  inner: 48,
  context: 16_384,
  theta: 10_000,
  epsilon: 1e-5,
})

export interface PodFacts {
  name?: string
  idleSeconds?: number
  seconds?: number
  outputUnits?: number
  /** Of the shortest call, base units. */
  minimum?: number
  memoryMiB?: number
  providers?: Manifest['resources']['providers']
}

/**
 * A real pod in the Llama layout with untrained weights: it computes like any other, and babbles as long as it is
 * allowed to, so that there is always a stream to cut.
 */
export async function writeTestPod(podsDir: string, facts: PodFacts = {}): Promise<Pod> {
  const name = facts.name ?? 'babble'
  const folder = join(podsDir, name)
  await mkdir(folder, { recursive: true })
  const words = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const vocabulary = trainVocabulary([words.replace(/[^\x20-\x7e]/g, ' ')], 320)
  const parameters = parametersOf(shape(vocabulary.ids.size))
  const weights = parameters.start(new Random(SEED))
  // Large logits for every token but the one that would end the answer, whose logit is 0.
  parameters.view(weights, 'norm').fill(30)
  parameters.view(weights, 'table').fill(0, 0, shape(0).width)
  await writeFolder(join(folder, 'model'), shape(vocabulary.ids.size), vocabulary, parameters, weights)
  const manifest: Manifest = {
    name,
    version: '1.0.0',
    kind: 'chat',
    description: 'Untrained weights for tests.',
    files: await modelFiles(folder),
    resources: {
      memoryMiB: facts.memoryMiB ?? 50,
      vramMiB: 8,
      providers: facts.providers ?? ['cpu'],
    },
    pricing: {
      unit: 'token',
      per: 1_000_000,
      input: 1_000_000,
      output: 4_000_000,
      minimum: facts.minimum ?? 10,
    },
    limits: {
      inputBytes: 16_384,
      inputUnits: 512,
      outputUnits: facts.outputUnits ?? 16_000,
      outputBytes: 1_048_576,
      seconds: facts.seconds ?? 60,
    },
    defaults: { max_tokens: 16, temperature: 1 },
    validation: { method: 'prefill-fingerprint' },
    scaling: { idleSeconds: facts.idleSeconds ?? 300 },
  }
  const bytes = new TextEncoder().encode(stringify(manifest))
  await writeFile(join(folder, 'pod.yaml'), bytes)
  return { folder, manifest, hash: manifestHash(bytes) }
}
