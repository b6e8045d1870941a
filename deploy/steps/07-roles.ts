import { type Address, encodeFunctionData, type Hex, toFunctionSelector } from 'viem'
import { authorityAbi } from '../../sdk/chain/abi.ts'
import { refused } from '../../sdk/errors.ts'
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

/** What is still to be done, and the call that does it. */
interface Missing {
  what: string
  call: Hex
}

/**
 * One transaction for all that is missing: the Authority takes several calls at once. Whoever has to wait for what it
 * changes has deployed already: what is another since then was decided, and is not undone here.
 */
export const roles: Step = {
  name: 'roles',
  async run(deployer) {
    const looked = await Promise.all([
      ...PRIVILEGED.map(([name, role, signatures]) => assignment(deployer, name, signatures, role)),
      ...grants(deployer).map(([role, account, delay]) => grant(deployer, role, account, delay)),
    ])
    const missing = looked.filter((each) => each !== undefined)
    if (missing.length === 0) return
    if (!(await mayActAtOnce(deployer))) throw changed(deployer.admin, missing)
    const calls = missing.map(({ call }) => call)
    await deployer.send({ ...authorityOf(deployer), functionName: 'multicall', args: [calls] })
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

async function mayActAtOnce(deployer: Deployer): Promise<boolean> {
  const [isMember, delay] = await deployer.client.readContract({
    ...authorityOf(deployer),
    functionName: 'hasRole',
    args: [ROLES.admin, deployer.admin],
  })
  return isMember && delay === 0
}

function changed(admin: Address, missing: readonly Missing[]) {
  const what = missing.map((each) => each.what).join('; ')
  return refused(
    'authority.changed',
    `the Authority is not as it was deployed (${what}), and ${admin} cannot change it at once`,
    {
      fix: 'Nothing was sent. `heurist net verify` shows what differs; whoever is admin proposes changes and waits.',
    },
  )
}

/** @returns What gives the functions to the role; undefined if it has them all. */
async function assignment(
  deployer: Deployer,
  name: DeployedName,
  signatures: readonly string[],
  role: Held,
): Promise<Missing | undefined> {
  const target = deployer.addressOf(name)
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
  const missing = selectors.filter((_, index) => held[index] !== ROLES[role])
  if (missing.length === 0) return undefined
  const args = [target, missing, ROLES[role]] as const
  return {
    what: `functions of ${name} for ${role}`,
    call: encodeFunctionData({ abi: authorityAbi, functionName: 'setTargetFunctionRole', args }),
  }
}

/** @returns undefined if the account holds the role with that delay. */
async function grant(
  deployer: Deployer,
  role: keyof typeof ROLES,
  account: Address,
  delay: number,
): Promise<Missing | undefined> {
  const [isMember, current] = await deployer.client.readContract({
    ...authorityOf(deployer),
    functionName: 'hasRole',
    args: [ROLES[role], account],
  })
  if (isMember && current === delay) return undefined
  const args = [ROLES[role], account, delay] as const
  return {
    what: `${role} of ${account}`,
    call: encodeFunctionData({ abi: authorityAbi, functionName: 'grantRole', args }),
  }
}
