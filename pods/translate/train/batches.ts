import { Tokenizer } from '@huggingface/tokenizers'
import { Tensor } from '../../../worker/engines/onnx.ts'
import type { Vocabulary } from '../../training/bpe.ts'
import type { Random } from '../../training/random.ts'
import { type Line, trainingLine } from './lines.ts'
import { END, markOf, PAD, tokenizerConfig, tokenizerJson } from './vocabulary.ts'

/** Lengths that batches come in, either side, and how many rows fill about the same number of tokens. */
export const BUCKETS = [
  { time: 12, rows: 80 },
  { time: 16, rows: 60 },
  { time: 24, rows: 40 },
] as const
export type Bucket = (typeof BUCKETS)[number]

/** A translation as tokens. */
interface Row {
  readonly source: readonly number[]
  /** What the decoder reads: the end mark, the language, the text. It is to say the same one place on. */
  readonly ids: readonly number[]
}

export interface Batch {
  readonly bucket: Bucket
  readonly feeds: Record<string, Tensor>
}

/** Sorts an endless stream of lines into buckets and gives each one out as soon as it is full. */
export function* batches(vocabulary: Vocabulary, context: number, random: Random): Generator<Batch, never> {
  const tokenizer = new Tokenizer(tokenizerJson(vocabulary), tokenizerConfig(context))
  const text = (words: string): number[] => tokenizer.encode(words, { add_special_tokens: false }).ids
  const id = (mark: string) => vocabulary.ids.get(mark) ?? 0
  const rowOf = ({ from, to, source, target }: Line): Row => ({
    source: [id(markOf(from)), ...text(source), id(END)],
    ids: [id(END), id(markOf(to)), ...text(target)],
  })
  const waiting = new Map<Bucket, Row[]>(BUCKETS.map((bucket) => [bucket, []]))
  for (;;) {
    const row = rowOf(trainingLine(random))
    const longest = Math.max(row.source.length, row.ids.length)
    const bucket = BUCKETS.find(({ time }) => longest <= time)
    const rows = bucket && waiting.get(bucket)
    // Longer than the largest bucket: rare, and nothing is lost by leaving it out.
    if (bucket === undefined || rows === undefined) continue
    rows.push(row)
    if (rows.length < bucket.rows) continue
    waiting.set(bucket, [])
    yield { bucket, feeds: toTensors(rows, bucket.time, id(PAD), id(END)) }
  }
}

function toTensors(rows: readonly Row[], time: number, pad: number, end: number): Record<string, Tensor> {
  const count = rows.length * time
  const [source, ids, target] = [0, 1, 2].map(() => new BigInt64Array(count).fill(BigInt(pad))) as [
    BigInt64Array,
    BigInt64Array,
    BigInt64Array,
  ]
  const [there, weight] = [new Float32Array(count), new Float32Array(count)]
  for (const [r, row] of rows.entries()) {
    const at = r * time
    for (const [i, id] of row.source.entries()) {
      source[at + i] = BigInt(id)
      there[at + i] = 1
    }
    for (const [i, id] of row.ids.entries()) {
      ids[at + i] = BigInt(id)
      target[at + i] = BigInt(row.ids[i + 1] ?? end)
      // The language after the first mark is given, not learnt.
      weight[at + i] = i === 0 ? 0 : 1
    }
  }
  const whole = (values: BigInt64Array) => new Tensor('int64', values, [count])
  return {
    source: whole(source),
    ids: whole(ids),
    target: whole(target),
    there: new Tensor('float32', there, [rows.length, time]),
    weight: new Tensor('float32', weight, [count]),
  }
}
