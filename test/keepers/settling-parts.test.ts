import { expect } from 'chai'
import type { Hex } from 'viem'
import type { Op } from '../../keepers/router/ledger/ledger.ts'
import { auditRouter } from '../../sdk/chain/batches.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { chainReader } from '../../sdk/chain/reader.ts'
import { unpackBatch } from '../../sdk/protocol/batch.ts'
import { keccak, toHex } from '../../sdk/protocol/bytes.ts'
import { indexPath, partPath, readIndex, readPart } from '../../sdk/protocol/data.ts'
import { type Leaf, leafHash, merkleTree, verifyMerkle } from '../../sdk/protocol/merkle.ts'
import { verifyReceipt } from '../../sdk/verify.ts'
import {
  codeOf,
  http,
  openStage,
  type Payer,
  post,
  randomHash,
  receiptOf,
  type Stage,
  type TestRouter,
  USD,
  until,
} from './stage.ts'
import { type TestWorker, testWorker } from './worker.ts'

/** Calls of a batch, three in a part. */
const CALLS = 7
const PART = 3

/** One ledger and one chain: batches of several parts, a router that dies at every step of one, and its doors. */
const seqOf = (op: Op): bigint | undefined =>
  op.op === 'batch.signed' ? op.batch.seq : 'seq' in op ? (op.seq as bigint) : undefined

describe('batches of several parts', function () {
  this.timeout(300_000)

  let stage: Stage
  let payers: Payer[]
  let worker: TestWorker | undefined
  let dataDir: string | undefined
  let router: TestRouter
  let batches = 0

  before(async () => {
    stage = await openStage()
    payers = [await stage.payer(USD), await stage.payer(USD)]
  })
  afterEach(async () => {
    worker?.die()
    if (router && !router.crashed) await router.stop()
  })
  after(() => stage?.close())

  async function start(
    hooks: { beforeCommit?: (ops: readonly Op[]) => void; afterCommit?: typeof hooks.beforeCommit } = {},
    changes: Record<string, number> = {},
  ) {
    const settle = { maxLeaves: CALLS, partLeaves: PART, finalityBlocks: 1, watchMs: 100, ...changes }
    router = await stage.router({ settle, ...hooks, ...(dataDir === undefined ? {} : { dataDir }) })
    dataDir = router.dataDir
    worker = await (worker?.again(router.url) ?? testWorker(stage, router))
  }

  /** A batch's worth of calls. @returns their requests. */
  async function calls(count = CALLS): Promise<Hex[]> {
    const jobs = Array.from({ length: count }, (_, index) => payers[index % 2]?.job() ?? {})
    const answers = await Promise.all(jobs.map((job) => post(router, job)))
    expect(answers.map(({ status }) => status)).to.deep.equal(Array(count).fill(200))
    return jobs.map((job) => (job.voucher as { request: Hex }).request)
  }

  const isSettled = (request: Hex) =>
    until('it is settled', async () => (await receiptOf(router, request)).body.status === 'settled')

  async function bytesAt(path: string): Promise<Uint8Array> {
    const response = await fetch(router.url + path)
    expect(response.status, path).to.equal(200)
    return new Uint8Array(await response.arrayBuffer())
  }

  /** Index and parts of the newest batch, held to what the chain was told. */
  async function published(): Promise<{ documents: Uint8Array[]; leaves: Leaf[] }> {
    const batch = await router.world.ledger.lastBatch()
    if (!batch) throw new Error('no batch')
    const { seq } = batch
    const { dataHash } = unpackBatch(batch.packed)
    const bytes = await bytesAt(indexPath(seq))
    const index = readIndex(bytes, { router: stage.market.router.address, seq, dataHash })
    const parts = await Promise.all(index.parts.map((_, part) => bytesAt(partPath(seq, part))))
    return { documents: [bytes, ...parts], leaves: parts.flatMap((part, at) => readPart(part, index, at)) }
  }

  const chain = () => openChain({ chainId: stage.market.domain.chainId, rpcUrl: stage.market.chain.rpcUrl })

  const steps = (['batch.signed', 'batch.settled', 'batch.final'] as const).flatMap((op) => [
    [op, 'before'] as const,
    [op, 'after'] as const,
  ])
  for (const [op, when] of steps) {
    it(`a router that dies ${when} it has written ${op} serves the same bytes, all of them, and posts once`, async () => {
      // Of this test's own batch: what became of the one before may be written as late as this router's start.
      const own = BigInt(batches + 1)
      let armed = true
      const hook = (ops: readonly Op[]) => {
        if (!armed || !ops.some((one) => one.op === op && seqOf(one) === own)) return
        armed = false
        void router.crash()
      }
      await start(when === 'before' ? { beforeCommit: hook } : { afterCommit: hook })
      const [request = randomHash()] = await calls()
      batches += 1
      await until('the crash', () => router.crashed)

      await start()
      await isSettled(request)
      const first = await published()
      await router.stop()
      await start()
      const again = await published()

      expect(first.documents).to.have.length(1 + Math.ceil(CALLS / PART))
      expect(again.documents.map((bytes) => toHex(keccak(bytes)))).to.deep.equal(
        first.documents.map((bytes) => toHex(keccak(bytes))),
      )
      expect(first.leaves).to.have.length(CALLS)
      expect((await router.world.ledger.lastBatch())?.seq).to.equal(BigInt(batches))
    })
  }

  it('an audit finds every total to be the sum of their calls, and each call verifies from its own', async () => {
    await start()
    const requests = await calls()
    batches += 1
    for (const request of requests) await isSettled(request)
    const { market, hasher } = stage
    const { ledger } = market.addresses

    const { audit } = await auditRouter({
      chain: chain(),
      ledger,
      router: market.router.address,
      routerUrl: router.url,
      hasher,
    })
    const options = { routerUrl: router.url, rpcUrl: market.chain.rpcUrl, ledger }
    const checks = await Promise.all(requests.map((request) => verifyReceipt(request, options)))

    expect(audit).to.deep.include({ batches, leaves: CALLS * batches, whole: true, lies: [] })
    for (const each of checks) {
      expect(each.filter(({ ok }) => !ok)).to.deep.equal([])
      expect(each.find(({ name }) => name === 'data')?.detail).to.match(/^7 leaves in 3 parts behind /)
    }
  })

  it('the newest leaf of an account up to a batch comes with its proof; what is not there is refused by name', async () => {
    await start()
    const { address } = payers[0] as Payer
    const { addresses, router: own } = stage.market
    const reader = chainReader(chain(), addresses)
    const counts: bigint[] = []

    for (let upTo = 1; upTo <= batches; upTo += 1) {
      const { body } = await http(`${router.url}/v1/accounts/${address}/leaf?batch=${upTo}`)
      const { seq, leaf: shown, proof } = body as unknown as { seq: string; leaf: Leaf; proof: Hex[] }
      const root = (await reader.rootOf(own.address, BigInt(upTo))) ?? '0x'
      expect([seq, shown.payer]).to.deep.equal([String(upTo), address])
      expect(verifyMerkle(root, leafHash(bigints(shown)), proof)).to.equal(true)
      counts.push(BigInt(shown.count))
    }

    // Of seven calls of a batch, the first payer makes four.
    expect(counts).to.deep.equal(Array.from({ length: batches }, (_, index) => 4n * BigInt(index + 1)))
    const codes = async (...paths: string[]) =>
      Promise.all(
        paths.map(async (path) => {
          const answer = await http(router.url + path)
          return [answer.status, codeOf(answer)]
        }),
      )
    expect(
      await codes(
        `/v1/accounts/${address}/leaf?batch=0`,
        `/v1/accounts/0x${'11'.repeat(20)}/leaf`,
        `/v1/accounts/${address}/leaf?batch=x`,
        '/v1/accounts/zero/leaf',
        '/v1/batches/1/parts/3',
        '/v1/batches/1/parts/-1',
        '/v1/batches/999/parts/0',
      ),
    ).to.deep.equal([
      [404, 'leaf.none'],
      [404, 'leaf.none'],
      [400, 'request.malformed'],
      [400, 'request.malformed'],
      [404, 'part.unknown'],
      [400, 'request.malformed'],
      [404, 'batch.unknown'],
    ])
  })

  it('one that is read in three pieces has all its parts, and every leaf its proof below the crown', async () => {
    const [count, partLeaves] = [1_050, 100]
    await start({}, { maxLeaves: count, partLeaves })
    const requests: Hex[] = []
    while (requests.length < count) requests.push(...(await calls(30)))
    await isSettled(requests[0] ?? randomHash())

    const { documents, leaves } = await published()
    const batch = await router.world.ledger.lastBatch()
    const { ledger } = stage.market.addresses
    const options = { routerUrl: router.url, rpcUrl: stage.market.chain.rpcUrl, ledger }
    const picked = [0, 499, 500, 1_025, count - 1].map((index) => leaves[index]?.request ?? randomHash())
    const checks = await Promise.all(picked.map((request) => verifyReceipt(request, options)))

    expect(documents).to.have.length(1 + Math.ceil(count / partLeaves))
    expect(leaves.map(({ request }) => request)).to.have.members(requests)
    expect(batch).to.include({
      seq: BigInt(batches + 1),
      root: merkleTree(leaves.map((leaf) => leafHash(leaf))).root,
    })
    expect(await router.world.ledger.crownOf(BigInt(batches + 1))).to.have.length(3 * 32)
    for (const each of checks) expect(each.filter(({ ok }) => !ok)).to.deep.equal([])
  })
})

/** A leaf as a document has it, with its amounts as amounts. */
const bigints = (leaf: Leaf): Leaf => ({
  ...leaf,
  charged: BigInt(leaf.charged),
  count: BigInt(leaf.count),
  nodeGross: BigInt(leaf.nodeGross),
  podGross: BigInt(leaf.podGross),
  frontendGross: BigInt(leaf.frontendGross),
})
