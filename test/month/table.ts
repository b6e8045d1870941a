import { ROLE } from '../../sdk/protocol/messages.ts'
import { formatUsd } from '../../sdk/units.ts'
import type { House } from './house.ts'
import { BOND, type Cast, FLOAT, housesOf, payeesOf } from './life.ts'
import { dealingsOf, grossOnChain, type Payee, SHARE_BPS, shareOf } from './payee.ts'
import { accountOf, type Payer, walletOf } from './payer.ts'
import type { Scene } from './scene.ts'

/** One party at the end of its month, base units. */
export interface Row {
  party: string
  owed: bigint
  got: bigint
  /** owed - got; below zero if it got more. */
  lost: bigint
  /** The most it may lose by the formula of `docs/trust.md`; a crook has none. */
  most: bigint | undefined
  ok: boolean
}

/** A sum that must hold to the unit. */
export interface Balance {
  what: string
  left: bigint
  right: bigint
}

const rowOf = (party: string, owed: bigint, got: bigint, most: bigint | undefined): Row => {
  const lost = owed - got
  return { party, owed, got, lost, most, ok: most === undefined || lost <= most }
}

const sum = (amounts: Iterable<bigint>): bigint => {
  let total = 0n
  for (const amount of amounts) total += amount
  return total
}

/** What everybody has, beside what they were owed. */
export async function tableOf(scene: Scene, cast: Cast): Promise<Row[]> {
  const rows = cast.payers.map((payer) => payerRow(cast, payer))
  for (const { wallet, given, price } of cast.walkIns) {
    rows.push(rowOf(wallet.address.slice(0, 10), given - price, await walletOf(scene, wallet.address), 0n))
  }
  const walkIns = rows.splice(cast.payers.length)
  if (walkIns.length > 0) rows.push(merged(`${walkIns.length} wallets that paid once`, walkIns))
  for (const payee of payeesOf(cast)) rows.push(await payeeRow(scene, cast, payee))
  for (const house of housesOf(cast)) rows.push(await houseRow(scene, cast, house))
  return rows
}

const merged = (party: string, rows: Row[]): Row => ({
  party,
  owed: sum(rows.map(({ owed }) => owed)),
  got: sum(rows.map(({ got }) => got)),
  lost: sum(rows.map(({ lost }) => lost)),
  most: 0n,
  ok: rows.every(({ ok, lost }) => ok && lost === 0n),
})

const isCrook = (cast: Cast, house: House) => [cast.thief, cast.omitter, cast.ghost].includes(house)

/** Owed: what it deposited and its own verified receipts do not use. At stake only with a crook. */
function payerRow(cast: Cast, payer: Payer): Row {
  const owed = sum(payer.accounts.map(({ deposited, purse }) => deposited - purse.charged))
  const got = sum(payer.accounts.map(({ withdrawn }) => withdrawn))
  const most = sum(payer.accounts.map((account) => (isCrook(cast, account.house) ? account.most : 0n)))
  const row = rowOf(payer.name, owed, got, most)
  // To the unit with who is honest, and within its own stake account by account.
  const each = payer.accounts.every(({ house, deposited, purse, withdrawn, most: stake }) => {
    const lost = deposited - purse.charged - withdrawn
    return isCrook(cast, house) ? lost <= stake : lost === 0n
  })
  return { ...row, ok: row.ok && each }
}

/** Owed: its share of its own receipts. Got: all that ever reached its payout address. */
async function payeeRow(scene: Scene, cast: Cast, payee: Payee): Promise<Row> {
  let [owed, most] = [0n, 0n]
  for (const house of housesOf(cast)) {
    owed += shareOf(payee.role, dealingsOf(payee, house).gross)
    most += await mostLost(scene, payee, house)
  }
  return rowOf(payee.name, owed, await walletOf(scene, payee.payout), most)
}

/**
 * What a payee may lose with one router: its share of what is neither settled nor stated, and of what is stated what
 * exceeds its cap; a newcomer shares a tenth of the bond with all others. A node no more than it chose to expose.
 */
async function mostLost(scene: Scene, payee: Payee, house: House): Promise<bigint> {
  const dealings = dealingsOf(payee, house)
  const settled = await grossOnChain(scene, payee, house)
  if (dealings.gross <= settled) return 0n
  const last = dealings.statements.at(-1)?.gross ?? 0n
  const stated = last > settled ? last : settled
  const unstated = shareOf(payee.role, dealings.gross) - shareOf(payee.role, stated)
  const due = shareOf(payee.role, stated) - shareOf(payee.role, settled)
  // The bond is not empty here: who has a statement can file it, and one unit is all that flooring may hide.
  let uncovered = dealings.rounds.size === 0 ? least(due, 1n) : due
  for (const [round, { cap, newcomer, asked }] of dealings.rounds) {
    const covered = newcomer ? await dilutedOf(scene, house, round, least(cap, asked)) : least(cap, due)
    uncovered -= least(uncovered, covered)
  }
  // Every claim is floored for itself.
  const most = unstated + uncovered + BigInt(dealings.rounds.size)
  return payee.role === 'node' ? least(most, dealings.exposed) : most
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/** What a newcomer's claim comes to when all newcomers ask for more than their tenth. */
async function dilutedOf(scene: Scene, house: House, round: bigint, asked: bigint): Promise<bigint> {
  const args = [house.person.address, round] as const
  const { base, newcomers } = await scene.client.readContract({
    ...scene.bond,
    functionName: 'roundOf',
    args,
  })
  const tenth = base / 10n
  return newcomers > tenth ? (asked * tenth) / newcomers : asked
}

/** A router's own money: float and bond, and for a crook what reached its pocket. */
async function houseRow(scene: Scene, cast: Cast, house: House): Promise<Row> {
  const { address } = house.person
  const { float } = await scene.client.readContract({
    ...scene.ledger,
    functionName: 'routerOf',
    args: [address],
  })
  const { asset } = await scene.client.readContract({
    ...scene.bond,
    functionName: 'bondOf',
    args: [address],
  })
  const pocket = cast.pockets.get(house)
  const loot = pocket ? (await walletOf(scene, pocket.address)) + (await walletOf(scene, address)) : 0n
  const crook = isCrook(cast, house)
  const name = crook ? `router ${house.name} (crook)` : `router ${house.name}`
  return rowOf(name, FLOAT + BOND, float + asset + loot, crook ? undefined : 0n)
}

/** All money in = all money out, contract by contract and in all. */
export async function balancesOf(scene: Scene, cast: Cast): Promise<Balance[]> {
  const { client, ledger, bond } = scene
  const balances: Balance[] = []
  let [held, bonds] = [0n, 0n]
  for (const house of housesOf(cast)) {
    const router = house.person.address
    const state = await client.readContract({ ...ledger, functionName: 'routerOf', args: [router] })
    const { shares, unclaimed } = await sharesOf(scene, cast, house)
    const protocol = await client.readContract({ ...ledger, functionName: 'protocolOwed', args: [router] })
    balances.push({
      what: `${house.name}: shares + protocol = gross`,
      left: shares + protocol,
      right: state.gross,
    })
    held += state.float + protocol + unclaimed
    const posted = await client.readContract({ ...bond, functionName: 'bondOf', args: [router] })
    bonds += posted.asset
  }
  let credit = 0n
  for (const account of cast.payers.flatMap(({ accounts }) => accounts)) {
    const { deposited, spent } = await accountOf(scene, account)
    credit += deposited - spent
  }
  const [inLedger, inBond] = [await walletOf(scene, ledger.address), await walletOf(scene, bond.address)]
  const wallets = await allWallets(scene, cast)
  const before = scene.foreign
  balances.push(
    { what: 'ledger holds what it owes', left: inLedger - before.ledger, right: held + credit },
    { what: 'bond holds the bonds', left: inBond - before.bond, right: bonds },
    {
      what: 'all dollars given = all dollars found',
      left: scene.minted,
      right: wallets + inLedger - before.ledger + inBond - before.bond,
    },
  )
  return balances
}

/** All that payees of a router earned, and what of it waits in the ledger. */
async function sharesOf(scene: Scene, cast: Cast, house: House) {
  const nodes = [...cast.nodes.map(({ id }) => id), ...(cast.accomplices.get(house) ?? [])]
  const pods = [...cast.pods.map(({ id }) => id), FOREIGN_POD]
  const frontends = cast.frontends.map(({ id }) => id)
  let [shares, unclaimed] = [0n, 0n]
  const lines: [keyof typeof ROLE, number[], bigint][] = [
    ['node', nodes, SHARE_BPS.node],
    ['pod', pods, SHARE_BPS.pod],
    ['frontend', frontends, SHARE_BPS.frontend],
    ['voters', pods, VOTER_BPS],
  ]
  for (const [role, ids, bps] of lines) {
    for (const id of ids) {
      const args = [house.person.address, ROLE[role], id] as const
      const gross = await scene.client.readContract({ ...scene.ledger, functionName: 'grossOf', args })
      const drawn = await scene.client.readContract({ ...scene.ledger, functionName: 'claimedOf', args })
      const share = (gross * bps) / 10_000n
      shares += share
      unclaimed += share - drawn
    }
  }
  return { shares, unclaimed }
}

/** Nobody votes this month: what is theirs waits. */
const VOTER_BPS = 500n

/** A pod of nobody here: a router that settles late names it. */
const FOREIGN_POD = 1

async function allWallets(scene: Scene, cast: Cast): Promise<bigint> {
  const accounts = cast.payers.flatMap((payer) => payer.accounts)
  const addresses = new Set([
    ...accounts.flatMap(({ owner, key }) => [owner.address, key.address]),
    ...cast.walkIns.map(({ wallet }) => wallet.address),
    ...payeesOf(cast).map(({ payout }) => payout.toLowerCase()),
    ...housesOf(cast).map(({ person }) => person.address),
    ...[...cast.pockets.values()].map(({ address }) => address),
  ])
  let total = 0n
  for (const address of addresses) total += await walletOf(scene, address as `0x${string}`)
  return total
}

/** The table as a person reads it, in dollars. */
export function printed(rows: readonly Row[]): string {
  const usd = (amount: bigint) => `${amount < 0n ? '-' : ''}${formatUsd(amount < 0n ? -amount : amount)}`
  const lines = rows.map(({ party, owed, got, lost, most, ok }) =>
    [
      party.padEnd(26),
      ...[usd(owed), usd(got), usd(lost), most === undefined ? '-' : usd(most)].map((text) =>
        text.padStart(14),
      ),
      most === undefined ? '   -' : ok ? '  yes' : '  NO',
    ].join(''),
  )
  const head = ['owed', 'got', 'lost', 'at most'].map((word) => word.padStart(14)).join('')
  return [`${'party'.padEnd(26)}${head}   ok?`, ...lines].join('\n')
}
