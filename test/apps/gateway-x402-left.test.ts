import { expect } from 'chai'
import Fastify from 'fastify'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { leaving } from '../../apps/gateway/receipts.ts'
import type { X402 } from '../../apps/gateway/x402/open.ts'
import { parsePayment } from '../../apps/gateway/x402/payment.ts'
import { type Market, openMarket } from '../market.ts'
import { type MeteredDoor, mostOf, question } from './metered-door.ts'
import { rawPost } from './raw.ts'
import { balanceOf, clientOf, openMeteredPaidDoor, openWallet, post, signedFor, type Wallet } from './x402.ts'

const HAD = 1_000_000n
const STREAM = { ...question, stream: true }

describe('who pays by wallet and leaves early', function () {
  this.timeout(240_000)
  let market: Market
  let door: MeteredDoor
  let x402: X402
  let wallet: Wallet
  const payTo = privateKeyToAccount(generatePrivateKey()).address
  const most = mostOf()

  before(async () => {
    market = await openMarket()
    ;({ door, x402 } = await openMeteredPaidDoor(market, { payTo }))
  })
  after(async () => {
    x402?.settler.stop()
    await door?.close()
    await market?.close()
  })
  beforeEach(async () => {
    wallet = await openWallet(market, HAD)
    door.price(most - 1n)
    door.fail()
  })

  const url = () => `${door.url}/v1/chat/completions`
  const sign = (body: object) => signedFor(clientOf(market, wallet), url(), body)
  const pay = (payment: string, body: object) => post(url(), body, { 'payment-signature': payment })
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const stateOf = (payment: string) => x402.books.find(parsePayment(payment).id)?.state

  /** A request whose connection breaks while the door asks the chain about its payment. */
  async function leftAtTheDoor(payment: string, body: object): Promise<void> {
    const { verify } = x402.cashier
    let [begun, go] = [() => {}, () => {}]
    const asked = new Promise<void>((resolve) => {
      begun = resolve
    })
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    x402.cashier.verify = async (...asking) => {
      begun()
      await gate
      return verify(...asking)
    }
    const request = rawPost(url(), body, { 'payment-signature': payment })
    await asked
    request.leave()
    await door.gone(await request.port)
    x402.cashier.verify = verify
    go()
  }

  it('has its answer, once, if the line broke before its payment was accepted', async () => {
    const payment = await sign(question)
    await leftAtTheDoor(payment, question)
    await until(() => stateOf(payment) === 'settled')
    const again = await pay(payment, question)
    const told = (await again.json()) as { choices?: { message: { content: string } }[] }
    expect(again.status).to.equal(200)
    await until(() => x402.books.find(parsePayment(payment).id)?.answer === undefined)
    const third = await pay(payment, question)

    expect(again.headers.get('x-heurist-repeated')).to.equal('true')
    expect(told.choices?.[0]?.message.content).to.equal('yes')
    expect(third.status).to.equal(409)
    expect(await balanceOf(market, wallet.address)).to.equal(HAD - most)
  })

  it('has no stream begun that nobody reads; the payment is good for the next call', async () => {
    const payment = await sign(STREAM)
    const asked = door.sent.length
    for (let round = 0; round < 3; round += 1) await leftAtTheDoor(payment, STREAM)
    const told = await (await pay(payment, STREAM)).text()

    expect(door.sent.length - asked).to.equal(1)
    expect(told).to.match(/data: \[DONE\]\n\n$/)
    expect(await balanceOf(market, wallet.address)).to.equal(HAD - parsePayment(payment).amount)
  })

  it('pays for a stream that it leaves before the first word, if it cost something', async () => {
    const payment = await sign(STREAM)
    const [release, asked] = [door.holdBegin(), door.sent.length]
    const request = rawPost(url(), STREAM, { 'payment-signature': payment })
    await door.sentAtLeast(asked + 1)
    request.leave()
    await door.gone(await request.port)
    release()
    await until(() => !['open', 'due'].includes(stateOf(payment) ?? ''))

    expect(stateOf(payment)).to.equal('settled')
    expect((await pay(payment, STREAM)).status).to.equal(409)
    expect(door.sent.length - asked).to.equal(1)
    expect(await balanceOf(market, wallet.address)).to.equal(HAD - parsePayment(payment).amount)
  })

  it('aborts its job at once if it left before anybody watched', async () => {
    const app = Fastify()
    let told = (_: boolean) => {}
    const aborted = new Promise<boolean>((resolve) => {
      told = resolve
    })
    let arrived = () => {}
    const inside = new Promise<void>((resolve) => {
      arrived = resolve
    })
    app.post('/', async (_, reply) => {
      arrived()
      await new Promise((resolve) => reply.raw.once('close', resolve))
      told(leaving(reply).aborted)
    })
    const request = rawPost(await app.listen({ host: '127.0.0.1', port: 0 }), {})
    await inside
    request.leave()

    expect(await aborted).to.equal(true)
    await app.close()
  })
})
