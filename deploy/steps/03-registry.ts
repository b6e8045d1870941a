import { encodeFunctionData } from 'viem'
import { registryAbi } from '../../sdk/chain/abi.ts'
import type { Step } from './step.ts'

/** The Registry behind its proxy; the address that counts is the proxy's. */
export const registry: Step = {
  name: 'registry',
  async run(deployer) {
    const code = await deployer.create('registryCode', 'Registry', [])
    const initialize = encodeFunctionData({
      abi: registryAbi,
      functionName: 'initialize',
      args: [deployer.addressOf('authority')],
    })
    await deployer.create('registry', 'UpgradeableProxy', [code, initialize])
  },
}
