import { type Address, encodeFunctionData, erc20Abi, type Hex, type TransactionReceipt } from 'viem'
import { refused } from '../errors.ts'
import { formatUsd } from '../units.ts'
import { computeLedgerAbi } from './abi.ts'
import { approveCall } from './call.ts'
import type { Chain, Sender } from './clients.ts'
import { chainError } from './errors.ts'
import { isLocalChain } from './local-chains.ts'

/** Whose money goes where. */
export interface DepositTerms {
  ledger: Address
  asset: Address
  router: Address
  /** The account key that the deposit is for. */
  key: Address
}

/**
 * Moves `amount` base units of the payment asset from the sender to the account of `key` with `router`: an approval of
 * exactly that amount where the present one is lower, then the deposit.
 *
 * @throws `deposit.insufficient_funds` (refused) if the sender holds less, and what {@link Sender.send} throws.
 */
export async function deposit(
  chain: Chain,
  sender: Sender,
  terms: DepositTerms,
  amount: bigint,
): Promise<TransactionReceipt> {
  const asset = { address: terms.asset, abi: erc20Abi } as const
  const [held, allowed] = await Promise.all([
    chain.client.readContract({ ...asset, functionName: 'balanceOf', args: [sender.address] }),
    chain.client.readContract({ ...asset, functionName: 'allowance', args: [sender.address, terms.ledger] }),
  ]).catch((cause: unknown) => {
    throw chainError(cause)
  })
  if (held < amount) {
    throw refused(
      'deposit.insufficient_funds',
      `${sender.address} holds $${formatUsd(held)} of the payment asset`,
      {
        fix: isLocalChain(chain.id)
          ? 'On a local chain ask for test dollars: deposit(amount, { faucet: true }).'
          : `Send it $${formatUsd(amount - held)} of ${terms.asset} first.`,
        details: { held: held.toString(), missing: (amount - held).toString() },
      },
    )
  }
  if (allowed < amount) {
    await sender.send(approveCall(terms.asset, terms.ledger, amount))
  }
  const args = [terms.router, terms.key, amount] as const
  return sender.send({
    to: terms.ledger,
    data: encodeFunctionData({ abi: computeLedgerAbi, functionName: 'deposit', args }),
  })
}

/** The calls of an account's owner, ready to send to the ledger. */
export const accountCall = {
  thaw: (router: Address, key: Address, amount: bigint): Hex =>
    encodeFunctionData({ abi: computeLedgerAbi, functionName: 'thaw', args: [router, key, amount] }),
  cancelThaw: (router: Address, key: Address): Hex =>
    encodeFunctionData({ abi: computeLedgerAbi, functionName: 'cancelThaw', args: [router, key] }),
  withdraw: (router: Address, key: Address): Hex =>
    encodeFunctionData({ abi: computeLedgerAbi, functionName: 'withdraw', args: [router, key] }),
  /** @param signature The key's, over `Open { router, owner }`. */
  open: (router: Address, owner: Address, key: Address, signature: Hex): Hex =>
    encodeFunctionData({
      abi: computeLedgerAbi,
      functionName: 'open',
      args: [router, owner, key, signature],
    }),
}
