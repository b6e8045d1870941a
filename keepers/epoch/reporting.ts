import type { Address, Hex } from 'viem'
import { emissionControllerAbi } from '../../sdk/chain/abi.ts'
import { approveCall, type Call } from '../../sdk/chain/call.ts'
import type { Chain, Sender } from '../../sdk/chain/clients.ts'
import { emissionCall } from '../../sdk/chain/emission.ts'
import { readClock } from '../../sdk/chain/epochs.ts'
import { chainError } from '../../sdk/chain/errors.ts'
import { startOf } from '../../sdk/protocol/epochs.ts'
import type { Duty } from '../duty.ts'
import type { ProbeLog } from './log.ts'
import { countProbes, type ReportData, reportOf } from './report.ts'
import { quotasIn } from './stakes.ts'

export interface ReportingDeps {
  chain: Chain
  place: { registry: Address; emission: Address; heu: Address }
  probes: ProbeLog
  sender: Sender
}

export interface Reporting {
  epoch: number
  /** Seconds of the chain. */
  now: number
  reportUntil: number
  /** `ReportState`; 0 none, 1 filed, 2 challenged, 3 void. */
  state: number
  root: Hex
  final: boolean
  /** HEU wei that the bond lacks. */
  missingBond: bigint
  data: ReportData | undefined
  unrecorded: ReportData['leaves']
}

export type ReportPlan =
  | { do: 'report'; epoch: number; data: ReportData; missingBond: bigint }
  | { do: 'record'; epoch: number; leaves: ReportData['leaves'] }

const FILED = 1

/** Files last epoch's probes once it is over, then proves each node's part. */
export const reportDuty: Duty<Reporting, ReportPlan, ReportingDeps> = {
  name: 'report',
  observe,
  decide({ epoch, now, reportUntil, state, root, final, missingBond, data, unrecorded }) {
    if (!data || final) return undefined
    if (state === 0) return now <= reportUntil ? { do: 'report', epoch, data, missingBond } : undefined
    const isOurs = state === FILED && root === data.root
    return isOurs && unrecorded.length > 0 ? { do: 'record', epoch, leaves: unrecorded } : undefined
  },
  async act(plan, { place, sender }) {
    const { epoch } = plan
    if (plan.do === 'report') {
      const { root, evidence, leaves } = plan.data
      if (plan.missingBond > 0n)
        for (const call of bondCalls(place, plan.missingBond)) await sender.send(call)
      await sender.send(emissionCall.report(place.emission, epoch, root, evidence))
      return { did: 'report', epoch, nodes: leaves.length, root }
    }
    for (const { node, units, proof } of plan.leaves) {
      await sender.send(emissionCall.recordBase(place.emission, epoch, node, units, proof))
    }
    return { did: 'record', epoch, nodes: plan.leaves.length }
  },
}

async function observe({ chain, place, probes, sender }: ReportingDeps): Promise<Reporting> {
  const { client } = chain
  const emission = { address: place.emission, abi: emissionControllerAbi } as const
  try {
    const [{ now, epoch: present }, nextEpoch, reportSeconds, least, [bond]] = await Promise.all([
      readClock(chain),
      client.readContract({ ...emission, functionName: 'nextEpoch' }),
      client.readContract({ ...emission, functionName: 'REPORT_SECONDS' }),
      client.readContract({ ...emission, functionName: 'REPORT_BOND' }),
      client.readContract({ ...emission, functionName: 'bondOf', args: [sender.address] }),
    ])
    const epoch = present - 1
    const [report, quotas] = await Promise.all([
      client.readContract({ ...emission, functionName: 'reportOf', args: [epoch] }),
      quotasIn(chain, place, epoch),
    ])
    const data = reportOf(countProbes(probes.probes(epoch), quotas), probes.bytes(epoch))
    const isRecorded = await recordedIn(chain, place.emission, epoch, data?.leaves ?? [])
    return {
      epoch,
      now,
      reportUntil: startOf(epoch + 1) + Number(reportSeconds),
      state: report.state,
      root: report.root,
      final: nextEpoch > epoch,
      missingBond: bond < least ? least - bond : 0n,
      data,
      // Epochs are recorded in order: the one before must be final.
      unrecorded: nextEpoch < epoch ? [] : (data?.leaves ?? []).filter(({ node }) => !isRecorded.has(node)),
    }
  } catch (cause) {
    throw chainError(cause)
  }
}

async function recordedIn(
  chain: Chain,
  emission: Address,
  epoch: number,
  leaves: readonly { node: number }[],
): Promise<Set<number>> {
  const records = await Promise.all(
    leaves.map(async ({ node }) => {
      const args = [node] as const
      const at = { address: emission, abi: emissionControllerAbi, functionName: 'recordOf', args } as const
      const [recorded, basePoints] = await chain.client.readContract(at)
      return recorded === epoch && basePoints > 0n ? [node] : []
    }),
  )
  return new Set(records.flat())
}

const bondCalls = ({ heu, emission }: ReportingDeps['place'], amount: bigint): Call[] => [
  approveCall(heu, emission, amount),
  emissionCall.addBond(emission, amount),
]
