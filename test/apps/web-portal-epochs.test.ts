import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { emissionControllerAbi, nodeStakingAbi, voteControllerAbi } from '../../sdk/chain/abi.ts'
import { proveBase } from '../../sdk/chain/base.ts'
import { emissionCall } from '../../sdk/chain/emission.ts'
import { readClock } from '../../sdk/chain/epochs.ts'
import { lockCall, lockEnd } from '../../sdk/chain/locks.ts'
import { stakeCall } from '../../sdk/chain/stakes.ts'
import { voteCall } from '../../sdk/chain/votes.ts'
import { formatHeu, HEU } from '../../sdk/units.ts'
import { type Actor, openActor } from './actor.ts'
import { type House, openHouse, until } from './visitor.ts'

/** Final epochs on the portal: a node that was probed, its votes, and what both were issued. */

const DAY = 86_400
const PROBER_ROLE = 4n
const TIP_BPS = 1_250
const HASH = `0x${'ab'.repeat(32)}` as const

describe('final epochs on the portal', function () {
  this.timeout(300_000)
  let house: House
  let actor: Actor
  let page: Page
  let node = 0
  /** The epoch that was probed. */
  let week = 0
  before(async () => {
    house = await openHouse({ pods: ['chat'] })
    actor = await openActor(house.stage)
    const { network, market } = house.stage
    const [owner] = network.owners
    if (!owner) throw new Error('the stage has no node')
    node = network.nodes[0] ?? 0
    const { emission, staking, escrow, votes } = actor.economy

    await actor.give(owner, 500n * HEU, staking)
    await actor.send(owner, stakeCall.add(staking, node, 500n * HEU))
    await actor.send(owner, emissionCall.setTip(emission, node, TIP_BPS))
    await actor.send(owner, emissionCall.setHome(emission, node, market.router.address))
    const voter = privateKeyToAccount(generatePrivateKey())
    await market.gas(voter.address)
    await actor.give(voter, 100n * HEU, escrow)
    const { epoch } = await readClock(actor.chain)
    await actor.send(voter, lockCall.lock(escrow, 100n * HEU, lockEnd(epoch, 10)))
    await actor.send(voter, voteCall.vote(votes, 'node', [{ id: node, bps: 10_000 }]))

    const prober = privateKeyToAccount(generatePrivateKey())
    await market.gas(prober.address)
    await actor.grant(PROBER_ROLE, prober.address)
    const bond = await market.deployer.client.readContract({
      address: emission,
      abi: emissionControllerAbi,
      functionName: 'REPORT_BOND',
    })
    await actor.give(prober, bond, emission)
    await actor.send(prober, emissionCall.addBond(emission, bond))

    await actor.nextEpoch()
    week = (await readClock(actor.chain)).epoch
    await actor.nextEpoch()
    const quota = await market.deployer.client.readContract({
      address: emission,
      abi: emissionControllerAbi,
      functionName: 'quotaOf',
      args: [node, week],
    })
    const report = proveBase([{ node, units: quota }])
    await actor.send(prober, emissionCall.report(emission, week, report.root, HASH))
    await actor.send(prober, emissionCall.finalize(emission, week - 1))
    await actor.send(
      prober,
      emissionCall.recordBase(emission, week, node, quota, report.leaves[0]?.proof ?? []),
    )
    await actor.wait(5 * DAY)
    await actor.send(prober, emissionCall.finalize(emission, week))
    page = await house.open(await house.visitor(), `/explorer/epochs/${week}`)
  })
  after(() => house?.close())

  const read = () => house.stage.market.deployer.client
  const controller = () => ({ address: actor.economy.emission, abi: emissionControllerAbi }) as const
  const is = async (name: string) =>
    (await page.locator(`[data-fact="${name}"]`).first().getAttribute('data-is')) ?? ''

  it('an epoch’s page says what the chain finalized, and to whom', async () => {
    const [final] = await read().getContractEvents({
      ...controller(),
      eventName: 'EpochFinalized',
      args: { epoch: week },
      fromBlock: 0n,
      strict: true,
    })
    const { base, kept, basePoints } = final?.args ?? { base: 0n, kept: 0n, basePoints: 0n }
    await page.locator(`[data-node="${node}"]`).waitFor()
    const amount = BigInt((await page.locator(`[data-node="${node}"]`).getAttribute('data-amount')) ?? '0')
    const claimable = await read().readContract({ ...controller(), functionName: 'claimable', args: [node] })
    const tip = (amount * BigInt(TIP_BPS)) / 10_000n

    expect(base > 0n && basePoints > 0n).to.equal(true)
    expect(await is('For probes')).to.equal(String(base))
    expect(await is('For fees')).to.equal('0')
    expect(await is('Kept back')).to.equal(String(kept))
    expect(amount).to.equal(base)
    expect(amount - tip).to.equal(claimable)
    expect(await page.locator('[data-fact="Probe report"]').textContent()).to.equal('filed')
  })

  it('the list of epochs has it with what it issued', async () => {
    await page.getByRole('link', { name: 'Explorer', exact: true }).first().click()
    const row = page.locator(`[data-epoch="${week}"]`)
    await row.waitFor()
    const { base, dynamic } = await read().readContract({
      ...controller(),
      functionName: 'epochOf',
      args: [week],
    })

    expect(await row.getAttribute('data-issued')).to.equal(String(base + dynamic))
    expect(await row.textContent()).to.include('final')
    await page.getByText('over, not final').waitFor({ state: 'detached' })
  })

  it('the node’s page has its stake as counted, its votes, and its emission of that epoch with the tip', async () => {
    await page.goto(`${house.stage.url}/nodes/${node}`)
    const row = page.locator(`[data-epoch="${week}"]`)
    await row.waitFor()
    const { epoch } = await readClock(actor.chain)
    const [weight, stake, claimable] = await Promise.all([
      read().readContract({
        address: actor.economy.votes,
        abi: voteControllerAbi,
        functionName: 'weightIn',
        args: [0, node, epoch],
      }),
      read().readContract({
        address: actor.economy.staking,
        abi: nodeStakingAbi,
        functionName: 'countedIn',
        args: [node, epoch],
      }),
      read().readContract({ ...controller(), functionName: 'claimable', args: [node] }),
    ])
    const points = await read().readContract({
      ...controller(),
      functionName: 'pointsOf',
      args: [node, epoch, false, 1_000_000n],
    })

    expect(weight > 0n).to.equal(true)
    expect(await is('Votes')).to.equal(String(weight))
    expect(await is('Stake')).to.equal(String(stake))
    expect(await is('Emission waits')).to.equal(String(claimable))
    expect(await is('Boost')).to.equal(String((points * 1_000n) / (1_000_000n << 64n)))
    const titles = await row
      .locator('[title$=HEU]')
      .evaluateAll((cells) => cells.map((cell) => cell.getAttribute('title')))
    const issued = (claimable * 10_000n) / BigInt(10_000 - TIP_BPS)
    const [emission = '', _base, _dynamic, tip = ''] = titles
    expect(emission).to.match(/^[\d.]+ HEU$/)
    // The tip is rounded down: what is issued is it and what waits, to the wei.
    expect([formatHeu(issued), formatHeu(issued + 1n)].map((amount) => `${amount} HEU`)).to.include(emission)
    expect(tip).not.to.equal('0 HEU')
  })

  it('its bars of that epoch are the base pool, which is all its own, and the tip out of it', async () => {
    await page.goto(`${house.stage.url}/nodes/${node}`)
    const row = page.locator(`[data-epoch="${week}"]`)
    await row.waitFor()
    const { base } = await read().readContract({ ...controller(), functionName: 'epochOf', args: [week] })
    const tip = (base * BigInt(TIP_BPS)) / 10_000n
    const facts = await Promise.all(
      ['base', 'dynamic', 'tip'].map((name) => row.getAttribute(`data-${name}`)),
    )
    const parts = await row
      .locator('[data-part]')
      .evaluateAll((all) => all.map((each) => [each.getAttribute('data-part'), each.getAttribute('width')]))

    expect(facts).to.deep.equal([base, 0n, tip].map(String))
    expect(parts).to.deep.equal([
      ['blocks', '100%'],
      ['dots', `${Number((tip * 10_000n) / base) / 100}%`],
    ])
  })

  it('time goes on while the page is open: the present epoch moves with the chain', async () => {
    await page.goto(`${house.stage.url}/explorer`)
    await page.locator('[data-fact="Present epoch"]').waitFor()
    const before = Number(await is('Present epoch'))
    await actor.nextEpoch()

    await until(async () => Number(await is('Present epoch')) === before + 1)
    expect(house.complaints).to.deep.equal([])
  })
})
