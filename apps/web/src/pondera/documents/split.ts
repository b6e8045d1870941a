/** A text in overlapping pieces, and those of them that are nearest to a question. Pure. */

export interface Cut {
  /** Characters of a piece. */
  size: number
  /** Characters that a piece shares with the one before. */
  overlap: number
}

/** Pieces end where a sentence or at least a word does, if one does in their last third. */
export function piecesOf(text: string, { size, overlap }: Cut): string[] {
  const flat = flattened(text)
  const pieces: string[] = []
  for (let from = 0; from < flat.length; ) {
    const to = endOf(flat, from, size)
    const piece = flat.slice(from, to).trim()
    if (piece !== '') pieces.push(piece)
    if (to >= flat.length) break
    from = Math.max(from + 1, to - overlap)
  }
  return pieces
}

/** One line per line that says something, one space where there were more; in a time that grows with the text alone. */
const flattened = (text: string): string =>
  text
    .replaceAll(/[\t ]+/g, ' ')
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n')

function endOf(text: string, from: number, size: number): number {
  const most = from + size
  if (most >= text.length) return text.length
  const least = from + Math.floor((2 * size) / 3)
  const last = text.slice(least, most)
  for (const end of ['\n', '. ', ' ']) {
    const at = last.lastIndexOf(end)
    if (at >= 0) return least + at + end.length
  }
  return most
}

export interface Ranked<T> {
  item: T
  /** Cosine of the angle to the question. */
  score: number
}

interface Wanted {
  most: number
  least: number
}

/** The nearest first. Vectors have length 1, as embed pods answer them. */
export const nearest = <T extends { vector: readonly number[] }>(
  question: readonly number[],
  items: readonly T[],
  wanted: Wanted,
): Ranked<T>[] => nearestToAny([question], items, wanted)

/** Those that are nearest to any part of a question. */
export function nearestToAny<T extends { vector: readonly number[] }>(
  parts: readonly (readonly number[])[],
  items: readonly T[],
  { most, least }: Wanted,
): Ranked<T>[] {
  return items
    .map((item) => ({ item, score: Math.max(...parts.map((part) => dot(part, item.vector))) }))
    .filter(({ score }) => score >= least)
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0)

/** Texts in groups of at most so many bytes, in their order: what one call may carry. */
export function inCalls(texts: readonly string[], bytes: number): string[][] {
  const calls: string[][] = []
  let room = 0
  for (const text of texts) {
    const size = new TextEncoder().encode(JSON.stringify(text)).length + 1
    const last = calls.at(-1)
    if (last && size <= room) {
      last.push(text)
      room -= size
    } else {
      calls.push([text])
      room = bytes - size
    }
  }
  return calls
}
