import { rmSync } from 'node:fs'
import { keccak256, stringToHex } from 'viem'
import { localAccount } from '../../deploy/local.ts'
import { params } from '../../deploy/params.ts'
import { createSigner } from '../../sdk/native.ts'
import { END, type Receipt, type Request, type Voucher } from '../../sdk/protocol/messages.ts'
import { registerAccomplices } from './crooks.ts'
import { type House, openHouse } from './house.ts'
import { dealingsOf, earn, fetchStatement, type Payee, registerPayee, serves } from './payee.ts'
import { type Account, ask, authorize, book, fund, openAccount, type Payer, WAYS } from './payer.ts'
import type { Random } from './random.ts'
import type { Person, Scene } from './scene.ts'

/** How often something happened: a month in which nothing did proves nothing. */
export type Happened = Record<
  | 'calls'
  | 'failures'
  | 'refusals'
  | 'deposits'
  | 'revocations'
  | 'withdrawals'
  | 'crashes'
  | 'reorganisations'
  | 'single payments'
  | 'thefts'
  | 'claims filed'
  | 'convictions',
  number
>

export interface Cast {
  /** Two that keep to the rules, with the real settle duty. */
  honest: House[]
  thief: House
  omitter: House
  ghost: House
  /** Takes single payments by wallet alone. */
  till: House
  payers: Payer[]
  nodes: Payee[]
  pods: Payee[]
  frontends: Payee[]
  /** Nodes of the crooks, by their router; all are paid into one pocket per router. */
  accomplices: Map<House, number[]>
  pockets: Map<House, Person>
  /** Wallets that paid once: what they were given and what the calls cost. */
  walkIns: { wallet: Person; given: bigint; price: bigint }[]
}

export const BOND = 2n * params.bondLeastAsset.value
export const FLOAT = 50_000_000n
const MANIFEST = keccak256(stringToHex('a pod of this month'))

/** Everybody registers, is bonded and funded. */
export async function castOf(scene: Scene, random: Random): Promise<Cast> {
  const names = ['north', 'south', 'thief', 'omitter', 'ghost', 'till'] as const
  const houses: House[] = []
  for (const name of names) houses.push(await bonded(scene, await openHouse(scene, name)))
  const [north, south, thief, omitter, ghost, till] = houses as [House, House, House, House, House, House]
  const several = async (role: 'node' | 'pod' | 'frontend', count: number) => {
    const all: Payee[] = []
    for (let index = 1; index <= count; index += 1)
      all.push(await registerPayee(scene, role, `${role} ${index}`))
    return all
  }
  const cast: Cast = {
    honest: [north, south],
    thief,
    omitter,
    ghost,
    till,
    payers: Array.from({ length: 6 }, (_, index) => ({ name: `payer ${index + 1}`, accounts: [] })),
    nodes: await several('node', 6),
    pods: await several('pod', 3),
    frontends: await several('frontend', 3),
    accomplices: new Map(),
    pockets: new Map(),
    walkIns: [],
  }
  for (const crook of [thief, omitter, ghost]) {
    const pocket = await scene.person(`pocket of ${crook.name}`)
    const count = crook === ghost ? random.pick([3, 120]) : 1
    const nodes = await registerAccomplices(scene, crook, pocket, count)
    crook.accomplice = nodes[0] ?? 0
    cast.pockets.set(crook, pocket)
    cast.accomplices.set(crook, nodes)
  }
  return cast
}

async function bonded(scene: Scene, house: House): Promise<House> {
  const { person } = house
  const heus = params.bondLeastHeu.value
  const toHouse = { ...scene.heu, functionName: 'transfer', args: [person.address, heus] }
  await scene.market.deployer.send(toHouse, localAccount('deployer'))
  await scene.give(person.address, BOND + FLOAT)
  await scene.send(person, {
    ...scene.asset,
    functionName: 'approve',
    args: [scene.bond.address, BOND],
  })
  await scene.send(person, { ...scene.heu, functionName: 'approve', args: [scene.bond.address, heus] })
  await scene.send(person, {
    ...scene.bond,
    functionName: 'deposit',
    args: [person.address, BOND, heus],
  })
  await scene.send(person, { ...scene.asset, functionName: 'approve', args: [scene.ledger.address, FLOAT] })
  await scene.send(person, { ...scene.ledger, functionName: 'addFloat', args: [person.address, FLOAT] })
  return house
}

/** The account that a payer uses with a house now; a new key where the last was given up. */
async function accountFor(
  scene: Scene,
  random: Random,
  payer: Payer,
  house: House,
  happened: Happened,
): Promise<Account | undefined> {
  const own = payer.accounts.filter((account) => account.house === house)
  const open = own.find(({ state }) => state === 'open')
  if (open) return open
  if (own.some(({ reason }) => reason === 'overcharged' || reason === 'vanished')) return undefined
  const account = await openAccount(scene, payer, house, random.pick(WAYS))
  await fund(scene, account, BigInt(random.between(5, 20)) * 1_000_000n)
  happened.deposits += 1
  return account
}

const priceOf = (random: Random): bigint =>
  BigInt(random.chance(0.85) ? random.between(5_000, 100_000) : random.between(300_000, 1_500_000))

/** What a call needs to know of its house. */
export interface Manners {
  /** Part of its calls that fail. */
  failing: number
}

/** One call from the payer's signature to the payees' receipts, or to its failure. */
export async function call(
  scene: Scene,
  random: Random,
  cast: Cast,
  house: House,
  { failing }: Manners,
  happened: Happened,
): Promise<void> {
  const account = await accountFor(scene, random, random.pick(cast.payers), house, happened)
  if (!account) return
  const [node, pod] = [random.pick(cast.nodes), random.pick(cast.pods)]
  const frontend = random.chance(0.2) ? undefined : random.pick(cast.frontends)
  const price = priceOf(random)
  const maxPrice = price + (price * BigInt(random.between(0, 200))) / 100n
  if (account.deposited - account.purse.charged < maxPrice) {
    await fund(scene, account, 10_000_000n)
    happened.deposits += 1
  }
  if (!(await serves(scene, node, house, maxPrice))) {
    happened.refusals += 1
    return
  }
  const body: Request = {
    payer: account.key.address,
    id: random.bytes32(),
    pod: pod.id,
    manifest: MANIFEST,
    frontend: frontend?.id ?? 0,
    node: random.chance(0.3) ? node.id : 0,
    maxPrice,
    deadline: scene.now() + 600,
    input: random.bytes32(),
  }
  const asked = await ask(scene, account, body)
  await house.admit(asked)
  if (random.chance(failing)) {
    await house.fail(asked)
    await account.purse.release(asked.request, 'node.failed')
    happened.failures += 1
    return
  }
  const receipt = receiptOf(scene, random, asked.request, node.id, price)
  const signature = createSigner(node.person.key).sign(scene.hasher.digest('Receipt', receipt))
  const answer = await house.deliver(asked, { receipt, signature, provider: 'cpu' })
  await book(account, asked, answer)
  for (const payee of [node, pod, frontend]) if (payee) earn(scene, payee, house, { body, receipt })
  if (random.chance(0.7)) await fetchStatement(node, house)
  happened.calls += 1
}

function receiptOf(
  scene: Scene,
  random: Random,
  request: Receipt['request'],
  node: number,
  price: bigint,
): Receipt {
  const [unitsIn, unitsOut, length] = [10n, BigInt(random.between(1, 500)), BigInt(random.between(1, 4_000))]
  const end = random.chance(0.1) ? END.clientLeft : END.complete
  const [output, evidence] = [random.bytes32(), random.bytes32()]
  const completedAt = scene.now()
  return { request, node, unitsIn, unitsOut, length, end, price, output, evidence, completedAt }
}

/** A wallet without an account pays one finished call: money in, split, change back, one transaction. */
export async function payOnce(scene: Scene, random: Random, cast: Cast, happened: Happened): Promise<void> {
  const wallet = await scene.person(`walk-in ${cast.walkIns.length}`)
  const [node, pod, frontend] = [random.pick(cast.nodes), random.pick(cast.pods), random.pick(cast.frontends)]
  const price = priceOf(random)
  const maxPrice = price + BigInt(random.between(0, 50_000))
  await scene.give(wallet.address, maxPrice)
  const router = cast.till.person
  const expiry = scene.now() + 7_200
  const request: Request = {
    payer: wallet.address,
    id: random.bytes32(),
    pod: pod.id,
    manifest: MANIFEST,
    frontend: frontend.id,
    node: 0,
    maxPrice,
    deadline: expiry,
    input: random.bytes32(),
  }
  const hash = scene.hasher.struct('Request', request)
  const voucher: Voucher = { router: router.address, ceiling: maxPrice, expiry, request: hash }
  const signature = await authorize(scene, wallet, maxPrice, scene.hasher.digest('Voucher', voucher))
  const authorization = { validAfter: 0n, validBefore: 2n ** 40n - 1n, signature }
  const receipt = scene.hasher.struct('Receipt', receiptOf(scene, random, hash, node.id, price))
  const args = [request, expiry, node.id, price, receipt, authorization]
  await scene.send(router, { ...scene.ledger, functionName: 'payOnce', args })
  for (const payee of [node, pod, frontend]) dealingsOf(payee, cast.till).gross += price
  cast.walkIns.push({ wallet, given: maxPrice, price })
  happened['single payments'] += 1
}

export const housesOf = (cast: Cast): House[] => [
  ...cast.honest,
  cast.thief,
  cast.omitter,
  cast.ghost,
  cast.till,
]

export const payeesOf = (cast: Cast): Payee[] => [...cast.nodes, ...cast.pods, ...cast.frontends]

export async function closeAll(scene: Scene, cast: Cast | undefined): Promise<void> {
  for (const house of cast ? housesOf(cast) : []) await house.close()
  await scene.close()
  rmSync(scene.market.home, { recursive: true, force: true })
}
