import type { Address, Hex } from 'viem'
import { type Receipt, type Request, ROLE } from '../../sdk/protocol/messages.ts'
import type { House } from './house.ts'
import { type Person, Reverted, type Scene } from './scene.ts'

/** Shares of the gross, basis points: what this month's ledger was deployed with. */
export const SHARE_BPS = { node: 7_000n, pod: 1_000n, frontend: 1_000n } as const
export type PayeeRole = keyof typeof SHARE_BPS

export const shareOf = (role: PayeeRole, gross: bigint): bigint => (gross * SHARE_BPS[role]) / 10_000n

/** What a payee knows of one router, from its own receipts and the statements it was given. */
export interface Dealings {
  readonly house: House
  /** Of its own receipts, base units. */
  gross: bigint
  /** When each receipt came, and the gross after it. */
  history: { at: number; gross: bigint }[]
  statements: { gross: bigint; asOf: number; signature: Hex }[]
  /** Rounds in which it has a claim that is not resolved. */
  filed: Set<bigint>
  /** Rounds that it has claimed in, with what the formula says it may be paid at most there. */
  rounds: Map<bigint, { cap: bigint; newcomer: boolean; asked: bigint }>
  /** It found a leaf that contradicts its receipt. */
  lied: boolean
  /** By request: what was asked for and what it signed for it. */
  served: Map<Hex, Served>
  /** Of its gross what it has seen settled. */
  settled: bigint
  /** The last batch whose published data it has read. */
  audited: bigint
  /** The most share it ever had unposted there while it could still refuse. */
  exposed: bigint
}

export interface Served {
  body: Request
  receipt: Receipt
}

/** A node, a pod or a frontend that keeps to the rules. */
export interface Payee {
  readonly name: string
  readonly role: PayeeRole
  readonly id: number
  readonly person: Person
  /** Paid here, and never spent: its balance is all it ever got. */
  readonly payout: Address
  readonly dealings: Map<House, Dealings>
}

export async function registerPayee(scene: Scene, role: PayeeRole, name: string): Promise<Payee> {
  const person = await scene.person(name)
  const payout = (await scene.person(`payout of ${name}`)).address
  const functionName = { node: 'registerNode', pod: 'registerPod', frontend: 'registerFrontend' }[role]
  const meta = `0x${'00'.repeat(31)}01`
  const args = role === 'node' ? [person.address, payout, meta] : [payout, meta]
  await scene.send(person, { ...scene.registry, functionName, args })
  const id = await scene.client.readContract({
    ...scene.registry,
    functionName: 'countOf',
    args: [ROLE[role]],
  })
  return { name, role, id, person, payout, dealings: new Map() }
}

export function dealingsOf(payee: Payee, house: House): Dealings {
  const known = payee.dealings.get(house)
  if (known) return known
  const fresh: Dealings = {
    house,
    gross: 0n,
    history: [],
    statements: [],
    filed: new Set(),
    rounds: new Map(),
    lied: false,
    served: new Map(),
    settled: 0n,
    audited: 0n,
    exposed: 0n,
  }
  payee.dealings.set(house, fresh)
  return fresh
}

/** Its own receipt: counted before anybody else's figure. */
export function earn(scene: Scene, payee: Payee, house: House, served: Served): void {
  const dealings = dealingsOf(payee, house)
  dealings.gross += served.receipt.price
  dealings.history.push({ at: scene.now(), gross: dealings.gross })
  dealings.served.set(served.receipt.request, served)
}

/** Fetches the newest statement. A router that gives none, or less, is noticed by {@link lags}. */
export async function fetchStatement(payee: Payee, house: House): Promise<void> {
  const dealings = dealingsOf(payee, house)
  if (dealings.gross === 0n || dealings.gross === dealings.statements.at(-1)?.gross) return
  const { statement, signature } = await house.state(payee.role, payee.id)
  dealings.statements.push({
    gross: statement.gross,
    asOf: statement.asOf,
    signature: signature as Hex,
  })
}

const PATIENCE_SECONDS = 600

/** Whether the newest statement misses receipts that are older than ten minutes. */
export function lags(scene: Scene, payee: Payee, house: House): boolean {
  const { history, statements } = dealingsOf(payee, house)
  const stated = statements.at(-1)?.gross ?? 0n
  return history.some(({ at, gross }) => gross > stated && at + PATIENCE_SECONDS < scene.now())
}

export const grossOnChain = (scene: Scene, payee: Payee, house: House): Promise<bigint> =>
  scene.client.readContract({
    ...scene.ledger,
    functionName: 'grossOf',
    args: [house.person.address, ROLE[payee.role], payee.id],
  })

/** Whether the node takes one more call: covered by the bond, and stated so far. */
export async function serves(scene: Scene, node: Payee, house: House, maxPrice: bigint): Promise<boolean> {
  const dealings = dealingsOf(node, house)
  if (dealings.lied || dealings.filed.size > 0 || lags(scene, node, house)) return false
  const [cap, posted] = await Promise.all([
    scene.client.readContract({
      ...scene.bond,
      functionName: 'coverOf',
      args: [house.person.address, ROLE.node, node.id],
    }),
    grossOnChain(scene, node, house),
  ])
  const unposted = shareOf('node', dealings.gross + maxPrice - posted)
  if (unposted > cap) return false
  if (unposted > dealings.exposed) dealings.exposed = unposted
  return true
}

const DAY = 86_400

/** What a claim may be refused for without anybody having done wrong. */
const USUAL = new Set(['RoundClosed', 'Superseded', 'NothingBonded', 'NoShortfall', 'AlreadyConvicted'])

/** Files the highest statement that is a day old and not settled. */
export async function fileShortfall(scene: Scene, payee: Payee, house: House): Promise<void> {
  const dealings = dealingsOf(payee, house)
  const old = dealings.statements.filter(({ asOf }) => asOf + DAY <= scene.now())
  const best = old.at(-1)
  if (!best || best.gross <= dealings.settled) return
  dealings.settled = await grossOnChain(scene, payee, house)
  if (best.gross <= dealings.settled) return
  const router = house.person.address
  const statement = { role: ROLE[payee.role], id: payee.id, gross: best.gross, asOf: best.asOf }
  try {
    const args = [router, statement, best.signature]
    await scene.send(payee.person, { ...scene.bond, functionName: 'claimShortfall', args })
  } catch (cause) {
    if (cause instanceof Reverted && USUAL.has(cause.code)) return
    throw cause
  }
  const { round } = await scene.client.readContract({
    ...scene.bond,
    functionName: 'bondOf',
    args: [router],
  })
  const claim = [router, round, ROLE[payee.role], payee.id] as const
  const { asked } = await scene.client.readContract({ ...scene.bond, functionName: 'claimOf', args: claim })
  dealings.filed.add(round)
  dealings.rounds.set(round, { ...(await capIn(scene, payee, house, round)), asked })
}

/** The cap of a payee in a round by the formula of `docs/trust.md`, from the settled volume. */
async function capIn(scene: Scene, payee: Payee, house: House, round: bigint) {
  const { client, bond, ledger } = scene
  const router = house.person.address
  const { base, epoch } = await client.readContract({
    ...bond,
    functionName: 'roundOf',
    args: [router, round],
  })
  const line = [router, ROLE[payee.role], payee.id, epoch] as const
  const units = await client.readContract({ ...ledger, functionName: 'unitsIn', args: line })
  if (units === 0n) return { cap: base / 1_000n, newcomer: true }
  const volume = await client.readContract({ ...ledger, functionName: 'volumeIn', args: [router, epoch] })
  const cap = (base * units * SHARE_BPS[payee.role]) / (2n * volume * 10_000n)
  return { cap, newcomer: false }
}

/** Has its claims paid that are ready. Anyone may; here everybody minds their own. */
export async function resolveClaims(scene: Scene, payee: Payee, house: House): Promise<void> {
  const { filed } = dealingsOf(payee, house)
  const router = house.person.address
  for (const round of filed) {
    const at = [router, round] as const
    const readyAt = await scene.client.readContract({
      ...scene.bond,
      functionName: 'resolvableAt',
      args: at,
    })
    if (BigInt(scene.now()) < readyAt) continue
    const args = [router, round, ROLE[payee.role], payee.id]
    await scene.send(payee.person, { ...scene.bond, functionName: 'resolveShortfall', args })
    filed.delete(round)
  }
}

/** Draws its share of what was settled. */
export async function claimShare(scene: Scene, payee: Payee, house: House): Promise<void> {
  const args = [house.person.address, ROLE[payee.role], payee.id] as const
  const open = await scene.client.readContract({ ...scene.ledger, functionName: 'claimable', args })
  if (open === 0n) return
  const call = [house.person.address, ROLE[payee.role], [payee.id]]
  await scene.send(payee.person, { ...scene.ledger, functionName: 'claim', args: call })
}
