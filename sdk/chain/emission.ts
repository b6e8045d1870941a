import type { Address, Hex } from 'viem'
import { partOf, tipOf } from '../protocol/emission.ts'
import { emissionControllerAbi, voteControllerAbi } from './abi.ts'
import { type Call, caller } from './call.ts'
import type { Chain } from './clients.ts'
import { chainError } from './errors.ts'
import { historyOf } from './history.ts'

/** What the network issues. HEU in wei; points have 64 binary places; times are Unix seconds. */

/** One epoch's emission. */
export interface EpochEmission {
  epoch: number
  cap: bigint
  base: bigint
  dynamic: bigint
  burnt: bigint
  /** Of base and dynamic, what was issued. */
  issued: bigint
  /** What was recorded: settled fees in base units of the asset, answered probes in probe units. */
  feeUnits: bigint
  baseUnits: bigint
  /** What they are shared by. */
  feePoints: bigint
  basePoints: bigint
  /** 0 = not final. */
  finalizedAt: number
}

export interface EmissionState {
  reserve: bigint
  reservoir: bigint
  owed: bigint
  firstEpoch: number
  nextEpoch: number
  finalizableAt: number
  /** Newest first; epochs that are over. */
  epochs: EpochEmission[]
}

const at = (address: Address) => ({ address, abi: emissionControllerAbi }) as const

/** @param count  Of epochs, back from the last one that is over. */
export async function readEmission(
  chain: Chain,
  emission: Address,
  { epoch, count }: { epoch: number; count: number },
): Promise<EmissionState> {
  const { client } = chain
  const here = at(emission)
  try {
    const [reserve, reservoir, owed, firstEpoch, nextEpoch, finalizableAt] = await Promise.all([
      client.readContract({ ...here, functionName: 'reserve' }),
      client.readContract({ ...here, functionName: 'reservoir' }),
      client.readContract({ ...here, functionName: 'owed' }),
      client.readContract({ ...here, functionName: 'firstEpoch' }),
      client.readContract({ ...here, functionName: 'nextEpoch' }),
      client.readContract({ ...here, functionName: 'finalizableAt' }),
    ])
    const past = lastEpochs({ first: firstEpoch, last: epoch - 1, count }).reverse()
    const epochs = await Promise.all(past.map((each) => readEpoch(chain, emission, each)))
    return { reserve, reservoir, owed, firstEpoch, nextEpoch, finalizableAt: Number(finalizableAt), epochs }
  } catch (cause) {
    throw chainError(cause)
  }
}

export async function readEpoch(chain: Chain, emission: Address, epoch: number): Promise<EpochEmission> {
  const args = [epoch] as const
  const [seen, [cap]] = await Promise.all([
    chain.client.readContract({ ...at(emission), functionName: 'epochOf', args }),
    chain.client.readContract({ ...at(emission), functionName: 'capOf', args }),
  ])
  const { params: _, ...counted } = seen
  return { epoch, cap, ...counted, issued: counted.base + counted.dynamic }
}

/** At most `count` epochs up to `last`, none before `first`, rising. */
export const lastEpochs = ({
  first,
  last,
  count,
}: {
  first: number
  last: number
  count: number
}): number[] => {
  const from = Math.max(first, last - count + 1)
  return Array.from({ length: Math.max(0, last - from + 1) }, (_, index) => from + index)
}

/** What a node was issued in a final epoch, and how much of it went to its voters. */
export interface NodeEmission {
  node: number
  epoch: number
  amount: bigint
  /** Of the amount, for answered probes; the rest is for settled fees. */
  base: bigint
  tip: bigint
}

/** `Ballot.Node`. */
const NODE_BALLOT = 0

/**
 * Emissions of nodes in final epochs, counted from the points that were recorded for them: exact, whoever has claimed.
 *
 * @source EmissionController: each pool floors pool * points / all points; the tip floors its part of the sum.
 */
export async function nodeEmissions(
  chain: Chain,
  { emission, votes }: { emission: Address; votes: Address },
  nodes: readonly number[],
  epochs: readonly number[],
): Promise<NodeEmission[]> {
  if (nodes.length === 0 || epochs.length === 0) return []
  const { client } = chain
  const contract = at(emission)
  const ballots = { address: votes, abi: voteControllerAbi } as const
  const logs = await historyOf(chain, contract, 'Recorded', { node: [...nodes], epoch: [...epochs] })

  async function emissionOf(node: number, epoch: number): Promise<NodeEmission> {
    const [pools, bps, weight] = await Promise.all([
      client.readContract({ ...contract, functionName: 'epochOf', args: [epoch] }),
      client.readContract({ ...contract, functionName: 'tipIn', args: [node, epoch] }),
      client.readContract({ ...ballots, functionName: 'weightIn', args: [NODE_BALLOT, node, epoch] }),
    ])
    const own = logs.filter(({ args }) => args.node === node && args.epoch === epoch)
    const fromPool = (isBase: boolean) => {
      const [pool, all] = isBase ? [pools.base, pools.basePoints] : [pools.dynamic, pools.feePoints]
      return own
        .filter(({ args }) => args.base === isBase)
        .reduce((sum, { args }) => sum + partOf(pool, args.points, all), 0n)
    }
    const base = fromPool(true)
    const amount = base + fromPool(false)
    return { node, epoch, amount, base, tip: tipOf(amount, BigInt(bps), weight) }
  }

  const pairs = epochs.flatMap((epoch) => nodes.map((node) => emissionOf(node, epoch)))
  return Promise.all(pairs).catch((cause: unknown) => {
    throw chainError(cause)
  })
}

/** What a node's owner has chosen, now and for the next epoch. Basis points. */
export interface NodeChoices {
  tip: number
  nextTip: number
  home: Address
  nextHome: Address
}

export async function readChoices(
  chain: Chain,
  emission: Address,
  node: number,
  epoch: number,
): Promise<NodeChoices> {
  const { client } = chain
  const here = at(emission)
  const [tip, nextTip, home, nextHome] = await Promise.all([
    client.readContract({ ...here, functionName: 'tipIn', args: [node, epoch] }),
    client.readContract({ ...here, functionName: 'tipIn', args: [node, epoch + 1] }),
    client.readContract({ ...here, functionName: 'homeIn', args: [node, epoch] }),
    client.readContract({ ...here, functionName: 'homeIn', args: [node, epoch + 1] }),
  ]).catch((cause: unknown) => {
    throw chainError(cause)
  })
  return { tip, nextTip, home, nextHome }
}

const call = caller(emissionControllerAbi)

/** Tip and home are the owner's own, from the next epoch on; the report is the prober's; the rest is anyone's. */
export const emissionCall = {
  setTip: (emission: Address, node: number, bps: number): Call => call(emission, 'setTip', [node, bps]),
  setHome: (emission: Address, node: number, router: Address): Call =>
    call(emission, 'setHome', [node, router]),
  claim: (emission: Address, nodes: readonly number[]): Call => call(emission, 'claim', [nodes]),
  record: (emission: Address, epoch: number, nodes: readonly number[]): Call =>
    call(emission, 'record', [epoch, nodes]),
  finalize: (emission: Address, epoch: number): Call => call(emission, 'finalize', [epoch]),
  addBond: (emission: Address, amount: bigint): Call => call(emission, 'addBond', [amount]),
  report: (emission: Address, epoch: number, root: Hex, evidence: Hex): Call =>
    call(emission, 'report', [epoch, root, evidence]),
  recordBase: (emission: Address, epoch: number, node: number, units: bigint, proof: readonly Hex[]): Call =>
    call(emission, 'recordBase', [epoch, node, units, proof]),
  lapse: (emission: Address, epoch: number): Call => call(emission, 'lapse', [epoch]),
}
