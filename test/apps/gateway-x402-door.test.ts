import { EventEmitter } from 'node:events'
import { decodePaymentResponseHeader } from '@x402/fetch'
import { expect } from 'chai'
import type { FastifyReply } from 'fastify'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { openSponsor } from '../../apps/gateway/sponsor/sponsor.ts'
import { sponsorSchema } from '../../apps/gateway/sponsor/terms.ts'
import { HOUSE, NOTHING } from '../../apps/gateway/till/till.ts'
import { openPaidCall, openQuote } from '../../apps/gateway/x402/call.ts'
import type { X402 } from '../../apps/gateway/x402/open.ts'
import { parsePayment } from '../../apps/gateway/x402/payment.ts'
import { requirementsOf } from '../../apps/gateway/x402/terms.ts'
import { createDraw } from '../../bench/economy/draw.ts'
import { type HeuristError, later } from '../../sdk/errors.ts'
import { formatUsd } from '../../sdk/units.ts'
import { type Market, openMarket } from '../market.ts'
import { type MeteredDoor, mostOf, question } from './metered-door.ts'
import {
  balanceOf,
  cancel,
  clientOf,
  closed,
  moveAway,
  type Opened,
  opened,
  openMeteredPaidDoor,
  openWallet,
  PAY_TO,
  payingFetch,
  post,
  signedFor,
  signTransfer,
  type Wallet,
} from './x402.ts'

const SEED = Number(process.env.SEED ?? 402)
const CODES = (count: number, code: string) => Array.from({ length: count }, () => code)

describe('a door that takes payments by wallet', function () {
  this.timeout(240_000)
  let market: Market
  let door: MeteredDoor
  let x402: X402
  let wallet: Wallet
  const payTo = privateKeyToAccount(generatePrivateKey()).address
  const most = mostOf()

  const openDoor = (config: object = {}) => openMeteredPaidDoor(market, { payTo, ...config })

  before(async () => {
    market = await openMarket()
    ;({ door, x402 } = await openDoor({ mostInFlight: 5 }))
  })
  after(async () => {
    x402?.settler.stop()
    await door?.close()
    await market?.close()
  })
  beforeEach(async () => {
    wallet = await openWallet(market, 1_000_000n)
    door.price(most - 1n)
    door.fail()
  })

  const url = () => `${door.url}/v1/chat/completions`
  const sign = (body: object = question, by: Wallet = wallet) => signedFor(clientOf(market, by), url(), body)
  const pay = (payment: string, body: object = question, headers: Record<string, string> = {}) =>
    post(url(), body, { 'payment-signature': payment, ...headers })
  const codeOf = async (answer: Response): Promise<string> => {
    const body = (await answer.json()) as { error?: { code: string } }
    return body.error?.code ?? String(answer.status)
  }
  /** Until the books know nothing of a payment: its call has failed for good. */
  async function forgotten(payment: string): Promise<void> {
    const { id } = parsePayment(payment)
    while (x402.books.find(id) !== undefined) await new Promise((resolve) => setTimeout(resolve, 10))
  }
  /** What a piece of work cost the wallet and brought the door, on chain. */
  async function moved(work: () => Promise<unknown>): Promise<{ paid: bigint; got: bigint }> {
    const [had, has] = await Promise.all([balanceOf(market, wallet.address), balanceOf(market, payTo)])
    await work()
    return {
      paid: had - (await balanceOf(market, wallet.address)),
      got: (await balanceOf(market, payTo)) - has,
    }
  }

  it('says without a key what a call costs, for the body that came, and in OpenAI’s shape', async () => {
    const answer = await post(url(), question)
    const header = answer.headers.get('payment-required') ?? ''
    const required = JSON.parse(Buffer.from(header, 'base64').toString()) as Record<string, unknown>
    const longer = await post(url(), { ...question, max_tokens: 200 })

    expect(answer.status).to.equal(402)
    expect(await codeOf(answer)).to.equal('payment_required')
    expect(required).to.deep.include({
      x402Version: 2,
      accepts: [
        {
          scheme: 'exact',
          network: 'eip155:31337',
          asset: market.addresses.asset.toLowerCase(),
          amount: most.toString(),
          payTo: payTo.toLowerCase(),
          maxTimeoutSeconds: 300,
          extra: { name: 'Test Dollar', version: '1' },
        },
      ],
    })
    const { accepts } = JSON.parse(
      Buffer.from(longer.headers.get('payment-required') ?? '', 'base64').toString(),
    ) as { accepts: { amount: string }[] }
    // Four dollars a million tokens: 104 more of them, and the 17 bytes of `"max_tokens":200` at one dollar a million.
    expect(BigInt(accepts[0]?.amount ?? 0) - most).to.equal(104n * 4n + 17n)
    expect(door.sent).to.have.length(0)
  })

  it('refuses what is wrong with a call before it says a price, and takes keys as ever', async () => {
    const { key } = door.account('0x00000000000000000000000000000000000000aa', 1_000_000n)
    const answers = await Promise.all([
      post(url(), { ...question, temperature: 9 }),
      post(url(), { ...question, model: 'none' }),
      post(url(), { ...question, n: 2 }),
      post(url(), question, { authorization: 'Bearer wrong' }),
      post(url(), question, { authorization: `Bearer ${key}` }),
      post(url(), question, { authorization: 'Bearer x402' }),
    ])

    expect(await Promise.all(answers.map(codeOf))).to.deep.equal([
      'invalid_value',
      'model_not_found',
      'unsupported_parameter',
      'invalid_api_key',
      '200',
      'payment_required',
    ])
  })

  it('asks for money when the free tier is used up, and not before; a payment is taken as one all the same', async () => {
    const caps = { pods: ['chat'], perDay: formatUsd(most), perAddress: formatUsd(most), perKey: '0' }
    const { door: generous, x402: payments } = await openMeteredPaidDoor(market, { payTo }, (accounts) => ({
      sponsor: openSponsor(accounts, sponsorSchema.parse(caps)),
    }))
    const at = `${generous.url}/v1/chat/completions`
    generous.price(most)
    const [free, dear] = [await post(at, question), await post(at, question)]
    const payment = await signedFor(clientOf(market, wallet), at, question)
    const paid = await post(at, question, { 'payment-signature': payment })

    expect([free, dear, paid].map(({ status }) => status)).to.deep.equal([200, 402, 200])
    expect(free.headers.get('payment-response')).to.equal(null)
    expect(dear.headers.get('payment-required')).not.to.equal(null)
    expect(await balanceOf(market, wallet.address)).to.equal(1_000_000n - most)
    payments.settler.stop()
    await generous.close()
  })

  it('is paid exactly its price, once, for an answer; the receipt names the transaction', async () => {
    const asked = door.sent.length
    let answer = new Response()
    const { paid, got } = await moved(async () => {
      answer = await payingFetch(market, wallet)(url(), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(question),
      })
    })
    const response = decodePaymentResponseHeader(answer.headers.get('payment-response') ?? '')
    const { from, to } = await market.deployer.client.getTransactionReceipt({
      hash: response.transaction as `0x${string}`,
    })

    expect(answer.status).to.equal(200)
    expect({ paid, got }).to.deep.equal({ paid: most, got: most })
    expect(response).to.include({ success: true, payer: wallet.address.toLowerCase(), amount: `${most}` })
    expect(from).to.equal(x402.cashier.signer.toLowerCase())
    expect(to).to.equal(market.addresses.asset.toLowerCase())
    expect(door.sent.slice(asked)).to.deep.equal([most])
  })

  it('tells the payment of a stream in its last comment, before [DONE]', async () => {
    const body = { ...question, stream: true }
    const payment = await sign(body)
    let text = ''
    const { paid, got } = await moved(async () => {
      text = await (await pay(payment, body)).text()
    })
    const [, line = ''] = /^: payment-response: (\S+)\n\ndata: \[DONE\]\n\n$/m.exec(text) ?? []

    expect(decodePaymentResponseHeader(line)).to.include({
      success: true,
      amount: `${opened(payment).accepted.amount}`,
    })
    expect(paid).to.equal(BigInt(opened(payment).accepted.amount))
    expect(got).to.equal(paid)
  })

  it('takes nothing for a call that failed, streamed or not; the payment can be used for the next one', async () => {
    const bodies = [question, { ...question, stream: true }]
    for (const body of bodies) {
      const payment = await sign(body)
      door.fail(later('node.failed', 'the node failed'))
      const { paid } = await moved(async () => {
        const failed = await pay(payment, body)
        await failed.text()
        await forgotten(payment)
      })
      door.fail()
      const after = await moved(async () => {
        const answer = await pay(payment, body)
        expect(answer.status).to.equal(200)
        await answer.text()
      })

      expect([paid, after.paid]).to.deep.equal([0n, BigInt(opened(payment).accepted.amount)])
    }
  })

  it('carries one of twenty equal payments at once out, and refuses it afterwards with any body', async () => {
    const payment = await sign()
    const asked = door.sent.length
    const codes: string[] = []
    const { paid, got } = await moved(async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => pay(payment)))
      codes.push(...(await Promise.all(answers.map(codeOf))))
    })
    const again = await Promise.all([
      pay(payment),
      pay(payment, { ...question, temperature: 1 }),
      pay(payment, { ...question, max_tokens: 7 }),
    ])

    expect(codes.sort()).to.deep.equal(['200', ...CODES(19, 'payment_replayed')])
    expect({ paid, got }).to.deep.equal({ paid: most, got: most })
    expect(door.sent.length - asked).to.equal(1)
    expect(await codeOf(again[0] ?? new Response())).to.equal('payment_replayed')
    expect(again.map(({ status }) => status >= 400)).to.deep.equal([true, true, true])
    expect(await balanceOf(market, wallet.address)).to.equal(1_000_000n - most)
  })

  it('tells a paid answer again to who sends an Idempotency-Key or a payment-identifier along', async () => {
    const payment = await sign()
    const named = opened(await sign())
    named.extensions = { 'payment-identifier': { info: { required: false, id: 'pay_0123456789abcdef' } } }
    const asked = door.sent.length
    const { paid } = await moved(async () => {
      for (const [header, headers] of [
        [payment, { 'idempotency-key': 'k1' }],
        [closed(named), {}],
      ] as const) {
        const [first, second] = [await pay(header, question, headers), await pay(header, question, headers)]
        expect(await second.text()).to.equal(await first.text())
        expect(second.headers.get('x-heurist-repeated')).to.equal('true')
        expect(second.headers.get('payment-response')).to.equal(first.headers.get('payment-response'))
        const other = await pay(header, { ...question, temperature: 1 }, headers)
        expect(await codeOf(other)).to.equal('request.id_reused')
      }
    })

    expect(paid).to.equal(2n * most)
    expect(door.sent.length - asked).to.equal(2)
  })

  it('lends one wallet no more than it has, and no more payments than its limit at once', async () => {
    const poor = await openWallet(market, 2n * most)
    const rich = wallet
    const [ofPoor, ofRich] = [
      await Promise.all(CODES(4, '').map(() => sign(question, poor))),
      await Promise.all(CODES(8, '').map(() => sign(question, rich))),
    ]
    const [release, asked] = [door.hold(), door.sent.length]
    let refused = 0
    const answers = [...ofPoor, ...ofRich].map(async (payment) => {
      const code = await codeOf(await pay(payment))
      if (code !== '200') refused += 1
      return code
    })
    // Whom the door lets in waits for the network; the others are refused meanwhile.
    await door.sentAtLeast(asked + 7)
    while (refused < 5) await new Promise((resolve) => setTimeout(resolve, 5))
    release()
    const codes = await Promise.all(answers)

    expect(codes.slice(0, 4).sort()).to.deep.equal(['200', '200', ...CODES(2, 'payment_invalid')])
    expect(codes.slice(4).sort()).to.deep.equal([...CODES(5, '200'), ...CODES(3, 'rate_limit_exceeded')])
    expect(await balanceOf(market, poor.address)).to.equal(0n)
  })

  it('withholds an answer that its wallet can no longer pay when it is ready', async () => {
    const payment = await sign()
    const release = door.hold()
    const asked = door.sent.length
    const answer = pay(payment)
    await door.sentAtLeast(asked + 1)
    await moveAway(market, wallet, 1_000_000n - most + 1n)
    release()
    const { status, headers } = await answer

    expect(status).to.equal(402)
    expect(await codeOf(await answer)).to.equal('payment_failed')
    expect(headers.get('x-heurist-receipt')).to.equal(null)
    expect(decodePaymentResponseHeader(headers.get('payment-response') ?? '')).to.include({ success: false })
    expect(headers.get('payment-required')).not.to.equal(null)
  })

  it('serves a wallet no more that took its payment back while it was served, and loses no more a day than its limit', async () => {
    const config = { mostAtRisk: formatUsd(2n * most - 1n) }
    const { door: careful, x402: payments } = await openDoor(config)
    const body = { ...question, stream: true }
    const at = `${careful.url}/v1/chat/completions`
    const other = await openWallet(market, most)
    const signed = (by: Wallet) => signedFor(clientOf(market, by), at, body)
    const [first, second, third] = [await signed(wallet), await signed(wallet), await signed(other)]
    const release = careful.hold()
    const answer = post(at, body, { 'payment-signature': first })
    await careful.sentAtLeast(1)
    const meanwhile = await post(at, body, { 'payment-signature': third })
    await cancel(market, wallet, opened(first))
    release()
    const text = await (await answer).text()
    const [, line = ''] = /^: payment-response: (\S+)$/m.exec(text) ?? []
    const refused = await post(at, body, { 'payment-signature': second })
    const after = await post(at, body, { 'payment-signature': third })

    expect(decodePaymentResponseHeader(line)).to.include({ success: false, errorReason: 'settlement_failed' })
    expect(await Promise.all([meanwhile, refused, after].map(codeOf))).to.deep.equal([
      'payment.paused',
      'payment_owed',
      'payment.paused',
    ])
    expect([meanwhile.status, after.status]).to.deep.equal([503, 503])
    expect(await balanceOf(market, other.address)).to.equal(most)
    expect(careful.sent).to.have.length(1)
    payments.settler.stop()
    await careful.close()
  })

  it('carries one authorisation out at one of two doors that are paid at the same address', async () => {
    const { door: other, x402: payments } = await openDoor()
    const payment = await sign()
    const { paid, got } = await moved(async () => {
      const answers = await Promise.all([
        pay(payment),
        post(`${other.url}/v1/chat/completions`, question, { 'payment-signature': payment }),
      ])
      const statuses = answers.map(({ status }) => status)
      expect(statuses.sort()).to.deep.equal([200, 402])
    })

    expect({ paid, got }).to.deep.equal({ paid: most, got: most })
    payments.settler.stop()
    await other.close()
  })

  it(`refuses 600 payments with one field changed, and none of them costs anything (seed ${SEED})`, async () => {
    const draw = createDraw(SEED)
    const good = opened(await sign())
    const asked = door.sent.length
    const statuses = new Map<number, number>()
    const { paid } = await moved(async () => {
      for (let round = 0; round < 60; round += 1) {
        const answers = await Promise.all(
          Array.from({ length: 10 }, () => pay(closed(changed(good, draw)), question)),
        )
        for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    })

    expect([...statuses.keys()].filter((status) => ![400, 402, 429].includes(status))).to.deep.equal([])
    expect(statuses.get(402) ?? 0).to.be.greaterThan(50)
    expect(statuses.get(400) ?? 0).to.be.greaterThan(50)
    expect(paid).to.equal(0n)
    expect(door.sent).to.have.length(asked)
    expect((await pay(closed(good))).status).to.equal(200)
  })

  it('has payments for slow pods stay good until a stream is settled, and a minute to come', () => {
    // 400 + 30 seconds until it is begun at the latest, 400 of work, 60 to be settled, 60 to come.
    expect(requirementsOf(x402.terms, 1n, 400).maxTimeoutSeconds).to.equal(950)
    expect(requirementsOf(x402.terms, 1n, 60).maxTimeoutSeconds).to.equal(300)
  })

  it('lets nobody use a wallet’s share of the minute up with its old signatures, or with those it gave others', async () => {
    const used = await sign()
    const before = Number((await pay(used)).headers.get('x-ratelimit-remaining-requests'))
    const other = opened(await sign())
    other.payload = await signTransfer(market, wallet, {
      ...other.payload.authorization,
      to: PAY_TO,
    })
    const mine = await sign()
    for (const payment of [used, closed(other)]) {
      await Promise.all(Array.from({ length: 40 }, async () => (await pay(payment)).arrayBuffer()))
    }
    const after = await pay(mine)

    expect(after.status).to.equal(200)
    expect(Number(after.headers.get('x-ratelimit-remaining-requests'))).to.be.at.least(before - 1)
  })

  it('gives no more than one answer for the payment of one, though the list of pods grows old between two', async () => {
    const payment = await sign()
    const asked = door.sent.length
    const many = await pay(payment, { ...question, n: 8 })
    expect(await codeOf(many)).to.equal('unsupported_parameter')
    expect(door.sent).to.have.length(asked)

    // One job asks, and is admitted; the other one comes later.
    const quote = openQuote()
    const reply = { raw: new EventEmitter() } as unknown as FastifyReply
    const { till, failed } = openPaidCall(
      parsePayment(payment),
      quote,
      { streams: false, asked: '', reply },
      x402,
    )
    const order = { wallet: HOUSE, key: 'x402', pod: 'chat', most }
    const first = await till.open(order)
    const second = await till.open(order).catch((cause: HeuristError) => cause.code)
    first.close(NOTHING)
    failed()

    expect(second).to.equal('payment.one_answer')
  })

  it('waits for the money of an answer that it gave out after 20 seconds, and serves its wallet no more if it never comes', async () => {
    const { door: slow, x402: payments } = await openDoor()
    const at = `${slow.url}/v1/chat/completions`
    slow.price(most)
    const first = await signedFor(clientOf(market, wallet), at, question)
    const { collect } = payments.cashier
    payments.cashier.collect = async () => ({ is: 'unknown', why: 'no node of the chain answers' })
    const answer = await post(at, question, { 'payment-signature': first })
    await moveAway(market, wallet, 1_000_000n)
    const seen = new Promise<void>((resolve) => {
      payments.cashier.collect = async (...asked) => {
        const collected = await collect(...asked)
        if (collected.is === 'unfunded') setImmediate(resolve)
        return collected
      }
    })
    await seen
    const waits = payments.books.find(parsePayment(first).id)?.state
    await cancel(market, wallet, opened(first))
    while (payments.books.find(parsePayment(first).id)?.state === 'due') {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }

    expect(answer.status).to.equal(200)
    expect(decodePaymentResponseHeader(answer.headers.get('payment-response') ?? '')).to.include({
      errorReason: 'settlement_pending',
    })
    expect(waits).to.equal('due')
    expect(payments.books.owes(parsePayment(first).payer)).to.equal(true)
    payments.settler.stop()
    await slow.close()
  })

  it('tells why: too soon, too late, wallets that are contracts, headers of version 1 and of no version', async () => {
    const good = opened(await sign())
    const { authorization } = good.payload
    const now = Math.floor(Date.now() / 1000)
    const signed = async (changes: Record<string, string>) =>
      closed({ ...good, payload: await signTransfer(market, wallet, { ...authorization, ...changes }) })
    const told = async (payment: string, name = 'payment-signature', body: object = question) => {
      const answer = await post(url(), body, { [name]: payment })
      const { error } = (await answer.json()) as { error: { code: string; message: string } }
      return `${answer.status} ${error.code}: ${error.message}`
    }

    expect(await told(await signed({ validAfter: String(now + 600) }))).to.match(
      /^402 payment_invalid:.*not valid yet/,
    )
    expect(await told(await signed({ validBefore: String(now + 30) }))).to.match(
      /^402 payment_invalid:.*less than 60 s/,
    )
    // A stream is delivered first: until it is begun at the latest, 60 + 30 seconds; its pod's 60; 60 to be settled.
    const stream = { ...question, stream: true }
    const short = opened(await sign(stream))
    short.payload = await signTransfer(market, wallet, {
      ...short.payload.authorization,
      validBefore: String(now + 200),
    })
    expect(await told(closed(short), 'payment-signature', stream)).to.match(
      /^402 payment_invalid:.*less than 210 s/,
    )
    expect(await told(await signed({ value: '1' }))).to.match(/^402 payment_invalid:.*amount is 1, not/)
    expect(await told(await signed({ to: wallet.address }))).to.match(/^402 payment_invalid:.*recipient/)
    expect(
      await told(closed({ ...good, payload: { ...good.payload, signature: `0x${'12'.repeat(97)}` } })),
    ).to.match(/^402 payment_wallet_unsupported/)
    expect(await told('e30=', 'x-payment')).to.match(/^400 payment_malformed:.*version 2/)
    expect(await told('not base64')).to.match(/^400 payment_malformed/)
    expect(await told('e30=')).to.match(/^400 payment_malformed: .*x402Version/)
  })
})

type Draw = ReturnType<typeof createDraw>

/** The same payment with one of its values changed. */
function changed(payment: Opened, draw: Draw): unknown {
  const copy = structuredClone(payment) as unknown as Record<string, unknown>
  const places: [Record<string, unknown>, string][] = []
  const walk = (object: Record<string, unknown>) => {
    for (const [name, value] of Object.entries(object)) {
      if (['resource', 'extra', 'extensions', 'maxTimeoutSeconds'].includes(name)) continue
      if (object === copy.accepted && ['payTo', 'amount'].includes(name)) continue
      places.push([object, name])
      if (typeof value === 'object' && value !== null) walk(value as Record<string, unknown>)
    }
  }
  walk(copy)
  const [object, name] = places[draw.below(places.length)] ?? [copy, 'payload']
  const value = object[name]
  const others: unknown[] = [
    null,
    '',
    0,
    -1,
    [],
    {},
    'x'.repeat(300),
    '0x',
    '1e9',
    '0x'.padEnd(42, '0'),
    true,
  ]
  const flipped =
    typeof value === 'string' && value.startsWith('0x')
      ? value.replace(/.$/, (last) => (last === '1' ? '2' : '1'))
      : '424242'
  object[name] = draw.below(2) === 0 ? flipped : others[draw.below(others.length)]
  return copy
}
