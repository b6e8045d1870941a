import { Random } from '../../training/random.ts'
import type { Phrase } from './grammar/clauses.ts'
import { drawForTraining, drawPhrase, isHeldOut } from './grammar/phrases.ts'
import type { Language } from './grammar/words.ts'

/** One translation to learn, or to be scored on. */
export interface Line {
  readonly from: Language
  readonly to: Language
  readonly source: string
  readonly target: string
}

type Direction = readonly [from: Language, to: Language]

/** To and from English; these are what the pod is scored on. */
export const DIRECTIONS: readonly Direction[] = [
  ['en', 'de'],
  ['de', 'en'],
  ['en', 'fr'],
  ['fr', 'en'],
]
/** Between the others, drawn half as often. */
export const OTHER_DIRECTIONS: readonly Direction[] = [
  ['de', 'fr'],
  ['fr', 'de'],
]
const DRAWN = [...DIRECTIONS, ...DIRECTIONS, ...OTHER_DIRECTIONS]

/** The next line of the training stream, its source at times typed carelessly. */
export function trainingLine(random: Random): Line {
  const phrase = drawForTraining(random)
  const [from, to] = random.pick(DRAWN)
  return { from, to, source: careless(phrase[from], random), target: phrase[to] }
}

/** A capital forgotten, the last mark left out, French marks set the English way. */
function careless(text: string, random: Random): string {
  let typed = text
  if (random.chance(0.3)) typed = typed.replace(/ ([?!])$/, '$1')
  if (random.chance(0.12)) typed = typed.slice(0, 1).toLowerCase() + typed.slice(1)
  if (random.chance(0.12)) typed = typed.replace(/ ?[.?!]$/, '')
  return typed
}

/** A text without its capitals and marks, for comparing sets. */
export const bare = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}']+/gu, ' ')
    .trim()

/** Different sentences of held-out combinations, each in one of the given directions by turns. */
export function heldLines(
  seed: number,
  count: number,
  directions: readonly Direction[] = DIRECTIONS,
): Line[] {
  const random = new Random(seed)
  const phrases = new Map<string, Phrase>()
  while (phrases.size < count) {
    const phrase = drawPhrase(random)
    if (isHeldOut(phrase)) phrases.set(phrase.en, phrase)
  }
  return [...phrases.values()].map((phrase, i) => {
    const [from, to] = directions[i % directions.length] ?? ['en', 'de']
    return { from, to, source: phrase[from], target: phrase[to] }
  })
}
