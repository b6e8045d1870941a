import { type Address, zeroAddress } from 'viem'
import type { Deployer } from '../deployer.ts'
import { params } from '../params.ts'
import type { Step } from './step.ts'

/** What the ledger is born with, for good (`IComputeLedger.Terms`). */
export interface LedgerTerms {
  asset: Address
  registry: Address
  authority: Address
  /** Zero until the vote contracts exist: that share is burnt. */
  podVoters: Address
  /** Zero until the burner exists: the protocol part waits in the ledger. */
  burner: Address
  nodeBps: number
  podBps: number
  frontendBps: number
  voterBps: number
  thawSeconds: number
  priorityDeadline: number
}

export function ledgerTerms(deployer: Deployer): LedgerTerms {
  return {
    asset: deployer.addressOf('asset'),
    registry: deployer.addressOf('registry'),
    authority: deployer.addressOf('authority'),
    podVoters: zeroAddress,
    burner: zeroAddress,
    nodeBps: params.nodeBps.value,
    podBps: params.podBps.value,
    frontendBps: params.frontendBps.value,
    voterBps: params.voterBps.value,
    thawSeconds: params.thawSeconds.value,
    priorityDeadline: Number(process.env.HEURIST_PRIORITY_DEADLINE ?? params.priorityDeadline.value),
  }
}

/** All the money of all the calls. Immutable. */
export const ledger: Step = {
  name: 'ledger',
  async run(deployer) {
    await deployer.create('ledger', 'ComputeLedger', [ledgerTerms(deployer)])
  },
}
