import { expect } from 'chai'
import type { Locator, Page } from 'playwright-core'
import { formatUsd } from '../../sdk/units.ts'
import { answered, ask, button, type House, isReady, openHouse, until } from './visitor.ts'

/** What was paid for in pondera stays, and what is signed is what was shown: in a real Chromium on a real network. */

const FACTS = Array.from(
  { length: 400 },
  (_, index) =>
    `Fact number ${index}: the capital of Japan is Tokyo, gold is a metal, and a pod is a model. `,
)
const FILE = { name: 'facts.txt', mimeType: 'text/plain', buffer: Buffer.from(FACTS.join('\n')) }

/** The calls that a page makes, each held back until it is let through. */
interface Calls {
  /** The most that each of them allowed. Base units, decimal text. */
  signed: string[]
  payer: string
  /** Lets those that wait through. */
  pass(): void
  /** Until one waits. */
  held(): Promise<void>
  /** Lets all of them through from now on. */
  passAll(): Promise<void>
}

describe('pondera in a browser: what was paid for', function () {
  this.timeout(300_000)
  let house: House
  before(async () => {
    house = await openHouse()
  })
  after(() => house?.close())

  const signedOf = (page: Page): string[] => {
    const signed: string[] = []
    page.on('request', (request) => {
      if (request.url().endsWith('/v1/jobs')) signed.push(request.postDataJSON().request.maxPrice)
    })
    return signed
  }
  async function holdCalls(page: Page): Promise<Calls> {
    const signed = signedOf(page)
    const waiting: (() => void)[] = []
    const calls: Calls = {
      signed,
      payer: '',
      pass() {
        for (const go of waiting.splice(0)) go()
      },
      held: () => until(async () => waiting.length > 0),
      async passAll() {
        await page.unroute('**/v1/jobs')
        calls.pass()
      },
    }
    await page.route('**/v1/jobs', async (route) => {
      calls.payer = route.request().postDataJSON().request.payer
      await new Promise<void>((resolve) => waiting.push(resolve))
      await route.continue()
    })
    return calls
  }
  async function charged(payer: string): Promise<string> {
    const answer = await fetch(`${house.stage.network.routerUrl}/v1/accounts/${payer}`)
    return ((await answer.json()) as { charged: string }).charged
  }
  const saidOf = (page: Page) => page.locator('[data-role]').allTextContents()
  const mostOf = async (tag: Locator) => (await tag.getAttribute('data-most')) ?? ''
  const openDocuments = (page: Page) => page.getByRole('button', { name: /^Documents/ }).click()
  /** A chat whose document is being indexed: something is paid, and the last call of so many waits. */
  async function indexing(): Promise<{ page: Page; calls: Calls; line: Locator; made: number }> {
    const page = await house.guest()
    const calls = await holdCalls(page)
    await openDocuments(page)
    await page.locator('input[type=file]').setInputFiles(FILE)
    await page.getByRole('button', { name: /^Index / }).click()
    const line = page.locator('[data-document="facts.txt"]')
    await calls.held()
    // What the model refuses as too long costs nothing, and is asked for in shorter pieces.
    for (; (await line.count()) === 0; await calls.held()) calls.pass()
    return { page, calls, line, made: calls.signed.length }
  }

  it('a document is indexed by one loop whatever becomes of its dialog, and stopped there', async () => {
    const { page, calls, line, made } = await indexing()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Documents (1), indexing…' }).click()

    await page.getByText(/^Indexing facts\.txt, \d+ of \d+ pieces…$/).waitFor()
    expect(await page.getByRole('button', { name: /^Go on with/ }).isDisabled()).to.equal(true)
    expect(await page.locator('input[type=file]').isDisabled()).to.equal(true)

    await button(page, 'Stop').click()
    await page.getByText('after the call that is under way').waitFor()
    await calls.passAll()
    await page.locator('[data-indexing]').waitFor({ state: 'detached' })
    expect(calls.signed).to.have.length(made)
    expect(await line.getAttribute('data-price')).to.equal(await charged(calls.payer))

    await page.getByRole('button', { name: /^Go on with/ }).click()
    await line.and(page.locator('[data-rest="0"]')).waitFor()
    await page.locator('[data-indexing]').waitFor({ state: 'detached' })
    expect(await line.getAttribute('data-price')).to.equal(await charged(calls.payer))
    await page.context().close()
  })

  it('a call whose page was closed before its answer came stands on the line of its document, and is not paid again', async () => {
    const page = await house.guest()
    const posted: { id: string; input: string }[] = []
    let payer = ''
    page.on('request', (request) => {
      if (!request.url().endsWith('/v1/jobs')) return
      const job = request.postDataJSON()
      payer = job.request.payer
      posted.push({ id: job.request.id, input: job.input })
    })
    // The router has answered in full, and the page never gets the vectors.
    let kept = ''
    await page.route('**/v1/jobs', async (route) => {
      const response = await route.fetch()
      if (response.ok()) kept = route.request().postDataJSON().request.id
      else await route.fulfill({ response })
    })
    await openDocuments(page)
    await page.locator('input[type=file]').setInputFiles(FILE)
    await page.getByRole('button', { name: /^Index / }).click()
    await until(async () => kept !== '')
    await page.reload()
    // Not before: a call that is held goes through once nothing holds it.
    await page.unroute('**/v1/jobs')
    await isReady(page)
    await page.getByRole('navigation', { name: 'Chats' }).getByRole('listitem').getByText('New chat').click()
    await openDocuments(page)
    const line = page.locator('[data-document="facts.txt"]')
    await line.locator('[data-open=paid]').waitFor()
    const cost = await charged(payer)
    expect(BigInt(cost) > 0n).to.equal(true)
    expect(await line.getAttribute('data-price')).to.equal(cost)

    const before = posted.length
    await page.getByRole('button', { name: /^Go on with/ }).click()
    await line.and(page.locator('[data-rest="0"]')).waitFor()
    await page.locator('[data-indexing]').waitFor({ state: 'detached' })
    const [again, ...others] = posted.slice(before)
    expect(again?.id).to.equal(kept)
    expect(others.length).to.be.above(0)
    expect(others.map(({ id }) => id)).not.to.include(kept)
    expect(await line.getAttribute('data-price')).to.equal(await charged(payer))
    expect(await line.locator('[data-open]').count()).to.equal(0)
    await page.context().close()
  })

  it('a document whose first call fails leaves no empty chat behind', async () => {
    const page = await house.guest()
    const body = { error: { code: 'input.invalid', kind: 'refused', message: 'It is not to be read.' } }
    await page.route('**/v1/jobs', (route) => route.fulfill({ status: 400, json: body }))
    await openDocuments(page)
    await page.locator('input[type=file]').setInputFiles(FILE)
    await page.getByRole('button', { name: /^Index / }).click()
    await page.locator('[data-problem="input.invalid"]').waitFor()

    expect(await page.getByRole('navigation', { name: 'Chats' }).getByRole('listitem').count()).to.equal(0)
    await page.context().close()
  })

  it('a document that is removed while it is indexed is gone, and what it cost is told', async () => {
    const { page, calls, line, made } = await indexing()
    page.once('dialog', (dialog) => dialog.accept())
    await page.getByRole('button', { name: 'Remove facts.txt' }).click()
    await calls.passAll()
    const told = page.locator('[data-removed="facts.txt"]')
    await told.waitFor()
    const cost = await charged(calls.payer)

    expect(await line.count()).to.equal(0)
    expect(calls.signed).to.have.length(made)
    expect(await told.getAttribute('data-price')).to.equal(cost)
    expect(await told.textContent()).to.include(`$${formatUsd(BigInt(cost))}`)
    await page.context().close()
  })

  it('a chat that is deleted while its document is indexed stays away, and no other call is made', async () => {
    const { page, calls, made } = await indexing()
    await page.keyboard.press('Escape')
    const asked: string[] = []
    page.once('dialog', (dialog) => {
      asked.push(dialog.message())
      void dialog.accept()
    })
    await page.getByRole('button', { name: /^Delete / }).click()
    const answering = page.waitForResponse((response) => response.url().endsWith('/v1/jobs'))
    await calls.passAll()
    await answering
    await page.reload()
    await isReady(page)

    expect(asked.join()).to.include('The call that indexes its document now is still paid')
    expect(calls.signed).to.have.length(made)
    expect(await page.getByRole('navigation', { name: 'Chats' }).getByRole('listitem').count()).to.equal(0)
    await page.context().close()
  })

  it('a link that is made late leaves the answers that came meanwhile', async () => {
    const page = await house.guest()
    await ask(page, 'What is a pod?')
    let go: () => void = () => undefined
    await page.route('**/api/shares', async (route) => {
      await new Promise<void>((resolve) => {
        go = resolve
      })
      await route.continue()
    })
    const asked = page.waitForRequest('**/api/shares')
    await button(page, 'Share').click()
    await button(page, 'Make a link').click()
    await asked
    await page.keyboard.press('Escape')
    await ask(page, 'What is an epoch?')
    const before = await saidOf(page)
    const shared = page.waitForResponse('**/api/shares')
    go()
    await shared
    await button(page, 'Share').click()
    await page.locator('[data-share]').waitFor()
    await page.keyboard.press('Escape')

    expect(before).to.have.length(4)
    expect(await saidOf(page)).to.deep.equal(before)
    await page.reload()
    await isReady(page)
    expect(await page.locator('[data-receipt]').count()).to.equal(2)
    await page.context().close()
  })

  it('a router that does not answer an edit takes nothing away: the chat is as it was, and says why', async () => {
    const page = await house.guest()
    for (const question of ['What is a pod?', 'What is a node?']) await ask(page, question)
    const before = await saidOf(page)
    await page.route('**/v1/jobs', (route) => route.abort())
    await button(page, 'edit').first().click()
    await page.getByLabel('Your question, edited').fill('What is a validator?')
    await button(page, 'Ask again').click()
    const refused = page.locator('[data-refused]')
    await refused.waitFor()

    expect(await saidOf(page)).to.deep.equal(before)
    expect(await refused.getAttribute('data-problem')).to.equal('router.unreachable')
    expect(await refused.textContent()).to.include('What is a validator?')

    await button(page, 'regenerate').click()
    await until(async () => (await refused.textContent())?.includes('What is a node?') === true)
    expect(await saidOf(page)).to.deep.equal(before)
    await page.unroute('**/v1/jobs')
    await page.reload()
    await isReady(page)
    expect(await saidOf(page)).to.deep.equal(before)

    await button(page, 'edit').first().click()
    await page.getByLabel('Your question, edited').fill('What is an epoch?')
    await button(page, 'Ask again').click()
    await until(async () => (await page.locator('[data-role]').count()) === 2)
    expect(await answered(page, 0)).to.match(/epoch/i)
    expect(await refused.count()).to.equal(0)
    await page.context().close()
  })

  it('too little credit for an edit or a regeneration takes nothing away either', async () => {
    const page = await house.open(await house.visitor())
    await button(page, 'Add credit').click()
    await page.getByLabel('Dollars').fill('0.0016')
    await button(page, 'Try without a wallet').click()
    await isReady(page)
    await page.keyboard.press('Escape')
    await ask(page, 'What is a pod?')
    const refused = page.locator('[data-refused]')
    for (let tries = 0; tries < 8 && (await refused.count()) === 0; tries += 1) {
      const receipt = await page.locator('[data-receipt]').getAttribute('data-receipt')
      await button(page, 'regenerate').click()
      await until(async () => {
        if ((await refused.count()) > 0) return true
        const now = page.locator('[data-state=done] [data-receipt]')
        return (await now.count()) === 1 && (await now.getAttribute('data-receipt')) !== receipt
      })
    }

    expect(await refused.count()).to.equal(1)
    expect(await page.locator('[data-state=done] [data-receipt]').count()).to.equal(1)
    await page.context().close()
  })

  it('what is signed is exactly what stood beside the button: welcome, edit, regenerate and send', async () => {
    const page = await house.guest()
    const signed = signedOf(page)
    const prompt = page.getByRole('region', { name: 'Welcome' }).getByRole('button').first()
    const welcome = await mostOf(prompt.locator('[data-most]'))
    await prompt.click()
    await answered(page, 0)
    expect(signed).to.deep.equal([welcome])

    await button(page, 'edit').click()
    await page
      .getByLabel('Your question, edited')
      .fill('Tell me, please, in as many words as you know, what a pod is and what a node is. '.repeat(4))
    const edited = await mostOf(page.locator('form [data-most]'))
    const sending = page.waitForRequest('**/v1/jobs')
    await button(page, 'Ask again').click()
    await sending
    await answered(page, 0)
    expect([edited, BigInt(edited) > BigInt(welcome)]).to.deep.equal([signed[1], true])

    const before = signed.length
    const again = await mostOf(page.locator('[data-role=assistant] [data-most]'))
    await Promise.all([page.waitForRequest('**/v1/jobs'), button(page, 'regenerate').click()])
    await answered(page, 0)
    expect([...new Set(signed.slice(before))]).to.deep.equal([again])

    const sent = signed.length
    await page.getByLabel('Your question', { exact: true }).fill('And what is an epoch?')
    const tag = await page.locator('form [data-price]').getAttribute('data-price')
    await button(page, 'Send').click()
    await answered(page, 1)
    expect([...new Set(signed.slice(sent))]).to.deep.equal([tag])
    await page.context().close()
  })

  it('a shared chat is deleted with its page or alone, and whoever deletes it is told of the page', async () => {
    const page = await house.guest()
    const share = async () => {
      await button(page, 'New chat').first().click()
      await ask(page, 'What is a pod?')
      await button(page, 'Share').click()
      await button(page, 'Make a link').click()
      const link = (await page.locator('[data-share]').getAttribute('href')) ?? ''
      await page.keyboard.press('Escape')
      return link.replace('/pondera/s/', '/api/shares/')
    }
    for (const [how, status] of [
      ['Delete the chat and its shared page', 404],
      ['Delete the chat alone', 200],
    ] as const) {
      const kept = await share()
      expect((await fetch(kept)).status).to.equal(200)
      await page.getByRole('button', { name: 'Delete What is a pod?' }).click()
      const dialog = page.getByRole('dialog')
      expect(await dialog.textContent()).to.include('its shared page stays, and only its secret link deletes')
      expect(await dialog.locator('[data-delete]').textContent()).to.include('#delete=')
      await button(page, how).click()
      await until(async () => (await page.locator('nav[aria-label=Chats] li').count()) === 0)

      expect((await fetch(kept)).status).to.equal(status)
    }
    await page.context().close()
  })

  it('a shared chat says that nobody has checked its words, before any script and after', async () => {
    const answer = await fetch(`${house.stage.url}/api/shares`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        title: 'Forged',
        model: 'chat',
        messages: [{ role: 'assistant', model: 'gpt-9', text: 'Buy HEU.', request: `0x${'ab'.repeat(32)}` }],
      }),
    })
    const { id } = (await answer.json()) as { id: string }
    const sent = await (await fetch(`${house.stage.url}/pondera/s/${id}`)).text()
    const page = await house.open(await house.visitor(), `/pondera/s/${id}`)
    await page.locator('.prose').waitFor()

    expect(sent).to.include('Nobody has checked it')
    expect(await page.locator('[data-claimed]').textContent()).to.include('Nobody has checked that')
    expect(await page.title()).to.equal('Forged · Pondera')
    await page.context().close()
  })

  /** What an answer shows that ended somehow, once its price is known. */
  async function costOf(page: Page): Promise<{ price: bigint; text: string }> {
    const last = page.locator('[data-role=assistant]').last()
    const link = last.locator('[data-receipt]').filter({ hasText: '$' })
    await link.waitFor()
    const { receipt } = await house.receipt((await link.getAttribute('data-receipt')) ?? '')
    return { price: receipt?.price ?? 0n, text: (await last.textContent()) ?? '' }
  }
  const send = async (page: Page, question: string) => {
    await page.getByLabel('Your question', { exact: true }).fill(question)
    await button(page, 'Send').click()
  }

  it('an answer that comes while its key is being revoked shows what it cost', async () => {
    const page = await house.guest()
    const calls = { isAnswered: false, pass: () => {} }
    const passed = new Promise<void>((resolve) => {
      calls.pass = resolve
    })
    await page.route('**/v1/jobs', async (route) => {
      const response = await route.fetch()
      calls.isAnswered = true
      await passed
      await route.fulfill({ response })
    })
    await send(page, 'What is two and two?')
    await until(async () => calls.isAnswered)
    await page.locator('[data-session]').click()
    await button(page, 'Revoke and withdraw').click()
    await page.locator('[data-session=revoked]').waitFor()
    await button(page, 'Close').click()
    calls.pass()

    const { price, text } = await costOf(page)
    expect(price > 0n).to.equal(true)
    expect(text).to.include(formatUsd(price))
    await page.context().close()
  })

  it('an answer that the chain could not confirm at once shows what it cost, once it does', async () => {
    const page = await house.guest()
    const { host } = new URL(house.stage.market.chain.rpcUrl)
    let isDown = false
    await page.route(
      (url) => url.host === host,
      (route) => (isDown ? route.abort() : route.continue()),
    )
    await page.route('**/v1/jobs', (route) => {
      isDown = true
      return route.continue()
    })
    await send(page, 'What is two and two?')
    const failed = page.locator('[data-role=assistant][data-state=failed]')
    await failed.locator('[data-cost=open]').waitFor()
    isDown = false

    const { price, text } = await costOf(page)
    expect(price > 0n).to.equal(true)
    expect(text).to.include(formatUsd(price))
    await page.reload()
    await isReady(page)
    expect((await costOf(page)).price).to.equal(price)
    await page.context().close()
  })

  it('a double click on Send asks once, and stops nothing', async () => {
    const page = await house.guest()
    const calls = await holdCalls(page)
    await page.getByLabel('Your question', { exact: true }).fill('What is two and two?')
    await button(page, 'Send').dblclick()
    await calls.held()
    await button(page, 'Stop').waitFor()
    await calls.passAll()

    expect(await answered(page, 0)).not.to.equal('')
    expect(await page.locator('[data-role=assistant]').count()).to.equal(1)
    await page.context().close()
  })

  it('the keyboard stays in the composer from question to answer, and where it was put meanwhile', async () => {
    const page = await house.guest()
    const focused = () => page.evaluate('document.activeElement.closest("label")?.textContent')
    const composer = page.getByLabel('Your question', { exact: true })
    for (const question of ['What is two and two?', 'And three and three?']) {
      const calls = await holdCalls(page)
      await composer.fill(question)
      await button(page, 'Send').focus()
      await page.keyboard.press('Enter')
      await calls.held()
      expect(await focused()).to.include('Your question')
      await button(page, 'Stop').focus()
      await calls.passAll()
      await until(async () => (await button(page, 'Stop').count()) === 0)
      expect(await focused()).to.include('Your question')
    }
    await page.getByRole('status').getByText('The answer is complete.').waitFor({ state: 'attached' })

    await button(page, 'edit').first().click()
    expect(await page.evaluate('document.activeElement.ariaLabel')).to.equal('Your question, edited')
    await composer.focus()
    for (const letter of 'abc') {
      await page.keyboard.type(letter)
      // Whatever the page is told of, it shows all of itself anew.
      await page.evaluate(`new Promise((resolve) => {
        new BroadcastChannel('heurist-pondera').postMessage('settings')
        setTimeout(resolve, 100)
      })`)
    }
    expect(await page.getByPlaceholder('Ask something').inputValue()).to.equal('abc')
    await page.context().close()
  })

  it('the title of a tab is that of its chat', async () => {
    const page = await house.guest()
    expect(await page.title()).to.equal('Pondera · Heurist')
    await ask(page, 'What is the capital of Japan?')

    expect(await page.title()).to.equal('What is the capital of · Pondera')
    await button(page, 'New chat').first().click()
    await until(async () => (await page.title()) === 'Pondera · Heurist')
    await page.context().close()
  })

  it('no page asked anything of a stranger, and no policy was broken', () => {
    expect(house.strangers).to.deep.equal([])
    expect(house.complaints).to.deep.equal([])
  })
})
