import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Address } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { createChain } from '../../keepers/chain.ts'
import { openSqlite } from '../../keepers/router/ledger/sqlite.ts'
import { createRegistry } from '../../keepers/router/registry.ts'
import { realTimers } from '../../keepers/world.ts'
import { computeLedgerAbi } from '../../sdk/chain/abi.ts'
import { later } from '../../sdk/errors.ts'
import { admitted, receipted } from './samples.ts'
import {
  account,
  codeOf,
  http,
  openStage,
  pause,
  post,
  randomHash,
  receiptOf,
  type Stage,
  stream,
  type TestRouter,
  text,
  USD,
  until,
} from './stage.ts'
import { testWorker, type WorkerJob } from './worker.ts'

/** Defects of the router that a review proved, each held shut. */
describe('what a router must not do', function () {
  this.timeout(600_000)

  let stage: Stage
  before(async () => {
    stage = await openStage()
  })
  after(() => stage.close())

  const requestOf = (router: TestRouter, job: Record<string, unknown>) =>
    receiptOf(router, (job.voucher as { request: string }).request)

  it('an admission that contradicts the ledger fails alone, and the ledger goes on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heurist-conflict-'))
    const ledger = openSqlite(join(folder, 'ledger.db'), realTimers)
    const [first, second] = [admitted(1), admitted(2)]
    await ledger.commit([{ op: 'job.admitted', job: first }])

    const twin = { ...second, body: { ...second.body, payer: first.body.payer, id: first.body.id } }
    const outcomes = await Promise.allSettled([
      ledger.commit([receipted(1)]),
      ledger.commit([{ op: 'job.admitted', job: twin }]),
      ledger.commit([{ op: 'job.admitted', job: admitted(3) }]),
    ])
    const alone = await Promise.allSettled([ledger.commit([{ op: 'job.admitted', job: twin }])])
    await ledger.commit([{ op: 'job.admitted', job: admitted(4) }])

    expect(outcomes.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled'])
    expect(alone.map(({ status }) => status)).to.deep.equal(['rejected'])
    const rows = await Promise.all([1, 2, 3, 4].map((number) => ledger.job(admitted(number).request)))
    expect(rows.map((row) => row?.status)).to.deep.equal(['receipted', undefined, 'admitted', 'admitted'])
    await ledger.close()
    rmSync(folder, { recursive: true })
  })

  it('anything else that contradicts the ledger is still fatal to all that follows', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heurist-conflict-'))
    const ledger = openSqlite(join(folder, 'ledger.db'), realTimers)
    await ledger.commit([{ op: 'job.admitted', job: admitted(1) }])
    await ledger.commit([receipted(1)])
    const again = receipted(1)
    if (again.op !== 'job.receipted') throw new Error('no receipt')

    const outcomes = await Promise.allSettled([
      ledger.commit([{ ...again, receipt: { ...again.receipt, leaf: again.receipt.leaf + 1 } }]),
      ledger.commit([{ op: 'job.admitted', job: admitted(2) }]),
    ])

    expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
    await ledger.abandon()
    rmSync(folder, { recursive: true })
  })

  it('a call that comes in while the chain is asked and the router stops is not taken', async () => {
    let asked = false
    let answer = () => {}
    const gate = new Promise<void>((resolve) => {
      answer = resolve
    })
    const payer = await stage.payer(USD)
    const router = await stage.router({
      chain: (chain) => ({
        async account(key) {
          if (key === payer.address) {
            asked = true
            await gate
          }
          return chain.account(key)
        },
      }),
    })
    const worker = await testWorker(stage, router)

    const coming = post(router, payer.job())
    await until('the chain is asked', () => asked)
    const stopping = router.stop()
    await pause(200)
    answer()
    const answered = await coming.then(codeOf, () => 'cut off')
    await stopping

    expect(answered).to.be.oneOf(['router.stopping', 'cut off'])
    expect(worker.jobs).to.deep.equal([])
  })

  it('a client that comes back before its node has stopped is not charged for the piece: another node runs it', async () => {
    const router = await stage.router({ limits: { leaseMs: 1 } })
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const stops = async (job: WorkerJob) => {
      job.chunk('{"text":"one "}\n')
      await until('it is told to stop', () => job.cancelled)
      await gate
      job.finish({ end: 1, unitsOut: 1n })
    }
    const first = await testWorker(stage, router, { behave: stops })
    const payer = await stage.payer(USD)
    const job = payer.job()
    const abort = new AbortController()
    const broken = post(router, job, { signal: abort.signal }).catch(() => undefined)
    const left = await first.nextJob()
    await pause(50)
    abort.abort()
    await broken
    await until('the node is told', () => left.cancelled)

    const back = post(router, job)
    await pause(100)
    const second = await testWorker(stage, router)
    release()
    const { status, body } = await back

    expect(status).to.equal(200)
    expect((body.receipt as { node: number; end: number }).node).to.equal(second.node)
    expect((body.receipt as { node: number; end: number }).end).to.equal(0)
    expect((await account(router, payer.address)).count).to.equal(1n)
    await until('it may forget it', () => first.received.length > 0)
    expect(first.received).to.deep.equal([left.hash])
    await router.stop()
  })

  it('a stream that joins an answer which is being stopped, unseen, gets a whole one of another node', async () => {
    const router = await stage.router({ limits: { leaseMs: 1 } })
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const first = await testWorker(stage, router, {
      async behave(job) {
        job.chunk('{"text":"a piece"}\n')
        await gate
        job.finish({ end: 1, unitsOut: 1n })
      },
    })
    const payer = await stage.payer(USD)
    const job = payer.job()
    const abort = new AbortController()
    const broken = post(router, job, { signal: abort.signal }).catch(() => undefined)
    const left = await first.nextJob()
    await pause(50)
    abort.abort()
    await broken
    await until('the node is told', () => left.cancelled)

    const back = stream(router, job)
    await testWorker(stage, router)
    release()
    await back.done

    expect(text(back.bytes)).to.equal('{"text":"one "}\n{"text":"two"}\n{"finish":"stop"}\n')
    expect(back.of('receipt')).to.have.length(1)
    expect((await account(router, payer.address)).count).to.equal(1n)
    await router.stop()
  })

  it('a client that takes nothing pays for what went out to it, and its node is blamed for nothing', async () => {
    const router = await stage.router({ limits: { leaseMs: 1 } })
    const line = `${JSON.stringify({ text: 'x'.repeat(8_000) })}\n`
    const worker = await testWorker(stage, router, {
      pods: [stage.pod('flood')],
      async behave(job) {
        for (;;) {
          while (job.sent + line.length > 65_536 + job.credit && !job.cancelled) await pause(5)
          if (job.cancelled) return void job.finish({ end: 1 })
          job.chunk(line)
          if (job.sent % 4 === 0) await pause(0)
        }
      },
    })
    const payer = await stage.payer(USD)
    const job = payer.job({ pod: stage.pod('flood') })

    const socket = await stage.stalledClient(router, job)
    const { limits } = stage.pod('flood').manifest
    await until(
      'the call has ended',
      async () => (await requestOf(router, job)).body.status === 'receipted',
      1_000 * (limits.seconds + 20),
    )

    const { body } = await requestOf(router, job)
    const receipt = body.receipt as { end: number; length: string }
    expect(receipt.end).to.equal(1)
    expect(Number(receipt.length)).to.equal(worker.jobs[0]?.sent)
    expect((await account(router, payer.address)).charged > 0n).to.equal(true)
    const { nodes } = (await http(`${router.url}/v1/nodes`)).body as {
      nodes: { id: number; state: string; failures: number }[]
    }
    expect(nodes.find(({ id }) => id === worker.node)).to.include({ state: 'live', failures: 0 })
    socket.destroy()
    await router.stop()
  })

  it('a node that gives up while its client takes nothing is blamed for nothing', async () => {
    const router = await stage.router({ limits: { leaseMs: 1, ejectAfter: 1 } })
    const worker = await testWorker(stage, router, {
      pods: [stage.pod('flood')],
      async behave(job) {
        const line = `${JSON.stringify({ text: 'x'.repeat(8_000) })}\n`
        let waitedMs = 0
        while (waitedMs < 1_000) {
          if (job.sent + line.length <= 65_536 + job.credit) {
            job.chunk(line)
            waitedMs = 0
            await pause(0)
            continue
          }
          await pause(10)
          waitedMs += 10
        }
        job.fail('job.timeout')
      },
    })
    const payer = await stage.payer(USD)
    const job = payer.job({ pod: stage.pod('flood') })

    const socket = await stage.stalledClient(router, job)
    await until('the call has ended', async () => (await requestOf(router, job)).body.status === 'failed')

    const { nodes } = (await http(`${router.url}/v1/nodes`)).body as {
      nodes: { id: number; state: string }[]
    }
    expect(nodes.find(({ id }) => id === worker.node)?.state).to.equal('live')
    socket.destroy()
    await router.stop()
  })
})

interface RpcCall {
  method: string
  params: [{ fromBlock: string; toBlock: string }]
}

/** The router's view of a chain that is reorganised, bounded or gone. */
describe('a router and a chain that changes under it', function () {
  this.timeout(600_000)

  let stage: Stage
  before(async () => {
    stage = await openStage()
  })
  after(() => stage.close())

  const depositedOf = async (payer: Address) => {
    const args = [stage.market.router.address, payer] as const
    const { deployer, addresses } = stage.market
    const books = { address: addresses.ledger, abi: computeLedgerAbi } as const
    return (await deployer.client.readContract({ ...books, functionName: 'accountOf', args })).deposited
  }

  it('a deposit that a reorganisation undoes is credit no more, although the new branch is as high', async () => {
    let followed = 0n
    let readAnew = 0
    const router = await stage.router({
      limits: { leaseMs: 1, chainPollMs: 300 },
      chain: (chain) => ({
        async changesAfter(block) {
          const step = await chain.changesAfter(block)
          followed = step?.upTo ?? followed
          return step
        },
        counts() {
          readAnew += 1
          return chain.counts()
        },
      }),
    })
    await testWorker(stage, router)
    const payer = await stage.payer(0n)
    const snapshot = await stage.rpc('evm_snapshot')
    await stage.deposit(payer, USD)
    expect((await post(router, payer.job())).status).to.equal(200)

    const head = Number(await stage.rpc('eth_blockNumber'))
    await until('the router has seen it', () => followed >= BigInt(head))
    const before = readAnew
    await stage.rpc('evm_revert', snapshot)
    const lower = Number(await stage.rpc('eth_blockNumber'))
    await stage.rpc('anvil_mine', `0x${(head - lower + 4).toString(16)}`)
    await until('it has read all anew', () => readAnew > before)
    const answer = await post(router, payer.job())

    expect(await depositedOf(payer.address)).to.equal(0n)
    expect([answer.status, codeOf(answer)]).to.deep.equal([402, 'credit.insufficient'])
    await router.stop()
  })

  /** The way to the chain through a provider that answers logs of 1,000 blocks and can be gone. */
  async function boundedProvider() {
    const upstream = new URL(stage.market.chain.rpcUrl)
    const state = { down: false, widest: 0 }
    const server = createServer((incoming, response) => {
      if (state.down) return void response.destroy()
      const parts: Buffer[] = []
      incoming.on('data', (part: Buffer) => parts.push(part))
      incoming.on('end', () => {
        const body = Buffer.concat(parts)
        const calls = [JSON.parse(body.toString()) as RpcCall | RpcCall[]].flat()
        for (const { method, params } of calls) {
          if (method !== 'eth_getLogs') continue
          const width = Number(params[0].toBlock) - Number(params[0].fromBlock) + 1
          state.widest = Math.max(state.widest, width)
          if (width > 1_000) return void response.writeHead(400).end('query exceeds max block range 1000')
        }
        const { hostname, port } = upstream
        const headers = { 'content-type': 'application/json', 'content-length': body.length }
        const onward = httpRequest({ hostname, port, method: 'POST', headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 500, answer.headers)
          answer.pipe(response)
        })
        onward.on('error', () => response.destroy())
        onward.end(body)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const { market } = stage
    const chain = createChain({
      rpcUrl: `http://127.0.0.1:${port}`,
      chainId: market.domain.chainId,
      ledger: market.addresses.ledger,
      registry: market.addresses.registry,
      key: market.router.key,
    })
    return { state, chain, close: () => server.close() }
  }

  it('after a silence of 1,500 blocks a thaw is seen, through a provider that answers 1,000 at a time', async () => {
    const provider = await boundedProvider()
    const router = await stage.router({ limits: { leaseMs: 1 }, chain: () => provider.chain })
    await testWorker(stage, router)
    const payer = await stage.payer(USD)
    expect((await post(router, payer.job())).status).to.equal(200)

    provider.state.down = true
    await pause(400)
    await stage.rpc('anvil_mine', '0x5dc')
    await stage.thaw(payer, USD / 4n)
    provider.state.down = false
    await until('the chain is back', () => router.log.some(({ event }) => event === 'chain.back'))
    const answer = await post(router, payer.job())

    expect([answer.status, codeOf(answer)]).to.deep.equal([402, 'credit.thawing'])
    await router.stop()
    provider.close()
  })

  it('changes are read in steps of at most 1,000 blocks, a refund among them, up to the newest block', async () => {
    const provider = await boundedProvider()
    const payer = await stage.payer(USD)
    const from = await provider.chain.head()
    await stage.rpc('anvil_mine', '0x9c4')
    const { deployer, router, addresses } = stage.market
    await deployer.send(
      {
        address: addresses.ledger,
        abi: computeLedgerAbi,
        functionName: 'refund',
        args: [payer.address, 5n, randomHash()],
      },
      privateKeyToAccount(router.key),
    )
    const head = await provider.chain.head()

    const kinds: string[] = []
    let block = from
    let steps = 0
    while (block < head) {
      const step = await provider.chain.changesAfter(block)
      if (!step) throw new Error('nothing newer')
      expect(step.hash).to.equal(await provider.chain.hashOf(step.upTo))
      kinds.push(...step.changes.map((change) => (change.kind === 'account' ? change.payer : change.kind)))
      block = step.upTo
      steps += 1
    }

    expect(steps).to.be.greaterThanOrEqual(3)
    expect(provider.state.widest).to.equal(1_000)
    expect(kinds).to.include(payer.address.toLowerCase())
    provider.close()
  })

  it('an account that was read ten minutes ago is not served on while the chain is gone', async () => {
    const router = await stage.router()
    const payer = await stage.payer(USD)
    const gone = () => Promise.reject(later('chain.unreachable', 'the chain is gone'))
    let isGone = false
    let aheadMs = 0
    const { chain } = router.world
    const registry = createRegistry(
      {
        ...router.world,
        clock: { nowMs: () => Date.now() + aheadMs },
        chain: {
          ...chain,
          head: () => (isGone ? gone() : chain.head()),
          hashOf: (block) => (isGone ? gone() : chain.hashOf(block)),
          changesAfter: (block) => (isGone ? gone() : chain.changesAfter(block)),
          account: (key) => (isGone ? gone() : chain.account(key)),
        },
      },
      50,
    )
    await registry.start()
    const known = await registry.account(payer.address, false)
    isGone = true
    await pause(200)
    aheadMs = 9 * 60_000
    const stillKnown = await registry.account(payer.address, false)
    aheadMs = 11 * 60_000
    const refused = await registry
      .account(payer.address, false)
      .catch((cause: { code: string }) => cause.code)
    isGone = false
    const again = await registry.account(payer.address, false)
    registry.stop()

    expect(known.deposited).to.equal(USD)
    expect(stillKnown).to.deep.equal(known)
    expect(refused).to.equal('chain.unreachable')
    expect(again).to.deep.equal(known)
    await router.stop()
  })
})
