import { expect } from 'chai'
import type { BrowserContext, Page } from 'playwright-core'
import { ask, button, type House, isReady, openHouse } from './visitor.ts'

/** Parts of a page whose code comes late, and the page's server while it does not answer, in a real Chromium. */

describe('what comes late', function () {
  this.timeout(300_000)
  let house: House
  before(async () => {
    house = await openHouse({ pods: ['chat', 'embed'], pictures: true })
  })
  after(() => house?.close())

  /** A line that breaks for a moment, or a page that was open while its server got a newer one. @returns ends it. */
  async function lose(context: BrowserContext, files: RegExp): Promise<() => Promise<void>> {
    await context.route(files, (route) => route.abort())
    return () => context.unroute(files)
  }
  const missing = (page: Page) => page.locator('[data-missing]')

  it('a part of the page that does not come leaves the rest as it was, and comes by itself', async () => {
    const page = await house.guest()
    await ask(page, 'What is a pod?')
    const question = page.getByPlaceholder('Ask something')
    await question.fill('Not sent yet')
    const restore = await lose(page.context(), /\/assets\/panel-[^/]*\.js$/)
    await button(page, 'Documents').click()
    await missing(page).waitFor()

    expect(await missing(page).textContent()).to.match(
      /^A part of this page did not come\. It is asked for again/,
    )
    expect(await page.locator('[data-role=assistant]').count()).to.equal(1)
    expect(await question.inputValue()).to.equal('Not sent yet')

    await restore()
    await page.getByRole('dialog').waitFor()
    expect(await missing(page).count()).to.equal(0)
    await page.keyboard.press('Escape')
    expect(await question.inputValue()).to.equal('Not sent yet')
    await page.context().close()
  })

  it('a page of the portal that does not come leaves the way to the others, and comes at the press of a button', async () => {
    const context = await house.visitor()
    const page = await house.open(context, '/')
    const link = (name: string) => page.getByRole('link', { name, exact: true })
    await link('Pods').waitFor()
    const restore = await lose(context, /\/assets\/pods-[^/]*\.js$/)
    await link('Pods').click()
    await missing(page).waitFor()
    await link('Nodes').click()
    await page.getByRole('heading', { name: 'Nodes', level: 1 }).waitFor()

    expect(await missing(page).count()).to.equal(0)
    await link('Pods').click()
    await missing(page).waitFor()
    await restore()
    await button(page, 'Try again').click()
    await page.getByRole('heading', { name: 'Pods', level: 1 }).waitFor()
    await context.close()
  })

  it('where the server has another build by now, the page offers to be loaded again, and is not by itself', async () => {
    const context = await house.visitor()
    const page = await house.open(context, '/')
    const link = page.getByRole('link', { name: 'Pods', exact: true })
    await link.waitFor()
    const restore = await lose(context, /\/assets\/pods-[^/]*\.js$/)
    const isPage = ({ pathname }: URL) => pathname === '/pods'
    await context.route(isPage, async (route) => {
      const response = await route.fetch()
      const body = (await response.text()).replaceAll(/\/assets\/index-[^"]*\.js/g, '/assets/index-newer.js')
      await route.fulfill({ response, body })
    })
    await link.click()
    const load = button(page, 'Load the page again')
    await load.waitFor()

    expect(await missing(page).textContent()).to.include('another build')
    await context.unroute(isPage)
    await restore()
    await page.getByRole('heading', { name: 'Pods', level: 1 }).waitFor()
    await context.close()
  })

  for (const door of ['/', '/pondera', '/imagine', '/search']) {
    it(`${door} says that its server does not answer, and begins once it does`, async () => {
      const context = await house.visitor()
      const config = '**/config.json'
      await context.route(config, (route) => route.fulfill({ status: 502, body: '<h1>Bad gateway</h1>' }))
      const page = await house.open(context, door)
      const says = page.getByText('The server of this page does not answer.')
      await says.waitFor()
      await context.unroute(config)
      await page.locator('footer').waitFor()

      expect(await says.count()).to.equal(0)
      await context.close()
    })
  }

  it('a portal whose reading of the router does not come begins once that does', async () => {
    const context = await house.visitor()
    const restore = await lose(context, /\/assets\/live-[^/]*\.js$/)
    const page = await house.open(context, '/pods')
    await page.getByText('The server of this page does not answer.').waitFor()
    await restore()
    await page.getByRole('heading', { name: 'Pods', level: 1 }).waitFor()
    await context.close()
  })

  it('a page whose signing does not come goes on once it does, with the key that it had', async () => {
    const page = await house.guest()
    const restore = await lose(page.context(), /\/assets\/session-[^/]*\.js$/)
    await page.reload()
    await page.locator('[data-session=down]').waitFor()
    await page.getByText('A part of this page did not come').first().waitFor()
    await restore()
    await isReady(page)

    await page.context().close()
  })

  it('an answer whose look does not come is read as it was written, until that comes', async () => {
    const context = await house.visitor()
    const restore = await lose(context, /\/assets\/markdown-[^/]*\.js$/)
    const page = await house.open(context)
    await button(page, 'Add credit').click()
    await button(page, 'Try without a wallet').click()
    await isReady(page)
    await page.keyboard.press('Escape')
    await page.getByLabel('Your question', { exact: true }).fill('What is a pod?')
    await button(page, 'Send').click()
    const answer = page.locator('[data-role=assistant][data-state=done]')
    await answer.waitFor()

    expect(await answer.locator('.prose').count()).to.equal(0)
    expect(await answer.locator('p.whitespace-pre-wrap').textContent()).to.match(/pod/i)
    await restore()
    await answer.locator('.prose').waitFor()
    expect(await missing(page).count()).to.equal(0)
    await context.close()
  })

  // ------------------------------------------------------------------------------- what checks an answer is there

  /** A page with a key as it is after a reload: nothing was paid in this tab yet. */
  async function returned(path: string): Promise<Page> {
    const page = await house.guest(path)
    await page.reload()
    await isReady(page)
    return page
  }
  const CODE = /\/assets\/[^/]*\.js$/
  const whole = (page: Page) => page.locator('[data-role=assistant][data-state=done]')

  it('an answer is checked, and its picture shown, by what came before anything was signed', async () => {
    const [pondera, imagine] = [await returned('/pondera'), await returned('/imagine/m/image')]
    for (const page of [pondera, imagine]) await lose(page.context(), CODE)
    await pondera.getByLabel('Your question', { exact: true }).fill('What is a pod?')
    await button(pondera, 'Send').click()
    await imagine.getByLabel('Prompt', { exact: true }).fill('a red circle')
    await button(imagine, 'Draw').click()
    await whole(pondera).waitFor()
    await imagine.locator('[data-drawing][data-state=done]').waitFor()

    for (const page of [pondera, imagine]) {
      await page.locator('[data-price]').first().waitFor()
      await page.context().close()
    }
  })

  it('a line that is gone for a second just when the first answer is checked takes neither answer nor key', async () => {
    const page = await returned('/pondera')
    const jobs = '**/v1/jobs'
    await page.context().route(jobs, async (route) => {
      const response = await route.fetch()
      await page.context().setOffline(true)
      setTimeout(() => void page.context().setOffline(false), 1_000)
      await route.fulfill({ response })
    })
    await page.getByLabel('Your question', { exact: true }).fill('What is a pod?')
    await button(page, 'Send').click()
    await whole(page).waitFor()
    await page.context().unroute(jobs)
    await page.reload()
    await isReady(page)
    await ask(page, 'What is a node?')

    expect(await whole(page).count()).to.equal(2)
    await page.context().close()
  })

  // ---------------------------------------------------------------------------------- parts that cannot be drawn

  const THROWS = "export default function Broken() { throw new Error('cannot be drawn') }"
  const broken = (page: Page) => page.locator('[data-broken]')
  const spoil = (context: BrowserContext, files: RegExp, body: string) =>
    context.route(files, (route) => route.fulfill({ contentType: 'text/javascript', body }))

  it('a page of the portal that cannot be drawn leaves the way to the others', async () => {
    const context = await house.visitor()
    await spoil(context, /\/assets\/pods-[^/]*\.js$/, THROWS)
    const page = await house.open(context, '/pods')
    await broken(page).waitFor()
    await page.getByRole('link', { name: 'Nodes', exact: true }).click()
    await page.getByRole('heading', { name: 'Nodes', level: 1 }).waitFor()

    expect(await broken(page).count()).to.equal(0)
    await context.close()
  })

  it('an answer that cannot be drawn is read as it was written, and the next question can be asked', async () => {
    const context = await house.visitor()
    await spoil(context, /\/assets\/markdown-[^/]*\.js$/, THROWS)
    const page = await house.open(context)
    await button(page, 'Add credit').click()
    await button(page, 'Try without a wallet').click()
    await isReady(page)
    await page.keyboard.press('Escape')
    for (const count of [1, 2]) {
      await page.getByLabel('Your question', { exact: true }).fill('What is a pod?')
      await button(page, 'Send').click()
      await page
        .locator('[data-role=assistant][data-state=done]')
        .nth(count - 1)
        .waitFor()
    }

    const answers = await page.locator('[data-role=assistant] p.whitespace-pre-wrap').allTextContents()
    expect(answers).to.have.length(2)
    for (const answer of answers) expect(answer).to.match(/pod/i)
    await context.close()
  })

  it('a door that cannot be drawn says so, and begins when it is loaded again', async () => {
    const context = await house.visitor()
    const files = /\/assets\/live-[^/]*\.js$/
    await spoil(context, files, 'export const openLive = () => ({})')
    const page = await house.open(context, '/pods')
    await broken(page).waitFor()
    await context.unroute(files)
    await button(page, 'Load the page again').click()
    await page.getByRole('heading', { name: 'Pods', level: 1 }).waitFor()

    expect(await broken(page).count()).to.equal(0)
    await context.close()
  })
})
