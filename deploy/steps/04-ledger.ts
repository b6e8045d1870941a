import { type Address, getContractAddress, zeroAddress } from 'viem'
import type { Deployer } from '../deployer.ts'
import { params } from '../params.ts'
import type { Step } from './step.ts'

/** What the ledger is born with, for good (`IComputeLedger.Terms`). */
export interface LedgerTerms {
  asset: Address
  registry: Address
  authority: Address
  bond: Address
  /** Zero until the vote contracts exist: that share is burnt. */
  podVoters: Address
  /** Zero until the burner exists: the protocol part waits in the ledger. */
  burner: Address
  split: { node: number; pod: number; frontend: number; voters: number }
  thawSeconds: number
  priorityDeadline: number
}

const priorityDeadline = () => Number(process.env.HEURIST_PRIORITY_DEADLINE ?? params.priorityDeadline.value)

export function ledgerTerms(deployer: Deployer, bond: Address): LedgerTerms {
  return {
    asset: deployer.addressOf('asset'),
    registry: deployer.addressOf('registry'),
    authority: deployer.addressOf('authority'),
    bond,
    podVoters: zeroAddress,
    burner: zeroAddress,
    split: {
      node: params.nodeBps.value,
      pod: params.podBps.value,
      frontend: params.frontendBps.value,
      voters: params.voterBps.value,
    },
    thawSeconds: params.thawSeconds.value,
    priorityDeadline: priorityDeadline(),
  }
}

/**
 * All the money of all the calls, and what answers for it: two immutable contracts, each born with the other's address.
 * The bond is the deployer's next creation after the ledger's; a deployment that broke off in between makes both anew.
 */
export const ledger: Step = {
  name: 'ledger',
  async run(deployer) {
    if (deployer.record.addresses.bond === undefined) delete deployer.record.addresses.ledger
    const nonce = await deployer.client.getTransactionCount({ address: deployer.admin })
    const bond = getContractAddress({ from: deployer.admin, nonce: BigInt(nonce + 1) })
    const address = await deployer.create('ledger', 'ComputeLedger', [ledgerTerms(deployer, bond)])
    const least = [params.bondLeastAsset.value, params.bondLeastHeu.value] as const
    await deployer.create('bond', 'RouterBond', [
      address,
      deployer.addressOf('heu'),
      ...least,
      priorityDeadline(),
    ])
  },
}
