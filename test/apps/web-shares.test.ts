import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import Fastify, { type FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { encodeFunctionData, type Hex } from 'viem'
import { openAllowance } from '../../apps/web/api/allowance.ts'
import { checkDeposit } from '../../apps/web/api/relay.ts'
import { configSchema, createWeb } from '../../apps/web/server.ts'
import { CHAT_SHARE } from '../../apps/web/shares/snapshot.ts'
import { openShares } from '../../apps/web/shares/store.ts'
import { newChat } from '../../apps/web/src/pondera/acts.ts'
import { checkedSnapshot } from '../../apps/web/src/pondera/shares.ts'
import { computeLedgerAbi } from '../../sdk/chain/abi.ts'
import { saveKey } from '../../sdk/chain/keys.ts'
import { asHeuristError } from '../../sdk/errors.ts'

const snapshot = {
  title: '<img src=x onerror=alert(1)>',
  model: 'chat',
  messages: [
    { role: 'user', text: 'What is a pod?' },
    { role: 'assistant', text: '<script>alert(1)</script>', model: 'chat', request: `0x${'ab'.repeat(32)}` },
  ],
}

describe('what is shared of a chat', () => {
  const chat = (...texts: string[]) => ({
    ...newChat('chat', 0, 'c'),
    messages: texts.map((text, index) => ({
      id: `${index}`,
      role: index % 2 === 0 ? ('user' as const) : ('assistant' as const),
      text,
      at: 0,
    })),
  })
  const refusal = (...texts: string[]) => {
    try {
      checkedSnapshot(chat(...texts))
    } catch (cause) {
      return asHeuristError(cause)
    }
    throw new Error('it was taken')
  }

  it('is what the server takes, to the last character; what it does not is said before it is asked', () => {
    const { schema } = CHAT_SHARE
    const whole = 'x'.repeat(64_000)
    expect(schema.safeParse(checkedSnapshot(chat(whole, whole))).success).to.equal(true)

    for (const [texts, says] of [
      [[`${whole}x`], /^the question that begins with “x{40}…” has more than the 64,000 characters/],
      [['a', `${whole}x`], /^the answer that begins/],
      [[whole, whole, whole, whole, whole], /^this chat is longer than the 256 KiB/],
    ] as const) {
      const { code, message, fix } = refusal(...texts)

      expect(code).to.equal('share.too_large')
      expect(message).to.match(says)
      expect(fix).to.match(/[Bb]egin a new chat/)
    }
  })
})

describe('shared chats', () => {
  let home: string
  let app: FastifyInstance
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'heurist-shares-'))
    app = open()
  })
  afterEach(async () => {
    await app.close()
    rmSync(home, { recursive: true, force: true })
  })
  const open = (more: object = {}) =>
    createWeb(
      configSchema.parse({
        port: 0,
        routerUrl: 'http://127.0.0.1:1',
        rpcUrl: 'http://127.0.0.1:2',
        chainId: 31337,
        ledger: `0x${'1e'.repeat(20)}`,
        doors: { pondera: { frontend: 3 } },
        dataDir: home,
        ...more,
      }),
      pino({ level: 'silent' }),
    )
  const share = (body: unknown = snapshot, remoteAddress = '10.0.0.1') =>
    app.inject({ method: 'POST', url: '/api/shares', payload: body as object, remoteAddress })
  const remove = (id: string, secret: string) =>
    app.inject({ method: 'DELETE', url: `/api/shares/${id}`, payload: { secret } })
  const codeOf = (answer: { json(): { error: { code: string } } }) => answer.json().error.code

  it('a snapshot is read by whoever has its link, after a restart too, and its file holds no secret', async () => {
    const answer = await share()
    const { id, secret } = answer.json()
    await app.close()
    app = open()

    const { createdAt, ...read } = (await app.inject(`/api/shares/${id}`)).json()

    expect(answer.statusCode).to.equal(201)
    expect(read).to.deep.equal(snapshot)
    expect(createdAt).to.be.a('number')
    const [file = ''] = readdirSync(join(home, 'shares'))
    expect(readFileSync(join(home, 'shares', file), 'utf8')).not.to.include(secret)
  })

  it('only its secret deletes it; another share’s does not', async () => {
    const [one, two] = [(await share()).json(), (await share()).json()]

    expect((await remove(one.id, two.secret)).statusCode).to.equal(403)
    expect((await remove(one.id, '')).statusCode).to.equal(400)
    expect((await remove(one.id, one.secret)).statusCode).to.equal(204)
    expect((await app.inject(`/api/shares/${one.id}`)).statusCode).to.equal(404)
    expect((await remove(one.id, one.secret)).statusCode).to.equal(404)
    expect((await app.inject(`/api/shares/${two.id}`)).statusCode).to.equal(200)
  })

  it('a neighbour who guesses keeps nobody from deleting', async () => {
    const { id, secret } = (await share()).json()

    for (let guess = 0; guess < 100; guess += 1)
      expect((await remove(id, `${guess}`)).statusCode).to.equal(403)
    expect((await remove(id, secret)).statusCode).to.equal(204)
  })

  it('no name reaches another file', async () => {
    for (const id of [
      '..',
      '%2e%2e%2fconfig',
      'a'.repeat(22),
      'x',
      `${'a'.repeat(21)}.`,
      '..%2f..%2fetc%2fpasswd',
    ]) {
      expect((await app.inject(`/api/shares/${id}`)).statusCode, id).to.equal(404)
    }
  })

  it('what is no chat, or too large, is refused with a field or a limit', async () => {
    const wrong = [
      {},
      { ...snapshot, messages: [] },
      { ...snapshot, extra: 1 },
      { ...snapshot, messages: [{ role: 'system', text: 'a' }] },
      { ...snapshot, messages: [{ role: 'user', text: 'a', request: 'javascript:alert(1)' }] },
      { ...snapshot, title: 'a'.repeat(201) },
    ]
    for (const body of wrong) expect(codeOf(await share(body))).to.equal('share.invalid')

    const large = {
      ...snapshot,
      messages: Array.from({ length: 5 }, () => ({ role: 'user', text: 'a'.repeat(60_000) })),
    }
    expect(codeOf(await share(large))).to.equal('share.too_large')
    const huge = {
      ...snapshot,
      messages: Array.from({ length: 40 }, () => ({ role: 'user', text: 'a'.repeat(60_000) })),
    }
    expect((await share(huge)).statusCode).to.equal(413)
    const form = await app.inject({
      method: 'POST',
      url: '/api/shares',
      headers: { 'content-type': 'text/plain' },
      payload: '{}',
    })
    expect(form.statusCode).to.equal(415)
    expect(readdirSync(join(home, 'shares'))).to.deep.equal([])
  })

  it('an address shares twenty chats in twelve hours; another one is not held up by it', async () => {
    for (let index = 0; index < 20; index += 1) expect((await share()).statusCode).to.equal(201)
    const refusedAnswer = await share()

    expect(refusedAnswer.statusCode).to.equal(429)
    expect(Number(refusedAnswer.headers['retry-after'])).to.be.within(43_000, 43_200)
    expect((await share(snapshot, '10.0.0.2')).statusCode).to.equal(201)
  })

  it('all addresses together share so many a day, chats and results each', async () => {
    await app.close()
    app = open({ mostSharesADay: 3, doors: { pondera: { frontend: 3 }, search: { frontend: 4 } } })
    const from = (index: number) => `10.0.${index}.1`
    for (let index = 0; index < 3; index += 1) {
      expect((await share(snapshot, from(index))).statusCode).to.equal(201)
    }
    const fourth = await share(snapshot, from(4))
    const result = { query: 'a', answer: 'b', by: 'sources', sources: [], related: [], requests: [] }

    expect([fourth.statusCode, codeOf(fourth)]).to.deep.equal([429, 'rate.limited'])
    expect(Number(fourth.headers['retry-after'])).to.be.within(86_000, 86_400)
    expect(readdirSync(join(home, 'shares')).length).to.equal(3)
    const other = await app.inject({ method: 'POST', url: '/api/results', payload: result })
    expect(other.statusCode).to.equal(201)
  })

  it('a full disk’s worth of shares is refused until one is deleted', async () => {
    const shares = openShares(join(home, 'few'), CHAT_SHARE, { most: 1, now: () => 5 })
    const { id, secret } = await shares.create(snapshot as never)

    expect(await shares.create(snapshot as never).catch((cause) => asHeuristError(cause).code)).to.equal(
      'share.full',
    )

    await shares.delete(id, secret)
    expect(await shares.create(snapshot as never)).to.have.property('id')
  })

  it('without a place to keep them there are none, and without a key nothing is relayed', async () => {
    const { dataDir: _, ...bare } = { dataDir: undefined, doors: { pondera: { frontend: 3 } } }
    const closed = open({ ...bare, dataDir: undefined })

    expect(
      (await closed.inject({ method: 'POST', url: '/api/shares', payload: snapshot })).statusCode,
    ).to.equal(404)
    expect(
      (await closed.inject({ method: 'POST', url: '/api/deposits', payload: { data: '0x00' } })).statusCode,
    ).to.equal(404)
    await closed.close()
  })
})

describe('what one address may do', () => {
  it('frees up as the window moves on, and a household of IPv6 counts as one', () => {
    let now = 0
    const allowance = openAllowance({ most: 2, windowMs: 1_000, now: () => now })
    allowance.take('2001:db8::1')
    now = 600
    allowance.take('2001:db8::2')

    expect(() => allowance.take('2001:db8::3'))
      .to.throw()
      .with.property('code', 'rate.limited')

    now = 1_001
    allowance.take('2001:db8::3')
    expect(() => allowance.take('2001:db8::4'))
      .to.throw()
      .with.property('code', 'rate.limited')
  })
})

const SIGNATURE = 65
const bytes = (count: number): Hex => `0x${'5a'.repeat(count)}`
/** A deposit as a page signs it, with signatures so long. */
const depositOf = (signature: number, opening: number, { router = bytes(20), amount = 5n } = {}): Hex =>
  encodeFunctionData({
    abi: computeLedgerAbi,
    functionName: 'depositWithAuthorization',
    args: [
      router,
      bytes(20),
      bytes(20),
      bytes(32),
      bytes(20),
      amount,
      { validAfter: 0n, validBefore: 9n, signature: bytes(signature) },
      bytes(opening),
    ],
  })

describe('what is relayed', () => {
  const refusalOf = (data: Hex, least = 1n, router = bytes(20)) => {
    try {
      checkDeposit(data, { least, router })
      return undefined
    } catch (cause) {
      return asHeuristError(cause).code
    }
  }

  it('is a signed deposit and nothing else', () => {
    for (const data of ['0x', '0x00', '0x12345678', `0x${'ff'.repeat(400)}`] as const) {
      expect(refusalOf(data)).to.equal('deposit.invalid')
    }
    expect(refusalOf(depositOf(SIGNATURE, SIGNATURE))).to.equal(undefined)
    // A wallet of several keys.
    expect(refusalOf(depositOf(3 * SIGNATURE, SIGNATURE))).to.equal(undefined)
    expect(refusalOf(depositOf(SIGNATURE, 0), 5n)).to.equal(undefined)
    expect(refusalOf(depositOf(SIGNATURE, 0), 6n)).to.equal('deposit.too_small')
  })

  it('carries no byte that the ledger does not read: none behind the call, few in a signature', () => {
    const whole = depositOf(SIGNATURE, SIGNATURE)
    for (const more of [1, 32, 3_000]) {
      expect(refusalOf(`${whole}${'ff'.repeat(more)}`), `${more} behind`).to.equal('deposit.invalid')
    }
    for (const [signature, opening] of [
      [3_000, 0],
      [1_025, 0],
      [SIGNATURE - 1, 0],
      [0, 0],
      [SIGNATURE, 3_000],
      [SIGNATURE, 1],
    ] as const) {
      expect(refusalOf(depositOf(signature, opening)), `${signature} ${opening}`).to.equal('deposit.invalid')
    }
  })

  it('goes to the router of this network, and is worth its gas', async () => {
    const home = mkdtempSync(join(tmpdir(), 'heurist-relay-'))
    const keyFile = join(home, 'relay.key')
    saveKey(keyFile, `0x${'01'.repeat(32)}`)
    const ledger = `0x${'1e'.repeat(20)}` as const
    const router = Fastify()
    router.get('/v1/network', async () => ({
      chainId: 31_337,
      rpcUrl: 'http://127.0.0.1:1',
      addresses: { accessManager: ledger, heu: ledger, asset: ledger, registry: ledger, ledger },
      split: { node: 7_000, pod: 1_000, frontend: 500, voters: 500 },
      podVoters: true,
      router: { address: bytes(20), url: 'http://127.0.0.1:1' },
    }))
    const routerUrl = await router.listen({ port: 0, host: '127.0.0.1' })
    // No chain answers here: what is let through fails there, and counts for nothing.
    const relay = { keyFile, mostADay: 1 }
    const config = { port: 0, routerUrl, rpcUrl: 'http://127.0.0.1:1', chainId: 31_337, ledger, relay }
    const app = createWeb(configSchema.parse(config), pino({ level: 'silent' }))
    const send = (data: Hex, remoteAddress: string) =>
      app.inject({ method: 'POST', url: '/api/deposits', payload: { data }, remoteAddress })
    const code = async (data: Hex, address: string) => (await send(data, address)).json().error.code
    const large = depositOf(SIGNATURE, 0, { amount: 1_000_000n })

    expect(await code(depositOf(SIGNATURE, 0, { router: `0x${'5b'.repeat(20)}` }), '10.0.0.1')).to.equal(
      'deposit.elsewhere',
    )
    expect(await code(depositOf(SIGNATURE, 0), '10.0.0.1')).to.equal('deposit.too_small')
    const codes = []
    for (const index of [1, 2, 3]) codes.push(await code(large, `10.0.${index}.1`))
    expect(codes).to.deep.equal(Array(3).fill('chain.unreachable'))
    await app.close()
    await router.close()
    rmSync(home, { recursive: true, force: true })
  })

  it('has its addresses and its padding as they are encoded', () => {
    const whole = depositOf(SIGNATURE, 0)
    // The twelve bytes before the router's address, and the last of the padding behind the signature.
    const dirtyAddress = whole.replace(/^(0x.{8}).{2}/, '$1ff') as Hex
    const dirtyPadding = whole.replace(/00(0{64})$/, 'ff$1') as Hex

    for (const dirty of [dirtyAddress, dirtyPadding]) {
      expect(dirty).not.to.equal(whole)
      expect(refusalOf(dirty)).to.equal('deposit.invalid')
    }
  })
})
