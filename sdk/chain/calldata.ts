import { decodeFunctionData, type Hex } from 'viem'
import { refused } from '../errors.ts'
import { fromHex } from '../protocol/bytes.ts'
import { computeLedgerAbi } from './abi.ts'

/**
 * The packed batch that a transaction hands to the ledger's `settle`.
 *
 * @param hash  Of the transaction, for the error.
 * @param input  Its calldata.
 * @throws `batch.unreadable` (refused) if it calls anything else: a router behind a contract, whose call is inside.
 */
export function packedBatchIn(hash: Hex, input: Hex): Uint8Array {
  const packed = settledBy(input)
  if (packed !== undefined) return fromHex(packed)
  throw refused('batch.unreadable', `${hash} does not call the ledger's settle itself`, {
    fix: 'Its batches cannot be read line by line; totals are in the ledger.',
  })
}

function settledBy(data: Hex): Hex | undefined {
  try {
    const { functionName, args } = decodeFunctionData({ abi: computeLedgerAbi, data })
    return functionName === 'settle' ? args[0] : undefined
  } catch {
    return undefined
  }
}
