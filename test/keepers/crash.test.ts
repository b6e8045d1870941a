import { expect } from 'chai'
import type { Hex } from 'viem'
import type { Op } from '../../keepers/router/ledger/ledger.ts'
import type { LogFields } from '../../keepers/world.ts'
import { computeLedgerAbi, routerBondAbi } from '../../sdk/chain/abi.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import {
  account,
  codeOf,
  http,
  openStage,
  type Payer,
  pause,
  post,
  type RouterOptions,
  receiptOf,
  type Stage,
  stream,
  type TestRouter,
  USD,
  until,
} from './stage.ts'
import { answers, type TestWorker, testWorker } from './worker.ts'

const ANSWER = '{"text":"one "}\n{"text":"two"}\n{"finish":"stop"}\n'
const PRICE = 23n
const LEASE_MS = 1_500

/** Every arrow of a call's life is cut once; one ledger and one chain live through all of it. */
describe('a router that dies at any moment', function () {
  this.timeout(600_000)

  let stage: Stage
  let dataDir: string | undefined
  let payer: Payer
  let worker: TestWorker
  const routers: TestRouter[] = []

  before(async () => {
    stage = await openStage()
    payer = await stage.payer(50n * USD)
  })
  afterEach(async () => {
    worker?.die()
    for (const router of routers.splice(0)) if (!router.crashed) await router.stop()
  })
  after(() => stage?.close())

  async function start(options: RouterOptions = {}): Promise<TestRouter> {
    const router = await stage.router({
      ...(dataDir === undefined ? {} : { dataDir }),
      ...options,
      limits: { leaseMs: LEASE_MS, ...options.limits },
    })
    dataDir = router.dataDir
    routers.push(router)
    return router
  }

  /** A router that crashes when it is about to write such an operation, or just after it is durable. */
  async function startCrashing(op: Op['op'], when: 'before' | 'after', options: RouterOptions = {}) {
    let router: TestRouter | undefined
    let armed = true
    const hook = (ops: readonly Op[]) => {
      if (!armed || !ops.some((one) => one.op === op)) return
      armed = false
      void router?.crash()
    }
    router = await start({
      ...options,
      ...(when === 'before' ? { beforeCommit: hook } : { afterCommit: hook }),
    })
    return router
  }

  /** A stream that waits for the only slot: it is admitted, and written, long before it is sent out. */
  async function waiting(router: TestRouter) {
    const busy = await testWorker(stage, router, { behave: () => {} })
    send(router, payer.job())
    await busy.nextJob()
    const job = payer.job()
    const seen = stream(router, job)
    await until('it is admitted', async () => (await statusOf(router, job)) === 'admitted')
    return { job, seen, busy }
  }

  /** A call that a router dies of: its node has signed, and that is not written. */
  async function answeredBefore(behave: TestWorker['behave']) {
    const first = await startCrashing('job.receipted', 'before')
    worker = await testWorker(stage, first, { behave })
    const job = payer.job()
    send(first, job)
    await crashed(first)
    const [done] = worker.jobs
    if (!done) throw new Error('no job')
    return { job, done }
  }

  const crashed = (router: TestRouter) => until('the crash', () => router.crashed)
  const hashOf = (job: Record<string, unknown>) => (job.voucher as { request: string }).request
  const statusOf = async (router: TestRouter, job: Record<string, unknown>) =>
    (await receiptOf(router, hashOf(job))).body.status
  const charged = async (router: TestRouter) => (await account(router, payer.address)).charged

  /** Sends without caring for the answer: the router dies under it. */
  const send = (router: TestRouter, job: Record<string, unknown>) => void post(router, job).catch(() => {})

  describe('before it has an answer', () => {
    it('admitted and not sent out: the hold is gone, and the same request runs when it comes again', async () => {
      const first = await startCrashing('job.dispatched', 'before')
      worker = await testWorker(stage, first)
      const job = payer.job()
      send(first, job)
      await crashed(first)

      const second = await start()
      expect(await account(second, payer.address)).to.include({ held: 0n })
      worker = await worker.again(second.url)
      const answer = await post(second, job)

      expect(answer.status).to.equal(200)
      expect(worker.jobs).to.have.length(1)
    })

    it('admitted, and its client never comes back: interrupted after a lease, without a charge', async () => {
      const first = await start()
      const { job, busy } = await waiting(first)
      worker = busy
      await first.crash()

      const second = await start({ limits: { leaseMs: 5_000 } })
      const before = await charged(second)
      expect(await statusOf(second, job)).to.equal('admitted')
      await until('it is given up', async () => (await statusOf(second, job)) === 'failed')

      const { body } = await receiptOf(second, hashOf(job))
      expect(body.error).to.include({ code: 'job.interrupted', kind: 'later' })
      expect(await charged(second)).to.equal(before)
    })

    it('sent out: the node that has finished meanwhile gives its stored answer, and it is paid once', async () => {
      const first = await startCrashing('job.dispatched', 'after')
      worker = await testWorker(stage, first, { behave: () => {} })
      const job = payer.job()
      send(first, job)
      await crashed(first)

      const second = await start()
      const before = await charged(second)
      const back = await worker.again(second.url)
      worker = back
      back.behave = answers()
      const answer = await post(second, job)

      expect(answer.status).to.equal(200)
      expect((answer.body.receipt as { node: number }).node).to.equal(back.node)
      expect(await charged(second)).to.equal(before + PRICE)
    })

    it('the receipt has come and is not written: its node repeats it, and nobody else is asked', async () => {
      // Until then what was admitted is written, and that it was sent out.
      const { job, done } = await answeredBefore((given) => void setTimeout(answers(), 100, given))
      const signed = done.sign(done.honest())

      // Nobody waits here for the end of the lease.
      const second = await start({ limits: { leaseMs: 600_000 } })
      const before = await charged(second)
      const other = await testWorker(stage, second)
      const back = await worker.again(second.url)
      back.repeat(signed)
      await pause(100)
      expect(back.received, 'not yet: its client may come back').to.deep.equal([])
      back.behave = (again) => {
        again.chunk(ANSWER)
        again.sendReceipt(signed)
      }
      const answer = await post(second, job)

      expect(answer.body).to.include({ signature: signed.signature })
      expect(other.jobs).to.deep.equal([])
      expect(await charged(second)).to.equal(before + PRICE)
      await until('it may forget it', () => back.received.includes(done.hash))
      worker = back
      other.die()
    })

    it('a byte of it was seen: it is written by then which node it is of, and that one is asked again and paid', async () => {
      const first = await start()
      const { job, seen, busy } = await waiting(first)
      worker = await testWorker(stage, first, { behave: (given) => given.chunk(ANSWER) })
      while (seen.bytes.length === 0) await new Promise((resolve) => setImmediate(resolve))
      await first.crash()
      const [done] = worker.jobs
      if (!done) throw new Error('no job')
      const signed = done.sign(done.honest())

      const second = await start()
      const before = await charged(second)
      const again = await busy.again(second.url)
      again.behave = answers()
      worker = await worker.again(second.url)
      worker.behave = (given) => {
        given.chunk(ANSWER)
        given.sendReceipt(signed)
      }
      const answer = await post(second, job)
      expect(answer.body).to.include({ signature: signed.signature })
      expect(again.jobs.map(({ hash }) => hash)).to.not.include(done.hash)
      expect(await charged(second)).to.equal(before + PRICE)
      again.die()
    })

    it('while it is not written which node it is of, nothing of it is seen, though it is whole and signed', async () => {
      let written = () => {}
      const disk = new Promise<void>((resolve) => {
        written = resolve
      })
      const isHeld = ({ op }: Op) => op === 'job.dispatched' || op === 'job.receipted'
      let isSlow = false
      const first = await start({ slowCommit: (ops) => (isSlow && ops.some(isHeld) ? disk : undefined) })
      const { seen, busy } = await waiting(first)
      isSlow = true
      worker = await testWorker(stage, first)
      await until('it is answered', () => worker.jobs.length > 0)
      await pause(100)
      expect(seen.bytes.length).to.equal(0)

      written()
      await seen.done
      expect(seen.bytes.toString()).to.equal(ANSWER)
      busy.die()
    })

    it('answered at once, whether or not its admission is written by then: paid once when it comes again', async () => {
      const { job, done } = await answeredBefore(answers())
      const signed = done.sign(done.honest())

      const second = await start()
      const before = await charged(second)
      worker = await worker.again(second.url)
      worker.behave = (again) => {
        again.chunk(ANSWER)
        again.sendReceipt(signed)
      }
      const answer = await post(second, job)
      expect(answer.body).to.include({ signature: signed.signature })
      expect((await post(second, job)).body).to.deep.equal(answer.body)
      expect(await charged(second)).to.equal(before + PRICE)
    })

    it('the receipt has come, the client never comes back: after the lease the node may forget it, nobody pays', async () => {
      // Until then what was admitted is written.
      const { job, done } = await answeredBefore((given) => void setTimeout(answers(), 100, given))

      const second = await start()
      const before = await charged(second)
      await until('it is given up', async () => (await statusOf(second, job)) === 'failed')
      worker = await worker.again(second.url)
      worker.repeat(done.sign(done.honest()))

      await until('it may forget it', () => worker.received.includes(done.hash))
      expect(await charged(second)).to.equal(before)
    })
  })

  describe('after it has an answer', () => {
    it('written and not told: the same request gets the stored answer, the node hears that it is received', async () => {
      const first = await startCrashing('job.receipted', 'after')
      worker = await testWorker(stage, first)
      const job = payer.job()
      const call = stream(first, job)
      await crashed(first)
      await call.done
      expect(call.of('receipt')).to.deep.equal([])
      const [done] = worker.jobs
      if (!done) throw new Error('no job')

      const second = await start()
      const before = await charged(second)
      expect(await statusOf(second, job)).to.equal('receipted')
      const answer = await post(second, job)
      worker = await worker.again(second.url)
      worker.repeat(done.sign(done.honest()))

      expect(Buffer.from(String(answer.body.output), 'base64').toString()).to.equal(ANSWER)
      await until('it may forget it', () => worker.received.includes(done.hash))
      expect(worker.jobs).to.deep.equal([])
      expect(await charged(second)).to.equal(before)
    })

    it('sums and numbers go on where they were', async () => {
      const first = await start()
      worker = await testWorker(stage, first)
      await post(first, payer.job())
      const before = await account(first, payer.address)
      await first.crash()

      const second = await start()
      worker = await worker.again(second.url)
      const answer = await post(second, payer.job())

      expect(answer.body.ack).to.include({
        charged: String(before.charged + PRICE),
        count: String(before.count + 1n),
      })
    })
  })

  describe('that is asked to stop', () => {
    it('lets running calls end, tells waiting ones and new ones to come back, and says goodbye to its workers', async () => {
      const first = await start()
      worker = await testWorker(stage, first, { behave: () => {} })
      const running = post(first, payer.job())
      const job = await worker.nextJob()
      const waits = payer.job()
      const waiting = post(first, waits)
      await until('it waits', async () => (await statusOf(first, waits)) === 'admitted')

      const stopped = first.stop()
      const late = await post(first, payer.job())
      job.chunk(ANSWER)
      job.finish()

      expect([late.status, codeOf(late)]).to.deep.equal([503, 'router.stopping'])
      expect(codeOf(await waiting)).to.equal('router.stopping')
      expect((await running).status).to.equal(200)
      await stopped
      await until('the link is closed', () => worker.closed !== undefined)
      expect(worker.farewells).to.equal(1)
    })

    it('ends calls that take too long: they cost nothing and run again on the next router', async () => {
      const first = await start({ limits: { stopMs: 200 } })
      worker = await testWorker(stage, first, { behave: () => {} })
      const job = payer.job()
      const call = post(first, job)
      await worker.nextJob()
      await first.stop()
      expect(codeOf(await call)).to.equal('router.stopping')

      const second = await start()
      worker.behave = answers()
      worker = await worker.again(second.url)

      expect((await post(second, job)).status).to.equal(200)
      expect(await account(second, payer.address)).to.include({ held: 0n })
    })
  })

  describe('while it settles', () => {
    const settle = { maxAgeMs: 1 }

    before('nothing is left to post', async () => {
      const router = await start({ settle })
      await until('all is settled', async () => {
        const { body } = await http(`${router.url}/v1/receipts?limit=200`)
        return (body.receipts as { status: string }[]).every(({ status }) =>
          ['settled', 'failed'].includes(status),
        )
      })
      await router.stop()
    })

    /** One more charged call, and everything posted. */
    async function oneMore(router: TestRouter): Promise<Record<string, unknown>> {
      worker = await (worker?.again(router.url) ?? testWorker(stage, router))
      const job = payer.job()
      expect((await post(router, job)).status).to.equal(200)
      return job
    }
    const settled = (router: TestRouter, job: Record<string, unknown>) =>
      until('it is settled', async () => (await statusOf(router, job)) === 'settled')
    const batchOf = async (router: TestRouter, job: Record<string, unknown>) =>
      (await receiptOf(router, hashOf(job))).body.batch as {
        seq: string
        txHash: Hex
        root: Hex
        proof: Hex[]
      }

    async function chainAgrees(router: TestRouter): Promise<void> {
      const chain = openChain({ chainId: stage.market.domain.chainId, rpcUrl: stage.market.chain.rpcUrl })
      const ledger = { address: stage.market.addresses.ledger, abi: computeLedgerAbi } as const
      const own = await account(router, payer.address)
      const onChain = await chain.client.readContract({
        ...ledger,
        functionName: 'accountOf',
        args: [stage.market.router.address, payer.address],
      })
      expect(onChain.spent, 'debited once, to the unit').to.equal(own.charged)
    }

    it('the batch is not signed yet: it is posted after the start', async () => {
      const first = await startCrashing('batch.signed', 'before', { settle })
      const job = await oneMore(first)
      await crashed(first)

      const second = await start({ settle })
      await settled(second, job)

      await chainAgrees(second)
    })

    it('the batch is signed and not sent: the very bytes are sent after the start', async () => {
      const first = await startCrashing('batch.signed', 'after', { settle })
      const job = await oneMore(first)
      await crashed(first)

      const second = await start({ settle })
      const { txHash, seq } = await batchOf(second, job)
      await settled(second, job)

      expect(await batchOf(second, job)).to.deep.include({ txHash, seq })
      await chainAgrees(second)
    })

    it('the batch is sent and the crash comes before the answer: it is found on chain, not posted twice', async () => {
      let first: TestRouter | undefined
      first = await start({
        settle,
        chain: (real) => ({
          async broadcast(raw) {
            await real.broadcast(raw)
            void first?.crash()
          },
        }),
      })
      const job = await oneMore(first)
      await crashed(first)

      const second = await start({ settle })
      const { txHash } = await batchOf(second, job)
      await settled(second, job)

      expect((await batchOf(second, job)).txHash).to.equal(txHash)
      await chainAgrees(second)
    })

    it('the batch is in a block and not marked: it is marked after the start', async () => {
      const first = await startCrashing('batch.settled', 'before', { settle })
      const job = await oneMore(first)
      await crashed(first)

      const second = await start({ settle })
      await settled(second, job)

      await chainAgrees(second)
    })

    it('a settled receipt proves itself against the root on chain', async () => {
      const router = await start({ settle })
      const job = await oneMore(router)
      await settled(router, job)
      const { body } = await receiptOf(router, hashOf(job))
      const { seq, proof } = await batchOf(router, job)
      const { leaf } = body as { leaf: Record<string, string | number> }
      const chain = openChain({ chainId: stage.market.domain.chainId, rpcUrl: stage.market.chain.rpcUrl })
      const big = (name: string) => BigInt(leaf[name] ?? 0)

      const proven = await chain.client.readContract({
        address: stage.market.addresses.bond,
        abi: routerBondAbi,
        functionName: 'verifyLeaf',
        args: [
          stage.market.router.address,
          BigInt(seq),
          {
            payer: payer.address,
            charged: big('charged'),
            count: big('count'),
            request: String(leaf.request) as Hex,
            receipt: String(leaf.receipt) as Hex,
            node: Number(leaf.node),
            nodeGross: big('nodeGross'),
            pod: Number(leaf.pod),
            podGross: big('podGross'),
            frontend: Number(leaf.frontend),
            frontendGross: big('frontendGross'),
          },
          proof,
        ],
      })

      expect(proven).to.equal(true)
    })

    it('another transaction took its nonce: the batch is signed anew and settled once', async () => {
      const signed: Hex[] = []
      const beforeCommit = (ops: readonly Op[]) =>
        void signed.push(...ops.flatMap((op) => (op.op === 'batch.signed' ? [op.tx.hash] : [])))
      const first = await startCrashing('batch.signed', 'after', { settle, beforeCommit })
      const job = await oneMore(first)
      await crashed(first)
      await stage.routerSpendsNonce()

      const second = await start({ settle })
      await settled(second, job)

      expect(signed).to.have.length(1)
      expect((await batchOf(second, job)).txHash).to.not.equal(signed[0])
      await chainAgrees(second)
    })

    it('a chain that is set back gets its batches again, while the router runs', async () => {
      const router = await start({ settle })
      const before = await oneMore(router)
      await settled(router, before)
      const snapshot = await stage.rpc('evm_snapshot')
      const undone = await oneMore(router)
      await settled(router, undone)

      await stage.rpc('evm_revert', snapshot)
      const after = await oneMore(router)
      await settled(router, after)

      expect(router.log.map((line) => line.event)).to.include('batch.undone')
      await settled(router, undone)
      await chainAgrees(router)
    })

    it('while the chain is down known payers are served, unknown ones are told to wait, and all is settled later', async () => {
      const router = await start({ settle, limits: { chainPollMs: 100 } })
      await oneMore(router)
      const stranger = await stage.payer(USD)
      const known = payer.job()
      await stage.market.restartChain(async () => {
        const served = await post(router, known)
        const unknown = await post(router, stranger.job())

        expect(served.status).to.equal(200)
        expect([unknown.status, codeOf(unknown)]).to.deep.equal([503, 'chain.unreachable'])
      })
      await settled(router, known)
      await chainAgrees(router)
    })

    it('a router that starts before its chain waits for it', async () => {
      let starting: Promise<TestRouter> | undefined
      await stage.market.restartChain(async () => {
        await new Promise<void>((resolve) => {
          const onLog = ({ event }: LogFields) => void (event === 'chain.waiting' && resolve())
          starting = start({ settle, onLog })
        })
      })

      const router = (await starting) ?? expect.fail('nothing was started')
      expect((await http(`${router.url}/readyz`)).status).to.equal(200)
    })

    it('a ledger that does not know what its key has posted is refused, not continued', async () => {
      const refusal = await stage.router().then(
        () => undefined,
        (cause: { code: string; fix: string }) => cause,
      )

      expect(refusal).to.include({ code: 'ledger.behind' })
      expect(refusal?.fix).to.be.a('string').that.is.not.empty
    })

    it('an expired voucher is paid by the float, with an alarm; without float the batch waits for it', async () => {
      const router = await start()
      const job = await oneMore(router)
      await router.stop()
      await stage.rpc('evm_increaseTime', 73 * 3600)
      await stage.rpc('evm_mine')
      const float = await stage.float()
      await stage.withdrawFloat(float)

      const second = await start({ settle })
      await until('it is refused', () =>
        second.log.some((line) => line.event === 'settle.failed' && line.code === 'settle.refused'),
      )
      expect(await statusOf(second, job)).to.equal('receipted')
      const [exhausted] = second.log.filter((line) => line.event === 'float.exhausted')
      expect(exhausted).to.include({ level: 'error', missing: String(PRICE), payable: 0 })
      const [uncovered] = second.log.filter((line) => line.event === 'line.uncovered')
      expect(uncovered, 'no line: nothing was paid for it').to.equal(undefined)

      await stage.addFloat(float)
      await settled(second, job)
      const alarm = second.log.find((line) => line.event === 'float.used')

      expect(alarm).to.include({ level: 'error', floatUsed: String(PRICE) })
      expect(second.log.find((line) => line.event === 'line.uncovered')).to.include({
        payer: payer.address,
        reason: 'expired',
        charge: String(PRICE),
      })
      expect(await stage.float()).to.equal(float - PRICE)
    })
  })
})
