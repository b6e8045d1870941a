import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decode } from '../../sdk/decode.ts'
import { parseManifest } from '../../sdk/protocol/manifest.ts'
import type { Engine } from '../../worker/engines/engine.ts'
import { loadTranslate } from '../../worker/engines/translate/load.ts'
import { DIRECTIONS, heldLines, type Line, OTHER_DIRECTIONS } from './train/lines.ts'

/** Decides which held-out combinations are asked for. Not the seed of the training. */
export const SCORE_SEED = 7

const PHRASES = 600
const BETWEEN = 200

/** To and from English, by turns. */
export const heldPhrases = (): Line[] => heldLines(SCORE_SEED, PHRASES, DIRECTIONS)
/** Between German and French. */
export const heldBetween = (): Line[] => heldLines(SCORE_SEED + 1, BETWEEN, OTHER_DIRECTIONS)

/** The pod's own engine on the pod's own folder, as a worker loads it. */
export async function loadPod(folder: string): Promise<Engine> {
  return loadTranslate(folder, parseManifest(await readFile(join(folder, 'pod.yaml'))))
}

export interface Score {
  readonly asked: number
  readonly exact: number
  readonly misses: readonly (Line & { readonly got: string })[]
}

/** A translation counts if every character is right. */
export async function score(engine: Engine, lines: readonly Line[]): Promise<Score> {
  const misses: (Line & { got: string })[] = []
  for (const wanted of lines) {
    const got = await translate(engine, wanted)
    if (got !== wanted.target) misses.push({ ...wanted, got })
  }
  return { asked: lines.length, exact: lines.length - misses.length, misses }
}

/** One translation, read from the engine's output. */
export async function translate(
  engine: Engine,
  { source, from, to }: Pick<Line, 'source' | 'from' | 'to'>,
): Promise<string> {
  const parts: Uint8Array[] = []
  const emit = (bytes: Uint8Array) => void parts.push(bytes)
  const input = new TextEncoder().encode(JSON.stringify({ text: source, from, to }))
  await engine.run(input, { emit, signal: new AbortController().signal })
  return decode('translate', Buffer.concat(parts)).text ?? ''
}
