import type { Random } from '../world.ts'

/** Probes must look like traffic: what people ask, in many variations, drawn anew each time. */

const TOPICS = [
  'a pod',
  'a receipt',
  'a voucher',
  'an epoch',
  'a frontend',
  'a batch',
  'the router',
  'a slot',
]
const COLOURS = ['red', 'blue', 'green', 'yellow', 'black', 'white', 'purple', 'orange']
const SHAPES = ['circle', 'square', 'triangle', 'star', 'cross', 'ring', 'diamond']

/** @returns An input document of the pod's kind. */
export function questionFor(kind: string, random: Random): object {
  const draw = (limit: number) => drawn(random) % limit
  const of = (words: readonly string[]) => words[draw(words.length)] ?? ''
  if (kind === 'image') {
    return { prompt: `a ${of(COLOURS)} ${of(SHAPES)} on a ${of(COLOURS)} background`, seed: draw(1_000_000) }
  }
  const content = draw(2) === 0 ? `What is ${of(TOPICS)}?` : `What is ${draw(50)} plus ${draw(50)}?`
  return { messages: [{ role: 'user', content }], max_tokens: 16 + draw(32), seed: draw(1_000_000) }
}

/** 32 random bits. */
export function drawn(random: Random): number {
  const [a = 0, b = 0, c = 0, d = 0] = random.bytes(4)
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}
