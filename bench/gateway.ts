import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SERVER_OPTIONS } from '../cli/program.ts'
import { createSupervisor } from '../cli/up/processes.ts'
import { saveKey } from '../sdk/chain/keys.ts'
import { toWire } from '../sdk/protocol/wire.ts'
import { openStage, type Payer, USD } from '../test/keepers/stage.ts'
import { answers, testWorker } from '../test/keepers/worker.ts'
import { freePort } from '../test/market.ts'
import { type Figure, figure } from './figure.ts'
import { at, closedLoop, cpuSecondsOf, openLoop, type Target, type Times } from './gateway/load.ts'
import { signaturesUs } from './gateway/signatures.ts'
import { startRouter } from './router.ts'

/**
 * What the gateway costs: OpenAI's JSON in, a job held, signed, sent, its receipt verified, charged in durable books, JSON out;
 * beside a bare undici proxy to the same router, in the same minutes, that passes on jobs which were signed beforehand.
 * Workers answer at once. All processes share the machine, so requests per second of a core are counted by the processor time
 * that gateway and proxy use themselves; latencies are over the proxy's.
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
    const proxy = await supervisor.start({
      name: 'proxy',
      entry: 'bench/gateway/proxy.ts',
      config: { to: routerUrl },
      // As the gateway runs.
      options: SERVER_OPTIONS,
    })
    const payers: Payer[] = []
    for (let index = 0; index < PAYERS; index += 1) payers.push(await stage.payer(1_000n * USD))
    const gateway = await supervisor.start({
      name: 'gateway',
      entry: 'apps/gateway/main.ts',
      config: {
        port: await freePort(),
        dataDir: join(home, 'gateway'),
        routerUrl,
        rpcUrl: stage.market.chain.rpcUrl,
        keyFile: keyFileOf(join(home, 'payer.key'), (await stage.payer(1_000n * USD)).key),
        frontend: stage.market.seeded.frontend,
      },
    })
    const sides: Record<Side, { pid: number; target: (stream: boolean) => Target }> = {
      proxy: {
        pid: proxy.process.pid ?? 0,
        target: (stream) => proxied(String(proxy.ready.url), payers, stream),
      },
      gateway: {
        pid: gateway.process.pid ?? 0,
        target: (stream) => called(String(gateway.ready.url), gateway.ready.apiKey ?? '', stream),
      },
    }
    return await figures(sides)
  } finally {
    await supervisor.stop()
    await stage.close()
    rmSync(home, { recursive: true, force: true })
  }
}

type Side = 'proxy' | 'gateway'
const SIDES: readonly Side[] = ['proxy', 'gateway']

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

async function figures(
  sides: Record<Side, { pid: number; target: (stream: boolean) => Target }>,
): Promise<Figure[]> {
  const perCore: Record<Side, number[]> = { proxy: [], gateway: [] }
  const perSecond: Record<Side, number[]> = { proxy: [], gateway: [] }
  const json: Record<Side, Times[]> = { proxy: [], gateway: [] }
  const streamed: Record<Side, Times[]> = { proxy: [], gateway: [] }
  for (const side of SIDES) {
    await closedLoop(sides[side].target(false), WARM_UP)
    await closedLoop(sides[side].target(true), WARM_UP)
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const side of SIDES) {
      const { pid, target } = sides[side]
      const load = target(false)
      const before = cpuSecondsOf(pid)
      const { seconds } = await closedLoop(load, RATE_CALLS)
      perCore[side].push(RATE_CALLS / (cpuSecondsOf(pid) - before))
      perSecond[side].push(RATE_CALLS / seconds)
    }
    for (const side of SIDES) {
      json[side].push(await openLoop(sides[side].target(false), PER_SECOND, LATENCY_CALLS))
      streamed[side].push(await openLoop(sides[side].target(true), PER_SECOND, LATENCY_CALLS))
    }
  }

  const told = (name: string, unit: string, measured: (side: Side) => number, digits = 2): Figure => {
    const value = (side: Side) => Number(measured(side).toFixed(digits))
    return figure(`gateway.${name}`, value('gateway'), unit, {
      name: 'bare undici proxy',
      value: value('proxy'),
    })
  }
  const added = (name: string, measured: (side: Side) => number): Figure =>
    figure(`gateway.${name}`, Number((measured('gateway') - measured('proxy')).toFixed(2)), 'ms')
  const whole = (share: number) => (side: Side) => median(json[side].map((times) => at(times.whole, share)))
  const first = (share: number) => (side: Side) =>
    median(streamed[side].map((times) => at(times.first, share)))
  return [
    told('requests_per_core', 'requests/s of a core', (side) => median(perCore[side]), 0),
    figure('gateway.signatures', Number(signaturesUs().toFixed(0)), 'us of one call', {
      name: 'all that the proxy does for one request',
      value: Number((1e6 / median(perCore.proxy)).toFixed(0)),
    }),
    told('requests_per_second', 'requests/s', (side) => median(perSecond[side]), 0),
    told('latency_p50_at_300', 'ms', whole(0.5)),
    told('latency_p99_at_300', 'ms', whole(0.99)),
    told('first_byte_p50_at_300', 'ms', first(0.5)),
    told('first_byte_p99_at_300', 'ms', first(0.99)),
    added('added_p50', whole(0.5)),
    added('added_p99', whole(0.99)),
    added('added_first_byte_p50', first(0.5)),
    added('added_first_byte_p99', first(0.99)),
  ]
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
