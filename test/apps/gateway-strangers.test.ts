import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { parseSiweMessage } from 'viem/siwe'
import type { Depositing } from '../../apps/gateway/account/routes.ts'
import { openSessions } from '../../apps/gateway/account/sessions.ts'
import { freshSeed, MOST_CHOICES } from '../../apps/gateway/sampling.ts'
import { openSponsor } from '../../apps/gateway/sponsor/sponsor.ts'
import { sponsorSchema } from '../../apps/gateway/sponsor/terms.ts'
import { openStore, type Store } from '../../apps/gateway/till/store.ts'
import type { X402 } from '../../apps/gateway/x402/open.ts'
import { asHeuristError } from '../../sdk/errors.ts'
import { type Market, openMarket } from '../market.ts'
import { type MeteredDoor, openMeteredDoor, question } from './metered-door.ts'
import { clientOf, openMeteredPaidDoor, openWallet, post, signedFor } from './x402.ts'

const ANN = `0x${'a'.repeat(40)}`
const left = (answer: Response) => Number(answer.headers.get('x-ratelimit-remaining-requests'))
const limit = (answer: Response) => Number(answer.headers.get('x-ratelimit-limit-requests'))
/** Addresses of one IPv6 household, each another. */
const oneHousehold = Array.from({ length: 20 }, (_, index) => `2606:2800:21f:cb07::${index + 1}`)
const manyHouseholds = Array.from({ length: 20 }, (_, index) => `2606:2800:21f:${index + 1}::1`)

describe('a call without a key', function () {
  this.timeout(300_000)
  let market: Market
  let door: MeteredDoor
  let x402: X402

  before(async () => {
    market = await openMarket()
    ;({ door, x402 } = await openMeteredPaidDoor(market, {}, () => ({ trustedProxies: ['loopback'] })))
  })
  after(async () => {
    x402?.settler.stop()
    await door?.close()
    await market?.close()
  })

  it('has one price, whatever seed is drawn for it, at every route that draws one', async () => {
    const [messages, temperature] = [question.messages, 1]
    const bodies = {
      '/v1/chat/completions': { model: 'chat', messages, temperature },
      '/v1/completions': { model: 'chat', prompt: 'hi', temperature },
      '/v1/responses': { model: 'chat', input: 'hi', temperature },
      '/v1/images/generations': { prompt: 'a red circle' },
    }
    for (const [path, body] of Object.entries(bodies)) {
      const prices = new Set<string>()
      for (let round = 0; round < 50; round += 1) {
        const answer = await post(door.url + path, body)
        const offer = Buffer.from(answer.headers.get('payment-required') ?? '', 'base64').toString()
        prices.add((JSON.parse(offer) as { accepts: { amount: string }[] }).accepts[0]?.amount ?? '')
      }

      expect([...prices], path).to.have.lengthOf(1)
    }
  })

  it('that samples is paid as it was priced: of 20 payments by the stock client none is refused', async () => {
    const url = `${door.url}/v1/chat/completions`
    const body = { ...question, temperature: 1 }
    const statuses: number[] = []
    for (let round = 0; round < 20; round += 1) {
      const payment = await signedFor(clientOf(market, await openWallet(market, 1_000_000n)), url, body)
      statuses.push((await post(url, body, { 'payment-signature': payment })).status)
    }

    expect(statuses).to.deep.equal(Array(20).fill(200))
  })

  it('is drawn a seed of ten digits below 2³², so that no choice of it has more or fewer', () => {
    for (let round = 0; round < 10_000; round += 1) {
      const seed = freshSeed()
      expect(seed).to.be.within(10 ** 9, 2 ** 32 - 1)
      expect(String(seed + MOST_CHOICES)).to.have.lengthOf(10)
    }
  })

  it('is counted by its household: the addresses of one IPv6 /64 ask as one', async () => {
    const from = (address: string, headers: Record<string, string> = {}) =>
      post(`${door.url}/v1/chat/completions`, {}, { 'x-forwarded-for': address, ...headers })
    const quoted = await Promise.all(oneHousehold.map((address) => from(address)))
    // Refused before it is known whose wallet it is: counted by the address alone.
    const old = await Promise.all(oneHousehold.map((address) => from(address, { 'x-payment': 'x' })))
    const others = await Promise.all(manyHouseholds.map((address) => from(address)))

    for (const answers of [quoted, old]) {
      expect(Math.min(...answers.map(left))).to.be.lessThan(limit(answers[0] as Response) - 1)
    }
    expect(limit(old[0] as Response)).to.equal(10 * limit(quoted[0] as Response))
    expect(others.map(left)).to.deep.equal(others.map((answer) => limit(answer) - 1))
  })

  it('to the facilitator is counted by its household too', async () => {
    const from = (address: string) => post(`${door.url}/x402/verify`, {}, { 'x-forwarded-for': address })
    const answers = await Promise.all(oneHousehold.map(from))
    const others = await Promise.all(manyHouseholds.map(from))

    expect(Math.min(...answers.map(left))).to.be.lessThan(limit(answers[0] as Response) - 1)
    expect(others.map(left)).to.deep.equal(others.map((answer) => limit(answer) - 1))
  })
})

describe("a header that stands for no key ('Bearer x402')", function () {
  this.timeout(300_000)
  let market: Market
  before(async () => {
    market = await openMarket()
  })
  after(() => market?.close())

  const sponsored = { pods: ['chat'], perDay: '1', perAddress: '1', perKey: '1', perMinute: 1 }
  const sponsor = (accounts: Parameters<typeof openSponsor>[0]) => ({
    sponsor: openSponsor(accounts, sponsorSchema.parse(sponsored)),
  })

  it('is no key to the free tier either: it is counted by the minute as who sends none', async () => {
    const { door, x402 } = await openMeteredPaidDoor(market, {}, sponsor)
    const answers = [await door.ask()]
    for (const authorization of ['Bearer x402', 'bearer', 'Bearer x402', 'Bearer x402'])
      answers.push(await door.ask({ authorization }))
    x402.settler.stop()
    await door.close()

    expect(answers[0]?.status).to.equal(200)
    expect(answers.map(({ status }) => status)).to.include(429)
  })

  it('is no key where the free tier stands alone', async () => {
    const door = await openMeteredDoor(sponsor)
    const answer = await door.ask({ authorization: 'Bearer x402' })
    const wrong = await door.ask({ authorization: 'Bearer x403' })
    await door.close()

    expect([answer.status, answer.headers.get('x-heurist-sponsored')]).to.deep.equal([200, 'true'])
    expect(wrong.status).to.equal(401)
  })
})

describe('the pages of accounts and of the operator', function () {
  this.timeout(120_000)
  let door: MeteredDoor
  const depositing = {
    chain: { id: 31_337 },
    verify: async () => true,
  } as unknown as Depositing

  before(async () => {
    const operator = { frontend: 0, keySha256: 'ab'.repeat(32) }
    door = await openMeteredDoor(() => ({ depositing, operator, trustedProxies: ['loopback'] }))
  })
  after(() => door?.close())

  for (const [path, whole] of Object.entries({
    '/v1/account': 60,
    '/v1/operator/revenue': 60,
  })) {
    it(`${path} counts the questions of a household, whichever of its addresses asks`, async () => {
      const from = (address: string) => fetch(door.url + path, { headers: { 'x-forwarded-for': address } })
      const answers = await Promise.all(oneHousehold.map(from))
      const others = await Promise.all(manyHouseholds.map(from))

      expect(Math.min(...answers.map(left))).to.be.lessThan(whole - 1)
      expect(others.map(left)).to.deep.equal(Array(20).fill(whole - 1))
    })
  }
})

describe('the message that a wallet signs to sign in', function () {
  this.timeout(120_000)
  const origin = new URL('https://gateway.example')
  const clock = { now: 1_800_000_000_000 }
  let home: string
  let store: Store
  const open = () => openSessions(store, { chainId: 31_337, verify: async () => true, now: () => clock.now })
  let sessions: ReturnType<typeof open>

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'heurist-sessions-'))
    store = openStore(home)
    sessions = open()
  })
  afterEach(() => {
    store.close()
    rmSync(home, { recursive: true, force: true })
  })

  const outcome = async (message: string, by = sessions) => {
    try {
      return (await by.begin(message, '0x00', origin)).wallet
    } catch (cause) {
      return asHeuristError(cause).code
    }
  }

  it('is good for ten minutes however many others are asked for meanwhile', async () => {
    const message = sessions.ask(ANN, origin)
    for (let others = 0; others < 20_000; others += 1) sessions.ask(ANN, origin)
    clock.now += 10 * 60_000

    expect(await outcome(message)).to.equal(ANN)
  })

  it('is good once, and not after ten minutes, nor after a restart', async () => {
    const [used, late, before] = [1, 2, 3].map(() => sessions.ask(ANN, origin)) as [string, string, string]
    const first = [await outcome(used), await outcome(used)]
    const restarted = await outcome(before, open())
    clock.now += 10 * 60_000 + 1

    expect(first).to.deep.equal([ANN, 'session.message_wrong'])
    expect(restarted).to.equal('session.message_wrong')
    expect([await outcome(late), await outcome(used)]).to.deep.equal(Array(2).fill('session.message_wrong'))
  })

  it('is of this gateway only: with any letter of its nonce changed it is refused, and the true one stays good', async () => {
    const message = sessions.ask(ANN, origin)
    const { nonce = '' } = parseSiweMessage(message)
    const flipped = Array.from(nonce, (letter, index) =>
      [...nonce].with(index, letter === '0' ? '1' : '0').join(''),
    )
    const codes = new Set<string>()
    for (const wrong of [...flipped, nonce.toUpperCase(), nonce.slice(1), `${nonce}0`])
      codes.add(await outcome(message.replace(nonce, wrong)))

    expect(nonce).to.match(/^[0-9a-z]{32,}$/)
    expect([...codes]).to.deep.equal(['session.message_wrong'])
    expect(await outcome(message)).to.equal(ANN)
  })
})
