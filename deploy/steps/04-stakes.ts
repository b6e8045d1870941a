import { params } from '../params.ts'
import type { Step } from './step.ts'

/** Where HEU is locked for votes and stands behind nodes. Immutable; neither needs to know who asks it. */
export const stakes: Step = {
  name: 'stakes',
  async run(deployer) {
    const [heu, registry] = [deployer.addressOf('heu'), deployer.addressOf('registry')]
    await deployer.create('escrow', 'VotingEscrow', [heu, params.escrowKeepsPast.value === 1])
    await deployer.create('staking', 'NodeStaking', [heu, registry, deployer.addressOf('authority')])
  },
}
