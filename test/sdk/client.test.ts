import { expect } from 'chai'
import { createWalletClient, http } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { asHeuristError, HeuristError } from '../../sdk/errors.ts'
import { createClient, memoryJournal } from '../../sdk/index.ts'
import { runningHash, toHex } from '../../sdk/protocol/bytes.ts'
import { createHasher } from '../../sdk/protocol/messages.ts'
import { usd } from '../../sdk/units.ts'
import { refusal } from './refusal.ts'
import { LINES } from './router.ts'
import { openStage, type Stage } from './stage.ts'

const lastOf = <T>(list: readonly T[]): T => {
  const last = list.at(-1)
  if (last === undefined) throw new Error('the list is empty')
  return last
}

describe('a client of an honest router', function () {
  this.timeout(600_000)
  let stage: Stage
  before(async () => {
    stage = await openStage()
  })
  beforeEach(() => {
    stage.router.script = {}
  })
  after(() => stage.close())

  it('makes its first paid call in five lines', async () => {
    const { url: routerUrl } = stage.router
    const key = generatePrivateKey()

    const client = createClient({ routerUrl, key, journal: memoryJournal() })
    await client.deposit('1.00', { faucet: true })
    const answer = await client.run('chat', 'What is a pod?')
    await client.close()

    expect(answer.text).to.equal('Hello world')
    expect(answer.finish).to.equal('stop')
    expect(answer.price).to.equal(22n)
    expect(answer.node).to.equal(stage.node.id)
    expect(answer.ack.charged).to.equal(22n)
  })

  it('signs the request that it sends, over the hash of the very input bytes', async () => {
    const client = await stage.client({ frontend: 1 })
    const answer = await client.run('chat', {
      messages: [{ role: 'user', content: 'grüß dich' }],
      max_tokens: 5,
    })

    const job = lastOf(stage.router.posts)
    const hash = runningHash()
    hash.update(new TextEncoder().encode(job.input))
    expect(job.request.input).to.equal(hash.digest())
    expect(job.voucher.request).to.equal(answer.request)
    expect(answer.request).to.equal(createHasher(stage.market.domain).struct('Request', job.request))
    expect(job.request.frontend).to.equal(1)
    // 73 bytes of input bound its tokens, 5 were allowed: 73·1 + 5·4.
    expect(job.request.maxPrice).to.equal(BigInt(new TextEncoder().encode(job.input).length) + 20n)
  })

  it('streams text as it is made and holds the verified answer at the end', async () => {
    stage.router.script = { chunk: 7 }
    const client = await stage.client()
    const stream = client.stream('chat', 'hi')
    const request = await stream.request

    const pieces = []
    for await (const piece of stream) pieces.push(piece)

    expect(pieces.map((piece) => piece.text ?? '').join('')).to.equal('Hello world')
    expect(pieces.length).to.be.greaterThan(3)
    expect(pieces.at(-1)?.finish).to.equal('stop')
    const answer = await stream.answer
    expect(answer.request).to.equal(request)
    expect(toHex(answer.bytes)).to.equal(toHex(LINES))
    expect((await client.balance()).charged).to.equal(22n)
  })

  it('says what an answer cost that cannot be read, whole and as it is made', async () => {
    stage.router.script = { output: () => new TextEncoder().encode('no json') }
    const client = await stage.client()

    const whole = await refusal(client.run('chat', 'hi'))
    const streamed = await refusal(
      (async () => {
        for await (const _ of client.stream('chat', 'hi'));
      })(),
    )
    const { charged, held } = await client.balance()

    expect([whole.code, whole.details.price]).to.deep.equal(['output.unreadable', '22'])
    expect([streamed.code, streamed.details.price]).to.deep.equal(['output.unreadable', '22'])
    expect([charged, held]).to.deep.equal([44n, 0n])
  })

  it('takes a whole picture as bytes', async () => {
    stage.router.script = {
      output: () => new Uint8Array([137, 80, 78, 71]),
      units: { unitsIn: 0n, unitsOut: 8n },
    }
    const client = await stage.client()

    const answer = await client.run('image', 'a red circle')

    expect([...answer.bytes]).to.deep.equal([137, 80, 78, 71])
    expect(answer.mediaType).to.equal('image/png')
    expect(answer.price).to.equal(800n)
    expect(answer.text).to.equal(undefined)
  })

  it('quotes the most a call can cost by its own reading of the manifest', async () => {
    stage.router.script = {
      get: {
        '/v1/quote': (body) => ({
          ...(body as object),
          maxPrice: '1',
          freeSlots: 1,
          pending: 0,
          expectedFirstByteMs: 5,
        }),
      },
    }
    const client = await stage.client()

    const quote = await client.quote('image', { prompt: 'a red circle', steps: 4 })

    expect(quote.maxPrice).to.equal(500n)
    expect(quote.freeSlots).to.equal(1)
  })

  it('signs nothing for a call that may cost more than it is allowed to', async () => {
    const client = await stage.client()
    const { request } = await client.run('chat', 'hi')
    const signed = stage.router.posts.map((post) => post.request.maxPrice)
    const most = signed.at(-1) ?? 0n
    const refusal = await client.run('chat', 'hi', { maxPrice: most - 1n }).catch(asHeuristError)
    const { charged, held } = await client.balance()

    expect(refusal).to.include({ code: 'price.too_low', kind: 'refused' })
    expect(stage.router.posts.length).to.equal(signed.length)
    expect([charged, held]).to.deep.equal([22n, 0n])
    expect((await client.run('chat', 'hi', { maxPrice: most })).request).not.to.equal(request)
  })

  it('ceilings are the own sum of receipts and what is in flight, whatever the order of answers', async () => {
    const client = await stage.client()
    const first = stage.router.posts.length
    const answers = await Promise.all(Array.from({ length: 12 }, () => client.run('chat', 'hi')))
    const balance = await client.balance()

    const jobs = stage.router.posts.slice(first)
    const most = jobs[0]?.request.maxPrice ?? 0n
    expect(answers.length).to.equal(12)
    expect(balance.charged).to.equal(12n * 22n)
    expect(balance.held).to.equal(0n)
    expect(balance.available).to.equal(usd('10') - 12n * 22n)
    expect(jobs.every((job) => job.voucher.ceiling <= 12n * most)).to.equal(true)
    await client.run('chat', 'hi')
    expect(stage.router.posts.at(-1)?.voucher.ceiling).to.equal(12n * 22n + most)
  })

  it('pays from a wallet as from a key', async () => {
    const { account } = await stage.market.payer(usd('1'))
    const wallet = createWalletClient({ account, transport: http(stage.market.chain.rpcUrl) })
    const client = createClient({ routerUrl: stage.router.url, wallet, journal: memoryJournal() })

    const answer = await client.run('chat', 'hi')
    const receipt = await client.thaw('0.25')
    const balance = await client.balance()
    await client.cancelThaw()
    await client.close()

    expect(answer.ack.payer).to.equal(account.address.toLowerCase())
    expect(receipt.status).to.equal('success')
    expect(balance.thawing).to.equal(usd('0.25'))
    expect(balance.available).to.equal(0n)
  })

  it('pays from a local account of viem', async () => {
    const { account } = await stage.market.payer(usd('1'))
    const client = createClient({ routerUrl: stage.router.url, wallet: account, journal: memoryJournal() })

    const answer = await client.run('chat', 'hi')
    await client.close()

    expect(answer.price).to.equal(22n)
  })

  it('refuses a wallet that signs as a contract, before anything is at stake', async () => {
    const { account } = await stage.market.payer(usd('1'))
    const contract = { ...account, signTypedData: async () => `0x${'12'.repeat(65)}` as const }
    const client = createClient({ routerUrl: stage.router.url, wallet: contract, journal: memoryJournal() })
    const before = stage.router.posts.length

    const error = await refusal(client.run('chat', 'hi'))

    expect(error.code).to.equal('wallet.not_a_key')
    expect(stage.router.posts.length).to.equal(before)
    expect((await client.balance()).held).to.equal(0n)
    await client.close()
  })

  it('names the owner of its account once, with its own signature', async () => {
    const owner = privateKeyToAccount(generatePrivateKey()).address
    const client = await stage.client()

    const receipt = await client.open(owner)

    expect(receipt.status).to.equal('success')
    const refused = await refusal(client.open(owner))
    expect(refused.code).to.equal('chain.reverted')
    expect(refused.details.error).to.equal('AlreadyOpened')
    const thaw = await refusal(client.thaw('1.00'))
    expect(thaw.details.error).to.equal('NotAccountOwner')
  })

  it('withdraws only what was thawed for its full time', async () => {
    const client = await stage.client()
    await client.thaw('1.00')

    const early = await refusal(client.withdraw())

    expect(early.code).to.equal('chain.reverted')
    expect(early.details.error).to.equal('StillThawing')
  })

  it('says what is missing when the account cannot pay a deposit', async () => {
    const { key } = await stage.market.payer(0n)
    const client = await stage.client({ key })

    const error = await refusal(client.deposit('2.50'))

    expect(error.code).to.equal('deposit.insufficient_funds')
    expect(error.details.missing).to.equal('2500000')
    expect(error.fix).to.match(/faucet/)
  })

  it('passes on what the router refuses, and nothing stays at stake', async () => {
    const body = {
      code: 'credit.insufficient',
      kind: 'refused',
      message: 'no',
      details: { missing: '5' },
    } as const
    stage.router.script = { error: { status: 402, body } }
    const client = await stage.client()

    const error = await refusal(client.run('chat', 'hi'))

    expect(error).to.be.instanceOf(HeuristError)
    expect(error.code).to.equal('credit.insufficient')
    expect(error.details.missing).to.equal('5')
    expect((await client.balance()).held).to.equal(0n)
  })

  it('asks a busy router again, with the same request', async () => {
    const body = { code: 'queue.full', kind: 'later', message: 'busy' } as const
    stage.router.script = { error: { status: 429, body, headers: { 'retry-after': '0' } } }
    const client = await stage.client()
    const before = stage.router.posts.length

    const running = client.run('chat', 'hi')
    while (stage.router.posts.length === before) await new Promise((resolve) => setTimeout(resolve, 10))
    stage.router.script = {}
    const known = stage.router.calls
    for (const [request, call] of known) if (call.status === 'failed') known.delete(request)
    const answer = await running

    const [first, second] = stage.router.posts.slice(before)
    expect(answer.text).to.equal('Hello world')
    expect(second?.request.id).to.equal(first?.request.id)
    expect((await client.balance()).charged).to.equal(22n)
  })

  it('leaves a router that wants a long pause to its caller', async () => {
    const body = { code: 'node.unavailable', kind: 'later', message: 'no node' } as const
    stage.router.script = { error: { status: 503, body, headers: { 'retry-after': '60' } } }
    const client = await stage.client()
    const before = stage.router.posts.length

    const error = await refusal(client.run('chat', 'hi'))

    expect(error.code).to.equal('node.unavailable')
    expect(error.details.retryAfterSeconds).to.equal(60)
    expect(stage.router.posts.length).to.equal(before + 1)
  })

  it('gets its answer although the connection broke after the work: the same request again, paid once', async () => {
    stage.router.script = { cut: 'unanswered' }
    const client = await stage.client()
    const before = stage.router.posts.length

    const running = client.run('chat', 'hi')
    while (stage.router.posts.length === before) await new Promise((resolve) => setTimeout(resolve, 10))
    await new Promise((resolve) => setTimeout(resolve, 50))
    stage.router.script = {}
    const answer = await running

    expect(answer.text).to.equal('Hello world')
    expect((await client.balance()).charged).to.equal(22n)
  })

  it('refuses an input beyond the pod’s limit before it signs anything', async () => {
    const client = await stage.client()
    const before = stage.router.posts.length

    const error = await refusal(client.run('chat', 'x'.repeat(20_000)))

    expect([error.code, error.details.most]).to.deep.equal(['input.too_large', 16_384])
    expect(error.message).to.match(/16384/)
    expect(error.fix).to.match(/shorter/)
    expect(stage.router.posts.length).to.equal(before)
    expect((await client.balance()).held).to.equal(0n)
  })

  it('needs a key that is one', async () => {
    const missing = await refusal(createClient({ routerUrl: stage.router.url }).run('chat', 'hi'))
    const wrong = await refusal(createClient({ routerUrl: stage.router.url, key: '0x12' }).run('chat', 'hi'))

    expect(missing.code).to.equal('key.missing')
    expect(wrong.code).to.equal('key.invalid')
  })

  it('says that no router answers', async () => {
    const client = createClient({
      routerUrl: 'http://127.0.0.1:9',
      key: generatePrivateKey(),
      journal: memoryJournal(),
    })

    expect((await refusal(client.run('chat', 'hi'))).code).to.equal('router.unreachable')
  })
})

describe('a client that leaves', function () {
  this.timeout(600_000)
  let stage: Stage
  before(async () => {
    stage = await openStage()
  })
  after(() => stage.close())

  const long = () => new TextEncoder().encode('{"text":"word "}\n'.repeat(200))
  const slowly = {
    output: long,
    chunk: 17 * 10,
    between: () => new Promise<void>((resolve) => setTimeout(resolve, 15)),
  }

  /** Waits until nothing is at stake any more. */
  async function decided(client: Awaited<ReturnType<Stage['client']>>): Promise<bigint> {
    for (;;) {
      const { held, charged } = await client.balance()
      if (held === 0n) return charged
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  it('by breaking out of the loop pays for the prefix that it was sent', async () => {
    stage.router.script = slowly
    const client = await stage.client()
    const stream = client.stream('chat', 'hi')

    let read = 0
    for await (const piece of stream) {
      read += piece.bytes.length
      if (read > 300) break
    }
    const charged = await decided(client)

    const call = stage.router.calls.get(await stream.request)
    expect(call?.answer?.receipt.end).to.equal(1)
    expect(Number(call?.answer?.receipt.length)).to.be.greaterThanOrEqual(read)
    expect(charged).to.equal(22n)
    expect((await refusal(stream.answer)).code).to.equal('call.left')
    await client.run('chat', 'still here')
  })

  it('by its abort signal is told so, and pays for the prefix', async () => {
    stage.router.script = slowly
    const client = await stage.client()
    const abort = new AbortController()
    const stream = client.stream('chat', 'hi', { signal: abort.signal })

    const error = await refusal(
      (async () => {
        for await (const _ of stream) abort.abort(new Error('enough'))
      })(),
    )

    expect(error.code).to.equal('call.left')
    expect((error.cause as Error).message).to.equal('enough')
    expect(await decided(client)).to.equal(22n)
  })

  it('before it signed owes nothing, and is told as left like any other', async () => {
    const client = await stage.client()
    const asked = stage.router.posts.length

    const error = await refusal(client.run('chat', 'hi', { signal: AbortSignal.abort(new Error('enough')) }))

    expect(error.code).to.equal('call.left')
    expect((error.cause as Error).message).to.equal('enough')
    expect(stage.router.posts.length).to.equal(asked)
    expect((await client.balance()).held).to.equal(0n)
  })

  it('before a whole answer came owes nothing for what the router failed', async () => {
    stage.router.script = {
      error: { status: 503, body: { code: 'job.cancelled', kind: 'later', message: 'left' } },
    }
    const client = await stage.client()
    const abort = new AbortController()

    const asked = stage.router.posts.length
    const running = refusal(client.run('chat', 'hi', { signal: abort.signal }))
    while (stage.router.posts.length === asked) await new Promise((resolve) => setTimeout(resolve, 10))
    abort.abort()

    expect((await running).code).to.equal('call.left')
    expect(await decided(client)).to.equal(0n)
  })

  it('and is charged for more than 64 KiB past what it read, retires its key', async () => {
    const huge = () => new TextEncoder().encode(`{"text":"${'x'.repeat(200_000)}"}\n`)
    stage.router.script = {
      ...slowly,
      output: huge,
      chunk: 1_000,
      receipt: (receipt) => ({ ...receipt, length: 190_000n }),
    }
    const client = await stage.client()

    for await (const _ of client.stream('chat', 'hi')) break
    const charged = await decided(client)

    const error = await refusal(client.run('chat', 'hi'))
    expect(charged).to.equal(0n)
    expect(error.code).to.equal('key.retired')
    expect(error.details.reason).to.equal('receipt.length_over_read')
  })

  it('and is shown another prefix than it read, rejects the receipt', async () => {
    stage.router.script = {
      ...slowly,
      receipt: (receipt) => ({ ...receipt, output: `0x${'11'.repeat(32)}`, length: 100n }),
    }
    const client = await stage.client()

    let read = 0
    for await (const piece of client.stream('chat', 'hi')) {
      read += piece.bytes.length
      if (read > 300) break
    }

    expect(await decided(client)).to.equal(0n)
  })

  it('because its connection broke asks again, and is told when the router took that for leaving', async () => {
    stage.router.script = { ...slowly, cut: 'mid-stream' }
    const client = await stage.client()
    const stream = client.stream('chat', 'hi')

    let text = ''
    const error = await refusal(
      (async () => {
        for await (const piece of stream) text += piece.text ?? ''
      })(),
    )

    expect(error.code).to.equal('stream.interrupted')
    expect(error.kind).to.equal('later')
    expect(text).to.equal('word '.repeat(10))
    expect((await client.balance()).charged).to.equal(22n)
    expect((await client.balance()).held).to.equal(0n)
  })

  it('a stream is read once', async () => {
    stage.router.script = {}
    const client = await stage.client()
    const stream = client.stream('chat', 'hi')
    for await (const _ of stream);

    const error = await refusal(
      (async () => {
        for await (const _ of stream);
      })(),
    )

    expect(error.code).to.equal('stream.consumed')
    expect((await stream.answer).text).to.equal('Hello world')
  })
})
