import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Address, Hex } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { type RouterConfig, routerConfigSchema } from '../../keepers/router/config.ts'
import type { Op } from '../../keepers/router/ledger/ledger.ts'
import type { SqliteLedger } from '../../keepers/router/ledger/sqlite.ts'
import { createMetrics } from '../../keepers/router/metrics.ts'
import { openWorld, type RunningRouter, startRouterIn } from '../../keepers/router/router.ts'
import type { Log, LogFields, World } from '../../keepers/world.ts'
import { computeLedgerAbi, registryAbi, testDollarAbi } from '../../sdk/chain/abi.ts'
import { createSigner, fastKeccak, type Signer } from '../../sdk/native.ts'
import { toHex } from '../../sdk/protocol/bytes.ts'
import { type Manifest, manifestHash, parseManifest } from '../../sdk/protocol/manifest.ts'
import { createHasher, type Hasher, type Request, type Voucher } from '../../sdk/protocol/messages.ts'
import { toWire } from '../../sdk/protocol/wire.ts'
import { type Market, openMarket } from '../market.ts'

/** A manifest for workers of tests: small limits, so that patience ends soon. */
export const podYaml = (changes: {
  name: string
  seconds?: number
  outputBytes?: number
  gpu?: boolean
}): string => `
name: ${changes.name}
version: 1.0.0
kind: chat
description: Echoes words in tests.
files: [{ path: model/none, sha256: ${'ab'.repeat(32)}, bytes: 1 }]
resources: ${
  changes.gpu
    ? '{ memoryMiB: 100, vramMiB: 24576, providers: [cuda] }'
    : '{ memoryMiB: 100, vramMiB: 0, providers: [cuda, webgpu, cpu] }'
}
pricing: { unit: token, per: 1000, input: 1000, output: 4000, minimum: 10 }
limits: { inputBytes: 8192, inputUnits: 64, outputUnits: 64, outputBytes: ${changes.outputBytes ?? 1_048_576}, seconds: ${changes.seconds ?? 20} }
defaults: { max_tokens: 16, temperature: 0 }
validation: { method: prefill-fingerprint }
scaling: { idleSeconds: 300 }
`

export interface TestPod {
  id: number
  hash: Hex
  manifest: Manifest
}

/** One chain with its contracts and our pods; routers come and go on it. */
export interface Stage {
  readonly market: Market
  readonly hasher: Hasher
  readonly podsDir: string
  pod(name: string): TestPod
  payer(amount: bigint): Promise<Payer>
  deposit(payer: Payer, amount: bigint): Promise<void>
  /** Announces a withdrawal. */
  thaw(payer: Payer, amount: bigint): Promise<void>
  /** Gives the node another signer key. */
  replaceSigner(node: { id: number; owner: PrivateKeyAccount }): Promise<void>
  /** Any JSON-RPC call to the chain. */
  rpc(method: string, ...params: unknown[]): Promise<unknown>
  /** A transaction of the router's account that is no settlement. */
  routerSpendsNonce(): Promise<void>
  float(): Promise<bigint>
  withdrawFloat(amount: bigint): Promise<void>
  addFloat(amount: bigint): Promise<void>
  /** Sends a streamed job and never reads the answer. */
  stalledClient(router: { url: string }, job: unknown): Promise<Socket>
  /** A router in this process; `cut` it to crash it. */
  router(options?: RouterOptions): Promise<TestRouter>
  close(): Promise<void>
}

export interface RouterOptions {
  /** Empty by default; give one of an earlier router to go on with its ledger. */
  dataDir?: string
  limits?: Partial<RouterConfig['limits']>
  settle?: Partial<Record<keyof RouterConfig['settle'], number | string>>
  /** Called before operations are written; throwing there is the crash before the write. */
  beforeCommit?: (ops: readonly Op[]) => void
  /** Called once they are durable, before anybody is told. */
  afterCommit?: (ops: readonly Op[]) => void
  /** Hears every line of its log, from its start on. */
  onLog?: (fields: LogFields) => void
  /** A disk that is slow: nobody hears that these are durable before this resolves. */
  slowCommit?: (ops: readonly Op[]) => Promise<void> | undefined
  /** Stands before or instead of parts of the chain. */
  chain?: (chain: World['chain']) => Partial<World['chain']>
}

export interface TestRouter {
  readonly url: string
  readonly dataDir: string
  readonly world: World
  readonly log: LogFields[]
  stop(): Promise<void>
  /** From now on nothing is written, sent or timed: what a crash leaves. */
  crash(): Promise<void>
  readonly crashed: boolean
}

export interface Payer {
  readonly key: Hex
  readonly address: Address
  readonly signer: Signer
  /** A signed job; the changes go in before signing, unless they are under `forged`. */
  job(changes?: JobChanges): Record<string, unknown>
}

export interface JobChanges {
  pod?: TestPod
  input?: string
  request?: Partial<Request>
  voucher?: Partial<Voucher>
  chainId?: number
  /** Signs in the name of the payer. */
  signer?: Signer
}

export const USD = 1_000_000n
export const nowSeconds = (): number => Math.floor(Date.now() / 1000)
export const randomHash = (): Hex => toHex(crypto.getRandomValues(new Uint8Array(32)))
export const utf8 = new TextEncoder()
export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Waits for a condition that other processes or timers bring about. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  ms = 300_000,
): Promise<void> {
  const endMs = Date.now() + ms
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`never: ${what}`)
    await pause(10)
  }
}

export const PODS = [
  podYaml({ name: 'words' }),
  podYaml({ name: 'quick', seconds: 1, outputBytes: 200_000 }),
  podYaml({ name: 'flood', outputBytes: 64 * 1024 * 1024 }),
  podYaml({ name: 'gpu-only', gpu: true }),
]

export async function openStage(): Promise<Stage> {
  const home = mkdtempSync(join(tmpdir(), 'heurist-stage-'))
  const podsDir = join(home, 'pods')
  const pods = new Map<string, { manifest: Manifest; hash: Hex }>()
  for (const yaml of PODS) {
    const bytes = utf8.encode(yaml)
    const manifest = parseManifest(bytes)
    mkdirSync(join(podsDir, manifest.name), { recursive: true })
    writeFileSync(join(podsDir, manifest.name, 'pod.yaml'), bytes)
    pods.set(manifest.name, { manifest, hash: manifestHash(bytes) })
  }
  const market = await openMarket(podsDir)
  const hasher = createHasher(market.domain, fastKeccak)
  const routers = new Set<TestRouter>()
  const routerAccount = privateKeyToAccount(market.router.key)
  const books = { address: market.addresses.ledger, abi: computeLedgerAbi } as const
  const dollars = { address: market.addresses.asset, abi: testDollarAbi } as const

  function pod(name: string): TestPod {
    const known = pods.get(name)
    const id = market.seeded.pods[name]
    if (known === undefined || id === undefined) throw new Error(`no pod ${name}`)
    return { id, ...known }
  }

  async function router(options: RouterOptions = {}): Promise<TestRouter> {
    const dataDir = options.dataDir ?? mkdtempSync(join(home, 'router-'))
    const { addresses } = market
    const config = routerConfigSchema.parse({
      port: 0,
      dataDir,
      rpcUrl: market.chain.rpcUrl,
      chainId: market.domain.chainId,
      addresses: { ...addresses, accessManager: addresses.authority },
      keyFile: 'none: the key is given',
      podsDir,
      settle: { maxAgeMs: 3_600_000, ...options.settle },
      limits: { chainPollMs: 100, heartbeatMs: 1_000, leaseMs: 400, resumeMs: 5_000, ...options.limits },
    })
    const started = await startMortal(config, market.router.key, options)
    routers.add(started)
    return started
  }

  return {
    market,
    hasher,
    podsDir,
    pod,
    router,
    async payer(amount) {
      const { key } = await market.payer(amount)
      const signer = createSigner(key)
      return { key, address: signer.address, signer, job: jobMaker(signer, market, hasher, pod('words')) }
    },
    async deposit(payer, amount) {
      const account = privateKeyToAccount(payer.key)
      const { deployer } = market
      await deployer.send({ ...dollars, functionName: 'faucet', args: [account.address, amount] }, account)
      await deployer.send({ ...dollars, functionName: 'approve', args: [books.address, amount] }, account)
      const args = [market.router.address, account.address, amount] as const
      await deployer.send({ ...books, functionName: 'deposit', args }, account)
    },
    async thaw(payer, amount) {
      const args = [market.router.address, payer.address, amount] as const
      await market.deployer.send({ ...books, functionName: 'thaw', args }, privateKeyToAccount(payer.key))
    },
    async replaceSigner({ id, owner }) {
      const registry = { address: market.addresses.registry, abi: registryAbi } as const
      const signer = privateKeyToAccount(generatePrivateKey()).address
      await market.deployer.send({ ...registry, functionName: 'setSigner', args: [id, signer] }, owner)
    },
    async rpc(method, ...params) {
      const answer = await http(market.chain.rpcUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      })
      return answer.body.result
    },
    async routerSpendsNonce() {
      const args = [books.address, 0n] as const
      await market.deployer.send({ ...dollars, functionName: 'approve', args }, routerAccount)
    },
    async float() {
      const args = [market.router.address] as const
      return (await market.deployer.client.readContract({ ...books, functionName: 'routerOf', args })).float
    },
    withdrawFloat: (amount) =>
      market.deployer
        .send({ ...books, functionName: 'withdrawFloat', args: [amount] }, routerAccount)
        .then(() => {}),
    async addFloat(amount) {
      const { deployer } = market
      await deployer.send(
        { ...dollars, functionName: 'approve', args: [books.address, amount] },
        routerAccount,
      )
      const args = [market.router.address, amount] as const
      await deployer.send({ ...books, functionName: 'addFloat', args }, routerAccount)
    },
    async stalledClient(at, job) {
      const { hostname, port } = new URL(at.url)
      const socket = connect(Number(port), hostname)
      const body = toWire(job)
      await new Promise<void>((resolve) => socket.once('connect', resolve))
      socket.pause()
      socket.on('error', () => {})
      socket.write(
        `POST /v1/jobs HTTP/1.1\r\nhost: ${hostname}\r\naccept: text/event-stream\r\ncontent-type: application/json\r\n` +
          `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      )
      return socket
    },
    async close() {
      for (const one of routers) if (!one.crashed) await one.stop()
      await market.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

function jobMaker(signer: Signer, market: Market, hasher: Hasher, words: TestPod): Payer['job'] {
  return (changes = {}) => {
    const pod = changes.pod ?? words
    const input =
      changes.input ?? JSON.stringify({ messages: [{ role: 'user', content: 'hello' }], max_tokens: 8 })
    const request: Request = {
      payer: signer.address,
      id: randomHash(),
      pod: pod.id,
      manifest: pod.hash,
      frontend: market.seeded.frontend,
      node: 0,
      maxPrice: 500n,
      deadline: nowSeconds() + 60,
      input: toHex(fastKeccak(utf8.encode(input))),
      ...changes.request,
    }
    const voucher: Voucher = {
      router: market.router.address,
      ceiling: 5n * USD,
      expiry: nowSeconds() + 72 * 3600,
      request: hasher.struct('Request', request),
      ...changes.voucher,
    }
    const signature = (changes.signer ?? signer).sign(hasher.digest('Voucher', voucher))
    const chainId = changes.chainId ?? market.domain.chainId
    return { chainId, request, voucher, signature, input }
  }
}

/** A router whose World can be ended at any moment. */
async function startMortal(config: RouterConfig, key: Hex, options: RouterOptions): Promise<TestRouter> {
  const lines: LogFields[] = []
  function noted(fields: LogFields): void {
    lines.push(fields)
    options.onLog?.(fields)
  }
  const log: Log = {
    info: noted,
    warn: noted,
    error: (fields) => noted({ ...fields, level: 'error' }),
  }
  const metrics = createMetrics()
  const real = openWorld(config, key, log, metrics)
  let dead = false
  let isGone = false
  const never = new Promise<never>(() => {})
  const alive =
    (run: () => void): (() => void) =>
    () => {
      if (!dead) run()
    }
  const mortal =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (dead) return never
      const result = await call(...args)
      return dead ? never : result
    }
  const ledger = Object.fromEntries(
    Object.entries(real.ledger).map(([name, call]) => [name, mortal(call as () => Promise<unknown>)]),
  ) as unknown as SqliteLedger
  const commit = real.ledger.commit
  ledger.commit = async (ops, when) => {
    if (dead) return never
    options.beforeCommit?.(ops)
    if (dead) return never
    await commit(ops, when)
    await options.slowCommit?.(ops)
    options.afterCommit?.(ops)
    if (dead) return never
  }
  const changed = options.chain?.(real.chain) ?? {}
  const chain = Object.fromEntries(
    Object.entries({ ...real.chain, ...changed }).map(([name, part]) => [
      name,
      typeof part === 'function' ? mortal(part as () => Promise<unknown>) : part,
    ]),
  ) as unknown as World['chain']
  const world: World = {
    ...real,
    ledger,
    chain,
    timers: {
      after: (ms, run) => real.timers.after(ms, alive(run)),
      every: (ms, run) => real.timers.every(ms, alive(run)),
      soon: (run) => real.timers.soon(alive(run)),
    },
  }
  let running: RunningRouter | undefined
  const handle: TestRouter = {
    url: '',
    dataDir: config.dataDir,
    world: real,
    log: lines,
    async stop() {
      dead || (await running?.stop())
      dead = true
    },
    async crash() {
      if (dead) return
      dead = true
      const abandoned = (real.ledger as SqliteLedger).abandon()
      await running?.cut()
      await abandoned
      isGone = true
    },
    get crashed() {
      return isGone
    },
  }
  running = await startRouterIn(world, config, key, metrics, (cause) => {
    if (!dead) lines.push({ event: 'fatal', level: 'error', cause: String(cause) })
  })
  return Object.assign(handle, { url: running.url })
}

// ------------------------------------------------------------------------------------------------------- clients

export interface HttpAnswer {
  status: number
  headers: Headers
  body: Record<string, unknown>
}

export async function http(url: string, init?: RequestInit): Promise<HttpAnswer> {
  const response = await fetch(url, init)
  const raw = await response.text()
  return { status: response.status, headers: response.headers, body: raw === '' ? {} : JSON.parse(raw) }
}

export const post = (router: { url: string }, job: unknown, init: RequestInit = {}): Promise<HttpAnswer> =>
  http(`${router.url}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof job === 'string' ? job : toWire(job),
    ...init,
  })

export const codeOf = (answer: HttpAnswer): string =>
  String((answer.body.error as { code?: string } | undefined)?.code ?? `status ${answer.status}`)

export interface SseEvent {
  event: string
  data: Record<string, unknown>
}

/** A streamed call: events as they come; `leave` ends the connection. */
export function stream(router: { url: string }, job: unknown) {
  const abort = new AbortController()
  const events: SseEvent[] = []
  let status = 0
  const done = (async () => {
    const response = await fetch(`${router.url}/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: toWire(job),
      signal: abort.signal,
    })
    status = response.status
    if (status !== 200) {
      events.push({ event: 'refused', data: (await response.json()) as Record<string, unknown> })
      return
    }
    let rest = ''
    for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
      rest += text(piece)
      const blocks = rest.split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const [, event, data] = /^event: (\w+)\ndata: (.*)$/s.exec(block) ?? []
        if (event && data) events.push({ event, data: JSON.parse(data) as Record<string, unknown> })
      }
    }
  })().catch((cause: unknown) => {
    if (!abort.signal.aborted) events.push({ event: 'cut', data: { cause: String(cause) } })
  })
  const of = (event: string) => events.filter((one) => one.event === event)
  return {
    events,
    done,
    of,
    get status() {
      return status
    },
    get bytes() {
      return Buffer.concat(of('chunk').map((one) => Buffer.from(String(one.data.data), 'base64')))
    },
    leave: () => abort.abort(),
  }
}

export const account = async (router: { url: string }, payer: Address) => {
  const { body } = await http(`${router.url}/v1/accounts/${payer}`)
  const amount = (name: string) => BigInt(String(body[name]))
  return {
    charged: amount('charged'),
    held: amount('held'),
    count: amount('count'),
    available: amount('available'),
  }
}

export const receiptOf = (router: { url: string }, request: string) =>
  http(`${router.url}/v1/receipts/${request}`)
