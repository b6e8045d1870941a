import { decodeFunctionData, type Hex, toFunctionSelector } from 'viem'
import { refused } from '../errors.ts'
import { fromHex, type Keccak, keccak, toHex } from '../protocol/bytes.ts'
import { computeLedgerAbi } from './abi.ts'

/** What `BatchSettled` says of a batch: which bytes it was, whoever carried them to the ledger. */
export interface SettledEvent {
  batchHash: Hex
  root: Hex
}

/** Of `settle(bytes)` and of where its one argument begins. */
const SETTLE = `${toFunctionSelector('settle(bytes)').slice(2)}${'20'.padStart(64, '0')}`
/** Digits before the root of a packed batch. */
const ROOT_AT = 80
/** As many of one root are hashed: a contract has one to show. */
const MOST_HASHED = 16

/**
 * The packed batch in the transaction that settled it: handed to the ledger's `settle` by the router itself, or inside the
 * call of a contract that the router is. Only the bytes that the ledger hashed count.
 *
 * @param hash  Of the transaction, for the error.
 * @param input  Its calldata.
 * @throws `batch.unreadable` (refused) if those bytes are not in it: a contract made them up elsewhere.
 */
export function packedBatchIn(
  hash: Hex,
  input: Hex,
  { batchHash, root }: SettledEvent,
  hashOf: Keccak = keccak,
): Uint8Array {
  let hashed = 0
  for (const packed of argumentsIn(input)) {
    // The root first: nobody makes a reader hash a thousand batches.
    if (packed.slice(ROOT_AT, ROOT_AT + 64) !== root.slice(2)) continue
    hashed += 1
    if (hashed > MOST_HASHED) break
    const bytes = fromHex(packed)
    if (toHex(hashOf(bytes)) === batchHash) return bytes
  }
  throw refused('batch.unreadable', `${hash} does not show the batch that the ledger settled in it`, {
    fix: 'Its lines cannot be read; totals are in the ledger.',
  })
}

/** What any `settle` in the calldata hands over, in digits: each is looked at where it stands, however many there are. */
function* argumentsIn(input: Hex): Generator<string> {
  const own = argumentOf(input)
  if (own) yield own.slice(2)
  const text = input.toLowerCase()
  for (let at = text.indexOf(SETTLE, 3); at >= 0; at = text.indexOf(SETTLE, at + 1)) {
    const from = at + SETTLE.length + 64
    const to = from + 2 * Number(`0x${text.slice(from - 64, from) || '0'}`)
    if (to <= text.length) yield text.slice(from, to)
  }
}

function argumentOf(data: Hex): Hex | undefined {
  try {
    const { functionName, args } = decodeFunctionData({ abi: computeLedgerAbi, data })
    return functionName === 'settle' ? args[0] : undefined
  } catch {
    return undefined
  }
}
