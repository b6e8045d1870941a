import { type Address, type Hex, isAddressEqual, parseEventLogs } from 'viem'
import { computeLedgerAbi } from '../../../sdk/chain/abi.ts'
import type { Chain } from '../../../sdk/chain/clients.ts'
import { chainError } from '../../../sdk/chain/errors.ts'
import { later, refused } from '../../../sdk/errors.ts'
import type { Till } from '../till/till.ts'

/** Where accounts pay in: the credit of the gateway's own key with its router. */
export interface PayIn {
  chain: Chain
  ledger: Address
  asset: Address
  router: Address
  key: Address
  /** Blocks that must stand on a deposit before it counts. */
  confirmations: number
}

/**
 * Books what a wallet deposited for the gateway's key in one transaction, once: `ComputeLedger.deposit(router, key, amount)`.
 * So every dollar of these books is a dollar of credit on chain.
 *
 * @returns base units that are new in the books.
 * @throws `deposit.unknown`, `deposit.not_yours` (refused), `deposit.young`, `chain.unreachable` (later).
 */
export async function bookDeposit(
  { chain, ledger, router, key, confirmations }: PayIn,
  till: Till,
  wallet: string,
  hash: Hex,
): Promise<bigint> {
  await chain.check()
  const [receipt, head] = await Promise.all([
    chain.client.getTransactionReceipt({ hash }).catch((cause: unknown) => {
      if ((cause as Error).name === 'TransactionReceiptNotFoundError') return undefined
      throw chainError(cause)
    }),
    chain.client.getBlockNumber({ cacheTime: 0 }).catch((cause: unknown) => {
      throw chainError(cause)
    }),
  ])
  if (receipt === undefined || receipt.status !== 'success') {
    throw refused('deposit.unknown', `The chain has no successful transaction ${hash}`, {
      field: 'transaction',
      fix: 'Wait until it is in a block, then ask again.',
    })
  }
  if (head - receipt.blockNumber < BigInt(confirmations)) {
    throw later('deposit.young', `A deposit counts ${confirmations} blocks after its own`, {
      fix: 'Ask again shortly.',
    })
  }
  const deposits = parseEventLogs({
    abi: computeLedgerAbi,
    eventName: 'Deposited',
    logs: receipt.logs,
  }).filter(
    ({ address, args }) =>
      isAddressEqual(address, ledger) &&
      isAddressEqual(args.router, router) &&
      isAddressEqual(args.key, key) &&
      args.from.toLowerCase() === wallet,
  )
  if (deposits.length === 0) {
    throw refused('deposit.not_yours', `${hash} deposits nothing of this wallet for the key ${key}`, {
      field: 'transaction',
      fix: `Call deposit(${router}, ${key}, amount) of the ledger ${ledger} with the wallet that you signed in with.`,
    })
  }
  return deposits.reduce(
    (sum, { args, logIndex }) =>
      till.deposit(`${hash}:${logIndex}`, wallet, args.amount) ? sum + args.amount : sum,
    0n,
  )
}
