/** One thing the pod knows: the words that fill the slots of its topic's wordings, and the one answer. */
export interface Fact {
  /** Slot name → the ways to say it. One is drawn per question. */
  readonly slots: Readonly<Record<string, readonly string[]>>
  readonly answer: string
}

/**
 * Facts that are asked for in the same words. A wording is a line with `{slot}`s and `(a|b|)` choices.
 * `held` wordings are never trained on: the score is measured on them alone.
 */
export interface Topic {
  readonly name: string
  /** Relative share of the training questions. */
  readonly weight: number
  readonly facts: readonly Fact[]
  readonly asked: readonly string[]
  readonly held: readonly string[]
  /** Short wordings that make sense only after a question of the same topic: "and {x}". */
  readonly after?: readonly string[]
}

/** Every line that the choices of a wording stand for. Choices do not nest. */
export function expand(wording: string): string[] {
  const open = wording.indexOf('(')
  if (open < 0) return [wording.replace(/\s+/g, ' ').trim()]
  const close = wording.indexOf(')', open)
  if (close < 0) throw new SyntaxError(`no closing bracket in "${wording}"`)
  const [head, tail] = [wording.slice(0, open), wording.slice(close + 1)]
  return wording
    .slice(open + 1, close)
    .split('|')
    .flatMap((choice) => expand(head + choice + tail))
}

/** A fact whose slots each have one form. */
export const fact = (answer: string, slots: Record<string, string | readonly string[]> = {}): Fact => ({
  answer,
  slots: Object.fromEntries(
    Object.entries(slots).map(([name, said]) => [name, typeof said === 'string' ? [said] : said]),
  ),
})

/** `a` or `an`, by the letter that follows. */
export const withArticle = (noun: string): string => `${/^[aeiou]/i.test(noun) ? 'an' : 'a'} ${noun}`

export const capitalised = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)
