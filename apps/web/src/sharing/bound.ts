import { type HeuristError, refused } from '../../../../sdk/errors.ts'

/** Nothing shared is dropped for something newer, so there is an end to what is shared: with it would go its secret. */
export const tooManyShared = (most: number, nouns: string): HeuristError =>
  refused('share.many', `${most} ${nouns} of this browser are shared already`, {
    fix: 'Delete a shared page that nobody needs any more.',
  })
