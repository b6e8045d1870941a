import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { createServer, request as httpRequest, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Hex } from 'viem'
import { createClient, memoryJournal } from '../../sdk/index.ts'
import { fileJournal } from '../../sdk/journal-file.ts'
import type { Job } from '../../sdk/protocol/wire.ts'
import { refusal } from './refusal.ts'
import { LINES } from './router.ts'
import { openStage, type Stage } from './stage.ts'

/** A way to the chain that can be cut, so that it is gone for one client and not for the test. */
async function startRelay(rpcUrl: string): Promise<{ url: string; down: boolean; close(): Promise<void> }> {
  const { hostname, port } = new URL(rpcUrl)
  const server: Server = createServer((request, response) => {
    if (relay.down) return void response.destroy()
    const { method, headers } = request
    const onward = httpRequest({ hostname, port, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    request.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const relay = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    down: false,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return relay
}

describe('a client that was interrupted', function () {
  this.timeout(600_000)
  let stage: Stage
  let folder = 0
  before(async () => {
    stage = await openStage()
  })
  beforeEach(() => {
    stage.router.script = {}
    folder += 1
  })
  after(() => stage.close())

  const start = (key: Hex) =>
    createClient({
      routerUrl: stage.router.url,
      key,
      journal: fileJournal(join(stage.folder, `journal-${folder}`)),
    })

  /** One call whose answer never came: the client is closed while the router stays silent. */
  async function interrupted(seconds = 60): Promise<Hex> {
    const { key } = await stage.market.payer(1_000_000n)
    const client = start(key)
    stage.router.script = { cut: 'unanswered' }
    await refusal(client.run('chat', 'hi', { retries: 0, seconds }))
    expect((await client.balance()).held > 0n).to.equal(true)
    await client.close()
    stage.router.script = {}
    return key
  }

  const lastCall = () => {
    const call = [...stage.router.calls.values()].at(-1)
    if (!call) throw new Error('no call')
    return call
  }

  it('charges itself at the next start what the router can show a receipt for', async () => {
    const client = start(await interrupted())

    const { charged, held } = await client.balance()
    await client.run('chat', 'hi')

    expect([charged, held]).to.deep.equal([22n, 0n])
    expect((await client.balance()).charged).to.equal(44n)
    await client.close()
  })

  it('that died before the receipt of its last answer was on the disk has it from the router, and goes on', async () => {
    const { key } = await stage.market.payer(1_000_000n)
    const client = start(key)
    await client.run('chat', 'hi')
    const [here, there] = [`journal-${folder}`, `journal-${folder}-died`].map((name) =>
      join(stage.folder, name),
    )
    cpSync(here ?? '', there ?? '', { recursive: true, filter: (path) => !path.endsWith('.lock') })
    const [file = ''] = readdirSync(there ?? '')
    const died = readFileSync(join(there ?? '', file), 'utf8')

    const next = createClient({ routerUrl: stage.router.url, key, journal: fileJournal(there) })
    const { charged, held } = await next.balance()
    await next.run('chat', 'hi')

    expect(died).to.include('"signed"').and.not.include('"booked"')
    expect([charged, held, (await next.balance()).charged]).to.deep.equal([22n, 0n, 44n])
    await next.close()
    await client.close()
  })

  it('signs nothing more once it is closed, and leaves the key to the next one', async () => {
    const { key } = await stage.market.payer(1_000_000n)
    const [client, next] = [start(key), start(key)]
    await client.run('chat', 'hi')
    await client.idle()
    await client.close()
    const posts = stage.router.posts.length
    const errors = await Promise.all([
      refusal(client.run('chat', 'hi')),
      refusal(client.stream('chat', 'hi').request),
      refusal(client.again(lastCall().job)),
      refusal(client.balance()),
      refusal(client.deposit('1.00')),
    ])
    await client.close()
    await next.run('chat', 'hi')

    for (const { code, kind } of errors) expect([code, kind]).to.deep.equal(['client.closed', 'refused'])
    expect(errors[0]?.fix).to.match(/^[A-Z].*\.$/)
    expect([stage.router.posts.length, (await next.balance()).charged]).to.deep.equal([posts + 1, 44n])
    await next.close()
  })

  it('closed while it opens, or while a call is about to be signed, signs nothing', async () => {
    const posts = stage.router.posts.length
    const { key } = await stage.market.payer(1_000_000n)
    const opening = start(key)
    const first = refusal(opening.run('chat', 'hi'))
    await opening.close()
    // A journal in memory takes what is appended after it was given back.
    const client = createClient({ routerUrl: stage.router.url, key, journal: memoryJournal() })
    await client.balance()
    const second = refusal(client.run('chat', 'hi'))
    const closing = client.close()

    expect([(await first).code, (await second).code]).to.deep.equal(['client.closed', 'client.closed'])
    await closing
    expect(stage.router.posts.length).to.equal(posts)
  })

  it('gets the answer of a call that it signed before, which is charged once, however often it asks', async () => {
    const client = start(await interrupted())
    const { job } = lastCall()
    const calls = stage.router.calls.size

    const [first, second] = [await client.again(job), await client.again(job)]
    const { charged, held } = await client.balance()

    expect([first.text, second.text]).to.deep.equal(['Hello world', 'Hello world'])
    expect([first.request, first.price]).to.deep.equal([lastCall().request, 22n])
    expect([charged, held, stage.router.calls.size]).to.deep.equal([22n, 0n, calls])
    await client.close()
  })

  it('gets the answer of a call that an earlier key of its owner paid, and is not charged for it', async () => {
    await interrupted()
    const { job } = lastCall()
    const other = start((await stage.market.payer(1_000_000n)).key)

    const { text } = await other.again(job)

    expect([text, (await other.balance()).charged]).to.deep.equal(['Hello world', 0n])
    await other.close()
  })

  it('is told the job when it is signed, and has it done after all if no router ever saw it', async () => {
    const { key } = await stage.market.payer(1_000_000n)
    const client = start(key)
    const jobs: Job[] = []
    const signed = (_: Hex, job: Job) => void jobs.push(job)
    stage.router.script = { cut: 'at once' }
    await refusal(client.run('chat', 'hi', { retries: 0, signed }))
    await client.close()
    stage.router.script = {}
    const [job] = jobs
    if (!job) throw new Error('no job was told')
    const later = start(key)

    const { text, price } = await later.again(job)

    expect([text, price, (await later.balance()).charged]).to.deep.equal(['Hello world', 22n, 22n])
    await later.close()
  })

  it('is not made to do again what came to nothing: that is another call', async () => {
    const client = start(await interrupted())
    const { job } = lastCall()
    lastCall().status = 'failed'
    delete lastCall().answer
    await client.balance()
    const posts = stage.router.posts.length

    expect((await refusal(client.again(job))).code).to.equal('call.over')
    expect(stage.router.posts).to.have.length(posts)
    await client.close()
  })

  it('owes nothing for a call that failed meanwhile', async () => {
    const key = await interrupted()
    lastCall().status = 'failed'

    const { charged, held } = await start(key).balance()

    expect([charged, held]).to.deep.equal([0n, 0n])
  })

  it('keeps a call at stake that the router knows nothing of yet, until its deadline is long over', async () => {
    const early = await interrupted()
    stage.router.calls.delete(lastCall().request)
    const late = await interrupted(-120)
    stage.router.calls.delete(lastCall().request)

    const [still, over] = [await start(early).balance(), await start(late).balance()]

    expect(still.held > 0n).to.equal(true)
    expect([over.charged, over.held]).to.deep.equal([0n, 0n])
  })

  it('keeps a call at stake that is still running, and charges it when it is done', async () => {
    const key = await interrupted()
    lastCall().status = 'dispatched'
    const answer = lastCall().answer
    delete lastCall().answer
    const client = start(key)
    const { held } = await client.balance()

    if (answer) Object.assign(lastCall(), { status: 'receipted', answer })
    let charged = 0n
    while (charged === 0n) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      charged = (await client.balance()).charged
    }

    expect(held > 0n).to.equal(true)
    expect(charged).to.equal(22n)
    await client.close()
  })

  it('rejects a receipt that does not hold, as if it had come at once', async () => {
    const key = await interrupted()
    const { answer } = lastCall()
    if (answer) answer.receipt = { ...answer.receipt, price: 23n }

    const { charged, held } = await start(key).balance()

    expect([charged, held]).to.deep.equal([0n, 0n])
  })

  it('and left a stream, holds the receipt to what it had read', async () => {
    const { key } = await stage.market.payer(1_000_000n)
    const long = () => new TextEncoder().encode('{"text":"word "}\n'.repeat(20_000))
    const client = start(key)
    stage.router.script = {
      output: long,
      chunk: 170,
      between: () => new Promise((resolve) => setTimeout(resolve, 5)),
    }
    const stream = client.stream('chat', 'hi')
    for await (const _ of stream) break
    await client.close()
    const request = await stream.request
    while (!stage.router.calls.has(request)) await new Promise((resolve) => setTimeout(resolve, 20))
    const call = stage.router.calls.get(request)
    if (call?.answer) call.answer.receipt = { ...call.answer.receipt, length: 200_000n }

    const again = start(key)
    const { charged } = await again.balance()

    expect(charged).to.equal(0n)
    const error = await refusal(again.run('chat', 'hi'))
    expect(error.details.reason).to.equal('receipt.length_over_read')
    await again.close()
  })

  it('keeps its answer at stake while the chain cannot be asked whether it holds, and charges it afterwards', async () => {
    const { key } = await stage.market.payer(1_000_000n)
    const relay = await startRelay(stage.market.chain.rpcUrl)
    const { chainId, verifyingContract: ledger } = stage.market.domain
    const journal = fileJournal(join(stage.folder, `journal-${folder}`))
    const client = createClient({
      routerUrl: stage.router.url,
      key,
      journal,
      chain: { rpcUrl: relay.url, chainId, ledger },
    })
    // Everything but the node's signer is known before the chain goes.
    await client.balance()
    stage.router.script = {
      error: { status: 402, body: { code: 'price.too_low', kind: 'refused', message: '' } },
    }
    await refusal(client.run('chat', 'hi'))
    stage.router.script = {}
    relay.down = true

    const error = await refusal(client.run('chat', 'hi'))
    relay.down = false

    expect(error.code).to.equal('chain.unreachable')
    const balance = await client.balance()
    expect(balance.charged + balance.held > 0n).to.equal(true)
    let charged = 0n
    while (charged === 0n) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      charged = (await client.balance()).charged
    }
    expect(charged).to.equal(22n)
    await client.close()
    await relay.close()
  })

  it('two clients never sign with one key at a time', async () => {
    const { key } = await stage.market.payer(1_000_000n)
    const first = start(key)
    await first.run('chat', 'hi')

    const error = await refusal(start(key).run('chat', 'hi'))
    await first.close()
    const answer = await start(key).run('chat', 'hi')

    expect(error.code).to.equal('journal.locked')
    expect(answer.bytes).to.deep.equal(LINES)
  })

  it('opens again after a start that failed', async () => {
    const { key } = await stage.market.payer(1_000_000n)
    const client = start(key)
    stage.router.script = { get: { '/v1/network': () => ({ nothing: true }) } }
    const first = await refusal(client.run('chat', 'hi'))
    stage.router.script = {}

    const answer = await client.run('chat', 'hi')

    expect(first.code).to.equal('network.invalid')
    expect(answer.price).to.equal(22n)
    await client.close()
  })
})
