/**
 * Byte-level BPE, trained here and written as a Hugging Face `tokenizer.json`: every text has tokens, so nothing
 * is ever unknown. A pod's own marks come first.
 */

/** GPT-2's cut of a text into words, which the `ByteLevel` pre-tokenizer applies. */
const WORD = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu

/** GPT-2's printable letter for each byte. */
const LETTERS: readonly string[] = (() => {
  const printable = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174
  let next = 256
  return Array.from({ length: 256 }, (_, b) => String.fromCodePoint(printable(b) ? b : next++))
})()

interface Word {
  parts: string[]
  readonly count: number
}

export interface Vocabulary {
  /** Token → id, special marks first, then bytes, then merges. */
  readonly ids: ReadonlyMap<string, number>
  readonly merges: readonly (readonly [string, string])[]
}

/** Merges the most frequent neighbours (ties: the smaller pair) until there are `size` tokens, marks included. */
export function trainBytePairs(texts: Iterable<string>, size: number, marks: readonly string[]): Vocabulary {
  const words = countWords(texts)
  const tokens = [...marks, ...LETTERS]
  const merges: [string, string][] = []
  while (tokens.length < size) {
    const best = mostFrequentPair(words)
    if (best === undefined) break
    merges.push(best)
    tokens.push(best[0] + best[1])
    for (const word of words) word.parts = merged(word.parts, best)
  }
  return { ids: new Map(tokens.map((token, id) => [token, id])), merges }
}

function countWords(texts: Iterable<string>): Word[] {
  const counts = new Map<string, number>()
  for (const text of texts) {
    for (const [word] of text.matchAll(WORD)) counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  const encoder = new TextEncoder()
  return [...counts].map(([word, count]) => ({
    parts: Array.from(encoder.encode(word), (byte) => LETTERS[byte] ?? ''),
    count,
  }))
}

function mostFrequentPair(words: readonly Word[]): [string, string] | undefined {
  const counts = new Map<string, number>()
  for (const { parts, count } of words) {
    for (let i = 1; i < parts.length; i++) {
      const pair = `${parts[i - 1]} ${parts[i]}`
      counts.set(pair, (counts.get(pair) ?? 0) + count)
    }
  }
  let best: [string, number] | undefined
  for (const [pair, count] of counts) {
    if (best === undefined || count > best[1] || (count === best[1] && pair < best[0])) best = [pair, count]
  }
  // A pair seen once is no pattern.
  if (best === undefined || best[1] < 2) return undefined
  const [left = '', right = ''] = best[0].split(' ')
  return [left, right]
}

function merged(parts: string[], [left, right]: readonly [string, string]): string[] {
  if (!parts.includes(left)) return parts
  const out: string[] = []
  for (let i = 0; i < parts.length; i++) {
    if (parts[i] === left && parts[i + 1] === right) {
      out.push(left + right)
      i++
    } else out.push(parts[i] ?? '')
  }
  return out
}

/** The content of `tokenizer.json`; `around` may set a normalizer and a post-processor. */
export function bytePairsJson(
  { ids, merges }: Vocabulary,
  marks: readonly string[],
  around: { readonly normalizer?: object; readonly post_processor?: object } = {},
): Record<string, unknown> {
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: marks.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: around.normalizer ?? null,
    pre_tokenizer: bytes,
    post_processor: around.post_processor ?? null,
    decoder: bytes,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(ids),
      merges,
    },
  }
}
