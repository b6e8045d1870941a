import {
  type Address,
  decodeAbiParameters,
  getAddress,
  type Hex,
  parseAbi,
  parseAbiParameters,
  toFunctionSelector,
} from 'viem'
import {
  computeLedgerAbi,
  emissionControllerAbi,
  feeBurnerAbi,
  heuAbi,
  nodeStakingAbi,
  routerBondAbi,
  slashingManagerAbi,
  voteControllerAbi,
  votingEscrowAbi,
} from '../sdk/chain/abi.ts'
import { refused } from '../sdk/errors.ts'
import { epochAt } from '../sdk/protocol/epochs.ts'
import { authorityFindings } from './authority.ts'
import { creationOf } from './creation.ts'
import type { Deployer } from './deployer.ts'
import { params } from './params.ts'
import type { DeployedName } from './record.ts'
import { emissionParams, ledgerTerms } from './steps/05-ledger.ts'
import { slashingParams } from './steps/06-economy.ts'

/** One thing read back from the chain beside what it should be. */
export interface Finding {
  what: string
  expected: string
  found: string
}

const SUPPLY = 1_000_000_000n * 10n ** 18n
/** What asks the Authority. */
const MANAGED = ['ledger', 'registry', 'staking', 'burner', 'emission', 'slashing'] as const
const PROXIES = [
  ['registry', 'registryCode'],
  ['burner', 'burnerCode'],
  ['emission', 'emissionCode'],
  ['slashing', 'slashingCode'],
] as const
/** ERC-1967: where a proxy keeps the address of its code. */
const CODE_SLOT = '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc'
const managedAbi = parseAbi(['function authority() view returns (address)'])
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
  const share = (role: number) =>
    client.readContract({ ...ledger, functionName: 'shareBpsOf', args: [role, 1] })
  const comingSplit = async () => {
    const { node, pod, frontend, voters } = await client.readContract({
      ...ledger,
      functionName: 'splitIn',
      args: [(await epochNow(deployer)) + 1],
    })
    return [node, pod, frontend, voters]
  }
  const { node, pod, frontend, voters } = terms.split

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
    ['split of the next epoch', [node, pod, frontend, voters], comingSplit()],
    ...MANAGED.map((name): Check => [`${name} authority`, terms.authority, authorityOf(deployer, name)]),
    ...PROXIES.map(
      ([name, code]): Check => [`${name} code`, deployer.addressOf(code), codeOf(deployer, name)],
    ),
    ...economyChecks(deployer),
    ...queueChecks(deployer, terms.priorityDeadline),
  ]
  const findings = await Promise.all(
    checks.map(async ([what, expected, found]) => ({
      what,
      expected: text(expected),
      found: text(await found),
    })),
  )
  return [...findings, ...(await authorityFindings(deployer))]
}

type Check = [string, unknown, Promise<unknown>]

/** The economy follows from the ledger, contract by contract. */
function economyChecks(deployer: Deployer): Check[] {
  const { client, addressOf } = deployer
  const ledger = { address: addressOf('ledger'), abi: computeLedgerAbi } as const
  const escrow = { address: addressOf('escrow'), abi: votingEscrowAbi } as const
  const votes = { address: addressOf('votes'), abi: voteControllerAbi } as const
  const emission = { address: addressOf('emission'), abi: emissionControllerAbi } as const
  const burner = { address: addressOf('burner'), abi: feeBurnerAbi } as const
  const staking = { address: addressOf('staking'), abi: nodeStakingAbi } as const
  const slashing = { address: addressOf('slashing'), abi: slashingManagerAbi } as const
  const { capBps, baseBps, lambdaBps, betaBps, etaBps, quota } = emissionParams()
  const emissionIn = async (ahead: number) => {
    const epoch = (await epochNow(deployer)) + ahead
    const found = await client.readContract({ ...emission, functionName: 'paramsIn', args: [epoch] })
    return [found.capBps, found.baseBps, found.lambdaBps, found.betaBps, found.etaBps, found.quota]
  }
  const slashes = async () => {
    const found = await client.readContract({ ...slashing, functionName: 'params' })
    return Object.keys(slashingParams()).map((name) => found[name as keyof typeof found])
  }
  const leastLot = deployer.isLocal ? params.localLeastLot : params.burnerLeastLot
  return [
    ['ledger voters', votes.address, client.readContract({ ...ledger, functionName: 'podVoters' })],
    ['ledger burner', burner.address, client.readContract({ ...ledger, functionName: 'burner' })],
    [
      'escrow past',
      params.escrowKeepsPast.value === 1,
      client.readContract({ ...escrow, functionName: 'keepsPast' }),
    ],
    ['votes escrow', addressOf('escrow'), client.readContract({ ...votes, functionName: 'escrow' })],
    ['votes emission', emission.address, client.readContract({ ...votes, functionName: 'emission' })],
    ['emission votes', votes.address, client.readContract({ ...emission, functionName: 'votes' })],
    ['emission staking', staking.address, client.readContract({ ...emission, functionName: 'staking' })],
    ['emission burner', burner.address, client.readContract({ ...emission, functionName: 'burner' })],
    ['emission ledger', ledger.address, client.readContract({ ...emission, functionName: 'ledger' })],
    ['emission parameters', [capBps, baseBps, lambdaBps, betaBps, etaBps, quota], emissionIn(0)],
    [
      'emission parameters of the next epoch',
      [capBps, baseBps, lambdaBps, betaBps, etaBps, quota],
      emissionIn(1),
    ],
    ['burner ledger', ledger.address, client.readContract({ ...burner, functionName: 'ledger' })],
    ['burner first price', params.burnerPrice.value, firstPrice(deployer)],
    ['burner least lot', leastLot.value, client.readContract({ ...burner, functionName: 'leastLot' })],
    ['staking HEU', addressOf('heu'), client.readContract({ ...staking, functionName: 'heu' })],
    ['slashing staking', staking.address, client.readContract({ ...slashing, functionName: 'staking' })],
    ['slashing parameters', Object.values(slashingParams()), slashes()],
  ]
}

/**
 * No contract keeps the deadline of the queue that its constructor was told: it is the last argument of the creation. Without
 * the variable nobody says what it should be.
 */
function queueChecks(deployer: Deployer, deadline: number): Check[] {
  if (!process.env.HEURIST_PRIORITY_DEADLINE) return []
  const told = async (name: DeployedName) =>
    BigInt(`0x${(await creationOf(deployer, name)).input.slice(-64)}`)
  return [
    ['ledger checked for a queue of', deadline, told('ledger')],
    ['bond checked for a queue of', deadline, told('bond')],
  ]
}

/** The market moves the burner's price from its first sale on, so the first one is read out of the creation. */
async function firstPrice(deployer: Deployer): Promise<bigint> {
  const { input } = await creationOf(deployer, 'burner')
  const selector = toFunctionSelector('initialize(address,uint256)').slice(2)
  const told = input.slice(input.lastIndexOf(selector) + selector.length)
  const [, price] = decodeAbiParameters(parseAbiParameters('address, uint256'), `0x${told}`)
  return price
}

const epochNow = async ({ client }: Deployer): Promise<number> =>
  epochAt(Number((await client.getBlock()).timestamp))

const authorityOf = ({ client, addressOf }: Deployer, name: DeployedName): Promise<Address> =>
  client.readContract({ address: addressOf(name), abi: managedAbi, functionName: 'authority' })

async function codeOf({ client, addressOf }: Deployer, name: DeployedName): Promise<Hex> {
  const word = await client.getStorageAt({ address: addressOf(name), slot: CODE_SLOT })
  return `0x${(word ?? '').slice(-40)}`
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
