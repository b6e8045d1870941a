import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { parseManifest } from '../../sdk/protocol/manifest.ts'
import type { Engine } from '../../worker/engines/engine.ts'
import { loadImage } from '../../worker/engines/image/load.ts'
import { Random } from '../training/random.ts'
import { SIDE } from './train/draw.ts'
import { allCombinations, type Combination, isHeldOut } from './train/family.ts'
import { judge, type Pixels, type Seen, shows } from './train/judge.ts'
import { phrase, type Sentence, TRAINING_SENTENCES } from './train/phrase.ts'

/** Decides which held-out combinations are asked for, and in which words. Not the seed of the training. */
export const SCORE_SEED = 11

export interface Miss {
  readonly prompt: string
  readonly wanted: Combination
  readonly seen: Seen
}

export interface Score {
  readonly asked: number
  readonly right: number
  readonly misses: readonly Miss[]
  /** The pictures judged against another picture's prompt: how often the judge is fooled. */
  readonly crossed: number
}

/** Different held-out combinations, evenly drawn from all of them, each said in one of the sentences. */
export function heldOutPrompts(
  count: number,
  sentences: readonly Sentence[],
): { prompt: string; wanted: Combination }[] {
  const random = new Random(SCORE_SEED)
  const all = [...allCombinations()].filter(isHeldOut)
  return Array.from({ length: count }, () => {
    const [wanted] = all.splice(random.int(all.length), 1)
    if (wanted === undefined) throw new RangeError('there are fewer held-out combinations')
    return { wanted, prompt: phrase(wanted, sentences, random) }
  })
}

/** The pod's own engine on the pod's own folder, as a worker loads it. */
export async function loadPod(folder: string): Promise<Engine> {
  return loadImage(folder, parseManifest(await readFile(join(folder, 'pod.yaml'))))
}

/** Asks for one picture at the model's own size. */
export async function paintPixels(engine: Engine, prompt: string, seed: number): Promise<Pixels> {
  const parts: Uint8Array[] = []
  const input = new TextEncoder().encode(JSON.stringify({ prompt, seed, size: `${SIDE}x${SIDE}` }))
  const emit = (bytes: Uint8Array) => void parts.push(bytes)
  await engine.run(input, { emit, signal: new AbortController().signal })
  const { data } = await sharp(Buffer.concat(parts)).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  return { data: new Uint8Array(data), side: SIDE }
}

/**
 * One picture per prompt; it counts if the judge sees all five attributes.
 *
 * @param sentences  The family's own by default; `UNSEEN_SENTENCES` have word orders that training never used.
 */
export async function score(
  engine: Engine,
  count: number,
  sentences: readonly Sentence[] = TRAINING_SENTENCES,
): Promise<Score> {
  const asked = heldOutPrompts(count, sentences)
  const pictures: Pixels[] = []
  for (const [index, { prompt }] of asked.entries()) pictures.push(await paintPixels(engine, prompt, index))
  const misses = asked.flatMap(({ prompt, wanted }, index) => {
    const picture = pictures[index] as Pixels
    return shows(picture, wanted) ? [] : [{ prompt, wanted, seen: judge(picture) }]
  })
  const crossed = asked.filter(({ wanted }, index) =>
    shows(pictures[(index + 1) % pictures.length] as Pixels, wanted),
  ).length
  return { asked: count, right: count - misses.length, misses, crossed }
}
