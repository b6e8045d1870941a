import { bytePairsJson, trainBytePairs, type Vocabulary } from '../../training/bpe.ts'
import { Random } from '../../training/random.ts'
import { trainingPairs } from './pairs.ts'

export const PAD = '<|pad|>'
const MARKS = [PAD] as const
/** Pairs that the vocabulary is learnt from. */
export const VOCABULARY_PAIRS = 20_000

export function vocabularyOf(seed: number, size: number): Vocabulary {
  const pairs = trainingPairsOf(seed)
  return trainBytePairs(
    pairs.flatMap(({ one, other }) => [one.toLowerCase(), other.toLowerCase()]),
    size,
    MARKS,
  )
}

/** The pairs that the vocabulary of a seed is learnt from, in batches as the training's. */
export function trainingPairsOf(seed: number) {
  const random = new Random(seed)
  return Array.from({ length: VOCABULARY_PAIRS / 100 }, () => trainingPairs(random, 100)).flat()
}

/** Reads everything in lower case. */
export const tokenizerJson = (vocabulary: Vocabulary): Record<string, unknown> =>
  bytePairsJson(vocabulary, MARKS, { normalizer: { type: 'Lowercase' } })

export const tokenizerConfig = (context: number): Record<string, unknown> => ({
  tokenizer_class: 'PreTrainedTokenizerFast',
  model_max_length: context,
  pad_token: PAD,
  clean_up_tokenization_spaces: false,
})
