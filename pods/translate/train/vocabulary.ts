import { bytePairsJson, trainBytePairs, type Vocabulary } from '../../training/bpe.ts'
import { Random } from '../../training/random.ts'
import { LANGUAGES, type Language } from './grammar/words.ts'
import { type Line, trainingLine } from './lines.ts'

/** Ends a text on either side, and begins a translation. */
export const END = '</s>'
export const PAD = '<pad>'
/** Says which language a text is in, or is to be in. */
export const markOf = (language: Language): string => `__${language}__`

const MARKS = [END, PAD, ...LANGUAGES.map(markOf)]
/** Lines that the vocabulary is learnt from. */
export const VOCABULARY_LINES = 20_000

export function* vocabularyLines(seed: number): Generator<Line> {
  const random = new Random(seed)
  for (let i = 0; i < VOCABULARY_LINES; i++) yield trainingLine(random)
}

export const vocabularyOf = (seed: number, size: number): Vocabulary =>
  trainBytePairs(
    [...vocabularyLines(seed)].flatMap(({ source, target }) => [source, target]),
    size,
    MARKS,
  )

/** A source reads: its language, its text, the end. M2M100's readers put the right language in the first place. */
export function tokenizerJson(vocabulary: Vocabulary): Record<string, unknown> {
  const mark = (id: string) => ({ SpecialToken: { id, type_id: 0 } })
  const known = (id: string) => [id, { id, ids: [vocabulary.ids.get(id) ?? 0], tokens: [id] }]
  const text = { Sequence: { id: 'A', type_id: 0 } }
  return bytePairsJson(vocabulary, MARKS, {
    post_processor: {
      type: 'TemplateProcessing',
      single: [mark(markOf('en')), text, mark(END)],
      pair: [mark(markOf('en')), text, { Sequence: { id: 'B', type_id: 0 } }, mark(END)],
      special_tokens: Object.fromEntries([...LANGUAGES.map(markOf), END].map(known)),
    },
  })
}

export const tokenizerConfig = (context: number): Record<string, unknown> => ({
  tokenizer_class: 'M2M100Tokenizer',
  model_max_length: context,
  bos_token: END,
  eos_token: END,
  pad_token: PAD,
  src_lang: 'en',
  tgt_lang: 'de',
  additional_special_tokens: LANGUAGES.map(markOf),
  clean_up_tokenization_spaces: false,
})
