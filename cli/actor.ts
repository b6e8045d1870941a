import type { Address, Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import type { Call } from '../sdk/chain/call.ts'
import type { Sender } from '../sdk/chain/clients.ts'
import type { Economy } from '../sdk/chain/economy.ts'
import { keySender } from '../sdk/chain/key-sender.ts'
import { refused } from '../sdk/errors.ts'
import { payerKey } from './account.ts'
import { type Outcome, perform } from './act.ts'
import type { Printer } from './print.ts'
import { addressOf, type Place } from './trust.ts'

/** Who acts: a key, or an address alone, whose calls a Safe or a hardware wallet signs elsewhere. */
export interface Actor {
  account: Address
  /** Absent where only the address is known. */
  sender?: Sender
}

export interface ActorOptions {
  keyFile?: string
  account?: string
}

/**
 * @param key  Of who acts if nobody is named; default: the payer's.
 * @throws `account.other`, `address.invalid`, `key.missing` (refused).
 */
export function actorFor(options: ActorOptions, { chain, network }: Place, key?: Hex): Actor {
  if (options.account !== undefined && options.keyFile === undefined) {
    return { account: addressOf(options.account, '--account') }
  }
  const account = privateKeyToAccount(key ?? payerKey(options, network))
  if (
    options.account !== undefined &&
    addressOf(options.account, '--account') !== account.address.toLowerCase()
  ) {
    throw refused('account.other', `the key is that of ${account.address}, not of ${options.account}`, {
      fix: 'Name one of them.',
    })
  }
  return { account: account.address, sender: keySender(chain, account) }
}

/** {@link perform} as somebody. @throws `account.keyless` (refused) if only an address is known and it is no dry run. */
export async function performAs(
  print: Printer,
  place: Place & { economy?: Economy },
  calls: readonly Call[],
  { account, sender, dryRun }: Actor & { dryRun: boolean },
): Promise<Outcome> {
  if (!dryRun && !sender && calls.length > 0) {
    throw refused('account.keyless', `an address alone cannot send: ${account}`, {
      fix: 'Add --dry-run for the calls to sign elsewhere, or name its key with --key-file.',
    })
  }
  return perform(print, place, calls, { from: account, dryRun, ...(sender ? { sender } : {}) })
}
