import { once } from 'node:events'
import { audit } from './audit.ts'
import { flood, omit, postAs, repent, resolveFlood, steal } from './crooks.ts'
import { Crash, type House } from './house.ts'
import { type Cast, call, castOf, closeAll, type Happened, housesOf, payeesOf, payOnce } from './life.ts'
import {
  claimShare,
  dealingsOf,
  fetchStatement,
  fileShortfall,
  grossOnChain,
  type Payee,
  resolveClaims,
} from './payee.ts'
import { type Account, accountOf, leave, takeOut } from './payer.ts'
import { createRandom, type Random } from './random.ts'
import { openScene, Reverted, type Scene } from './scene.ts'
import { type Balance, balancesOf, printed, type Row, tableOf } from './table.ts'

/**
 * A month of random life on the real contracts: `npx tsx test/month/month.ts --seed N [--days D] [--json]`.
 * Payers, nodes, pods, frontends and two routers keep to the rules of DESIGN §4; one router steals, one omits, one
 * vanishes. At the end everybody takes what is theirs, and nobody honest may have lost more than `docs/trust.md` says.
 */
export interface Options {
  seed: number
  days: number
  tell?: (line: string) => void
}

export interface Month {
  seed: number
  days: number
  happened: Happened
  rows: Row[]
  balances: Balance[]
}

/** So long the ghost posts nothing before it is gone: less than the day after which payees would file. */
const HOARDING_HOURS = 20
const HOUR = 3_600
const DAY = 24 * HOUR
/** Two rounds of claims and what comes between them. */
const AFTERMATH_DAYS = 40

interface Run {
  scene: Scene
  random: Random
  cast: Cast
  happened: Happened
  /** The day from which each crook is one. */
  bad: Map<House, number>
  gone: Set<House>
  victims: Set<number>
  repents: boolean
  /** Nodes read what routers publish, and prove what contradicts their receipts. */
  audits: boolean
}

export async function liveMonth({ seed, days, tell = () => {} }: Options): Promise<Month> {
  const random = createRandom(seed)
  const scene = await openScene(seed)
  let cast: Cast | undefined
  try {
    cast = await castOf(scene, random)
    const run = beginning(scene, random, cast, days)
    const start = scene.now()
    for (let hour = 1; hour <= days * 24; hour += 1) {
      await scene.to(start + hour * HOUR)
      await live(run, hour)
      if (hour % 24 === 0) tell(`day ${hour / 24}: ${run.happened.calls} calls`)
    }
    await aftermath(run, tell)
    const [rows, balances] = [await tableOf(scene, cast), await balancesOf(scene, cast)]
    return { seed, days, happened: run.happened, rows, balances }
  } finally {
    await closeAll(scene, cast)
  }
}

function beginning(scene: Scene, random: Random, cast: Cast, days: number): Run {
  const happened: Happened = {
    calls: 0,
    failures: 0,
    refusals: 0,
    deposits: 0,
    revocations: 0,
    withdrawals: 0,
    crashes: 0,
    reorganisations: 0,
    'single payments': 0,
    thefts: 0,
    'claims filed': 0,
    convictions: 0,
  }
  const someDay = () => random.between(1, Math.max(1, Math.min(days - 2, 14)))
  const bad = new Map([cast.thief, cast.omitter, cast.ghost].map((house) => [house, someDay()]))
  const victims = new Set([cast.nodes[0]?.id ?? 0, cast.nodes[1]?.id ?? 0])
  const [repents, audits] = [random.chance(0.5), random.chance(0.5)]
  return { scene, random, cast, happened, bad, gone: new Set(), victims, repents, audits }
}

/** One hour. */
async function live(run: Run, hour: number): Promise<void> {
  const { scene, random, cast, happened } = run
  const isBad = (house: House) => hour > (run.bad.get(house) ?? Number.POSITIVE_INFINITY) * 24
  const hoarded = hour - (run.bad.get(cast.ghost) ?? 0) * 24
  if (hoarded === HOARDING_HOURS) await vanish(run)
  const serving = [...cast.honest, cast.thief, cast.omitter, cast.ghost].filter(
    (house) => !run.gone.has(house),
  )
  for (let left = random.between(1, 8); left > 0; left -= 1) {
    const house = random.pick(serving)
    const failing = house === cast.thief && isBad(house) ? 0.5 : 0.12
    await call(scene, random, cast, house, { failing }, happened)
  }
  if (random.chance(0.1)) await payOnce(scene, random, cast, happened)
  if (random.chance(0.05)) await revokeSome(run)
  for (const account of accountsOf(cast)) if (account.state === 'thawing') await withdraw(run, account)
  for (const house of cast.honest) await settle(run, house)
  if (hour % 6 === 0) await crooksPost(run, isBad)
  for (const payee of payeesOf(cast)) {
    for (const house of serving) if (random.chance(0.5)) await fetchStatement(payee, house)
  }
  if (hour % 24 === 0) await daily(run)
}

const accountsOf = (cast: Cast): Account[] => cast.payers.flatMap(({ accounts }) => accounts)

/** An owner gives up a key: it signs nothing more, and the money leaves after the thaw. */
async function revokeSome(run: Run): Promise<void> {
  const open = accountsOf(run.cast).filter(({ state }) => state === 'open')
  if (open.length === 0) return
  await leave(run.scene, run.random.pick(open), 'revoked')
  run.happened.revocations += 1
}

async function withdraw(run: Run, account: Account): Promise<void> {
  await takeOut(run.scene, account)
  if (account.state === 'closed') run.happened.withdrawals += 1
}

/** The real settle duty until it rests; sometimes its process dies, sometimes the chain forgets what it did. */
async function settle(run: Run, house: House): Promise<void> {
  const { random, scene, happened } = run
  if (random.chance(0.01)) {
    await house.crash()
    happened.crashes += 1
  }
  if (random.chance(0.02)) house.crashBeforeBroadcast()
  if (random.chance(0.02)) {
    await scene.reorganise(() => rest(run, house))
    happened.reorganisations += 1
  }
  await rest(run, house)
}

async function rest(run: Run, house: House): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    try {
      if (!(await house.settleOnce())) return
    } catch (cause) {
      if (cause instanceof Crash) {
        await house.crash()
        run.happened.crashes += 1
      } else if (!isLater(cause)) throw cause
    }
  }
}

const isLater = (cause: unknown): boolean =>
  typeof cause === 'object' && cause !== null && 'kind' in cause && cause.kind === 'later'

async function crooksPost(run: Run, isBad: (house: House) => boolean): Promise<void> {
  const { scene, cast, happened, victims } = run
  const of = (house: House) => accountsOf(cast).filter((account) => account.house === house)
  const { thief, omitter, ghost } = cast
  if (!isBad(thief)) await postAs(scene, thief, of(thief))
  else if ((await steal(scene, thief, of(thief))) > 0n) happened.thefts += 1
  await postAs(scene, omitter, of(omitter), isBad(omitter) ? omit(omitter, victims) : undefined)
  if (!isBad(ghost)) await postAs(scene, ghost, of(ghost))
}

/** It takes its float, announces that its bond leaves, files fortunes for its own nodes, and is never seen again. */
async function vanish(run: Run): Promise<void> {
  const { scene, cast } = run
  const { person } = cast.ghost
  const { float } = await scene.client.readContract({
    ...scene.ledger,
    functionName: 'routerOf',
    args: [person.address],
  })
  if (float > 0n) await scene.send(person, { ...scene.ledger, functionName: 'withdrawFloat', args: [float] })
  await scene.send(person, { ...scene.bond, functionName: 'announceExit', args: [] })
  await flood(scene, cast.ghost, cast.accomplices.get(cast.ghost) ?? [])
  run.gone.add(cast.ghost)
}

/** The ghost comes back for its bond as soon as the contract lets it. */
async function takeBond({ scene, cast, gone }: Run): Promise<void> {
  const { person } = cast.ghost
  if (!gone.has(cast.ghost)) return
  try {
    await scene.send(person, { ...scene.bond, functionName: 'withdraw', args: [] })
  } catch (cause) {
    const usual = ['TooEarly', 'ClaimsOpen', 'NotExiting']
    if (!(cause instanceof Reverted && usual.includes(cause.code))) throw cause
  }
}

/** What careful people look at once a day. */
async function daily(run: Run): Promise<void> {
  const { scene, cast, random } = run
  for (const account of accountsOf(cast)) {
    if (account.state !== 'open') continue
    if (run.gone.has(account.house)) await leave(scene, account, 'vanished')
    else if ((await accountOf(scene, account)).spent > account.purse.charged) {
      await leave(scene, account, 'overcharged')
    }
  }
  if (run.audits) {
    for (const node of cast.nodes) {
      for (const house of housesOf(cast)) {
        if (await audit(scene, node, house)) run.happened.convictions += 1
      }
    }
  }
  for (const payee of payeesOf(cast)) {
    for (const house of housesOf(cast)) {
      if (random.chance(0.15)) await claimShare(scene, payee, house)
      await mind(run, payee, house)
    }
  }
}

/** Files what is a day late, and has paid what is ready. */
async function mind(run: Run, payee: Payee, house: House): Promise<void> {
  const { filed } = dealingsOf(payee, house)
  await resolveClaims(run.scene, payee, house)
  const before = filed.size
  await fileShortfall(run.scene, payee, house)
  if (filed.size > before) run.happened['claims filed'] += 1
}

/** Honest routers post the rest, claims run their course, and everybody takes what is theirs. */
async function aftermath(run: Run, tell: (line: string) => void): Promise<void> {
  const { scene, cast } = run
  const start = scene.now()
  let repented = !run.repents
  // Honest routers go on for a day: nobody who runs lets a voucher expire.
  for (let hour = 1; hour < 24; hour += 1) {
    await scene.to(start + hour * HOUR)
    for (const house of cast.honest) await rest(run, house)
  }
  for (let day = 1; day <= AFTERMATH_DAYS; day += 1) {
    await scene.to(start + day * DAY)
    for (const house of cast.honest) await rest(run, house)
    if (day === 1) for (const account of accountsOf(cast)) await leave(scene, account, 'the month is over')
    for (const account of accountsOf(cast)) if (account.state === 'thawing') await withdraw(run, account)
    if (!repented) repented = await repent(scene, cast.omitter, [...cast.nodes, ...cast.frontends])
    for (const payee of payeesOf(cast)) for (const house of housesOf(cast)) await mind(run, payee, house)
    for (const [house, nodes] of cast.accomplices) await resolveFlood(scene, house, nodes)
    await takeBond(run)
  }
  for (const payee of payeesOf(cast)) {
    for (const house of housesOf(cast)) await claimShare(scene, payee, house)
    for (const house of cast.honest) await assertPosted(scene, payee, house)
  }
  for (const [house, nodes] of cast.accomplices) await claimLoot(scene, house, nodes)
  tell(`${AFTERMATH_DAYS} days later: ${run.happened['claims filed']} claims were filed`)
}

async function assertPosted(scene: Scene, payee: Payee, house: House): Promise<void> {
  const [own, settled] = [dealingsOf(payee, house).gross, await grossOnChain(scene, payee, house)]
  if (own !== settled) throw new Error(`${house.name} settled ${settled} of ${payee.name}, not ${own}`)
}

async function claimLoot(scene: Scene, house: House, nodes: readonly number[]): Promise<void> {
  const args = [house.person.address, 0, nodes]
  await scene.send(house.person, { ...scene.ledger, functionName: 'claim', args })
}

/** Whether everybody honest is within its bound and every sum holds. */
export const isFair = ({ rows, balances }: Month): boolean =>
  rows.every(({ ok }) => ok) && balances.every(({ left, right }) => left === right)

function report(month: Month): string {
  const sums = month.balances.map(
    ({ what, left, right }) => `${left === right ? 'holds ' : 'BROKEN'} ${what}: ${left} ${right}`,
  )
  const counts = Object.entries(month.happened).map(([what, count]) => `${count} ${what}`)
  return [printed(month.rows), '', ...sums, '', counts.join(', ')].join('\n')
}

function option(name: string): number | undefined {
  const at = process.argv.indexOf(`--${name}`)
  return at === -1 ? undefined : Number(process.argv[at + 1])
}

if (process.argv[1] === import.meta.filename) {
  const seed = option('seed') ?? Math.floor(Math.random() * 2 ** 31)
  const days = option('days') ?? 30
  const json = process.argv.includes('--json')
  process.stderr.write(`seed ${seed}\n`)
  const month = await liveMonth({ seed, days, tell: (line) => process.stderr.write(`${line}\n`) })
  const big = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)
  const text = json ? JSON.stringify({ ...month, fair: isFair(month) }, big) : report(month)
  if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain')
  process.exit(isFair(month) ? 0 : 1)
}
