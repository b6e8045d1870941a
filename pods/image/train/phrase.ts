import type { Random } from '../../training/random.ts'
import { type Combination, colours, type Position, type Shape, type Size } from './family.ts'

const SHAPE_WORDS: Record<Shape, readonly string[]> = {
  circle: ['circle', 'circle', 'disc'],
  square: ['square'],
  triangle: ['triangle'],
  cross: ['cross', 'cross', 'plus'],
}
const SIZE_WORDS: Record<Size, readonly string[]> = {
  small: ['small', 'small', 'little', 'tiny'],
  large: ['large', 'big', 'huge'],
}
const PLACE_WORDS: Record<Position, readonly string[]> = {
  'top left': [
    'top left',
    'in the top left',
    'in the top left corner',
    'in the upper left',
    'at the top left',
  ],
  top: ['top', 'at the top', 'top centre', 'at the top centre', 'top middle', 'in the upper middle'],
  'top right': [
    'top right',
    'in the top right',
    'in the top right corner',
    'in the upper right',
    'at the top right',
  ],
  left: ['left', 'on the left', 'on the left side', 'at the left'],
  centre: ['centre', 'center', 'middle', 'in the centre', 'in the center', 'in the middle'],
  right: ['right', 'on the right', 'on the right side', 'at the right'],
  'bottom left': [
    'bottom left',
    'in the bottom left',
    'in the bottom left corner',
    'in the lower left',
    'at the bottom left',
  ],
  bottom: [
    'bottom',
    'at the bottom',
    'bottom centre',
    'at the bottom centre',
    'bottom middle',
    'in the lower middle',
  ],
  'bottom right': [
    'bottom right',
    'in the bottom right',
    'in the bottom right corner',
    'in the lower right',
    'at the bottom right',
  ],
}

/** The parts a sentence is built from; an attribute that is not said is an empty string. */
interface Parts {
  /** "a small red circle" */
  thing: string
  article: string
  size: string
  colour: string
  shape: string
  /** "in the top left corner" */
  place: string
  /** "on a blue background" */
  ground: string
  /** "blue" */
  background: string
}

export type Sentence = (p: Parts) => string

/** The sentences of the family. */
export const TRAINING_SENTENCES: readonly Sentence[] = [
  (p) => `${p.thing} ${p.ground}, ${p.place}`,
  (p) => `${p.thing} ${p.ground}, ${p.place}`,
  (p) => `${p.thing} ${p.place} ${p.ground}`,
  (p) => `${p.thing}, ${p.place}, ${p.ground}`,
  (p) => `${p.ground}, ${p.thing} ${p.place}`,
  (p) => `${p.place} ${p.thing} ${p.ground}`,
  (p) => `a picture of ${p.thing} ${p.place} ${p.ground}`,
  (p) => `draw ${p.thing} ${p.ground} ${p.place}`,
  (p) => `please paint ${p.thing} ${p.ground}, ${p.place}`,
  (p) => `${p.size} ${p.colour} ${p.shape}, ${p.place}, ${p.background && `${p.background} background`}`,
]

/** Sentences that training never sees: asked beside the examination, to know how far its words reach. */
export const UNSEEN_SENTENCES: readonly Sentence[] = [
  (p) => `an image of ${p.thing}, ${p.place}, ${p.ground}`,
  (p) => `${p.ground} ${p.place}, ${p.thing}`,
  (p) => `please draw ${p.place} ${p.thing} ${p.ground}`,
]

const GROUND_WORDS = [
  (c: string) => `on ${article(c)} ${c} background`,
  (c: string) => `on ${article(c)} ${c} background`,
  (c: string) => `against ${article(c)} ${c} background`,
  (c: string) => `with ${article(c)} ${c} background`,
] as const

function article(word: string): string {
  return /^[aeiou]/.test(word) ? 'an' : 'a'
}

/** Which attributes a prompt leaves unsaid; the picture may then have any. */
export type Unsaid = Partial<Record<keyof Combination, boolean>>

/**
 * Says a combination in words.
 *
 * @param sentences One of the two lists above; a sentence of it is chosen by chance, and so are the synonyms.
 */
export function phrase(
  c: Combination,
  sentences: readonly Sentence[],
  random: Random,
  unsaid: Unsaid = {},
): string {
  const size = unsaid.size ? '' : random.pick(SIZE_WORDS[c.size])
  const colour = unsaid.colour ? '' : c.colour
  const shape = unsaid.shape ? 'shape' : random.pick(SHAPE_WORDS[c.shape])
  const place = unsaid.position ? '' : random.pick(PLACE_WORDS[c.position])
  const background = unsaid.background ? '' : c.background
  const ground = background && random.pick(GROUND_WORDS)(background)
  const thing = `${article(size || colour || shape)} ${size} ${colour} ${shape}`
  const said = random.pick(sentences)({
    thing,
    article: article(size || colour || shape),
    size,
    colour,
    shape,
    place,
    ground,
    background,
  })
  return said
    .replace(/\s+/g, ' ')
    .replace(/ ([,:])/g, '$1')
    .replace(/(^[,:]? ?)|([,:] ?$)/g, '')
    .replace(/,( ?,)+/g, ',')
    .trim()
}

/** An eighth of the training prompts leave something out, so that "a red circle" is a prompt too. */
export function drawUnsaid(random: Random): Unsaid {
  if (!random.chance(1 / 8)) return {}
  return {
    size: random.chance(0.5),
    position: random.chance(0.4),
    background: random.chance(0.4),
    colour: random.chance(0.15),
    shape: random.chance(0.08),
  }
}

const FILLERS = new Set([
  'a',
  'an',
  'the',
  'of',
  'on',
  'in',
  'at',
  'is',
  'that',
  'and',
  'with',
  'please',
  'corner',
  'side',
  'sized',
])

/** Drops a small word now and then, as people do. */
export function terse(prompt: string, random: Random): string {
  return prompt
    .split(' ')
    .filter((word) => !(FILLERS.has(word) && random.chance(0.03)))
    .join(' ')
}

/** The words that name something to draw, by kind. */
export function subjects(): Record<string, string[]> {
  const words = (lists: Record<string, readonly string[]>) =>
    [...new Set(Object.values(lists).flat().flatMap(lettersOf))].filter((word) => !FILLERS.has(word))
  return {
    shape: words(SHAPE_WORDS),
    colour: [...colours],
    size: words(SIZE_WORDS),
    place: words(PLACE_WORDS),
  }
}

/** Every word a training prompt can contain, in alphabetical order: the vocabulary. */
export function vocabulary(): string[] {
  const blank: Parts = {
    thing: '',
    article: '',
    size: '-',
    colour: '-',
    shape: '',
    place: '',
    ground: '',
    background: '-',
  }
  const sentences = TRAINING_SENTENCES.map((sentence) => sentence(blank))
  const grounds = GROUND_WORDS.map((ground) => ground('-'))
  const places = Object.values(PLACE_WORDS).flat()
  const words = [
    ...Object.values(subjects()).flat(),
    ...[...sentences, ...grounds, ...places].flatMap(lettersOf),
  ]
  return [...new Set([...words, 'shape', 'an', 'sized'])].sort()
}

function lettersOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z]+/g) ?? []
}
