import { expect } from 'chai'
import { params } from '../../deploy/params.ts'
import { settleSchema } from '../../keepers/router/config.ts'
import { decideForget } from '../../keepers/settle/forget.ts'
import { decideWatch, type Watched } from '../../keepers/settle/watch.ts'
import type { ChainBond, ChainRouter } from '../../keepers/world.ts'
import { hash } from './samples.ts'

const NOW_SECONDS = 1_800_000_000
const limits = settleSchema.parse({})
const bond: ChainBond = {
  asset: 2_000n,
  heu: 2_000n,
  reserved: 0n,
  owedAsset: 0n,
  owedHeu: 0n,
  exitAt: 0,
  convictedAt: 0,
  leastAsset: 1_000n,
  leastHeu: 1_000n,
}
const state: ChainRouter = { seq: 3n, batchHash: hash(3), float: limits.lowFloat, allowed: true }
const well = { synced: true, allowed: true, behind: false, differs: false, float: limits.lowFloat }

function watched(
  changes: Partial<Omit<Watched, 'bond' | 'state'>> & {
    bond?: Partial<ChainBond>
    state?: Partial<ChainRouter>
  } = {},
): Watched {
  return {
    nowMs: NOW_SECONDS * 1000,
    limits,
    sync: { syncing: false, head: 9n, headAt: NOW_SECONDS },
    events: [],
    lastSeq: 3n,
    before: { standing: well, alarms: new Set() },
    ...changes,
    bond: { ...bond, ...changes.bond },
    state: { ...state, ...changes.state },
  }
}
const rings = (changes: Parameters<typeof watched>[0]) =>
  decideWatch(watched(changes))?.ringing.map(({ event, level }) => `${level} ${event}`)

describe('the watch over chain, float and bond', () => {
  it('has nothing to say while all is well', () => {
    expect(decideWatch(watched())).to.equal(undefined)
  })

  it('rings for each thing that a person must know', () => {
    expect(rings({ state: { float: limits.lowFloat - 1n } })).to.deep.equal(['error float.low'])
    expect(rings({ bond: { asset: 1_199n } }), 'a fifth above the least').to.deep.equal(['error bond.low'])
    expect(rings({ bond: { asset: 1_200n } })).to.equal(undefined)
    expect(rings({ bond: { heu: 999n } })).to.deep.equal(['error bond.low'])
    expect(rings({ bond: { heu: 1_000n } }), 'HEU goes only with what is paid').to.equal(undefined)
    expect(rings({ state: { allowed: false } })).to.deep.equal(['error bond.stopped'])
    expect(rings({ bond: { exitAt: 5 } })).to.deep.equal(['warn bond.exiting'])
    expect(rings({ bond: { reserved: 1n } })).to.deep.equal(['error bond.claims_open'])
    expect(rings({ bond: { reserved: 801n } }), 'what is held back is not there').to.deep.equal([
      'error bond.low',
      'error bond.claims_open',
    ])
    expect(rings({ events: [{ kind: 'convicted', leaf: hash(1) }] })).to.deep.equal(['error bond.convicted'])
    expect(rings({ lastSeq: 2n })).to.deep.equal(['error ledger.behind'])
  })

  it('each filed claim rings, and a paid one louder than a void one', () => {
    const who = { role: 0, id: 7, round: 1 }
    const filed = { kind: 'claimed', ...who, gross: 10n, asked: 7n } as const
    const resolved = (paid: bigint) => ({ kind: 'resolved', ...who, paid }) as const

    expect(rings({ events: [filed, filed] })).to.deep.equal(Array(2).fill('error bond.claim_filed'))
    expect(rings({ events: [resolved(0n), resolved(7n)] })).to.deep.equal([
      'warn bond.claim_resolved',
      'error bond.claim_resolved',
    ])
  })

  it('an alarm rings when it begins and not at every look, and is over when it is over', () => {
    const low = { ...well, float: 0n }
    const before = { standing: low, alarms: new Set(['float.low']) }

    expect(decideWatch(watched({ state: { float: 0n }, before }))).to.equal(undefined)
    const mended = decideWatch(watched({ before }))
    expect(mended?.ringing).to.deep.equal([])
    expect(mended?.alarms).to.deep.equal([])
    expect(mended?.standing.float).to.equal(limits.lowFloat)
  })

  it('a node that reads old blocks, or whose newest is too old, is not synced; a clock behind the chain is no matter', () => {
    const at = (headAt: number, syncing = false) =>
      decideWatch(watched({ sync: { syncing, head: 9n, headAt } }))?.standing.synced ?? true

    expect(at(NOW_SECONDS - 600)).to.equal(true)
    expect(at(NOW_SECONDS - 601)).to.equal(false)
    expect(at(NOW_SECONDS + 100_000)).to.equal(true)
    expect(at(NOW_SECONDS, true)).to.equal(false)
  })
})

describe('forgetting', () => {
  it('happens once an hour, for what is older than thirty days', () => {
    const nowMs = NOW_SECONDS * 1000
    const month = 30 * 86_400_000

    expect(decideForget({ nowMs, limits, lastMs: nowMs - 3_599_999 })).to.equal(undefined)
    expect(decideForget({ nowMs, limits, lastMs: nowMs - 3_600_000 })).to.deep.equal({
      batchesBefore: nowMs - month,
      decisionsBefore: nowMs - month,
    })
  })
})

describe('the bounds of settling', () => {
  it('are those of deploy/params.ts', () => {
    const ms = (
      name:
        | 'settleMaxAge'
        | 'settleLargeAge'
        | 'settleDailyAge'
        | 'settleExpiry'
        | 'settleStuck'
        | 'batchKeep',
    ) => params[name].value * 1000

    expect(limits).to.deep.include({
      maxAgeMs: ms('settleMaxAge'),
      largeMs: ms('settleLargeAge'),
      dailyMs: ms('settleDailyAge'),
      expiryMs: ms('settleExpiry'),
      stuckMs: ms('settleStuck'),
      keepMs: ms('batchKeep'),
      largePayee: params.settleLargePayee.value,
      worthGas: params.settleWorthGas.value,
      finalityBlocks: params.settleFinality.value,
    })
  })

  it('leave time to be mined: a payee with a dollar within 4 h, everyone within 24 h', () => {
    const minutes = (ms: number) => ms / 60_000

    expect(minutes(4 * 3_600_000 - limits.largeMs)).to.be.at.least(30)
    expect(minutes(24 * 3_600_000 - limits.dailyMs)).to.be.at.least(60)
  })
})
