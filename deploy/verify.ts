import { type Address, getAddress, parseAbi } from 'viem'
import { authorityAbi, computeLedgerAbi, heuAbi, registryAbi } from '../sdk/chain/abi.ts'
import { refused } from '../sdk/errors.ts'
import type { Deployer } from './deployer.ts'
import { ledgerTerms } from './steps/04-ledger.ts'
import { ROLES } from './steps/05-roles.ts'

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
  const terms = ledgerTerms(deployer)
  const ledger = { address: deployer.addressOf('ledger'), abi: computeLedgerAbi } as const
  const authority = { address: deployer.addressOf('authority'), abi: authorityAbi } as const
  const share = (role: number) =>
    client.readContract({ ...ledger, functionName: 'shareBpsOf', args: [role, 1] })
  const hasRole = (role: bigint, account: Address) =>
    client.readContract({ ...authority, functionName: 'hasRole', args: [role, account] })

  const checks: [string, unknown, Promise<unknown>][] = [
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
    ['node share', BigInt(terms.nodeBps), share(0)],
    ['pod share', BigInt(terms.podBps), share(1)],
    ['frontend share', BigInt(terms.frontendBps), share(2)],
    ['voter share without voters', 0n, share(3)],
    ['registry authority', terms.authority, registryAuthority(deployer)],
    ['upgrader role is held', true, hasRole(ROLES.upgrader, deployer.admin).then(([isMember]) => isMember)],
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
