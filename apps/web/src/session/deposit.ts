import { type Address, bytesToHex, erc20Abi, type Hex } from 'viem'
import { z } from 'zod'
import { authorizedCall, isAuthorizationUsed, readAccount, signOpen } from '../../../../sdk/chain/accounts.ts'
import type { Chain } from '../../../../sdk/chain/clients.ts'
import { chainError } from '../../../../sdk/chain/errors.ts'
import { isLocalChain } from '../../../../sdk/chain/local-chains.ts'
import { asHeuristError, fromErrorBody, type HeuristError, later, refused } from '../../../../sdk/errors.ts'
import { formatUsd, usd } from '../../../../sdk/units.ts'
import { accountOf } from './keys.ts'
import type { KeyRecord, SignedDeposit } from './store.ts'
import { type Wallet, walletClient } from './wallets.ts'

/** Where a key pays. */
export interface Place {
  chain: Chain
  ledger: Address
  asset: Address
  router: Address
}

interface Giving {
  wallet: Wallet
  owner: Address
  dollars: string
  /** The asset takes the signature until then. Unix seconds. */
  validBefore: number
  say(doing: string): void
}

/**
 * The wallet's one signature: its money, to this key, withdrawable by this wallet alone.
 *
 * @throws `deposit.insufficient_funds`, `key.of_another` (refused); what the wallet throws.
 */
export async function signDeposit(
  place: Place,
  record: KeyRecord,
  { wallet, owner, dollars, validBefore, say }: Giving,
): Promise<SignedDeposit> {
  const amount = usd(dollars)
  const { chain, ledger, router } = place
  const [account] = await Promise.all([
    readAccount(chain, ledger, { router, key: record.address }),
    checkFunds(place, owner, amount),
  ])
  const isOwners = account.owner.toLowerCase() === owner
  if (!isOwners && account.deposited > 0n) {
    throw refused('key.of_another', `this key's credit belongs to ${account.owner}, not to ${owner}`, {
      fix: 'Choose that account in the wallet, or revoke the key and begin with a new one.',
    })
  }
  const opening = isOwners ? undefined : await signOpen(await accountOf(record), owner, place)
  const client = await walletClient(wallet, owner)
  say('Sign the deposit in your wallet. It costs no gas, and no later call asks again.')
  const { data } = await authorizedCall(
    chain,
    { ...place, key: record.address },
    {
      giver: {
        address: owner,
        signTypedData: (typed) => client.signTypedData({ account: owner, ...typed }),
      },
      amount,
      owner,
      salt: bytesToHex(crypto.getRandomValues(new Uint8Array(32))),
      validBefore: BigInt(validBefore),
      ...(opening ? { opening } : {}),
    },
  )
  return { giver: owner, amount, validBefore, data }
}

async function checkFunds({ chain, asset }: Place, owner: Address, amount: bigint): Promise<void> {
  const held = await chain.client
    .readContract({ address: asset, abi: erc20Abi, functionName: 'balanceOf', args: [owner] })
    .catch((cause: unknown) => {
      throw chainError(cause)
    })
  if (held >= amount) return
  const missing = formatUsd(amount - held)
  throw refused('deposit.insufficient_funds', `your wallet holds $${formatUsd(held)} of the payment asset`, {
    fix: isLocalChain(chain.id)
      ? 'This is a local chain: try it without a wallet, or send the wallet test dollars.'
      : `Send it $${missing} more of ${asset}, or deposit less.`,
  })
}

/**
 * Has the page's server bring a signed deposit to the chain, at its own cost. Doing it twice is harmless: the asset takes
 * a signature once.
 *
 * @returns why it is not there, so that the wallet has to send it; undefined once it is.
 * @throws `chain.reverted` (refused): what the contract refuses, it refuses from the wallet too.
 */
export async function relayed(
  place: Place,
  signed: SignedDeposit,
  relay: boolean,
): Promise<HeuristError | undefined> {
  const failure = relay
    ? await askRelay(signed.data).then(
        () => undefined,
        (cause: unknown) => asHeuristError(cause),
      )
    : later('deposit.undelivered', 'nobody relays deposits here')
  if (await isAuthorizationUsed(place.chain, place, signed.data)) return undefined
  if (failure?.code === 'chain.reverted') throw failure
  return (
    failure ??
    later('deposit.undelivered', 'the deposit is not on the chain yet', {
      fix: 'Send it again; it is taken at most once.',
    })
  )
}

const errorSchema = z.object({
  error: z.object({
    code: z.string(),
    kind: z.enum(['refused', 'later', 'bug']),
    message: z.string(),
    fix: z.exactOptional(z.string()),
  }),
})

async function askRelay(data: Hex): Promise<void> {
  const answer = await fetch('/api/deposits', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ data }),
    signal: AbortSignal.timeout(60_000),
  }).catch((cause: unknown) => {
    throw later('deposit.undelivered', 'the server of this page does not answer', {
      fix: 'Send the deposit again; it is taken at most once.',
      cause,
    })
  })
  if (answer.ok) return
  const told = errorSchema.safeParse(await answer.json().catch(() => undefined))
  throw told.success
    ? fromErrorBody(told.data.error)
    : later('deposit.undelivered', `the server of this page answers ${answer.status}`)
}
