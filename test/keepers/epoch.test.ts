import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { encodeAbiParameters, keccak256, toBytes, toHex } from 'viem'
import { buyDuty } from '../../keepers/burn/buyer.ts'
import { createDoor } from '../../keepers/epoch/door.ts'
import { openProbeLog, type Probe } from '../../keepers/epoch/log.ts'
import { createProbes, type Lottery } from '../../keepers/epoch/probes.ts'
import { questionFor } from '../../keepers/epoch/questions.ts'
import { countProbes, leafOf, reportOf } from '../../keepers/epoch/report.ts'
import { type Reporting, reportDuty } from '../../keepers/epoch/reporting.ts'
import { type Cycle, dueActs } from '../../sdk/chain/cycle.ts'
import { verifyMerkle } from '../../sdk/protocol/merkle.ts'

const address = (digit: string) => `0x${digit.repeat(40)}` as const
const place = {
  ledger: address('1'),
  registry: address('2'),
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

  const quiet: Cycle = { time: 1_000, epoch: 10, ungathered: [], revenue: [], tips: [] }

  it('has nothing to do while nothing is due', () => {
    expect(dueActs(quiet, place)).to.deep.equal([])
  })

  it('gathers before it records, records before it finalizes, and finalizes only when the time has come', () => {
    const open = { epoch: 9, finalizableAt: 1_000, challenged: false, unrecorded: [1, 2] }
    const busy = {
      ...quiet,
      open,
      ungathered: [address('9')],
      revenue: [{ router: address('9'), pod: 7 }],
      tips: [4],
    }

    expect(dueActs(busy, place).map(({ name }) => name)).to.deep.equal([
      'gather',
      'close revenue',
      'record',
      'finalize',
      'close tips',
    ])
    expect(dueActs({ ...busy, time: 999 }, place).map(({ name }) => name)).not.to.include('finalize')
    expect(
      dueActs({ ...busy, open: { ...open, challenged: true } }, place).map(({ name }) => name),
    ).not.to.include('finalize')
  })

  it('records many nodes in several transactions', () => {
    const unrecorded = Array.from({ length: 120 }, (_, index) => index + 1)
    const open = { epoch: 9, finalizableAt: 2_000, challenged: false, unrecorded }

    expect(dueActs({ ...quiet, open }, place).map(({ what }) => what)).to.deep.equal([
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
    const report = reportOf(counted, new TextEncoder().encode('log'))
    const encoded = encodeAbiParameters([{ type: 'uint32' }, { type: 'uint256' }], [3, 30n])

    expect(leafOf({ node: 3, units: 30n })).to.equal(keccak256(keccak256(encoded)))
    expect(report?.evidence).to.equal(keccak256(toHex('log')))
    for (const leaf of report?.leaves ?? []) {
      expect(verifyMerkle(report?.root ?? '0x', leafOf(leaf), leaf.proof)).to.equal(true)
      expect(
        verifyMerkle(report?.root ?? '0x', leafOf({ ...leaf, units: leaf.units + 1n }), leaf.proof),
      ).to.equal(false)
    }
    expect(reportOf([], new Uint8Array())).to.equal(undefined)
  })

  const reporting: Reporting = {
    epoch: 9,
    now: 1_000,
    reportUntil: 1_000,
    state: 0,
    root: `0x${'00'.repeat(32)}`,
    final: false,
    missingBond: 0n,
    data: reportOf([{ node: 1, units: 10n }], new Uint8Array()),
    unrecorded: [],
  }

  it('files a report once and in time, and records only under its own root', () => {
    const { data } = reporting
    const leaves = data?.leaves ?? []
    const filed = { ...reporting, state: 1, root: data?.root ?? '0x', unrecorded: leaves }

    expect(reportDuty.decide(reporting)?.do).to.equal('report')
    expect(reportDuty.decide({ ...reporting, now: 1_001 })).to.equal(undefined)
    expect(reportDuty.decide(filed)?.do).to.equal('record')
    expect(reportDuty.decide({ ...filed, root: `0x${'11'.repeat(32)}` })).to.equal(undefined)
    expect(reportDuty.decide({ ...filed, state: 2 })).to.equal(undefined)
    expect(reportDuty.decide({ ...filed, final: true })).to.equal(undefined)
    expect(reportDuty.decide({ ...filed, unrecorded: [] })).to.equal(undefined)
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

  it('publishes the log of an epoch that is over, to the byte, and never the present one', async () => {
    const log = openProbeLog(folder)
    log.add(9, probe(1, true))
    log.add(10, probe(1, true))
    const door = createDoor(log, () => 10)
    const get = (path: string) => door.inject({ method: 'GET', url: path })

    expect((await get('/v1/probes/9')).rawPayload).to.deep.equal(Buffer.from(log.bytes(9)))
    for (const asked of ['10', '11', '8', '-1', 'x', '1e3', '..%2f9']) {
      const answer = await get(`/v1/probes/${asked}`)
      expect([answer.statusCode, answer.json().error?.code]).to.deep.equal([404, 'probes.none'])
    }
    await door.close()
  })

  it('buys the lot before what is carried, never above its price and never beyond what it holds', () => {
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
    const seen = { lot: lot(5_000_000n, 3n), carried: offer(2_000_000n, 2n), mostPrice: 3n, held: 100n }

    expect(buyDuty.decide(seen)).to.deep.equal({ carried: false, most: 15n })
    expect(buyDuty.decide({ ...seen, lot: lot(5_000_000n, 4n) })).to.deep.equal({ carried: true, most: 4n })
    expect(buyDuty.decide({ ...seen, held: 14n })).to.deep.equal({ carried: true, most: 4n })
    expect(buyDuty.decide({ ...seen, lot: lot(5n, 0n), carried: offer(5n, 0n) })).to.equal(undefined)
    expect(buyDuty.decide({ ...seen, lot: lot(0n, 1n), carried: offer(0n, 1n) })).to.equal(undefined)
    expect(buyDuty.decide({ ...seen, lot: lot(1n, 1n) })).to.deep.equal({ carried: false, most: 1n })
  })
})
