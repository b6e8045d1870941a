import { expect } from 'chai'
import { createTestClient, http } from 'viem'
import { computeLedgerAbi } from '../../../sdk/chain/abi.ts'
import { readBoost, readEntry } from '../../../sdk/chain/entries.ts'
import { ledgerHistory, newestOf } from '../../../sdk/chain/history.ts'
import { readSettlement, readSettlements } from '../../../sdk/chain/settled.ts'
import { createHasher } from '../../../sdk/protocol/messages.ts'
import { type Holder, openSeason, type Season, USD } from '../../cli/season.ts'

/** What an explorer reads of a real chain: batches, far apart, and what their payees earned. */

const BETWEEN = 11_000

describe('settlements as the chain tells them', function () {
  this.timeout(300_000)
  let season: Season
  let owner: Holder
  let node = 0
  let rich: Awaited<ReturnType<Season['market']['payer']>>
  let poor: typeof rich
  before(async () => {
    season = await openSeason()
    const { market } = season
    owner = await season.holder('owner', 0n)
    node = Number(await season.nodeOf(owner))
    rich = await market.payer(10n * USD)
    poor = await market.payer(0n)
    await season.settle(rich.key, 3n * USD, { node, pod: 1 })
    // More blocks than a node may let one question look through.
    const transport = http(market.chain.rpcUrl, { timeout: 120_000 })
    const anvil = createTestClient({ mode: 'anvil', transport })
    for (let mined = 0; mined < BETWEEN; mined += 1_000) await anvil.mine({ blocks: 1_000 })
    await season.settle(poor.key, USD, { node, pod: 1 })
    await season.settle(rich.key, 2n * USD, { node, pod: 1 })
  })
  after(() => season.close())

  const books = () => {
    const { addresses, router, domain } = season.market
    return {
      chain: season.chain,
      ledger: addresses.ledger,
      router: router.address,
      hasher: createHasher(domain),
    }
  }

  it('the newest batches come first, as many as are wanted, however far they lie apart', async () => {
    const events = await ledgerHistory(season.chain, books().ledger, 'BatchSettled', {
      router: books().router,
    })
    const all = await readSettlements(books(), 25)
    const two = await readSettlements(books(), 2)

    expect(all.map(({ seq, gross }) => [seq, gross])).to.deep.equal([
      [3n, 2n * USD],
      [2n, USD],
      [1n, 3n * USD],
    ])
    expect(two).to.deep.equal(all.slice(0, 2))
    expect(all.map(({ txHash }) => txHash)).to.deep.equal(
      events.map(({ transactionHash }) => transactionHash).reverse(),
    )
    expect((all[0]?.block ?? 0n) - (all[2]?.block ?? 0n) > BigInt(BETWEEN)).to.equal(true)
    for (const { block, settledAt } of all) {
      const { timestamp } = await season.chain.client.getBlock({ blockNumber: block })
      expect(settledAt).to.equal(Number(timestamp))
    }
  })

  it('looking for more than there is ends at the first block', async () => {
    const at = { address: books().ledger, abi: computeLedgerAbi } as const
    const found = await newestOf(season.chain, at, 'BatchSettled', { router: owner.account.address }, 1)

    expect(found).to.deep.equal([])
  })

  it('a batch has its debits, who paid what could not be debited, and its credits', async () => {
    const first = await readSettlement(books(), 1n)
    const second = await readSettlement(books(), 2n)
    const lower = (address: string) => address.toLowerCase()

    expect(first?.lines?.debits).to.deep.equal([{ payer: lower(rich.account.address), charge: 3n * USD }])
    expect(first?.lines?.nodes).to.deep.equal([{ id: node, amount: 3n * USD }])
    expect(first?.lines?.pods).to.deep.equal([{ id: 1, amount: 3n * USD }])
    expect(second?.lines?.debits).to.deep.equal([
      { payer: lower(poor.account.address), charge: USD, skipped: 'OverDeposit' },
    ])
    expect(await readSettlement(books(), 9n)).to.equal(undefined)
  })

  it('a payee’s entry adds up: what each epoch brought is what it may claim', async () => {
    const { addresses, router } = season.market
    const entry = await readEntry(season.chain, addresses, router.address, {
      role: 'node',
      id: node,
      epochs: 2,
    })
    const epoch = await season.epoch()

    expect(entry?.owner).to.equal(owner.account.address)
    expect(entry?.isActive).to.equal(true)
    expect(entry?.gross).to.equal(6n * USD)
    expect(entry?.revenue).to.deep.equal([
      { epoch, gross: 6n * USD, share: (6n * USD * 7_000n) / 10_000n },
      { epoch: epoch - 1, gross: 0n, share: 0n },
    ])
    expect((entry?.claimable ?? 0n) + (entry?.claimed ?? 0n)).to.equal(entry?.revenue[0]?.share)
    expect(
      await readEntry(season.chain, addresses, router.address, { role: 'node', id: 77, epochs: 1 }),
    ).to.equal(undefined)
  })

  it('a node without votes has its units once, and no more', async () => {
    const { weight, points, units, mostBps } = await readBoost(season.chain, season.economy, node)

    expect([weight, points]).to.deep.equal([0n, units << 64n])
    expect(mostBps).to.be.greaterThan(10_000)
  })
})
