import { Tokenizer } from '@huggingface/tokenizers'
import { Tensor } from '../../../worker/engines/onnx.ts'
import type { Vocabulary } from '../../training/bpe.ts'
import type { Random } from '../../training/random.ts'
import { trainingPairs } from './pairs.ts'
import { tokenizerConfig, tokenizerJson } from './vocabulary.ts'

/** Intents of one batch: each is told apart from all others. */
export const PAIRS = 32

/** Lengths that batches come in: the shortest that holds a batch's longest line. A longer line is cut. Tokens. */
export const TIMES = [20, 28, 40] as const
export type Time = (typeof TIMES)[number]

export interface Batch {
  readonly time: Time
  readonly feeds: Record<string, Tensor>
}

export function* batches(vocabulary: Vocabulary, context: number, random: Random): Generator<Batch, never> {
  const tokenizer = new Tokenizer(tokenizerJson(vocabulary), tokenizerConfig(context))
  for (;;) {
    const pairs = trainingPairs(random, PAIRS)
    const lines = [...pairs.map(({ one }) => one), ...pairs.map(({ other }) => other)]
    const rows = lines.map((line): number[] => tokenizer.encode(line).ids)
    const longest = Math.max(...rows.map((ids) => ids.length))
    const time = TIMES.find((most) => longest <= most) ?? 40
    yield { time, feeds: toTensors(rows, time) }
  }
}

function toTensors(rows: readonly (readonly number[])[], time: number): Record<string, Tensor> {
  const [ids, there] = [new BigInt64Array(rows.length * time), new Float32Array(rows.length * time)]
  for (const [r, row] of rows.entries()) {
    for (const [i, id] of row.slice(0, time).entries()) {
      ids[r * time + i] = BigInt(id)
      there[r * time + i] = 1
    }
  }
  return {
    ids: new Tensor('int64', ids, [ids.length]),
    there: new Tensor('float32', there, [rows.length, time]),
  }
}
