import { Tokenizer } from '@huggingface/tokenizers'
import { Tensor } from '../../../worker/engines/onnx.ts'
import type { Conversation } from './questions.ts'
import { ASSISTANT, END, tokenizerConfig, tokenizerJson, USER, type Vocabulary } from './vocabulary.ts'

/** A conversation as tokens; `learnt[i]` says whether predicting token i + 1 counts. */
export interface Row {
  readonly ids: readonly number[]
  readonly learnt: readonly boolean[]
}

/** Lengths that batches come in, and how many rows fill about the same number of tokens. */
export const BUCKETS = [
  { time: 24, rows: 48 },
  { time: 36, rows: 32 },
  { time: 52, rows: 22 },
  { time: 76, rows: 15 },
  { time: 112, rows: 10 },
] as const

export type Bucket = (typeof BUCKETS)[number]

export function makeEncoder(vocabulary: Vocabulary, context: number): (conversation: Conversation) => Row {
  const tokenizer = new Tokenizer(tokenizerJson(vocabulary), tokenizerConfig(context))
  const encode = (text: string): number[] => tokenizer.encode(text, { add_special_tokens: false }).ids
  return (conversation) => {
    const ids: number[] = []
    const learnt: boolean[] = []
    for (const { question, answer } of conversation) {
      const asked = encode(USER + question + END + ASSISTANT)
      const answered = encode(answer + END)
      ids.push(...asked, ...answered)
      // The mark before the answer predicts its first token; the answer's end predicts nothing we teach.
      learnt.push(...asked.map((_, i) => i === asked.length - 1))
      learnt.push(...answered.map((_, i) => i < answered.length - 1))
    }
    return { ids, learnt }
  }
}

export interface Batch {
  readonly bucket: Bucket
  readonly feeds: Record<string, Tensor>
}

/** Sorts an endless stream of rows into buckets and gives each one out as soon as it is full. */
export function* batches(next: () => Row): Generator<Batch> {
  const waiting = new Map<Bucket, Row[]>(BUCKETS.map((bucket) => [bucket, []]))
  for (;;) {
    const row = next()
    const bucket = BUCKETS.find(({ time }) => row.ids.length <= time)
    const rows = bucket && waiting.get(bucket)
    // Longer than the largest bucket: rare, and nothing is lost by leaving it out.
    if (bucket === undefined || rows === undefined) continue
    rows.push(row)
    if (rows.length < bucket.rows) continue
    waiting.set(bucket, [])
    yield { bucket, feeds: toTensors(rows, bucket) }
  }
}

function toTensors(rows: readonly Row[], { time }: Bucket): Record<string, Tensor> {
  const count = rows.length * time
  const [ids, target, weight] = [new BigInt64Array(count), new BigInt64Array(count), new Float32Array(count)]
  for (const [r, row] of rows.entries()) {
    for (const [i, id] of row.ids.entries()) {
      ids[r * time + i] = BigInt(id)
      if (!row.learnt[i]) continue
      target[r * time + i] = BigInt(row.ids[i + 1] ?? 0)
      weight[r * time + i] = 1
    }
  }
  return {
    ids: new Tensor('int64', ids, [count]),
    target: new Tensor('int64', target, [count]),
    weight: new Tensor('float32', weight, [count]),
  }
}
