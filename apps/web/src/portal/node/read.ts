import type { Address } from 'viem'
import { registryAbi } from '../../../../../sdk/chain/abi.ts'
import {
  lastEpochs,
  type NodeChoices,
  type NodeEmission,
  nodeEmissions,
  readChoices,
  readEmission,
} from '../../../../../sdk/chain/emission.ts'
import { type EntryState, type NodeBoost, readBoost, readEntry } from '../../../../../sdk/chain/entries.ts'
import { readNodeRewards } from '../../../../../sdk/chain/rewards.ts'
import { readStake, type StakeState } from '../../../../../sdk/chain/stakes.ts'
import { refused } from '../../../../../sdk/errors.ts'
import { ROLE } from '../../../../../sdk/protocol/messages.ts'
import type { PortalPlace } from '../place.ts'

/** What the chain says of nodes. HEU in wei, revenue in base units of the asset. */

export interface NodeStanding {
  id: number
  entry: EntryState
  /** Undefined where the ledger has no economy. */
  economy?: NodeEconomy
}

interface NodeEconomy {
  stake: StakeState
  boost: NodeBoost
  /** Points per unit, in thousandths: 1000 = 1x. */
  multiplier: bigint
}

/** Nodes that a page lists at most, the newest: each takes some twenty reads of the chain. */
const MOST_NODES = 50
/** Epochs that a node's page looks back, the present one among them. */
const EPOCHS = 8

export async function readNodes(place: PortalPlace): Promise<{ total: number; nodes: NodeStanding[] }> {
  const { chain, registry } = place
  const total = await chain.client.readContract({
    address: registry,
    abi: registryAbi,
    functionName: 'countOf',
    args: [ROLE.node],
  })
  const ids = lastEpochs({ first: 1, last: total, count: MOST_NODES })
  const nodes = await Promise.all(ids.map((id) => standingOf(place, id, 1)))
  return { total, nodes: nodes.filter((node) => node !== undefined) }
}

async function standingOf(place: PortalPlace, id: number, epochs: number): Promise<NodeStanding | undefined> {
  const { chain, router, economy } = place
  const entry = await readEntry(chain, place, router, { role: 'node', id, epochs })
  if (!entry) return undefined
  if (!economy) return { id, entry }
  const [stake, boost] = await Promise.all([readStake(chain, economy, id), readBoost(chain, economy, id)])
  return { id, entry, economy: { stake, boost, multiplier: (boost.points * 1_000n) / (boost.units << 64n) } }
}

export interface NodeDetail extends NodeStanding {
  signer: Address
  choices?: NodeChoices
  /** Newest first; epochs that are final. */
  emissions: NodeEmission[]
  /** Emission that waits to be claimed, less tips. */
  waits: bigint
}

/** @throws `node.unknown` (refused). */
export async function readNode(place: PortalPlace, id: number): Promise<NodeDetail> {
  const { chain, registry, economy } = place
  const [standing, signer] = await Promise.all([
    standingOf(place, id, EPOCHS),
    chain.client.readContract({ address: registry, abi: registryAbi, functionName: 'signerOf', args: [id] }),
  ])
  if (!standing) {
    throw refused('node.unknown', `no node ${id} is registered`, { fix: 'All there are stand under Nodes.' })
  }
  if (!economy) return { ...standing, signer, emissions: [], waits: 0n }
  const { epoch } = standing.entry
  const { firstEpoch, nextEpoch } = await readEmission(chain, economy.emission, { epoch, count: 0 })
  const final = lastEpochs({ first: firstEpoch, last: nextEpoch - 1, count: EPOCHS })
  const [choices, emissions, rewards] = await Promise.all([
    readChoices(chain, economy.emission, id, epoch),
    nodeEmissions(chain, economy, [id], final),
    readNodeRewards(chain, economy, [id]),
  ])
  return { ...standing, signer, choices, emissions: emissions.reverse(), waits: rewards[0]?.amount ?? 0n }
}

/** What a worker says of its machine, in a few words. */
export function hardwareWords(hardware: Record<string, unknown>): string {
  const { cpu, cores, memoryMiB, gpus } = hardware
  const graphics = Array.isArray(gpus) ? gpus.flatMap((gpu: { name?: unknown }) => textOf(gpu.name)) : []
  const processor = [...textOf(cpu), ...(typeof cores === 'number' ? [`${cores} cores`] : [])].join(', ')
  const memory = typeof memoryMiB === 'number' ? [`${Math.round(memoryMiB / 1024)} GiB`] : []
  const words = [...graphics, processor, ...memory].filter((word) => word !== '')
  return words.length === 0 ? 'not told' : words.join(' · ')
}

const textOf = (value: unknown): string[] => (typeof value === 'string' ? [value.slice(0, 60)] : [])
