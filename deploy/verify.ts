import { type Address, getAddress, parseAbi } from 'viem'
import {
  authorityAbi,
  computeLedgerAbi,
  emissionControllerAbi,
  feeBurnerAbi,
  heuAbi,
  nodeStakingAbi,
  registryAbi,
  routerBondAbi,
  slashingManagerAbi,
  voteControllerAbi,
} from '../sdk/chain/abi.ts'
import { refused } from '../sdk/errors.ts'
import { epochAt } from '../sdk/protocol/epochs.ts'
import type { Deployer } from './deployer.ts'
import { params } from './params.ts'
import { emissionParams, ledgerTerms } from './steps/05-ledger.ts'
import { ROLES } from './steps/07-roles.ts'

/** One thing read back from the chain beside what it should be. */
export interface Finding {
  what: string
  expected: string
  found: string
}

const SUPPLY = 1_000_000_000n * 10n ** 18n
const decimalsAbi = parseAbi(['function decimals() view returns (uint8)'])

/**
 * Reads a deployment back from the chain.
 *
 * @returns Every check, in order; a deployment is right when each `found` equals its `expected`.
 */
export async function verify(deployer: Deployer): Promise<Finding[]> {
  const { client } = deployer
  const terms = ledgerTerms(deployer, deployer.addressOf)
  const ledger = { address: deployer.addressOf('ledger'), abi: computeLedgerAbi } as const
  const bond = { address: deployer.addressOf('bond'), abi: routerBondAbi } as const
  const authority = { address: deployer.addressOf('authority'), abi: authorityAbi } as const
  const share = (role: number) =>
    client.readContract({ ...ledger, functionName: 'shareBpsOf', args: [role, 1] })
  const hasRole = (role: bigint, account: Address) =>
    client.readContract({ ...authority, functionName: 'hasRole', args: [role, account] })

  const checks: Check[] = [
    ['HEU supply is at most what was minted once', true, supplyIsWhole(deployer)],
    [
      'asset decimals',
      6,
      client.readContract({ address: terms.asset, abi: decimalsAbi, functionName: 'decimals' }),
    ],
    ['ledger asset', terms.asset, client.readContract({ ...ledger, functionName: 'asset' })],
    ['ledger registry', terms.registry, client.readContract({ ...ledger, functionName: 'registry' })],
    ['ledger authority', terms.authority, client.readContract({ ...ledger, functionName: 'authority' })],
    ['ledger thaw', terms.thawSeconds, client.readContract({ ...ledger, functionName: 'thawSeconds' })],
    ['ledger bond', terms.bond, client.readContract({ ...ledger, functionName: 'bond' })],
    ['bond ledger', ledger.address, client.readContract({ ...bond, functionName: 'ledger' })],
    ['bond HEU', deployer.addressOf('heu'), client.readContract({ ...bond, functionName: 'heu' })],
    ['least bond', params.bondLeastAsset.value, client.readContract({ ...bond, functionName: 'leastAsset' })],
    [
      'least bond in HEU',
      params.bondLeastHeu.value,
      client.readContract({ ...bond, functionName: 'leastHeu' }),
    ],
    ['node share', BigInt(terms.split.node), share(0)],
    ['pod share', BigInt(terms.split.pod), share(1)],
    ['frontend share', BigInt(terms.split.frontend), share(2)],
    ['voter share', BigInt(terms.split.voters), share(3)],
    ['registry authority', terms.authority, registryAuthority(deployer)],
    ...economyChecks(deployer),
    [
      "the admin's delay",
      deployer.isLocal ? 0 : params.adminDelay.value,
      hasRole(ROLES.admin, deployer.admin).then(([, delay]) => delay),
    ],
    ['upgrader role is held', true, hasRole(ROLES.upgrader, deployer.admin).then(([isMember]) => isMember)],
    ['params role is held', true, hasRole(ROLES.params, deployer.admin).then(([isMember]) => isMember)],
    ['guardian role is held', true, hasRole(ROLES.guardian, deployer.admin).then(([isMember]) => isMember)],
  ]
  return Promise.all(
    checks.map(async ([what, expected, found]) => ({
      what,
      expected: text(expected),
      found: text(await found),
    })),
  )
}

type Check = [string, unknown, Promise<unknown>]

/** The economy follows from the ledger, contract by contract. */
function economyChecks(deployer: Deployer): Check[] {
  const { client, addressOf } = deployer
  const ledger = { address: addressOf('ledger'), abi: computeLedgerAbi } as const
  const votes = { address: addressOf('votes'), abi: voteControllerAbi } as const
  const emission = { address: addressOf('emission'), abi: emissionControllerAbi } as const
  const burner = { address: addressOf('burner'), abi: feeBurnerAbi } as const
  const staking = { address: addressOf('staking'), abi: nodeStakingAbi } as const
  const slashing = { address: addressOf('slashing'), abi: slashingManagerAbi } as const
  const { capBps, baseBps, lambdaBps, betaBps, etaBps, quota } = emissionParams()
  const inForce = async () => {
    const epoch = epochAt(Number((await client.getBlock()).timestamp))
    const found = await client.readContract({ ...emission, functionName: 'paramsIn', args: [epoch] })
    return [found.capBps, found.baseBps, found.lambdaBps, found.betaBps, found.etaBps, found.quota]
  }
  return [
    ['ledger voters', votes.address, client.readContract({ ...ledger, functionName: 'podVoters' })],
    ['ledger burner', burner.address, client.readContract({ ...ledger, functionName: 'burner' })],
    ['votes escrow', addressOf('escrow'), client.readContract({ ...votes, functionName: 'escrow' })],
    ['votes emission', emission.address, client.readContract({ ...votes, functionName: 'emission' })],
    ['emission votes', votes.address, client.readContract({ ...emission, functionName: 'votes' })],
    ['emission staking', staking.address, client.readContract({ ...emission, functionName: 'staking' })],
    ['emission burner', burner.address, client.readContract({ ...emission, functionName: 'burner' })],
    ['emission ledger', ledger.address, client.readContract({ ...emission, functionName: 'ledger' })],
    ['emission parameters', [capBps, baseBps, lambdaBps, betaBps, etaBps, quota], inForce()],
    ['burner ledger', ledger.address, client.readContract({ ...burner, functionName: 'ledger' })],
    ['staking HEU', addressOf('heu'), client.readContract({ ...staking, functionName: 'heu' })],
    ['slashing staking', staking.address, client.readContract({ ...slashing, functionName: 'staking' })],
  ]
}

/** @throws `deployment.differs` (refused) naming the first finding that is wrong. */
export function assertRight(findings: Finding[]): void {
  const wrong = findings.find(({ expected, found }) => expected !== found)
  if (!wrong) return
  throw refused('deployment.differs', `${wrong.what}: the chain says ${wrong.found}, not ${wrong.expected}`, {
    fix: 'Deploy to a fresh record, or correct deploy/params.ts to what this deployment was made with.',
  })
}

const text = (value: unknown): string =>
  typeof value === 'string' && value.startsWith('0x') && value.length === 42
    ? getAddress(value)
    : String(value)

async function supplyIsWhole(deployer: Deployer): Promise<boolean> {
  const heu = { address: deployer.addressOf('heu'), abi: heuAbi } as const
  return (await deployer.client.readContract({ ...heu, functionName: 'totalSupply' })) <= SUPPLY
}

const registryAuthority = (deployer: Deployer) =>
  deployer.client.readContract({
    address: deployer.addressOf('registry'),
    abi: registryAbi,
    functionName: 'authority',
  })
