import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import type { Hex } from 'viem'
import { configSchema } from '../../apps/gateway/config.ts'
import { openSponsor, SPONSOR } from '../../apps/gateway/sponsor/sponsor.ts'
import { sponsorSchema } from '../../apps/gateway/sponsor/terms.ts'
import { openStore } from '../../apps/gateway/till/store.ts'
import { HOUSE, type Order, openTill, type Ticket } from '../../apps/gateway/till/till.ts'
import { createDraw } from '../../bench/economy/draw.ts'
import { asHeuristError } from '../../sdk/errors.ts'
import { householdOf } from '../../sdk/household.ts'
import { formatUsd, usd } from '../../sdk/units.ts'
import { type MeteredDoor, mostOf, openMeteredDoor, question } from './metered-door.ts'

const SEED = Number(process.env.HEURIST_SEED ?? 20_261_126)
const MOST = mostOf()
const NOON = Math.floor(Date.now() / 86_400_000) * 86_400_000 + 43_200_000
const MIDNIGHT = new Date(NOON + 43_200_000).toISOString()
const ANN = `0x${'a'.repeat(40)}`
const hash = (index: number): Hex => `0x${index.toString(16).padStart(64, '0')}`
const terms = (caps: object) =>
  sponsorSchema.parse({
    pods: ['chat'],
    perDay: formatUsd(1_000n * MOST),
    perAddress: formatUsd(1_000n * MOST),
    perKey: formatUsd(1_000n * MOST),
    perMinute: 10_000,
    ...caps,
  })
const errorOf = async (answer: Response) =>
  ((await answer.json()) as { error: { code: string; type: string; message: string } }).error

describe('the free tier', function () {
  this.timeout(600_000)
  let door: MeteredDoor
  afterEach(() => door?.close())

  const open = async (caps: object, trustedProxies: string[] = ['loopback']) => {
    door = await openMeteredDoor((accounts) => ({
      sponsor: openSponsor(accounts, terms(caps), () => NOON),
      trustedProxies,
    }))
    return door
  }
  const from = (address: string) => ({ 'x-forwarded-for': address })

  it('is not there unless the operator sets it up', () => {
    const config = configSchema.parse({
      port: 0,
      dataDir: 'x',
      routerUrl: 'http://a',
      keyFile: 'k',
      frontend: 0,
    })

    expect([config.sponsor, config.trustedProxies]).to.deep.equal([undefined, []])
  })

  it("answers without a key, from the gateway's own account, and says so and what is left", async () => {
    await open({ perAddress: formatUsd(10n * MOST) })
    door.price(5n)
    const answer = await door.ask()

    expect(answer.status).to.equal(200)
    expect(answer.headers.get('x-heurist-sponsored')).to.equal('true')
    expect(answer.headers.get('x-heurist-sponsored-left')).to.equal(formatUsd(10n * MOST - 5n))
    expect(answer.headers.get('x-heurist-sponsored-resets')).to.equal(MIDNIGHT)
    expect(door.accounts.till.balance(HOUSE).charged).to.equal(5n)
    expect(door.accounts.till.spentBy(SPONSOR)).to.equal(5n)
  })

  it('pays for no other pod: without a key those are refused as ever, and bad requests by their field', async () => {
    await open({ pods: ['image'] })
    const [chat, bad] = [await door.ask(), await door.ask({}, { ...question, temperature: 9 })]

    expect([chat.status, (await errorOf(chat)).code]).to.deep.equal([401, 'invalid_api_key'])
    expect([bad.status, (await errorOf(bad)).code]).to.deep.equal([400, 'invalid_value'])
    expect(door.sent).to.deep.equal([])
  })

  it('ends for an address at its cap, then for everybody at the cap of the day, and says when it begins again', async () => {
    await open({ perAddress: formatUsd(2n * MOST), perDay: formatUsd(3n * MOST) })
    door.price(MOST)
    const answers = []
    for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.2', '192.0.2.3'])
      answers.push(await door.ask(from(address)))
    const [, , third, , fifth, sixth] = answers

    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 429, 200, 429, 429])
    for (const answer of [third, fifth, sixth]) {
      expect(Number(answer?.headers.get('retry-after'))).to.equal(12 * 3_600)
      expect(answer?.headers.get('x-heurist-sponsored-left')).to.equal('0.000000')
    }
    const error = await errorOf(third as Response)
    expect([error.code, error.type]).to.deep.equal(['sponsor.used_up', 'rate_limit_error'])
    expect(error.message).to.include('your address').and.include(MIDNIGHT)
    expect((await errorOf(sixth as Response)).message).to.include('everybody')
    expect(door.accounts.till.balance(HOUSE).charged).to.equal(3n * MOST)
  })

  it('of 100 calls at once never holds more than the cap, and what they did not use is left again', async () => {
    await open({ perDay: formatUsd(7n * MOST) })
    door.price(1n)
    const release = door.hold()
    let ended = 0
    const asked = Array.from({ length: 100 }, async (_, index) => {
      const answer = await door.ask(from(`192.0.2.${index}`))
      ended += 1
      return answer
    })
    await until(() => ended === 93)
    const held = door.accounts.till.balance(HOUSE).held
    release()
    const answers = await Promise.all(asked)
    const again = await door.ask()

    expect(held).to.equal(7n * MOST)
    expect(door.sent.slice(0, 7)).to.deep.equal(Array(7).fill(MOST))
    const refusals = answers.filter(({ status }) => status !== 200)
    expect(refusals).to.have.lengthOf(93)
    for (const each of refusals)
      expect([each.status, (await errorOf(each)).code]).to.deep.equal([429, 'sponsor.busy'])
    expect(again.headers.get('x-heurist-sponsored-left')).to.equal(formatUsd(7n * MOST - 8n))
  })

  it('refuses with 402 what no cap allows, before it is sent', async () => {
    await open({ perAddress: formatUsd(MOST - 1n) })
    const answer = await door.ask()

    expect([answer.status, (await errorOf(answer)).code]).to.deep.equal([402, 'sponsor.too_dear'])
    expect(door.sent).to.deep.equal([])
  })

  it('believes no header about the address of a caller unless its proxy is trusted', async () => {
    await open({ perAddress: formatUsd(MOST) }, [])
    door.price(MOST)
    const answers = [await door.ask(from('192.0.2.1')), await door.ask(from('192.0.2.2'))]
    await door.close()
    await open({ perAddress: formatUsd(MOST) }, ['192.0.2.0/24'])
    door.price(MOST)
    const others = [await door.ask(from('192.0.2.1')), await door.ask(from('192.0.2.2'))]

    expect([...answers, ...others].map(({ status }) => status)).to.deep.equal([200, 429, 200, 429])
  })

  it('spares an account what is sponsored, within the cap of its key; past it the account pays, if it can', async () => {
    await open({ perKey: formatUsd(MOST) })
    door.price(MOST)
    const rich = door.account(ANN, 10n * MOST, { quota: MOST })
    const poor = door.account(`0x${'b'.repeat(40)}`, 0n)
    const bearer = ({ key }: { key: string }) => ({ authorization: `Bearer ${key}` })
    const [free, paid] = [await door.ask(bearer(rich)), await door.ask(bearer(rich))]
    const [gift, end] = [await door.ask(bearer(poor)), await door.ask(bearer(poor))]

    expect([free, paid, gift, end].map(({ status }) => status)).to.deep.equal([200, 200, 200, 429])
    expect([free, paid].map(({ headers }) => headers.get('x-heurist-sponsored'))).to.deep.equal([
      'true',
      'false',
    ])
    expect([free, paid].map(({ headers }) => headers.get('x-heurist-balance'))).to.deep.equal([
      formatUsd(10n * MOST),
      formatUsd(9n * MOST),
    ])
    expect(door.accounts.till.spentBy(rich.id)).to.equal(MOST)
    const error = await errorOf(end)
    expect([error.code, error.message.includes('your key')]).to.deep.equal(['sponsor.used_up', true])
  })

  it("leaves the operator's own keys as they are", async () => {
    await open({ perKey: formatUsd(MOST) })
    door.price(MOST)
    const answers = [1, 2, 3].map(() => door.ask({ authorization: `Bearer ${door.accounts.shown}` }))

    for (const { status, headers } of await Promise.all(answers))
      expect([status, headers.has('x-heurist-sponsored')]).to.deep.equal([200, false])
    expect(door.accounts.till.spentBy(SPONSOR)).to.equal(0n)
  })

  it('counts the requests of an address by the minute, whatever they ask', async () => {
    await open({ perMinute: 2 })
    const statuses = []
    for (const body of [{}, {}, question, question])
      statuses.push((await door.ask(from('192.0.2.1'), body)).status)

    expect(statuses).to.deep.equal([400, 400, 429, 429])
    expect((await door.ask(from('192.0.2.2'))).status).to.equal(200)
  })
})

async function until(fact: () => boolean): Promise<void> {
  while (!fact()) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('the counters of the free tier', () => {
  const price = (amount: bigint) => ({ price: amount, unitsIn: 0n, unitsOut: 0n })

  /** Books on disk that are opened again as after SIGKILL: nothing is closed but what was closed. */
  function books(caps: object) {
    const home = mkdtempSync(join(tmpdir(), 'heurist-sponsor-'))
    const clock = { now: NOON }
    const start = () => {
      const store = openStore(home)
      const till = openTill(store, home, { now: () => clock.now })
      const sponsor = openSponsor({ till, store }, terms(caps), () => clock.now)
      const open = (ip: string, most: bigint) => {
        const order: Order = { wallet: HOUSE, key: 'nobody', pod: 'chat', most }
        const { till } = sponsor.besides(sponsor.stranger(ip), sponsor.guest(ip), () => undefined)
        return till.open(order) as Ticket
      }
      return { store, till, open, leftFor: (ip: string) => sponsor.leftFor(sponsor.guest(ip)).left }
    }
    return { clock, start, remove: () => rmSync(home, { recursive: true, force: true }) }
  }
  const codeOf = (work: () => unknown): string => {
    try {
      work()
      return 'nothing was refused'
    } catch (cause) {
      return asHeuristError(cause).code
    }
  }

  it('say after a crash what was sent, and after its end what it came to', () => {
    const { start, remove } = books({ perDay: '0.000100' })
    const before = start()
    void before.open('192.0.2.1', 60n).signed(hash(1))
    before.open('192.0.2.1', 30n)
    before.till.flush()
    before.store.close()
    const after = start()

    expect(after.leftFor('192.0.2.1')).to.equal(40n)
    expect(codeOf(() => after.open('192.0.2.9', 41n))).to.equal('sponsor.busy')
    after.till.closeLeft(after.till.leftOpen()[0]?.id ?? 0, price(25n))
    expect(after.leftFor('192.0.2.1')).to.equal(75n)
    after.store.close()
    remove()
  })

  it('begin again with the day; a clock that goes back finds the day as it was left', () => {
    const { clock, start, remove } = books({ perDay: '0.000100' })
    let { store, till, open } = start()
    const use = (amount: bigint) => {
      const ticket = open('192.0.2.1', amount)
      void ticket.signed(hash(1))
      ticket.close(price(amount))
      till.flush()
    }
    use(100n)
    clock.now += 86_400_000
    use(70n)
    clock.now -= 86_400_000
    const back = codeOf(() => use(1n))
    store.close()
    ;({ store, till, open } = start())
    const restarted = codeOf(() => use(1n))
    clock.now += 86_400_000
    const tomorrow = [codeOf(() => use(31n)), codeOf(() => use(30n))]

    expect([back, restarted, ...tomorrow]).to.deep.equal([
      'sponsor.used_up',
      'sponsor.used_up',
      'sponsor.used_up',
      'nothing was refused',
    ])
    store.close()
    remove()
  })

  it(`1,000 random moves with crashes and clock steps: no day and no address of a day exceeds its cap (seed ${SEED})`, function () {
    this.timeout(600_000)
    const { clock, start, remove } = books({ perDay: '0.000900', perAddress: '0.000400' })
    const draw = createDraw(SEED)
    let now = start()
    let open: { ticket: ReturnType<typeof now.open>; most: bigint; signed: boolean }[] = []
    const [seen, restarts] = [new Set<string>(), { count: 0 }]
    for (let move = 0; move < 1_000; move += 1) {
      const which = draw.below(10)
      if (which < 5) {
        const most = BigInt(1 + draw.below(200))
        const code = codeOf(() =>
          open.push({ ticket: now.open(`192.0.2.${draw.below(4)}`, most), most, signed: false }),
        )
        seen.add(code)
      }
      const at = draw.below(open.length + 1)
      const chosen = open[at]
      if (which === 5 || which === 6) {
        void chosen?.ticket.signed(hash(move))
        if (chosen) chosen.signed = true
      }
      if (which === 7 && chosen) {
        open.splice(at, 1)
        chosen.ticket.close(price(chosen.signed ? BigInt(draw.below(Number(chosen.most) + 1)) : 0n))
      }
      if (which === 8) clock.now += (draw.below(5) - 2) * 30_000_000
      if (which === 9 && draw.below(10) === 0) {
        now.store.close()
        now = start()
        open = []
        restarts.count += 1
      }
      now.till.flush()
      const sums = now.store
        .prepare('SELECT counted, sum(coalesce(price, hold)) AS sum FROM calls GROUP BY counted')
        .all([]) as { counted: string; sum: number }[]
      const days = new Map<string, number>()
      for (const { counted, sum } of sums) {
        expect(sum).to.be.at.most(400)
        const [day = ''] = counted.split(' ')
        days.set(day, (days.get(day) ?? 0) + sum)
      }
      for (const [day, sum] of days) expect(sum, day).to.be.at.most(900)
    }

    // Whether a day is used up or its rest held by calls that run is the draw's; both have tests above.
    expect([...seen]).to.include('nothing was refused')
    expect(seen.has('sponsor.busy') || seen.has('sponsor.used_up')).to.equal(true)
    expect(restarts.count).to.be.greaterThan(2)
    now.store.close()
    remove()
  })
})

describe('a household', () => {
  it('is an IPv4 address, in whatever coat, or the /64 of an IPv6 address', () => {
    for (const [ip, household] of [
      ['192.0.2.1', '192.0.2.1'],
      ['::ffff:192.0.2.1', '192.0.2.1'],
      ['::ffff:c000:201', '192.0.2.1'],
      ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
      ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
      ['2001:db8::1', '2001:db8:0:0::/64'],
      ['fe80::1%eth0', 'fe80:0:0:0::/64'],
      ['::1', '0:0:0:0::/64'],
    ] as const)
      expect(householdOf(ip), ip).to.equal(household)
  })

  it('of two IPv6 addresses is one exactly if their first 64 bits are', () => {
    const half = fc.array(fc.constantFrom(0, 1, 0xff, 0xffff, 0x2001), { minLength: 4, maxLength: 4 })
    const written = (high: number[], low: number[]) =>
      [...high, ...low].map((each) => each.toString(16)).join(':')

    fc.assert(
      fc.property(half, half, half, half, (a, b, low, other) => {
        fc.pre(a.some((each) => each !== 0) && b.some((each) => each !== 0))
        const same = householdOf(written(a, low)) === householdOf(written(b, other))
        expect(same).to.equal(a.join() === b.join())
      }),
      { seed: SEED, numRuns: 2_000 },
    )
  })

  it('is all that is kept of a caller, and hashed', async () => {
    const door = await openMeteredDoor((accounts) => ({
      sponsor: openSponsor(accounts, terms({}), () => NOON),
    }))
    await door.ask()
    door.accounts.till.flush()
    const [row] = door.accounts.store.prepare('SELECT * FROM calls').all([]) as Record<string, unknown>[]

    const opening = readFileSync(join(door.home, 'openings.ndjson'), 'utf8')

    expect(JSON.stringify(row)).not.to.include('127.0.0.1')
    expect(opening).to.include(row?.request).and.not.to.include('127.0.0.1')
    expect(usd(formatUsd(BigInt(row?.hold as number)))).to.equal(MOST)
    await door.close()
  })
})
