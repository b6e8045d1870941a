import type { ImageConfig } from './config.ts'
import { philox, type Words } from './philox.ts'
import { type Vocabulary, wordsOf } from './words.ts'

type Completion = NonNullable<ImageConfig['completion']>

/** What a prompt names, each in the pod's words; empty where it names nothing. */
interface Named {
  shape: string
  size: string
  place: string
  colour: string
  background: string
}

/**
 * A small model draws what it is told and blurs what it is not. So a prompt that leaves something out, or says it in
 * words the model does not know, is said again in the pod's own sentence, and the seed chooses what was left out.
 * A prompt that names everything in known words is read as it stands.
 *
 * @returns the prompt the model reads; the same for the same prompt and seed.
 */
export function completed(prompt: string, seed: number, config: ImageConfig, vocabulary: Vocabulary): string {
  const { completion, subjects } = config
  if (completion === undefined) return prompt
  const words = wordsOf(prompt)
  const named = namedIn(words, subjects, completion)
  if (Object.values(named).every((word) => word !== '') && words.every((word) => vocabulary.knows(word)))
    return prompt

  const all: Named = { ...named }
  for (const kind of ['shape', 'size', 'place'] as const)
    all[kind] ||= chosen(completion.choices[kind], seed, kind)
  all.colour ||= chosen(without(completion.choices.colour, named.background), seed, 'colour')
  all.background ||= chosen(without(completion.choices.colour, all.colour), seed, 'background')
  return completion.sentence.replace(/\{(\w+)\}/g, (_, kind: keyof Named) => all[kind])
}

function namedIn(words: readonly string[], subjects: ImageConfig['subjects'], completion: Completion): Named {
  const of = (kind: string) => new Set(subjects[kind])
  const singular = (word: string) => (of('shape').has(word) ? word : word.replace(/s$/, ''))
  const colours = words.flatMap((word, at) => (of('colour').has(word) ? [{ word, at }] : []))
  const ground = colours.find(({ at }) => isGround(words, at, completion))
  return {
    shape: words.map(singular).find((word) => of('shape').has(word)) ?? '',
    size: words.find((word) => of('size').has(word)) ?? '',
    place: [...new Set(words.filter((word) => of('place').has(word)))].join(' '),
    colour: colours.find((colour) => colour !== ground)?.word ?? '',
    background: ground?.word ?? '',
  }
}

/** "black background", "background is black", "on (a) black": whether the colour at this word is the ground's. */
function isGround(words: readonly string[], at: number, { ground, before }: Completion): boolean {
  if (words[at + 1] === ground) return true
  const two = [words[at - 1] ?? '', words[at - 2] ?? '']
  return (
    two.includes(ground) ||
    before.includes(two[0] ?? '') ||
    (/^(an?|the)$/.test(two[0] ?? '') && before.includes(two[1] ?? ''))
  )
}

const KINDS = ['shape', 'size', 'place', 'colour', 'background'] as const

/** One of the words, by the seed: Philox with key (seed, 1), apart from the key (seed, 0) of the noise. */
function chosen(from: readonly string[], seed: number, kind: (typeof KINDS)[number]): string {
  const words: Words = [0, 0, 0, 0]
  philox(seed, 1, [KINDS.indexOf(kind), 0, 0, 0], words)
  return from[Math.floor((words[0] / 4294967296) * from.length)] ?? ''
}

function without(from: readonly string[], one: string): string[] {
  return from.filter((word) => word !== one)
}
