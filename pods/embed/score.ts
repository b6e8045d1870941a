import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { embedOutputSchema } from '../../sdk/documents.ts'
import { parseManifest } from '../../sdk/protocol/manifest.ts'
import { loadEmbed } from '../../worker/engines/embed/load.ts'
import type { Engine } from '../../worker/engines/engine.ts'
import { bare } from '../chat/train/questions.ts'
import { type HeldPair, heldPairs } from './train/pairs.ts'

/** Decides which facts and fillers meet which held-out wordings. Not the seed of the training. */
export const SCORE_SEED = 7

/** At most this many held-out pairs of one topic. */
const PER_TOPIC = 25

export const heldOutPairs = (): HeldPair[] => heldPairs(SCORE_SEED, PER_TOPIC)

/** The pod's own engine on the pod's own folder, as a worker loads it. */
export async function loadPod(folder: string): Promise<Engine> {
  return loadEmbed(folder, parseManifest(await readFile(join(folder, 'pod.yaml'))))
}

export interface Score {
  readonly asked: number
  /** How often the paraphrase was nearer than all nineteen others. */
  readonly first: number
  readonly misses: readonly { readonly pair: HeldPair; readonly nearest: string }[]
}

/** Ranks each paraphrase among the lines that mean something else, by the cosine to the one line. */
export async function score(engine: Engine, pairs: readonly HeldPair[]): Promise<Score> {
  const misses: { pair: HeldPair; nearest: string }[] = []
  for (const pair of pairs) {
    const candidates = [pair.other, ...pair.others]
    const [own = [], ...vectors] = await embed(engine, [pair.one, ...candidates])
    const near = vectors.map((vector) => cosine(own, vector))
    const best = near.indexOf(Math.max(...near))
    if (best !== 0) misses.push({ pair, nearest: candidates[best] ?? '' })
  }
  return { asked: pairs.length, first: pairs.length - misses.length, misses }
}

/** How often the paraphrase has strictly more of the line's words than all others: what counting words achieves. */
export function sharedWords(pairs: readonly HeldPair[]): number {
  const wordsOf = (line: string) => new Set(bare(line).split(' '))
  const alike = (a: Set<string>, b: Set<string>) =>
    [...a].filter((word) => b.has(word)).length / new Set([...a, ...b]).size
  return pairs.filter(({ one, other, others }) => {
    const own = wordsOf(one)
    const most = Math.max(...others.map((line) => alike(own, wordsOf(line))))
    return alike(own, wordsOf(other)) > most
  }).length
}

/** The vectors of some texts, read from the engine's output. */
export async function embed(engine: Engine, input: readonly string[]): Promise<number[][]> {
  const parts: Uint8Array[] = []
  const emit = (bytes: Uint8Array) => void parts.push(bytes)
  const signal = new AbortController().signal
  await engine.run(new TextEncoder().encode(JSON.stringify({ input })), { emit, signal })
  return embedOutputSchema.parse(JSON.parse(new TextDecoder().decode(Buffer.concat(parts)))).embeddings
}

/** Of vectors of length 1. */
export const cosine = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0)
