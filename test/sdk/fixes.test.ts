import { connect, createServer, type Socket } from 'node:net'
import { expect } from 'chai'
import type { Hex } from 'viem'
import { type Answer, createClient, memoryJournal } from '../../sdk/index.ts'
import type { Journal, JournalEntry } from '../../sdk/journal.ts'
import type { Job } from '../../sdk/protocol/wire.ts'
import { account, openStage, type Payer, pause, type Stage, USD, until } from '../keepers/stage.ts'
import { testWorker, type WorkerJob } from '../keepers/worker.ts'
import { OUT_OF_STEP, startIllNode } from './ill-node.ts'
import { refusal } from './refusal.ts'
import { LINES } from './router.ts'
import { openStage as openScripted, type Stage as Scripted } from './stage.ts'

/** What broke between a stock client and an honest router, each held shut. */
describe('a stock client of a real router', function () {
  this.timeout(600_000)

  let stage: Stage
  before(async () => {
    stage = await openStage()
  })
  after(() => stage.close())

  const clientOf = (routerUrl: string, { key }: Payer) =>
    createClient({ routerUrl, key, journal: memoryJournal() })

  /** Between client and router: breaks the first connection that brings a job, once it is due, and no other. */
  async function breakingOnce(url: string, isDue: () => boolean) {
    const { port, hostname } = new URL(url)
    let broken = 0
    const server = createServer((near: Socket) => {
      const far = connect(Number(port), hostname)
      near.pipe(far)
      far.pipe(near)
      near.on('error', () => {})
      far.on('error', () => {})
      near.on('data', (data) => {
        if (broken > 0 || !data.toString('latin1').includes('POST /v1/jobs')) return
        broken += 1
        void until('it is due', isDue).then(() => {
          near.destroy()
          far.destroy()
        })
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port: own } = server.address() as { port: number }
    return { url: `http://127.0.0.1:${own}`, close: () => server.close(), broken: () => broken }
  }

  const WORDS = ['one ', 'two ', 'three ', 'four ']
  /** Told to stop, it ends the word it is at and signs for what it sent: once per request, for good. */
  const slowly =
    (partial = new Set<string>()) =>
    async (job: WorkerJob) => {
      if (partial.has(job.hash)) return job.fail('receipt.partial')
      for (const word of WORDS) {
        job.chunk(`${JSON.stringify({ text: word })}\n`)
        await pause(500)
        if (!job.cancelled) continue
        partial.add(job.hash)
        return void job.finish({ end: 1, unitsOut: 1n })
      }
      job.chunk('{"finish":"stop"}\n')
      job.finish()
    }

  it('whose connection breaks once while it waits gets the whole answer, pays for that alone, and goes on', async () => {
    const router = await stage.router({ limits: { leaseMs: 1 } })
    const workers = [await testWorker(stage, router, { behave: slowly() })]
    workers.push(await testWorker(stage, router, { behave: slowly() }))
    const way = await breakingOnce(router.url, () => workers.some(({ jobs }) => jobs.length > 0))
    const payer = await stage.payer(USD)
    const client = clientOf(way.url, payer)

    const first = await client.run('words', 'hello')
    const second = await client.run('words', 'hello')

    expect(way.broken()).to.equal(1)
    expect(first.text).to.equal(WORDS.join(''))
    expect(first.receipt.end).to.equal(0)
    expect(workers.flatMap(({ jobs }) => jobs).length).to.be.greaterThanOrEqual(3)
    const seen = await account(router, payer.address)
    expect(seen.charged).to.equal(first.price + second.price)
    expect((await client.balance()).charged).to.equal(seen.charged)
    await client.close()
    way.close()
    await router.stop()
  })

  it('whose connection breaks once, with no other node to ask, owes nothing and keeps its key', async () => {
    const router = await stage.router({ limits: { leaseMs: 1 } })
    const worker = await testWorker(stage, router, { behave: slowly() })
    const way = await breakingOnce(router.url, () => worker.jobs.length > 0)
    const payer = await stage.payer(USD)
    const client = clientOf(way.url, payer)

    const error = await refusal(client.run('words', 'hello'))
    const next: Answer = await client.run('words', 'hello')

    expect(error.kind).to.equal('later')
    expect(next.text).to.equal(WORDS.join(''))
    expect(worker.jobs.length).to.be.greaterThan(1)
    expect((await account(router, payer.address)).charged).to.equal(next.price)
    await client.close()
    way.close()
    await router.stop()
  })

  it('that breaks out of a long stream pays for what the router had sent, and keeps its key', async () => {
    const router = await stage.router({ limits: { leaseMs: 1 } })
    const line = `${JSON.stringify({ text: 'x'.repeat(1_000) })}\n`
    const flood = async (job: WorkerJob) => {
      for (let sent = 0; sent < 4_000; sent += 1) {
        while (job.sent + line.length > 65_536 + job.credit && !job.cancelled) await pause(1)
        if (job.cancelled) return void job.finish({ end: 1 })
        job.chunk(line)
        await pause(0)
      }
      job.finish()
    }
    const worker = await testWorker(stage, router, { pods: [stage.pod('flood')], behave: flood })
    const payer = await stage.payer(USD)
    const client = clientOf(router.url, payer)

    let read = 0
    for await (const piece of client.stream('flood', 'hello')) {
      read += piece.bytes.length
      if (read < 5_000) continue
      // It thinks for a while; meanwhile the sockets on the way fill.
      await until('they fill', () => (worker.jobs[0]?.sent ?? 0) - read > 65_536)
      break
    }
    await until('the client has decided', async () => (await client.balance()).held === 0n)
    const left = await account(router, payer.address)
    expect((await client.balance()).charged).to.equal(left.charged)
    worker.behave = slowly()
    const next = await client.run('flood', 'hello')

    expect(left.count).to.equal(1n)
    expect(left.charged > 0n).to.equal(true)
    expect((worker.jobs[0]?.sent ?? 0) - read).to.be.greaterThan(65_536)
    expect(next.text).to.equal(WORDS.join(''))
    await client.close()
    await router.stop()
  })

  it('takes the answer of a node that replaces its signer after it has signed', async () => {
    const router = await stage.router({ limits: { leaseMs: 1, chainPollMs: 60_000 } })
    const identity = await stage.market.node()
    const rotate = async (job: WorkerJob) => {
      job.chunk('{"text":"one"}\n')
      job.chunk('{"finish":"stop"}\n')
      const signed = job.sign(job.honest())
      await pause(1_100)
      await stage.replaceSigner(identity)
      job.sendReceipt(signed)
    }
    await testWorker(stage, router, { identity, behave: rotate })
    const payer = await stage.payer(USD)
    const client = clientOf(router.url, payer)

    const answer = await client.run('words', 'hello')

    expect(answer.text).to.equal('one')
    expect((await client.balance()).charged).to.equal((await account(router, payer.address)).charged)
    await client.close()
    await router.stop()
  })
})

describe('a client and what it cannot know', function () {
  this.timeout(600_000)

  let stage: Scripted
  before(async () => {
    stage = await openScripted()
  })
  beforeEach(() => {
    stage.router.script = {}
  })
  after(() => stage.close())

  const decided = (client: Awaited<ReturnType<Scripted['client']>>) =>
    until('nothing is at stake any more', async () => (await client.balance()).held === 0n)

  it('keeps a call at stake whose answer it cannot read, and pays it when it learns what was signed', async () => {
    stage.router.script = { sent: () => ({ nothing: true }) }
    const client = await stage.client()

    const error = await refusal(client.run('chat', 'hi'))
    const during = await client.balance()
    await decided(client)

    expect(error.code).to.equal('router.unreadable')
    expect([during.charged, during.held > 0n]).to.deep.equal([0n, true])
    expect((await client.balance()).charged).to.equal(22n)
    stage.router.script = {}
    await client.run('chat', 'hi')
  })

  it('does not take an unreadable piece of a stream for its own end: it left, and pays the prefix', async () => {
    stage.router.script = { chunk: 5, sent: () => ({ nothing: true }) }
    const client = await stage.client()

    const error = await refusal(
      (async () => {
        for await (const _ of client.stream('chat', 'hi'));
      })(),
    )
    await decided(client)

    expect(error.code).to.equal('router.unreadable')
    expect((await client.balance()).charged).to.equal(22n)
    stage.router.script = {}
    await client.run('chat', 'hi')
  })

  it('whose connection broke holds the repeated answer to its very bytes', async () => {
    stage.router.script = { cut: 'unanswered' }
    const client = await stage.client()
    const before = stage.router.posts.length

    const running = refusal(client.run('chat', 'hi'))
    await until('the job was posted', () => stage.router.posts.length > before)
    await pause(50)
    stage.router.script = { delivered: (bytes) => bytes.subarray(0, 17) }
    const error = await running

    expect(LINES.length).to.be.greaterThan(17)
    expect(error.code).to.equal('receipt.output_mismatch')
    expect((await client.balance()).charged).to.equal(0n)
  })

  for (const how of ['whole', 'streamed'] as const)
    it(`looks again at a ${how} answer that it cannot check at once, and delivers it`, async () => {
      const { domain, chain, addresses } = stage.market
      const node = await startIllNode(chain.rpcUrl)
      const pin = { rpcUrl: node.url, chainId: domain.chainId, ledger: addresses.ledger }
      const client = await stage.client({ chain: pin })
      const before = stage.router.posts.length
      let errors = 0
      const signed = () => {
        node.says = () => (++errors > 1 ? undefined : OUT_OF_STEP)
      }

      const stream = client.stream('chat', 'hi', { signed })
      if (how === 'streamed') for await (const _ of stream);
      const { price } = await (how === 'streamed' ? stream.answer : client.run('chat', 'hi', { signed }))
      node.close()

      expect([price, errors > 1]).to.deep.equal([22n, true])
      expect(stage.router.posts.length - before).to.equal(1)
    })

  it('asks what became of a call once at a time, however often its answer was fetched in vain', async () => {
    const { domain, chain, addresses } = stage.market
    const node = await startIllNode(chain.rpcUrl)
    const pin = { rpcUrl: node.url, chainId: domain.chainId, ledger: addresses.ledger }
    const client = await stage.client({ chain: pin })
    let sent: Job | undefined
    let asked = 0
    const signed = (request: Hex, job: Job) => {
      sent = job
      const get = {
        [`/v1/receipts/${request}`]: (body: unknown) => {
          asked += 1
          return body
        },
      }
      stage.router.script = { get }
      node.says = () => OUT_OF_STEP
    }
    await refusal(client.run('chat', 'hi', { retries: 0, signed }))
    for (let time = 0; time < 20; time += 1) await refusal(client.again(sent as Job, { retries: 0 }))
    const before = asked
    // Of followers that begin now each asks twice in this time.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const questions = asked - before
    node.says = () => undefined
    await client.idle()
    const { charged } = await client.balance()
    node.close()

    expect(questions).to.be.lessThan(6)
    expect(charged).to.equal(22n)
  })

  it('that leaves a whole answer which it looks at again remembers how much of it came', async () => {
    const { domain, chain, addresses } = stage.market
    const node = await startIllNode(chain.rpcUrl)
    const entries: JournalEntry[] = []
    const journal: Journal = {
      async open(account) {
        const log = await memoryJournal().open(account)
        const append = (...more: JournalEntry[]) => {
          entries.push(...more)
          return log.append(...more)
        }
        return { ...log, append }
      },
    }
    const pin = { rpcUrl: node.url, chainId: domain.chainId, ledger: addresses.ledger }
    const client = await stage.client({ chain: pin, journal })
    const abort = new AbortController()
    const signed = () => {
      node.says = () => {
        setTimeout(() => abort.abort(), 50)
        return OUT_OF_STEP
      }
    }

    const error = await refusal(client.run('chat', 'hi', { signed, signal: abort.signal }))
    node.says = () => undefined
    await client.idle()
    const { charged } = await client.balance()
    node.close()

    const read = entries.flatMap((entry) => (entry.type === 'left' ? [entry.read] : []))
    expect(error.code).to.equal('call.left')
    expect(read).to.deep.equal([BigInt(LINES.length)])
    expect(charged).to.equal(22n)
  })

  for (const how of ['whole', 'streamed'] as const)
    for (const [says, code, instead] of [
      ['an error', 'chain.unreachable', OUT_OF_STEP],
      ['that nothing is there', 'chain.unreachable', { result: '0x' }],
      ['what nobody can read', 'unexpected', { result: '0x01' }],
    ] as const)
      it(`keeps a ${how} answer at stake that it cannot check, as the chain’s node says ${says} just then, and pays it later`, async () => {
        const { domain, chain, addresses } = stage.market
        const node = await startIllNode(chain.rpcUrl)
        const pin = { rpcUrl: node.url, chainId: domain.chainId, ledger: addresses.ledger }
        const client = await stage.client({ chain: pin })
        const signed = () => {
          node.says = () => instead
        }

        const error = await refusal(
          (async () => {
            if (how === 'whole') return void (await client.run('chat', 'hi', { retries: 0, signed }))
            for await (const _ of client.stream('chat', 'hi', { retries: 0, signed }));
          })(),
        )
        node.says = () => undefined
        const during = await client.balance()
        await client.idle()

        expect([error.code, error.details.price]).to.deep.equal([code, '22'])
        expect([during.charged, during.held > 0n]).to.deep.equal([0n, true])
        expect((await client.balance()).charged).to.equal(22n)
        await client.run('chat', 'hi')
        node.close()
      })
})
