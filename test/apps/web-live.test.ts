import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { computeLedgerAbi, registryAbi } from '../../sdk/chain/abi.ts'
import { readAccount } from '../../sdk/chain/accounts.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { readClock } from '../../sdk/chain/epochs.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import { formatUsd } from '../../sdk/units.ts'
import { figure } from './acts.ts'
import { button, type House, isReady, openHouse, until } from './visitor.ts'

/** The portal's first page and a receipt's drawing in a real Chromium: every figure beside a read of the chain. */

const CALLS = 3
/** A drawing's numbers are rounded to tenths of a pixel. */
const ROUNDED_PX = 0.3

describe('the network on the portal’s first page', function () {
  this.timeout(300_000)
  let house: House
  let page: Page
  const requests: string[] = []
  before(async () => {
    house = await openHouse({ pods: ['chat'] })
    page = await house.guest(`/pods/${house.stage.market.seeded.pods.chat}`)
  })
  after(() => house?.close())

  const client = () => house.stage.market.deployer.client
  const ledger = () => ({ address: house.stage.market.addresses.ledger, abi: computeLedgerAbi }) as const
  const router = () => house.stage.market.router.address
  const chain = () => {
    const { chain: local, domain } = house.stage.market
    return openChain({ chainId: domain.chainId, rpcUrl: local.rpcUrl })
  }
  const everything = { fromBlock: 0n, strict: true } as const
  /** One of the four figures, and what stands below it. */
  const told = (on: Page, name: string) =>
    on
      .locator('dl > div', { has: on.getByText(name, { exact: true }) })
      .locator('dd')
      .allTextContents()

  /** Asks the chat pod on its own page. */
  async function call(on: Page, prompt: string): Promise<void> {
    await on.goto(`${house.stage.url}/pods/${house.stage.market.seeded.pods.chat}`)
    await isReady(on)
    await on.getByLabel('Message', { exact: true }).fill(prompt)
    await button(on, 'Run').click()
    await on.locator('[data-run=done]').waitFor()
    requests.push((await on.locator('[data-receipt]').first().getAttribute('data-receipt')) ?? '')
  }

  it('moves with every job: a dot on its way to the node and back, and none once it is answered', async () => {
    const map = await house.open(await house.visitor(), '/')
    await map.getByRole('img', { name: /^Map of the network: 1 live node, 0 running calls/ }).waitFor()
    await map.evaluate(`(() => {
      window.dots = 0
      const count = (changes) => {
        for (const { addedNodes } of changes)
          for (const node of addedNodes) if (node.nodeName === 'circle') window.dots += 1
      }
      new MutationObserver(count).observe(document.querySelector('svg[role=img]'), { childList: true, subtree: true })
    })()`)
    for (let index = 0; index < CALLS; index += 1) await call(page, `What is a pod? ${index}`)
    const circles = map.locator('svg[role=img] g:last-child > circle[r="4.5"]')
    await until(async () => (await circles.count()) === 0)

    // To the node and back, for each of the calls; a line that is not drawn yet has no dot.
    expect(Number(await map.evaluate('window.dots'))).to.be.within(CALLS, 5 * CALLS)
    await map.getByRole('img', { name: /1 live node, 0 running calls, 1 recent payer$/ }).waitFor()
    await map.context().close()
  })

  it('its figures, balances and batches are the chain’s once everything is settled', async () => {
    await until(async () => {
      const receipts = await Promise.all(requests.map((request) => house.receipt(request)))
      return receipts.every(({ status }) => status === 'settled')
    })
    const [settled, nodes, deposits] = await Promise.all([
      client().getContractEvents({ ...ledger(), eventName: 'BatchSettled', ...everything }),
      client().readContract({
        address: house.stage.market.addresses.registry,
        abi: registryAbi,
        functionName: 'countOf',
        args: [ROLE.node],
      }),
      client().getContractEvents({ ...ledger(), eventName: 'Deposited', ...everything }),
    ])
    const keys = [...new Set(deposits.map(({ args }) => args.key))]
    const accounts = await Promise.all(
      keys.map((key) => readAccount(chain(), ledger().address, { router: router(), key })),
    )
    const gross = settled.reduce((sum, { args }) => sum + args.gross, 0n)
    const mine = accounts.filter(({ spent }) => spent > 0n)
    await page.goto(`${house.stage.url}/`)
    await until(async () => (await told(page, 'Paid'))[0] === `$${formatUsd(gross)}`)
    const newest = settled.at(-1)?.args.seq

    expect(requests).to.have.lengthOf(CALLS)
    expect(gross > 0n).to.equal(true)
    expect((await told(page, 'Paid'))[1]).to.equal(`in the last ${CALLS} calls`)
    expect((await told(page, 'Answers served'))[0]).to.equal(String(CALLS))
    expect((await told(page, 'Nodes live'))[0]).to.equal(`1 / ${nodes}`)
    expect((await told(page, 'Last settlement'))[0]).to.equal(`batch ${newest}`)

    expect(mine).to.have.lengthOf(1)
    const [account] = mine
    if (!account) throw new Error('nobody paid')
    const { key, credit, spent, deposited } = account
    const balance = page.getByRole('region', { name: 'Balances' }).getByRole('listitem')
    expect(await balance.count()).to.equal(1)
    expect(await balance.locator(`[title="${key.toLowerCase()}" i]`).count()).to.equal(1)
    expect(await balance.textContent())
      .to.include(`$${formatUsd(credit)}`)
      .and.include(`${CALLS} calls$${formatUsd(spent)} settled`)
    expect(spent).to.equal(gross)
    await batchesAre(settled)

    await page.goto(`${house.stage.url}/credits`)
    await until(async () => (await figure(page, 'charged')) === spent)
    expect(await figure(page, 'left')).to.equal(credit)
    expect(await figure(page, 'deposited')).to.equal(deposited)
  })

  async function batchesAre(
    settled: { args: { seq: bigint; gross: bigint }; transactionHash: string }[],
  ): Promise<void> {
    const lines = await page.getByRole('region', { name: 'Batches' }).getByRole('listitem').allTextContents()
    expect(lines.map((line) => line.match(/^#\d+/)?.[0])).to.deep.equal(
      settled.map(({ args }) => `#${args.seq}`).reverse(),
    )
    for (const [index, { args, transactionHash }] of settled.reverse().entries()) {
      expect(lines[index]).to.include(`$${formatUsd(args.gross)}`)
      expect(lines[index]).to.include(transactionHash.slice(0, 6))
    }
  }

  it('a receipt’s payment is drawn as the chain splits it: five amounts, and bars as high as their shares', async () => {
    const [request = ''] = requests
    const { receipt } = await house.receipt(request)
    const price = receipt?.price ?? 0n
    const { epoch } = await readClock(chain())
    const split = await client().readContract({ ...ledger(), functionName: 'splitIn', args: [epoch] })
    const parts = [split.node, split.pod, split.frontend, split.voters].map(
      (bps) => (price * BigInt(bps)) / 10_000n,
    )
    const shares = [...parts, price - parts.reduce((sum, part) => sum + part, 0n)]
    await page.goto(`${house.stage.url}/r/${request}`)
    const drawing = page.locator('figure svg')
    await drawing.waitFor()
    const words = (await drawing.locator('text').allTextContents()).filter((text) => text.startsWith('$'))
    const heights = await drawing
      .locator('rect')
      .evaluateAll((bars) => bars.map((bar) => Number(bar.getAttribute('height'))))
    const [whole = 0, ...bars] = heights

    expect(words).to.deep.equal(shares.map((share) => `$${formatUsd(share)}`))
    for (const [index, share] of shares.entries()) {
      const due = Math.max(1, (whole * Number(share)) / Number(price))
      expect(Math.abs((bars[index] ?? 0) - due), `bar ${index}`).to.be.at.most(ROUNDED_PX)
    }
  })
})
