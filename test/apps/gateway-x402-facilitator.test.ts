import { HTTPFacilitatorClient } from '@x402/core/server'
import type { PaymentPayload, PaymentRequirements } from '@x402/core/types'
import { expect } from 'chai'
import { pino } from 'pino'
import type { Address } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { HOUSE } from '../../apps/gateway/till/till.ts'
import { assemble, type X402 } from '../../apps/gateway/x402/open.ts'
import { x402Schema } from '../../apps/gateway/x402/terms.ts'
import { createDraw } from '../../bench/economy/draw.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { type Market, openMarket } from '../market.ts'
import { type MeteredDoor, question } from './metered-door.ts'
import {
  balanceOf,
  clientOf,
  closed,
  opened,
  openMeteredPaidDoor,
  openWallet,
  post,
  signedFor,
  signTransfer,
  type Wallet,
} from './x402.ts'

const SEED = Number(process.env.SEED ?? 3009)
const AMOUNT = 1_234n

describe('the facilitator of the local chain, asked by the stock client', function () {
  this.timeout(240_000)
  let market: Market
  let door: MeteredDoor
  let x402: X402
  let client: HTTPFacilitatorClient
  /** Another frontend on this chain: neither the door's account nor known to it. */
  const shop = privateKeyToAccount(generatePrivateKey()).address

  before(async () => {
    market = await openMarket()
    ;({ door, x402 } = await openMeteredPaidDoor(market, {}))
    client = new HTTPFacilitatorClient({ url: `${door.url}/x402` })
  })
  after(async () => {
    x402?.settler.stop()
    await door?.close()
    await market?.close()
  })

  const terms = (changes: Partial<PaymentRequirements> = {}): PaymentRequirements => ({
    scheme: 'exact',
    network: 'eip155:31337',
    asset: market.addresses.asset,
    amount: AMOUNT.toString(),
    payTo: shop,
    maxTimeoutSeconds: 300,
    extra: { name: 'Test Dollar', version: '1' },
    ...changes,
  })

  /** What a fresh wallet's stock client signs for these terms. */
  async function signed(requirements = terms(), dollars = 1_000_000n): Promise<PaymentPayload> {
    const wallet = await openWallet(market, dollars)
    return clientOf(market, wallet).createPaymentPayload({
      x402Version: 2,
      resource: { url: 'http://shop.example/a' },
      accepts: [requirements],
    })
  }

  it('says what it settles and who signs', async () => {
    const supported = await client.getSupported()

    expect(supported.kinds).to.deep.equal([{ x402Version: 2, scheme: 'exact', network: 'eip155:31337' }])
    expect(supported.signers).to.deep.equal({ 'eip155:*': [x402.cashier.signer] })
  })

  it('verifies a payment to another frontend, settles it to the unit, and says so again if asked again', async () => {
    const payload = await signed()
    const verified = await client.verify(payload, terms())
    const before = await balanceOf(market, shop)
    const settled = await client.settle(payload, terms())
    const again = await client.settle(payload, terms())
    const late = await client.verify(payload, terms())

    expect(verified.isValid).to.equal(true)
    expect(settled).to.deep.include({ success: true, amount: AMOUNT.toString(), network: 'eip155:31337' })
    expect(again).to.deep.equal(settled)
    expect((await balanceOf(market, shop)) - before).to.equal(AMOUNT)
    expect(late.isValid).to.equal(false)
  })

  it('settles one payment once if ten ask at once', async () => {
    const payload = await signed()
    const before = await balanceOf(market, shop)
    const settled = await Promise.all(Array.from({ length: 10 }, () => client.settle(payload, terms())))

    expect(new Set(settled.map(({ transaction }) => transaction)).size).to.equal(1)
    expect(settled.map(({ success }) => success)).to.deep.equal(Array.from({ length: 10 }, () => true))
    expect((await balanceOf(market, shop)) - before).to.equal(AMOUNT)
  })

  it('says of two transfers signed with one nonce that one was settled, and of the other that it was not', async () => {
    const wallet = await openWallet(market, 1_000_000n)
    const [small, large] = [terms({ amount: '1', payTo: wallet.address }), terms()]
    const payloads = await Promise.all([small, large].map((each) => signedAgain(wallet, each)))
    const settled = await Promise.all([
      client.settle(payloads[0] as PaymentPayload, small),
      client.settle(payloads[1] as PaymentPayload, large),
    ])

    expect(settled.filter(({ success }) => success)).to.have.length(1)
  })

  /** A payment with a nonce that this wallet signs for everything. */
  async function signedAgain(wallet: Wallet, requirements: PaymentRequirements): Promise<PaymentPayload> {
    const payload = await clientOf(market, wallet).createPaymentPayload({
      x402Version: 2,
      resource: { url: 'http://shop.example/a' },
      accepts: [requirements],
    })
    const { authorization } = opened(closed(payload)).payload
    return {
      ...payload,
      payload: await signTransfer(market, wallet, { ...authorization, nonce: `0x${'07'.repeat(32)}` }),
    }
  }

  it('refuses what was signed for other terms, and what the wallet does not have', async () => {
    const payload = await signed()
    const other = privateKeyToAccount(generatePrivateKey()).address
    const reasons = await Promise.all(
      [
        terms({ network: 'eip155:1' }),
        terms({ asset: market.addresses.heu }),
        terms({ extra: { name: 'Other', version: '1' } }),
        terms({ payTo: other }),
        terms({ amount: '1' }),
      ].map(async (requirements) => {
        const [verified, settled] = [
          await client.verify(payload, requirements),
          await client.settle(payload, requirements),
        ]
        expect([verified.isValid, settled.success]).to.deep.equal([false, false])
        expect(settled.errorReason).to.equal(verified.invalidReason)
        return verified.invalidReason
      }),
    )
    const poor = await signed(terms(), AMOUNT - 1n)
    const [verified, settled] = [await client.verify(poor, terms()), await client.settle(poor, terms())]

    expect(reasons).to.deep.equal([
      'invalid_network',
      'unsupported_asset',
      'invalid_eip712_domain',
      'invalid_recipient',
      'invalid_amount',
    ])
    expect(verified.isValid).to.equal(false)
    expect(settled).to.include({ success: false, errorReason: 'insufficient_funds' })
  })

  it('settles what was paid to the door itself as well: its call is then refused, as it took the money for nothing else', async () => {
    const wallet = await openWallet(market, 1_000_000n)
    const url = `${door.url}/v1/chat/completions`
    const payment = await signedFor(clientOf(market, wallet), url, question)
    const payload = opened(payment) as unknown as PaymentPayload
    const settled = await client.settle(payload, payload.accepted)
    const call = await post(url, question, { 'payment-signature': payment })

    expect(settled.success).to.equal(true)
    expect(call.status).to.equal(402)
  })

  it(`answers 3,000 broken questions without a fault and without a settlement (seed ${SEED})`, async () => {
    const { door: other, x402: payments } = await openMeteredPaidDoor(market, { facilitator: 'key' })
    // Six keys, because each may ask 600 times a minute.
    const keys = [1, 2, 3, 4, 5, 6].map(() => other.account(HOUSE, 0n).key)
    const draw = createDraw(SEED)
    const payload = await signed()
    const before = await balanceOf(market, shop)
    const seen = new Map<string, number>()
    for (let round = 0; round < 150; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => {
          const { path, body } = broken({ payload, requirements: terms() }, draw)
          const authorization = `Bearer ${keys[(20 * round + index) % keys.length]}`
          const headers = { 'content-type': 'application/json', authorization }
          return fetch(`${other.url}/x402/${path}`, { method: 'POST', headers, body })
        }),
      )
      for (const answer of answers) {
        const said = (await answer.json()) as { isValid?: boolean; success?: boolean }
        const key = `${answer.status} ${said.isValid ?? said.success ?? 'refused'}`
        seen.set(key, (seen.get(key) ?? 0) + 1)
      }
    }

    expect([...seen.keys()].sort()).to.deep.equal(['200 false', '400 false', '400 refused'])
    for (const count of seen.values()) expect(count).to.be.greaterThan(100)
    expect((await balanceOf(market, shop)) - before).to.equal(0n)
    payments.settler.stop()
    await other.close()
  })

  it('asks for a key of the operator where he says so', async () => {
    const { door: private_, x402: payments } = await openMeteredPaidDoor(market, { facilitator: 'key' })
    const { key } = private_.account(HOUSE, 0n)
    const payload = await signed()
    const url = `${private_.url}/x402`
    const headers = { authorization: `Bearer ${key}` }
    const known = new HTTPFacilitatorClient({
      url,
      createAuthHeaders: async () => ({ verify: headers, settle: headers, supported: {} }),
    })
    const stranger = await new HTTPFacilitatorClient({ url })
      .verify(payload, terms())
      .catch((cause: Error) => cause)

    expect(String(stranger)).to.match(/401/)
    expect((await known.verify(payload, terms())).isValid).to.equal(true)
    payments.settler.stop()
    await private_.close()
  })

  it('spends no gas for keys that anybody makes', async () => {
    const { door: private_, x402: payments } = await openMeteredPaidDoor(market, { facilitator: 'key' })
    const { key } = private_.account('0x00000000000000000000000000000000000000bb', 1_000_000n)
    const wallet = await openWallet(market, 1n)
    const requirements = terms({ amount: '1', payTo: wallet.address })
    const gas = () => market.deployer.client.getBalance({ address: payments.cashier.signer })
    const before = await gas()
    const answers: Response[] = []
    for (let round = 0; round < 5; round += 1) {
      const client = clientOf(market, wallet)
      const resource = { url: 'http://shop.example', description: '', mimeType: '' }
      const required = { x402Version: 2, resource, accepts: [requirements] }
      const body = {
        x402Version: 2,
        paymentPayload: await client.createPaymentPayload(required),
        paymentRequirements: requirements,
      }
      for (const path of ['verify', 'settle'])
        answers.push(await post(`${private_.url}/x402/${path}`, body, { authorization: `Bearer ${key}` }))
    }
    const codes = await Promise.all(
      answers.map(async (answer) => ((await answer.json()) as { error?: { code: string } }).error?.code),
    )
    payments.settler.stop()
    await private_.close()

    expect(answers.map(({ status }) => status)).to.deep.equal(Array(10).fill(403))
    expect(codes).to.deep.equal(Array(10).fill('operator.forbidden'))
    expect(await gas()).to.equal(before)
  })

  it('is open on a local chain and off on any other, unless the operator says otherwise', () => {
    const account = { privateKey: generatePrivateKey(), address: shop }
    const on = (chainId: number, config: object) =>
      assemble(
        x402Schema.parse(config),
        { name: 'Test Dollar', version: '1' },
        {
          chain: openChain({ chainId, rpcUrl: market.chain.rpcUrl }),
          network: {
            chainId,
            addresses: {
              ...market.addresses,
              accessManager: market.addresses.authority,
              asset: market.addresses.asset.toLowerCase() as Address,
            },
          },
          account,
          accounts: door.accounts,
          log: pino({ level: 'silent' }),
        },
      ).facilitator

    expect([on(31_337, {}), on(8_453, {}), on(84_532, {})]).to.deep.equal(['open', 'off', 'off'])
    expect([on(31_337, { facilitator: 'off' }), on(8_453, { facilitator: 'key' })]).to.deep.equal([
      'off',
      'key',
    ])
  })
})

/** One value of a question replaced, or its text cut. */
function broken(
  good: { payload: PaymentPayload; requirements: PaymentRequirements },
  draw: ReturnType<typeof createDraw>,
) {
  const path = draw.below(2) === 0 ? 'verify' : 'settle'
  const question = structuredClone({
    x402Version: 2,
    paymentPayload: good.payload,
    paymentRequirements: good.requirements,
  }) as unknown as Record<string, unknown>
  const places: [Record<string, unknown>, string][] = []
  const walk = (object: Record<string, unknown>) => {
    for (const [name, value] of Object.entries(object)) {
      // What a payment says of its resource, and of offers that its requirements say again, changes nothing.
      if (['resource', 'extensions', 'maxTimeoutSeconds'].includes(name)) continue
      if (object === (question.paymentPayload as Record<string, unknown>).accepted && name !== 'network')
        continue
      places.push([object, name])
      if (typeof value === 'object' && value !== null) walk(value as Record<string, unknown>)
    }
  }
  walk(question)
  const [object, name] = places[draw.below(places.length)] ?? [question, 'x402Version']
  const values: unknown[] = [
    null,
    '',
    0,
    -1,
    1e300,
    [],
    {},
    'x'.repeat(2_000),
    '0x',
    '0x'.padEnd(132, 'f'),
    true,
    '99',
  ]
  object[name] = values[draw.below(values.length)]
  const text = JSON.stringify(question)
  return { path, body: draw.below(10) === 0 ? text.slice(0, draw.below(text.length)) : text }
}
