import type { Hex } from 'viem'
import type { UnpostedLeaf } from '../../keepers/router/ledger/ledger.ts'
import { coverageOf } from '../../keepers/settle/coverage.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import type { House } from './house.ts'
import { dealingsOf, type Payee } from './payee.ts'
import { type Account, accountOf } from './payer.ts'
import { type Person, Reverted, type Scene } from './scene.ts'

const least = (a: bigint, b: bigint): bigint => (a > b ? b : a)
const ZERO: Hex = `0x${'00'.repeat(32)}`
const MOST_LEAVES = 2_000

/** Posts what waits, changed by `change`, as far as payers and float pay for it. */
export async function postAs(
  scene: Scene,
  house: House,
  accounts: readonly Account[],
  change: (leaves: UnpostedLeaf[]) => UnpostedLeaf[] = (leaves) => leaves,
): Promise<void> {
  const router = await routerOf(scene, house)
  if (!router.allowed) return
  const waiting = await house.journal.unposted(MOST_LEAVES)
  if (waiting.length === 0) return
  const balances = new Map(
    await Promise.all(
      accounts.map(async (account) => [account.key.address, await accountOf(scene, account)] as const),
    ),
  )
  const { count } = coverageOf(waiting, balances, router.float, scene.now())
  if (count > 0) await house.post(change(waiting.slice(0, count)))
}

const routerOf = (scene: Scene, house: House) =>
  scene.client.readContract({ ...scene.ledger, functionName: 'routerOf', args: [house.person.address] })

/**
 * Charges every payer all that its vouchers still allow, whatever its receipts say, and credits the router's own node.
 * What it may take: the best ceiling or the deposit, less all that is charged already.
 */
export async function steal(scene: Scene, house: House, accounts: readonly Account[]): Promise<bigint> {
  const extra: UnpostedLeaf[] = []
  const first = (await house.journal.unposted(1))[0]
  if (!first) return 0n
  const waiting = await house.journal.unposted(MOST_LEAVES)
  for (const account of accounts) {
    const payer = account.key.address
    const { voucher } = await house.journal.account(payer)
    if (!voucher || voucher.expiry < scene.now()) continue
    const { deposited, spent } = await accountOf(scene, account)
    const limit = least(voucher.ceiling, deposited)
    const due = waiting.filter(({ body }) => body.payer === payer).reduce((sum, leaf) => sum + leaf.price, 0n)
    const price = limit - spent - due
    if (price <= 0n) continue
    const body = { ...first.body, payer, request: voucher.request, receipt: ZERO, node: house.accomplice }
    extra.push({ leaf: first.leaf, at: first.at, voucher, price, body: { ...body, nodeGross: price } })
  }
  await postAs(scene, house, accounts, (leaves) => [...extra, ...leaves])
  return extra.reduce((sum, { price }) => sum + price, 0n)
}

/** Debits the payers in full, and credits its own node with what the victims earned. */
export const omit =
  (house: House, victims: ReadonlySet<number>) =>
  (leaves: UnpostedLeaf[]): UnpostedLeaf[] =>
    leaves.map((leaf) =>
      victims.has(leaf.body.node)
        ? { ...leaf, body: { ...leaf.body, node: house.accomplice, frontend: 0 } }
        : leaf,
    )

/** Settles in the last hour what it had withheld from its victims, out of its own float. */
export async function repent(scene: Scene, house: House, payees: readonly Payee[]): Promise<boolean> {
  const { allowed, float } = await routerOf(scene, house)
  const dues = await Promise.all(
    payees.map(async (payee) => {
      const args = [house.person.address, ROLE[payee.role], payee.id] as const
      const settled = await scene.client.readContract({ ...scene.ledger, functionName: 'grossOf', args })
      return { payee, due: dealingsOf(payee, house).gross - settled }
    }),
  )
  const of = (role: Payee['role']) => dues.filter(({ payee, due }) => payee.role === role && due > 0n)
  const [nodes, frontends] = [of('node'), of('frontend')]
  const total = nodes.reduce((sum, { due }) => sum + due, 0n)
  if (!allowed || total === 0n || total > float) return false
  // One line per node; the frontends' dues are spread over the same lines.
  const rest = frontends.map(({ payee, due }) => ({ id: payee.id, due }))
  const leaves: UnpostedLeaf[] = []
  for (const { payee, due } of nodes) {
    let open = due
    while (open > 0n) {
      const next = rest.find((one) => one.due > 0n)
      const price = next && next.due < open ? next.due : open
      if (next) next.due -= price
      open -= price
      leaves.push(lineOf(payee.id, next?.id ?? 0, price, scene.now()))
    }
  }
  await house.post(leaves)
  return true
}

const NOBODY = `0x${'00'.repeat(20)}` as const

function lineOf(node: number, frontend: number, price: bigint, at: number): UnpostedLeaf {
  const cumulative = { charged: 0n, count: 0n, nodeGross: price, podGross: price, frontendGross: price }
  const body = { payer: NOBODY, request: ZERO, receipt: ZERO, node, pod: 1, frontend, ...cumulative }
  return { leaf: 0, at: at * 1000, price, voucher: undefined, body }
}

/** States a fortune to nodes of its own, and files it before anybody else does. */
export async function flood(scene: Scene, house: House, nodes: readonly number[]): Promise<number> {
  const asOf = scene.now() - 86_401
  let filed = 0
  for (const id of nodes) {
    const statement = { role: ROLE.node, id, gross: 10n ** 12n, asOf }
    const signature = house.signer.sign(scene.hasher.digest('Statement', statement))
    const args = [house.person.address, statement, signature]
    try {
      await scene.send(house.person, { ...scene.bond, functionName: 'claimShortfall', args })
      filed += 1
    } catch (cause) {
      if (!(cause instanceof Reverted)) throw cause
    }
  }
  return filed
}

/** Nodes of a router itself. Their payout is its own pocket. */
export async function registerAccomplices(
  scene: Scene,
  house: House,
  pocket: Person,
  count: number,
): Promise<number[]> {
  const ids: number[] = []
  for (let index = 0; index < count; index += 1) {
    const signer = await scene.person(`accomplice ${index} of ${house.name}`)
    const args = [signer.address, pocket.address, `0x${'00'.repeat(31)}01`]
    await scene.send(house.person, { ...scene.registry, functionName: 'registerNode', args })
    ids.push(
      await scene.client.readContract({
        ...scene.registry,
        functionName: 'nodeOf',
        args: [signer.address],
      }),
    )
  }
  return ids
}

/** What a crook's flood of claims is worth to it: nothing can be resolved that was not filed. */
export async function resolveFlood(scene: Scene, house: House, nodes: readonly number[]): Promise<void> {
  const router = house.person.address
  const { round } = await scene.client.readContract({ ...scene.bond, functionName: 'bondOf', args: [router] })
  for (let number = 1n; number <= round; number += 1n) {
    const readyAt = await scene.client.readContract({
      ...scene.bond,
      functionName: 'resolvableAt',
      args: [router, number],
    })
    if (BigInt(scene.now()) < readyAt) continue
    for (const id of nodes) {
      const args = [router, number, ROLE.node, id] as const
      const { asked } = await scene.client.readContract({ ...scene.bond, functionName: 'claimOf', args })
      if (asked === 0n) continue
      await scene.send(house.person, { ...scene.bond, functionName: 'resolveShortfall', args })
    }
  }
}
