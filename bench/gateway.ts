import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SERVER_OPTIONS } from '../cli/program.ts'
import { createSupervisor, type Supervisor } from '../cli/up/processes.ts'
import { saveKey } from '../sdk/chain/keys.ts'
import { toWire } from '../sdk/protocol/wire.ts'
import { openStage, type Payer, type Stage, USD } from '../test/keepers/stage.ts'
import { answers, testWorker } from '../test/keepers/worker.ts'
import { freePort } from '../test/market.ts'
import { type Figure, figure } from './figure.ts'
import { at, closedLoop, cpuSecondsOf, openLoop, type Target, type Times } from './gateway/load.ts'
import { signaturesUs } from './gateway/signatures.ts'
import type { UpstreamConfig } from './gateway/upstream.ts'
import { startRouter } from './router.ts'

/**
 * What the gateway costs: OpenAI's JSON in, a job held, signed, sent, its receipt verified, charged in durable books, JSON out;
 * beside a bare undici proxy to the same router, in the same minutes, that passes on jobs which were signed beforehand.
 * Workers answer at once. All processes share the machine, so requests per second of a core are counted by the processor time
 * that gateway and proxy use themselves; latencies are over the proxy's. `alone`: the same before something that answers jobs at
 * once instead of router, workers and chain (`gateway/upstream.ts`), as where they have machines of their own.
 */
const WORKERS = 4
const SLOTS = 64
const PAYERS = 8
/** Of each kind. Until then V8 still compiles: a proxy's first calls cost four times what its later ones do, a gateway's twice. */
const WARM_UP = 3_000
const RATE_CALLS = 2_000
const PER_SECOND = 300
const LATENCY_CALLS = 900
/** Rounds of each, one after the other, so that both have the same minutes; the median is told. */
const ROUNDS = 7

export async function run(): Promise<Figure[]> {
  const stage = await openStage()
  const home = mkdtempSync(join(tmpdir(), 'heurist-bench-gateway-'))
  const supervisor = createSupervisor(home)
  try {
    const routerUrl = `http://127.0.0.1:${await startRouter(stage, supervisor, home)}`
    for (let index = 0; index < WORKERS; index += 1) {
      await testWorker(stage, { url: routerUrl }, { slots: SLOTS, behave: answers() })
    }
    const whole = await startSides('whole', routerUrl, { stage, home, supervisor })
    const networked = await figures(whole)
    const upstream = await supervisor.start({
      name: 'upstream',
      entry: 'bench/gateway/upstream.ts',
      config: await upstreamOf(stage, routerUrl),
    })
    const alone = await startSides('alone', String(upstream.ready.url), { stage, home, supervisor })
    return [...networked, ...(await figuresAlone(alone))]
  } finally {
    await supervisor.stop()
    await stage.close()
    rmSync(home, { recursive: true, force: true })
  }
}

async function upstreamOf(stage: Stage, to: string): Promise<UpstreamConfig> {
  const { domain, router } = stage.market
  const { id, signerKey } = await stage.market.node()
  const manifest = join(stage.podsDir, 'words', 'pod.yaml')
  return { to, node: { id, key: signerKey }, routerKey: router.key, domain, manifest }
}

interface Place {
  stage: Stage
  home: string
  supervisor: Supervisor
}

/** A proxy and a gateway to the same place. */
async function startSides(name: string, to: string, { stage, home, supervisor }: Place): Promise<Sides> {
  const proxy = await supervisor.start({
    name: `proxy-${name}`,
    entry: 'bench/gateway/proxy.ts',
    config: { to },
    // As the gateway runs.
    options: SERVER_OPTIONS,
  })
  const payers: Payer[] = []
  for (let index = 0; index < PAYERS; index += 1) payers.push(await stage.payer(1_000n * USD))
  const gateway = await supervisor.start({
    name: `gateway-${name}`,
    entry: 'apps/gateway/main.ts',
    config: {
      port: await freePort(),
      dataDir: join(home, `gateway-${name}`),
      routerUrl: to,
      rpcUrl: stage.market.chain.rpcUrl,
      keyFile: keyFileOf(join(home, `payer-${name}.key`), (await stage.payer(1_000n * USD)).key),
      frontend: stage.market.seeded.frontend,
    },
  })
  return {
    proxy: {
      pid: proxy.process.pid ?? 0,
      target: (stream) => proxied(String(proxy.ready.url), payers, stream),
    },
    gateway: {
      pid: gateway.process.pid ?? 0,
      target: (stream) => called(String(gateway.ready.url), gateway.ready.apiKey ?? '', stream),
    },
  }
}

type Side = 'proxy' | 'gateway'
const SIDES: readonly Side[] = ['proxy', 'gateway']
type Sides = Record<Side, { pid: number; target: (stream: boolean) => Target }>

function keyFileOf(path: string, key: `0x${string}`): string {
  saveKey(path, key)
  return path
}

const acceptOf = (stream: boolean) => (stream ? 'text/event-stream' : 'application/json')

/** Jobs that were signed before the clock runs. */
function proxied(url: string, payers: readonly Payer[], stream: boolean): Target {
  const bodies = Array.from({ length: Math.max(WARM_UP, RATE_CALLS, LATENCY_CALLS) }, (_, index) =>
    toWire(payers[index % payers.length]?.job({ voucher: { ceiling: 900n * USD } })),
  )
  const headers = { 'content-type': 'application/json', accept: acceptOf(stream) }
  return { url, path: '/v1/jobs', headers, body: () => bodies.pop() ?? '' }
}

function called(url: string, apiKey: string, stream: boolean): Target {
  const body = JSON.stringify({
    model: 'words',
    messages: [{ role: 'user', content: 'say two words' }],
    max_tokens: 16,
    temperature: 0,
    stream,
  })
  const headers = {
    'content-type': 'application/json',
    accept: acceptOf(stream),
    authorization: `Bearer ${apiKey}`,
  }
  return { url, path: '/v1/chat/completions', headers, body: () => body }
}

interface Measured {
  perCore: Record<Side, number[]>
  perSecond: Record<Side, number[]>
  json: Record<Side, Times[]>
  streamed: Record<Side, Times[]>
}

type Kind = 'json' | 'streamed'

async function measure(sides: Sides, kinds: readonly Kind[]): Promise<Measured> {
  const perCore: Measured['perCore'] = { proxy: [], gateway: [] }
  const perSecond: Measured['perSecond'] = { proxy: [], gateway: [] }
  const times: Record<Kind, Record<Side, Times[]>> = {
    json: { proxy: [], gateway: [] },
    streamed: { proxy: [], gateway: [] },
  }
  const load = (side: Side, kind: Kind) => sides[side].target(kind === 'streamed')
  for (const side of SIDES) for (const kind of kinds) await closedLoop(load(side, kind), WARM_UP)
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const side of SIDES) {
      const { pid } = sides[side]
      const target = load(side, 'json')
      const before = cpuSecondsOf(pid)
      const { seconds } = await closedLoop(target, RATE_CALLS)
      perCore[side].push(RATE_CALLS / (cpuSecondsOf(pid) - before))
      perSecond[side].push(RATE_CALLS / seconds)
    }
    for (const side of SIDES) {
      for (const kind of kinds) {
        times[kind][side].push(await openLoop(load(side, kind), PER_SECOND, LATENCY_CALLS))
      }
    }
  }
  return { perCore, perSecond, ...times }
}

type Measure = (side: Side) => number

function told(name: string, unit: string, measured: Measure, digits = 2): Figure {
  const value = (side: Side) => Number(measured(side).toFixed(digits))
  return figure(`gateway.${name}`, value('gateway'), unit, {
    name: 'bare undici proxy',
    value: value('proxy'),
  })
}

const added = (name: string, measured: Measure): Figure =>
  figure(`gateway.${name}`, Number((measured('gateway') - measured('proxy')).toFixed(2)), 'ms')

const shareOf =
  (times: Record<Side, Times[]>, of: 'first' | 'whole', share: number): Measure =>
  (side) =>
    median(times[side].map((one) => at(one[of], share)))

/** The whole network on this machine, behind both. */
async function figures(sides: Sides): Promise<Figure[]> {
  const { perCore, perSecond, json, streamed } = await measure(sides, ['json', 'streamed'])
  return [
    told('requests_per_core', 'requests/s of a core', (side) => median(perCore[side]), 0),
    figure('gateway.signatures', Number(signaturesUs().toFixed(0)), 'us of one call', {
      name: 'all that the proxy does for one request',
      value: Number((1e6 / median(perCore.proxy)).toFixed(0)),
    }),
    told('requests_per_second', 'requests/s', (side) => median(perSecond[side]), 0),
    told('latency_p50_at_300', 'ms', shareOf(json, 'whole', 0.5)),
    told('latency_p99_at_300', 'ms', shareOf(json, 'whole', 0.99)),
    told('first_byte_p50_at_300', 'ms', shareOf(streamed, 'first', 0.5)),
    told('first_byte_p99_at_300', 'ms', shareOf(streamed, 'first', 0.99)),
    added('added_p50', shareOf(json, 'whole', 0.5)),
    added('added_p99', shareOf(json, 'whole', 0.99)),
    added('added_first_byte_p50', shareOf(streamed, 'first', 0.5)),
    added('added_first_byte_p99', shareOf(streamed, 'first', 0.99)),
  ]
}

/** Only what answers at once behind both: neither waits for a router and workers that need the same cores. */
async function figuresAlone(sides: Sides): Promise<Figure[]> {
  const { perCore, json } = await measure(sides, ['json'])
  return [
    told('alone.requests_per_core', 'requests/s of a core', (side) => median(perCore[side]), 0),
    told('alone.latency_p50_at_300', 'ms', shareOf(json, 'whole', 0.5)),
    told('alone.latency_p99_at_300', 'ms', shareOf(json, 'whole', 0.99)),
    added('alone.added_p50', shareOf(json, 'whole', 0.5)),
    added('alone.added_p99', shareOf(json, 'whole', 0.99)),
  ]
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
