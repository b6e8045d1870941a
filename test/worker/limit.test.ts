import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Hex } from 'viem'
import { createSigner, fastKeccak } from '../../sdk/native.ts'
import { createHasher, ROLE, type Statement } from '../../sdk/protocol/messages.ts'
import { toWire } from '../../sdk/protocol/wire.ts'
import { statementFile, watchCover } from '../../worker/cover.ts'
import { type Counted, decide, type Met, ON_TRUST, type View } from '../../worker/limit.ts'
import { type Market, openMarket } from '../market.ts'

const USD = 1_000_000n
/** A node with 70 %, nothing settled, a cap of ten dollars, nothing worked. */
const view = (changes: { [K in keyof View]?: Partial<NonNullable<View[K]>> } = {}): View => ({
  covered: { cap: 10n * USD, bps: 7_000, settled: 0n, ...changes.covered },
  stated: {
    ...{ gross: 0n, from: { gross: 0n, charged: 0n }, fromDayBefore: { gross: 0n, charged: 0n } },
    ...changes.stated,
  },
  worked: {
    ...{ charged: 0n, chargedBefore: 0n, chargedDayBefore: 0n, uncharged: 0n, unanswered: 0n },
    ...changes.worked,
  },
})

describe('a node and its router: the limit', () => {
  it('is the cap of the bond, counted in the share of the node', () => {
    // 70 % of 14.285714 dollars is the last unit below ten dollars.
    const below = decide(view({ worked: { charged: 14_285_714n }, stated: { gross: 14_285_714n } }))
    const at = decide(view({ worked: { charged: 14_285_715n }, stated: { gross: 14_285_715n } }))

    expect([below.stop, below.share]).to.deep.equal([undefined, 9_999_999n])
    expect([at.stop, at.share]).to.deep.equal(['limit', 10n * USD])
  })

  it('is reached by a single unit that the router has not settled after a day', () => {
    const worked = { charged: 3n, chargedBefore: 3n, chargedDayBefore: 2n }
    const stated = { gross: 3n }

    expect(decide(view({ worked, stated, covered: { settled: 1n } })).stop).to.equal('unposted')
    expect(decide(view({ worked, stated, covered: { settled: 2n } })).stop).to.equal(undefined)
  })

  it('what a node came to know of within a day need not be settled yet', () => {
    // Ten that its own store does not know of: a new one, or one that a router corrects.
    const from = { gross: 10n, charged: 0n }
    const worked = { charged: 3n, chargedBefore: 3n, chargedDayBefore: 2n }
    const stop = (fromDayBefore: Met | undefined, settled: bigint) =>
      decide(view({ worked, stated: { gross: 13n, from, fromDayBefore }, covered: { settled } })).stop

    expect([stop(undefined, 0n), stop({ gross: 0n, charged: 0n }, 2n), stop(from, 12n)]).to.deep.equal([
      undefined,
      undefined,
      undefined,
    ])
    expect([stop({ gross: 0n, charged: 0n }, 1n), stop(from, 11n)]).to.deep.equal(['unposted', 'unposted'])
  })

  it('counts what is not settled, however much ever was', () => {
    const gross = 1_000_000n * USD
    const settled = gross - 5n * USD

    expect(
      decide(view({ covered: { settled }, stated: { gross }, worked: { charged: gross } })).unposted,
    ).to.equal(5n * USD)
  })

  it('believes the higher of its own sum and the Statement', () => {
    const stated = decide(view({ stated: { gross: 9n * USD }, worked: { charged: 8n * USD } }))
    const own = decide(view({ stated: { gross: 8n * USD }, worked: { charged: 9n * USD } }))

    expect([stated.unposted, own.unposted]).to.deep.equal([9n * USD, 9n * USD])
  })

  it('goes on counting from where a new store and a router of long standing met', () => {
    const from = { gross: 500n * USD, charged: 2n * USD }
    const verdict = decide(
      view({
        covered: { settled: 500n * USD },
        stated: { gross: 503n * USD, from },
        worked: { charged: 5n * USD },
      }),
    )

    expect([verdict.stop, verdict.unposted]).to.deep.equal([undefined, 3n * USD])
  })

  it('stops when the Statement does not know of work that was charged ten minutes ago', () => {
    const behind = view({ stated: { gross: USD }, worked: { charged: 2n * USD, chargedBefore: USD + 1n } })
    const fresh = view({ stated: { gross: USD }, worked: { charged: 2n * USD, chargedBefore: USD } })

    expect(decide(behind).stop).to.equal('statement_behind')
    expect(decide(fresh).stop).to.equal(undefined)
  })

  it('stops for a router that never gives a Statement', () => {
    const without = { ...view({ worked: { charged: USD, chargedBefore: 1n } }), stated: undefined }

    expect(decide(without).stop).to.equal('statement_behind')
  })

  it('counts receipts that the router took and did not charge', () => {
    expect(decide(view({ worked: { uncharged: 15n * USD } })).stop).to.equal('limit')
  })

  it('counts receipts that the router says nothing about: silence buys no work', () => {
    const twice = { charged: 5n * USD, unanswered: 10n * USD }

    expect(decide(view({ worked: { unanswered: 14_285_714n } })).stop).to.equal(undefined)
    expect(decide(view({ worked: { unanswered: 14_285_715n } })).stop).to.equal('limit')
    expect(decide(view({ worked: twice, stated: { gross: 5n * USD } })).unposted).to.equal(15n * USD)
  })

  it('is nothing for a router that may not route or is leaving', () => {
    expect(decide(view({ covered: { cap: 0n } })).stop).to.equal('router_stopped')
  })

  it('is ten cents before the chain was read', () => {
    const unread = (charged: bigint) => decide({ ...view({ worked: { charged } }), covered: undefined }).stop

    expect([unread(ON_TRUST - 1n), unread(ON_TRUST)]).to.deep.equal([undefined, 'limit'])
  })
})

describe('a node and its router: what it asks', function () {
  this.timeout(900_000)

  let market: Market
  let home: string
  let server: Server
  let said: { status: number; body: string }
  /** What a store keeps from one start to the next. */
  let counted: Counted | undefined
  before(async () => {
    market = await openMarket()
    server = createServer((_, response) => response.writeHead(said.status).end(said.body))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  after(async () => {
    server.close()
    await market.close()
  })
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'heurist-cover-'))
    said = { status: 404, body: '{}' }
    counted = undefined
  })
  afterEach(() => rmSync(home, { recursive: true, force: true }))

  const signed = (statement: Statement, key: Hex = market.router.key) =>
    toWire({
      statement,
      signature: createSigner(key).sign(
        createHasher(market.domain, fastKeccak).digest('Statement', statement),
      ),
      router: market.router.address,
    })
  const statement = (gross: bigint, changes: Partial<Statement> = {}): Statement => ({
    role: ROLE.node,
    id: 9,
    gross,
    asOf: Math.floor(Date.now() / 1000),
    ...changes,
  })
  const log = { info() {}, warn() {}, error() {}, debug() {} }
  const worked = (charged: bigint, facts: Partial<View['worked']> = {}): View['worked'] => ({
    ...{ charged, chargedBefore: 0n, chargedDayBefore: 0n, uncharged: 0n, unanswered: 0n },
    ...facts,
  })
  const watch = (now: () => View['worked'], atMs: () => number = Date.now) =>
    watchCover({
      node: 9,
      router: market.router.address,
      routerUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      chainId: market.domain.chainId,
      rpcUrl: market.chain.rpcUrl,
      ledger: market.addresses.ledger,
      hasher: createHasher(market.domain, fastKeccak),
      receipts: {
        worked: now,
        counted: () => counted,
        keepCounted: (next) => {
          counted = next
        },
      },
      dataDir: home,
      log: log as unknown as Parameters<typeof watchCover>[0]['log'],
      onChange() {},
      now: atMs,
    })

  it("a newcomer's limit is a thousandth of the bond, not nothing: chain and router say so", async () => {
    // The local bond is 2,000 dollars.
    const cover = watch(() => worked(USD))
    said = { status: 200, body: signed(statement(USD)) }
    await cover.look()

    expect(cover.verdict).to.deep.equal({ stop: undefined, unposted: USD, share: 700_000n, cap: 2n * USD })
    expect(cover.refusal()).to.equal(undefined)
    cover.close()
  })

  it('at its limit it takes no new call, and says why', async () => {
    const cover = watch(() => worked(3n * USD))
    said = { status: 200, body: signed(statement(3n * USD)) }
    await cover.look()

    expect(cover.verdict.stop).to.equal('limit')
    expect(cover.refusal()?.code).to.equal('slot.busy')
    cover.close()
  })

  it('keeps the highest Statement on disk, as its evidence, and no forged, foreign, future or lower one', async () => {
    const cover = watch(() => worked(0n))
    const file = statementFile(home, market.router.address)
    const kept = () => JSON.parse(readFileSync(file, 'utf8')).reply
    const good = statement(5n)
    said = { status: 200, body: signed(good) }
    await cover.look()
    const bad = [
      signed(statement(6n), `0x${'77'.repeat(32)}`),
      signed(statement(6n, { id: 8 })),
      signed(statement(6n, { role: ROLE.pod })),
      signed(statement(6n, { asOf: good.asOf + 3_600 })),
      signed(statement(4n)),
      '{"statement":1}',
      'not json',
    ]
    for (const body of bad) {
      said = { status: 200, body }
      await cover.look()
      expect(kept()).to.deep.equal(JSON.parse(signed(good)))
    }
    said = { status: 200, body: signed(statement(7n)) }
    await cover.look()

    expect(kept().statement.gross).to.equal('7')
    cover.close()
  })

  it('a first Statement that knows of a call before the node hears that it is charged stops nobody, then or later', async () => {
    let seen = worked(0n, { unanswered: USD })
    const cover = watch(() => seen)
    said = { status: 200, body: signed(statement(USD)) }
    await cover.look()

    // It hears of it, and ten minutes pass.
    seen = worked(USD, { chargedBefore: USD })
    await cover.look()
    expect(cover.verdict.stop).to.equal(undefined)
    expect(cover.verdict.unposted).to.equal(USD)
    cover.close()

    const next = watch(() => seen)
    await next.look()
    expect(next.verdict.stop, 'nor after another start').to.equal(undefined)
    next.close()
  })

  it('what was not answered at the first Statement hides nothing: the next one that knows of all is where both count from', async () => {
    // The Statement knows of five; three are on their way.
    let seen = worked(5n, { uncharged: 1n, unanswered: 2n })
    const cover = watch(() => seen)
    said = { status: 200, body: signed(statement(5n)) }
    await cover.look()
    seen = worked(8n, { chargedBefore: 8n })
    said = { status: 200, body: signed(statement(8n)) }
    await cover.look()
    expect(cover.verdict.stop).to.equal(undefined)

    seen = worked(9n, { chargedBefore: 9n })
    await cover.look()
    expect(cover.verdict.stop).to.equal('statement_behind')
    said = { status: 200, body: signed(statement(9n)) }
    await cover.look()
    expect(cover.verdict.stop).to.equal(undefined)
    cover.close()
  })

  it('a store that is younger than its node waits a day for what it knows of only by the Statement', async () => {
    let nowMs = Date.now()
    const cover = watch(
      () => worked(0n),
      () => nowMs,
    )
    said = { status: 200, body: signed(statement(USD)) }
    await cover.look()
    const first = cover.verdict
    nowMs += 86_400_000
    await cover.look()

    expect([first.stop, first.unposted]).to.deep.equal([undefined, USD])
    expect(cover.verdict.stop).to.equal('unposted')
    cover.close()
  })

  it('a router that says a unit more every hour is held to what it said a day ago all the same', async () => {
    const HOUR_MS = 3_600_000
    const noon = Date.now() - 40 * HOUR_MS
    let nowMs = noon
    const cover = watch(
      () => worked(0n),
      () => nowMs,
    )
    const stops: unknown[] = []
    for (let hour = 0; hour < 40; hour += 1) {
      nowMs = noon + hour * HOUR_MS
      const asOf = Math.floor(nowMs / 1000)
      said = { status: 200, body: signed(statement(10n + BigInt(hour), { asOf })) }
      await cover.look()
      stops.push(cover.verdict.stop)
    }

    expect(stops).to.deep.equal(stops.map((_, hour) => (hour < 24 ? undefined : 'unposted')))
    expect(counted?.marks.length).to.equal(25)
    cover.close()
  })

  it('a mark of the future, from a clock that went back, keeps no later one from being made', async () => {
    const nowMs = Date.now()
    const first = { gross: 5n, charged: 0n }
    counted = { from: first, marks: [{ ...first, at: nowMs + 86_400_000 }] }
    const cover = watch(
      () => worked(0n),
      () => nowMs,
    )
    said = { status: 200, body: signed(statement(6n)) }
    await cover.look()

    expect(counted?.marks).to.deep.equal([{ gross: 6n, charged: 0n, at: nowMs }])
    cover.close()
  })

  it('a file that was written while counting could begin too late is counted anew, and its evidence kept', async () => {
    const file = statementFile(home, market.router.address)
    const reply = JSON.parse(signed(statement(USD)))
    mkdirSync(join(file, '..'))
    writeFileSync(file, JSON.stringify({ reply, earlier: [], from: { gross: String(USD), charged: '0' } }))
    said = { status: 200, body: signed(statement(USD)) }
    const cover = watch(() => worked(USD, { chargedBefore: USD }))
    await cover.look()

    expect(cover.verdict.stop).to.equal(undefined)
    said = { status: 200, body: signed(statement(2n * USD)) }
    await cover.look()
    expect(JSON.parse(readFileSync(file, 'utf8')).earlier).to.deep.equal([reply])
    cover.close()
  })

  it('keeps Statements an hour apart until the chain has settled them: one that is a day old can be filed', async () => {
    const cover = watch(() => worked(0n))
    const file = JSON.stringify(statementFile(home, market.router.address))
    const noon = statement(0n).asOf - 86_400
    for (const [gross, asOf] of [
      [5n, noon],
      [6n, noon + 60],
      [7n, noon + 3_599],
      [8n, noon + 3_600],
      [8n, noon + 7_200],
      [9n, noon + 7_300],
    ] as const) {
      said = { status: 200, body: signed(statement(gross, { asOf })) }
      await cover.look()
    }

    const { reply, earlier } = JSON.parse(readFileSync(JSON.parse(file), 'utf8'))
    const seen = [...earlier, reply].map((one) => [one.statement.gross, one.statement.asOf - noon])
    expect(seen).to.deep.equal([
      ['5', 0],
      ['8', 3_600],
      ['9', 7_300],
    ])
    cover.close()
  })
})
