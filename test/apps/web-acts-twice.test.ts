import { expect } from 'chai'
import { readStake } from '../../sdk/chain/stakes.ts'
import { HEU } from '../cli/season.ts'
import { type ActsStage, openActsStage, reaches } from './acts.ts'
import { faultsOf } from './axe.ts'
import { button, type House, openHouse, until } from './visitor.ts'
import { giveWallet } from './wallet.ts'

/** Acts that a wallet was asked for twice: no page can take a request back from it. */

const SEND = 'eth_sendTransaction'

describe('an act that a wallet is asked for twice', function () {
  this.timeout(400_000)
  let house: House
  let stage: ActsStage
  before(async () => {
    stage = await openActsStage()
    house = await openHouse({ stage })
  })
  after(() => house?.close())

  /** The owner of a node asks to unbond 120 of its 300 HEU, and loads the page again while the wallet's window is open. */
  async function leftOpen(name: string, numbersItself: boolean) {
    const owner = await stage.season.holder(name, 500n * HEU)
    const node = Number(await stage.season.nodeOf(owner))
    await stage.season.home.run('stake', 'add', String(node), '300', '--key-file', owner.file, '--json')
    const context = await house.visitor()
    const { domain, chain: local } = stage.market
    const { account } = owner
    const wallet = await giveWallet(context, {
      account,
      rpcUrl: local.rpcUrl,
      chainId: domain.chainId,
      numbersItself,
    })
    const page = await house.open(context, '/stake')
    await button(page, 'Connect Test Wallet').click()
    wallet.silent.add(SEND)
    await page.getByLabel(`HEU to unbond from node ${node}`).fill('120')
    await button(page, 'Unbond 120 HEU').click()
    await until(async () => wallet.unanswered.length === 1)
    await page.reload()
    const id = `stake.unbond.${node}`
    await reaches(page, id, 'unsure')
    await button(page, 'It is gone: ask again').waitFor()
    wallet.silent.clear()
    const stake = () => readStake(stage.season.chain, stage.season.economy, node)
    return { context, wallet, page, id, act: page.locator(`[data-act="${id}"]`), stake }
  }

  it('says before it asks again what both requests would do; one that is still open is answered in the wallet', async () => {
    const { context, wallet, page, id, act, stake } = await leftOpen('patient', true)
    expect(await act.textContent()).to.include(
      'Asked again while a request is still open there, both can be confirmed, and this may then be done twice',
    )
    expect(await act.textContent()).not.to.include('at most one')
    await button(page, 'It is still open').click()
    await act.getByText('Then confirm or decline it there').waitFor()
    expect(await faultsOf(page, 'asked twice')).to.deep.equal([])

    await wallet.unanswered[0]?.()
    await reaches(page, id, 'included')
    expect((await stake()).unbonding).to.equal(120n * HEU)
    expect(wallet.prompts.filter((method) => method === SEND)).to.have.length(1)
    expect(await act.textContent()).not.to.include('asked for more than once')
    await context.close()
  })

  it('of a wallet that numbers by itself may be done twice, which the page tells as soon as it is so', async () => {
    const { context, wallet, page, id, act, stake } = await leftOpen('hasty', true)
    await button(page, 'It is gone: ask again').click()
    await reaches(page, id, 'included')
    expect(await act.textContent()).to.match(
      /Done: Unbond 120 HEU\. It was asked for more than once: .* decline that/,
    )
    expect((await stake()).unbonding).to.equal(120n * HEU)

    await wallet.unanswered[0]?.()
    await act.getByText('Done twice: Unbond 120 HEU.').waitFor()
    expect((await stake()).unbonding).to.equal(240n * HEU)
    expect(await act.locator('[data-hash]').count()).to.equal(2)
    await context.close()
  })

  it('that is forgotten and begun anew, and confirmed both times, is told to be done too, until that is dismissed', async () => {
    const { context, wallet, page, id, act, stake } = await leftOpen('forgetful', true)
    await button(page, 'Forget it').click()
    await reaches(page, id, 'idle')
    await page.getByLabel(/^HEU to unbond from node/).fill('120')
    await button(page, 'Unbond 120 HEU').click()
    await reaches(page, id, 'included')
    expect(await act.textContent()).to.include('An earlier request was forgotten here')

    await wallet.unanswered[0]?.()
    await act.getByText('Done too: Unbond 120 HEU. It was forgotten here').waitFor()
    expect((await stake()).unbonding).to.equal(240n * HEU)
    expect(await act.locator('[data-hash]').count()).to.equal(2)
    await page.reload()
    await act.getByText('Unbond 120 HEU. It was forgotten here').waitFor()
    expect(await faultsOf(page, 'forgotten')).to.deep.equal([])

    await act.getByRole('button', { name: 'Dismiss' }).click()
    await act.getByText('It was forgotten here').waitFor({ state: 'detached' })
    await context.close()
  })
})
