import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { button, fund, type House, isReady } from './visitor.ts'

/** A door where something is paid for. */
export interface PayingDoor {
  house(): House
  path(): string
  /** Fills in what is asked, all but the press of the button. */
  fill(page: Page): Promise<void>
  /** The button that pays for it. */
  pays: string
  /** Until what was paid for is there whole. */
  done(page: Page): Promise<void>
}

/** What can stand between a visitor and the first answer: each is said in a sentence, charges nothing, and has a way out. */
export function whatStopsPaying({ house, path, fill, pays, done }: PayingDoor): void {
  async function pay(page: Page): Promise<void> {
    await isReady(page)
    await page.keyboard.press('Escape')
    await fill(page)
    await button(page, pays).click()
    await done(page)
  }

  it('a wallet that declines: nothing is signed or charged, and the next try works', async () => {
    const { context, wallet, page } = await house().holder(10n, path())
    wallet.declines.add('eth_signTypedData_v4')
    await fund(page)
    const problem = page.locator('[data-problem]')
    await problem.waitFor()

    expect(await problem.getAttribute('data-problem')).to.equal('wallet.declined')
    expect(await problem.textContent()).to.include('neither signed nor sent, and cost nothing')
    wallet.declines.clear()
    await button(page, 'Deposit with Test Wallet').click()
    await pay(page)
    await context.close()
  })

  it('a wallet on another chain is named with both chains, and switches in one click', async () => {
    const { context, wallet, page } = await house().holder(10n, path())
    wallet.chainId = 1
    await fund(page)
    const problem = page.locator('[data-problem="wallet.wrong_chain"]')

    expect(await problem.textContent()).to.match(/chain 1;.*chain 31337/)

    wallet.known.delete(31337)
    await button(page, 'Switch the wallet’s network').click()
    await problem.waitFor({ state: 'detached' })
    expect(wallet.chainId).to.equal(31337)
    expect(wallet.prompts).not.to.include('eth_signTypedData_v4')
    await button(page, 'Deposit with Test Wallet').click()
    await pay(page)
    await context.close()
  })

  it('a wallet without money is told what it has, before anything is signed', async () => {
    const { context, wallet, page } = await house().holder(1n, path())
    await fund(page)
    const problem = page.locator('[data-problem="deposit.insufficient_funds"]')

    expect(await problem.textContent()).to.include('$1.000000')
    expect(wallet.prompts).to.deep.equal(['eth_requestAccounts'])
    await context.close()
  })

  it('without a wallet the page says so, and a local chain needs none', async () => {
    const context = await house().visitor()
    const page = await house().open(context, path())
    await button(page, 'Add credit').click()

    expect(await page.locator('[data-no-wallet]').textContent()).to.include('No wallet was found')

    await button(page, 'Try without a wallet').click()
    await pay(page)
    await context.close()
  })

  it('a computer whose clock is a day behind is told so, and by how much; nothing is charged, and set right it pays', async () => {
    const context = await house().visitor()
    await context.addInitScript(`{
      const { now } = Date
      Date.now = () => now() - (localStorage.getItem('set right') ? 0 : 86_400_000)
    }`)
    const page = await house().open(context, path())
    await fund(page, 'Try without a wallet')
    await isReady(page)
    await page.keyboard.press('Escape')
    const before = await page.locator('[data-session]').textContent()
    await fill(page)
    await button(page, pays).click()
    const problem = page.locator('[data-problem="clock.wrong"]')
    await problem.waitFor()

    expect(await problem.textContent()).to.match(
      /^This computer’s clock is wrong: it is 24 hours behind the chain’s\. .* set them right, then ask again/,
    )
    expect(await page.locator('[data-session]').textContent()).to.equal(before)

    await page.evaluate(`localStorage.setItem('set right', 'yes')`)
    await page.goto(house().stage.url + path())
    await pay(page)
    await context.close()
  })

  it('another tab is told that the first one has the key, and takes over when it closes', async () => {
    const page = await house().guest(path())
    const second = await house().open(page.context(), path())
    await second.locator('[data-banner=elsewhere]').waitFor()
    await fill(second)

    expect(await second.locator('[data-banner]').textContent()).to.include('Another tab')
    expect(await button(second, pays).isDisabled()).to.equal(true)

    await page.close()
    await pay(second)
    await second.context().close()
  })
}
