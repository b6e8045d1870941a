/** How formulas are read: no links, no pictures, no files; sizes in em. What is no command stands there as text, in its colour. */
export const FORMULA = {
  output: 'mathml',
  trust: false,
  maxSize: 20,
  maxExpand: 200,
  strict: 'ignore',
  errorColor: 'inherit',
} as const
