import { type Address, erc20Abi } from 'viem'
import { emissionControllerAbi } from '../../sdk/chain/abi.ts'
import type { BaseReport } from '../../sdk/chain/base.ts'
import { approveCall } from '../../sdk/chain/call.ts'
import type { Chain, Sender } from '../../sdk/chain/clients.ts'
import { REPORT_STATE } from '../../sdk/chain/cycle.ts'
import { emissionCall } from '../../sdk/chain/emission.ts'
import { readClock } from '../../sdk/chain/epochs.ts'
import { chainError } from '../../sdk/chain/errors.ts'
import { refused } from '../../sdk/errors.ts'
import { startOf } from '../../sdk/protocol/epochs.ts'
import type { Duty } from '../duty.ts'
import type { ProbeLog } from './log.ts'
import { countProbes, reportOf } from './report.ts'
import type { ReportStore } from './reports.ts'
import { quotasIn } from './stakes.ts'

export interface ReportingDeps {
  chain: Chain
  place: { registry: Address; emission: Address; heu: Address }
  probes: ProbeLog
  reports: ReportStore
  sender: Sender
}

/** HEU wei: what a report holds, what stands for its prober, how much of that is held, and what else it has. */
export interface Bonds {
  each: bigint
  amount: bigint
  held: bigint
  balance: bigint
}

export interface Reporting {
  /** The last one that is over. */
  epoch: number
  /** Seconds of the chain. */
  now: number
  reportUntil: number
  /** `REPORT_STATE`. */
  state: number
  bonds: Bonds
  /** What was counted and written down, else what is counted now. */
  report: BaseReport | undefined
  /** Lines of the probe log that count for nobody. */
  torn: number
}

export interface ReportPlan extends Pick<Reporting, 'bonds' | 'torn'> {
  report: BaseReport
  /** HEU wei to add to the bond. */
  topUp: bigint
}

/** Files last epoch's probes once it is over. What it files is recorded with the other acts of the cycle. */
export const reportDuty: Duty<Reporting, ReportPlan, ReportingDeps> = {
  name: 'report',
  observe,
  decide({ now, reportUntil, state, bonds, report, torn }) {
    if (!report || state !== REPORT_STATE.none || now > reportUntil) return undefined
    return { report, bonds, topUp: topUpOf(bonds), torn }
  },
  async act({ report, bonds, topUp, torn }, { place, reports, sender }) {
    if (topUp > bonds.balance) throw bondShort(sender.address, bonds, topUp)
    // Whoever has the root alone can record nothing: the leaves come first, and stay what they are.
    reports.write(report)
    if (topUp > 0n) {
      await sender.send(approveCall(place.heu, place.emission, topUp))
      await sender.send(emissionCall.addBond(place.emission, topUp))
    }
    const { epoch, root, evidence, leaves } = report
    await sender.send(emissionCall.report(place.emission, epoch, root, evidence))
    return { epoch, nodes: leaves.length, root, torn, topUp: topUp.toString() }
  },
}

/**
 * A challenge holds a bond for up to eleven days, and the next report needs another: two stand if the balance allows, else
 * the one that is needed now.
 */
function topUpOf({ each, amount, held, balance }: Bonds): bigint {
  const needed = atLeastZero(each - (amount - held))
  const both = atLeastZero(2n * each - amount)
  return both > needed && both <= balance ? both : needed
}

const atLeastZero = (amount: bigint): bigint => (amount > 0n ? amount : 0n)

const bondShort = (prober: Address, { each, amount, held, balance }: Bonds, missing: bigint) =>
  refused('bond.short', 'the report cannot be filed: the bond is too small, and the balance as well', {
    fix: `Send ${prober} at least ${missing - balance} wei of HEU within a day after the end of the epoch.`,
    details: {
      each: each.toString(),
      amount: amount.toString(),
      held: held.toString(),
      balance: balance.toString(),
    },
  })

async function observe({ chain, place, probes, reports, sender }: ReportingDeps): Promise<Reporting> {
  const { client } = chain
  const emission = { address: place.emission, abi: emissionControllerAbi } as const
  const heu = { address: place.heu, abi: erc20Abi } as const
  try {
    const [{ now, epoch: present }, reportSeconds, each, [amount, held], balance] = await Promise.all([
      readClock(chain),
      client.readContract({ ...emission, functionName: 'REPORT_SECONDS' }),
      client.readContract({ ...emission, functionName: 'REPORT_BOND' }),
      client.readContract({ ...emission, functionName: 'bondOf', args: [sender.address] }),
      client.readContract({ ...heu, functionName: 'balanceOf', args: [sender.address] }),
    ])
    const epoch = present - 1
    const { state } = await client.readContract({ ...emission, functionName: 'reportOf', args: [epoch] })
    const reportUntil = startOf(epoch + 1) + Number(reportSeconds)
    const isOpen = state === REPORT_STATE.none && now <= reportUntil
    const count = async () =>
      reportOf(
        epoch,
        countProbes(probes.probes(epoch), await quotasIn(chain, place, epoch)),
        probes.bytes(epoch),
      )
    return {
      epoch,
      now,
      reportUntil,
      state,
      bonds: { each, amount, held, balance },
      report: isOpen ? (reports.read(epoch) ?? (await count())) : undefined,
      torn: probes.torn(epoch),
    }
  } catch (cause) {
    throw chainError(cause)
  }
}
