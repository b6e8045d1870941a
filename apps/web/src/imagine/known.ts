import type { Manifest } from '../../../../sdk/protocol/manifest.ts'
import type { Asked } from '../../pictures/record.ts'
import { askedOf, type Form, fieldsOf, formOf } from './fields.ts'
import { EXAMPLES } from './prompts.ts'

/** What this page knows of a model beyond its manifest, by the files it is: the shipped one's examples and words. Pure. */

/** SHA-256 of the files that made the examples: `pods/image/pod.yaml`. */
const FILES: readonly string[] = [
  '1b3f2ccf6d44f25922964066a06f642f41ecf20efe43b3745d1e416408cb9276',
  'a16b98554e0c00e1fc2a0047df073ab50cc543271d1980d8f0bf908f1ac780cd',
  '51de3963fb4b416935badd200ce8b523ae6bf94373088d13080174e73c9701b1',
  '849d23df7047a3af067f88433017c210367d5b432a0a1d9bf7455bf802bd082c',
]

const isShipped = ({ files }: Pick<Manifest, 'files'>): boolean =>
  FILES.every((hash) => files.some(({ sha256 }) => sha256 === hash))

export interface Example {
  /** The whole request that the model answered with the picture. */
  asked: Asked
  /** Where the picture is; `npx tsx test/apps/examples.ts` draws it. */
  picture: string
}

const SEEDS = [11, 3, 8] as const

export const DRAWN: readonly Example[] = EXAMPLES.map((prompt, index) => ({
  asked: { prompt, size: '256x256', steps: 12, guidance: 2, seed: SEEDS[index] ?? 0 },
  picture: `/imagine/examples/${index + 1}.png`,
}))

/** The pictures that this model makes of this form's own requests; none of a model that would be sent something else. */
export function examplesOf(manifest: Manifest): readonly Example[] {
  const fields = fieldsOf(manifest)
  const isSent = ({ asked }: Example) =>
    JSON.stringify(askedOf(fields, formOf(asked, fields), asked.seed ?? 0)) === JSON.stringify(asked)
  return isShipped(manifest) ? DRAWN.filter(isSent) : []
}

export interface Keywords {
  kind: string
  words: readonly string[]
  /** How a word of this kind stands in a prompt. */
  said: (word: string) => string
}

const COLOURS = ['red', 'yellow', 'green', 'blue', 'white', 'black'] as const
const asItIs = (word: string) => word

/** In the order in which the model's own sentences have them: `pods/image/model/config.json`. */
export const KEYWORDS: readonly Keywords[] = [
  { kind: 'Size', words: ['small', 'large'], said: asItIs },
  { kind: 'Colour', words: COLOURS, said: asItIs },
  { kind: 'Shape', words: ['circle', 'square', 'triangle', 'cross'], said: asItIs },
  { kind: 'Background', words: COLOURS, said: (word) => `on a ${word} background` },
  {
    kind: 'Place',
    words: [
      'top left',
      'top',
      'top right',
      'left',
      'centre',
      'right',
      'bottom left',
      'bottom',
      'bottom right',
    ],
    said: asItIs,
  },
]

/** The words that a model is known to know. */
export const keywordsOf = (manifest: Pick<Manifest, 'files'>): readonly Keywords[] =>
  isShipped(manifest) ? KEYWORDS : []

/** A prompt with something more said in it. */
export const withWord = ({ prompt }: Pick<Form, 'prompt'>, said: string): string =>
  `${prompt.trimEnd()} ${said}`.trimStart()
