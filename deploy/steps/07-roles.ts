import { type Address, encodeFunctionData, type Hex, toFunctionSelector } from 'viem'
import { authorityAbi } from '../../sdk/chain/abi.ts'
import type { Deployer } from '../deployer.ts'
import { localAccount } from '../local.ts'
import { params } from '../params.ts'
import type { DeployedName } from '../record.ts'
import type { Step } from './step.ts'

/** AccessManager role ids; 0 is its admin. */
export const ROLES = {
  admin: 0n,
  upgrader: 1n,
  guardian: 2n,
  params: 3n,
  prober: 4n,
  judge: 5n,
  /** The SlashingManager's, and nobody else's. */
  slasher: 6n,
} as const

type Held = Exclude<keyof typeof ROLES, 'admin'>

/** Every privileged function, by contract, and the role that may call it. Nothing else is privileged. */
export const PRIVILEGED: readonly (readonly [DeployedName, Held, readonly string[]])[] = [
  ['registry', 'upgrader', ['upgradeToAndCall(address,bytes)']],
  ['burner', 'upgrader', ['upgradeToAndCall(address,bytes)']],
  ['emission', 'upgrader', ['upgradeToAndCall(address,bytes)']],
  ['slashing', 'upgrader', ['upgradeToAndCall(address,bytes)']],
  ['ledger', 'guardian', ['pause()', 'unpause()']],
  ['ledger', 'params', ['setSplit((uint16,uint16,uint16,uint16))']],
  ['emission', 'params', ['setParams((uint16,uint16,uint16,uint16,uint16,uint64))']],
  ['slashing', 'params', ['setParams((uint96,uint16,uint16,uint40,uint40))']],
  ['emission', 'prober', ['report(uint32,bytes32,bytes32)']],
  ['emission', 'judge', ['judge(uint32,bool)']],
  ['slashing', 'judge', ['resolve(uint256,bool)']],
  [
    'staking',
    'slasher',
    [
      'freeze(uint32,uint256)',
      'release(uint32,uint256)',
      'slash(uint32,uint256,address,uint256,address,uint256)',
    ],
  ],
]

/** One transaction for all that is missing: the Authority takes several calls at once. */
export const roles: Step = {
  name: 'roles',
  async run(deployer) {
    const calls = await Promise.all([
      ...PRIVILEGED.map(([name, role, signatures]) =>
        assignment(deployer, deployer.addressOf(name), signatures, ROLES[role]),
      ),
      ...grants(deployer).map(([role, account, delay]) => grant(deployer, ROLES[role], account, delay)),
    ])
    const missing = calls.filter((call) => call !== undefined)
    if (missing.length === 0) return
    await deployer.send({ ...authorityOf(deployer), functionName: 'multicall', args: [missing] })
  },
}

/** Who holds what, with which delay, seconds. Nobody else holds anything. */
export function grants({
  admin,
  isLocal,
  addressOf,
}: Deployer): (readonly [keyof typeof ROLES, Address, number])[] {
  return [
    ['params', admin, params.paramsDelay.value],
    ['upgrader', admin, params.upgradeDelay.value],
    ['guardian', admin, params.pauseDelay.value],
    ['prober', admin, 0],
    ['judge', admin, 0],
    ['slasher', addressOf('slashing'), 0],
    ...(isLocal ? [['prober', localAccount('keeper').address, 0] as const] : []),
    // The admin's own last, because from here on it has to wait. A local chain is redeployed at will.
    ['admin', admin, isLocal ? 0 : params.adminDelay.value],
  ]
}

const authorityOf = (deployer: Deployer) =>
  ({ address: deployer.addressOf('authority'), abi: authorityAbi }) as const

/** @returns The call that gives the functions to the role; undefined if it has them all. */
async function assignment(
  deployer: Deployer,
  target: Address,
  signatures: readonly string[],
  role: bigint,
): Promise<Hex | undefined> {
  const selectors = signatures.map((signature) => toFunctionSelector(signature))
  const held = await Promise.all(
    selectors.map((selector) =>
      deployer.client.readContract({
        ...authorityOf(deployer),
        functionName: 'getTargetFunctionRole',
        args: [target, selector],
      }),
    ),
  )
  const missing = selectors.filter((_, index) => held[index] !== role)
  if (missing.length === 0) return undefined
  const args = [target, missing, role] as const
  return encodeFunctionData({ abi: authorityAbi, functionName: 'setTargetFunctionRole', args })
}

/** @returns undefined if the account holds the role with that delay. */
async function grant(
  deployer: Deployer,
  role: bigint,
  account: Address,
  delay: number,
): Promise<Hex | undefined> {
  const [isMember, current] = await deployer.client.readContract({
    ...authorityOf(deployer),
    functionName: 'hasRole',
    args: [role, account],
  })
  if (isMember && current === delay) return undefined
  const args = [role, account, delay] as const
  return encodeFunctionData({ abi: authorityAbi, functionName: 'grantRole', args })
}
