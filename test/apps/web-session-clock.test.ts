import 'fake-indexeddb/auto'
import { expect } from 'chai'
import { createTestClient, http } from 'viem'
import { clockRefusal, withClock } from '../../apps/web/src/session/clock.ts'
import { lastSecond } from '../../apps/web/src/session/funding.ts'
import { formerOf, type KnownKey } from '../../apps/web/src/session/known.ts'
import { openSessionDb } from '../../apps/web/src/session/store.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import type { Client } from '../../sdk/client.ts'
import { asHeuristError, refused } from '../../sdk/errors.ts'
import { type Market, openMarket } from '../market.ts'

describe('what the chain judges of a key', function () {
  this.timeout(120_000)
  const DAY = 86_400
  let market: Market
  before(async () => {
    market = await openMarket()
  })
  after(() => market.close())

  const { now } = Date
  afterEach(() => {
    Date.now = now
  })
  const machineIsAhead = (seconds: number) => {
    Date.now = () => now() + seconds * 1_000
  }
  const placeOf = () => {
    const chain = openChain({ chainId: market.domain.chainId, rpcUrl: market.chain.rpcUrl })
    const { ledger, asset } = market.addresses
    return { chain, ledger, asset, router: market.router.address }
  }
  const newest = async () => Number((await placeOf().chain.client.getBlock()).timestamp)
  const anvil = () => createTestClient({ mode: 'anvil', transport: http(market.chain.rpcUrl) })

  it('a deposit is signed for an hour of the chain, however far ahead or behind the machine is', async () => {
    for (const seconds of [DAY, -DAY]) {
      machineIsAhead(seconds)
      const before = await newest()
      const until = await lastSecond(placeOf())

      // A block a second: none of them is a minute away.
      expect(until).to.be.within(before + 3_600, before + 3_660)
    }
  })

  const saidOf = async (code: string, place = async () => placeOf()) =>
    asHeuristError(await clockRefusal(refused(code, 'as the router says it'), place)).message

  it('a call that is refused by a clock names the machine’s, and by how much, where the chain’s says so', async () => {
    const expired = ['request.expired', 'voucher.expired', 'voucher.expiry_out_of_range']
    machineIsAhead(-3 * DAY)
    const behind = await Promise.all(expired.map((code) => saidOf(code)))
    const other = await saidOf('price.too_low')
    machineIsAhead(5 * DAY)
    const ahead = await Promise.all(expired.map((code) => saidOf(code)))
    machineIsAhead(-30 * 3_600)
    const hours = await saidOf('request.expired')
    const unknown = await saidOf('request.expired', () => Promise.reject(new Error('down')))
    machineIsAhead(0)
    const right = await saidOf('request.expired')

    const [of, says] = ['this computer’s clock is wrong: it is ', 'as the router says it']
    expect(behind).to.deep.equal(expired.map(() => `${of}3 days behind the chain’s`))
    // What is too late for the router was not signed by a clock that is ahead.
    expect(ahead).to.deep.equal([says, says, `${of}5 days ahead of the chain’s`])
    expect(hours).to.equal(`${of}30 hours behind the chain’s`)
    expect([other, unknown, right]).to.deep.equal([says, says, says])
  })

  it('a client says so however it is asked', async () => {
    const cause = refused('request.expired', 'as the router says it')
    const fails = () => Promise.reject(cause)
    const asked = {
      run: fails,
      again: fails,
      stream: () => ({ request: fails(), answer: fails(), [Symbol.asyncIterator]: () => ({ next: fails }) }),
    } as unknown as Client
    machineIsAhead(-DAY)
    const client = withClock(asked, async () => placeOf())
    const stream = client.stream('pod', {})
    const read = async () => {
      for await (const _ of stream);
    }
    const job = {} as Parameters<Client['again']>[0]
    const all = await Promise.allSettled([
      client.run('pod', {}),
      client.again(job),
      read(),
      stream.answer,
      stream.request,
    ])

    const codes = all.map((each) => each.status === 'rejected' && asHeuristError(each.reason).code)
    expect(codes).to.deep.equal(all.map(() => 'clock.wrong'))
  })

  it('what is on its way back can be withdrawn once it is so by the chain, not by the machine', async () => {
    const db = await openSessionDb()
    const owner = `0x${'1'.repeat(40)}` as const
    const thawedAt = (await newest()) + DAY
    const account = { owner, deposited: 5n, credit: 5n, thawing: 5n, thawedAt }
    const known = { record: { address: owner }, account, awaits: false } as unknown as KnownKey
    const isDue = async () => (await formerOf(db, placeOf(), [known])).map((each) => each.isDue)
    machineIsAhead(2 * DAY)
    const before = await isDue()
    machineIsAhead(-DAY)
    await anvil().increaseTime({ seconds: DAY })
    await anvil().mine({ blocks: 1 })

    expect([before, await isDue()]).to.deep.equal([[false], [true]])
    db.close()
  })
})
