import 'fake-indexeddb/auto'
import { expect } from 'chai'
import { createTestClient, http } from 'viem'
import { lastSecond } from '../../apps/web/src/session/funding.ts'
import { formerOf, type KnownKey } from '../../apps/web/src/session/known.ts'
import { openSessionDb } from '../../apps/web/src/session/store.ts'
import { openChain } from '../../sdk/chain/clients.ts'
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
