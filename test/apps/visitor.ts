import { expect } from 'chai'
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import { type ReceiptDocument, receiptDocumentSchema } from '../../sdk/documents.ts'
import { usd } from '../../sdk/units.ts'
import { launchChromium } from './chromium.ts'
import { openStage, type Stage, type StageOptions } from './pondera.ts'
import { giveWallet, type TestWallet } from './wallet.ts'

/** What a page may take to answer on a busy machine. */
const CALL_MS = 60_000

/** A network with pondera on it, a browser, and people who come by. */
export interface House {
  stage: Stage
  /** What pages asked of anybody but the network's own doors. */
  strangers: string[]
  /** What the browser's policies and the pages themselves complained about. */
  complaints: string[]
  visitor(): Promise<BrowserContext>
  /** A visitor with a wallet that holds so many dollars. */
  holder(dollars: bigint, path?: string): Promise<{ context: BrowserContext; wallet: TestWallet; page: Page }>
  /** A visitor without a wallet, with play money. */
  guest(path?: string): Promise<Page>
  open(context: BrowserContext, path?: string): Promise<Page>
  receipt(request: string): Promise<ReceiptDocument>
  close(): Promise<void>
}

export const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
/** Until that has the keyboard's focus. */
export const isFocused = (wanted: Locator) => wanted.and(wanted.page().locator(':focus')).waitFor()
export const isReady = (page: Page) => page.locator('[data-session=ready]').waitFor()

export async function fund(page: Page, how = 'Deposit with Test Wallet'): Promise<void> {
  await button(page, 'Add credit').click()
  await button(page, how).click()
}

/** What a door says that it earned, which it reads once somebody looks at its foot. */
export async function revenueOf(page: Page): Promise<Locator> {
  await page.locator('footer').hover()
  return page.locator('[data-earned]')
}

/** Asks and waits for the whole answer. */
export async function ask(page: Page, question: string): Promise<string> {
  const answers = page.locator('[data-role=assistant]')
  const before = await answers.count()
  await page.getByLabel('Your question', { exact: true }).fill(question)
  await button(page, 'Send').click()
  return answered(page, before)
}

/** The text of answer number `index` once it is whole. */
export async function answered(page: Page, index: number): Promise<string> {
  const answer = page.locator('[data-role=assistant]').nth(index)
  await answer.and(page.locator('[data-state=done]')).waitFor()
  return (await answer.locator('.prose').textContent()) ?? ''
}

/** Until the documents that search finds have their vectors, which the door's operator pays for once. */
export const indexed = ({ stage }: House) =>
  until(async () => (await (await fetch(`${stage.url}/api/search`)).text()).includes('embed'))

/** Pages read terms at half their prices, until a client asks for those that it signs for: they rose meanwhile. */
export async function risingPrices(context: BrowserContext): Promise<void> {
  let risen = false
  await context.route(
    ({ pathname }) => /^\/v1\/pods\/[^/]+\/manifest$/.test(pathname),
    async (route) => {
      if (new URL(route.request().url()).search !== '') risen = true
      if (risen) return route.continue()
      const response = await route.fetch()
      const half = (text: string) => Math.ceil(Number(text) / 2)
      const body = (await response.text()).replaceAll(
        /\b(input|output|minimum): (\d+)/g,
        (_, name, figure) => `${name}: ${half(figure)}`,
      )
      return route.fulfill({ response, body })
    },
  )
}

/** Waits until it holds, two minutes at most: the machine may have other work. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries += 1) {
    expect(tries, 'it never came to that').to.be.lessThan(600)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/**
 * @param options        What its stage has beside pondera's own pods,
 * @param options.stage  or another stage than that; the house closes it.
 */
export async function openHouse(
  options: Omit<StageOptions, 'relay'> & { stage?: Stage } = {},
): Promise<House> {
  const browser: Browser = await launchChromium()
  const { stage: given, ...network } = options
  const stage = given ?? (await openStage({ relay: true, ...network }))
  const strangers: string[] = []
  const complaints: string[] = []
  const doors = [stage.url, stage.network.routerUrl, stage.market.chain.rpcUrl]
  const own = new Set(doors.map((url) => new URL(url).host))

  async function visitor(): Promise<BrowserContext> {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
    context.setDefaultTimeout(CALL_MS)
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    context.on('request', (request) => {
      const { protocol, host } = new URL(request.url())
      if (protocol.startsWith('http') && !own.has(host)) strangers.push(request.url())
    })
    context.on('console', (message) => {
      if (/Content Security Policy|Trusted/.test(message.text())) complaints.push(message.text())
    })
    context.on('weberror', (error) => complaints.push(String(error.error())))
    return context
  }
  async function open(context: BrowserContext, path = '/pondera'): Promise<Page> {
    const page = await context.newPage()
    await page.goto(stage.url + path)
    return page
  }
  return {
    stage,
    strangers,
    complaints,
    visitor,
    open,
    async holder(dollars, path) {
      const context = await visitor()
      const { account } = await stage.purse(dollars * usd('1'))
      const { chain, domain } = stage.market
      const wallet = await giveWallet(context, { account, rpcUrl: chain.rpcUrl, chainId: domain.chainId })
      return { context, wallet, page: await open(context, path) }
    },
    async guest(path) {
      const page = await open(await visitor(), path)
      await fund(page, 'Try without a wallet')
      await isReady(page)
      await page.keyboard.press('Escape')
      return page
    },
    async receipt(request) {
      const answer = await fetch(`${stage.network.routerUrl}/v1/receipts/${request}`)
      expect(answer.status, request).to.equal(200)
      return receiptDocumentSchema.parse(await answer.json())
    },
    async close() {
      await browser.close()
      await stage.close()
    },
  }
}
