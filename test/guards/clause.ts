/**
 * The guards that are no reverts: conditions that skip, least and most, what is written down so that it counts once.
 * `⟦ ⟧` marks what is switched off; the text around it says which one is meant.
 */
export interface Clause {
  readonly file: string
  readonly text: string
  readonly before: string
  readonly after: string
}

/** The condition counts as met. */
export const met = (file: string, ...texts: string[]) =>
  texts.map((text) => ({ file, text, before: '(OFF || (', after: '))' }))
/** The condition counts as not met. */
export const unmet = (file: string, ...texts: string[]) =>
  texts.map((text) => ({ file, text, before: '(!OFF && (', after: '))' }))
/** The statement is not carried out. */
export const undone = (file: string, ...texts: string[]) =>
  texts.map((text) => ({ file, text, before: 'if (!OFF) ', after: '' }))
/** Another value stands in its place. */
export const instead = (file: string, value: string, text: string) => ({
  file,
  text,
  before: `(OFF ? ${value} : (`,
  after: '))',
})
