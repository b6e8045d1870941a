import { type LockState, lockEnd } from '../../../../../sdk/chain/locks.ts'
import { refused } from '../../../../../sdk/errors.ts'

/**
 * What is signed for a lock that was shown to grow by `added` and to last until `end`, by the lock as it is when it is
 * signed. The end is absolute: an epoch that turned since it was shown moves nothing. Pure.
 *
 * @param end  The epoch in which the lock is over, as it was shown.
 * @returns `end` 0: as it is.
 * @throws `lock.longer`, `weeks.invalid` (refused).
 */
export function changeOf(lock: LockState, added: bigint, end: number): { added: bigint; end: number } {
  if (lock.amount === 0n || end > lock.end) return { added, end: lockEnd(lock.epoch, end - lock.epoch) }
  if (added === 0n) {
    throw refused('lock.longer', 'the lock lasts at least that long already', {
      fix: 'Name more weeks, or an amount to add.',
    })
  }
  return { added, end: 0 }
}
