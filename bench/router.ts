import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'undici'
import { createSupervisor } from '../cli/up/processes.ts'
import { saveKey } from '../sdk/chain/keys.ts'
import { toWire } from '../sdk/protocol/wire.ts'
import { openStage, type Payer, USD } from '../test/keepers/stage.ts'
import { answers, testWorker } from '../test/keepers/worker.ts'
import { freePort } from '../test/market.ts'
import { type Figure, figure } from './figure.ts'

/**
 * What one router process can do with everything on: signature checks, credit, choice, a durable ledger, receipts and
 * acknowledgements. Workers answer at once, so nothing but the router is measured; they and the clients share the
 * machine with it, so jobs per second are a lower bound and processor time per job is the figure that travels.
 */
const PAYERS = 8
const WORKERS = 4
const SLOTS = 32
const CONNECTIONS = 64
const WARM_UP = 500
const JOBS = 4_000

export async function run(): Promise<Figure[]> {
  const stage = await openStage()
  const home = mkdtempSync(join(tmpdir(), 'heurist-bench-router-'))
  const supervisor = createSupervisor(home)
  try {
    const url = `http://127.0.0.1:${await startRouter(stage, supervisor, home)}`
    for (let index = 0; index < WORKERS; index += 1) {
      await testWorker(stage, { url }, { slots: SLOTS, behave: answers() })
    }
    const payers: Payer[] = []
    for (let index = 0; index < PAYERS; index += 1) payers.push(await stage.payer(1_000n * USD))
    await measure(url, payers, WARM_UP)
    return await figures(url, payers)
  } finally {
    await supervisor.stop()
    await stage.close()
    rmSync(home, { recursive: true, force: true })
  }
}

type Stage = Awaited<ReturnType<typeof openStage>>
type Supervisor = ReturnType<typeof createSupervisor>

/** A router of default settings but for its limits, as a process of its own. @returns its port. */
export async function startRouter(stage: Stage, supervisor: Supervisor, home: string): Promise<number> {
  const port = await freePort()
  const { addresses, chain, domain, router } = stage.market
  const keyFile = join(home, 'router.key')
  saveKey(keyFile, router.key)
  await supervisor.start({
    name: 'router',
    entry: 'keepers/router/main.ts',
    config: {
      port,
      dataDir: join(home, 'router'),
      rpcUrl: chain.rpcUrl,
      chainId: domain.chainId,
      addresses: { ...addresses, accessManager: addresses.authority },
      keyFile,
      podsDir: stage.podsDir,
      settle: { maxAgeMs: 1_000 },
      limits: { jobsPerPayer: 1_000, queuePerPod: 1_000 },
    },
  })
  return port
}

async function figures(url: string, payers: Payer[]): Promise<Figure[]> {
  const before = await cpuSeconds(url)
  const { seconds, latencies } = await measure(url, payers, JOBS)
  const cpu = (await cpuSeconds(url)) - before
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0
  return [
    figure('router_jobs_per_second', Math.round(JOBS / seconds), 'jobs/s'),
    figure('router_cpu_per_job', Math.round((cpu / JOBS) * 1e6), 'us'),
    figure('router_latency_p50', Number(at(0.5).toFixed(2)), 'ms'),
    figure('router_latency_p99', Number(at(0.99).toFixed(2)), 'ms'),
  ]
}

/** Sends jobs over a fixed number of connections, each its next one when the last is answered. */
async function measure(url: string, payers: Payer[], count: number) {
  const bodies = Array.from({ length: count }, (_, index) => {
    const payer = payers[index % payers.length]
    return toWire(payer?.job({ voucher: { ceiling: 900n * USD } }))
  })
  const pool = new Pool(url, { connections: CONNECTIONS, pipelining: 1 })
  const latencies: number[] = []
  const startedMs = performance.now()
  async function lane(): Promise<void> {
    for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
      const sentMs = performance.now()
      const headers = { 'content-type': 'application/json' }
      const answer = await pool.request({ path: '/v1/jobs', method: 'POST', headers, body })
      const text = await answer.body.text()
      if (answer.statusCode !== 200) throw new Error(`a job was answered ${answer.statusCode}: ${text}`)
      latencies.push(performance.now() - sentMs)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, lane))
  const seconds = (performance.now() - startedMs) / 1000
  await pool.close()
  return { seconds, latencies }
}

/** Processor seconds that the router has used, by its own account. */
async function cpuSeconds(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^process_cpu_seconds_total (\S+)/m.exec(text)?.[1])
}
