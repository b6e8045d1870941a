/** How formulas are read: no links, no pictures, no files; sizes in em. */
export const FORMULA = {
  output: 'mathml',
  trust: false,
  maxSize: 20,
  maxExpand: 200,
  strict: 'ignore',
} as const
