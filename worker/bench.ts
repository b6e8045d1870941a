import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'
import { asHeuristError, bug } from '../sdk/errors.ts'
import type { Log } from '../sdk/program.ts'
import type { PodKind } from '../sdk/protocol/manifest.ts'
import { admitSlots } from './admission.ts'
import type { SlotConfig } from './config.ts'
import type { Provider } from './engines/engine.ts'
import { lookAtMachine } from './machine.ts'
import { type Pod, readPod } from './pods.ts'
import { slotEnvironment, TSX } from './slot/process.ts'
import { Slot, type SlotSpec } from './slots.ts'

/** What one machine was measured to do. Goes into the worker's hello, for people and for choosing. */
const benchSchema = z.object({
  /** Unix seconds. */
  at: z.number(),
  /** Billions of float32 operations a second in a 512 × 512 product; absent where the provider does not load. */
  gflops: z.record(z.string(), z.number()),
  pods: z.record(
    z.string(),
    z.object({
      manifest: z.string(),
      provider: z.enum(['cuda', 'webgpu', 'cpu']),
      loadMs: z.number(),
      firstByteMs: z.number(),
      /** Of the pod's own unit: tokens, or steps. */
      unitsPerSecond: z.number(),
    }),
  ),
})
export type Bench = z.output<typeof benchSchema>

export const PROVIDERS: readonly Provider[] = ['cuda', 'webgpu', 'cpu']

export type Measured = { provider: Provider; gflops: number } | { provider: Provider; error: string }

const MAIN = fileURLToPath(new URL('./bench/main.ts', import.meta.url))
const MEASURE_TIMEOUT_MS = 60_000
const run = promisify(execFile)

/** Loads a provider in a process of its own and multiplies with it. */
export async function measureProvider(provider: Provider): Promise<Measured> {
  try {
    const { stdout } = await run(process.execPath, ['--import', TSX, MAIN, provider], {
      timeout: MEASURE_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      env: slotEnvironment(process.env, {}),
    })
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Measured
  } catch (cause) {
    const { signal, code } = cause as { signal?: string; code?: number }
    return { provider, error: `its process ended (${signal ?? `exit code ${code}`})` }
  }
}

/** A plain job of each kind, to be timed. */
const SAMPLES: Partial<Record<PodKind, Record<string, unknown>>> = {
  chat: {
    messages: [{ role: 'user', content: 'What can you do?' }],
    max_tokens: 64,
    temperature: 1,
    seed: 1,
  },
  image: { prompt: 'a red circle', seed: 1 },
}

/** Runs timed a few times; the best one counts, as the least disturbed. */
const RUNS = 3

async function benchPod(spec: SlotSpec, log: Log): Promise<Bench['pods'][string]> {
  const sample = SAMPLES[spec.pod.manifest.kind]
  if (!sample) throw bug('bench.sample_missing', `There is no sample job for ${spec.pod.manifest.kind}.`)
  const input = new TextEncoder().encode(JSON.stringify(sample))
  const slot = new Slot(spec, log)
  slot.claim()
  let best = { unitsPerSecond: 0, firstByteMs: 0 }
  try {
    for (let index = 0; index < RUNS; index += 1) {
      const one = await timed(slot, input)
      if (one.unitsPerSecond > best.unitsPerSecond) best = one
    }
    const { provider, loadMs } = slot.stateFor(0)
    if (!provider) throw bug('slot.cold', 'The slot cannot say which provider ran.')
    return { manifest: spec.pod.hash, provider, loadMs: loadMs ?? 0, ...best }
  } finally {
    await slot.close(1_000)
  }
}

async function timed(
  slot: Slot,
  input: Uint8Array,
): Promise<{ unitsPerSecond: number; firstByteMs: number }> {
  let startedMs = 0
  let firstMs = 0
  const { work } = await slot.run({
    input,
    windowBytes: 1 << 30,
    onStart: () => {
      startedMs = performance.now()
    },
    onChunk: () => {
      firstMs ||= performance.now() - startedMs
    },
    signal: AbortSignal.timeout(slot.pod.manifest.limits.seconds * 1000),
  })
  const seconds = (performance.now() - startedMs) / 1000
  return { unitsPerSecond: Math.round(Number(work.unitsOut) / seconds), firstByteMs: Math.round(firstMs) }
}

const benchFile = (home: string): string => join(home, 'bench.json')

/** What was measured here last; undefined if nothing was, or the file is not ours. */
export function lastBench(home: string): Bench | undefined {
  if (!existsSync(benchFile(home))) return undefined
  const result = benchSchema.safeParse(JSON.parse(readFileSync(benchFile(home), 'utf8')))
  return result.success ? result.data : undefined
}

/** Drivers change, and so do machines. Seconds. */
const BENCH_KEPT_S = 7 * 24 * 3600

/** Whether a measurement still says what these pods do here: a week old at most, and of these very versions. */
export const isMeasured = (bench: Bench | undefined, pods: readonly Pod[], nowS: number): boolean =>
  bench !== undefined &&
  nowS - bench.at < BENCH_KEPT_S &&
  pods.every(({ manifest, hash }) => bench.pods[manifest.name]?.manifest === hash)

/**
 * Measures the machine and each pod that it would serve, one after the other, and keeps the figures in `home`.
 * A pod that does not run is left out, with a line in the log.
 *
 * @param home  The node's folder.
 */
export async function benchMachine(
  { home, podsDir, slots }: { home: string; podsDir: string; slots: SlotConfig[] },
  log: Log,
): Promise<Bench> {
  const bench: Bench = { at: Math.floor(Date.now() / 1000), gflops: {}, pods: {} }
  for (const provider of PROVIDERS) {
    const measured = await measureProvider(provider)
    if ('gflops' in measured) bench.gflops[provider] = measured.gflops
  }
  const wanted = await Promise.all(
    slots.map(async (config) => ({ config, pod: await readPod(podsDir, config.pod) })),
  )
  for (const spec of admitSlots(wanted, await lookAtMachine()).admitted) {
    const { name } = spec.pod.manifest
    if (bench.pods[name]) continue
    try {
      bench.pods[name] = await benchPod(spec, log)
    } catch (cause) {
      log.error({ event: 'bench.failed', pod: name, error: asHeuristError(cause).toJSON() })
    }
  }
  mkdirSync(home, { recursive: true, mode: 0o700 })
  writeFileSync(benchFile(home), `${JSON.stringify(bench, undefined, 2)}\n`)
  return bench
}
