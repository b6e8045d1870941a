import { expect } from 'chai'
import type { BrowserContext, Page } from 'playwright-core'
import type { Address, Hex } from 'viem'
import { type KeyAccount, readAccount } from '../../sdk/chain/accounts.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { deposit } from '../../sdk/chain/deposits.ts'
import { keySender } from '../../sdk/chain/key-sender.ts'
import { usd } from '../../sdk/units.ts'
import { ask, button, fund, type House, isReady, openHouse, until } from './visitor.ts'
import { giveWallet, type TestWallet } from './wallet.ts'

/** Which key of a browser pays when there are several, or several tabs or wallets, in a real Chromium. */

const SIGN = 'eth_signTypedData_v4'
const SEND = 'eth_sendTransaction'

describe('the keys of a browser: two tabs, two keys, two wallets', function () {
  this.timeout(300_000)
  let house: House
  before(async () => {
    house = await openHouse({ pictures: true })
  })
  after(() => house?.close())

  const chain = () => {
    const { market } = house.stage
    return openChain({ chainId: market.domain.chainId, rpcUrl: market.chain.rpcUrl })
  }
  const accountAt = (key: Address): Promise<KeyAccount> => {
    const { addresses, router } = house.stage.market
    return readAccount(chain(), addresses.ledger, { router: router.address, key })
  }
  const phase = (page: Page, name: string) => page.locator(`[data-session=${name}]`).waitFor()
  const openPanel = (page: Page) => page.locator('[data-session]').click()
  const problem = (page: Page, code: string) => page.locator(`[data-problem="${code}"]`).waitFor()
  const signatures = (wallet: TestWallet) => wallet.prompts.filter((method) => method === SIGN)

  interface Kept {
    address: Address
    signed?: { data: Hex }
  }
  /** The keys that the browser keeps, newest first. */
  const keysOf = (page: Page) =>
    page.evaluate(`new Promise((resolve, reject) => {
      const opening = indexedDB.open('heurist-session')
      opening.onerror = () => reject(opening.error)
      opening.onsuccess = () => {
        const db = opening.result
        const asked = db.transaction('keys').objectStore('keys').getAll()
        asked.onsuccess = () => {
          db.close()
          resolve(asked.result.sort((a, b) => b.createdAt - a.createdAt).map(({ address, signed }) => ({ address, signed })))
        }
      }
    })`) as Promise<Kept[]>

  /** A wallet with money, as one of those of a browser. */
  async function walletOf(context: BrowserContext, name: string): Promise<TestWallet> {
    const { account } = await house.stage.purse(usd('20'))
    const { chain: local, domain } = house.stage.market
    return giveWallet(context, { account, rpcUrl: local.rpcUrl, chainId: domain.chainId, name })
  }

  it('two tabs that know of no key deposit at once: both pay into one key, and none is forgotten', async () => {
    const { context, wallet, page } = await house.holder(20n)
    const second = await house.open(context, '/imagine')
    // The sessions of both are open since the first try, on another chain.
    wallet.chainId = 1
    for (const tab of [page, second]) {
      await fund(tab)
      await problem(tab, 'wallet.wrong_chain')
    }
    wallet.chainId = house.stage.market.domain.chainId
    wallet.slow.add(SIGN)
    await button(page, 'Deposit with Test Wallet').click()
    await until(async () => wallet.waiting.length === 1)
    wallet.slow.clear()
    await button(second, 'Deposit with Test Wallet').click()
    await isReady(second)
    wallet.waiting[0]?.()
    await phase(page, 'elsewhere')
    const keys = await keysOf(page)
    const [key] = keys

    expect(keys).to.have.length(1)
    expect((await accountAt(key?.address ?? '0x')).deposited).to.equal(usd('10'))
    await until(async () => (await second.locator('[data-session]').textContent()) === '$10.00 left')
    expect(signatures(wallet)).to.have.length(2)
    await context.close()
  })

  it('a key that a wallet is asked to pay into is kept while another one pays, and what comes to it is taken back from the panel', async () => {
    const { context, wallet, page } = await house.holder(20n)
    await fund(page)
    await isReady(page)
    const [old] = await keysOf(page)
    await button(page, 'Revoke and withdraw').click()
    await phase(page, 'revoked')
    wallet.slow.add(SIGN)
    await button(page, 'Deposit with Test Wallet').click()
    await until(async () => wallet.waiting.length === 1)
    const [made] = await keysOf(page)
    const second = await house.open(context, '/imagine')
    await phase(second, 'revoked')
    await openPanel(second)
    await button(second, 'Cancel the withdrawal').click()
    // Whichever tab sees it first calls with it.
    const isCalling = async (tab: Page) => (await tab.locator('[data-session=ready]').count()) === 1
    await until(async () => (await isCalling(page)) || (await isCalling(second)))
    const calling = (await isCalling(page)) ? page : second
    expect((await keysOf(second)).map(({ address }) => address)).to.include(made?.address)

    wallet.waiting[0]?.()
    const other = calling.locator(`[data-former="${made?.address}"]`)
    await other.waitFor()
    expect(await other.textContent()).to.match(
      /^\$5\.000000 lie at .*another key of this browser: it pays once/,
    )
    const [late, first] = await Promise.all([made, old].map((key) => accountAt(key?.address ?? '0x')))
    expect([late?.credit, first?.credit]).to.deep.equal([usd('5'), usd('5')])

    await other.getByRole('button', { name: 'Announce the withdrawal' }).click()
    await until(async () => (await accountAt(made?.address ?? '0x')).thawing === usd('5'))
    await other.getByText('is on its way back to').waitFor()
    expect(await isCalling(calling)).to.equal(true)
    await context.close()
  })

  it('a withdrawal that is cancelled gives the key back, also after a deposit to a new one was declined', async () => {
    const { context, wallet, page } = await house.holder(20n)
    await fund(page)
    await isReady(page)
    const [key] = await keysOf(page)
    await button(page, 'Revoke and withdraw').click()
    await phase(page, 'revoked')
    wallet.declines.add(SIGN)
    await button(page, 'Deposit with Test Wallet').click()
    await problem(page, 'wallet.declined')
    await phase(page, 'revoked')
    await button(page, 'Cancel the withdrawal').click()
    await isReady(page)

    expect(await page.locator('[data-session]').textContent()).to.equal('$5.00 left')
    expect((await accountAt(key?.address ?? '0x')).thawing).to.equal(0n)
    await page.reload()
    await isReady(page)
    expect(await ask(page, 'What is a pod?')).to.match(/pod/)
    await context.close()
  })

  it('a deposit has arrived when the asset took its signature, whatever else comes to the key meanwhile', async () => {
    const { context, wallet, page } = await house.holder(20n)
    await fund(page)
    await isReady(page)
    await context.route('**/api/deposits', (route) => route.abort())
    wallet.declines.add(SEND)
    await button(page, 'Deposit with Test Wallet').click()
    const waits = page.getByLabel('Signed deposit')
    await waits.waitFor()
    const [kept] = await keysOf(page)
    const { addresses, router } = house.stage.market
    const stranger = await house.stage.purse(usd('3'))
    const terms = { ledger: addresses.ledger, asset: addresses.asset, router: router.address }
    await deposit(
      chain(),
      keySender(chain(), stranger.account),
      { ...terms, key: kept?.address ?? '0x' },
      usd('3'),
    )
    await page.reload()
    await isReady(page)
    await openPanel(page)
    await waits.waitFor()
    expect(await page.locator('[data-session]').textContent()).to.equal('$8.00 left')

    // Whoever has the signature may send it.
    await keySender(chain(), stranger.account).send({
      to: addresses.ledger,
      data: kept?.signed?.data ?? '0x',
    })
    await waits.waitFor({ state: 'detached' })
    await until(async () => (await page.locator('[data-session]').textContent()) === '$13.00 left')
    expect((await keysOf(page))[0]?.signed).to.equal(undefined)
    await context.close()
  })

  it('of two wallets the one that gave a deposit is asked to send it, also after a reload, and the other can be chosen', async () => {
    const context = await house.visitor()
    const [first, second] = [
      await walletOf(context, 'First Wallet'),
      await walletOf(context, 'Second Wallet'),
    ]
    const page = await house.open(context)
    await button(page, 'Add credit').click()
    const choice = page.getByLabel('Wallet', { exact: true })
    await choice.selectOption({ label: 'Second Wallet' })
    // The page's server sends none that is so small.
    await page.getByLabel('Dollars').fill('0.2')
    second.declines.add(SEND)
    await button(page, 'Deposit with Second Wallet').click()
    await phase(page, 'unfunded')
    const declined = page.locator('[data-problem="wallet.declined"]')
    await declined.waitFor()
    expect(await declined.textContent()).to.include('What you declined was neither signed nor sent')

    second.declines.clear()
    await page.reload()
    await phase(page, 'unfunded')
    await openPanel(page)
    await until(async () => (await choice.locator('option:checked').textContent()) === 'Second Wallet')
    await choice.selectOption({ label: 'First Wallet' })
    await button(page, 'Send it again').click()
    await problem(page, 'wallet.of_another')
    expect(first.prompts).not.to.include(SEND)

    await choice.selectOption({ label: 'Second Wallet' })
    await button(page, 'Send it again').click()
    await isReady(page)
    expect(await page.locator('[data-session]').textContent()).to.equal('$0.20 left')

    // A key that may sign nothing more is revoked by its owner's wallet.
    await page.evaluate(`new Promise((resolve) => {
      const opening = indexedDB.open('heurist-session')
      opening.onsuccess = () => {
        const writing = opening.result.transaction('keys', 'readwrite')
        const keys = writing.objectStore('keys')
        keys.openCursor().onsuccess = ({ target: { result } }) => {
          if (result) result.update({ ...result.value, wrapped: new ArrayBuffer(48) })
        }
        writing.oncomplete = () => resolve(opening.result.close())
      }
    })`)
    await page.reload()
    await phase(page, 'broken')
    await openPanel(page)
    await until(async () => (await choice.locator('option:checked').textContent()) === 'Second Wallet')
    await button(page, 'Revoke and withdraw').click()
    await phase(page, 'revoked')
    await until(async () => (await choice.locator('option:checked').textContent()) === 'Second Wallet')
    expect(first.prompts).not.to.include(SEND)
    await context.close()
  })

  it('of two wallets one can be chosen in a tab that only takes back, too', async () => {
    const context = await house.visitor()
    for (const name of ['First Wallet', 'Second Wallet']) await walletOf(context, name)
    const page = await house.open(context)
    await button(page, 'Add credit').click()
    const choiceOn = (tab: Page) => tab.getByLabel('Wallet', { exact: true })
    await choiceOn(page).selectOption({ label: 'Second Wallet' })
    await button(page, 'Deposit with Second Wallet').click()
    await isReady(page)
    await button(page, 'Revoke and withdraw').click()
    await phase(page, 'revoked')
    await choiceOn(page).selectOption({ label: 'First Wallet' })
    await button(page, 'Deposit with First Wallet').click()
    await isReady(page)
    const second = await house.open(context, '/imagine')
    await phase(second, 'elsewhere')
    await openPanel(second)
    await second.locator('[data-former]').waitFor()

    await choiceOn(second).selectOption({ label: 'First Wallet' })
    await choiceOn(second).selectOption({ label: 'Second Wallet' })
    expect(await choiceOn(second).locator('option:checked').textContent()).to.equal('Second Wallet')
    await context.close()
  })

  it('on a page without a secure connection no wallet is asked, and the person is told why', async () => {
    const browser = (await house.visitor()).browser()
    const context = await browser?.newContext()
    if (!context) throw new Error('there is no browser')
    // Browsers let no such page ask a machine's own addresses: the test asks for it.
    await context.route('**', async (route) => {
      const url = route.request().url().replace('http://plain.test', house.stage.url)
      const response = await route.fetch({ url })
      await route.fulfill({ response })
    })
    const wallet = await walletOf(context, 'Test Wallet')
    for (const how of ['Deposit with Test Wallet', 'Try without a wallet']) {
      const page = await context.newPage()
      await page.goto('http://plain.test/pondera')
      expect(await page.evaluate('window.isSecureContext')).to.equal(false)
      await fund(page, how)
      await problem(page, 'browser.unsafe')
      await page.close()
    }
    expect(wallet.prompts).to.deep.equal([])
    await context.unrouteAll({ behavior: 'ignoreErrors' })
    await context.close()
  })

  it('an amount that cannot be deposited is told why', async () => {
    const { context, page } = await house.holder(20n)
    await button(page, 'Add credit').click()
    const words = page.locator('[data-amount=wrong]')
    for (const [amount, why] of [
      ['abc', 'Write it like 5 or 1.50'],
      ['1.2345678', 'at most 6 decimals'],
      ['0', 'more than nothing'],
      ['0.000000', 'more than nothing'],
      ['1000000', 'less than a million'],
      ['', 'Say how many dollars'],
    ] as const) {
      await page.getByLabel('Dollars').fill(amount)
      expect(await words.textContent(), amount).to.include(why)
      expect(await button(page, 'Deposit with Test Wallet').isDisabled(), amount).to.equal(true)
    }
    await page.getByLabel('Dollars').fill('1.50')
    expect([await words.count(), await button(page, 'Deposit with Test Wallet').isDisabled()]).to.deep.equal([
      0,
      false,
    ])
    await context.close()
  })

  it('a second tab with the credits says what is true of it: the key is taken back in the tab that calls with it', async () => {
    const { context, page } = await house.holder(20n)
    await fund(page)
    await isReady(page)
    const second = await house.open(context, '/credits')
    await second.locator('[data-phase=elsewhere]').waitFor()
    await button(second, 'Connect Test Wallet').click()
    await second.locator('[data-key]').waitFor()
    const main = await second.getByRole('main').textContent()

    expect(main).to.include('Another tab of this browser uses your key. Go on there')
    expect(main).to.include('Another tab of this browser calls with it: revoke it there.')
    expect(main).not.to.include('Read only')
    expect(await second.getByRole('button', { name: /^Withdraw/ }).count()).to.equal(0)
    await context.close()
  })

  it('no page asked anything of a stranger, and no policy was broken', () => {
    expect(house.strangers).to.deep.equal([])
    expect(house.complaints).to.deep.equal([])
  })
})
