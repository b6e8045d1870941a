import { emissionControllerAbi, feeBurnerAbi, registryAbi } from '../../../../../sdk/chain/abi.ts'
import type { BurnState } from '../../../../../sdk/chain/burns.ts'
import { readBurn } from '../../../../../sdk/chain/burns.ts'
import { REPORT_STATE } from '../../../../../sdk/chain/cycle.ts'
import {
  type EpochEmission,
  lastEpochs,
  type NodeEmission,
  nodeEmissions,
  readEmission,
  readEpoch,
} from '../../../../../sdk/chain/emission.ts'
import { readClock } from '../../../../../sdk/chain/epochs.ts'
import { readSettlements, type Settlement } from '../../../../../sdk/chain/settled.ts'
import { refused } from '../../../../../sdk/errors.ts'
import { startOf } from '../../../../../sdk/protocol/epochs.ts'
import { ROLE } from '../../../../../sdk/protocol/messages.ts'
import type { PortalPlace } from '../place.ts'

/** The explorer's lists, out of the chain alone. */

/** Batches and epochs that are listed at most, the newest. */
const MOST_BATCHES = 25
const MOST_EPOCHS = 12
const MOST_NODES = 100

export async function readBatches(place: PortalPlace): Promise<{ router: string; batches: Settlement[] }> {
  return { router: place.router, batches: await readSettlements(place, MOST_BATCHES) }
}

export interface EpochList {
  /** The present epoch, and the Unix second in which it ends. */
  epoch: number
  endsAt: number
  reserve: bigint
  reservoir: bigint
  epochs: EpochEmission[]
  burn: BurnState
}

/** @returns undefined where the ledger has no economy. */
export async function readEpochs({ chain, economy }: PortalPlace): Promise<EpochList | undefined> {
  if (!economy) return undefined
  const { epoch, endsAt } = await readClock(chain)
  const [{ reserve, reservoir, epochs }, burn] = await Promise.all([
    readEmission(chain, economy.emission, { epoch: epoch + 1, count: MOST_EPOCHS }),
    readBurn(chain, economy.burner),
  ])
  return { epoch, endsAt, reserve, reservoir, epochs, burn }
}

export interface EpochDetail extends EpochEmission {
  /** Unix seconds. */
  beginsAt: number
  endsAt: number
  isOver: boolean
  /** The protocol's part of its fees that was for sale, and the HEU that its buyer burnt. */
  lot: { amount: bigint; burnt: bigint }
  report: { state: keyof typeof REPORT_STATE; prober: string; root: string } | undefined
  /** By node, of a final epoch; nodes that were issued nothing are left out. */
  nodes: NodeEmission[]
}

/** @throws `epoch.unknown` (refused) before the first one and in the future; `economy.absent` (refused). */
export async function readEpochDetail(
  { chain, economy, registry }: PortalPlace,
  epoch: number,
): Promise<EpochDetail> {
  if (!economy) {
    throw refused('economy.absent', 'this network has no emission and no epochs', {
      fix: 'Its jobs and batches stand in the explorer.',
    })
  }
  const { client } = chain
  const { emission, burner } = economy
  const controller = { address: emission, abi: emissionControllerAbi } as const
  const [clock, first] = await Promise.all([
    readClock(chain),
    client.readContract({ ...controller, functionName: 'firstEpoch' }),
  ])
  if (epoch < first || epoch > clock.epoch) {
    throw refused('epoch.unknown', `epochs here are ${first} to ${clock.epoch}`, {
      fix: 'Choose one in the explorer.',
    })
  }
  const [seen, lot, report, total] = await Promise.all([
    readEpoch(chain, emission, epoch),
    client.readContract({ address: burner, abi: feeBurnerAbi, functionName: 'lotOf', args: [epoch] }),
    client.readContract({ ...controller, functionName: 'reportOf', args: [epoch] }),
    client.readContract({ address: registry, abi: registryAbi, functionName: 'countOf', args: [ROLE.node] }),
  ])
  const ids = lastEpochs({ first: 1, last: total, count: MOST_NODES })
  const issued = seen.finalizedAt === 0 ? [] : await nodeEmissions(chain, economy, ids, [epoch])
  const state = (Object.keys(REPORT_STATE) as (keyof typeof REPORT_STATE)[]).find(
    (name) => REPORT_STATE[name] === report.state,
  )
  return {
    ...seen,
    beginsAt: startOf(epoch),
    endsAt: startOf(epoch + 1),
    isOver: epoch < clock.epoch,
    lot,
    report:
      state === undefined || state === 'none'
        ? undefined
        : { state, prober: report.prober, root: report.root },
    nodes: issued.filter(({ amount }) => amount > 0n),
  }
}
