import { type Address, type Hex, toFunctionSelector } from 'viem'
import { authorityAbi } from '../../sdk/chain/abi.ts'
import type { Deployer } from '../deployer.ts'
import { params } from '../params.ts'
import type { Step } from './step.ts'

/** AccessManager role ids; 0 is its admin. */
export const ROLES = { admin: 0n, upgrader: 1n, guardian: 2n, params: 3n } as const

const UPGRADE = toFunctionSelector('upgradeToAndCall(address,bytes)')
const PAUSE = [toFunctionSelector('pause()'), toFunctionSelector('unpause()')]
const SET_SPLIT = toFunctionSelector('setSplit((uint16,uint16,uint16,uint16))')

/** Every privileged function, its role and that role's delay. Nothing else is privileged. */
export const roles: Step = {
  name: 'roles',
  async run(deployer) {
    await assign(deployer, deployer.addressOf('registry'), [UPGRADE], ROLES.upgrader)
    await assign(deployer, deployer.addressOf('ledger'), PAUSE, ROLES.guardian)
    await assign(deployer, deployer.addressOf('ledger'), [SET_SPLIT], ROLES.params)
    await grant(deployer, ROLES.params, params.paramsDelay.value)
    await grant(deployer, ROLES.upgrader, params.upgradeDelay.value)
    await grant(deployer, ROLES.guardian, params.pauseDelay.value)
    // Last, because from here on the admin itself has to wait. A local chain is redeployed at will.
    if (!deployer.isLocal) await grant(deployer, ROLES.admin, params.adminDelay.value)
  },
}

async function assign(deployer: Deployer, target: Address, selectors: Hex[], role: bigint): Promise<void> {
  const authority = { address: deployer.addressOf('authority'), abi: authorityAbi } as const
  const held = await Promise.all(
    selectors.map((selector) =>
      deployer.client.readContract({
        ...authority,
        functionName: 'getTargetFunctionRole',
        args: [target, selector],
      }),
    ),
  )
  const missing = selectors.filter((_, index) => held[index] !== role)
  if (missing.length === 0) return
  await deployer.send({ ...authority, functionName: 'setTargetFunctionRole', args: [target, missing, role] })
}

async function grant(deployer: Deployer, role: bigint, delay: number): Promise<void> {
  const authority = { address: deployer.addressOf('authority'), abi: authorityAbi } as const
  const [isMember, current] = await deployer.client.readContract({
    ...authority,
    functionName: 'hasRole',
    args: [role, deployer.admin],
  })
  if (isMember && current === delay) return
  await deployer.send({ ...authority, functionName: 'grantRole', args: [role, deployer.admin, delay] })
}
