import { encodeFunctionData } from 'viem'
import { heuAbi, slashingManagerAbi } from '../../sdk/chain/abi.ts'
import { params } from '../params.ts'
import type { Step } from './step.ts'

/** `ISlashingManager.Params`. */
export const slashingParams = () => ({
  leastBond: params.slashLeastBond.value,
  bondBps: params.slashBondBps.value,
  reporterBps: params.slashReporterBps.value,
  evidenceSeconds: params.slashEvidence.value,
  disputeSeconds: params.slashDispute.value,
})

/** What costs stake, what reads it all, and the reserve: the deployer hands it over once, and never has it again. */
export const economy: Step = {
  name: 'economy',
  async run(deployer) {
    const code = await deployer.create('slashingCode', 'SlashingManager', [
      deployer.addressOf('ledger'),
      deployer.addressOf('staking'),
    ])
    const initialize = encodeFunctionData({
      abi: slashingManagerAbi,
      functionName: 'initialize',
      args: [deployer.addressOf('authority'), slashingParams()],
    })
    await deployer.create('slashing', 'UpgradeableProxy', [code, initialize])
    await deployer.create('lens', 'Lens', [deployer.addressOf('votes')])

    const heu = { address: deployer.addressOf('heu'), abi: heuAbi } as const
    const emission = deployer.addressOf('emission')
    const held = await deployer.client.readContract({ ...heu, functionName: 'balanceOf', args: [emission] })
    if (held > 0n) return
    await deployer.send({ ...heu, functionName: 'transfer', args: [emission, params.emissionReserve.value] })
  },
}
