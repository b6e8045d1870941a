import { BaseError, ChainMismatchError } from 'viem'
import type { Fate } from '../../../../sdk/chain/fate.ts'
import { refused } from '../../../../sdk/errors.ts'
import { walletCode, wordsOf } from '../session/words.ts'
import type { Intent } from './intents.ts'

/** What answers of wallets and looks at the chain mean for what was begun. Pure. */

/** Answers of a wallet after which the transaction may still be on its way: disconnected, internal, no code at all. */
const UNCLEAR = new Set([4900, -32603, -1])

/** Whether a wallet's refusal means for certain that nothing was sent. */
export function isNotSent(cause: unknown): boolean {
  if (cause instanceof BaseError && cause.walk((inner) => inner instanceof ChainMismatchError)) return true
  const code = walletCode(cause)
  return code !== undefined && !UNCLEAR.has(code)
}

/**
 * The intent after that fate.
 *
 * @param now  Milliseconds since 1970.
 */
export function settled(intent: Intent, fate: Fate, now: number): Intent {
  const { asked, problem: _, ...rest } = intent
  const hash = asked?.hash
  switch (fate.state) {
    case 'included': {
      const at = intent.at + 1
      const hashes = [...intent.hashes, fate.receipt.transactionHash]
      if (at < intent.calls.length) return { ...rest, at, hashes, phase: 'ready' }
      return { ...rest, at, hashes, phase: 'done', doneAt: now }
    }
    case 'reverted':
      return {
        ...rest,
        phase: 'failed',
        hashes: [...intent.hashes, fate.hash],
        problem: wordsOf(fate.error),
      }
    case 'replaced':
      return {
        ...rest,
        phase: 'failed',
        hashes: hash ? [...intent.hashes, hash] : intent.hashes,
        problem: wordsOf(
          refused(
            'transaction.replaced',
            'the wallet sent another call in place of this one, or cancelled it',
            {
              fix: 'Do it again, if you still want it.',
            },
          ),
        ),
      }
    default:
      return intent
  }
}
