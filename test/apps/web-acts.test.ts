import { expect } from 'chai'
import type { BrowserContext, Locator, Page } from 'playwright-core'
import { type Address, createTestClient, encodeFunctionData, erc20Abi, http } from 'viem'
import { votingEscrowAbi } from '../../sdk/chain/abi.ts'
import { accountsOf } from '../../sdk/chain/accounts.ts'
import { approveCall } from '../../sdk/chain/call.ts'
import { readDues } from '../../sdk/chain/dues.ts'
import { nodeEmissions, readEpoch } from '../../sdk/chain/emission.ts'
import { keySender } from '../../sdk/chain/key-sender.ts'
import { readLock } from '../../sdk/chain/locks.ts'
import { readStake } from '../../sdk/chain/stakes.ts'
import { readTargets, readVotes } from '../../sdk/chain/votes.ts'
import { rewardShare, rewardSums } from '../../sdk/protocol/emission.ts'
import { HEU, type Holder, USD } from '../cli/season.ts'
import { type ActsStage, figure, openActsStage, reaches, tabTo } from './acts.ts'
import { faultsInBothThemes, faultsOf } from './axe.ts'
import { button, type House, isReady, openHouse, until } from './visitor.ts'
import { giveWallet, type TestWallet } from './wallet.ts'

/** Everything that a wallet signs in the portal, in a real Chromium on real contracts, with weeks that pass at once. */

const DAY = 86_400
const sumOf = (items: readonly { amount: bigint }[]) => items.reduce((sum, { amount }) => sum + amount, 0n)
/** Before this nothing that is read of a silent chain has been given up. */
const GIVEN_UP_MS = 40_000
const PAGES = ['credits', 'stake', 'lock', 'vote', 'claim'] as const

describe('the portal in a browser: what a wallet signs', function () {
  this.timeout(1_500_000)
  let house: House
  let stage: ActsStage
  before(async () => {
    stage = await openActsStage()
    house = await openHouse({ stage })
  })
  after(() => house?.close())

  const chain = () => stage.season.chain
  const economy = () => stage.season.economy
  const anvil = () => createTestClient({ mode: 'anvil', transport: http(stage.market.chain.rpcUrl) })
  const lockOf = (account: Address) => readLock(chain(), economy(), account)
  const held = (token: Address, account: Address) =>
    chain().client.readContract({ address: token, abi: erc20Abi, functionName: 'balanceOf', args: [account] })

  interface Guest {
    context: BrowserContext
    wallet: TestWallet
    page: Page
    holder: Holder
    account: Address
  }

  /** Somebody with a wallet that holds so much HEU, connected, on a page of the portal. */
  async function guest(path: string, amount = 1_000n * HEU, connects = true): Promise<Guest> {
    const holder = await stage.season.holder(`guest-${Math.random()}`, amount)
    return come(path, holder, connects)
  }

  async function come(path: string, holder: Holder, connects = true): Promise<Guest> {
    const context = await house.visitor()
    const { domain, chain: local } = stage.market
    const wallet = await giveWallet(context, {
      account: holder.account,
      rpcUrl: local.rpcUrl,
      chainId: domain.chainId,
    })
    const page = await house.open(context, path)
    if (connects) {
      await button(page, 'Connect Test Wallet').click()
      await page.locator('[data-account]').waitFor()
    }
    return { context, wallet, page, holder, account: holder.account.address }
  }

  async function fillLock(page: Page, amount: string, weeks: string): Promise<void> {
    await page.getByLabel('HEU to lock').fill(amount)
    await page.getByLabel('Weeks', { exact: true }).fill(weeks)
  }

  it('without a wallet every page can be read, and says where to get one', async () => {
    const context = await house.visitor()
    for (const path of PAGES) {
      const page = await house.open(context, `/${path}`)
      await page.locator('[data-no-wallet]').waitFor()

      expect(await page.locator('[data-no-wallet]').textContent()).to.match(/No wallet was found.*EIP-6963/)
      expect(await page.getByRole('link', { name: 'ethereum.org' }).count()).to.equal(1)
      await page.close()
    }
    await context.close()
  })

  it('a local chain has a demo wallet: a key of this browser with play money, which is there again after a reload', async () => {
    const page = await house.open(await house.visitor(), '/lock')
    await button(page, 'Use a demo wallet').click()
    const connected = page.locator('[data-account]')
    await connected.waitFor()
    await page.locator('[data-figure=free]').waitFor()
    const account = (await connected.getAttribute('data-account')) as Address

    expect(await figure(page, 'free')).to.equal(await held(economy().heu, account))
    expect(await figure(page, 'dollars')).to.equal(await held(economy().asset, account))
    expect((await held(economy().heu, account)) > 0n).to.equal(true)

    await fillLock(page, '25', '4')
    await button(page, 'Lock 25 HEU for 4 weeks').click()
    await reaches(page, 'lock', 'included')
    expect((await lockOf(account)).amount).to.equal(25n * HEU)

    await page.reload()
    await connected.waitFor()
    expect(await connected.getAttribute('data-account')).to.equal(account)
    await page.context().close()
  })

  it('a wallet on another chain is told so, and switches in one click; one that declines loses nothing', async () => {
    const { context, wallet, page, account } = await guest('/lock')
    wallet.chainId = 1
    await fillLock(page, '10', '4')
    await button(page, 'Lock 10 HEU for 4 weeks').click()
    await reaches(page, 'lock', 'refused')
    const act = page.locator('[data-act=lock]')

    expect(await act.locator('[data-problem]').getAttribute('data-problem')).to.equal('wallet.wrong_chain')

    await button(page, 'Switch the wallet’s network').click()
    await reaches(page, 'lock', 'idle')
    expect(wallet.chainId).to.equal(stage.market.domain.chainId)

    wallet.declines.add('eth_sendTransaction')
    await button(page, 'Lock 10 HEU for 4 weeks').click()
    await reaches(page, 'lock', 'refused')
    expect(await act.locator('[data-problem]').getAttribute('data-problem')).to.equal('wallet.declined')
    expect((await lockOf(account)).amount).to.equal(0n)

    wallet.declines.clear()
    await button(page, 'Lock 10 HEU for 4 weeks').click()
    await reaches(page, 'lock', 'included')
    expect((await lockOf(account)).amount).to.equal(10n * HEU)
    await context.close()
  })

  it('more than there is is refused before the wallet is asked, and a revert in a block is told in words', async () => {
    const { context, wallet, page, account, holder } = await guest('/lock', 50n * HEU)
    await fillLock(page, '51', '4')
    await button(page, 'Lock 51 HEU for 4 weeks').click()
    await reaches(page, 'lock', 'refused')
    const problem = page.locator('[data-act=lock] [data-problem]')

    expect(await problem.textContent()).to.include('holds 50 HEU, 51 HEU are needed')
    expect(wallet.prompts).not.to.include('eth_sendTransaction')

    // Between the trial and the block somebody who may takes one of them.
    await page.getByLabel('HEU to lock').fill('50')
    const other = await stage.season.holder('other', 0n)
    const { heu } = economy()
    await keySender(chain(), holder.account).send(approveCall(heu, other.account.address, HEU))
    const args = [account, other.account.address, HEU] as const
    const taking = encodeFunctionData({ abi: erc20Abi, functionName: 'transferFrom', args })
    wallet.meddle = async () => {
      if (wallet.prompts.filter((method) => method === 'eth_sendTransaction').length < 2) return
      await keySender(chain(), other.account).send({ to: heu, data: taking })
    }
    await button(page, 'Lock 50 HEU for 4 weeks').click()
    await reaches(page, 'lock', 'failed')

    expect(await problem.textContent()).to.match(/holds 49\d+ base units, 50\d+ are needed/)
    expect(await problem.textContent()).to.include('Send it the rest first, or name less.')
    expect((await lockOf(account)).amount).to.equal(0n)
    await context.close()
  })

  it('reload in mid-transaction: it is followed to its block, and nothing is asked or sent twice', async () => {
    const { context, wallet, page, account } = await guest('/lock')
    await fillLock(page, '100', '8')
    await anvil().setIntervalMining({ interval: 0 })
    await button(page, 'Lock 100 HEU for 8 weeks').click()
    await reaches(page, 'lock', 'sent')
    await page.reload()
    await reaches(page, 'lock', 'sent')
    await anvil().setIntervalMining({ interval: 1 })
    await reaches(page, 'lock', 'ready')
    expect(wallet.prompts.filter((method) => method === 'eth_sendTransaction')).to.have.length(1)

    // Asked for the second step, the wallet stays silent; the page is loaded again, and then its owner confirms.
    wallet.silent.add('eth_sendTransaction')
    await button(page, 'Continue').click()
    await reaches(page, 'lock', 'asking')
    await page.reload()
    await reaches(page, 'lock', 'unsure')
    await wallet.unanswered[0]?.()
    await reaches(page, 'lock', 'included')

    expect(wallet.prompts.filter((method) => method === 'eth_sendTransaction')).to.have.length(2)
    expect(await chain().client.getTransactionCount({ address: account })).to.equal(2)
    expect((await lockOf(account)).amount).to.equal(100n * HEU)
    await context.close()
  })

  it('while the chain is down a banner says that the page can only be read, and it goes on by itself', async () => {
    const { context, page } = await guest('/lock')
    await page.getByLabel('HEU to lock').waitFor()
    const banner = page.locator('[data-banner=chain]')
    await stage.market.restartChain(async () => {
      await banner.waitFor()

      expect(await banner.textContent()).to.match(/Read only\. The chain does not answer/)
      await fillLock(page, '1', '4')
      expect(await button(page, 'Lock 1 HEU for 4 weeks').isDisabled()).to.equal(true)
    })

    await banner.waitFor({ state: 'detached' })
    expect(await button(page, 'Lock 1 HEU for 4 weeks').isDisabled()).to.equal(false)
    await context.close()
  })

  it('a chain that takes the line and says nothing is the same, long before what is read of it is given up', async () => {
    const { context, page } = await guest('/lock')
    await fillLock(page, '1', '4')
    const goOn = stage.market.hangChain()
    try {
      const banner = page.locator('[data-banner=chain]')
      // Ordinary reading gives up after three tries of fifteen seconds.
      await banner.waitFor({ timeout: GIVEN_UP_MS })

      expect(await banner.textContent()).to.match(/Read only\. The chain does not answer/)
      expect(await button(page, 'Lock 1 HEU for 4 weeks').isDisabled()).to.equal(true)
      goOn()
      await banner.waitFor({ state: 'detached' })
      await until(async () => !(await button(page, 'Lock 1 HEU for 4 weeks').isDisabled()))
    } finally {
      goOn()
    }
    await context.close()
  })

  it('credits: a deposit stands under its router, is announced back, and paid out after a day', async () => {
    const { account: payer, key } = await stage.purse(20n * USD)
    const { context, page } = await come('/credits', { account: payer, key, file: '' })
    await button(page, 'Deposit').click()
    await button(page, 'Deposit with Test Wallet').click()
    await isReady(page)
    await page.keyboard.press('Escape')
    const row = page.locator('[data-key]')
    await row.waitFor()
    const [before] = await accountsOf(chain(), economy().ledger, { owner: payer.address })

    expect(await figure(page, 'left')).to.equal(5n * USD)
    expect(await figure(page, 'credit')).to.equal(before?.credit)
    expect([await figure(page, 'deposited'), await figure(page, 'charged')]).to.deep.equal([
      before?.deposited,
      before?.spent,
    ])
    expect(await row.getAttribute('data-credit')).to.equal(before?.credit.toString())
    expect(await page.locator('[data-router]').getAttribute('data-router')).to.equal(
      stage.market.router.address.toLowerCase(),
    )

    await button(page, 'Revoke this key').click()
    await page.locator('[data-figure=thawing]').waitFor()
    const [thawing] = await accountsOf(chain(), economy().ledger, { owner: payer.address })
    expect(await figure(page, 'thawing')).to.equal(thawing?.thawing)
    expect(await button(page, 'Take it').isDisabled()).to.equal(true)

    await stage.season.wait(DAY + 60)
    await until(async () => !(await button(page, 'Take it').isDisabled()))
    await button(page, 'Take it').click()
    await until(async () => (await held(economy().asset, payer.address)) === 20n * USD)
    await context.close()
  })

  it('stake: added, unbonded, kept, unbonded again and withdrawn after its three weeks', async () => {
    const owner = await stage.season.holder('owner', 500n * HEU)
    const node = Number(await stage.season.nodeOf(owner))
    const { context, page } = await come('/stake', owner)
    const stake = () => readStake(chain(), economy(), node)
    const agrees = async () => {
      const now = await stake()
      const shown = await Promise.all(
        (['active', 'unbonding', 'counted', 'counts-next', 'total', 'quota'] as const).map((name) =>
          figure(page, name),
        ),
      )
      return (
        shown.join() === [now.active, now.unbonding, now.counted, now.countsNext, now.total, now.quota].join()
      )
    }
    await page.getByLabel(`HEU to add to node ${node}`).fill('300')
    await button(page, `Stake 300 HEU on node ${node}`).click()
    await reaches(page, `stake.add.${node}`, 'included')
    expect((await stake()).active).to.equal(300n * HEU)
    await until(agrees)

    const unbond = async () => {
      await page.getByLabel(`HEU to unbond from node ${node}`).fill('120')
      await button(page, 'Unbond 120 HEU').click()
      await reaches(page, `stake.unbond.${node}`, 'included')
      await until(agrees)
    }
    await unbond()
    await button(page, 'Keep it staked').click()
    await until(async () => (await stake()).active === 300n * HEU)
    await until(agrees)
    await unbond()
    expect(await button(page, 'Withdraw 120 HEU').isDisabled()).to.equal(true)
    expect(await figure(page, 'unbond-at')).to.equal(BigInt((await stake()).unbondAt))

    await stage.season.wait(21 * DAY + 60)
    await until(async () => !(await button(page, 'Withdraw 120 HEU').isDisabled()))
    await button(page, 'Withdraw 120 HEU').click()
    await until(async () => (await held(economy().heu, owner.account.address)) === 320n * HEU)
    await until(agrees)
    await context.close()
  })

  /** Who owns the node of the week that was turned. */
  let earner: { owner: Holder; node: number; week: number }

  it('lock, vote and claim by keyboard alone: every figure is the chain’s, and what comes is what the formulas give', async () => {
    const { season } = stage
    const owner = await season.holder('node-owner', 0n)
    const node = Number(await season.nodeOf(owner))
    earner = { owner, node, week: 0 }
    for (const [verb, value] of [
      ['home', 'here'],
      ['tip', '20'],
    ] as const) {
      const done = await season.home.run(
        'node',
        verb,
        String(node),
        value,
        '--key-file',
        owner.file,
        '--json',
      )
      expect(done.code, verb).to.equal(0)
    }
    const { context, wallet, page, account } = await guest('/', 100n * HEU, false)
    const { keyboard } = page
    await tabTo(page, 'Lock')
    await keyboard.press('Enter')
    await button(page, 'Connect Test Wallet').waitFor()
    await tabTo(page, 'Connect Test Wallet')
    await keyboard.press('Enter')
    await page.getByLabel('HEU to lock').waitFor()
    await tabTo(page, 'HEU to lock')
    await keyboard.type('100')
    await tabTo(page, 'Weeks')
    await keyboard.press('Home')
    for (let week = 1; week < 10; week += 1) await keyboard.press('ArrowRight')
    const promised = await figure(page, 'new-power')
    await tabTo(page, 'Lock 100 HEU for 10 weeks')
    await keyboard.press('Enter')
    await reaches(page, 'lock', 'included')
    const lock = await lockOf(account)
    await until(async () => (await figure(page, 'locked')) === lock.amount)

    expect(lock).to.include({ amount: 100n * HEU, end: lock.epoch + 10, nextPower: promised })
    expect(await figure(page, 'power')).to.equal(lock.power)
    expect(await figure(page, 'next-power')).to.equal(lock.nextPower)
    expect(await figure(page, 'end')).to.equal(BigInt(lock.end))
    expect(await figure(page, 'share')).to.equal((lock.power * 10_000n) / lock.totalPower)
    await curveIs(page, account, lock)

    await tabTo(page, 'Vote')
    await keyboard.press('Enter')
    await page.getByLabel(`Votes for node ${node}`).waitFor()
    await tabTo(page, `Votes for node ${node}`)
    await keyboard.press('End')
    await tabTo(page, 'Votes for chat')
    await keyboard.press('End')
    await tabTo(page, 'Cast votes')
    await keyboard.press('Enter')
    await reaches(page, 'vote', 'included')
    const asked = { account, router: stage.market.router.address, epoch: lock.epoch }
    const votes = await readVotes(chain(), economy(), asked)
    const pod = stage.market.seeded.pods.chat ?? 0

    expect(votes.map(({ ballot, id, bps, nextWeight }) => [ballot, id, bps, nextWeight])).to.deep.equal([
      ['node', node, 10_000, 100n * HEU * 9n],
      ['pod', pod, 10_000, 100n * HEU * 9n],
    ])
    // The approval, the lock, and one transaction for both ballots.
    expect(wallet.prompts).to.deep.equal(['eth_requestAccounts', ...Array(3).fill('eth_sendTransaction')])

    const week = await turnWeek(node, pod)
    earner.week = week
    const dues = await readDues(chain(), economy(), asked)
    await page.goto(`${stage.url}/vote`)
    await page.locator('[data-target]').first().waitFor()
    await tabTo(page, 'Claim')
    await keyboard.press('Enter')
    await page.locator('[data-due]').first().waitFor()
    const shown = await Promise.all(
      (await page.locator('[data-due]').all()).map((item) =>
        Promise.all([item.getAttribute('data-due'), item.getAttribute('data-value')]),
      ),
    )
    expect(shown).to.deep.equal([
      ...dues.rewards.tips.map(({ node: id, amount }) => [`tips node ${id}`, amount.toString()]),
      ...dues.rewards.revenue.map(({ pod: id, amount }) => [`revenue pod ${id}`, amount.toString()]),
    ])
    expect(await figure(page, 'due-heu')).to.equal(sumOf(dues.rewards.tips))
    expect(await figure(page, 'due-usd')).to.equal(sumOf(dues.rewards.revenue))
    // The tips are not drawn from the emission yet, which closing does first.
    expect(await sourcesOf(page)).to.deep.equal([
      ['tips', 0n, ''],
      ['revenue', sumOf(dues.rewards.revenue), '100%'],
    ])
    await tabTo(page, 'Claim all')
    await keyboard.press('Enter')
    await reaches(page, 'claim', 'included')

    const issued = await nodeEmissions(chain(), economy(), [node], [week])
    const tip = issued.reduce((sum, each) => sum + each.tip, 0n)
    // The only voter's part, by the formula of docs/protocol.md: its rounding may keep one unit back.
    const partOf = (reward: bigint) => {
      const { a, b } = rewardSums(reward, week, lock.amount * BigInt(lock.end - week))
      return rewardShare(lock.amount, lock.end, a, b) >> 128n
    }
    const revenue = (40n * USD * 500n) / 10_000n
    expect(tip > 0n).to.equal(true)
    expect(await held(economy().heu, account)).to.equal(partOf(tip))
    expect(await held(economy().asset, account)).to.equal(partOf(revenue))
    expect([tip - partOf(tip) <= 1n, revenue - partOf(revenue) <= 1n]).to.deep.equal([true, true])
    await page.getByText('Nothing is due.').waitFor()
    await context.close()
  })

  it('what a node has earned is claimed thing by thing: its emission less the tip, and its share of what was paid', async () => {
    const { owner, node, week } = earner
    const { context, page, account } = await come('/claim', owner)
    const due = async (what: string) =>
      BigInt((await page.locator(`[data-due="${what} node ${node}"]`).getAttribute('data-value')) ?? '-1')
    const issued = await nodeEmissions(chain(), economy(), [node], [week])
    const emission = issued.reduce((sum, { amount, tip }) => sum + amount - tip, 0n)
    const share = (40n * USD * 7_000n) / 10_000n
    await page.locator('[data-due]').first().waitFor()

    expect([await due('emission'), await due('share')]).to.deep.equal([emission, share])
    expect(emission > 0n).to.equal(true)
    expect([await figure(page, 'due-heu'), await figure(page, 'due-usd')]).to.deep.equal([emission, share])
    expect(await sourcesOf(page)).to.deep.equal([
      ['emission', emission, '100%'],
      ['share', share, '100%'],
    ])
    expect(await faultsInBothThemes(page, 'claim')).to.deep.equal([])

    await button(page, `Claim emission of node ${node}`).click()
    await until(async () => (await held(economy().heu, account)) === emission)
    expect(await held(economy().asset, account)).to.equal(0n)
    await button(page, `Claim share of node ${node}`).click()
    await until(async () => (await held(economy().asset, account)) === share)
    await page.getByText('Nothing is due.').waitFor()
    await context.close()
  })

  it('a node’s page draws what it earned in a final week: its share, the dynamic pool, and the tip out of it', async () => {
    const { node, week } = earner
    const page = await house.open(await house.visitor(), `/nodes/${node}`)
    const row = page.locator(`[data-epoch="${week}"]`)
    await row.waitFor()
    const pools = await readEpoch(chain(), economy().emission, week)
    const [issued] = await nodeEmissions(chain(), economy(), [node], [week])
    const tip = issued?.tip ?? 0n
    const facts = await Promise.all(
      ['share', 'base', 'dynamic', 'tip'].map((name) => row.getAttribute(`data-${name}`)),
    )

    // The only node of that week, and nobody probed it: all of the dynamic pool is its own.
    expect(facts).to.deep.equal([(40n * USD * 7_000n) / 10_000n, 0n, pools.dynamic, tip].map(String))
    expect(tip > 0n).to.equal(true)
    expect(await partsOf(row)).to.deep.equal([
      ['solid', '100%'],
      ['lines', '100%'],
      ['dots', `${Number((tip * 10_000n) / pools.dynamic) / 100}%`],
    ])
    expect(await faultsInBothThemes(page, 'node')).to.deep.equal([])
    await page.context().close()
  })

  /** The parts of bars as they are drawn: texture and length. */
  const partsOf = async (on: Locator) =>
    Promise.all(
      (await on.locator('[data-part]').all()).map((part) =>
        Promise.all([part.getAttribute('data-part'), part.getAttribute('width')]),
      ),
    )

  /** What the claim page draws by source: what it says that it is, and how long its bar is. */
  const sourcesOf = async (page: Page) =>
    Promise.all(
      (await page.locator('[data-source]').all()).map(async (row) => [
        await row.getAttribute('data-source'),
        BigInt((await row.getAttribute('data-value')) ?? '-1'),
        (await partsOf(row)).map(([, width]) => width).join(),
      ]),
    )

  /** The drawn curve has a step a week, as high as the chain says that the lock's power will be. */
  async function curveIs(page: Page, account: Address, { epoch, end }: { epoch: number; end: number }) {
    const { escrow: address } = economy()
    const weeks = Array.from({ length: end - epoch + 1 }, (_, index) => epoch + index)
    const powers = await Promise.all(
      weeks.map((week) =>
        chain().client.readContract({
          address,
          abi: votingEscrowAbi,
          functionName: 'powerIn',
          args: [account, week],
        }),
      ),
    )
    const drawn = await page
      .getByRole('img', { name: /^Power of the lock/ })
      .locator('path')
      .getAttribute('d')
    const [ground = 0, ...points] = [...(drawn ?? '').matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) =>
      Number(y),
    )
    const heights = weeks.map((_, index) => ground - (points[2 * index] ?? 0))
    const [top = 0] = heights

    expect(powers.at(-1)).to.equal(0n)
    expect(top).to.be.greaterThan(100)
    for (const [index, power] of powers.entries()) {
      const due = (top * Number(power)) / Number(powers[0])
      expect(Math.abs((heights[index] ?? 0) - due), `week ${index}`).to.be.at.most(0.2)
    }
  }

  /** A week of calls, and all that makes it final: gathered, recorded, sold, burnt. */
  async function turnWeek(node: number, pod: number): Promise<number> {
    const { season } = stage
    const buyer = await season.holder('buyer', 1_000n * HEU)
    const run = async (...argv: string[]) => {
      const { code, json } = await season.home.run(...argv, '--key-file', buyer.file, '--json')
      expect(code, `${argv.join(' ')}: ${JSON.stringify(json)}`).to.equal(0)
    }
    // Idle weeks before it become final a day after each other.
    for (let open = true; open; await season.wait(open ? DAY + 60 : 0)) {
      await run('epoch', 'turn')
      await run('epoch', 'turn')
      open = (await season.home.run('epoch', 'show', '--json')).json.open !== null
    }
    await season.nextEpoch()
    const week = await season.epoch()
    const payer = await stage.market.payer(50n * USD)
    await season.settle(payer.key, 40n * USD, { node, pod })
    await season.nextEpoch()
    for (let turn = 0; turn < 3; turn += 1) await run('epoch', 'turn')
    await season.wait(DAY)
    await run('burn', 'buy')
    await season.wait(3 * DAY + 600)
    await run('epoch', 'finalize')
    return week
  }

  it('the expected return that is shown before signing is the formula on what the chain knows', async () => {
    const { context, page, account } = await guest('/lock', 300n * HEU)
    await fillLock(page, '300', '20')
    await button(page, 'Lock 300 HEU for 20 weeks').click()
    await reaches(page, 'lock', 'included')
    await page.getByRole('link', { name: 'Vote', exact: true }).click()
    const target = page.locator('[data-target^="pod"]', { hasText: 'chat' })
    await target.waitFor()
    await page.getByLabel('Votes for chat').fill('5000')
    const { epoch } = await lockOf(account)
    const asked = { account, router: stage.market.router.address, epoch }
    const pod = stage.market.seeded.pods.chat ?? 0
    const [known] = await readTargets(chain(), economy(), asked, [{ ballot: 'pod', id: pod }])
    const mine = 150n * HEU * 19n
    const others = known?.others ?? 0n

    expect((known?.reward ?? 0n) > 0n).to.equal(true)
    const expected = ((known?.reward ?? 0n) * mine) / (others + mine)
    expect(await target.locator('[data-figure=expected]').getAttribute('data-weight')).to.equal(
      mine.toString(),
    )
    expect(await figure(page, 'expected')).to.equal(expected)
    expect(await figure(page, 'expected-pod')).to.equal(expected)
    expect(await figure(page, 'used-pod')).to.equal(5_000n)
    await context.close()
  })

  it('no page has a serious or critical fault by axe or overflows, in both themes, at 360 and 1440 pixels', async () => {
    const { context, page } = await guest('/lock')
    await fillLock(page, '10', '4')
    await button(page, 'Lock 10 HEU for 4 weeks').click()
    await reaches(page, 'lock', 'included')
    const faults: string[] = []
    for (const theme of ['light', 'dark'] as const) {
      for (const width of [360, 1440]) {
        await page.setViewportSize({ width, height: 800 })
        await page.emulateMedia({ colorScheme: theme })
        for (const path of PAGES) {
          await page.goto(`${stage.url}/${path}`)
          await page.locator('[data-figure=free]').waitFor()
          await page.locator('main').getByText('Reading the chain…').waitFor({ state: 'detached' })
          const where = `${path} ${theme} ${width}`
          faults.push(...(await faultsOf(page, where)))
          const over = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')
          if (Number(over) > 0) faults.push(`${where}: overflows by ${over}`)
        }
      }
    }

    expect(faults).to.deep.equal([])
    await context.close()
  })

  it('no page asked anything of a stranger, and no policy was broken', () => {
    expect(house.strangers).to.deep.equal([])
    expect(house.complaints).to.deep.equal([])
  })
})
