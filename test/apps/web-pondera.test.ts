import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { readAccount } from '../../sdk/chain/accounts.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { usd } from '../../sdk/units.ts'
import { whatStopsPaying } from './paying.ts'
import { answered, ask, button, fund, type House, isReady, openHouse, until } from './visitor.ts'

/** How pondera is paid, in a real Chromium on a real network: chain, router, worker with its models, the page's own server. */

/** Before this nothing that is read of a silent chain has been given up. */
const GIVEN_UP_MS = 40_000

describe('pondera in a browser: paying', function () {
  this.timeout(300_000)
  let house: House
  before(async () => {
    house = await openHouse()
  })
  after(() => house?.close())

  const accountAt = (key: string) => {
    const { chain, addresses, router, domain } = house.stage.market
    return readAccount(openChain({ chainId: domain.chainId, rpcUrl: chain.rpcUrl }), addresses.ledger, {
      router: router.address,
      key: key as `0x${string}`,
    })
  }
  whatStopsPaying({
    house: () => house,
    path: () => '/pondera',
    // A label around a field that holds something is found by more than its own words.
    fill: (page) => page.getByRole('textbox', { name: 'Your question' }).fill('What is a pod?'),
    pays: 'Send',
    done: async (page) => void (await answered(page, 0)),
  })

  it('the first paid call takes at most two prompts, the next ten take none', async () => {
    const { context, wallet, page } = await house.holder(10n)
    await fund(page)
    await isReady(page)
    await page.keyboard.press('Escape')
    expect(await ask(page, 'What is a pod?')).to.match(/pod/)

    expect(wallet.prompts).to.deep.equal(['eth_requestAccounts', 'eth_signTypedData_v4'])

    for (let call = 1; call <= 10; call += 1) await ask(page, `What is ${call} plus ${call}?`)
    expect(wallet.prompts).to.have.length(2)
    const sum = await spentOn(page)
    await button(page, '$4.99 left').click()
    const left = BigInt((await page.locator('[data-left]').getAttribute('data-left')) ?? '0')
    expect(left).to.equal(usd('5') - sum)
    await context.close()
  })

  /** What the answers on a page say that they cost, each checked against the router's receipt. */
  async function spentOn(on: Page): Promise<bigint> {
    let sum = 0n
    for (const link of await on.locator('[data-receipt]').all()) {
      const { receipt } = await house.receipt((await link.getAttribute('data-receipt')) ?? '')
      expect(await link.textContent()).to.include(`$0.${receipt?.price.toString().padStart(6, '0')}`)
      sum += receipt?.price ?? 0n
    }
    return sum
  }

  it('a deposit that was signed and did not arrive is sent again after a reload, without a prompt', async () => {
    const { context, wallet, page } = await house.holder(10n)
    await context.route('**/api/deposits', (route) => route.abort())
    wallet.declines.add('eth_sendTransaction')
    await fund(page)
    await page.locator('[data-problem="wallet.declined"]').waitFor()
    await page.locator('[data-session=unfunded]').waitFor()
    await page.reload()
    await page.locator('[data-session=unfunded]').waitFor()
    await context.unroute('**/api/deposits')
    const before = wallet.prompts.length
    await button(page, 'Deposit waits').click()
    await button(page, 'Send it again').click()
    await isReady(page)

    expect(wallet.prompts).to.have.length(before)
    await context.close()
  })

  it('a deposit that is too small to be relayed is sent by the wallet', async () => {
    const { context, wallet, page } = await house.holder(10n)
    await button(page, 'Add credit').click()
    await page.getByLabel('Dollars').fill('0.10')
    await button(page, 'Deposit with Test Wallet').click()
    await isReady(page)

    expect(wallet.prompts.at(-1)).to.equal('eth_sendTransaction')
    await context.close()
  })

  it('where nobody relays, the wallet sends the deposit itself', async () => {
    const { context, wallet, page } = await house.holder(10n)
    await context.route('**/api/deposits', (route) => route.abort())
    await fund(page)
    await isReady(page)

    expect(wallet.prompts).to.deep.equal([
      'eth_requestAccounts',
      'eth_signTypedData_v4',
      'eth_sendTransaction',
    ])
    await context.close()
  })

  it('one click revokes: the withdrawal stands on the chain, and the key signs nothing more', async () => {
    const { context, wallet, page } = await house.holder(20n)
    await fund(page)
    await isReady(page)
    await page.keyboard.press('Escape')
    await ask(page, 'What is a pod?')
    await button(page, '$4.99 left').click()
    const before = wallet.prompts.length
    await button(page, 'Revoke and withdraw').click()
    const former = page.locator('[data-former]')
    await former.waitFor()
    const key = (await former.getAttribute('data-former')) ?? ''
    const account = await accountAt(key)

    expect(wallet.prompts.slice(before)).to.deep.equal(['eth_sendTransaction'])
    expect(account.owner.toLowerCase()).to.equal(wallet.account.address.toLowerCase())
    expect(account.thawing > 0n && account.thawing <= account.credit).to.equal(true)
    // The router posts what it holds meanwhile; then all that is left is on its way back.
    await until(async () => {
      const { thawing, credit } = await accountAt(key)
      return thawing === credit
    })
    expect(await page.locator('[data-session]').getAttribute('data-session')).to.equal('revoked')
    await button(page, 'Deposit with Test Wallet').click()
    await isReady(page)
    await context.close()
  })

  /** What the calls of a page came to, by the router's receipts; a call that failed came to nothing. */
  async function pricesOn(page: Page): Promise<bigint> {
    let sum = 0n
    for (const link of await page.locator('[data-receipt]').all()) {
      const { receipt } = await house.receipt((await link.getAttribute('data-receipt')) ?? '')
      sum += receipt?.price ?? 0n
    }
    return sum
  }

  it('reload in mid-call: nothing is lost, nothing is charged twice, and the chat goes on', async () => {
    const page = await house.guest()
    await ask(page, 'What is a pod?')
    const worker = house.stage.network.pid('worker-1')
    process.kill(worker, 'SIGSTOP')
    await page.getByLabel('Your question', { exact: true }).fill('What is an epoch?')
    await button(page, 'Send').click()
    await page.locator('[data-state=writing]').waitFor()
    await page.waitForTimeout(500)
    await page.reload()
    process.kill(worker, 'SIGCONT')
    await isReady(page)
    const cut = page.locator('[data-state=cut]')
    await cut.waitFor()

    expect(await cut.textContent()).to.include('only what was delivered is charged')
    expect(await page.locator('[data-role=user]').count()).to.equal(2)
    expect(await ask(page, 'What is a pod?')).to.match(/pod/)
    // What is left is the deposit less what the receipts of all three calls say, the one of the cut call among them.
    await page.getByRole('button', { name: /left$/ }).click()
    await until(async () => {
      const left = BigInt((await page.locator('[data-left]').getAttribute('data-left')) ?? '0')
      return left === usd('5') - (await pricesOn(page))
    })
    await page.context().close()
  })

  it('while the chain is down a banner says that the page can only be read, and it goes on by itself', async () => {
    const page = await house.guest()
    await ask(page, 'What is a pod?')
    const banner = page.locator('[data-banner=down]')
    await house.stage.market.restartChain(async () => {
      await page.reload()
      await banner.waitFor()

      expect(await banner.textContent()).to.match(/Read only\. The chain does not answer/)
      expect(await page.locator('.prose').first().textContent()).to.match(/pod/)
      expect(await button(page, 'Send').isDisabled()).to.equal(true)
    })

    await isReady(page)
    await banner.waitFor({ state: 'detached' })
    expect(await ask(page, 'What is an epoch?')).to.match(/epoch/i)
    await page.context().close()
  })

  it('a chain that takes the line and says nothing is the same, before what is read of it is given up', async () => {
    const page = await house.guest()
    const goOn = house.stage.market.hangChain()
    try {
      const banner = page.locator('[data-banner=down]')
      await banner.waitFor({ timeout: GIVEN_UP_MS })

      expect(await banner.textContent()).to.match(/Read only\. The chain does not answer/)
      expect(await button(page, 'Send').isDisabled()).to.equal(true)
      goOn()
      await isReady(page)
      await banner.waitFor({ state: 'detached' })
    } finally {
      goOn()
    }
    await page.context().close()
  })

  it('while the router is down the same, and no question is lost', async () => {
    const page = await house.guest()
    const banner = page.locator('[data-banner=down]')
    await house.stage.network.kill('router', async () => {
      await banner.waitFor()

      expect(await banner.textContent()).to.include('The router does not answer')
    })

    await isReady(page)
    expect(await ask(page, 'What is a pod?')).to.match(/pod/)
    await page.context().close()
  })

  it('no page asked anything of a stranger, and no policy was broken', () => {
    expect(house.strangers).to.deep.equal([])
    expect(house.complaints).to.deep.equal([])
  })
})
