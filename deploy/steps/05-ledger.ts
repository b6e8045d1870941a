import { type Address, encodeFunctionData, getContractAddress } from 'viem'
import { emissionControllerAbi, feeBurnerAbi } from '../../sdk/chain/abi.ts'
import { refused } from '../../sdk/errors.ts'
import type { Deployer } from '../deployer.ts'
import { params } from '../params.ts'
import type { DeployedName } from '../record.ts'
import type { Step } from './step.ts'

/** What the ledger is born with, for good (`IComputeLedger.Terms`). */
export interface LedgerTerms {
  asset: Address
  registry: Address
  authority: Address
  bond: Address
  podVoters: Address
  burner: Address
  split: { node: number; pod: number; frontend: number; voters: number }
  thawSeconds: number
  priorityDeadline: number
}

/** The contracts that know each other from birth, in the order of their creation. */
const GROUP = ['ledger', 'bond', 'votes', 'burnerCode', 'burner', 'emissionCode', 'emission'] as const
type Grouped = (typeof GROUP)[number]
/** @source Books.FORCED_CALL_MARGIN, RouterBond.FORCED_CALL_MARGIN */
const FORCED_CALL_MARGIN = 3_600

/**
 * What a chain operator says of its queue, seconds.
 *
 * @throws `deadline.invalid` (refused).
 */
function priorityDeadline(): number {
  const text = process.env.HEURIST_PRIORITY_DEADLINE || String(params.priorityDeadline.value)
  const most = params.thawSeconds.value - FORCED_CALL_MARGIN
  if (/^\d{1,9}$/.test(text) && Number(text) <= most) return Number(text)
  throw refused('deadline.invalid', `a forced call that waits ${text} seconds cannot be in time`, {
    fix: `Set HEURIST_PRIORITY_DEADLINE to the seconds that the chain's L1 to L2 queue may take, at most ${most}.`,
    field: 'HEURIST_PRIORITY_DEADLINE',
  })
}

export function ledgerTerms(deployer: Deployer, at: (name: Grouped) => Address): LedgerTerms {
  return {
    asset: deployer.addressOf('asset'),
    registry: deployer.addressOf('registry'),
    authority: deployer.addressOf('authority'),
    bond: at('bond'),
    podVoters: at('votes'),
    burner: at('burner'),
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

/** `IEmissionController.Params`. */
export const emissionParams = () => ({
  capBps: params.emissionCapBps.value,
  baseBps: params.emissionBaseBps.value,
  lambdaBps: params.emissionLambdaBps.value,
  betaBps: params.emissionBetaBps.value,
  etaBps: params.emissionEtaBps.value,
  quota: params.emissionQuota.value,
})

/**
 * All the money of all the calls, what answers for it, and what is made of it: bond, votes, burner and emission. The ledger
 * is born with the addresses of the others and they with its own, so all are this deployer's next creations, in one go; a
 * deployment that broke off in between makes all of them anew.
 */
export const ledger: Step = {
  name: 'ledger',
  async check() {
    priorityDeadline()
  },
  async run(deployer) {
    const { addresses } = deployer.record
    if (addresses.emission !== undefined) return
    for (const name of GROUP) delete addresses[name]
    const at = await plan(deployer)
    const [heu, registry, authority] = (['heu', 'registry', 'authority'] as const).map(deployer.addressOf)

    await deployer.create('ledger', 'ComputeLedger', [ledgerTerms(deployer, at)])
    const least = [params.bondLeastAsset.value, params.bondLeastHeu.value] as const
    await deployer.create('bond', 'RouterBond', [at('ledger'), heu, ...least, priorityDeadline()])
    await deployer.create('votes', 'VoteController', [
      deployer.addressOf('escrow'),
      at('ledger'),
      at('emission'),
    ])
    const leastLot = deployer.isLocal ? params.localLeastLot : params.burnerLeastLot
    await deployer.create('burnerCode', 'FeeBurner', [heu, at('ledger'), leastLot.value])
    const burner = encodeFunctionData({
      abi: feeBurnerAbi,
      functionName: 'initialize',
      args: [authority as Address, params.burnerPrice.value],
    })
    await deployer.create('burner', 'UpgradeableProxy', [at('burnerCode'), burner])
    const parts = [at('votes'), deployer.addressOf('staking'), at('burner')] as const
    await deployer.create('emissionCode', 'EmissionController', [heu, at('ledger'), registry, ...parts])
    const emission = encodeFunctionData({
      abi: emissionControllerAbi,
      functionName: 'initialize',
      args: [authority as Address, emissionParams()],
    })
    await deployer.create('emission', 'UpgradeableProxy', [at('emissionCode'), emission])
  },
}

/** Where each of the group will stand, if nothing else is sent in between. */
async function plan({ client, admin }: Deployer): Promise<(name: DeployedName & Grouped) => Address> {
  const nonce = await client.getTransactionCount({ address: admin })
  return (name) => getContractAddress({ from: admin, nonce: BigInt(nonce + GROUP.indexOf(name)) })
}
