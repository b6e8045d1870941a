import { expect } from 'chai'
import type { Page } from 'playwright-core'
import type { Address, Hex } from 'viem'
import { DOORS, type Door } from '../../apps/web/src/network/config.ts'
import { localAccount } from '../../deploy/local.ts'
import { computeLedgerAbi, testDollarAbi } from '../../sdk/chain/abi.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import { settled } from './settled.ts'
import { ask, button, type House, indexed, isReady, openHouse, revenueOf, until } from './visitor.ts'

/** A day of use: people at every door, and at the end every door's share in its own payout and on its own page. */

const FRONTEND_BPS = 1_000n
const BPS = 10_000n
const receipts = (page: Page) =>
  page
    .locator('main a[href^="/r/0x"]')
    .evaluateAll((links) => links.map((link) => (link.getAttribute('href') ?? '').slice('/r/'.length)))

describe('a day at the doors of the web', function () {
  this.timeout(600_000)
  let house: House
  /** Gross of each door by the ledger before anybody came: the search door's own indexing calls. */
  const morning = {} as Record<Door, bigint>
  /** What people were shown as theirs, by door. */
  const spent: Record<Door, Set<string>> = {
    portal: new Set(),
    pondera: new Set(),
    imagine: new Set(),
    search: new Set(),
  }

  const read = <T>(functionName: 'grossOf' | 'claimable' | 'claimedOf', door: Door) => {
    const { market, frontends } = house.stage
    const args = [market.router.address, ROLE.frontend, frontends[door]] as const
    const ledger = { address: market.addresses.ledger, abi: computeLedgerAbi } as const
    return market.deployer.client.readContract({ ...ledger, functionName, args }) as Promise<T>
  }
  const dollars = (account: Address): Promise<bigint> => {
    const { market } = house.stage
    const asset = { address: market.addresses.asset, abi: testDollarAbi } as const
    return market.deployer.client.readContract({ ...asset, functionName: 'balanceOf', args: [account] })
  }
  const share = (gross: bigint) => (gross * FRONTEND_BPS) / BPS

  before(async () => {
    house = await openHouse({ pods: ['chat', 'embed', 'translate'], pictures: true })
    await indexed(house)
    // The calls that indexed the documents are on the chain before the day begins.
    let last = -1n
    await until(async () => {
      const now = await read<bigint>('grossOf', 'search')
      const still = now === last && now > 0n
      last = now
      if (!still) await new Promise((resolve) => setTimeout(resolve, 2_000))
      return still
    })
    for (const door of DOORS) morning[door] = await read<bigint>('grossOf', door)
  })
  after(() => house?.close())

  it('people chat, draw, search and try pods, each with a key of their own', async () => {
    const { market } = house.stage
    const chat = await house.guest('/pondera')
    await ask(chat, 'What is a pod?')
    await ask(chat, 'What is the chemical symbol of gold?')
    for (const request of await receipts(chat)) spent.pondera.add(request)

    const drawing = await house.guest('/imagine/m/image')
    await drawing
      .getByLabel('Prompt', { exact: true })
      .fill('a large red circle in the centre on a blue background')
    await button(drawing, 'Draw').click()
    await drawing.getByRole('status').getByText('The picture is complete').waitFor()
    for (const request of await receipts(drawing)) spent.imagine.add(request)

    const searching = await house.guest('/search')
    await searching.locator('[data-price]').waitFor()
    await button(searching, 'What can a thief of my key do?').click()
    await searching.locator('[data-state=done] .prose').waitFor()
    for (const request of await receipts(searching)) spent.search.add(request)

    const trying = await house.guest(`/pods/${market.seeded.pods.translate}`)
    await isReady(trying)
    await trying.locator('main textarea').first().fill('the red house')
    await button(trying, 'Run').click()
    await trying.locator('[data-run=done]').waitFor()
    for (const request of await receipts(trying)) spent.portal.add(request)

    expect(Object.values(spent).map(({ size }) => size)).to.deep.equal([1, 2, 1, 1])
  })

  it('each door’s share of its own calls stands in its own payout, to the last unit, and on its own page', async () => {
    const { market, network, frontends } = house.stage
    const home: Record<Door, string> = {
      portal: '/',
      pondera: '/pondera',
      imagine: '/imagine',
      search: '/search',
    }
    for (const door of DOORS) {
      let gross = morning[door]
      for (const request of spent[door]) {
        const { receipt, status } = await settled(network.routerUrl, request as Hex)
        expect(status, door).to.equal('settled')
        gross += receipt?.price ?? 0n
      }
      const payout = localAccount(door).address
      const had = await dollars(payout)
      const ledger = { address: market.addresses.ledger, abi: computeLedgerAbi } as const
      const args = [market.router.address, ROLE.frontend, [frontends[door]]] as const
      await market.deployer.send({ ...ledger, functionName: 'claim', args }, localAccount('frontend'))

      expect(await read<bigint>('grossOf', door), door).to.equal(gross)
      expect((await dollars(payout)) - had, door).to.equal(share(gross))
      expect(share(gross) > 0n, door).to.equal(true)

      const page = await house.open(await house.visitor(), home[door])
      const shown = await revenueOf(page)
      await until(async () => (await shown.getAttribute('data-earned')) === share(gross).toString())
      expect(await shown.getAttribute('data-frontend'), door).to.equal(String(frontends[door]))
      await page.context().close()
    }
  })

  it('no page asked anything of a stranger, and no policy was broken', () => {
    expect(house.strangers).to.deep.equal([])
    expect(house.complaints).to.deep.equal([])
  })
})
