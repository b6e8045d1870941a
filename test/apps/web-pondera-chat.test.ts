import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { openChain } from '../../sdk/chain/clients.ts'
import { claimablesOf } from '../../sdk/chain/payees.ts'
import { verifyReceipt } from '../../sdk/verify.ts'
import { faultsInBothThemes, faultsOf } from './axe.ts'
import { slowLine } from './slow-line.ts'
import {
  answered,
  ask,
  button,
  type House,
  isFocused,
  isReady,
  openHouse,
  revenueOf,
  until,
} from './visitor.ts'

/** Every row of pondera's feature table, in a real Chromium on a real network. */

/** What is written where only text belongs. */
const HOSTILE = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script><iframe src=//evil.test>'

describe('pondera in a browser: chatting', function () {
  this.timeout(300_000)
  let house: House
  let page: Page
  before(async () => {
    house = await openHouse()
    page = await house.guest()
  })
  after(() => house?.close())

  const isHurt = (on: Page) => on.evaluate('window.hurt')
  const newChat = (on: Page = page) => button(on, 'New chat').first().click()

  it('welcomes with three of its prompts, and one click asks', async () => {
    const prompts = page.getByRole('region', { name: 'Welcome' }).getByRole('button')

    expect(await prompts.count()).to.equal(3)

    await prompts.first().click()
    expect(await answered(page, 0)).not.to.equal('')
  })

  it('an answer comes in pieces, has a price before and a receipt after, and the receipt holds', async () => {
    await newChat()
    await page.getByLabel('Your question', { exact: true }).fill('What is a pod?')
    const most = BigInt((await page.locator('[data-price]').getAttribute('data-price')) ?? '0')
    await button(page, 'Send').click()
    expect(await answered(page, 0)).to.match(/pod/)
    const link = page.locator('[data-receipt]')
    const request = (await link.getAttribute('data-receipt')) ?? ''
    const { receipt, request: asked } = await house.receipt(request)

    expect(receipt?.price !== undefined && receipt.price <= asked.maxPrice).to.equal(true)
    // The tag is of the question as it stands there; what is signed is the same formula of the same document.
    expect(most).to.equal(asked.maxPrice)
    expect(asked.frontend).to.equal(house.stage.frontend)
    const { chain, domain, addresses } = house.stage.market
    const checks = await verifyReceipt(request as `0x${string}`, {
      routerUrl: house.stage.network.routerUrl,
      rpcUrl: chain.rpcUrl,
      chainId: domain.chainId,
      ledger: addresses.ledger,
    })
    expect(checks.filter(({ ok, name }) => !ok && name !== 'settled')).to.deep.equal([])
    const [opened] = await Promise.all([page.context().waitForEvent('page'), link.click()])
    await opened.getByText('Checked in this browser').waitFor()
    await opened.close()
  })

  it('stops in the middle: what came is kept, and only that is charged', async () => {
    const mine = await house.guest()
    await button(mine, 'Advanced').click()
    await mine.getByRole('slider').fill('2')
    await mine.keyboard.press('Escape')
    await ask(mine, 'What is a pod?')
    // So that there is a middle.
    const line = await slowLine(mine.context(), house.stage.network.routerUrl)
    const question = mine.getByLabel('Your question', { exact: true })
    await question.fill('Tell me everything about pods, nodes and epochs.')
    await button(mine, 'Send').click()
    await mine.locator('[data-state=writing] .prose > *').first().waitFor()
    await button(mine, 'Stop').click()
    const answer = mine.locator('[data-state=stopped]')
    await answer.waitFor()
    await line.close()
    const request = (await answer.locator('[data-receipt]').getAttribute('data-receipt')) ?? ''
    const { receipt, request: asked } = await house.receipt(request)

    expect(await answer.locator('.prose').textContent()).not.to.equal('')
    expect(await answer.textContent()).to.include('only what was delivered is charged')
    expect(receipt === undefined || receipt.price <= asked.maxPrice).to.equal(true)
    expect(await ask(mine, 'What is a pod?')).not.to.equal('')
    await mine.context().close()
  })

  it('a question is edited: what followed it goes, and it is asked anew', async () => {
    await newChat()
    await ask(page, 'What is a pod?')
    await ask(page, 'What is an epoch?')
    await button(page, 'edit').first().click()
    await page.getByLabel('Your question, edited').fill('What is a node?')
    await button(page, 'Ask again').click()
    expect(await answered(page, 0)).to.match(/node/i)

    expect(await page.locator('[data-role=user]').count()).to.equal(1)
    expect(await page.locator('[data-role=user]').textContent()).to.include('What is a node?')
  })

  it('an answer is copied, and regenerated in its place with a receipt of its own', async () => {
    await newChat()
    const text = await ask(page, 'What is a pod?')
    await page
      .locator('[data-role=assistant]')
      .getByRole('button', { name: /^Copy answer/ })
      .click()
    expect(await page.evaluate('navigator.clipboard.readText()')).to.equal(text)

    const before = await page.locator('[data-receipt]').getAttribute('data-receipt')
    await button(page, 'regenerate').click()
    await until(async () => {
      const now = page.locator('[data-state=done] [data-receipt]')
      return (await now.count()) === 1 && (await now.getAttribute('data-receipt')) !== before
    })
    await answered(page, 0)
    expect(await page.locator('[data-role=assistant]').count()).to.equal(1)
  })

  it('another model goes on in the same chat, with a note, and at its own price', async () => {
    await newChat()
    await ask(page, 'What is a pod?')
    await page.getByLabel('Model').selectOption('chat-twin')
    await page.getByRole('note').waitFor()
    expect(await page.getByRole('note').textContent()).to.include('chat → chat-twin')
    await page.locator('[data-price]').waitFor()
    await ask(page, 'What is an epoch?')
    const last = page.locator('[data-receipt]').last()
    const { request } = await house.receipt((await last.getAttribute('data-receipt')) ?? '')

    expect(request.pod).to.equal(house.stage.market.seeded.pods['chat-twin'])
    await page.getByLabel('Model').selectOption('chat')
  })

  it('a link chooses the model; one that is not there is said in a sentence', async () => {
    const context = page.context()
    const linked = await house.open(context, '/pondera?model=chat-twin')
    await until(async () => (await linked.getByLabel('Model').inputValue()) === 'chat-twin')
    await linked.goto(`${house.stage.url}/pondera?model=${encodeURIComponent(HOSTILE)}`)
    await linked.getByText('This network has no chat model').waitFor()

    expect(await isHurt(linked)).to.equal(undefined)
    await linked.close()
  })

  it('the system prompt and the temperature are kept, and go along with every question', async () => {
    await newChat()
    await button(page, 'Advanced').click()
    await page.getByLabel('System prompt').fill('Answer in one sentence.')
    await page.keyboard.press('Escape')
    const sent = page.waitForRequest((request) => request.url().endsWith('/v1/jobs'))
    await ask(page, 'What is a pod?')
    const input = JSON.parse((await sent).postDataJSON().input)

    expect(input.messages[0]).to.deep.equal({ role: 'system', content: 'Answer in one sentence.' })
    expect(input).to.include({ temperature: 0, max_tokens: 256 })

    await page.reload()
    await isReady(page)
    await button(page, 'Advanced').click()
    expect(await page.getByLabel('System prompt').inputValue()).to.equal('Answer in one sentence.')
    await page.getByLabel('Memory').selectOption('1')
    await page.keyboard.press('Escape')
    const alone = page.waitForRequest((request) => request.url().endsWith('/v1/jobs'))
    await ask(page, 'What is an epoch?')
    const { messages } = JSON.parse((await alone).postDataJSON().input)
    expect(messages.map(({ role }: { role: string }) => role)).to.deep.equal(['system', 'user'])

    await button(page, 'Advanced').click()
    await button(page, 'Back to the defaults').click()
    await page.keyboard.press('Escape')
  })

  it('a model is asked to think first once that is chosen, and no longer', async () => {
    await newChat()
    const systemOf = async (question: string) => {
      const sent = page.waitForRequest((request) => request.url().endsWith('/v1/jobs'))
      await ask(page, question)
      const [first] = JSON.parse((await sent).postDataJSON().input).messages
      return first.role === 'system' ? first.content : ''
    }
    await button(page, 'Advanced').click()
    await page.getByLabel(/^Think first/).check()
    await page.keyboard.press('Escape')
    expect(await systemOf('What is a pod?')).to.include('<thinking>')

    await button(page, 'Advanced').click()
    await page.getByLabel(/^Think first/).uncheck()
    await page.keyboard.press('Escape')
    expect(await systemOf('What is an epoch?')).to.equal('')
  })

  it('a model that reads little is asked with fewer messages, and says so, instead of failing', async () => {
    await newChat()
    for (let index = 0; index < 4; index += 1)
      await ask(page, `What is a pod? ${'Tell me about pods. '.repeat(50)}`)
    await page.getByText('This model reads little at once').first().waitFor()
    const failed = await page.locator('[data-state=failed]').count()

    expect(failed).to.equal(0)
  })

  it('chats are listed under their day, renamed, deleted, and are there after a reload', async () => {
    await newChat()
    await ask(page, 'What is the capital of Japan?')
    const today = page.getByRole('region', { name: 'Today' })
    // The newest is the first; one of the page's own prompts may have made another chat of this title.
    await page.getByRole('button', { name: 'Rename What is the capital of' }).first().click()
    await page.getByRole('textbox', { name: 'Title' }).fill(HOSTILE)
    await page.keyboard.press('Enter')
    await page.reload()
    await isReady(page)

    await today.getByText('<img src=x').first().waitFor()
    expect(await page.getByRole('heading', { level: 1 }).textContent()).to.include('<img src=x')
    expect(await isHurt(page)).to.equal(undefined)

    const before = await today.getByRole('listitem').count()
    page.once('dialog', (dialog) => void dialog.accept())
    await page.getByRole('button', { name: /^Delete <img/ }).click()
    await until(async () => (await today.getByRole('listitem').count()) < before)
  })

  it('the keyboard stays where it was after a rename, an edit that is cancelled, and a chat that is deleted, which is said', async () => {
    const mine = await house.guest()
    const list = mine.getByRole('navigation', { name: 'Chats' })
    const chat = (title: string) => list.getByRole('button', { name: title, exact: true })
    for (const title of ['Third', 'Second', 'First']) {
      await newChat(mine)
      await ask(mine, title)
    }
    await chat('Rename First').press('Enter')
    await mine.keyboard.press('End')
    await mine.keyboard.type('Again')
    await mine.keyboard.press('Enter')
    await isFocused(chat('Rename FirstAgain'))
    await mine.keyboard.press('Enter')
    await mine.keyboard.press('Escape')
    await isFocused(chat('Rename FirstAgain'))
    for (const cancel of [() => mine.keyboard.press('Escape'), () => button(mine, 'Cancel').press('Enter')]) {
      await button(mine, 'edit').press('Enter')
      await isFocused(mine.getByLabel('Your question, edited'))
      await cancel()
      await isFocused(button(mine, 'edit'))
    }

    mine.on('dialog', (dialog) => void dialog.accept())
    // The one that is shown, then one before another, then the last.
    await chat('Delete FirstAgain').press('Enter')
    await isFocused(chat('Second'))
    await list.getByText('“FirstAgain” is deleted.').waitFor()
    await chat('Delete Third').press('Enter')
    await isFocused(chat('Second'))
    await list.getByText('“Third” is deleted.').waitFor()
    await chat('Delete Second').press('Enter')
    await isFocused(chat('New chat'))
  })

  it('a question that is too long is told so, and what is left of the chat can be shared', async () => {
    const mine = await house.guest()
    await ask(mine, 'What is a pod?')
    await mine.getByLabel('Your question', { exact: true }).fill('word '.repeat(20_000))
    await button(mine, 'Send').click()
    const failed = mine.locator('[data-state=failed]')
    await failed.waitFor()

    expect(await failed.getByRole('alert').textContent()).to.match(
      /^The input has 10\d{4} bytes, and this pod reads 16384 at most\. Make it shorter/,
    )

    let posts = 0
    mine.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/api/shares')) posts += 1
    })
    await button(mine, 'Share').click()
    // Two of the first question, and the second question: no answer came to that.
    await mine.getByText('can read the 3 messages of this chat').waitFor()
    await button(mine, 'Make a link').click()
    const problem = mine.getByRole('dialog').locator('[data-problem]')
    await problem.waitFor()

    expect(await problem.textContent()).to.match(/^The question that begins with “word .* 64,000 characters/)
    expect(posts).to.equal(0)

    await mine.keyboard.press('Escape')
    await button(mine, 'edit').last().click()
    await mine.getByLabel('Your question, edited').fill('What is a node?')
    await button(mine, 'Ask again').click()
    await answered(mine, 1)
    await button(mine, 'Share').click()
    await button(mine, 'Make a link').click()
    await mine.locator('[data-share]').waitFor()
    expect(posts).to.equal(1)
    await mine.context().close()
  })

  it('HTML in a question is text, to the page and to the model', async () => {
    await newChat()
    await ask(page, HOSTILE)

    expect(await page.locator('[data-role=user]').textContent()).to.include(HOSTILE)
    expect(await page.locator('[data-role] :is(img, iframe, script)').count()).to.equal(0)
    expect(await isHurt(page)).to.equal(undefined)
  })

  it('a chat of another browser is not here, whatever its address', async () => {
    const other = await house.guest()
    await ask(other, 'What is a pod?')
    const path = new URL(other.url()).pathname
    const mine = await house.open(page.context(), path)

    expect(await mine.locator('main').textContent()).to.include('This chat is not in this browser')
    expect(await mine.locator('[data-role]').count()).to.equal(0)
    await Promise.all([mine.close(), other.context().close()])
  })

  describe('shared', () => {
    const share = (text: string, title = 'Shared', ...more: string[]) =>
      fetch(`${house.stage.url}/api/shares`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          title,
          model: 'chat',
          messages: [
            { role: 'user', text: 'Show me.' },
            ...[text, ...more].map((each) => ({ role: 'assistant', model: 'chat', text: each })),
          ],
        }),
      }).then((answer) => answer.json() as Promise<{ id: string; secret: string }>)

    it('a chat is read by whoever has the link, without key or wallet, and deleted by its secret link alone', async () => {
      await newChat()
      const text = await ask(page, 'What is a pod?')
      await button(page, 'Share').click()
      expect(await page.getByRole('dialog').textContent()).to.match(/find the address of the wallet/)
      await button(page, 'Make a link').click()
      const link = (await page.locator('[data-share]').getAttribute('href')) ?? ''
      const secretLink = (await page.locator('[data-delete]').textContent()) ?? ''
      const other = await (await house.visitor()).newPage()
      await other.goto(link)
      await other.locator('[data-role=assistant] .prose').waitFor()

      expect(await other.locator('.prose').textContent()).to.equal(text)
      expect(await button(other, 'Delete the shared page').count()).to.equal(0)

      await other.goto('about:blank')
      await other.goto(`${link}#delete=${'x'.repeat(43)}`)
      await button(other, 'Delete the shared page').click()
      await other.getByText('This is not the secret of this share').waitFor()
      await other.goto('about:blank')
      await other.goto(secretLink)
      await button(other, 'Delete the shared page').click()
      await other.getByText('The shared chat is deleted').waitFor()
      expect((await fetch(link.replace('/pondera/s/', '/api/shares/'))).status).to.equal(404)
      await page.keyboard.press('Escape')
      await other.context().close()
    })

    it('what a model wrote is shown as text, code, tables and formulas, and never as its HTML', async () => {
      const { id } = await share(
        `${HOSTILE}\n\n**bold** and [a link](javascript:alert(1)) and [another](https://example.org/)\n\n` +
          '![a picture](https://evil.test/p.png)\n\n```ts\nconst a: number = 1\n```\n\n' +
          '| a | b |\n|---|---|\n| 1 | 2 |\n\nInline $x^2$ and\n\n$$\n\\frac{1}{2} \\href{javascript:alert(1)}{y}\n$$\n\n$\\broken{$',
        HOSTILE,
      )
      const shared = await house.open(page.context(), `/pondera/s/${id}`)
      await shared.locator('.prose math').first().waitFor()
      const prose = shared.locator('.prose')

      expect(await prose.textContent()).to.include('<img src=x onerror=')
      expect(await prose.locator('strong').textContent()).to.equal('bold')
      expect(await prose.locator('pre code .hljs-keyword').textContent()).to.equal('const')
      expect(await prose.locator('td').allTextContents()).to.deep.equal(['1', '2'])
      expect(await prose.locator('math').count()).to.be.greaterThan(1)
      expect(await shared.locator('img, iframe, [href^="javascript"]').count()).to.equal(0)
      expect(await prose.getByText('picture: a picture').getAttribute('rel')).to.include('noreferrer')
      expect(await shared.getByRole('heading', { level: 1 }).textContent()).to.equal(HOSTILE)
      expect(await isHurt(shared)).to.equal(undefined)
      expect(await faultsInBothThemes(shared, 'shared')).to.deep.equal([])
      await shared.close()
    })

    it('what a model thought aloud is folded away from its answer, in both ways of writing it', async () => {
      for (const text of [
        '<think>Seven, then five.</think>\n\nTwelve.',
        '<thinking>Seven, then five.</thinking><answer>Twelve.</answer>',
      ]) {
        const { id } = await share(text)
        const shared = await house.open(page.context(), `/pondera/s/${id}`)
        const thought = shared.locator('[data-role=assistant] details')
        await thought.waitFor()

        expect((await shared.locator('[data-role=assistant] .prose').textContent())?.trim()).to.equal(
          'Twelve.',
        )
        expect(await shared.getByText('Seven, then five.').isVisible()).to.equal(false)
        await shared.getByText('What the model thought').click()
        expect(await shared.getByText('Seven, then five.').isVisible()).to.equal(true)
        await shared.close()
      }
    })

    it('two answers with the same footnotes lead each to its own, and a formula paints over no other answer', async () => {
      const noted = (what: string) => `${what}.[^1]\n\n[^1]: The note of ${what}.`
      const { id } = await share(
        noted('one'),
        'Notes',
        noted('two'),
        'Before.',
        '$\\smash{\\rule{20em}{20em}}$',
      )
      const shared = await house.open(page.context(), `/pondera/s/${id}`)
      await shared.locator('.prose math').waitFor({ state: 'attached' })
      const second = shared.locator('.prose').nth(1)
      await second.locator('sup a').click()

      const note = new URL(shared.url()).hash.slice(1)
      expect(await second.locator(`[id="${note}"]`).textContent()).to.include('The note of two')
      await second.getByRole('link', { name: /^Back to reference/ }).click()
      const back = new URL(shared.url()).hash.slice(1)
      expect(await second.locator(`sup [id="${back}"]`).count()).to.equal(1)
      expect(new URL(shared.url()).pathname).to.equal(`/pondera/s/${id}`)

      const onTop = () =>
        shared.getByText('Before.').evaluate((text) => {
          text.scrollIntoView({ block: 'center' })
          const { left, top, height } = text.getBoundingClientRect()
          const seen = text.ownerDocument.elementFromPoint(left + 20, top + height / 2)
          return seen === text
        })
      expect(await onTop()).to.equal(true)
      // It would, were it not clipped.
      await shared
        .locator('.prose')
        .last()
        .evaluate((prose) => prose.setAttribute('class', ''))
      expect(await onTop()).to.equal(false)
      await shared.close()
    })

    it('a link to nothing says so', async () => {
      const shared = await house.open(page.context(), '/pondera/s/nothing')
      await shared.getByText('There is no such shared chat').waitFor()
      expect(await faultsInBothThemes(shared, 'no share')).to.deep.equal([])
      await shared.close()
    })
  })

  it('what the page earns is what the ledger says of its own frontend', async () => {
    const { chain, domain, addresses, router } = house.stage.market
    await page.goto(`${house.stage.url}/pondera`)
    const shown = await revenueOf(page)
    await shown.waitFor()
    const place = openChain({ chainId: domain.chainId, rpcUrl: chain.rpcUrl })
    const payee = { role: 'frontend', id: house.stage.frontend } as const
    let earned = -1n
    for (let tries = 0; tries < 20 && earned <= 0n; tries += 1) {
      const [found] = await claimablesOf(place, addresses, router.address, [payee])
      earned = (found?.claimable ?? 0n) + (found?.claimed ?? 0n)
      if (earned <= 0n) await page.waitForTimeout(1_000)
    }
    expect(earned > 0n).to.equal(true)
    await until(async () => (await shown.getAttribute('data-earned')) === earned.toString())
    expect(await shown.getAttribute('data-frontend')).to.equal(String(house.stage.frontend))
  })

  it('no page has a serious or critical fault by axe, in both themes, at 360 and 1440 pixels', async () => {
    await newChat()
    await ask(page, 'What is a pod?')
    const chat = new URL(page.url()).pathname
    const faults: string[] = []
    for (const theme of ['light', 'dark'] as const) {
      for (const width of [360, 1440]) {
        await page.setViewportSize({ width, height: 800 })
        await page.emulateMedia({ colorScheme: theme })
        await page.goto(`${house.stage.url}/`)
        await page.getByRole('banner').getByText('live').waitFor()
        faults.push(...(await faultsOf(page, `/ ${theme} ${width}`)))
        for (const path of ['/pondera', chat]) {
          await page.goto(house.stage.url + path)
          await isReady(page)
          faults.push(...(await faultsOf(page, `${path} ${theme} ${width}`)))
        }
        for (const dialog of ['Advanced', 'Share', /left$/] as const) {
          await page.getByRole('button', { name: dialog, exact: typeof dialog === 'string' }).click()
          await page.getByRole('dialog').waitFor()
          faults.push(...(await faultsOf(page, `${dialog} ${theme} ${width}`)))
          await page.keyboard.press('Escape')
        }
        if (width === 360) {
          await button(page, 'Chats').click()
          faults.push(...(await faultsOf(page, `chats ${theme} ${width}`)))
          await page.keyboard.press('Escape')
          const overflow = await page.evaluate('document.documentElement.scrollWidth > innerWidth')
          if (overflow) faults.push(`${chat} ${theme}: wider than 360 pixels`)
        }
      }
    }

    expect(faults).to.deep.equal([])
    await page.setViewportSize({ width: 1440, height: 900 })
  })

  it('a whole conversation is had by keyboard alone', async () => {
    const mine = await house.open(await house.visitor())
    await mine.getByRole('button', { name: 'Add credit' }).focus()
    await mine.keyboard.press('Enter')
    await button(mine, 'Try without a wallet').focus()
    await mine.keyboard.press('Space')
    await isReady(mine)
    await mine.keyboard.press('Escape')
    await mine.getByLabel('Your question', { exact: true }).focus()
    await mine.keyboard.type('What is a pod?')
    await mine.keyboard.press('Enter')

    expect(await answered(mine, 0)).to.match(/pod/)
    await mine.context().close()
  })

  it('no page asked anything of a stranger, and no policy was broken', () => {
    expect(house.strangers).to.deep.equal([])
    expect(house.complaints).to.deep.equal([])
  })
})
