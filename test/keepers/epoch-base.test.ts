import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { localAccount } from '../../deploy/local.ts'
import { once } from '../../keepers/duty.ts'
import { cycleDuty } from '../../keepers/epoch/cycle.ts'
import { createDoor } from '../../keepers/epoch/door.ts'
import { openProbeLog, type ProbeLog } from '../../keepers/epoch/log.ts'
import { reportOf } from '../../keepers/epoch/report.ts'
import { reportDuty } from '../../keepers/epoch/reporting.ts'
import { openReports, type ReportStore } from '../../keepers/epoch/reports.ts'
import type { Log } from '../../keepers/world.ts'
import { emissionControllerAbi, heuAbi, nodeStakingAbi } from '../../sdk/chain/abi.ts'
import { REPORT_STATE } from '../../sdk/chain/cycle.ts'
import { keySender } from '../../sdk/chain/key-sender.ts'
import { codeOf, HEU, type Holder, openSeason, type Season } from '../cli/season.ts'

const DAY = 86_400
const BOND = 10_000n * HEU

/**
 * The base of three weeks on a real chain. Two nodes have 20,000 and 10,000 HEU at stake, one probe unit for each; the
 * second one answers every other probe. Its owner asks for stake back once the report is filed, somebody challenges, and
 * nobody judges; the keeper is away for a week.
 */
describe('the base that a keeper reported', function () {
  this.timeout(900_000)
  let season: Season
  let owner: Holder
  let doubter: Holder
  let nodes: [number, number]
  let week: number
  let folder: string
  let probes: ProbeLog
  let reports: ReportStore
  let doors: ReturnType<typeof createDoor>[] = []

  const lines: Record<string, unknown>[] = []
  const note = (fields: Record<string, unknown>) => void lines.push(fields)
  const log: Log = { info: note, warn: note, error: note }

  before(async () => {
    season = await openSeason()
    folder = mkdtempSync(join(tmpdir(), 'heurist-base-'))
    probes = openProbeLog(join(folder, 'probes'))
    reports = openReports(join(folder, 'reports'))
    owner = await season.holder('owner', 30_000n * HEU)
    doubter = await season.holder('doubter', BOND)
    nodes = [Number(await season.nodeOf(owner)), Number(await season.nodeOf(owner))]
    await approve(owner, season.economy.staking, 30_000n * HEU)
    await stake('stake', [nodes[0], 20_000n * HEU])
    await stake('stake', [nodes[1], 10_000n * HEU])
  })
  after(async () => {
    await Promise.all(doors.map((door) => door.close()))
    doors = []
    rmSync(folder, { recursive: true, force: true })
    await season.close()
  })

  const emission = () => ({ address: season.economy.emission, abi: emissionControllerAbi }) as const
  const approve = (who: Holder, spender: `0x${string}`, amount: bigint) =>
    season.market.deployer.send(
      { address: season.economy.heu, abi: heuAbi, functionName: 'approve', args: [spender, amount] },
      who.account,
    )
  const stake = (functionName: 'stake' | 'requestUnbond', args: readonly [number, bigint]) =>
    season.market.deployer.send(
      { address: season.economy.staking, abi: nodeStakingAbi, functionName, args },
      owner.account,
    )
  const reportIn = (epoch: number) =>
    season.chain.client.readContract({ ...emission(), functionName: 'reportOf', args: [epoch] })
  const epochIn = (epoch: number) =>
    season.chain.client.readContract({ ...emission(), functionName: 'epochOf', args: [epoch] })
  const nextEpoch = () => season.chain.client.readContract({ ...emission(), functionName: 'nextEpoch' })
  const bond = () =>
    season.chain.client.readContract({
      ...emission(),
      functionName: 'bondOf',
      args: [localAccount('keeper').address],
    })
  const run = (...argv: string[]) => season.home.run('epoch', ...argv, '--json', '--key-file', doubter.file)

  /** The keeper at work until nothing is left to do. */
  async function turn(): Promise<void> {
    const { chain, economy: place } = season
    const sender = keySender(chain, localAccount('keeper'))
    const routers = [season.market.router.address]
    while (await once(cycleDuty, { chain, place, routers, reports, sender, log }, log));
  }
  async function file(): Promise<boolean> {
    const { chain, economy: place } = season
    const sender = keySender(chain, localAccount('keeper'))
    return once(reportDuty, { chain, place, probes, reports, sender }, log)
  }
  function probe(epoch: number): void {
    const facts = { at: 1, pod: 'chat' }
    for (const answered of [true, false]) {
      probes.add(epoch, { ...facts, node: nodes[0], answered: true })
      probes.add(epoch, { ...facts, node: nodes[1], answered })
    }
  }
  async function doorOf(store: ReportStore): Promise<string> {
    const door = createDoor(probes, store, () => 999_999)
    doors.push(door)
    return door.listen({ host: '127.0.0.1', port: 0 })
  }

  it('is recorded as reported, although a node asked for stake back in the next block', async () => {
    await season.nextEpoch()
    week = await season.epoch()
    probe(week)
    await season.nextEpoch(60)

    expect(await file()).to.equal(true)
    await stake('requestUnbond', [nodes[1], HEU])
    await turn()

    const { root, state } = await reportIn(week)
    expect([root, state]).to.deep.equal([reports.read(week)?.root, REPORT_STATE.filed])
    expect((await epochIn(week)).baseUnits).to.equal(20_000n + 10_000n / 2n)
    expect(await file()).to.equal(false)
  })

  it('is reported the week after too, while a challenge holds the first bond', async () => {
    await approve(doubter, season.economy.emission, BOND)
    const send = season.market.deployer.send
    await send({ ...emission(), functionName: 'addBond', args: [BOND] }, doubter.account)
    await send({ ...emission(), functionName: 'challenge', args: [week] }, doubter.account)
    probe(week + 1)
    await season.nextEpoch(1)

    expect((await reportIn(week)).state).to.equal(REPORT_STATE.challenged)
    expect(await file()).to.equal(true)
    expect(await bond()).to.deep.equal([2n * BOND, 2n * BOND])
    expect((await reportIn(week + 1)).state).to.equal(REPORT_STATE.filed)
  })

  it('is final once the challenge that nobody judged lapses, which anyone does', async () => {
    const early = await run('lapse')
    const { challengedAt } = await reportIn(week)
    // The keeper is away: another week passes.
    await season.nextEpoch(60)
    const shown = await season.home.run('epoch', 'show', '--json')
    const lapsed = await run('lapse')
    const final = await run('finalize')

    const { open } = shown.json as { open: { judgeUntil: number } }
    expect(early.json.acts).to.deep.equal([])
    expect(open.judgeUntil).to.equal(challengedAt + 7 * DAY)
    expect(lapsed.json.acts).to.deep.equal([{ name: 'lapse', what: `epoch ${week}` }])
    expect(final.json.acts).to.deep.equal([{ name: 'finalize', what: `epoch ${week}` }])
    const { base, basePoints } = await epochIn(week)
    expect(base > 0n && basePoints > 0n).to.equal(true)
  })

  it('keeps an epoch open for a day until it is recorded, which anyone does from the published leaves', async () => {
    const forger = openReports(join(folder, 'forged'))
    const forged = reportOf(week + 1, [{ node: nodes[0], units: 1n }], new Uint8Array())
    if (forged) forger.write(forged)
    const [honest, liar] = [await doorOf(reports), await doorOf(forger)]
    const node = String(nodes[0])
    await season.wait(DAY)
    const waiting = await run('finalize')
    const refusals = [
      await run('base', node, '--keeper', liar),
      await run('base', '99', '--keeper', honest),
      await run('base', node, '--keeper', 'http://127.0.0.1:9'),
      await run('base', node, '--keeper', await doorOf(openReports(join(folder, 'empty')))),
    ]
    const dry = await run('base', node, '--keeper', honest, '--dry-run')
    const before = await epochIn(week + 1)
    const recorded = await run('base', node, '--keeper', honest)
    const after = await epochIn(week + 1)
    const again = await run('base', node, '--keeper', honest)

    expect(waiting.json.acts).to.deep.equal([])
    expect(refusals.map(codeOf)).to.deep.equal([
      'report.foreign',
      'leaf.none',
      'keeper.unreachable',
      'report.none',
    ])
    expect([dry.code, recorded.code, again.code]).to.deep.equal([0, 0, 0])
    expect([before.baseUnits, after.baseUnits]).to.deep.equal([0n, 20_000n])
    expect((recorded.json.leaves as { node: number }[]).map((leaf) => leaf.node)).to.deep.equal([nodes[0]])
    expect(again.json.leaves).to.deep.equal([])
  })

  it('is recorded for an epoch that the keeper left open, before it is final', async () => {
    await turn()

    // One HEU is unbonding: the quota is 9,999.
    expect((await epochIn(week + 1)).baseUnits).to.equal(20_000n + 9_999n / 2n)
    expect(await nextEpoch()).to.equal(week + 2)
    const acts = lines.filter(({ event }) => event === 'epoch.act').map(({ act }) => act)
    expect(acts.slice(-2)).to.deep.equal(['record base', 'finalize'])
  })

  it('passes over a leaf whose node has no quota left, instead of sending it for ever', async () => {
    await season.nextEpoch(1)
    const last = (await season.epoch()) - 1
    probe(last)
    expect(await file()).to.equal(true)
    await stake('requestUnbond', [nodes[1], 9_999n * HEU])
    await season.wait(5 * DAY)
    await turn()
    await season.wait(DAY)
    await turn()

    expect((await epochIn(last)).baseUnits).to.equal(20_000n)
    expect(await nextEpoch()).to.equal(last + 1)
  })

  it('is not reported without a bond, and the alarm says what to send to whom', async () => {
    const { chain, economy: place } = season
    const sender = keySender(chain, doubter.account)
    const own = openReports(join(folder, 'short'))
    await season.nextEpoch(1)
    probe((await season.epoch()) - 1)
    const held = await season.heuOf(doubter.account.address)
    const [amount] = await chain.client.readContract({
      ...emission(),
      functionName: 'bondOf',
      args: [doubter.account.address],
    })
    await season.market.deployer.send(
      { ...emission(), functionName: 'withdrawBond', args: [amount] },
      doubter.account,
    )
    await season.market.deployer.send(
      {
        address: place.heu,
        abi: heuAbi,
        functionName: 'transfer',
        args: [owner.account.address, amount + held - 1n],
      },
      doubter.account,
    )
    const filing = once(reportDuty, { chain, place, probes, reports: own, sender }, log)
    const error = await filing.then(
      () => undefined,
      (cause: unknown) => cause as { code: string; fix: string },
    )

    const unreported = await run('base', String(nodes[0]), '--keeper', await doorOf(own))
    expect(codeOf(unreported)).to.equal('report.none')
    expect(error?.code).to.equal('bond.short')
    expect(error?.fix)
      .to.contain(doubter.account.address)
      .and.to.contain(`${BOND - 1n} wei`)
  })
})
