import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import Database from 'libsql'
import type { Hex } from 'viem'
import { revenueOf } from '../../apps/gateway/operator/revenue.ts'
import { createGroup } from '../../apps/gateway/till/group.ts'
import { type Keys, openKeys } from '../../apps/gateway/till/keys.ts'
import { openStore, type Store } from '../../apps/gateway/till/store.ts'
import { HOUSE, NOTHING, openTill, type Ticket, type Till } from '../../apps/gateway/till/till.ts'
import { createDraw } from '../../bench/economy/draw.ts'
import { asHeuristError, later, refused } from '../../sdk/errors.ts'
import { chatAnswer, openDoor, type TestDoor } from './door.ts'
import { type MeteredDoor, mostOf, openMeteredDoor, question } from './metered-door.ts'

const SEED = Number(process.env.HEURIST_SEED ?? 20_261_125)
const codeOf = (work: () => unknown): string => {
  try {
    work()
    return 'nothing was refused'
  } catch (cause) {
    return asHeuristError(cause).code
  }
}
const hash = (index: number): Hex => `0x${index.toString(16).padStart(64, '0')}`
const OPENINGS = 'openings.ndjson'
const ANN = `0x${'a'.repeat(40)}`

describe('the books of the gateway', () => {
  let home: string
  let store: Store
  let till: Till
  let keys: Keys
  let nowMs: number
  const open = () => {
    store = openStore(home)
    till = openTill(store, home, { now: () => nowMs })
    keys = openKeys(store, () => nowMs)
  }
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'heurist-till-'))
    nowMs = Date.UTC(2026, 10, 25, 12)
    open()
    store.prepare('INSERT INTO accounts (wallet, created) VALUES (?, 0)').run([ANN])
  })
  afterEach(() => {
    till.flush()
    store.close()
    rmSync(home, { recursive: true, force: true })
  })
  /** Another folder, and its books as the next process finds them. */
  function another() {
    const dir = mkdtempSync(join(tmpdir(), 'heurist-till-'))
    const next = () => {
      const books = openStore(dir)
      return { store: books, till: openTill(books, dir, { now: () => nowMs }) }
    }
    return { dir, next }
  }
  const order = (most: bigint, more: object = {}) => ({ wallet: ANN, key: 'hk1', pod: 'chat', most, ...more })
  const price = (amount: bigint) => ({ price: amount, unitsIn: 1n, unitsOut: 2n })

  it('an account spends what it deposited, never more, and a hold counts until its call is closed', () => {
    till.deposit('d1', ANN, 100n)
    const first = till.open(order(60n))

    expect(codeOf(() => till.open(order(41n)))).to.equal('credit.insufficient')
    expect(till.balance(ANN)).to.deep.equal({ deposited: 100n, charged: 0n, held: 60n, available: 40n })
    void first.signed(hash(1))
    first.close(price(25n))
    first.close(price(25n))
    expect(till.balance(ANN)).to.deep.equal({ deposited: 100n, charged: 25n, held: 0n, available: 75n })
  })

  it('a deposit is booked once', () => {
    expect(till.deposit('d1', ANN, 100n)).to.equal(true)
    expect(till.deposit('d1', ANN, 100n)).to.equal(false)
    expect(till.balance(ANN).deposited).to.equal(100n)
  })

  it('writes that nobody waits for share a commit; one that contradicts the books takes no other down with it', () => {
    const told: string[] = []
    const group = createGroup(store, {
      emptied: () => told.push('emptied'),
      refused: () => told.push('refused'),
    })
    const deposit = store.prepare('INSERT INTO deposits (id, wallet, amount, made) VALUES (?, ?, 1, 0)')
    const count = () => (store.prepare('SELECT count(*) AS n FROM deposits').get([]) as { n: number }).n
    for (const id of ['a', 'b']) group.add(() => void deposit.run([id, ANN]))
    group.flush()
    expect([told, count()]).to.deep.equal([['emptied'], 2])

    let wallet = 'nobody'
    for (const id of ['c', 'd']) group.add(() => void deposit.run([id, id === 'c' ? wallet : ANN]))
    group.flush()
    group.flush()
    expect([told, count()]).to.deep.equal([['emptied', 'refused'], 3])
    wallet = ANN
    group.flush()
    expect([told, count()]).to.deep.equal([['emptied', 'refused', 'emptied'], 4])
  })

  const onDisk = () => {
    const file = new Database(join(home, 'till.sqlite'), { readonly: true })
    const rows = file.prepare('SELECT price, request FROM calls ORDER BY id').all([])
    file.close()
    return rows as { price: number | null; request: string }[]
  }

  it('a closing counts at once, and is written a moment later', async () => {
    till.deposit('d1', ANN, 1_000n)
    const ticket = till.open(order(60n))
    await ticket.signed(hash(1))
    ticket.close(price(25n))
    expect(till.balance(ANN).charged).to.equal(25n)

    while (onDisk()[0]?.price !== 25) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(onDisk()).to.have.length(1)
  })

  it('a call whose signing was acknowledged is open in the next process, though the books had no time to take it', async () => {
    const { dir, next } = another()
    till.deposit('d1', ANN, 1_000n)
    const tickets = Array.from({ length: 50 }, () => till.open(order(10n, { counted: ['day', 'ip'] })))
    const signed = tickets.map((ticket, index) => ticket.signed(hash(index)))
    await signed[0]
    // All that the disk has of them but the books, which may follow later.
    cpSync(join(home, OPENINGS), join(dir, OPENINGS))

    const after = next()

    expect(after.till.leftOpen().map(({ request }) => request)).to.deep.equal(signed.map((_, at) => hash(at)))
    expect(after.till.balance(ANN).held).to.equal(500n)
    expect(after.till.countedBy('ip').held).to.equal(500n)
    after.store.close()
    rmSync(dir, { recursive: true })
  })

  it('a call that was signed again is found as it was signed last, and one that is closed stays closed', async () => {
    till.deposit('d1', ANN, 1_000n)
    const [twice, closed] = [till.open(order(60n)), till.open(order(60n))]
    await twice.signed(hash(1))
    await closed.signed(hash(2))
    await twice.signed(hash(3))
    closed.close(price(25n))
    till.flush()
    store.close()
    open()

    expect(till.leftOpen().map(({ request }) => request)).to.deep.equal([hash(3)])
    expect(till.balance(ANN)).to.include({ charged: 25n, held: 60n })
    await till.open(order(60n)).signed(hash(4))
    expect(till.leftOpen().map(({ request }) => request)).to.deep.equal([hash(3), hash(4)])
  })

  it('a torn last line is no call, and a damaged one is told', async () => {
    till.deposit('d1', ANN, 1_000n)
    await till.open(order(60n)).signed(hash(1))
    await till.open(order(60n)).signed(hash(2))
    const whole = readFileSync(join(home, OPENINGS), 'utf8')
    const { dir, next } = another()
    writeFileSync(join(dir, OPENINGS), whole.slice(0, -3))
    const torn = next()
    torn.till.deposit('d1', ANN, 1_000n)
    await torn.till.open(order(60n)).signed(hash(9))
    torn.store.close()
    const again = next()

    expect(again.till.leftOpen().map(({ request }) => request)).to.deep.equal([hash(1), hash(9)])
    again.store.close()
    writeFileSync(join(dir, OPENINGS), whole.replace('"hold":60', '"hold":-1'))
    expect(codeOf(next)).to.equal('till.corrupt')
    rmSync(dir, { recursive: true })
  })

  it('a disk that refuses is told before anything is owed', async () => {
    till.deposit('d1', ANN, 1_000n)
    const again = till.open(order(60n))
    await again.signed(hash(1))
    await till.close()

    const ticket = till.open(order(60n))
    const errors = await Promise.all(
      [ticket, again].map((each) => each.signed(hash(2)).catch(asHeuristError)),
    )
    till.flush()

    for (const error of errors) expect(error).to.include({ code: 'till.unwritable', kind: 'later' })
    expect([ticket.request, again.request]).to.deep.equal([undefined, hash(1)])
    expect(till.leftOpen().map(({ request }) => request)).to.deep.equal([hash(1)])
    ticket.close(NOTHING)
    again.close(NOTHING)
    expect(till.balance(ANN)).to.include({ charged: 0n, held: 0n })
  })

  it('a call that could cost more than any may is refused before it is written: the next start reads what stands there', () => {
    expect(codeOf(() => till.open(order(2n ** 48n, { wallet: HOUSE })))).to.equal('price.too_high')
    expect(codeOf(() => till.open(order(2n ** 48n - 1n, { wallet: HOUSE })))).to.equal('nothing was refused')
  })

  it('what the books refused is written as it was signed last', async () => {
    till.deposit('d1', ANN, 1_000n)
    store.exec("CREATE TRIGGER full BEFORE INSERT ON calls BEGIN SELECT RAISE(ABORT, 'full'); END")
    const ticket = till.open(order(60n))
    await ticket.signed(hash(1))
    till.flush()
    store.exec('DROP TRIGGER full')
    await ticket.signed(hash(2))
    till.flush()

    expect(onDisk()).to.deep.equal([{ price: null, request: hash(2) }])
  })

  it('a closing takes along what the books refused before', async () => {
    till.deposit('d1', ANN, 1_000n)
    store.exec("CREATE TRIGGER full BEFORE INSERT ON calls BEGIN SELECT RAISE(ABORT, 'full'); END")
    const ticket = till.open(order(60n))
    await ticket.signed(hash(1))
    till.flush()
    expect(onDisk()).to.deep.equal([])
    store.exec('DROP TRIGGER full')
    ticket.close(price(25n))
    till.flush()

    expect(onDisk()).to.deep.equal([{ price: 25, request: hash(1) }])
  })

  it('what is in the books leaves the file of openings once it has grown, and nothing is lost', async () => {
    till.deposit('d1', ANN, 1_000_000n)
    const size = () => statSync(join(home, OPENINGS)).size
    let most = 0
    for (let index = 0; index < 3_000; index += 100) {
      const tickets = Array.from({ length: 100 }, () => till.open(order(1n)))
      await Promise.all(tickets.map((ticket, at) => ticket.signed(hash(index + at))))
      most = Math.max(most, size())
      till.flush()
      await new Promise((resolve) => setImmediate(resolve))
    }
    while (size() > 300_000) await new Promise((resolve) => setTimeout(resolve, 5))
    store.close()
    open()

    expect(most).to.be.lessThan(500_000)
    expect(till.leftOpen().map(({ request }) => request)).to.deep.equal(
      Array.from({ length: 3_000 }, (_, index) => hash(index)),
    )
  })

  it('a key stops at its own quota, however much its account has', () => {
    till.deposit('d1', ANN, 1_000n)
    const ticket = till.open(order(60n, { quota: 100n }))
    void ticket.signed(hash(1))
    ticket.close(price(50n))

    expect(codeOf(() => till.open(order(51n, { quota: 100n })))).to.equal('api_key.quota_exhausted')
    expect(codeOf(() => till.open(order(50n, { quota: 100n })))).to.equal('nothing was refused')
  })

  it("the operator's own calls are counted and never limited", () => {
    const ticket = till.open(order(10n ** 12n, { wallet: HOUSE }))
    void ticket.signed(hash(1))
    ticket.close(price(7n))

    expect(till.balance(HOUSE).charged).to.equal(7n)
  })

  it('a call that was signed twice, for a newer version of its pod, is one call', () => {
    till.deposit('d1', ANN, 100n)
    const ticket = till.open(order(60n))
    void ticket.signed(hash(1))
    void ticket.signed(hash(2))

    expect(till.leftOpen().map(({ request }) => request)).to.deep.equal([hash(2)])
    ticket.close(NOTHING)
    expect(till.leftOpen()).to.deep.equal([])
  })

  it('after a crash what was signed is still held, and what was not costs nothing', () => {
    till.deposit('d1', ANN, 100n)
    till.open(order(30n))
    void till.open(order(40n)).signed(hash(1))
    till.flush()
    store.close()
    open()

    expect(till.balance(ANN)).to.deep.equal({ deposited: 100n, charged: 0n, held: 40n, available: 60n })
    const [left] = till.leftOpen()
    till.closeLeft(left?.id ?? 0, price(15n))
    till.closeLeft(left?.id ?? 0, price(15n))
    expect(till.balance(ANN)).to.deep.equal({ deposited: 100n, charged: 15n, held: 0n, available: 85n })
  })

  it(`2,000 random moves: memory, file and plain sums say the same (seed ${SEED})`, () => {
    const draw = createDraw(SEED)
    const openTickets: { ticket: Ticket; most: bigint }[] = []
    const plain = { deposited: 0n, charged: 0n, held: 0n }
    for (let move = 0; move < 2_000; move += 1) {
      const amount = BigInt(1 + draw.below(1_000))
      const which = draw.below(4)
      if (which === 0 && till.deposit(`d${move}`, ANN, amount)) plain.deposited += amount
      if (which === 1) {
        const fits = amount <= plain.deposited - plain.charged - plain.held
        expect(codeOf(() => openTickets.push({ ticket: till.open(order(amount)), most: amount }))).to.equal(
          fits ? 'nothing was refused' : 'credit.insufficient',
        )
        if (fits) plain.held += amount
      }
      const at = draw.below(openTickets.length + 1)
      const chosen = openTickets[at]
      if (which === 2) void chosen?.ticket.signed(hash(move))
      if (which === 3 && chosen) {
        openTickets.splice(at, 1)
        const charged = chosen.ticket.request === undefined ? 0n : BigInt(draw.below(Number(chosen.most) + 1))
        chosen.ticket.close(price(charged))
        plain.held -= chosen.most
        plain.charged += charged
      }
      expect(till.balance(ANN)).to.deep.equal({
        ...plain,
        available: plain.deposited - plain.charged - plain.held,
      })
    }
    for (const { ticket, most } of openTickets) {
      if (ticket.request === undefined) plain.held -= most
    }
    till.flush()
    store.close()
    open()
    expect(till.balance(ANN)).to.include(plain)
  })

  it('a key is refused when it is wrong, revoked or expired, each in its own word', () => {
    const made = (terms: object) => keys.create(ANN, { name: 'k', perMinute: 10, ...terms })
    const good = made({ pods: ['chat'], quota: 5n })
    const old = made({ expires: nowMs + 1_000 })
    nowMs += 1_000
    keys.revoke(ANN, made({}).key.id)
    const revoked = made({})
    keys.revoke(ANN, revoked.key.id)

    expect(keys.check(good.token)).to.deep.include({ wallet: ANN, pods: ['chat'], quota: 5n })
    expect(codeOf(() => keys.check(`${good.token.slice(0, -1)}g`))).to.equal('api_key.invalid')
    expect(codeOf(() => keys.check(old.token))).to.equal('api_key.expired')
    expect(codeOf(() => keys.check(revoked.token))).to.equal('api_key.revoked')
    expect(codeOf(() => keys.revoke(`0x${'b'.repeat(40)}`, good.key.id))).to.equal('api_key.unknown')
    store.close()
    open()
    expect(codeOf(() => keys.check(revoked.token))).to.equal('api_key.revoked')
    expect(keys.check(good.token).id).to.equal(good.key.id)
  })
})

describe('an idempotency key', function () {
  this.timeout(600_000)
  let door: TestDoor
  let paid: number
  let aborted: boolean
  let begin: () => void
  let started: Promise<void>
  before(async () => {
    door = await openDoor()
  })
  after(() => door.close())
  beforeEach(() => {
    paid = 0
    aborted = false
    started = new Promise((resolve) => {
      begin = resolve
    })
    door.pay({
      chat: async (_, input, { signal }) => {
        paid += 1
        begin()
        signal?.addEventListener('abort', () => {
          aborted = true
        })
        await new Promise((resolve) => setTimeout(resolve, JSON.stringify(input).includes('slow') ? 400 : 50))
        if (JSON.stringify(input).includes('long'))
          return chatAnswer(paid, 'x'.repeat(5_000_000), { unitsIn: 1n, unitsOut: 2n, price: 3n })
        if (JSON.stringify(input).includes('fail')) throw new Error('the pod fails')
        return chatAnswer(paid, `answer ${paid}`, { unitsIn: 1n, unitsOut: 2n, price: 3n })
      },
    })
  })
  const ask = (content: string, name: string, signal?: AbortSignal) =>
    fetch(`${door.url}/v1/chat/completions`, {
      ...(signal === undefined ? {} : { signal }),
      method: 'POST',
      headers: {
        authorization: `Bearer ${door.key}`,
        'content-type': 'application/json',
        'idempotency-key': name,
      },
      body: JSON.stringify({ model: 'chat', messages: [{ role: 'user', content }] }),
    })

  it('of 100 equal requests at once one is carried out, and all are answered alike', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask('hello', 'hundred')))
    const bodies = new Set(await Promise.all(answers.map((answer) => answer.text())))

    expect(paid).to.equal(1)
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([200]))
    expect(bodies.size).to.equal(1)
    expect(answers.filter(({ headers }) => headers.get('x-heurist-repeated') === 'true')).to.have.lengthOf(99)
    expect(new Set(answers.map(({ headers }) => headers.get('x-heurist-receipt'))).size).to.equal(1)
  })

  it('says the same later, and refuses another body under its name', async () => {
    const first = await (await ask('hello', 'later')).text()
    const again = await (await ask('hello', 'later')).text()
    const other = await ask('something else', 'later')

    expect(again).to.equal(first)
    expect(paid).to.equal(1)
    expect(other.status).to.equal(409)
    expect(((await other.json()) as { error: object }).error).to.include({ param: 'Idempotency-Key' })
  })

  it('is not given up by a caller that leaves: the request ends, and who asks again has its answer', async () => {
    const leaver = new AbortController()
    const left = ask('slow', 'left', leaver.signal)
    await started
    leaver.abort()
    await left.catch(() => undefined)
    const again = await ask('slow', 'left')

    expect(again.status).to.equal(200)
    expect(paid).to.equal(1)
    expect(aborted).to.equal(false)
    expect(await again.text()).to.include('answer 1')
  })

  it('keeps an answer of any length that a pod may give', async () => {
    const [first, second] = [await ask('long', 'long'), await ask('long', 'long')]

    expect((await first.text()).length).to.be.greaterThan(5_000_000)
    expect(second.headers.get('x-heurist-repeated')).to.equal('true')
    expect(paid).to.equal(1)
  })

  it('of a request that failed keeps nothing: it is carried out again', async () => {
    const failed = await ask('fail', 'again')
    const second = await ask('fail', 'again')

    expect([failed.status, second.status]).to.deep.equal([500, 500])
    expect(paid).to.equal(2)
  })

  it('that is no name is refused by name', async () => {
    for (const name of ['x'.repeat(256), 'two words']) {
      const answer = await ask('hello', name)
      expect(answer.status, name).to.equal(400)
      expect(((await answer.json()) as { error: object }).error).to.include({ param: 'Idempotency-Key' })
    }
    expect(paid).to.equal(0)
  })
})

describe('an answer that came and was given to nobody', () => {
  const WALLET = `0x${'aa'.repeat(20)}`
  let door: MeteredDoor
  let key: string
  beforeEach(async () => {
    door = await openMeteredDoor()
    key = door.account(WALLET, 1_000_000n).key
    door.price(5n)
  })
  afterEach(() => door.close())
  const ask = async (more: object = {}) => {
    const answer = await door.ask({ authorization: `Bearer ${key}` }, { ...question, ...more })
    await answer.text()
    return answer
  }
  const balance = (of = WALLET) => door.accounts.till.balance(of)
  const isClosed = async () => {
    while (balance().held + balance(HOUSE).held > 0n) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const unchecked = later('chain.unreachable', 'no', { details: { price: '5', unchecked: true } })

  it('because it could not be held to the chain costs its caller nothing: the house bears its price', async () => {
    door.fail(unchecked, true)
    const withheld = await ask()
    const after = balance()
    await isClosed()
    door.accounts.till.flush()
    const { total } = await revenueOf(door.accounts.store, { by: 'day' }, async () => 0)
    const { rows } = await revenueOf(door.accounts.store, { by: 'key' }, async () => 0)

    expect([withheld.status, withheld.headers.get('retry-after')]).to.deep.equal([503, '1'])
    expect([after.charged, after.held]).to.deep.equal([0n, 0n])
    expect([balance().charged, balance(HOUSE).charged]).to.deep.equal([0n, 5n])
    expect([total.revenue, total.cost]).to.deep.equal([0n, 5n])
    expect(rows.find(({ key }) => key === 'withheld')?.cost).to.equal(5n)
  })

  it('is the house’s alone for the next process too, if this one dies as soon as that is written', async () => {
    door.fail(unchecked, true)
    door.holdReceipts()
    await ask()
    while (!readFileSync(join(door.home, OPENINGS), 'utf8').includes('"withheld"'))
      await new Promise((resolve) => setImmediate(resolve))
    const dir = mkdtempSync(join(tmpdir(), 'heurist-till-'))
    cpSync(door.home, dir, { recursive: true })
    const books = openStore(dir)
    const next = openTill(books, dir)

    expect([next.balance(WALLET).held, next.balance(HOUSE).held]).to.deep.equal([0n, mostOf()])
    await next.close()
    books.close()
    rmSync(dir, { recursive: true })
  })

  it('so costs the house what it costs, where the house would have paid anyway: once', async () => {
    key = door.accounts.keys.create(HOUSE, { name: 'own', perMinute: 1_000 }).token
    door.fail(unchecked, true)
    await ask()
    await isClosed()

    expect(balance(HOUSE).charged).to.equal(5n)
  })

  for (const [how, more] of [
    ['whole', {}],
    ['streamed', { stream: true }],
  ] as const)
    it(`because it is wrong by itself costs nobody anything, ${how}, though the router counts it`, async () => {
      door.fail(refused('receipt.output_mismatch', 'not what was signed'), true)
      await ask(more)
      await isClosed()

      expect([balance().charged, balance(HOUSE).charged]).to.deep.equal([0n, 0n])
    })

  it('for it was cut is charged what its receipt says', async () => {
    door.fail(later('stream.interrupted', 'cut', { details: { price: '5' } }), true)
    const tell = door.holdReceipts()
    const cut = await ask()
    const held = balance().held
    tell()
    await isClosed()

    expect([cut.status, held]).to.deep.equal([503, mostOf()])
    expect([balance().charged, balance(HOUSE).charged]).to.deep.equal([5n, 0n])
  })
})
