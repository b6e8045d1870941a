import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { formatUsd } from '../../sdk/units.ts'
import { faultsInBothThemes } from './axe.ts'
import { BOMBS } from './bombs.ts'
import { answered, button, type House, isFocused, isReady, openHouse, until } from './visitor.ts'

/** Questions answered from documents, in a real Chromium on a real network with the embed pod. */

const FACTS = [
  'The capital of Japan is Tokyo.',
  'A pod is a model, a workflow or a prover that the network serves.',
  'An epoch lasts a week; votes bind from the next epoch on.',
  'Gold is a metal, and its chemical symbol is Au.',
  'A leap year has 366 days.',
]

/** A PDF of one page with these lines, as small as the format allows. */
function pdfOf(lines: readonly string[]): Buffer {
  const text = lines.map((line) => `(${line.replaceAll(/([()\\])/g, '\\$1')}) Tj 0 -14 Td`).join('\n')
  const stream = `BT /F1 12 Tf 40 760 Td\n${text}\nET`
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ]
  let pdf = '%PDF-1.4\n'
  const offsets = objects.map((object, index) => {
    const at = pdf.length
    pdf += `${index + 1} 0 obj\n${object}\nendobj\n`
    return at
  })
  const table = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')
  pdf += `xref\n0 6\n0000000000 65535 f \n${table}trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n${pdf.indexOf('xref')}\n%%EOF\n`
  return Buffer.from(pdf, 'latin1')
}

const textFile = (name: string, text: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) })
const pdfFile = (name: string, buffer: Buffer) => ({ name, mimeType: 'application/pdf', buffer })

describe('pondera in a browser: documents', function () {
  this.timeout(300_000)
  let house: House
  let page: Page
  /** Whose calls the page made. */
  let payer = ''
  before(async () => {
    house = await openHouse()
    page = await house.guest()
    page.on('request', (request) => {
      if (request.url().endsWith('/v1/jobs')) payer = request.postDataJSON().request.payer
    })
  })
  after(() => house?.close())

  type Upload = { name: string; mimeType: string; buffer: Buffer }
  const openPanel = () => page.getByRole('button', { name: /^Documents/ }).click()
  const choose = (file: Upload) => page.locator('input[type=file]').setInputFiles(file)
  /** @returns the most that its button said, and what its line says it cost. Base units. */
  async function add(file: Upload): Promise<{ most: bigint; price: bigint }> {
    await choose(file)
    const index = page.getByRole('button', { name: /^Index / })
    const most = BigInt((await index.getAttribute('data-most')) ?? '')
    expect(await index.textContent()).to.include(`$${formatUsd(most)}`)
    await index.click()
    const line = page.locator(`[data-document="${file.name}"][data-rest="0"]`)
    await line.waitFor()
    return { most, price: BigInt((await line.getAttribute('data-price')) ?? '') }
  }
  /** What the router charged whoever this page pays with. */
  async function charged(): Promise<bigint> {
    const answer = await fetch(`${house.stage.network.routerUrl}/v1/accounts/${payer}`)
    return BigInt(((await answer.json()) as { charged: string }).charged)
  }
  /** The prices of an answer's receipts as the router has them. */
  async function receipted(of: Page, answer: number): Promise<bigint[]> {
    const links = of.locator('[data-role=assistant]').nth(answer).locator('[data-receipt]')
    const requests = await links.evaluateAll((all) =>
      all.map((link) => link.getAttribute('data-receipt') ?? ''),
    )
    return Promise.all(requests.map(async (request) => (await house.receipt(request)).receipt?.price ?? 0n))
  }

  it('what is no document is refused in a sentence, before anything is paid', async () => {
    await openPanel()
    const wrong: [string, Upload][] = [
      [
        'document.unknown',
        { name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from([0xff, 0xfe, 0, 1]) },
      ],
      ['document.empty', textFile('empty.txt', ' \n ')],
      ['document.unreadable', pdfFile('broken.pdf', Buffer.from('%PDF-1.7\nnot a pdf at all'))],
      ['document.empty', pdfFile('scan.pdf', pdfOf([]))],
      ['document.too_large', textFile('large.txt', 'a'.repeat(10 * 1024 * 1024 + 1))],
      ['document.too_long', textFile('long.txt', 'word '.repeat(500_000))],
    ]
    for (const [code, file] of wrong) {
      await choose(file)
      await page.locator(`[data-problem="${code}"]`).waitFor()
      expect(await page.getByRole('button', { name: /^Index / }).count(), file.name).to.equal(0)
    }
    expect(await page.locator('[data-document]').count()).to.equal(0)
  })

  for (const [name, bomb] of Object.entries(BOMBS)) {
    it(`a PDF that is a bomb is put away in a sentence, and the page lives: ${name}`, async () => {
      if (!(await page.getByRole('dialog').isVisible())) await openPanel()
      await choose(textFile('empty.txt', ' '))
      await page.locator('[data-problem="document.empty"]').waitFor()
      await choose(pdfFile('bomb.pdf', bomb()))
      const problem = page.locator('[data-problem="document.unreadable"]')
      await problem.waitFor()

      expect(await problem.textContent()).to.match(/^“bomb\.pdf” takes too (?:long|much memory) to read/)
      expect(await page.getByRole('button', { name: /^Index / }).count()).to.equal(0)
    })
  }

  it('text and PDF are indexed at a price that is said before, and kept with their chat', async () => {
    // Words enough for several calls, in pieces that are longer than the model reads.
    const long = Array.from({ length: 900 }, (_, index) => `filler${index}`).join(' ')
    const all = [
      await add(textFile('facts.txt', FACTS.slice(0, 3).join('\n'))),
      await add(pdfFile('more.pdf', pdfOf(FACTS.slice(3)))),
      await add(textFile('long.txt', long)),
    ]
    for (const { most, price } of all)
      expect(price > 0n && price <= most, `${price} of ${most}`).to.equal(true)
    expect(await charged()).to.equal(all.reduce((sum, { price }) => sum + price, 0n))
    const remove = page.getByRole('button', { name: 'Remove long.txt' })
    const asks: string[] = []
    page.once('dialog', (dialog) => {
      asks.push(dialog.message())
      void dialog.dismiss()
    })
    await remove.press('Enter')
    expect(asks).to.deep.equal([
      'Remove “long.txt” from this chat? What was indexed is kept nowhere else, and to index it again is paid again.',
    ])
    expect(await page.locator('[data-document]').count()).to.equal(3)
    page.on('dialog', (dialog) => void dialog.accept())
    await remove.press('Enter')
    await until(async () => (await page.locator('[data-document]').count()) === 2)
    await isFocused(button(page, 'Remove more.pdf'))
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Documents (2)' }).waitFor()
    await page.reload()
    await isReady(page)
    await openPanel()

    await until(async () => (await page.locator('[data-document]').count()) === 2)
    expect(await faultsInBothThemes(page, 'documents')).to.deep.equal([])
    await page.keyboard.press('Escape')
  })

  it('a question goes out with the excerpts nearest to it, of both files, and shows them', async () => {
    const sent = page.waitForRequest((request) => {
      return request.url().endsWith('/v1/jobs') && request.postData()?.includes('Answer only from') === true
    })
    const before = await charged()
    await page.getByLabel('Your question', { exact: true }).fill('What is the chemical symbol of gold?')
    const most = BigInt((await page.locator('form [data-price]').getAttribute('data-price')) ?? '')
    await button(page, 'Send').click()
    const input = JSON.parse((await sent).postDataJSON().input)
    await answered(page, 0)
    const shown = page.locator('[data-excerpts]')

    expect(input.messages.at(-1).content).to.include('more.pdf').and.to.include('Au')
    expect(Number(await shown.getAttribute('data-excerpts'))).to.be.within(1, 7)
    expect(await shown.textContent()).to.include('its chemical symbol is Au')
    // The answer's receipt and that of looking it up are all that was charged, and no more than was said.
    const prices = await receipted(page, 0)
    const total = BigInt((await page.locator('[data-total]').getAttribute('data-total')) ?? '')
    expect(prices).to.have.length(2)
    expect(prices.reduce((sum, price) => sum + price, 0n)).to.equal(total)
    expect((await charged()) - before).to.equal(total)
    expect(total <= most, `${total} of ${most}`).to.equal(true)
  })

  it('a question that nothing in them is near to is answered by nobody, and says so', async () => {
    const other = await house.guest()
    await other.getByRole('button', { name: /^Documents/ }).click()
    await other.locator('input[type=file]').setInputFiles(textFile('japan.txt', FACTS[0] ?? ''))
    await other.getByRole('button', { name: /^Index / }).click()
    await other.locator('[data-document]').waitFor()
    await other.keyboard.press('Escape')
    await other.getByLabel('Your question', { exact: true }).fill('What is 7 plus 5?')
    await button(other, 'Send').click()
    const problem = other.locator('[data-problem]')
    await problem.waitFor()

    expect(await problem.getAttribute('data-problem')).to.equal('documents.silent')
    const [looked, ...rest] = await receipted(other, 0)
    expect(rest).to.deep.equal([])
    expect(await problem.textContent()).to.include(
      `Only looking it up was charged: $${formatUsd(looked ?? 0n)}.`,
    )
    await other.context().close()
  })

  it('a chat has five documents at most; with one fewer the next one is taken', async () => {
    await openPanel()
    for (const name of ['3.txt', '4.txt', '5.txt']) await add(textFile(name, FACTS[0] ?? ''))
    const input = page.locator('input[type=file]')

    expect(await input.isDisabled()).to.equal(true)
    expect(await page.getByText('5 are the most').count()).to.equal(1)

    for (const name of ['3.txt', '4.txt', '5.txt']) {
      await page.getByRole('button', { name: `Remove ${name}` }).click()
      await page.locator(`[data-document="${name}"]`).waitFor({ state: 'detached' })
    }
    await until(async () => !(await input.isDisabled()))
    await page.keyboard.press('Escape')
  })

  it('without its documents a chat asks the model alone again', async () => {
    await openPanel()
    await page.getByRole('button', { name: 'Remove facts.txt' }).press('Enter')
    await page.getByRole('button', { name: 'Remove more.pdf' }).press('Enter')
    await until(async () => (await page.locator('[data-document]').count()) === 0)
    await isFocused(page.locator('input[type=file]'))
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Documents', exact: true }).waitFor()
    await page.getByLabel('Your question', { exact: true }).fill('What is a pod?')
    await button(page, 'Send').click()

    expect(await answered(page, 1)).to.match(/pod/)
    expect(await page.locator('[data-excerpts]').count()).to.equal(1)
  })

  it('no page asked anything of a stranger, and no policy was broken', () => {
    expect(house.strangers).to.deep.equal([])
    expect(house.complaints).to.deep.equal([])
  })
})
