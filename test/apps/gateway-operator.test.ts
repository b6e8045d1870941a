import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createWalletClient, encodeFunctionData, type Hex, http } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { type RevenueRow, revenueCsv, revenueOf, type Sums } from '../../apps/gateway/operator/revenue.ts'
import { openStore } from '../../apps/gateway/till/store.ts'
import { HOUSE, openTill } from '../../apps/gateway/till/till.ts'
import { openBooks } from '../../apps/gateway/x402/books.ts'
import type { Payment } from '../../apps/gateway/x402/payment.ts'
import { createDraw } from '../../bench/economy/draw.ts'
import { computeLedgerAbi, registryAbi } from '../../sdk/chain/abi.ts'
import { approveCall } from '../../sdk/chain/call.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { faucet } from '../../sdk/chain/faucet.ts'
import { saveKey } from '../../sdk/chain/keys.ts'
import { LOCAL_KEY, localKey } from '../../sdk/chain/local.ts'
import { EPOCH_SECONDS, epochAt } from '../../sdk/protocol/epochs.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import { formatUsd, usd } from '../../sdk/units.ts'
import { openHome } from '../cli/home.ts'
import { freePort, type Market, openMarket } from '../market.ts'
import { openNetwork, type TestNetwork } from '../network.ts'
import { Judge } from './published.ts'
import { settled } from './settled.ts'

const SEED = Number(process.env.HEURIST_SEED ?? 20_261_126)
const DAY_MS = 86_400_000
const ANN = `0x${'a'.repeat(40)}`
const BOB = `0x${'b'.repeat(40)}`

/** Who pays for a call, and whether its price is money that comes in. */
const PAYERS = [
  { wallet: ANN, key: 'hk0000000000a1', pays: true },
  { wallet: ANN, key: 'hk0000000000a2', pays: true },
  { wallet: BOB, key: 'hk0000000000b1', pays: true },
  { wallet: HOUSE, key: 'hk0000000000f1', pays: false },
  { wallet: HOUSE, key: 'sponsor', pays: false },
  { wallet: HOUSE, key: 'x402', pays: false },
]

interface Done {
  at: number
  closed: number
  payer: (typeof PAYERS)[number]
  price: bigint
}

describe('what a gateway brings and costs, from its books', () => {
  let home: string
  let store: ReturnType<typeof openStore>
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'heurist-revenue-'))
    store = openStore(home)
  })
  afterEach(() => {
    store.close()
    rmSync(home, { recursive: true, force: true })
  })

  /** Two weeks of random calls and payments over three epochs. */
  function life(seed: number) {
    const draw = createDraw(seed)
    const start = (epochAt(Date.UTC(2026, 10, 25) / 1000) * EPOCH_SECONDS - 3 * 86_400) * 1000
    let nowMs = start
    const till = openTill(store, home, { now: () => nowMs })
    const payments = openBooks(store, () => nowMs)
    const deposit = 10n ** 12n
    for (const wallet of [ANN, BOB]) {
      store.prepare('INSERT INTO accounts (wallet, created) VALUES (?, 0)').run([wallet])
      till.deposit(wallet, wallet, deposit)
    }
    const done: Done[] = []
    const paid: { at: number; amount: bigint; state: 'settled' | 'due' | 'lost' | 'open' }[] = []
    for (let index = 0; index < 1_500; index += 1) {
      nowMs = start + Math.floor((index * 14 * DAY_MS) / 1_500)
      const payer = PAYERS[draw.below(PAYERS.length)] as Done['payer']
      const most = BigInt(1 + draw.below(5_000))
      const ticket = till.open({ ...payer, pod: 'chat', most })
      const at = nowMs
      if (payer.key === 'x402') pay(at, most)
      void ticket.signed(`0x${index.toString(16).padStart(64, '0')}`)
      // Some never end; some end after midnight, or in the next epoch.
      if (draw.below(20) === 0) continue
      nowMs += draw.below(3 * 3_600_000)
      const price = draw.below(10) === 0 ? 0n : BigInt(draw.below(Number(most) + 1))
      ticket.close({ price, unitsIn: 1n, unitsOut: 2n })
      done.push({ at, closed: nowMs, payer, price })
    }
    till.flush()
    return { till, done, paid }

    function pay(at: number, amount: bigint): void {
      const id = `payment-${paid.length}`
      const state = (['settled', 'settled', 'due', 'lost', 'open'] as const)[draw.below(5)] ?? 'open'
      const payment = { id, payer: ANN, amount, payload: {} } as unknown as Payment
      payments.admit({ payment, ahead: false, asked: '', since: 1n })
      if (state !== 'open') payments.earn(id, amount)
      if (state === 'settled') payments.settled(id, `0x${'1'.repeat(64)}`)
      if (state === 'lost') payments.lost(id)
      paid.push({ at, amount, state })
    }
  }

  const bpsOf = (epoch: number): number => [1_000, 1_250, 333][epoch % 3] ?? 0
  const bpsIn = async (epoch: number): Promise<number> => bpsOf(epoch)
  const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
  const add = <T>(all: readonly T[], of: (one: T) => bigint): bigint =>
    all.reduce((total, one) => total + of(one), 0n)

  it('every row and every sum is what the calls and payments of that day and key came to', async () => {
    process.stdout.write(`      seed ${SEED}\n`)
    const { till, done, paid } = life(SEED)
    const views = await Promise.all(
      (['day', 'key', 'day,key'] as const).map((by) => revenueOf(store, { by }, bpsIn)),
    )

    const exact = (of: readonly Done[]) =>
      add(of, ({ price, closed }) => price * BigInt(bpsOf(epochAt(Math.floor(closed / 1000)))))
    const settledOf = (of: typeof paid) =>
      add(
        of.filter((one) => one.state === 'settled'),
        (one) => one.amount,
      )
    const expected: Omit<Sums, 'margin'> = {
      calls: done.length,
      revenue: add(done, ({ payer, price }) => (payer.pays ? price : 0n)) + settledOf(paid),
      outstanding: add(
        paid.filter(({ state }) => state === 'due'),
        ({ amount }) => amount,
      ),
      cost: add(done, ({ price }) => price),
      share: exact(done) / 10_000n,
    }
    const margin = expected.revenue - expected.cost + expected.share
    for (const { rows, total } of views) {
      expect(total).to.deep.equal({ ...expected, margin })
      for (const row of rows) check(row)
      expect(add(rows, (row) => row.cost)).to.equal(expected.cost)
      expect(add(rows, (row) => row.share)).to.equal(expected.share)
      expect(add(rows, (row) => row.margin)).to.equal(margin)
    }
    const charged = [ANN, BOB].reduce((total, wallet) => total + till.balance(wallet).charged, 0n)
    expect(expected.revenue - settledOf(paid)).to.equal(charged)
    expect(expected.cost).to.equal(charged + till.balance(HOUSE).charged)
    expect(new Set(done.map(({ closed }) => epochAt(Math.floor(closed / 1000)))).size).to.be.greaterThan(2)

    function check(row: RevenueRow): void {
      const isOf = (one: { at: number; key: string }) =>
        (row.day === undefined || dayOf(one.at) === row.day) && (row.key === undefined || one.key === row.key)
      const calls = done.filter(({ at, payer }) => isOf({ at, key: payer.key }))
      const payments = paid.filter(({ at }) => isOf({ at, key: 'x402' }))
      const revenue = add(calls, ({ payer, price }) => (payer.pays ? price : 0n)) + settledOf(payments)
      const due = payments.filter(({ state }) => state === 'due')
      expect(row.calls).to.equal(calls.length)
      expect(row.revenue).to.equal(revenue)
      expect(row.cost).to.equal(add(calls, ({ price }) => price))
      expect(row.outstanding).to.equal(add(due, ({ amount }) => amount))
      expect(row.margin).to.equal(row.revenue - row.cost + row.share)
      const off = row.share * 10_000n - exact(calls)
      expect(off > -10_000n && off < 10_000n, `${row.day} ${row.key}`).to.equal(true)
    }
  })

  it('days are taken from the first to the last, both included, and CSV says what the rows say', async () => {
    const { done } = life(SEED + 1)
    const days = [...new Set(done.map(({ at }) => dayOf(at)))].sort()
    const [from, to] = [days[3] ?? '', days[6] ?? '']
    const { rows, total } = await revenueOf(store, { by: 'day,key', from, to }, bpsIn)

    const within = done.filter(({ at }) => dayOf(at) >= from && dayOf(at) <= to)
    const [names, ...lines] = revenueCsv('day,key', rows).trim().split('\r\n')
    const cells = lines.map((line) => line.split(','))
    expect([total.calls, total.cost]).to.deep.equal([within.length, add(within, ({ price }) => price)])
    expect(names).to.equal('day,key,wallet,calls,revenue_usd,outstanding_usd,cost_usd,share_usd,margin_usd')
    expect(cells.map(([day, key, wallet]) => [day, key, wallet])).to.deep.equal(
      rows.map(({ day, key, wallet }) => [day, key, wallet]),
    )
    expect(cells.map((row) => row[8])).to.deep.equal(rows.map(({ margin }) => formatUsd(margin)))
  })

  it('books without a call are empty, and say so', async () => {
    openTill(store, home)
    const { rows, total } = await revenueOf(store, { by: 'key' }, bpsIn)

    expect(rows).to.deep.equal([])
    expect(Object.values(total).every((value) => value === 0n || value === 0)).to.equal(true)
  })
})

interface Page {
  frontend: number
  by: string
  rows: (Record<'day' | 'key' | 'name' | 'wallet' | 'revenue' | 'cost' | 'share' | 'margin', string> & {
    calls: number
  })[]
  total: Record<'revenue' | 'outstanding' | 'cost' | 'share' | 'margin', string> & { calls: number }
  error: { code: string; param: string | null }
}

/** An operator, a developer and a stranger at one gateway over chain, router and worker. */
describe('the operator of a gateway', function () {
  this.timeout(600_000)
  let market: Market
  let network: TestNetwork
  let judge: Judge | undefined
  const operator = privateKeyToAccount(localKey(LOCAL_KEY.frontend))
  const developer = privateKeyToAccount(generatePrivateKey())
  let requests: string[]
  let keys: { id: string; token: string }[]

  before(async () => {
    market = await openMarket()
    network = await openNetwork(market, 1)
    judge = await Judge.of(network.gatewayUrl)
    keys = await keysOf(developer, ['first', '=HYPERLINK("x")\u001b[2J'])
    requests = []
    for (const token of [network.apiKey, keys[0]?.token, keys[0]?.token, keys[1]?.token]) {
      requests.push(await call(String(token), `Say ${requests.length}.`))
    }
  })
  after(async () => {
    await network?.stop()
    await market?.close()
  })

  async function at<T = Page>(
    method: string,
    path: string,
    token?: string,
    body?: unknown,
    url = network.gatewayUrl,
  ): Promise<T & { status: number; text: string }> {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (path.startsWith('/v1/operator')) await judge?.check(method, path, answer)
    const text = await answer.text()
    return { ...(text.startsWith('{') ? (JSON.parse(text) as T) : ({} as T)), status: answer.status, text }
  }

  async function signIn(account: PrivateKeyAccount): Promise<string> {
    const { address } = account
    const { message } = await at<{ message: string }>('POST', '/v1/account/challenge', undefined, { address })
    const signature = await account.signMessage({ message })
    const path = '/v1/account/session'
    return (await at<{ token: string }>('POST', path, undefined, { message, signature })).token
  }

  /** Deposits a dollar as the account page says, and makes keys. */
  async function keysOf(account: PrivateKeyAccount, names: string[]) {
    const session = await signIn(account)
    const page = await at<{ deposit: Record<'ledger' | 'asset' | 'router' | 'key', Hex> }>(
      'GET',
      '/v1/account/',
      session,
    )
    const { ledger, asset, router, key } = page.deposit
    const chain = openChain({ chainId: market.domain.chainId, rpcUrl: market.chain.rpcUrl })
    await market.gas(account.address)
    await faucet(chain, asset, account.address, usd('1'))
    const send = async (to: Hex, data: Hex) => {
      const wallet = createWalletClient({ account, transport: http(market.chain.rpcUrl) })
      const hash = await wallet.sendTransaction({ to, data, chain: null })
      await chain.client.waitForTransactionReceipt({ hash })
      return hash
    }
    await send(asset, approveCall(asset, ledger, usd('1')).data)
    const args = [router, key, usd('1')] as const
    const transaction = await send(
      ledger,
      encodeFunctionData({ abi: computeLedgerAbi, functionName: 'deposit', args }),
    )
    await at('POST', '/v1/account/deposits', session, { transaction })
    return Promise.all(
      names.map(async (name) => {
        const made = await at<{ id: string; key: string }>('POST', '/v1/account/keys', session, { name })
        return { id: made.id, token: made.key }
      }),
    )
  }

  /** @returns the hash of its receipt. */
  async function call(token: string, content: string): Promise<string> {
    const answer = await fetch(`${network.gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'chat', max_tokens: 8, messages: [{ role: 'user', content }] }),
    })
    expect(answer.status, await answer.text()).to.equal(200)
    return answer.headers.get('x-heurist-receipt') ?? ''
  }

  it('sees by key what callers paid, what the network charged and what is left: the books, the chain and the share agree', async () => {
    const documents = []
    for (const request of requests) documents.push(await settled(network.routerUrl, request))
    const prices = documents.map(({ receipt }) => receipt?.price ?? 0n)
    const page = await at('GET', '/v1/operator/revenue?by=key', await signIn(operator))

    const ledger = { address: market.addresses.ledger, abi: computeLedgerAbi } as const
    const [spent, claimable] = await Promise.all([
      market.deployer.client.readContract({
        ...ledger,
        functionName: 'accountOf',
        args: [market.router.address, operator.address],
      }),
      market.deployer.client.readContract({
        ...ledger,
        functionName: 'claimable',
        args: [market.router.address, ROLE.frontend, market.seeded.frontend],
      }),
    ])
    const [own = 0n, a = 0n, b = 0n, c = 0n] = prices
    const cost = own + a + b + c
    const share = (cost * 1_000n) / 10_000n
    const byKey = Object.fromEntries(page.rows.map((row) => [row.key, row]))
    expect(page.status, page.text).to.equal(200)
    expect(page.total).to.deep.equal({
      calls: 4,
      revenue: formatUsd(a + b + c),
      outstanding: '0.000000',
      cost: formatUsd(cost),
      share: formatUsd(share),
      margin: formatUsd(a + b + c - cost + share),
    })
    expect(byKey[keys[0]?.id ?? '']).to.include({
      calls: 2,
      revenue: formatUsd(a + b),
      cost: formatUsd(a + b),
      name: 'first',
      wallet: developer.address.toLowerCase(),
    })
    expect(byKey[network.apiKey.split('-')[0] ?? '']).to.include({
      calls: 1,
      revenue: '0.000000',
      cost: formatUsd(own),
      wallet: HOUSE,
    })
    expect(cost > 0n).to.equal(true)
    expect(spent.spent).to.equal(cost)
    expect(claimable).to.equal(share)
  })

  it('reads it in the terminal, where what developers call their keys cannot write', async () => {
    const home = openHome(market, network.routerUrl)
    const argv = ['frontend', 'revenue', '--gateway', network.gatewayUrl, '--by', 'day,key']
    const page = await at('GET', '/v1/operator/revenue?by=day,key', await signIn(operator))
    const json = await home.run(...argv, '--json')
    const people = await home.run(...argv)
    const csv = await home.run(...argv, '--csv')
    const stranger = home.keyFile('stranger', generatePrivateKey())
    const refused = await home.run(...argv, '--key-file', stranger, '--json')
    const wrong = await home.run(
      'frontend',
      'revenue',
      '--gateway',
      network.gatewayUrl,
      '--by',
      'pod',
      '--json',
    )

    expect(json.code, json.out + json.err).to.equal(0)
    expect(json.json.rows).to.deep.equal(page.rows)
    expect(json.json.total).to.deep.equal(page.total)
    expect(people.out).to.contain(page.total.margin)
    expect(people.out).to.contain('first')
    expect(people.out).to.not.match(/\p{C}(?<!\n)/u)
    expect(csv.out.split('\r\n')[0]).to.match(/^day,key,wallet,calls,/)
    expect(csv.out).to.not.contain('HYPERLINK')
    expect((refused.json.error as { code: string }).code).to.equal('operator.forbidden')
    expect((wrong.json.error as { code: string }).code).to.equal('by.invalid')
  })

  it('is who owns the frontend now: nobody else opens the books, and whom it was before does no longer', async () => {
    const registry = { address: market.addresses.registry, abi: registryAbi } as const
    const { frontend } = market.seeded
    const before = await signIn(operator)
    const none = await at('GET', '/v1/operator/revenue')
    const apiKey = await at('GET', '/v1/operator/revenue', network.apiKey)
    const stranger = await at('GET', '/v1/operator/revenue', await signIn(developer))
    const offer = [ROLE.frontend, frontend, developer.address] as const
    await market.deployer.send({ ...registry, functionName: 'proposeOwner', args: offer }, operator)
    const offered = await at('GET', '/v1/operator/revenue', await signIn(developer))
    await market.deployer.send(
      { ...registry, functionName: 'acceptOwner', args: [ROLE.frontend, frontend] },
      developer,
    )
    const heir = await at('GET', '/v1/operator/revenue', await signIn(developer))
    const was = await at('GET', '/v1/operator/revenue', before)
    const back = [ROLE.frontend, frontend, operator.address] as const
    await market.deployer.send({ ...registry, functionName: 'proposeOwner', args: back }, developer)
    await market.deployer.send(
      { ...registry, functionName: 'acceptOwner', args: [ROLE.frontend, frontend] },
      operator,
    )

    expect([none.status, none.error.code]).to.deep.equal([401, 'session.missing'])
    expect([apiKey.status, apiKey.error.code]).to.deep.equal([401, 'session.invalid'])
    for (const answer of [stranger, offered, was]) {
      expect([answer.status, answer.error.code]).to.deep.equal([403, 'operator.forbidden'])
      expect(answer.text).to.not.contain('revenue')
    }
    expect(heir.status).to.equal(200)
  })

  it('opens them with a key of its own where the configuration names its hash, for a frontend or for none', async () => {
    const key = randomBytes(32).toString('hex')
    const port = await freePort()
    const payer = await market.payer(usd('1'))
    const keyFile = join(market.home, 'keys', 'other.key')
    saveKey(keyFile, payer.key)
    await network.start({
      name: 'other',
      entry: 'apps/gateway/main.ts',
      config: {
        host: '127.0.0.1',
        port,
        dataDir: join(market.home, 'other'),
        routerUrl: network.routerUrl,
        rpcUrl: market.chain.rpcUrl,
        keyFile,
        frontend: 0,
        operatorKeySha256: createHash('sha256').update(key).digest('hex'),
      },
    })
    const url = `http://127.0.0.1:${port}`
    const path = '/v1/operator/revenue'
    const right = await at('GET', path, key, undefined, url)
    const wrong = await at('GET', path, randomBytes(32).toString('hex'), undefined, url)
    const hash = await at('GET', path, createHash('sha256').update(key).digest('hex'), undefined, url)

    expect([right.status, right.frontend, right.total.calls]).to.deep.equal([200, 0, 0])
    expect([wrong, hash].map(({ status }) => status)).to.deep.equal([401, 401])
  })

  it('gets a field and a code for every query that is none, and no query breaks the door', async () => {
    const draw = createDraw(SEED)
    process.stdout.write(`      seed ${SEED}\n`)
    const session = await signIn(operator)
    const words = [
      'day',
      'key',
      'pod',
      '2026-11-26',
      '2026-02-30',
      '9999-12-31',
      "';--",
      '%00',
      '',
      '[]',
      '1e9',
    ]
    const names = ['by', 'from', 'to', 'format', 'limit', '__proto__', 'by[]']
    const one = <T>(all: readonly T[]): T => all[draw.below(all.length)] as T
    const named = [
      ['by=pod', 'by'],
      ['from=2026-02-30', 'from'],
      ['to=yesterday', 'to'],
      ['from=2026-02-02&to=2026-02-01', 'to'],
      ['format=svg', 'format'],
      ['limit=1', 'limit'],
    ] as const
    const answers = []
    for (const [query] of named) answers.push(await at('GET', `/v1/operator/revenue?${query}`, session))
    const statuses = new Set<number>()
    for (let index = 0; index < 25; index += 1) {
      const parts = Array.from({ length: 1 + draw.below(4) }, () => `${one(names)}=${one(words)}`)
      statuses.add((await at('GET', `/v1/operator/revenue?${parts.join('&')}`, session)).status)
    }

    expect(answers.map(({ status, error }) => [status, error.param])).to.deep.equal(
      named.map(([, field]) => [400, field]),
    )
    expect([...statuses].filter((status) => ![200, 400, 429].includes(status))).to.deep.equal([])
  })
})
