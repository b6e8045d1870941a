import { type Abi, type Address, decodeFunctionData, type Hex } from 'viem'
import { computeLedgerAbi, heuAbi, routerBondAbi, testDollarAbi } from '../sdk/chain/abi.ts'
import type { Call, Sender } from '../sdk/chain/clients.ts'
import { bug } from '../sdk/errors.ts'
import { toWire } from '../sdk/protocol/wire.ts'
import type { Printer } from './print.ts'
import type { Place } from './trust.ts'

/** A transaction as a person checks it before signing, and as a Safe or a hardware wallet takes it. */
export interface DecodedCall {
  contract: string
  to: Address
  function: string
  args: Record<string, unknown>
  data: Hex
}

/** @throws `call.unknown` (bug) if the call is none of a contract of this place. */
export function decodeCall(
  call: Call,
  place: Pick<Place, 'ledger' | 'asset' | 'bond' | 'network'>,
): DecodedCall {
  const contracts: readonly (readonly [string, Address, Abi])[] = [
    ['ComputeLedger', place.ledger, computeLedgerAbi as Abi],
    ['payment asset', place.asset, testDollarAbi as Abi],
    ['RouterBond', place.bond, routerBondAbi as Abi],
    ['HEU', place.network.addresses.heu, heuAbi as Abi],
  ]
  const found = contracts.find(([, address]) => address.toLowerCase() === call.to.toLowerCase())
  if (!found) throw bug('call.unknown', `${call.to} is no contract of this network`)
  const [contract, to, abi] = found
  const { functionName, args = [] } = decodeFunctionData({ abi, data: call.data })
  const item = abi.find(
    (each) => each.type === 'function' && each.name === functionName && each.inputs.length === args.length,
  )
  const inputs = item?.type === 'function' ? item.inputs : []
  const named = inputs.map((input, index) => [input.name ?? `arg${index}`, args[index]] as const)
  return { contract, to, function: functionName, args: Object.fromEntries(named), data: call.data }
}

/** What became of the calls of a command. */
export interface Outcome {
  dryRun: boolean
  chainId: number
  from: Address
  calls: DecodedCall[]
  /** Hashes of the transactions, in the order of the calls; none on a dry run. */
  transactions: Hex[]
}

/**
 * Sends the calls one after the other, each in a block before the next, or with `dryRun` only says what they are.
 * `from` is who has to send them.
 */
export async function perform(
  print: Printer,
  place: Place,
  calls: readonly Call[],
  { from, sender, dryRun }: { from: Address; sender?: Sender; dryRun: boolean },
): Promise<Outcome> {
  const decoded = calls.map((call) => decodeCall(call, place))
  if (!place.pinned) print.line("note: the ledger is the router's word; name yours with --ledger")
  if (dryRun) {
    for (const call of decoded) printCall(print, call)
    print.line(`nothing was sent; to be sent by ${from} on chain ${place.chain.id}`)
    return { dryRun, chainId: place.chain.id, from, calls: decoded, transactions: [] }
  }
  if (!sender) throw bug('sender.missing', 'a call without anybody to send it')
  const transactions: Hex[] = []
  for (const [index, call] of calls.entries()) {
    const { transactionHash } = await sender.send(call)
    transactions.push(transactionHash)
    print.line(`${decoded[index]?.function} in ${transactionHash}`)
  }
  return { dryRun, chainId: place.chain.id, from, calls: decoded, transactions }
}

function printCall(print: Printer, call: DecodedCall): void {
  print.line(`${call.contract}.${call.function}`)
  print.rows([
    ['to', call.to],
    ...Object.entries(call.args).map(([name, value]) => [`  ${name}`, shown(value)] as const),
    ['data', call.data],
  ])
}

const shown = (value: unknown): string => (typeof value === 'object' ? toWire(value) : String(value))
