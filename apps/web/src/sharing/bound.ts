import { refused } from '../../../../sdk/errors.ts'
import type { ShareKey } from './server.ts'

/**
 * Nothing shared is dropped for something newer, as its secret would go with it: so there is an end to what is shared.
 *
 * @throws `share.many` (refused).
 */
export function checkShared(all: readonly { share?: ShareKey }[], most: number, nouns: string): void {
  if (all.filter(({ share }) => share !== undefined).length < most) return
  throw refused('share.many', `this browser has ${most} shared ${nouns} and keeps no more`, {
    fix: 'Delete a shared page that nobody needs any more.',
  })
}
