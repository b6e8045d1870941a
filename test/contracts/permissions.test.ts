import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  type Abi,
  type Address,
  BaseError,
  encodeFunctionData,
  type Hex,
  toFunctionSelector,
  toFunctionSignature,
} from 'viem'
import { ROLES, roles } from '../../deploy/steps/07-roles.ts'
import {
  authorityAbi,
  computeLedgerAbi,
  emissionControllerAbi,
  feeBurnerAbi,
  nodeStakingAbi,
  registryAbi,
  routerBondAbi,
  slashingManagerAbi,
  voteControllerAbi,
  votingEscrowAbi,
} from '../../sdk/chain/abi.ts'
import { type Market, openMarket } from '../market.ts'

/** docs/permissions.md beside the ABIs and a deployment: what it says is all there is, and is so. */

const PAGE = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'permissions.md'), 'utf8')
const ABIS: Record<string, { abi: Abi; at: keyof Market['addresses'] }> = {
  ComputeLedger: { abi: computeLedgerAbi, at: 'ledger' },
  RouterBond: { abi: routerBondAbi, at: 'bond' },
  Registry: { abi: registryAbi, at: 'registry' },
  VotingEscrow: { abi: votingEscrowAbi, at: 'escrow' },
  VoteController: { abi: voteControllerAbi, at: 'votes' },
  NodeStaking: { abi: nodeStakingAbi, at: 'staking' },
  EmissionController: { abi: emissionControllerAbi, at: 'emission' },
  FeeBurner: { abi: feeBurnerAbi, at: 'burner' },
  SlashingManager: { abi: slashingManagerAbi, at: 'slashing' },
  Authority: { abi: authorityAbi, at: 'authority' },
}
const STRANGER: Address = '0x00000000000000000000000000000000000bad01'
const UNAUTHORIZED = ['AccessManagedUnauthorized', 'AccessManagerUnauthorizedAccount', 'NotBond', 'NotVotes']

interface Row {
  contract: string
  signature: string
  holder: string
  delay: string
}

function rowsOf(heading: string): Row[] {
  const section = PAGE.slice(PAGE.indexOf(`## ${heading}`)).split('\n## ')[0] ?? ''
  return section
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((cells) => cells[1] !== undefined && cells[1] in ABIS)
    .map((cells) => ({
      contract: cells[1] ?? '',
      signature: (cells[2] ?? '').replaceAll('`', ''),
      holder: cells[3] ?? '',
      delay: cells[4] ?? '',
    }))
}

const writers = (abi: Abi): string[] =>
  abi.flatMap((item) =>
    item.type === 'function' && item.stateMutability !== 'view' && item.stateMutability !== 'pure'
      ? [toFunctionSignature(item)]
      : [],
  )

/** A call with every argument zero: enough to learn whether the caller is let in. */
function emptyCall(abi: Abi, signature: string): Hex {
  const item = abi.find((entry) => entry.type === 'function' && toFunctionSignature(entry) === signature)
  if (item?.type !== 'function') throw new Error(`no ${signature}`)
  return encodeFunctionData({ abi: [item], functionName: item.name, args: item.inputs.map(zeroOf) })
}

type Parameter = { type: string; components?: readonly Parameter[] }
function zeroOf({ type, components = [] }: Parameter): unknown {
  if (type.endsWith('[]')) return []
  if (type === 'tuple')
    return Object.fromEntries(
      components.map((part) => [(part as { name?: string }).name ?? '', zeroOf(part)]),
    )
  if (type === 'address') return STRANGER
  if (type === 'bool') return false
  if (type === 'string') return ''
  if (type === 'bytes') return '0x00000000'
  if (type.startsWith('bytes')) return `0x${'00'.repeat(Number(type.slice(5)))}`
  return 0
}

describe('docs/permissions.md', function () {
  this.timeout(900_000)

  let market: Market
  before(async () => {
    market = await openMarket()
  })
  after(() => market.close())

  it('names every function that writes, once, and no other', () => {
    const named = [...rowsOf('Privileged'), ...rowsOf('Open')].map(
      (row) => `${row.contract} ${row.signature}`,
    )
    const existing = Object.entries(ABIS).flatMap(([name, { abi }]) =>
      writers(abi).map((signature) => `${name} ${signature}`),
    )

    expect(named.sort()).to.deep.equal(existing.sort())
  })

  it('names for every role the functions that the deployment gives it, and its delay', async () => {
    const { client } = market.deployer
    for (const { contract, signature, holder, delay } of rowsOf('Privileged')) {
      if (!(holder in ROLES) || holder === 'admin') continue
      const { at } = ABIS[contract] as (typeof ABIS)[string]
      const authority = { address: market.addresses.authority, abi: authorityAbi } as const
      const role = await client.readContract({
        ...authority,
        functionName: 'getTargetFunctionRole',
        args: [market.addresses[at], toFunctionSelector(signature)],
      })
      const [isMember, seconds] = await client.readContract({
        ...authority,
        functionName: 'hasRole',
        args: [role, market.deployer.admin],
      })

      expect([signature, role, isMember]).to.deep.equal([
        signature,
        ROLES[holder as keyof typeof ROLES],
        true,
      ])
      expect([signature, seconds]).to.deep.equal([
        signature,
        delay === '0' ? 0 : Number(delay.replace(' d', '')) * 86_400,
      ])
    }
  })

  it("says of the admin's own delay what a deployment to a real chain ends with", async () => {
    const { client } = market.deployer
    await roles.run({ ...market.deployer, isLocal: false })
    const [isMember, seconds] = await client.readContract({
      address: market.addresses.authority,
      abi: authorityAbi,
      functionName: 'hasRole',
      args: [ROLES.admin, market.deployer.admin],
    })
    const rows = rowsOf('Privileged').filter(({ holder }) => holder === 'admin')

    expect(isMember).to.equal(true)
    expect(rows.map(({ delay }) => delay)).to.deep.equal(rows.map(() => `${seconds / 86_400} d`))
    expect(rows.length).to.be.greaterThan(0)
  })

  it('is right that a stranger is refused at each privileged function and at no open one', async () => {
    for (const [heading, refused] of [
      ['Privileged', true],
      ['Open', false],
    ] as const) {
      for (const { contract, signature } of rowsOf(heading)) {
        const { abi, at } = ABIS[contract] as (typeof ABIS)[string]
        // The account that it is about would be asked in its own name.
        if (['consumeScheduledOp(address,bytes)', 'cancel(address,address,bytes)'].includes(signature))
          continue
        const error = await market.deployer.client
          .call({ account: STRANGER, to: market.addresses[at], data: emptyCall(abi, signature) })
          .then(
            () => 'none',
            (cause: unknown) => nameOf(abi, cause),
          )

        expect([signature, UNAUTHORIZED.includes(error)]).to.deep.equal([signature, refused])
      }
    }
  })
})

/** The custom error with which a call failed, by its selector. */
function nameOf(abi: Abi, cause: unknown): string {
  const failed = cause instanceof BaseError ? cause.walk((error) => 'data' in (error as object)) : undefined
  const data = (failed as { data?: Hex | { data: Hex } } | undefined)?.data
  const selector = (typeof data === 'object' ? data.data : data)?.slice(0, 10)
  const found = [...abi, ...authorityAbi].find(
    (item) => item.type === 'error' && toFunctionSelector(toSignature(item)) === selector,
  )
  return found?.type === 'error' ? found.name : 'other'
}

const toSignature = (item: { name: string; inputs: readonly Parameter[] }): string =>
  `${item.name}(${item.inputs.map(({ type }) => type).join(',')})`
