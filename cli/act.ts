import { type Abi, type Address, decodeFunctionData, type Hex } from 'viem'
import {
  computeLedgerAbi,
  emissionControllerAbi,
  feeBurnerAbi,
  heuAbi,
  nodeStakingAbi,
  registryAbi,
  routerBondAbi,
  slashingManagerAbi,
  testDollarAbi,
  voteControllerAbi,
  votingEscrowAbi,
} from '../sdk/chain/abi.ts'
import type { Call } from '../sdk/chain/call.ts'
import type { Sender } from '../sdk/chain/clients.ts'
import type { Economy } from '../sdk/chain/economy.ts'
import type { Addresses } from '../sdk/chain/network.ts'
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

/** A place whose economy, if a command needs one, was found by the ledger. */
export type Scenery = Pick<Place, 'ledger' | 'asset' | 'bond' | 'registry'> & {
  network: { addresses: Pick<Addresses, 'heu'> }
  economy?: Economy
}

/** @throws `call.unknown` (bug) if the call is none of a contract of this place. */
export function decodeCall(call: Call, place: Scenery): DecodedCall {
  const contracts: readonly (readonly [string, Address, Abi])[] = [
    ['ComputeLedger', place.ledger, computeLedgerAbi as Abi],
    ['payment asset', place.asset, testDollarAbi as Abi],
    ['RouterBond', place.bond, routerBondAbi as Abi],
    ['Registry', place.registry, registryAbi as Abi],
    ['HEU', place.economy?.heu ?? place.network.addresses.heu, heuAbi as Abi],
    ...(place.economy ? economicContracts(place.economy) : []),
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

const economicContracts = (economy: Economy): readonly (readonly [string, Address, Abi])[] => [
  ['VotingEscrow', economy.escrow, votingEscrowAbi as Abi],
  ['VoteController', economy.votes, voteControllerAbi as Abi],
  ['NodeStaking', economy.staking, nodeStakingAbi as Abi],
  ['EmissionController', economy.emission, emissionControllerAbi as Abi],
  ['FeeBurner', economy.burner, feeBurnerAbi as Abi],
  ...(economy.slashing ? [['SlashingManager', economy.slashing, slashingManagerAbi as Abi] as const] : []),
]

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
  place: Place & { economy?: Economy },
  calls: readonly Call[],
  { from, sender, dryRun }: { from: Address; sender?: Sender; dryRun: boolean },
): Promise<Outcome> {
  const decoded = calls.map((call) => decodeCall(call, place))
  if (!place.pinned)
    print.line("note: ledger or chain are the router's word; name yours with --ledger and --rpc")
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
