import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Address, encodeDeployData, getContractAddress, type Hex, parseEventLogs, zeroHash } from 'viem'
import { localAccount } from '../../deploy/local.ts'
import { computeLedgerAbi, routerBondAbi } from '../../sdk/chain/abi.ts'
import { createSigner, fastKeccak, toCompact } from '../../sdk/native.ts'
import { type PayeeLine, type PayerLine, packBatch } from '../../sdk/protocol/batch.ts'
import { toHex } from '../../sdk/protocol/bytes.ts'
import { createHasher, type Hasher } from '../../sdk/protocol/messages.ts'
import { createRandom, type Random } from '../month/random.ts'
import { openScene, type Person, Reverted, type Scene } from '../month/scene.ts'
import { LedgerModel, type ModelLine, type RoleName, type Shares, skipNumber } from './model.ts'

/** HEURIST_SEED repeats a run; the seed is printed. */
const SEED = Number(process.env.HEURIST_SEED ?? 20_260_703)
/** Random acts, of which about half are batches. */
const ACTS = Number(process.env.HEURIST_ACTS ?? 600)
const FIRST: Shares = { node: 7000, pod: 1000, frontend: 1000, voters: 500 }
const IDS = { node: [1, 2, 3, 4], pod: [1, 2], frontend: [0, 1, 2] } as const
const ROLES = ['node', 'pod', 'frontend', 'voters'] as const satisfies readonly RoleName[]
const FAR = 2 ** 40 - 1

interface Stage {
  scene: Scene
  random: Random
  model: LedgerModel
  hasher: Hasher
  ledger: { address: Address; abi: typeof computeLedgerAbi }
  admin: Person
  routers: Person[]
  keys: Person[]
  voters: Address
  burner: Address
  counts: Record<string, number>
}

describe('the ledger and a model written from its manual', function () {
  this.timeout(1_200_000)
  let stage: Stage

  before(async () => {
    stage = await openStage()
  })
  after(() => stage?.scene.close())

  it('agree on every balance, float, skipped line and unit of dust over random batches of two routers', async () => {
    process.stdout.write(`    seed ${SEED}, ${ACTS} acts\n`)

    for (let act = 1; act <= ACTS; act++) {
      await randomAct(stage)
      if (act % 20 === 0 || act === ACTS) await compare(stage)
    }

    const { counts } = stage
    process.stdout.write(`    ${JSON.stringify(counts)}\n`)
    const acts = ['settled', 'refused', 'splits', 'payOnce', 'refunds', 'claimed', 'collected', 'epochs']
    const skips = ['ZeroCharge', 'BadSignature', 'Expired', 'OverCeiling', 'OverDeposit'].map(
      (name) => `skip ${name}`,
    )
    for (const name of [...acts, ...skips]) expect(counts[name] ?? 0, name).to.be.greaterThan(0)
  })
})

/** A ledger of its own, with a burner and pod voters, whose bond asks for nothing but to be told of a router. */
async function openStage(): Promise<Stage> {
  const scene = await openScene(SEED)
  const { market } = scene
  const account = localAccount('deployer')
  const admin = { key: zeroHash, account, address: account.address.toLowerCase() as Address }
  const [voters, burner] = await Promise.all(
    ['voters', 'burner'].map(async (name) => (await scene.person(name)).address),
  )
  if (!voters || !burner) throw new Error('nobody there')
  const address = await deployPair(scene, voters, burner)
  const ledger = { address, abi: computeLedgerAbi }
  const bond = getContractAddress({
    from: admin.address,
    nonce: BigInt((await nonceOf(scene, admin.address)) - 1),
  })
  const named = (names: string[]) => Promise.all(names.map((name) => scene.person(name)))
  const routers = await named(['router one', 'router two'])
  const keys = await named(['key 1', 'key 2', 'key 3', 'key 4'])
  for (const router of routers) {
    await mint(scene, router.address)
    await scene.send(router, { ...scene.asset, functionName: 'approve', args: [bond, 1n] })
    await scene.send(router, {
      address: bond,
      abi: routerBondAbi,
      functionName: 'deposit',
      args: [router.address, 1n, 0n],
    })
    await scene.send(router, { ...scene.asset, functionName: 'approve', args: [address, 2n ** 255n] })
  }
  for (const key of keys) {
    await mint(scene, key.address)
    await scene.send(key, { ...scene.asset, functionName: 'approve', args: [address, 2n ** 255n] })
  }
  await registerPayees(scene, keys[0] as Person)
  const domain = { chainId: market.domain.chainId, verifyingContract: address }
  return {
    scene,
    ledger,
    admin,
    routers,
    keys,
    voters,
    burner,
    random: createRandom(SEED),
    model: new LedgerModel(FIRST),
    hasher: createHasher(domain, fastKeccak),
    counts: {},
  }
}

/** Ten thousand dollars, as the faucet gives them. */
async function mint(scene: Scene, to: Address): Promise<void> {
  const cap = await scene.client.readContract({ ...scene.asset, functionName: 'FAUCET_CAP' })
  for (let left = 10_000_000_000n; left > 0n; left -= cap) await scene.give(to, left < cap ? left : cap)
}

const nonceOf = (scene: Scene, address: Address) => scene.client.getTransactionCount({ address })

async function deployPair(scene: Scene, podVoters: Address, burner: Address): Promise<Address> {
  const { market, client } = scene
  const account = localAccount('deployer')
  const { contracts } = JSON.parse(
    readFileSync(join(import.meta.dirname, '..', '..', 'deploy', 'bytecode.json'), 'utf8'),
  ) as { contracts: Record<'ComputeLedger' | 'RouterBond', Hex> }
  const nonce = await nonceOf(scene, account.address)
  const at = (offset: number) => getContractAddress({ from: account.address, nonce: BigInt(nonce + offset) })
  const { asset, registry, authority, heu } = market.addresses
  const terms = {
    asset,
    registry,
    authority,
    bond: at(1),
    podVoters,
    burner,
    split: FIRST,
    thawSeconds: 86_400,
    priorityDeadline: 0,
  }
  const made = [
    encodeDeployData({ abi: computeLedgerAbi, bytecode: contracts.ComputeLedger, args: [terms] }),
    encodeDeployData({ abi: routerBondAbi, bytecode: contracts.RouterBond, args: [at(0), heu, 0n, 0n, 0] }),
  ]
  for (const [offset, data] of made.entries()) {
    const raw = await account.signTransaction({
      chainId: market.domain.chainId,
      type: 'eip1559',
      data,
      gas: 20_000_000n,
      maxFeePerGas: 10n ** 10n,
      maxPriorityFeePerGas: 1n,
      nonce: nonce + offset,
    })
    const hash = await client.sendRawTransaction({ serializedTransaction: raw })
    const { status } = await client.waitForTransactionReceipt({ hash })
    expect(status).to.equal('success')
  }
  return at(0)
}

/** Nodes, pods and frontends up to the ids that the acts use. */
async function registerPayees(scene: Scene, owner: Person): Promise<void> {
  const count = (role: number) =>
    scene.client.readContract({ ...scene.registry, functionName: 'countOf', args: [role] })
  while ((await count(0)) < Math.max(...IDS.node)) {
    const signer = await scene.person(`signer ${await count(0)}`)
    const args = [signer.address, owner.address, zeroHash]
    await scene.send(owner, { ...scene.registry, functionName: 'registerNode', args })
  }
  while ((await count(1)) < Math.max(...IDS.pod)) {
    await scene.send(owner, {
      ...scene.registry,
      functionName: 'registerPod',
      args: [owner.address, `0x${'11'.repeat(32)}`],
    })
  }
  while ((await count(2)) < Math.max(...IDS.frontend)) {
    await scene.send(owner, {
      ...scene.registry,
      functionName: 'registerFrontend',
      args: [owner.address, zeroHash],
    })
  }
}

const did = (stage: Stage, what: string) => {
  stage.counts[what] = (stage.counts[what] ?? 0) + 1
}

/** One act on both sides. Where the model refuses, the contract must, with the same error. */
async function randomAct(stage: Stage): Promise<void> {
  const { random } = stage
  const router = random.pick(stage.routers)
  const dice = random.next()
  if (dice < 0.5) return batch(stage, router)
  if (dice < 0.62) return deposit(stage, router)
  if (dice < 0.7) return float(stage, router)
  if (dice < 0.76) return refund(stage, router)
  if (dice < 0.84) return payOnce(stage, router)
  if (dice < 0.92) return claim(stage, router)
  if (dice < 0.95) return collect(stage, router)
  if (dice < 0.97) return changeSplit(stage)
  did(stage, 'epochs')
  return stage.scene.to(stage.scene.now() + random.between(1, 10 * 86_400))
}

async function batch(stage: Stage, router: Person): Promise<void> {
  const { random, scene, ledger, model } = stage
  // The next block's second, which the expiries must know.
  await scene.to(scene.now() + 2)
  const now = scene.now()
  const made = Array.from({ length: random.between(0, 6) }, () => line(stage, router, now))
  const gross = made.reduce((total, { model: { charge } }) => total + charge, 0n)
  const off = random.chance(0.04) ? 1n : 0n
  const section = (ids: readonly number[], more = 0n) => parted(random, ids, gross + more)
  const sections = { node: section(IDS.node), pod: section(IDS.pod, off), frontend: section(IDS.frontend) }
  const state = await scene.client.readContract({
    ...ledger,
    functionName: 'routerOf',
    args: [router.address],
  })
  const packed = packBatch({
    seq: state.seq + 1n,
    prev: state.batchHash,
    root: random.bytes32(),
    dataHash: random.bytes32(),
    payers: made.map(({ wire }) => wire),
    nodes: sections.node,
    pods: sections.pod,
    frontends: sections.frontend,
  })
  const expected = model.settle(
    router.address,
    made.map((one) => one.model),
    sections,
    now,
  )
  const settled = { ...ledger, functionName: 'settle', args: [toHex(packed)] }
  if (expected.refused !== undefined) {
    await refused(scene, router, settled, expected.refused)
    return did(stage, 'refused')
  }
  await scene.send(router, settled)
  const skips = await skippedIn(stage)
  expect(skips).to.deep.equal(
    expected.skipped.map(({ index, reason }) => ({ index, reason: skipNumber(reason) })),
  )
  for (const { reason } of expected.skipped) did(stage, `skip ${reason}`)
  did(stage, 'settled')
}

/** The lines that the newest block's batch skipped. */
async function skippedIn({ scene, ledger }: Stage): Promise<{ index: number; reason: number }[]> {
  const logs = await scene.client.getLogs({ address: ledger.address, fromBlock: 'latest' })
  return parseEventLogs({ abi: computeLedgerAbi, logs, eventName: 'LineSkipped' }).map(({ args }) => ({
    index: Number(args.index),
    reason: args.reason,
  }))
}

async function refused(
  scene: Scene,
  from: Person,
  call: Parameters<Scene['send']>[1],
  code: string,
): Promise<void> {
  const error = await scene.send(from, call).then(
    () => undefined,
    (cause: unknown) => cause,
  )
  expect(error).to.be.instanceOf(Reverted)
  expect((error as Reverted).code).to.equal(code)
}

/** A good line, or one that is bad in one of the five ways. */
function line(stage: Stage, router: Person, now: number): { wire: PayerLine; model: ModelLine } {
  const { random, keys, hasher, model } = stage
  const person = random.pick(keys)
  const { deposited, spent } = model.account(router.address, person.address)
  const kind = random.pick(['good', 'good', 'good', 'zero', 'nobody', 'late', 'last', 'low', 'dear'] as const)
  const credit = Number(deposited - spent)
  const most = kind === 'dear' ? credit + 1_000 : Math.max(1, Math.min(credit, 3_000_003))
  const charge =
    kind === 'zero'
      ? 0n
      : BigInt(kind === 'dear' ? random.between(credit + 1, most) : random.between(1, most))
  // A block may come a second or two after the one that `now` names: these two stay clear of it.
  const expiry = kind === 'late' ? now - random.between(1, 100) : kind === 'last' ? now + 60 : FAR
  const ceiling = kind === 'low' ? spent + charge - 1n : spent + charge + BigInt(random.between(0, 2_000_000))
  const request = random.bytes32()
  const digest = hasher.digest('Voucher', { router: router.address, ceiling, expiry, request })
  const compact = toCompact(createSigner(person.key).sign(digest))
  if (!compact) throw new Error('a signature of ours has a high s')
  const signature = kind === 'nobody' ? { r: zeroHash, vs: zeroHash } : compact
  const key = kind === 'nobody' ? undefined : person.address
  return { wire: { ...signature, request, ceiling, expiry, charge }, model: { key, ceiling, expiry, charge } }
}

/** `total` cut at random over some of the ids, in order. */
function parted(random: Random, ids: readonly number[], total: bigint): PayeeLine[] {
  let left = total
  const lines = ids
    .filter(() => random.chance(0.6))
    .map((id) => {
      const amount = BigInt(random.between(0, Number(left)))
      left -= amount
      return { id, amount }
    })
  const last = ids.at(-1) ?? 0
  if (left === 0n) return lines
  const kept = lines.filter(({ id }) => id !== last)
  const had = lines.find(({ id }) => id === last)?.amount ?? 0n
  return [...kept, { id: last, amount: left + had }]
}

async function deposit({ random, scene, ledger, model, keys, counts }: Stage, router: Person): Promise<void> {
  const key = random.pick(keys)
  const amount = BigInt(random.between(1, 20_000_000))
  await scene.send(key, { ...ledger, functionName: 'deposit', args: [router.address, key.address, amount] })
  model.account(router.address, key.address).deposited += amount
  counts.deposits = (counts.deposits ?? 0) + 1
}

async function float(stage: Stage, router: Person): Promise<void> {
  const { random, scene, ledger, model } = stage
  const state = model.of(router.address)
  if (random.chance(0.3) && state.float > 0n) {
    const amount = BigInt(random.between(1, Number(state.float)))
    await scene.send(router, { ...ledger, functionName: 'withdrawFloat', args: [amount] })
    state.float -= amount
    return did(stage, 'float out')
  }
  const amount = BigInt(random.between(1, 30_000_000))
  await scene.send(router, { ...ledger, functionName: 'addFloat', args: [router.address, amount] })
  state.float += amount
}

async function refund(stage: Stage, router: Person): Promise<void> {
  const { random, scene, ledger, model } = stage
  const state = model.of(router.address)
  const key = random.pick(stage.keys)
  const amount = BigInt(random.between(1, 500_000))
  const call = { ...ledger, functionName: 'refund', args: [key.address, amount, random.bytes32()] }
  if (amount > state.float) return refused(scene, router, call, 'FloatExhausted')
  await scene.send(router, call)
  state.float -= amount
  model.account(router.address, key.address).deposited += amount
  did(stage, 'refunds')
}

async function payOnce(stage: Stage, router: Person): Promise<void> {
  const { random, scene, ledger, model, hasher } = stage
  const person = random.pick(stage.keys)
  const maxPrice = BigInt(random.between(1, 1_000_000))
  const price = BigInt(random.between(1, Number(maxPrice)))
  const [node, pod, frontend] = [random.pick(IDS.node), random.pick(IDS.pod), random.pick(IDS.frontend)]
  const body = {
    payer: person.address,
    id: random.bytes32(),
    pod,
    manifest: random.bytes32(),
    frontend,
    node: random.chance(0.5) ? node : 0,
    maxPrice,
    deadline: FAR,
    input: random.bytes32(),
  }
  const request = hasher.struct('Request', body)
  const nonce = hasher.digest('Voucher', { router: router.address, ceiling: maxPrice, expiry: FAR, request })
  const signature = await authorize(stage, person, maxPrice, nonce)
  const authorization = { validAfter: 0n, validBefore: BigInt(FAR), signature }
  const before = await balanceOf(stage, person.address)
  const args = [body, FAR, node, price, random.bytes32(), authorization]
  await scene.send(router, { ...ledger, functionName: 'payOnce', args })
  expect(before - (await balanceOf(stage, person.address))).to.equal(price)
  model.credit(router.address, 'node', node, price, scene.now())
  model.credit(router.address, 'pod', pod, price, scene.now())
  model.credit(router.address, 'frontend', frontend, price, scene.now())
  did(stage, 'payOnce')
}

async function authorize({ scene, ledger }: Stage, from: Person, value: bigint, nonce: Hex): Promise<Hex> {
  const [, name, version, chainId, verifyingContract] = await scene.client.readContract({
    ...scene.asset,
    functionName: 'eip712Domain',
  })
  const fields = [
    'from address',
    'to address',
    'value uint256',
    'validAfter uint256',
    'validBefore uint256',
    'nonce bytes32',
  ]
  const types = fields
    .map((field) => field.split(' '))
    .map(([field = '', type = '']) => ({ name: field, type }))
  return from.account.signTypedData({
    domain: { name, version, chainId: Number(chainId), verifyingContract },
    primaryType: 'ReceiveWithAuthorization',
    types: { ReceiveWithAuthorization: types },
    message: {
      from: from.address,
      to: ledger.address,
      value,
      validAfter: 0n,
      validBefore: BigInt(FAR),
      nonce,
    },
  })
}

const balanceOf = ({ scene }: Stage, address: Address): Promise<bigint> =>
  scene.client.readContract({ ...scene.asset, functionName: 'balanceOf', args: [address] })

async function claim(stage: Stage, router: Person): Promise<void> {
  const { random, scene, ledger, model, voters } = stage
  const role = random.pick(ROLES)
  const ids = role === 'voters' ? IDS.pod : IDS[role]
  const id = random.pick(ids.filter((one) => one !== 0))
  const to =
    role === 'voters'
      ? voters
      : await scene.client.readContract({
          ...scene.registry,
          functionName: 'payoutOf',
          args: [ROLES.indexOf(role), id],
        })
  const before = await balanceOf(stage, to)
  const args = [router.address, ROLES.indexOf(role), [id]]
  await scene.send(router, { ...ledger, functionName: 'claim', args })
  const amount = model.claim(router.address, role, id)
  expect((await balanceOf(stage, to)) - before).to.equal(amount)
  if (amount > 0n) did(stage, 'claimed')
}

async function collect(stage: Stage, router: Person): Promise<void> {
  const { scene, ledger, model, burner } = stage
  const amount = model.collectable(router.address)
  const call = { ...ledger, functionName: 'collect', args: [router.address] }
  if (amount === 0n) return refused(scene, router, call, 'ZeroAmount')
  const before = await balanceOf(stage, burner)
  await scene.send(router, call)
  expect((await balanceOf(stage, burner)) - before).to.equal(amount)
  model.of(router.address).collected += amount
  did(stage, 'collected')
}

/** Within the bounds of the manual: a node half at least, others a quarter at most, the protocol 2 to 20 %. */
async function changeSplit(stage: Stage): Promise<void> {
  const { random, scene, ledger, model, admin } = stage
  const [pod, frontend, voters] = [random.between(0, 1500), random.between(0, 1500), random.between(0, 800)]
  const node = 10_000 - random.between(200, 1200) - pod - frontend - voters
  const split = { node, pod, frontend, voters }
  await scene.send(admin, { ...ledger, functionName: 'setSplit', args: [split] })
  const { timestamp } = await scene.client.getBlock()
  model.setSplit(split, Number(timestamp))
  did(stage, 'splits')
}

/** Everything that either side knows. */
async function compare(stage: Stage): Promise<void> {
  const { scene, ledger, model, routers, keys } = stage
  for (const { address } of routers) {
    const state = await scene.client.readContract({ ...ledger, functionName: 'routerOf', args: [address] })
    expect(state.float, 'float').to.equal(model.of(address).float)
    expect(state.collected, 'collected').to.equal(model.of(address).collected)
    const owed = await scene.client.readContract({ ...ledger, functionName: 'protocolOwed', args: [address] })
    expect(owed, 'protocol, dust included').to.equal(model.protocolOwed(address))
    const collectable = await scene.client.readContract({
      ...ledger,
      functionName: 'collectable',
      args: [address],
    })
    expect(collectable, 'collectable').to.equal(model.collectable(address))
    for (const key of keys) {
      const account = await scene.client.readContract({
        ...ledger,
        functionName: 'accountOf',
        args: [address, key.address],
      })
      const { deposited, spent } = model.account(address, key.address)
      expect([account.deposited, account.spent], key.address).to.deep.equal([deposited, spent])
    }
    for (const role of ROLES) {
      for (const id of role === 'voters' ? IDS.pod : IDS[role]) {
        const args = [address, ROLES.indexOf(role), id] as const
        const gross = await scene.client.readContract({ ...ledger, functionName: 'grossOf', args })
        expect(gross, `gross ${role} ${id}`).to.equal(model.grossOf(address, role, id))
        const claimable = await scene.client.readContract({ ...ledger, functionName: 'claimable', args })
        expect(claimable, `claimable ${role} ${id}`).to.equal(model.claimable(address, role, id))
      }
    }
  }
  expect(await balanceOf(stage, ledger.address), 'all the money').to.equal(model.owed())
}
