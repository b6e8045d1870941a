import { expect } from 'chai'
import type { BrowserContext, Page } from 'playwright-core'
import { type Address, createTestClient, http, toFunctionSelector } from 'viem'
import { type KeyAccount, readAccount } from '../../sdk/chain/accounts.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { accountCall } from '../../sdk/chain/deposits.ts'
import { keySender } from '../../sdk/chain/key-sender.ts'
import { usd } from '../../sdk/units.ts'
import { OUT_OF_STEP, type Question } from '../sdk/ill-node.ts'
import { faultsOf } from './axe.ts'
import { ask, button, fund, type House, isReady, openHouse, until } from './visitor.ts'
import { giveWallet, type TestWallet } from './wallet.ts'

/** A key of a browser and what the chain says of it, in a real Chromium: pages are loaded again at the worst time. */

const SEND = 'eth_sendTransaction'

describe('the key of a browser: reloads, and withdrawals that began elsewhere', function () {
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
  const anvil = () => createTestClient({ mode: 'anvil', transport: http(house.stage.market.chain.rpcUrl) })
  const accountAt = (key: Address): Promise<KeyAccount> => {
    const { addresses, router } = house.stage.market
    return readAccount(chain(), addresses.ledger, { router: router.address, key })
  }
  const sent = (wallet: TestWallet) => wallet.prompts.filter((method) => method === SEND)
  const phase = (page: Page, name: string) => page.locator(`[data-session=${name}]`).waitFor()
  const deed = (page: Page, name: string, state: string) =>
    page.locator(`[data-deed=${name}][data-tx=${state}]`).waitFor()
  const openPanel = (page: Page) => page.locator('[data-session]').click()
  const offersDeposit = (page: Page) => button(page, 'Deposit with Test Wallet').count()

  /** Somebody whose key holds five dollars of a wallet, on pondera. */
  async function payer() {
    const guest = await house.holder(20n)
    await fund(guest.page)
    await isReady(guest.page)
    await guest.page.keyboard.press('Escape')
    return { ...guest, key: await keyOf(guest.page) }
  }

  async function faultsOnPhone(page: Page, where: string): Promise<string[]> {
    const size = page.viewportSize()
    await page.setViewportSize({ width: 360, height: 800 })
    const faults = await faultsOf(page, where)
    const over = Number(await page.evaluate('document.documentElement.scrollWidth - window.innerWidth'))
    if (size) await page.setViewportSize(size)
    return over > 0 ? [...faults, `${where}: overflows by ${over}`] : faults
  }

  /** The newest key that the browser keeps. */
  async function keyOf(page: Page): Promise<Address> {
    const keys = (await page.evaluate(`new Promise((resolve, reject) => {
      const opening = indexedDB.open('heurist-session')
      opening.onerror = () => reject(opening.error)
      opening.onsuccess = () => {
        const db = opening.result
        const asked = db.transaction('keys').objectStore('keys').getAll()
        asked.onsuccess = () => {
          db.close()
          resolve(asked.result.sort((a, b) => b.createdAt - a.createdAt).map(({ address }) => address))
        }
      }
    })`)) as Address[]
    return keys[0] ?? '0x'
  }

  /** Asks to revoke; the wallet's window stays open. */
  async function revokeAndReload(page: Page, wallet: TestWallet): Promise<void> {
    wallet.silent.add(SEND)
    await openPanel(page)
    await button(page, 'Revoke and withdraw').click()
    await until(async () => wallet.unanswered.length === 1)
    await page.reload()
    await phase(page, 'revoking')
  }

  it('revoked, loaded again while the wallet is open, then sent: one withdrawal, and no deposit goes into it', async () => {
    const { context, wallet, page, key } = await payer()
    await revokeAndReload(page, wallet)
    await page.getByText('This key is being revoked').waitFor()

    expect(await button(page, 'Send').isDisabled()).to.equal(true)

    await openPanel(page)
    await deed(page, 'thaw', 'unsure')
    expect(await page.locator('[data-deed=thaw]').textContent()).to.match(
      /this page has no answer\. .* both can be confirmed, and this may then be done twice\./,
    )
    expect([await offersDeposit(page), await button(page, 'Revoke and withdraw').count()]).to.deep.equal([
      0, 0,
    ])

    expect(await faultsOnPhone(page, 'revoking')).to.deep.equal([])
    await wallet.unanswered[0]?.()
    await phase(page, 'revoked')
    const former = page.locator(`[data-former="${key}"]`)
    await former.waitFor()
    const { thawing, deposited } = await accountAt(key)
    expect([thawing, deposited]).to.deep.equal([usd('5'), usd('5')])
    expect(await former.getAttribute('data-thawing')).to.equal(thawing.toString())
    expect(await former.textContent()).to.match(
      /^\$5\.000000 of the revoked key .* is on its way back to .*, from /,
    )
    expect(await page.locator('[data-session]').textContent()).to.equal('$5.00 going back')
    expect(sent(wallet)).to.have.length(1)
    expect(await faultsOnPhone(page, 'revoked')).to.deep.equal([])

    // The next deposit makes another key.
    wallet.silent.clear()
    await button(page, 'Deposit with Test Wallet').click()
    await isReady(page)
    const next = await keyOf(page)
    expect(next).not.to.equal(key)
    expect([(await accountAt(key)).deposited, (await accountAt(next)).deposited]).to.deep.equal([
      usd('5'),
      usd('5'),
    ])
    expect(sent(wallet)).to.have.length(1)
    await context.close()
  })

  it('revoked twice by a wallet that carries out both requests: that is told, also after a reload, until it is dismissed', async () => {
    const context = await house.visitor()
    const { account } = await house.stage.purse(usd('20'))
    const { chain: local, domain } = house.stage.market
    const wallet = await giveWallet(context, {
      account,
      rpcUrl: local.rpcUrl,
      chainId: domain.chainId,
      numbersItself: true,
    })
    const page = await house.open(context)
    await fund(page)
    await isReady(page)
    const key = await keyOf(page)
    await page.keyboard.press('Escape')
    await revokeAndReload(page, wallet)
    await openPanel(page)
    wallet.silent.clear()
    await button(page, 'It is gone: ask again').click()
    await phase(page, 'revoked')
    const told = page.locator(`[data-former="${key}"] [data-deed=thaw][data-tx=included]`)
    await told.getByText('It was asked for more than once').waitFor()
    const { thawedAt } = await accountAt(key)
    // What was asked for twice is no reason to revoke the key again.
    expect(await page.locator('[data-former]').count()).to.equal(1)

    await anvil().increaseTime({ seconds: 60 })
    await wallet.unanswered[0]?.()
    await told.getByText('Done twice: Withdraw $5').waitFor()
    expect((await accountAt(key)).thawedAt).to.be.above(thawedAt)

    await page.reload()
    await phase(page, 'revoked')
    await openPanel(page)
    await told.getByText('Done twice: Withdraw $5').waitFor()
    expect(await faultsOnPhone(page, 'done twice')).to.deep.equal([])
    await told.getByRole('button', { name: 'Dismiss' }).click()
    await told.waitFor({ state: 'detached' })
    expect(sent(wallet)).to.have.length(2)
    await context.close()
  })

  it('taken back after it was asked for twice, the key pays on, though the page is loaded again', async () => {
    const { context, wallet, page, key } = await payer()
    await revokeAndReload(page, wallet)
    await openPanel(page)
    wallet.silent.clear()
    await button(page, 'It is gone: ask again').click()
    await phase(page, 'revoked')
    await page.locator('[data-deed=thaw][data-tx=included]').waitFor()
    await button(page, 'Cancel the withdrawal').click()
    await isReady(page)
    await page.reload()
    await isReady(page)

    expect((await accountAt(key)).thawing).to.equal(0n)
    expect(await ask(page, 'What is a pod?')).to.match(/pod/)
    await context.close()
  })

  it('revoked, loaded again, and never confirmed: it can be asked again, declined and forgotten, and the key goes on', async () => {
    const { context, wallet, page, key } = await payer()
    await revokeAndReload(page, wallet)
    wallet.silent.clear()
    wallet.declines.add(SEND)
    await openPanel(page)
    await deed(page, 'thaw', 'unsure')
    await button(page, 'It is gone: ask again').click()
    await page.locator('[data-deed=thaw] [data-problem="wallet.declined"]').waitFor()

    expect(sent(wallet)).to.have.length(2)

    await button(page, 'Forget it').click()
    await isReady(page)
    await button(page, 'Revoke and withdraw').click()
    await page.locator('[data-problem="wallet.declined"]').waitFor()
    await isReady(page)
    expect((await accountAt(key)).thawing).to.equal(0n)
    await page.keyboard.press('Escape')
    expect(await ask(page, 'What is a pod?')).to.match(/pod/)
    await context.close()
  })

  it('a withdrawal that began elsewhere is read from the chain: every door says it, none pays into it, and it can be cancelled', async () => {
    const { context, wallet, page, key } = await payer()
    const { addresses, router } = house.stage.market
    const data = accountCall.thaw(router.address, key, usd('5'))
    await keySender(chain(), wallet.account).send({ to: addresses.ledger, data })
    await phase(page, 'revoked')
    const why = 'Your credit is on its way back: cancel that, or deposit to a new key'
    const { chat = 0 } = house.stage.market.seeded.pods
    for (const [path, pays] of [
      ['/pondera', 'Send'],
      ['/search', 'Search'],
      ['/imagine/m/image', 'Draw'],
      [`/pods/${chat}`, 'Run'],
    ] as const) {
      await page.goto(house.stage.url + path)
      await phase(page, 'revoked')
      await page.getByText(why).waitFor()
      expect(await button(page, pays).isDisabled(), path).to.equal(true)
    }
    await page.goto(`${house.stage.url}/credits`)
    await page.locator(`[data-going-back="${key}"]`).waitFor()
    expect(await page.locator(`[data-going-back="${key}"]`).textContent()).to.include('$5')
    expect(await page.locator('[data-figure=left]').count()).to.equal(0)

    await openPanel(page)
    await button(page, 'Cancel the withdrawal').click()
    await isReady(page)
    const { thawing, deposited } = await accountAt(key)
    expect([thawing, deposited]).to.deep.equal([0n, usd('5')])
    expect(sent(wallet)).to.have.length(1)
    await page.goto(`${house.stage.url}/pondera`)
    await isReady(page)
    expect(await ask(page, 'What is a pod?')).to.match(/pod/)
    await context.close()
  })

  it('a page that has not seen the withdrawal yet looks before it takes a deposit, and asks the wallet nothing', async () => {
    const { context, wallet, page, key } = await payer()
    // It looks for itself no more.
    await context.addInitScript('window.setInterval = () => 0')
    await page.reload()
    await isReady(page)
    await openPanel(page)
    const { addresses, router } = house.stage.market
    const data = accountCall.thaw(router.address, key, usd('5'))
    await keySender(chain(), wallet.account).send({ to: addresses.ledger, data })
    const before = wallet.prompts.length
    await button(page, 'Deposit with Test Wallet').click()
    await page.locator('[data-problem="key.revoked"]').waitFor()

    await phase(page, 'revoked')
    expect(wallet.prompts).to.have.length(before)
    expect((await accountAt(key)).deposited).to.equal(usd('5'))
    await context.close()
  })

  it('a deposit that the wallet sends itself is asked for once, however often the page is loaded', async () => {
    const { context, wallet, page } = await house.holder(20n)
    await context.route('**/api/deposits', (route) => route.abort())
    wallet.silent.add(SEND)
    await fund(page)
    await until(async () => wallet.unanswered.length === 1)
    await page.reload()
    await phase(page, 'unfunded')
    await openPanel(page)
    await deed(page, 'deposit', 'unsure')

    expect(await page.locator('[data-deed=deposit]').textContent()).to.match(
      /this page has no answer\. .* both can be confirmed, and the chain carries out one of them\./,
    )
    expect([await offersDeposit(page), await button(page, 'Send it again').count()]).to.deep.equal([0, 0])

    await anvil().setIntervalMining({ interval: 0 })
    await wallet.unanswered[0]?.()
    await page.reload()
    await phase(page, 'unfunded')
    await anvil().setIntervalMining({ interval: 1 })
    await isReady(page)
    expect((await accountAt(await keyOf(page))).deposited).to.equal(usd('5'))
    expect([sent(wallet).length, await page.locator('[data-session]').textContent()]).to.deep.equal([
      1,
      '$5.00 left',
    ])
    await context.close()
  })

  it('says truly whether a deposit that is sent again asks the wallet', async () => {
    const { context, wallet, page } = await house.holder(20n)
    await context.route('**/api/deposits', (route) => route.abort())
    wallet.declines.add(SEND)
    await fund(page)
    await phase(page, 'unfunded')
    const words = page.getByLabel('Signed deposit')

    await until(async () =>
      /your wallet is asked to send it, and pays the gas/.test((await words.textContent()) ?? ''),
    )
    wallet.declines.clear()
    await button(page, 'Send it again').click()
    await isReady(page)
    expect(sent(wallet)).to.have.length(2)
    await context.close()
  })

  it('a key without a wallet revokes itself once, also if the page is loaded again before a block holds it', async () => {
    const page = await house.guest()
    const key = await keyOf(page)
    const count = () => chain().client.getTransactionCount({ address: key })
    const before = await count()
    await anvil().setIntervalMining({ interval: 0 })
    await openPanel(page)
    await button(page, 'Revoke and withdraw').click()
    await deed(page, 'thaw', 'sent')
    await page.reload()
    await phase(page, 'revoking')
    await openPanel(page)
    await deed(page, 'thaw', 'sent')
    await anvil().setIntervalMining({ interval: 1 })
    await phase(page, 'revoked')

    expect((await accountAt(key)).thawing).to.equal(usd('5'))
    expect((await count()) - before).to.equal(1)
    await page.context().close()
  })

  /** Wallets as nobody should announce them: without a word, a name, a way to be asked, or `on`. */
  const ODD = `
    const provider = {
      async request({ method, params }) {
        const reply = await window.walletTestWallet(method, params ?? [])
        if (reply.error) throw Object.assign(new Error(reply.error.message), { code: reply.error.code })
        return reply.result
      },
    }
    const details = [
      null,
      undefined,
      'text',
      { provider: {} },
      { info: { uuid: 'none', name: 'No provider', rdns: 'none' } },
      { info: null, provider: null },
      { info: { uuid: 'long', name: 'W'.repeat(400), rdns: 'long' }, provider },
      { info: { uuid: 'turned', name: '\\u202Eturned\\nround', rdns: 'turned' }, provider },
      { info: { uuid: 'nameless', rdns: 'nameless' }, provider },
    ]
    const announce = () => {
      for (const detail of details) window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }))
    }
    window.addEventListener('eip6963:requestProvider', announce)
  `

  it('wallets that announce themselves badly break nothing: each has a short name, and connects without on()', async () => {
    const context = await house.visitor()
    const { account } = await house.stage.purse(usd('10'))
    const { chain: local, domain } = house.stage.market
    await giveWallet(context, { account, rpcUrl: local.rpcUrl, chainId: domain.chainId })
    await context.addInitScript(ODD)
    const page = await house.open(context, '/lock')
    await page.setViewportSize({ width: 360, height: 800 })
    await button(page, 'Connect Browser wallet').waitFor()
    const names = await page.getByRole('button', { name: /^Connect / }).allTextContents()
    const overflow = 'document.documentElement.scrollWidth - window.innerWidth'

    expect(names).to.have.members([
      'Connect Test Wallet',
      `Connect ${'W'.repeat(31)}…`,
      'Connect turned round',
      'Connect Browser wallet',
    ])
    expect(await page.evaluate(overflow)).to.equal(0)

    await button(page, `Connect ${'W'.repeat(31)}…`).click()
    await page.locator(`[data-account="${account.address.toLowerCase()}"]`).waitFor()
    expect(await page.evaluate(overflow)).to.equal(0)
    expect(house.complaints).to.deep.equal([])
    await context.close()
  })

  /** The chain's node answers such questions with an error. @returns ends it. */
  async function fall(context: BrowserContext, isIll: (asked: Question) => boolean) {
    const { origin } = new URL(house.stage.market.chain.rpcUrl)
    const here = (url: URL) => url.origin === origin
    await context.route(here, async (route) => {
      const body = JSON.parse(route.request().postData() ?? 'null') as Question | Question[]
      const response = await route.fetch()
      const answers = await response.json()
      const told = (asked: Question, answer: object) =>
        isIll(asked) ? { jsonrpc: '2.0', id: asked.id, ...OUT_OF_STEP } : answer
      const json = Array.isArray(body)
        ? body.map((asked) =>
            told(
              asked,
              answers.find(({ id }: Question) => id === asked.id),
            ),
          )
        : told(body, answers)
      await route.fulfill({ response, json })
    })
    return () => context.unroute(here)
  }

  it('an error of the chain’s node does not end a page: it goes on by itself', async () => {
    const page = await house.guest()
    const rise = await fall(page.context(), () => true)
    const banner = page.locator('[data-banner=down]')
    await banner.waitFor()
    await rise()
    await isReady(page)
    await banner.waitFor({ state: 'detached' })
    await page.context().close()
  })

  it('an answer whose signer cannot be read just then is not thrown away, and the key goes on', async () => {
    const page = await house.guest()
    const selector = toFunctionSelector('signerOf(uint32)')
    const rise = await fall(page.context(), ({ params }) => params[0]?.data?.startsWith(selector) ?? false)
    await page.getByLabel('Your question', { exact: true }).fill('What is a pod?')
    await button(page, 'Send').click()
    const ended = page.locator('[data-role=assistant]:is([data-state=done], [data-state=failed])')
    await ended.waitFor()
    await rise()

    expect(await ask(page, 'What is an epoch?')).to.match(/epoch/i)
    await page.locator('[data-cost=open]').waitFor({ state: 'detached' })
    expect(await ended.first().locator('[data-receipt]').textContent()).to.match(/^\$0\.0/)
    await page.context().close()
  })

  it('a picture whose signer cannot be read just then is shown once it can be, and is paid once', async () => {
    const page = await house.guest('/imagine/m/image')
    const selector = toFunctionSelector('signerOf(uint32)')
    const rise = await fall(page.context(), ({ params }) => params[0]?.data?.startsWith(selector) ?? false)
    await page.getByLabel('Prompt', { exact: true }).fill('a red circle')
    await button(page, 'Draw').click()
    await page.locator('#result [data-state=failed]').waitFor()
    await page.locator('#result').getByText('Once it can be checked it is shown here').waitFor()
    await rise()
    await page.locator('#result [data-state=done]').waitFor()
    await page.locator('#result img').waitFor()

    expect(await page.locator('#result [data-receipt]').textContent()).to.match(/^\$0\.0/)
    const request = (await page.locator('#result [data-receipt]').getAttribute('data-receipt')) ?? ''
    expect((await house.receipt(request)).ack?.count).to.equal(1n)
    await page.context().close()
  })

  it('a receipt is not accused by an error of the chain’s node: its page says that it could not check, and tries again', async () => {
    const page = await house.guest()
    await ask(page, 'What is a pod?')
    const request = await page.locator('[data-receipt]').first().getAttribute('data-receipt')
    const context = page.context()
    const rise = await fall(context, () => true)
    const receipt = await house.open(context, `/r/${request}`)
    await receipt.getByText('Could not check: the node of the chain answers with an error').waitFor()
    expect(await receipt.getByText('not hold').count()).to.equal(0)
    await rise()
    await receipt.getByText(/^all (hold so far|\d+ hold)|\d+ hold, \d+ not checked/).waitFor()
    await context.close()
  })

  it('no page asked anything of a stranger, and no policy was broken', () => {
    expect(house.strangers).to.deep.equal([])
    expect(house.complaints).to.deep.equal([])
  })
})
