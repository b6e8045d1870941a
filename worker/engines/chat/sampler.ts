import { philox, type Words } from '../image/philox.ts'

/** How many of the likeliest tokens are committed to at every position. */
export const TOP = 8

/** Tokens this many nats below the likeliest are never drawn: together they weigh less than 1e-4. */
const REACH = 20

export interface Draw {
  readonly token: number
  /** Of the drawn token, under the model itself: before temperature and top_p. */
  readonly logprob: number
  /** The `TOP` likeliest tokens, likeliest first (equal ones by id). */
  readonly top: readonly { readonly token: number; readonly logprob: number }[]
}

export interface Sampling {
  readonly temperature: number
  readonly topP: number
  readonly seed: number
}

/**
 * Draws one token. Temperature 0 takes the likeliest. Otherwise argmax(logit / T + g), where the Gumbel noise g is
 * a pure function of (seed, position, token): Philox4x32-10 with key (low, high word of the seed) and counter
 * (token, position, 0, 0); its first word w gives u = (w + ½) / 2^32 and g = −ln(−ln u). So a verifier with nearly
 * the same logits draws nearly always the same token, whatever else it runs beside it.
 *
 * @param logits    Of one position, over the vocabulary.
 * @param position  Of the drawn token in the answer, from 0.
 */
export function draw(logits: Float32Array, position: number, { temperature, topP, seed }: Sampling): Draw {
  const total = logSumExp(logits)
  const top = likeliest(logits, TOP).map((token) => ({ token, logprob: (logits[token] ?? 0) - total }))
  const first = top[0]
  if (first === undefined || !Number.isFinite(first.logprob)) throw new RangeError('the model gave no logits')
  if (temperature === 0) return { token: first.token, logprob: first.logprob, top }
  const token = perturbed(logits, nucleus(logits, temperature, topP), position, temperature, seed)
  return { token, logprob: (logits[token] ?? 0) - total, top }
}

function logSumExp(logits: Float32Array): number {
  let most = Number.NEGATIVE_INFINITY
  for (const logit of logits) if (logit > most) most = logit
  let sum = 0
  for (const logit of logits) sum += Math.exp(logit - most)
  return most + Math.log(sum)
}

/** Ids of the `count` largest logits, largest first, equal ones by id. */
function likeliest(logits: Float32Array, count: number): number[] {
  const best: number[] = []
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id] ?? 0
    const last = best[count - 1]
    if (last !== undefined && logit <= (logits[last] ?? 0)) continue
    let at = Math.min(best.length, count - 1)
    while (at > 0 && (logits[best[at - 1] ?? 0] ?? 0) < logit) at--
    best.splice(at, 0, id)
    if (best.length > count) best.pop()
  }
  return best
}

/** The fewest likeliest tokens whose probability at this temperature reaches `topP`. */
function nucleus(logits: Float32Array, temperature: number, topP: number): number[] {
  let most = Number.NEGATIVE_INFINITY
  for (const logit of logits) if (logit > most) most = logit
  const within: number[] = []
  for (let id = 0; id < logits.length; id++) {
    if ((logits[id] ?? 0) >= most - REACH * temperature) within.push(id)
  }
  if (topP >= 1) return within
  const weight = (id: number) => Math.exp(((logits[id] ?? 0) - most) / temperature)
  const total = within.reduce((sum, id) => sum + weight(id), 0)
  within.sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b)
  let [sum, count] = [0, 0]
  while (count < within.length && sum < topP * total) {
    sum += weight(within[count] ?? 0)
    count += 1
  }
  return within.slice(0, Math.max(1, count))
}

function perturbed(
  logits: Float32Array,
  among: readonly number[],
  position: number,
  temperature: number,
  seed: number,
): number {
  const words: Words = [0, 0, 0, 0]
  let [best, bestScore] = [among[0] ?? 0, Number.NEGATIVE_INFINITY]
  for (const token of among) {
    philox(seed >>> 0, Math.floor(seed / 2 ** 32), [token, position, 0, 0], words)
    const noise = -Math.log(-Math.log((words[0] + 0.5) / 2 ** 32))
    const score = (logits[token] ?? 0) / temperature + noise
    if (score > bestScore) [best, bestScore] = [token, score]
  }
  return best
}
