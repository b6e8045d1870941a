import { expect } from 'chai'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import type { X402 } from '../../apps/gateway/x402/open.ts'
import { parsePayment } from '../../apps/gateway/x402/payment.ts'
import { parseManifest } from '../../sdk/protocol/manifest.ts'
import { formatUsd } from '../../sdk/units.ts'
import { type Market, openMarket } from '../market.ts'
import { manifestOf } from './door.ts'
import { type MeteredDoor, question } from './metered-door.ts'
import { rawPost, refusalIn } from './raw.ts'
import { clientOf, openMeteredPaidDoor, openWallet, post, signedFor, type Wallet } from './x402.ts'

/** Of a `Host` that makes no URL. */
const HOSTS = ['[', 'a b', 'a:99999', '']
const NO_HOST = { status: 400, code: 'invalid_value', param: 'Host' }
const PICTURE = { model: 'image', prompt: 'a red circle', seed: 7 }

describe('a door whose callers say where it is', function () {
  this.timeout(240_000)
  let market: Market
  let door: MeteredDoor
  let x402: X402
  let wallet: Wallet
  const { pricing, defaults } = parseManifest(manifestOf('image'))
  const most = BigInt(Math.max(pricing.minimum, Number(defaults.steps) * pricing.output))
  const payTo = privateKeyToAccount(generatePrivateKey()).address

  before(async () => {
    market = await openMarket()
    ;({ door, x402 } = await openMeteredPaidDoor(market, { payTo, mostAtRisk: formatUsd(2n * most) }))
  })
  after(async () => {
    x402?.settler.stop()
    await door?.close()
    await market?.close()
  })
  beforeEach(async () => {
    wallet = await openWallet(market, 1_000_000n)
    door.price(most)
  })

  const url = () => `${door.url}/v1/images/generations`
  const sign = (body: object) => signedFor(clientOf(market, wallet), url(), body)

  it('asks for no picture that it could give no address to, paid by wallet or by key', async () => {
    const body = { ...PICTURE, response_format: 'url' }
    const payment = await sign(body)
    const { key } = door.account('0x00000000000000000000000000000000000000aa', 1_000_000n)
    const asked = door.sent.length

    for (const host of HOSTS) {
      for (const credential of [{ 'payment-signature': payment }, { authorization: `Bearer ${key}` }]) {
        const { answer } = rawPost(url(), body, { host, ...credential })
        expect(refusalIn(await answer), host).to.deep.equal(NO_HOST)
      }
    }
    expect(door.sent).to.have.length(asked)
    expect(x402.books.find(parsePayment(payment).id)).to.equal(undefined)
  })

  it('says no price to a caller that gives it no address', async () => {
    for (const host of HOSTS) {
      const { answer } = rawPost(`${door.url}/v1/chat/completions`, question, { host })
      expect(refusalIn(await answer), host).to.deep.equal(NO_HOST)
    }
  })

  // The network of this test answers, for its price, what is no picture.
  it('loses no more a day than its limit with calls that cost it something and fail; their payments are not good again', async () => {
    const [first, second, third] = [await sign(PICTURE), await sign(PICTURE), await sign(PICTURE)]
    const pay = async (payment: string) =>
      (await post(url(), PICTURE, { 'payment-signature': payment })).status
    const asked = door.sent.length

    expect([await pay(first), await pay(first), await pay(second), await pay(third)]).to.deep.equal([
      500, 409, 500, 503,
    ])
    expect(door.sent.slice(asked)).to.deep.equal([most, most])
    expect(x402.books.atRisk()).to.equal(2n * most)
    expect(x402.books.owes(parsePayment(first).payer)).to.equal(false)
  })
})
