import { join } from 'node:path'
import { expect } from 'chai'
import Database from 'libsql'
import { createWalletClient, type Hex, http } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { createDraw, type Draw } from '../../bench/economy/draw.ts'
import { computeLedgerAbi, registryAbi, testDollarAbi } from '../../sdk/chain/abi.ts'
import { LOCAL_KEY, localKey } from '../../sdk/chain/local.ts'
import { createClient, memoryJournal, type ReceiptDocument } from '../../sdk/index.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import { formatUsd, usd } from '../../sdk/units.ts'
import { freePort, type Market, openMarket } from '../market.ts'
import { openNetwork, type TestNetwork } from '../network.ts'

/** Calls of every kind on every route; 1,000 with HEURIST_CALLS=1000, as `npm run test:deep` asks. */
const CALLS = Number(process.env.HEURIST_CALLS ?? 120)
const SEED = Number(process.env.HEURIST_SEED ?? Date.now() % 2 ** 31)
/** At once. */
const LANES = 6
const DEPOSIT = usd('20')

interface Row {
  key: string
  wallet: string
  hold: number
  request: Hex
  price: number | null
  closed: number | null
}

/** One call of the test, on a key that only calls of its kind use. */
type Kind = 'whole' | 'streamed' | 'left' | 'failed' | 'repeated' | 'sponsored' | 'house'
interface Doing {
  kind: Kind
  draw: Draw
  index: number
}

describe('the money of the gateway', function () {
  this.timeout(3_600_000)
  let market: Market
  let network: TestNetwork
  let url: string
  let dataDir: string
  let houseKey: string
  let account: Hex
  const keys = new Map<Kind, { key: string; id: string }>()
  /** Dollars that answers said, by kind; base units. */
  const said = new Map<Kind, bigint>()
  const answered = new Map<string, number>()
  /** One for each thing asked under one name. */
  const names = new Set<string>()

  before(async () => {
    market = await openMarket()
    network = await openNetwork(market, 1, ['embed'])
    const port = await freePort()
    dataDir = join(market.home, 'money')
    const gateway = await network.start({
      name: 'money',
      entry: 'apps/gateway/main.ts',
      config: {
        port,
        dataDir,
        routerUrl: network.routerUrl,
        rpcUrl: market.chain.rpcUrl,
        // The frontend's own account: nobody else calls with it here.
        keyFile: join(market.home, 'keys', 'gateway.key'),
        frontend: market.seeded.frontend,
        sponsor: {
          pods: ['chat', 'embed'],
          perDay: '5',
          perAddress: '5',
          perKey: '0.000001',
          perMinute: 10_000,
        },
      },
    })
    url = `http://127.0.0.1:${port}`
    houseKey = gateway.ready.apiKey ?? ''
    account = privateKeyToAccount(localKey(LOCAL_KEY.frontend)).address
    await openAccount()
  })
  after(async () => {
    await network?.stop()
    await market?.close()
  })

  /** A wallet that signed in and deposited, with a key for every kind of calls. */
  async function openAccount(): Promise<void> {
    const wallet = privateKeyToAccount(generatePrivateKey())
    const at = async <T>(path: string, body: object, token?: string): Promise<T> => {
      const headers = {
        'content-type': 'application/json',
        ...(token && { authorization: `Bearer ${token}` }),
      }
      const answer = await fetch(`${url}/v1/account${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      })
      expect(answer.ok, `${path} ${answer.status}`).to.equal(true)
      return (await answer.json()) as T
    }
    const { message } = await at<{ message: string }>('/challenge', { address: wallet.address })
    const signature = await wallet.signMessage({ message })
    const { token } = await at<{ token: string }>('/session', { message, signature })
    await market.gas(wallet.address)
    const asset = { address: market.addresses.asset, abi: testDollarAbi } as const
    const ledger = { address: market.addresses.ledger, abi: computeLedgerAbi } as const
    const { deployer } = market
    await deployer.send({ ...asset, functionName: 'faucet', args: [wallet.address, DEPOSIT] }, wallet)
    await deployer.send({ ...asset, functionName: 'approve', args: [ledger.address, DEPOSIT] }, wallet)
    const args = [market.router.address, account, DEPOSIT] as const
    const sender = createWalletClient({ account: wallet, transport: http(market.chain.rpcUrl) })
    const transaction = await sender.writeContract({ ...ledger, functionName: 'deposit', args, chain: null })
    await deployer.client.waitForTransactionReceipt({ hash: transaction })
    await at('/deposits', { transaction }, token)
    for (const kind of ['whole', 'streamed', 'left', 'failed', 'repeated'] as const) {
      keys.set(
        kind,
        await at<{ key: string; id: string }>('/keys', { name: kind, per_minute: 10_000 }, token),
      )
    }
  }

  const keyOf = (kind: Kind): string | undefined =>
    kind === 'sponsored' ? undefined : kind === 'house' ? houseKey : keys.get(kind)?.key
  const post = (kind: Kind, path: string, body: object, more: RequestInit = {}, headers: object = {}) => {
    const key = keyOf(kind)
    return fetch(url + path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...headers,
      },
      body: JSON.stringify(body),
      ...more,
    })
  }
  const note = (kind: Kind, path: string, answer: Response) => {
    const name = `${kind} ${path} ${answer.status}`
    answered.set(name, (answered.get(name) ?? 0) + 1)
  }
  /** Reads an answer to its end; what it says it cost is noted, once where it says that it was told before. */
  async function whole(kind: Kind, path: string, answer: Response): Promise<string> {
    note(kind, path, answer)
    const text = await answer.text()
    const streamed = /^: x-heurist-price: ([\d.]+);/m.exec(text)?.[1]
    const price = streamed ?? answer.headers.get('x-heurist-price') ?? '0'
    if (answer.ok && !answer.headers.has('x-heurist-repeated'))
      said.set(kind, (said.get(kind) ?? 0n) + usd(price))
    return text
  }

  const question = ({ draw, index }: Doing) => `What is ${draw.below(50)} and ${index}?`
  const chat = (doing: Doing) => ({
    model: 'chat',
    messages: [{ role: 'user', content: question(doing) }],
    max_tokens: 4 + doing.draw.below(20),
    temperature: 0,
  })
  const picture = ({ draw, index }: Doing) => ({
    prompt: `a small red circle ${index}`,
    seed: draw.below(1_000),
    steps: 2,
    size: '256x256',
  })
  const sd = (doing: Doing, id: string) => ({
    job_id: id,
    model_input: {
      SD: { prompt: `a blue square ${doing.index}`, width: 256, height: 256, num_iterations: 2, seed: 7 },
    },
    model_id: 'image',
  })
  const llm = (doing: Doing, id: string, stream = false) => ({
    job_id: id,
    model_input: {
      LLM: {
        prompt: JSON.stringify([{ role: 'user', content: question(doing) }]),
        max_tokens: 8,
        temperature: 0,
        use_stream: stream,
      },
    },
    model_id: 'chat',
  })

  /** One request of any paid route of OpenAI's API. */
  function anyRequest(doing: Doing): [string, object] {
    const { draw } = doing
    const text = ['/v1/chat/completions', { ...chat(doing), n: 1 + draw.below(2) }] as [string, object]
    const others: [string, object][] = [
      text,
      [
        '/v1/completions',
        { model: 'chat', prompt: [question(doing), 'What is a pod?'], max_tokens: 8, temperature: 0 },
      ],
      ['/responses', { model: 'chat', input: question(doing), max_output_tokens: 8, temperature: 0 }],
      ['/v1/embeddings', { model: 'embed', input: [question(doing), 'a pod'] }],
    ]
    return others[draw.below(others.length)] ?? text
  }

  const doings: Record<Kind, (doing: Doing) => Promise<void>> = {
    async whole(doing) {
      const id = `whole-${doing.index}`
      const which = doing.draw.below(8)
      const [path, body] =
        which === 0
          ? (['/v1/images/generations', picture(doing)] as const)
          : which === 1
            ? (['/submit_job', sd(doing, id)] as const)
            : which === 2
              ? (['/submit_job', llm(doing, id)] as const)
              : which === 3
                ? (['/task_create', task(doing, id)] as const)
                : anyRequest(doing)
      const answer = await post('whole', path, body)
      const text = await whole('whole', path, answer)
      expect(answer.status, text).to.equal(200)
      if (path === '/task_create') await taskEnds('whole', (JSON.parse(text) as { task_id: string }).task_id)
    },
    async streamed(doing) {
      const which = doing.draw.below(4)
      if (which === 0) {
        const id = `streamed-${doing.index}`
        await whole('streamed', '/submit_job', await post('streamed', '/submit_job', llm(doing, id, true)))
        const headers = { authorization: `Bearer ${keyOf('streamed')}` }
        await whole('streamed', '/stream', await fetch(`${url}/stream/${id}`, { headers }))
        return
      }
      const [path, body] = (
        [
          ['/v1/chat/completions', { ...chat(doing), stream: true, n: 1 + doing.draw.below(2) }],
          ['/v1/completions', { model: 'chat', prompt: question(doing), max_tokens: 8, stream: true }],
          ['/v1/responses', { model: 'chat', input: question(doing), max_output_tokens: 8, stream: true }],
        ] as const
      )[which - 1] ?? ['/v1/chat/completions', chat(doing)]
      await whole('streamed', path, await post('streamed', path, body))
    },
    async left(doing) {
      const leaver = new AbortController()
      const streams = doing.draw.below(2) === 0
      const body = { ...chat(doing), max_tokens: 100, stream: streams }
      const asked = post('left', '/v1/chat/completions', body, { signal: leaver.signal })
      if (!streams) setTimeout(() => leaver.abort(), doing.draw.below(150))
      try {
        const answer = await asked
        note('left', '/v1/chat/completions', answer)
        await answer.body?.getReader().read()
        leaver.abort()
      } catch {
        // It left before anything was said.
      }
    },
    async failed(doing) {
      const long = 'many words '.repeat(1_000)
      const cases: [string, object, object?][] = [
        ['/v1/chat/completions', { ...chat(doing), model: 'nobody' }],
        ['/v1/chat/completions', { ...chat(doing), temperature: 9 }],
        ['/v1/chat/completions', { ...chat(doing), max_tokens: 100_000 }],
        ['/v1/chat/completions', { ...chat(doing), messages: [{ role: 'user', content: long }] }],
        [
          '/v1/chat/completions',
          { ...chat(doing), stream: true, messages: [{ role: 'user', content: long }] },
        ],
        ['/v1/completions', { model: 'image', prompt: 'x' }],
        ['/v1/responses', { model: 'chat', input: long }],
        ['/v1/embeddings', { model: 'embed', input: 'x', dimensions: 3 }],
        ['/v1/images/generations', { ...picture(doing), size: '9999x9999' }],
        ['/submit_job', { ...sd(doing, `failed-${doing.index}`), model_id: 'nobody' }],
        ['/task_create', { ...task(doing, `failed-${doing.index}`), task_type: 'video' }],
        ['/v1/chat/completions', chat(doing), { authorization: 'Bearer hk000000000000-0' }],
      ]
      const [path, body, headers] = cases[doing.draw.below(cases.length)] ?? ['/v1/responses', {}]
      const answer = await post('failed', path, body, {}, headers)
      const text = await whole('failed', path, answer)
      expect(answer.status, `${path} ${JSON.stringify(body).slice(0, 200)} ${text}`).to.be.within(400, 429)
    },
    async repeated(doing) {
      const name = `again-${doing.index}`
      const times = 2 + doing.draw.below(4)
      names.add(name)
      await repeat(doing, name, times)
    },
    async sponsored(doing) {
      const [path, body] = anyRequest(doing)
      const answer = await post('sponsored', path, body)
      const text = await whole('sponsored', path, answer)
      // What calls that still run hold may be all of the cap for a moment.
      expect(answer.status, text).to.be.oneOf([200, 429])
    },
    async house(doing) {
      const [path, body] = anyRequest(doing)
      await whole('house', path, await post('house', path, body))
    },
  }

  const task = (doing: Doing, id: string) => {
    const [consumer_id = '', api_key = ''] = (keyOf('whole') ?? '').split('-')
    const parameters = {
      prompt: `a green triangle ${doing.index}`,
      width: 256,
      height: 256,
      steps: 2,
      seed: 7,
    }
    return { consumer_id, api_key, task_type: 'txt2img', task_details: { parameters }, job_id: id }
  }

  async function taskEnds(kind: Kind, task_id: string): Promise<void> {
    const [, api_key = ''] = (keyOf(kind) ?? '').split('-')
    for (;;) {
      const answer = await post(kind, '/task_result_query', { task_id, api_key })
      const { status, message, receipt } = (await answer.json()) as Record<string, string>
      if (status === 'failed') throw new Error(`a task failed: ${message}`)
      if (status === 'finished') {
        const { receipt: paid } = await receiptOf(receipt as Hex)
        said.set(kind, (said.get(kind) ?? 0n) + (paid?.price ?? 0n))
        return
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  /** The same at once: under one idempotency key, or with one job id. */
  async function repeat(doing: Doing, name: string, times: number): Promise<void> {
    const wire = doing.draw.below(2) === 0
    const [path, body] = wire
      ? (['/submit_job', llm(doing, name)] as const)
      : (['/v1/chat/completions', chat(doing)] as const)
    const headers = wire ? {} : { 'idempotency-key': name }
    const answers = await Promise.all(
      Array.from({ length: times }, () => post('repeated', path, body, {}, headers)),
    )
    const texts = await Promise.all(answers.map((answer) => whole('repeated', path, answer)))

    expect(new Set(answers.map(({ status }) => status)), texts[0]).to.deep.equal(new Set([200]))
    expect(new Set(texts).size).to.equal(1)
    expect(answers.filter(({ headers }) => !headers.has('x-heurist-repeated'))).to.have.lengthOf(1)
  }

  const reader = () =>
    createClient({ routerUrl: network.routerUrl, key: `0x${'11'.repeat(32)}`, journal: memoryJournal() })
  const receiptOf = (request: Hex): Promise<ReceiptDocument> => reader().receipt(request)

  const KINDS: Kind[] = [
    'whole',
    'whole',
    'streamed',
    'streamed',
    'left',
    'failed',
    'failed',
    'repeated',
    'sponsored',
    'house',
  ]

  it(`${CALLS} random calls on all routes: whole, streamed, left, failed, repeated, free (seed ${SEED})`, async () => {
    const draw = createDraw(SEED)
    const waiting = Array.from({ length: CALLS }, (_, index) => ({
      kind: KINDS[draw.below(KINDS.length)] ?? 'whole',
      draw: createDraw(SEED + index + 1),
      index,
    }))
    const lane = async () => {
      for (let doing = waiting.pop(); doing !== undefined; doing = waiting.pop())
        await doings[doing.kind](doing)
    }
    await Promise.all(Array.from({ length: LANES }, lane))

    console.log(`      ${[...answered].map(([name, times]) => `${name}: ${times}`).join(', ')}`)
    for (const kind of new Set(KINDS)) {
      expect(
        [...answered.keys()].some((name) => name.startsWith(kind)),
        kind,
      ).to.equal(true)
    }
  })

  it('100 equal requests at once are one debit: under one idempotency key, and with one job id', async () => {
    for (const [index, seed] of [1, 2, 3, 4].entries()) {
      const name = `hundred-${index}`
      names.add(name)
      await repeat({ kind: 'repeated', draw: createDraw(seed), index }, name, 100)
    }
    const spent = await rows()

    const debits = spent.filter(({ key, price }) => key === keys.get('repeated')?.id && price !== 0)
    expect(debits).to.have.lengthOf(names.size)
  })

  it('no call is charged more than it was quoted, or other than its receipt says; one that failed is charged nothing', async () => {
    const all = await rows()
    const client = reader()
    const byKey = new Map<string, bigint>()
    let failures = 0
    for (const { key, hold, price, request } of all) {
      const { receipt, status, request: signed } = await client.receipt(request)
      if (status === 'failed') failures += 1
      expect(BigInt(price ?? -1), request).to.equal(status === 'failed' ? 0n : receipt?.price)
      expect(BigInt(price ?? -1) <= signed.maxPrice, request).to.equal(true)
      expect(signed.maxPrice, request).to.equal(BigInt(hold))
      expect(signed.frontend).to.equal(market.seeded.frontend)
      byKey.set(key, (byKey.get(key) ?? 0n) + BigInt(price ?? 0))
    }

    console.log(`      ${all.length} paid requests, ${failures} of them failed`)
    expect(new Set(all.map(({ request }) => request)).size).to.equal(all.length)
    for (const kind of ['whole', 'streamed', 'repeated'] as const) {
      const spent = byKey.get(keys.get(kind)?.id ?? '') ?? 0n
      // Streams of Heurist's API say their receipt, and not their price.
      if (kind === 'streamed') expect(spent >= (said.get(kind) ?? 0n)).to.equal(true)
      else expect(formatUsd(spent), kind).to.equal(formatUsd(said.get(kind) ?? 0n))
    }
    expect(formatUsd(byKey.get(keys.get('failed')?.id ?? '') ?? 0n)).to.equal('0.000000')
    expect(formatUsd(byKey.get('sponsor') ?? 0n)).to.equal(formatUsd(said.get('sponsored') ?? 0n))
  })

  it("the gateway's books are the contract's, and the frontend's share of them arrives in its payout", async () => {
    const { deployer, addresses, router, seeded } = market
    const charged = (await rows()).reduce((sum, { price }) => sum + BigInt(price ?? 0), 0n)
    const ledger = { address: addresses.ledger, abi: computeLedgerAbi } as const
    const role = ROLE.frontend
    const spent = async () => {
      const args = [router.address, account] as const
      return (await deployer.client.readContract({ ...ledger, functionName: 'accountOf', args })).spent
    }
    for (let look = 0; look < 600 && (await spent()) < charged; look += 1)
      await new Promise((resolve) => setTimeout(resolve, 200))
    const payout = await deployer.client.readContract({
      address: addresses.registry,
      abi: registryAbi,
      functionName: 'payoutOf',
      args: [role, seeded.frontend],
    })
    const held = () =>
      deployer.client.readContract({
        address: addresses.asset,
        abi: testDollarAbi,
        functionName: 'balanceOf',
        args: [payout],
      })
    const bps = await deployer.client.readContract({
      ...ledger,
      functionName: 'shareBpsOf',
      args: [role, seeded.frontend],
    })
    const before = await held()
    await deployer.send({ ...ledger, functionName: 'claim', args: [router.address, role, [seeded.frontend]] })

    expect(charged > 0n).to.equal(true)
    expect(formatUsd(await spent())).to.equal(formatUsd(charged))
    expect(bps > 0n).to.equal(true)
    expect(formatUsd((await held()) - before)).to.equal(formatUsd((charged * bps) / 10_000n))
  })

  const isUnheard = (request: Hex): Promise<boolean> =>
    receiptOf(request).then(
      () => false,
      (cause: unknown) => (cause as { code?: string }).code === 'receipt.unknown',
    )

  /**
   * What the books say of every call, once all of them are closed but those that were left before the router heard of them:
   * these cost nothing, and are held until nobody can bring them any more.
   */
  async function rows(): Promise<Row[]> {
    const db = new Database(join(dataDir, 'till.sqlite'), { readonly: true })
    try {
      for (;;) {
        const all = db.prepare('SELECT key, wallet, hold, request, price, closed FROM calls').all([]) as Row[]
        const open = all.filter(({ closed }) => closed === null)
        const unheard = await Promise.all(open.map(({ request }) => isUnheard(request)))
        if (unheard.every((each) => each)) return all.filter(({ closed }) => closed !== null)
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    } finally {
      db.close()
    }
  }
})
