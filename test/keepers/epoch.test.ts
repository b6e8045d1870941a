import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { encodeAbiParameters, keccak256, toBytes, toHex } from 'viem'
import { buyDuty } from '../../keepers/burn/buyer.ts'
import { createDoor } from '../../keepers/epoch/door.ts'
import { openProbeLog, type Probe } from '../../keepers/epoch/log.ts'
import { createProbes, type Lottery } from '../../keepers/epoch/probes.ts'
import { questionFor } from '../../keepers/epoch/questions.ts'
import { countProbes, reportOf } from '../../keepers/epoch/report.ts'
import { type Reporting, reportDuty } from '../../keepers/epoch/reporting.ts'
import { openReports } from '../../keepers/epoch/reports.ts'
import { type BaseReport, baseLeafHash, parseBaseReport, proveBase } from '../../sdk/chain/base.ts'
import { BASE_PATIENCE, type Cycle, dueActs, type OpenEpoch } from '../../sdk/chain/cycle.ts'
import { verifyMerkle } from '../../sdk/protocol/merkle.ts'

const address = (digit: string) => `0x${digit.repeat(40)}` as const
const place = {
  ledger: address('1'),
  registry: address('2'),
  escrow: address('6'),
  votes: address('3'),
  emission: address('4'),
  burner: address('5'),
}
const probe = (node: number, answered: boolean): Probe => ({ at: 1, node, pod: 'chat', answered })

describe('the keeper of the epochs', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'heurist-epoch-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const open: OpenEpoch = { epoch: 9, finalizableAt: 1_000, unrecorded: [], base: [], awaitsBase: false }
  const names = (cycle: Cycle) => dueActs(cycle, place).map(({ name }) => name)
  const quiet: Cycle = {
    time: 1_000,
    epoch: 10,
    awaitsCheckpoint: false,
    unrolled: [],
    ungathered: [],
    revenue: [],
    tips: [],
  }

  it('has nothing to do while nothing is due', () => {
    expect(dueActs(quiet, place)).to.deep.equal([])
  })

  it('gathers before it records, records before it finalizes, and finalizes only when the time has come', () => {
    const proven = proveBase([{ node: 1, units: 5n }]).leaves
    const busy: Cycle = {
      ...quiet,
      open: { ...open, unrecorded: [1, 2], base: proven },
      awaitsCheckpoint: true,
      unrolled: ['node', 'pod'],
      ungathered: [address('9')],
      revenue: [{ router: address('9'), pod: 7 }],
      tips: [4],
    }

    expect(names(busy)).to.deep.equal([
      'gather',
      'checkpoint',
      'roll',
      'roll',
      'close revenue',
      'record',
      'record base',
      'finalize',
      'close tips',
    ])
    expect(names({ ...busy, time: 999 })).not.to.include('finalize')
  })

  it('lets a challenge that nobody judged lapse once its time is over, and finalizes nothing before', () => {
    const challenged: Cycle = { ...quiet, open: { ...open, judgeUntil: 1_000 } }

    expect(names(challenged)).to.deep.equal([])
    expect(names({ ...challenged, time: 1_001 })).to.deep.equal(['lapse'])
  })

  it('waits with the end of an epoch for base that is not recorded, a day at most', () => {
    const waiting: Cycle = { ...quiet, open: { ...open, awaitsBase: true } }

    expect(names(waiting)).to.deep.equal([])
    expect(names({ ...waiting, time: 1_000 + BASE_PATIENCE - 1 })).to.deep.equal([])
    expect(names({ ...waiting, time: 1_000 + BASE_PATIENCE })).to.deep.equal(['finalize'])
  })

  it('records many nodes in several transactions', () => {
    const unrecorded = Array.from({ length: 120 }, (_, index) => index + 1)
    const many: Cycle = { ...quiet, open: { ...open, finalizableAt: 2_000, unrecorded } }

    expect(dueActs(many, place).map(({ what }) => what)).to.deep.equal([
      '50 nodes in epoch 9',
      '50 nodes in epoch 9',
      '20 nodes in epoch 9',
    ])
  })

  it('counts of a quota what was answered of what was asked, and nothing for nodes that were never asked', () => {
    const probes = [probe(1, true), probe(1, true), probe(1, false), probe(2, false), probe(3, true)]
    const quotas = new Map([
      [1, 100n],
      [2, 100n],
      [3, 7n],
      [4, 50n],
    ])

    expect(countProbes(probes, quotas)).to.deep.equal([
      { node: 1, units: 66n },
      { node: 3, units: 7n },
    ])
  })

  it('reports a root under which every leaf is proven as the contract hashes it', () => {
    const counted = [1, 2, 3, 4, 5].map((node) => ({ node, units: BigInt(node) * 10n }))
    const report = reportOf(9, counted, new TextEncoder().encode('log'))
    const proven = proveBase(counted)
    const encoded = encodeAbiParameters([{ type: 'uint32' }, { type: 'uint256' }], [3, 30n])

    expect(baseLeafHash({ node: 3, units: 30n })).to.equal(keccak256(keccak256(encoded)))
    expect(report?.evidence).to.equal(keccak256(toHex('log')))
    expect(report?.root).to.equal(proven.root)
    expect(proven.leaves.map(({ node }) => node)).to.deep.equal([1, 2, 3, 4, 5])
    for (const leaf of proven.leaves) {
      const more = { ...leaf, units: leaf.units + 1n }
      expect(verifyMerkle(proven.root, baseLeafHash(leaf), leaf.proof)).to.equal(true)
      expect(verifyMerkle(proven.root, baseLeafHash(more), leaf.proof)).to.equal(false)
    }
    expect(reportOf(9, [], new Uint8Array())).to.equal(undefined)
  })

  const report = reportOf(9, [{ node: 1, units: 10n }], new Uint8Array()) as BaseReport
  const reporting: Reporting = {
    epoch: 9,
    now: 1_000,
    reportUntil: 1_000,
    state: 0,
    bonds: { each: 100n, amount: 200n, held: 0n, balance: 0n },
    report,
    torn: 0,
  }

  it('files a report once and in time', () => {
    expect(reportDuty.decide(reporting)?.report).to.equal(report)
    expect(reportDuty.decide({ ...reporting, now: 1_001 })).to.equal(undefined)
    expect(reportDuty.decide({ ...reporting, report: undefined })).to.equal(undefined)
    for (const state of [1, 2, 3]) expect(reportDuty.decide({ ...reporting, state })).to.equal(undefined)
  })

  it('adds the bond that a challenge holds, two if it can, and never counts what is held', () => {
    const topUp = (amount: bigint, held: bigint, balance: bigint) =>
      reportDuty.decide({ ...reporting, bonds: { each: 100n, amount, held, balance } })?.topUp

    expect(topUp(100n, 100n, 500n)).to.equal(100n)
    expect(topUp(0n, 0n, 200n)).to.equal(200n)
    expect(topUp(0n, 0n, 199n)).to.equal(100n)
    expect(topUp(100n, 0n, 99n)).to.equal(0n)
    expect(topUp(100n, 0n, 100n)).to.equal(100n)
    expect(topUp(250n, 200n, 60n)).to.equal(50n)
    expect(topUp(200n, 100n, 500n)).to.equal(0n)
  })

  it('keeps the leaves of a report whole on disk, and takes none that do not make its root', () => {
    const reports = openReports(folder)
    reports.write(report)
    const forged = {
      ...JSON.parse(readFileSync(join(folder, '9.json'), 'utf8')),
      root: `0x${'11'.repeat(32)}`,
    }

    expect(openReports(folder).read(9)).to.deep.equal(report)
    expect(openReports(folder).read(8)).to.equal(undefined)
    expect(readdirSync(folder)).to.deep.equal(['9.json'])
    expect(() => parseBaseReport(forged))
      .to.throw()
      .with.property('code', 'report.unreadable')
    expect(() => parseBaseReport({}))
      .to.throw()
      .with.property('code', 'report.unreadable')
  })

  it('asks exactly the nodes whose draw is below the mark', () => {
    const pods: Lottery['pods'] = [
      { name: 'chat', kind: 'chat' },
      { name: 'image', kind: 'image' },
    ]
    const draws = [
      { node: 1, draw: 9, pod: 0 },
      { node: 2, draw: 10, pod: 0 },
      { node: 3, draw: 0, pod: 5 },
    ]

    expect(createProbes(0).decide({ epoch: 9, draws, below: 10, pods })).to.deep.equal({
      epoch: 9,
      asks: [
        { node: 1, pod: pods[0] },
        { node: 3, pod: pods[1] },
      ],
    })
    expect(createProbes(0).decide({ epoch: 9, draws, below: 0, pods })).to.equal(undefined)
  })

  it('draws its questions anew each time, in the form that their pod takes', () => {
    let next = 0
    const random = { bytes: (count: number) => toBytes(keccak256(toHex(next++))).subarray(0, count) }
    const chats = Array.from({ length: 50 }, () => JSON.stringify(questionFor('chat', random)))

    expect(new Set(chats).size).to.be.greaterThan(40)
    expect(questionFor('image', random)).to.have.all.keys('prompt', 'seed')
    expect(questionFor('chat', random)).to.have.all.keys('messages', 'max_tokens', 'seed')
  })

  it('keeps its probes on disk, without the line that a crash cut short', () => {
    const log = openProbeLog(folder)
    log.add(9, probe(1, true))
    log.add(9, { ...probe(2, false), code: 'node.unavailable' })
    appendFileSync(join(folder, '9.ndjson'), '{"at":1,"no')

    expect(openProbeLog(folder).probes(9)).to.deep.equal([
      probe(1, true),
      { ...probe(2, false), code: 'node.unavailable' },
    ])
    expect(openProbeLog(folder).probes(8)).to.deep.equal([])
  })

  it('goes on after a line that a crash cut short: the next probe has a line of its own', () => {
    openProbeLog(folder).add(9, probe(1, true))
    appendFileSync(join(folder, '9.ndjson'), '{"at":2,"node":1,"po')
    const evidence = openProbeLog(folder).bytes(9)
    const log = openProbeLog(folder)
    log.add(9, probe(2, true))
    // A line of an older keeper, which went on within the torn one; and one that is whole but not ours.
    appendFileSync(join(folder, '9.ndjson'), '{"at":2,"no{"at":3}\n{"at":-1}\n')
    log.add(9, probe(3, false))

    expect(log.probes(9)).to.deep.equal([probe(1, true), probe(2, true), probe(3, false)])
    expect(log.torn(9)).to.equal(3)
    expect(log.torn(8)).to.equal(0)
    // What was hashed is not mended: it is only added to.
    expect(log.bytes(9).subarray(0, evidence.length)).to.deep.equal(evidence)
  })

  it('publishes the log of an epoch that is over, to the byte, and never the present one', async () => {
    const log = openProbeLog(folder)
    log.add(9, probe(1, true))
    log.add(10, probe(1, true))
    const door = createDoor(log, openReports(folder), () => 10)
    const get = (path: string) => door.inject({ method: 'GET', url: path })

    expect((await get('/v1/probes/9')).rawPayload).to.deep.equal(Buffer.from(log.bytes(9)))
    for (const asked of ['10', '11', '8', '-1', 'x', '1e3', '..%2f9']) {
      const answer = await get(`/v1/probes/${asked}`)
      expect([answer.statusCode, answer.json().error?.code]).to.deep.equal([404, 'probes.none'])
    }
    await door.close()
  })

  it('publishes the leaves that it reported, so that anybody makes the proofs', async () => {
    const reports = openReports(folder)
    reports.write(report)
    const door = createDoor(openProbeLog(folder), reports, () => 10)
    const get = (path: string) => door.inject({ method: 'GET', url: path })

    expect(parseBaseReport((await get('/v1/reports/9')).json())).to.deep.equal(report)
    for (const asked of ['10', '8', '-1', 'x', '..%2f9']) {
      const answer = await get(`/v1/reports/${asked}`)
      expect([answer.statusCode, answer.json().error?.code]).to.deep.equal([404, 'report.none'])
    }
    await door.close()
  })

  const offer = (amount: bigint, price: bigint) => ({
    amount,
    price,
    cost: (amount * price + 999_999n) / 1_000_000n,
  })
  const lot = (amount: bigint, price: bigint) => ({
    ...offer(amount, price),
    epoch: 9,
    burnt: 0n,
    opensAt: 0,
    closesAt: 1,
  })
  const market = {
    lot: lot(5_000_000n, 3n),
    carried: offer(2_000_000n, 2n),
    median: 100n,
    mostPrice: 3n,
    mostOverMedianBps: 12_000,
    held: 100n,
  }

  it('buys the lot before what is carried, never above its price and never beyond what it holds', () => {
    expect(buyDuty.decide(market)).to.deep.equal({ carried: false, most: 15n })
    expect(buyDuty.decide({ ...market, lot: lot(5_000_000n, 4n) })).to.deep.equal({ carried: true, most: 4n })
    expect(buyDuty.decide({ ...market, held: 14n })).to.deep.equal({ carried: true, most: 4n })
    expect(buyDuty.decide({ ...market, lot: lot(5n, 0n), carried: offer(5n, 0n) })).to.equal(undefined)
    expect(buyDuty.decide({ ...market, lot: lot(0n, 1n), carried: offer(0n, 1n) })).to.equal(undefined)
    expect(buyDuty.decide({ ...market, lot: lot(1n, 1n) })).to.deep.equal({ carried: false, most: 1n })
  })

  it('lets nothing cost more than amount times its most price, whatever cost it is told', () => {
    const lie = { ...lot(2_000_000n, 1n), cost: 400n }

    expect(buyDuty.decide({ ...market, lot: lie, held: 1_000n })).to.deep.equal({ carried: false, most: 6n })
  })

  it('pays at most a fifth above the median, so that HEU which gained is not overpaid', () => {
    const at = (price: bigint, mostPrice: bigint) =>
      buyDuty.decide({
        ...market,
        lot: lot(1_000_000n, price),
        carried: offer(0n, 0n),
        mostPrice,
        held: 1_000n,
      })

    expect(at(120n, 1_000n)).to.deep.equal({ carried: false, most: 120n })
    expect(at(121n, 1_000n)).to.equal(undefined)
    expect(at(120n, 119n)).to.equal(undefined)
  })
})
