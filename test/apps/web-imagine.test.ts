import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { MOST_KEPT } from '../../apps/web/src/imagine/drawing.ts'
import { DRAWN, type Example } from '../../apps/web/src/imagine/known.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { claimablesOf } from '../../sdk/chain/payees.ts'
import { keccak, toHex } from '../../sdk/protocol/bytes.ts'
import { formatUsd, usd } from '../../sdk/units.ts'
import { verifyReceipt } from '../../sdk/verify.ts'
import { faultsOf } from './axe.ts'
import { apart, fileOf, ROUNDING } from './examples.ts'
import { whatStopsPaying } from './paying.ts'
import { button, fund, type House, isFocused, isReady, openHouse, revenueOf, until } from './visitor.ts'

/** Every row of imagine's feature table, in a real Chromium on a real network with two image pods. */

const HOSTILE = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script> a red circle'
const PROMPT = 'a small red circle on a blue background, top left'

describe('imagine in a browser', function () {
  this.timeout(300_000)
  let house: House
  let page: Page
  before(async () => {
    house = await openHouse({ pictures: true })
    page = await house.guest('/imagine')
  })
  after(() => house?.close())

  const isHurt = (on: Page) => on.evaluate('window.hurt')
  const at = (model: string, on: Page = page) => on.goto(`${house.stage.url}/imagine/m/${model}`)
  const prompt = (on: Page = page) => on.getByLabel('Prompt', { exact: true })
  const fact = (name: string, on: Page = page) => on.locator(`#result [data-fact=${name}]`).textContent()
  const note = (name: string) => page.locator(`[data-note="${name}"]`).textContent()
  const entries = (on: Page = page) => on.locator('[data-entry]')

  async function studio(model: string, on: Page = page): Promise<void> {
    await at(model, on)
    await on.locator('[data-price]').waitFor()
    await isReady(on)
  }

  /** Draws and waits for the whole picture. @returns what its receipt is looked up by. */
  async function draw(words: string, on: Page = page): Promise<string> {
    const before = await on
      .locator('[data-receipt]')
      .getAttribute('data-receipt', { timeout: 1_000 })
      .catch(() => null)
    await prompt(on).fill(words)
    await button(on, 'Draw').click()
    const done = on.locator('#result [data-state=done] [data-receipt]')
    await until(async () => {
      const now = (await done.count()) === 1 ? await done.getAttribute('data-receipt') : null
      return now !== null && now !== before
    }).catch(async (cause: unknown) => {
      throw new Error(`it shows: ${await on.locator('#result').textContent()}`, { cause })
    })
    await on.locator('#result img').waitFor()
    return (await done.getAttribute('data-receipt')) ?? ''
  }

  /** The bytes of the picture that is shown, as the browser keeps them; the policy lets no script fetch them. */
  async function shown(on: Page = page): Promise<Uint8Array> {
    const text = await on.evaluate(`new Promise((done, fail) => {
      const open = indexedDB.open('heurist-imagine')
      open.onerror = fail
      open.onsuccess = () => {
        const { drawing } = document.querySelector('#result [data-drawing]').dataset
        const read = open.result.transaction('pictures').objectStore('pictures').get(drawing)
        read.onsuccess = () => { open.result.close(); done([...read.result].join()) }
      }
    })`)
    return Uint8Array.from(String(text).split(',').map(Number))
  }
  const sizeOf = (png: Uint8Array) => {
    const view = new DataView(png.buffer)
    return `${view.getUint32(16)}x${view.getUint32(20)}`
  }

  it('the gallery shows every image pod with its price and limits, and no other pod', async () => {
    await page.goto(`${house.stage.url}/imagine`)
    await page.locator('[data-own]').nth(1).waitFor()
    const cards = page.locator('[data-model]')

    expect(
      await cards.evaluateAll((all) => all.map((each) => each.getAttribute('data-model'))),
    ).to.have.members(['image', 'image-twin'])
    // pods/image/pod.yaml: 12 steps at 100; its twin: 4 steps at 300.
    const terms = await cards.allTextContents()
    expect(terms.find((text) => text.startsWith('Nothing') && text.includes('1 to 50 steps'))).to.include(
      '$0.001200',
    )
    expect(terms.find((text) => text.includes('1 to 10 steps')))
      .to.include('$0.001200')
      .and.include('$0.000300 per step')

    await page.getByRole('link', { name: 'image', exact: true }).click()
    await page.getByRole('heading', { level: 1, name: 'image' }).waitFor()
    expect(new URL(page.url()).pathname).to.equal('/imagine/m/image')
  })

  it('a model page shows three pictures of its model, and one click fills the form, which draws the same again', async () => {
    await studio('image')
    const examples = page.getByRole('img', { name: /^Example: / })
    const picked = DRAWN[1] as Example

    expect(await examples.count()).to.equal(3)
    await until(() => examples.evaluateAll((all: HTMLImageElement[]) => all.every((each) => each.complete)))
    expect(
      await examples.evaluateAll((all: HTMLImageElement[]) =>
        all.map((each) => [new URL(each.src).pathname, each.naturalWidth, each.width === each.height]),
      ),
    ).to.deep.equal(DRAWN.map(({ picture }) => [picture, 256, true]))

    await page.getByLabel('Steps', { exact: true }).fill('3')
    await page.getByRole('button', { name: picked.asked.prompt }).click()
    const sent = page.waitForRequest((request) => request.url().endsWith('/v1/jobs'))
    expect(await prompt().inputValue()).to.equal(picked.asked.prompt)
    await draw(await prompt().inputValue())

    expect(JSON.parse((await sent).postDataJSON().input)).to.deep.equal(picked.asked)
    expect(await apart(await shown(), readFileSync(fileOf(picked)))).to.be.at.most(ROUNDING)
  })

  it('a model whose pictures nobody drew before offers three prompts, and one click fills the form', async () => {
    await studio('image-twin')
    const uses = page.getByRole('button', { name: /Use this prompt/ })

    expect(await uses.count()).to.equal(3)
    expect(await page.getByRole('img', { name: /^Example: / }).count()).to.equal(0)

    await uses.nth(1).click()
    expect(await prompt().inputValue()).to.equal('a large yellow triangle on a black background, centre')
  })

  it('recommended keywords go to the end of the prompt, by keyboard too, and the model knows them all', async () => {
    await studio('image')
    await prompt().fill('a ')
    await page.getByText('Recommended keywords').focus()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    expect(await prompt().inputValue()).to.equal('a small')
    expect(await page.locator('form [role=status]').textContent()).to.equal('Added: small')

    const add = async (kind: string, word: string) =>
      page
        .getByRole('group', { name: kind, exact: true })
        .getByRole('button', { name: word, exact: true })
        .click()
    await add('Colour', 'white')
    await add('Shape', 'cross')
    await add('Background', 'green')
    await add('Place', 'bottom right')
    const words = await prompt().inputValue()

    expect(words).to.equal('a small white cross on a green background bottom right')
    await draw(words)
  })

  it('every field has the limits of the manifest; what the model does not take says so', async () => {
    await studio('image-twin')
    const [steps, guidance] = [
      page.getByLabel('Steps', { exact: true }),
      page.getByLabel('Guidance', { exact: true }),
    ]

    expect(
      await steps.evaluate((input: HTMLInputElement) => [input.min, input.max, input.value]),
    ).to.deep.equal(['1', '10', '4'])
    expect(
      await guidance.evaluate((input: HTMLInputElement) => [input.min, input.max, input.value]),
    ).to.deep.equal(['0', '10', '2'])
    expect(await page.getByLabel('Size', { exact: true }).locator('option').allTextContents()).to.deep.equal([
      '32 × 32',
      '64 × 64',
    ])
    expect(await note('Steps')).to.include('1 to 10; its own is 4')
    expect(await page.getByLabel('Negative prompt').isDisabled()).to.equal(false)
    expect(await page.getByText('A model as small as this one').textContent()).to.match(/SDXL or FLUX/)
  })

  it('a negative prompt goes along where the model takes one, and elsewhere the field says that it does not', async () => {
    await studio('image-twin')
    await page.getByLabel('Seed', { exact: true }).fill('3')
    await draw('a red circle')
    const plain = await shown()
    await page.getByLabel('Negative prompt').fill('white background')
    const sent = page.waitForRequest((request) => request.url().endsWith('/v1/jobs'))
    await draw('a red circle')

    expect(JSON.parse((await sent).postDataJSON().input)).to.include({
      prompt: 'a red circle',
      negative_prompt: 'white background',
    })
    expect(toHex(keccak(await shown()))).not.to.equal(toHex(keccak(plain)))
    page.once('dialog', (dialog) => void dialog.accept())
    await button(page, 'Delete them all').press('Enter')
    await until(async () => (await entries().count()) === 0)
    await isFocused(prompt())
    await page.getByText('The pictures are deleted.').waitFor()

    await studio('image')
    expect(await page.getByLabel('Negative prompt').isDisabled()).to.equal(true)
    expect(await note('Negative prompt')).to.match(/takes none; larger diffusion models/)
  })

  it('a picture has its price before, and its receipt after; the receipt proves these very bytes', async () => {
    await studio('image')
    await prompt().fill(PROMPT)
    const tag = BigInt((await page.locator('[data-price]').getAttribute('data-price')) ?? '0')
    const request = await draw(PROMPT)
    const { receipt, request: signed } = await house.receipt(request)
    const bytes = await shown()

    // max(500, 12 steps × 100), pods/image/pod.yaml
    expect(tag).to.equal(1_200n)
    expect(signed.maxPrice).to.equal(tag)
    expect(receipt?.price).to.equal(tag)
    expect(receipt?.output).to.equal(toHex(keccak(bytes)))
    expect(signed.frontend).to.equal(house.stage.frontends.imagine)
    const { chain, domain, addresses } = house.stage.market
    const checks = await verifyReceipt(request as `0x${string}`, {
      routerUrl: house.stage.network.routerUrl,
      rpcUrl: chain.rpcUrl,
      chainId: domain.chainId,
      ledger: addresses.ledger,
      bytes,
    })
    expect(checks.filter(({ ok, name }) => !ok && name !== 'settled')).to.deep.equal([])
    const link = page.locator('#result [data-receipt]')
    expect(await link.textContent()).to.include('$0.001200')
    const [opened] = await Promise.all([page.context().waitForEvent('page'), link.click()])
    await opened.getByText('Checked in this browser').waitFor()
    await opened.close()
  })

  it('size, steps, guidance and seed go along as they are set, and the picture is made so', async () => {
    await studio('image')
    await page.getByLabel('Size', { exact: true }).selectOption('128x128')
    await page.getByLabel('Steps', { exact: true }).fill('5')
    await page.getByLabel('Guidance', { exact: true }).fill('3.5')
    await page.getByLabel('Seed', { exact: true }).fill('77')
    const sent = page.waitForRequest((request) => request.url().endsWith('/v1/jobs'))
    const request = await draw(PROMPT)
    const { receipt } = await house.receipt(request)

    expect(JSON.parse((await sent).postDataJSON().input)).to.deep.equal({
      prompt: PROMPT,
      size: '128x128',
      steps: 5,
      guidance: 3.5,
      seed: 77,
    })
    expect(receipt?.unitsOut).to.equal(5n)
    expect(sizeOf(await shown())).to.equal('128x128')
    expect([
      await fact('size'),
      await fact('steps'),
      await fact('guidance'),
      await fact('seed'),
    ]).to.deep.equal(['128x128', '5', '3.5', '77'])
  })

  it('the same seed makes the same picture; blank and -1 make another one each time, and show which', async () => {
    await studio('image')
    await page.getByLabel('Seed', { exact: true }).fill('-1')
    await draw(PROMPT)
    const [first, seed] = [await shown(), (await fact('seed')) ?? '']
    await page.getByLabel('Seed', { exact: true }).fill('')
    await draw(PROMPT)
    const [second, other] = [await shown(), (await fact('seed')) ?? '']

    expect(Number(seed)).to.be.within(0, 2 ** 32 - 1)
    expect(other).not.to.equal(seed)
    expect(toHex(keccak(second))).not.to.equal(toHex(keccak(first)))

    // The first of the two, by its place in the history: its settings are those of the next one.
    await entries().nth(1).click()
    await until(async () => (await fact('seed')) === seed)
    await button(page, 'Use these settings').click()
    expect(await page.getByLabel('Seed', { exact: true }).inputValue()).to.equal(seed)
    await draw(PROMPT)
    expect(toHex(keccak(await shown()))).to.equal(toHex(keccak(first)))
  })

  it('a seed that is none, and a prompt that is too long, are said beside the field, and nothing is asked', async () => {
    await studio('image')
    await prompt().fill(PROMPT)
    for (const seed of ['4294967296', '-2', '1.5', 'x']) {
      await page.getByLabel('Seed', { exact: true }).fill(seed)
      expect(await note('Seed'), seed).to.include('from 0 to 4294967295')
      expect(await button(page, 'Draw').isDisabled()).to.equal(true)
    }
    await page.getByLabel('Seed', { exact: true }).fill('4294967295')
    expect(await button(page, 'Draw').isDisabled()).to.equal(false)

    await prompt().fill('a red circle '.repeat(20_000))
    expect(await note('Prompt')).to.match(/bytes more than the model reads/)
    expect(await button(page, 'Draw').isDisabled()).to.equal(true)
    await prompt().fill(' ')
    expect(await button(page, 'Draw').isDisabled()).to.equal(true)
  })

  it('what the model cannot draw is refused in its own words, and costs nothing', async () => {
    await studio('image')
    const before = await page.locator('[data-session]').textContent()
    await prompt().fill('a photograph of my grandmother')
    await button(page, 'Draw').click()
    const problem = page.locator('#result [data-problem]')
    await problem.waitFor()

    expect(await problem.getAttribute('data-problem')).to.equal('input.invalid')
    expect(await problem.textContent()).to.match(/names nothing that this pod can draw.*Name at least one of/)
    expect(await page.locator('[data-session]').textContent()).to.equal(before)
  })

  it('HTML in a prompt is text, on the page and to the model', async () => {
    await studio('image')
    await draw(HOSTILE)

    expect(await page.locator('#result [data-drawing]').textContent()).to.include(
      '<script>window.hurt=1</script>',
    )
    expect(await isHurt(page)).to.equal(undefined)
    await page.goto(`${house.stage.url}/imagine/m/image?prompt=${encodeURIComponent(HOSTILE)}`)
    await until(async () => (await prompt().inputValue()) === HOSTILE)
    expect(await isHurt(page)).to.equal(undefined)
  })

  it('progress is shown while a node draws, and a cancelled picture costs nothing', async () => {
    await studio('image')
    const worker = house.stage.network.pid('worker-1')
    process.kill(worker, 'SIGSTOP')
    try {
      await prompt().fill(PROMPT)
      await button(page, 'Draw').click()
      await page.locator('[data-step=drawing]').waitFor()
      expect(await page.locator('[data-step]').textContent()).to.match(/Node \d+ is drawing/)
      expect(await page.getByRole('progressbar').evaluate((bar: HTMLProgressElement) => bar.value)).to.equal(
        3,
      )
      expect(await button(page, 'Draw').isDisabled()).to.equal(true)
      await button(page, 'Cancel').click()
      await page.locator('#result [data-state=cancelled]').waitFor()
    } finally {
      process.kill(worker, 'SIGCONT')
    }
    expect(await page.locator('#result').textContent()).to.include('costs nothing')
    const request = (await page.locator('#result [data-receipt]').getAttribute('data-receipt')) ?? ''
    await until(async () => {
      const { status, receipt } = await house.receipt(request)
      return status === 'failed' || receipt?.price === 0n
    })
    await draw(PROMPT)
  })

  it('a picture is downloaded as it was delivered, and its prompt copied', async () => {
    await studio('image')
    await draw(PROMPT)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download' }).click(),
    ])
    const path = await download.path()

    expect(download.suggestedFilename()).to.equal(`image-${await fact('seed')}.png`)
    expect(toHex(keccak(readFileSync(path)))).to.equal(toHex(keccak(await shown())))

    await page
      .locator('#result')
      .getByRole('button', { name: /^Copy prompt/ })
      .click()
    expect(await page.evaluate('navigator.clipboard.readText()')).to.equal(PROMPT)
  })

  describe('history', () => {
    it('has one picture more after a double click on Draw', async () => {
      await studio('image')
      const calls: string[] = []
      page.on('request', (request) => {
        if (request.method() === 'POST' && request.url().endsWith('/v1/jobs')) calls.push(request.url())
      })
      const before = await entries().count()
      await prompt().fill(PROMPT)
      await button(page, 'Draw').dblclick()
      await until(async () => (await entries().count()) > before)
      await page.locator('#result [data-state=done] [data-receipt]').waitFor()

      expect(await entries().count()).to.equal(before + 1)
      expect(calls.length).to.equal(1)
    })

    it('is kept per model over a reload, and one picture of it is deleted', async () => {
      await studio('image-twin')
      await draw(PROMPT)
      await draw('a large white cross on a green background')
      const { image } = { image: await entries().count() }
      await page.reload()
      await isReady(page)
      await entries().first().waitFor()

      expect(image).to.equal(2)
      expect(await entries().count()).to.equal(2)
      await page.locator('#result img').waitFor()

      page.once('dialog', (dialog) => void dialog.accept())
      await page
        .getByRole('button', { name: 'Delete a small red circle on a blue background, top left' })
        .press('Enter')
      await until(async () => (await entries().count()) === 1)
      await isFocused(entries())
      await page.getByText('The picture is deleted.').waitFor()
      await at('image')
      await entries().first().waitFor()
      expect(await entries().count()).to.be.greaterThan(3)
    })

    it('keeps the latest fifty of a model', async () => {
      await studio('image-twin')
      await page.getByLabel('Steps', { exact: true }).fill('1')
      const before = await entries().count()
      // What a browser of long use has: records without calls of their own, older than any.
      await page.evaluate(`new Promise((done, fail) => {
        const open = indexedDB.open('heurist-imagine')
        open.onerror = fail
        open.onsuccess = () => {
          const change = open.result.transaction('drawings', 'readwrite')
          for (let index = 0; index < ${50 - before}; index += 1) {
            const id = 'old-' + index
            const input = JSON.stringify({ prompt: 'old ' + index, seed: index })
            change.objectStore('drawings').put({ id, model: 'image-twin', at: index, input, state: 'cancelled' }, id)
          }
          change.oncomplete = () => { open.result.close(); done() }
        }
      })`)
      await page.reload()
      await isReady(page)
      await until(async () => (await entries().count()) === 50)
      await draw(PROMPT)

      expect(await entries().count()).to.equal(50)
      expect(await page.getByTitle('old 0', { exact: true }).count()).to.equal(0)
      expect(await page.getByTitle('old 1', { exact: true }).count()).to.equal(1)
    })

    it('is deleted as a whole for one model but for what is shared, and stays for the others', async () => {
      await button(page, 'Share').click()
      await button(page, 'Make a link').click()
      await page.locator('[data-share]').waitFor()
      await page.keyboard.press('Escape')
      page.once('dialog', (dialog) => void dialog.accept())
      await button(page, 'Delete them all').click()
      await until(async () => (await entries().count()) === 1)
      await page
        .getByRole('list', { name: 'Earlier pictures' })
        .getByRole('button', { name: /^Delete / })
        .click()
      await button(page, 'Delete the picture and its shared page').press('Enter')
      await until(async () => (await entries().count()) === 0)
      await isFocused(prompt())
      await page.reload()
      await isReady(page)
      await page.locator('[data-price]').waitFor()

      expect(await entries().count()).to.equal(0)
      await at('image')
      await entries().first().waitFor()
    })

    it('says of a picture that found no room what it cost, and shows it no more once the page is loaded again', async () => {
      const other = await house.guest('/imagine/m/image')
      await other.evaluate(`{
        const { put } = IDBObjectStore.prototype
        IDBObjectStore.prototype.put = function (...all) {
          if (this.name === 'pictures') throw new DOMException('full', 'QuotaExceededError')
          return put.apply(this, all)
        }
      }`)
      await draw(PROMPT, other)
      await other.getByText('The browser has no room left').waitFor()
      await other.reload()
      const result = other.locator('#result')
      await result.getByText('This browser had no room left to keep it').waitFor()

      expect(await result.textContent())
        .to.include('it had been drawn and delivered, and cost $0.001200')
        .and.not.include('complete')
      expect(await result.getByText('Download').count()).to.equal(0)
      await other.context().close()
    })

    it('of another browser is not here', async () => {
      const other = await house.guest('/imagine/m/image')
      await other.locator('[data-price]').waitFor()

      expect(await entries(other).count()).to.equal(0)
      await other.context().close()
    })

    it('one that cannot be drawn leaves the others, and can be deleted', async () => {
      await studio('image')
      await draw(PROMPT)
      await draw(PROMPT)
      const before = await entries().count()
      await page.evaluate(`new Promise((done, fail) => {
        const open = indexedDB.open('heurist-imagine')
        open.onerror = fail
        open.onsuccess = () => {
          const { drawing } = document.querySelector('#result [data-drawing]').dataset
          const change = open.result.transaction('drawings', 'readwrite')
          const store = change.objectStore('drawings')
          store.get(drawing).onsuccess = ({ target }) => store.put({ ...target.result, input: '{' }, drawing)
          change.oncomplete = () => { open.result.close(); done() }
        }
      })`)
      await studio('image')
      const broken = page.getByLabel('Earlier pictures').locator('li:has([data-broken])')
      await broken.waitFor()
      expect(await entries().count()).to.equal(before - 1)
      page.once('dialog', (dialog) => dialog.accept())
      await broken.getByRole('button', { name: 'delete' }).click()
      await broken.waitFor({ state: 'detached' })

      await page.locator('#result img').waitFor()
      await draw(PROMPT)
    })

    it('a picture that was being drawn when the page was closed says so, and the page goes on', async () => {
      await studio('image')
      const worker = house.stage.network.pid('worker-1')
      process.kill(worker, 'SIGSTOP')
      await prompt().fill(PROMPT)
      await button(page, 'Draw').click()
      await page.locator('[data-step=drawing]').waitFor()
      await page.reload()
      process.kill(worker, 'SIGCONT')
      await isReady(page)
      await page.locator('#result [data-state=cut]').waitFor()

      expect(await page.locator('#result').textContent()).to.include('The page was closed here')
      await draw(PROMPT)
    })

    it('a picture that was delivered while the page was closed is told of with its price', async () => {
      await studio('image')
      let delivered = () => {}
      const isDelivered = new Promise<void>((resolve) => {
        delivered = resolve
      })
      // The router has answered in full, and the page never gets the bytes.
      await page.route('**/v1/jobs', async (route) => {
        await route.fetch()
        delivered()
      })
      await prompt().fill(PROMPT)
      await button(page, 'Draw').click()
      await isDelivered
      await page.reload()
      // Not before: a call that is held goes through once nothing holds it.
      await page.unroute('**/v1/jobs')
      await isReady(page)
      const told = page.locator('#result').getByText(/it had been drawn and delivered, and cost \$/i)
      await told.waitFor()
      const request = await page.locator('#result [data-receipt]').getAttribute('data-receipt')
      const receipt = await fetch(`${house.stage.network.routerUrl}/v1/receipts/${request}`)
      const { receipt: kept } = (await receipt.json()) as { receipt: { price: string } }

      expect(await told.textContent()).to.include(`cost $${formatUsd(BigInt(kept.price))}.`)
      expect(await page.locator('#result').textContent()).not.to.include('costs nothing')
    })

    it('a picture whose price the journal no longer knows says so, and is looked up no more', async () => {
      // As the journal is once it was replaced by its sums, and the page as it was before it looked.
      await page.evaluate(`new Promise((done) => {
        const journal = indexedDB.open('heurist-session')
        journal.onsuccess = () => {
          const change = journal.result.transaction('journal', 'readwrite')
          const store = change.objectStore('journal')
          store.getAllKeys().onsuccess = ({ target: { result: keys } }) => {
            store.getAll().onsuccess = ({ target: { result: lines } }) => {
              const entries = lines.map((line) => JSON.parse(line))
              const booked = entries.filter(({ type }) => type === 'booked')
              const charged = booked.reduce((sum, { answer }) => sum + BigInt(answer.receipt.price), 0n)
              store.clear()
              const first = { ...entries[0], charged: String(charged), count: booked.length }
              store.add(JSON.stringify(first), keys.at(-1))
            }
          }
          change.oncomplete = () => {
            journal.result.close()
            const drawings = indexedDB.open('heurist-imagine')
            drawings.onsuccess = () => {
              const mend = drawings.result.transaction('drawings', 'readwrite')
              mend.objectStore('drawings').openCursor().onsuccess = ({ target: { result } }) => {
                if (!result) return
                const { price, ...rest } = result.value
                if (rest.state === 'cut') result.update(rest)
                result.continue()
              }
              mend.oncomplete = () => { drawings.result.close(); done() }
            }
          }
        }
      })`)
      await page.reload()
      await isReady(page)
      const told = page.locator('#result').getByText('This browser no longer knows whether it was delivered')
      await told.waitFor()

      expect(await page.locator('#result [data-receipt]').count()).to.equal(1)
      expect(await page.locator('#result').textContent()).not.to.include('costs nothing')
    })
  })

  describe('shared', () => {
    it('a second link that was asked for before the first came is taken back: nobody would have its secret', async () => {
      await studio('image')
      await draw(PROMPT)
      const made: string[] = []
      let first = true
      let release = () => {}
      const held = new Promise<void>((resolve) => {
        release = resolve
      })
      await page.route('**/api/pictures', async (route) => {
        const response = await route.fetch()
        made.push(((await response.json()) as { id: string }).id)
        const waits = first
        first = false
        if (waits) await held
        await route.fulfill({ response })
      })
      await button(page, 'Share').click()
      await button(page, 'Make a link').click()
      await until(async () => made.length === 1)
      await page.keyboard.press('Escape')
      await button(page, 'Share').click()
      await button(page, 'Make a link').click()
      const link = page.locator('[data-share]')
      await link.waitFor()
      release()
      const [late = '', kept = ''] = made
      await until(async () => (await fetch(`${house.stage.url}/api/pictures/${late}`)).status === 404)

      expect(await link.getAttribute('href')).to.include(kept)
      expect((await fetch(`${house.stage.url}/api/pictures/${kept}`)).status).to.equal(200)
      await page.unroute('**/api/pictures')
      await page.keyboard.press('Escape')
    })

    it('a picture is seen by whoever has the link, without key or wallet, proven, and deleted by its secret alone', async () => {
      await studio('image')
      await page.getByLabel('Seed', { exact: true }).fill('5')
      const request = await draw(HOSTILE)
      await button(page, 'Share').click()
      expect(await page.getByRole('dialog').textContent()).to.match(/find the address of the wallet/)
      await button(page, 'Make a link').click()
      const link = (await page.locator('[data-share]').getAttribute('href')) ?? ''
      const secretLink = (await page.locator('[data-delete]').textContent()) ?? ''
      await page.keyboard.press('Escape')
      const other = await (await house.visitor()).newPage()
      await other.goto(link)
      const article = other.getByRole('article', { name: 'Shared picture' })
      await article.waitFor()
      const id = link.split('/').at(-1) ?? ''
      const bytes = new Uint8Array(
        await (await fetch(`${house.stage.url}/imagine/p/${id}.png`)).arrayBuffer(),
      )

      expect(toHex(keccak(bytes))).to.equal((await house.receipt(request)).receipt?.output)
      expect(
        await other.locator('article img').evaluate((image: HTMLImageElement) => image.naturalWidth),
      ).to.equal(256)
      expect(await other.getByRole('heading', { level: 1 }).textContent()).to.equal(HOSTILE)
      expect(await isHurt(other)).to.equal(undefined)
      expect(await button(other, 'Delete the shared page').count()).to.equal(0)
      const post = other.getByRole('link', { name: 'Share on X (opens in a new tab)' })
      const href = new URL((await post.getAttribute('href')) ?? '')
      expect(href.origin + href.pathname).to.equal('https://x.com/intent/post')
      expect([...href.searchParams.keys()]).to.deep.equal(['text', 'url'])
      expect(href.searchParams.get('text')).to.include(HOSTILE.slice(0, 60))
      expect(href.searchParams.get('url')).to.equal(link)
      expect(await post.evaluate((a: HTMLAnchorElement) => [a.target, a.rel])).to.deep.equal([
        '_blank',
        'noopener noreferrer',
      ])
      expect(await other.locator('meta[property="og:title"]').getAttribute('content')).to.equal(HOSTILE)
      expect(await other.locator('meta[property="og:image"]').getAttribute('content')).to.equal(
        `${house.stage.url}/imagine/p/${id}.png`,
      )

      await button(other, 'Check that a node signed for it').click()
      await other.locator('[data-check]').nth(4).waitFor()
      expect(await other.locator('[data-check][data-verdict=holds]').count()).to.equal(5)

      await other.goto('about:blank')
      await other.goto(`${link}#delete=${'x'.repeat(43)}`)
      await button(other, 'Delete the shared page').click()
      await other.getByText('This is not the secret of this share').waitFor()
      await other.goto('about:blank')
      await other.goto(secretLink)
      // The post names the page, never the secret of this very address.
      expect(await post.getAttribute('href')).to.equal(href.href)
      await button(other, 'Delete the shared page').click()
      await other.getByText('The shared picture is deleted').waitFor()
      expect((await fetch(`${house.stage.url}/imagine/p/${id}.png`)).status).to.equal(404)
      await other.context().close()
    })

    it('its prompt and seed are taken over into the form by whoever looks at it', async () => {
      await studio('image')
      await page.getByLabel('Seed', { exact: true }).fill('9')
      await draw(PROMPT)
      await button(page, 'Share').click()
      await button(page, 'Make a link').click()
      const link = (await page.locator('[data-share]').getAttribute('href')) ?? ''
      await page.keyboard.press('Escape')
      const other = await house.open(await house.visitor(), new URL(link).pathname)
      await other.getByRole('link', { name: 'Use this prompt' }).click()
      await until(async () => (await prompt(other).inputValue()) === PROMPT)

      expect(await other.getByLabel('Seed', { exact: true }).inputValue()).to.equal('9')
      await other.context().close()
    })

    it('is handed to the system’s own sheet where there is one, and a sheet that is closed is no fault', async () => {
      await studio('image')
      await draw(PROMPT)
      await button(page, 'Share').click()
      await button(page, 'Make a link').click()
      const link = (await page.locator('[data-share]').getAttribute('href')) ?? ''
      await page.keyboard.press('Escape')
      const context = await house.visitor()
      await context.addInitScript(`window.given = []
        navigator.share = async (what) => {
          window.given.push(what)
          throw new DOMException('closed', 'AbortError')
        }`)
      const other = await house.open(context, new URL(link).pathname)
      await button(other, 'Share').click()
      await until(async () => (await other.evaluate('window.given.length')) === 1)

      expect(await other.evaluate('window.given')).to.deep.equal([{ title: PROMPT, url: link }])
      await context.close()
    })

    it('is taken back where it was made', async () => {
      await studio('image')
      await draw(PROMPT)
      await button(page, 'Share').click()
      await button(page, 'Make a link').click()
      const link = (await page.locator('[data-share]').getAttribute('href')) ?? ''
      await button(page, 'Delete the shared page').click()
      await button(page, 'Make a link').waitFor()

      expect((await fetch(link.replace('/imagine/s/', '/api/pictures/'))).status).to.equal(404)
      await page.keyboard.press('Escape')
    })

    it('is deleted with its page or alone, and whoever deletes it is told of the page', async () => {
      for (const [how, status] of [
        ['Delete the picture and its shared page', 404],
        ['Delete the picture alone', 200],
      ] as const) {
        await studio('image')
        await draw('a large green square')
        await button(page, 'Share').click()
        await button(page, 'Make a link').click()
        const link = (await page.locator('[data-share]').getAttribute('href')) ?? ''
        await page.keyboard.press('Escape')
        const kept = link.replace('/imagine/s/', '/api/pictures/')
        const deletes = page.getByRole('button', { name: 'Delete a large green square' })
        await deletes.first().click()
        const dialog = page.getByRole('dialog')
        await dialog.waitFor()
        expect(await dialog.textContent()).to.include(
          'its shared page stays, and only its secret link deletes',
        )
        expect(await dialog.locator('[data-delete]').textContent()).to.include('#delete=')
        await button(page, how).click()
        await until(async () => (await deletes.count()) === 0)

        expect((await fetch(kept)).status).to.equal(status)
      }
    })

    it('a picture that the browser lost is not shared, and says so', async () => {
      await studio('image')
      await draw(PROMPT)
      await page.evaluate(`new Promise((done) => {
        const open = indexedDB.open('heurist-imagine')
        open.onsuccess = () => {
          const change = open.result.transaction('pictures', 'readwrite')
          change.objectStore('pictures').delete(document.querySelector('#result [data-drawing]').dataset.drawing)
          change.oncomplete = () => { open.result.close(); done() }
        }
      })`)
      await button(page, 'Share').click()
      await button(page, 'Make a link').click()
      const problem = page.locator('[data-problem="picture.missing"]')
      await problem.waitFor()

      expect(await problem.textContent()).to.include('Draw it again.')
      await page.keyboard.press('Escape')
    })

    it('a link to nothing says so', async () => {
      const shared = await house.open(page.context(), '/imagine/s/nothing')
      await shared.getByText('There is no such shared picture').waitFor()
      await shared.close()
    })
  })

  it('a full history says before the next picture which one goes for it, and gives that to be downloaded', async () => {
    const mine = await house.guest('/imagine/m/image')
    await mine.evaluate(`new Promise((done, fail) => {
      const open = indexedDB.open('heurist-imagine')
      open.onsuccess = () => {
        const change = open.result.transaction(['drawings', 'pictures'], 'readwrite')
        for (let at = 0; at < ${MOST_KEPT}; at += 1) {
          const id = 'old-' + at
          const drawing = { id, model: 'image', at, input: JSON.stringify({ prompt: id, seed: at }), state: 'done' }
          change.objectStore('drawings').put(drawing, id)
          change.objectStore('pictures').put(new Uint8Array([1, 2, 3]), id)
        }
        change.oncomplete = () => { open.result.close(); done() }
        change.onerror = fail
      }
    })`)
    await mine.reload()
    await isReady(mine)
    const told = mine.locator('[data-next-to-go]')
    await told.waitFor()
    const oldest = () => told.getAttribute('data-next-to-go')

    expect(await oldest()).to.equal('old-0')
    expect(await told.textContent()).to.match(/keeps the latest 50 of a model.*the oldest, “old-0”/)
    const [download] = await Promise.all([
      mine.waitForEvent('download'),
      told.getByRole('link', { name: 'Download it before' }).click(),
    ])
    expect(download.suggestedFilename()).to.equal('image-0.png')
    expect([...readFileSync(await download.path())]).to.deep.equal([1, 2, 3])

    await prompt(mine).fill('a photograph of my grandmother')
    await button(mine, 'Draw').click()
    await mine.locator('#result [data-problem]').waitFor()
    expect(await oldest()).to.equal('old-0')
    expect(await mine.getByTitle('old-0', { exact: true }).count()).to.equal(1)

    await draw(PROMPT, mine)
    await until(async () => (await oldest()) === 'old-1')
    expect(await mine.getByTitle('old-0', { exact: true }).count()).to.equal(0)
    await mine.context().close()
  })

  it('the first picture takes two prompts of a wallet, the next ten take none', async () => {
    const { context, wallet, page: mine } = await house.holder(10n)
    await mine.goto(`${house.stage.url}/imagine/m/image`)
    await fund(mine)
    await isReady(mine)
    await mine.keyboard.press('Escape')
    await mine.locator('[data-price]').waitFor()
    await draw(PROMPT, mine)
    expect(wallet.prompts).to.deep.equal(['eth_requestAccounts', 'eth_signTypedData_v4'])

    for (let call = 0; call < 10; call += 1) await draw(PROMPT, mine)
    expect(wallet.prompts).to.have.length(2)
    // Eleven pictures of 12 steps at 100.
    await mine.locator('[data-session]').click()
    const left = BigInt((await mine.locator('[data-left]').getAttribute('data-left')) ?? '0')
    expect(left).to.equal(usd('5') - 11n * 1_200n)
    await context.close()
  })

  whatStopsPaying({
    house: () => house,
    path: () => '/imagine/m/image',
    fill: (on) => prompt(on).fill(PROMPT),
    pays: 'Draw',
    done: (on) => on.locator('#result [data-state=done] [data-receipt]').waitFor(),
  })

  it('a model that is not there is said in a sentence', async () => {
    await at('nothing')
    await page.getByText('This network has no picture model “nothing”').waitFor()
  })

  it('while the router is down nothing is asked, the history is there, and it goes on by itself', async () => {
    await studio('image')
    await prompt().fill(PROMPT)
    const banner = page.locator('[data-banner=down]')
    await house.stage.network.kill('router', async () => {
      await banner.waitFor()

      expect(await banner.textContent()).to.include('The router does not answer')
      expect(await button(page, 'Draw').isDisabled()).to.equal(true)
      expect(await entries().count()).to.be.greaterThan(0)
    })

    await isReady(page)
    await draw(PROMPT)
  })

  it('while the chain is down the same', async () => {
    await studio('image')
    const banner = page.locator('[data-banner=down]')
    await house.stage.market.restartChain(async () => {
      await banner.waitFor()

      expect(await banner.textContent()).to.include('The chain does not answer')
    })

    await isReady(page)
    await draw(PROMPT)
  })

  it('what the page earns is what the ledger says of its own frontend', async () => {
    const { chain, domain, addresses, router } = house.stage.market
    await page.goto(`${house.stage.url}/imagine`)
    const shown = await revenueOf(page)
    await shown.waitFor()
    const place = openChain({ chainId: domain.chainId, rpcUrl: chain.rpcUrl })
    const payee = { role: 'frontend', id: house.stage.frontends.imagine } as const
    await until(async () => {
      const [found] = await claimablesOf(place, addresses, router.address, [payee])
      const earned = (found?.claimable ?? 0n) + (found?.claimed ?? 0n)
      return earned > 0n && (await shown.getAttribute('data-earned')) === earned.toString()
    })
    expect(await shown.getAttribute('data-frontend')).to.equal(String(house.stage.frontends.imagine))
  })

  it('a picture is drawn by keyboard alone', async () => {
    const mine = await house.open(await house.visitor(), '/imagine/m/image')
    await mine.getByRole('button', { name: 'Add credit' }).focus()
    await mine.keyboard.press('Enter')
    await button(mine, 'Try without a wallet').focus()
    await mine.keyboard.press('Space')
    await isReady(mine)
    await mine.keyboard.press('Escape')
    await mine
      .getByRole('button', { name: /Use this prompt/ })
      .first()
      .focus()
    await mine.keyboard.press('Enter')
    await prompt(mine).focus()
    for (let stops = 0; stops < 12; stops += 1) {
      if ((await mine.evaluate('document.activeElement?.textContent')) === 'Draw') break
      await mine.keyboard.press('Tab')
    }
    const [result, cancel] = [mine.locator('#result > [tabindex="-1"]'), button(mine, 'Cancel')]
    const worker = house.stage.network.pid('worker-1')
    process.kill(worker, 'SIGSTOP')
    try {
      await mine.keyboard.press('Enter')
      await isFocused(cancel)
    } finally {
      process.kill(worker, 'SIGCONT')
    }
    await mine.locator('#result [data-state=done]').waitFor()
    await isFocused(result)

    process.kill(worker, 'SIGSTOP')
    try {
      await button(mine, 'Draw').focus()
      await mine.keyboard.press('Enter')
      await isFocused(cancel)
      // Later than the second half of a double press, which is meant for Draw.
      await mine.waitForTimeout(600)
      await mine.keyboard.press('Enter')
      await mine.locator('#result [data-state=cancelled]').waitFor()
    } finally {
      process.kill(worker, 'SIGCONT')
    }
    await isFocused(result)
    await mine.context().close()
  })

  it('no page has a serious or critical fault by axe, in both themes, at 360 and 1440 pixels', async () => {
    await studio('image')
    await draw(PROMPT)
    await button(page, 'Share').click()
    await button(page, 'Make a link').click()
    const share = new URL((await page.locator('[data-share]').getAttribute('href')) ?? '').pathname
    await page.keyboard.press('Escape')
    const faults: string[] = []
    for (const theme of ['light', 'dark'] as const) {
      for (const width of [360, 1440]) {
        await page.setViewportSize({ width, height: 800 })
        await page.emulateMedia({ colorScheme: theme })
        for (const [path, there] of [
          ['/imagine', '[data-own]'],
          ['/imagine/m/image', '#result img'],
          [share, 'article img'],
        ] as const) {
          await page.goto(house.stage.url + path)
          await page.locator(there).first().waitFor()
          faults.push(...(await faultsOf(page, `${path} ${theme} ${width}`)))
          const overflow = await page.evaluate('document.documentElement.scrollWidth > innerWidth')
          if (overflow) faults.push(`${path} ${theme}: wider than ${width} pixels`)
        }
        await button(page, 'Check that a node signed for it').click()
        await page.locator('[data-check]').first().waitFor()
        faults.push(...(await faultsOf(page, `checks ${theme} ${width}`)))
        await page.goto(`${house.stage.url}/imagine/m/image`)
        await isReady(page)
        await page.locator('#result img').waitFor()
        await page.getByText('Recommended keywords').click()
        faults.push(...(await faultsOf(page, `keywords ${theme} ${width}`)))
        await button(page, 'Share').click()
        await page.getByRole('dialog').waitFor()
        faults.push(...(await faultsOf(page, `share ${theme} ${width}`)))
        await page.keyboard.press('Escape')
      }
    }

    expect(faults).to.deep.equal([])
    await page.setViewportSize({ width: 1440, height: 900 })
  })

  describe('in all of that', () => {
    it('no page asked anything of a stranger, and no policy was broken', () => {
      expect(house.strangers).to.deep.equal([])
      expect(house.complaints).to.deep.equal([])
    })
  })
})
