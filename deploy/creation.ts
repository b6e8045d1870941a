import { type Hex, isAddressEqual, TransactionNotFoundError, TransactionReceiptNotFoundError } from 'viem'
import { refused } from '../sdk/errors.ts'
import type { Deployer } from './deployer.ts'
import type { DeployedName } from './record.ts'

/** The transaction that created a contract. */
export interface Creation {
  hash: Hex
  blockNumber: bigint
  /** Creation code, and behind it the constructor's arguments. */
  input: Hex
}

/**
 * The chain's own word for how a contract of the record came to be.
 *
 * @throws `creation.unknown` (refused) if the record names no transaction that this node knows to have created it.
 */
export async function creationOf(
  { client, record, addressOf }: Deployer,
  name: DeployedName,
): Promise<Creation> {
  const hash = record.transactions[name]
  const known = hash && (await look(client, hash))
  if (known?.contractAddress && isAddressEqual(known.contractAddress, addressOf(name))) return known
  throw refused('creation.unknown', `no transaction of the record created ${name} at ${addressOf(name)}`, {
    fix: 'Restore the record from version control, or set HEURIST_RPC_URL to a node that keeps all transactions.',
  })
}

async function look(client: Deployer['client'], hash: Hex) {
  try {
    const { blockNumber, contractAddress } = await client.getTransactionReceipt({ hash })
    const { input } = await client.getTransaction({ hash })
    return { hash, blockNumber, contractAddress, input }
  } catch (cause) {
    if (cause instanceof TransactionReceiptNotFoundError || cause instanceof TransactionNotFoundError) return
    throw cause
  }
}
