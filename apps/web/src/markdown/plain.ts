/** Which texts are shown as they are, because to read them as Markdown would freeze whoever opened the page. Pure. */

/** Longer texts than this are no answers. Characters. */
const MOST_CHARACTERS = 12_000
/** Reading a paragraph takes time that grows with the square of these in it. */
const MARKS = /\*+|_+|~+|\$+|`+|<[?!]/g
const MOST_MARKS = 600
/** And of these: what each may close is looked for in all before it. */
const CLOSED = /\]/g
const MOST_CLOSED = 1_500
/** So does reading all blocks with the square of the lines. */
const MOST_LINES = 1_500
/** Quotes and lists inside each other, so deep that elements of the page nest without end. */
const NESTED = /^[\t ]*(?:(?:>|[-*+]|\d{1,9}[.)])[\t ]*){20}/
/** A line of nothing but these is a rule or the end of a heading. */
const RULE = /^[\t ]*(?:[-*_][\t ]*)+$/

export function isTooMuch(text: string): boolean {
  if (text.length > MOST_CHARACTERS) return true
  const lines = text.split('\n')
  if (lines.length > MOST_LINES) return true
  let marks = 0
  let closed = 0
  for (const line of lines) {
    if (line.trim() === '') marks = closed = 0
    else if (NESTED.test(line) && !RULE.test(line)) return true
    marks += line.match(MARKS)?.length ?? 0
    closed += line.match(CLOSED)?.length ?? 0
    if (marks > MOST_MARKS || closed > MOST_CLOSED) return true
  }
  return false
}
