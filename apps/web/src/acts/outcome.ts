import { BaseError, ChainMismatchError } from 'viem'
import type { Fate } from '../../../../sdk/chain/fate.ts'
import { refused } from '../../../../sdk/errors.ts'
import { walletCode, wordsOf } from '../session/words.ts'
import type { Intent } from './intents.ts'
import { repeatOf } from './view.ts'

/** What answers of wallets and looks at the chain mean for what was begun. Pure. */

/**
 * Answers of a wallet that come before it signs anything, one by one. EIP-1193: 4001 = its owner declined; 4100 = the page may
 * not use the account; 4200 = it does not do this. EIP-3085: 4902 = it does not know the chain. JSON-RPC and EIP-1474, where a
 * wallet hands on what its node said too: -32600, -32602 = the request cannot be read as one, so no node took it; -32601,
 * -32004 = there is no such method.
 *
 * No other is certain. 4900 and 4901, disconnected, may come after the sending; -32700 may mean the answer of the wallet's node
 * that it could not read; -32603 is anything; -32000 and -32003 are a node's 'already known', 'nonce too low' and 'replacement
 * underpriced', of a transaction that it has; -32002 is a wallet that is busy, and a node's timeout; -32005 is a limit, after
 * which wallets send again by themselves; 5000 is WalletConnect's refusal, and CAIP-25's unknown error.
 */
const BEFORE_SIGNING = new Set([4001, 4100, 4200, 4902, -32600, -32601, -32602, -32004])

/** Whether a wallet's refusal means for certain that nothing was sent. */
export function isNotSent(cause: unknown): boolean {
  if (cause instanceof BaseError && cause.walk((inner) => inner instanceof ChainMismatchError)) return true
  const code = walletCode(cause)
  return code !== undefined && BEFORE_SIGNING.has(code)
}

/**
 * The intent after that fate.
 *
 * @param now  Milliseconds since 1970.
 */
export function settled(intent: Intent, fate: Fate, now: number): Intent {
  const { asked, problem: _, ...before } = intent
  const hash = asked?.hash
  const rest = { ...before, ...mayStillCome(intent, fate) }
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

/** Where a block holds the call under another hash than the wallet gave, only a number tells whether both can be carried out. */
function mayStillCome(intent: Intent, fate: Fate): Pick<Intent, 'repeats'> {
  const { at, asked, repeats = [] } = intent
  if (fate.state !== 'included' || asked?.hash === undefined || asked.isNumbered) return {}
  if (fate.receipt.transactionHash === asked.hash || repeatOf(intent)) return {}
  return { repeats: [...repeats, { at, nonce: asked.nonce, since: asked.since }] }
}
