import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { refused } from '../../sdk/errors.ts'
import type { Provider } from './engine.ts'
import { env, type InferenceSession, listSupportedBackends } from './onnx.ts'

/** Best first. */
const ORDER: readonly Provider[] = ['cuda', 'webgpu', 'cpu']

/** What ONNX Runtime calls them in a profile. */
const PROFILE_NAME: Record<Provider, string> = {
  cuda: 'CUDAExecutionProvider',
  webgpu: 'WebGpuExecutionProvider',
  cpu: 'CPUExecutionProvider',
}

/** Operators that carry a model's work; shape arithmetic belongs on the CPU and says nothing. */
const HEAVY = /^(Fused)?(MatMul|Gemm|Conv|Attention|MultiHeadAttention|GroupQueryAttention)/

// A provider that is missing is an answer here, told in `provider.none`; ONNX Runtime would also print it as an error.
env.logLevel = 'fatal'

/** Below this size more threads cost more than they bring. Bytes. */
const SMALL_MODEL = 32 * 1024 * 1024

/** Opens the sessions of a model with these options and runs it once. What it returns is closed if it is not used. */
export type Warm<T> = (options: InferenceSession.SessionOptions, provider: Provider) => Promise<T>

export interface Chosen<T> {
  readonly provider: Provider
  readonly model: T
}

export interface Choice {
  /** From the manifest. */
  readonly allowed: readonly Provider[]
  /** Size of the model's weights, which decides the number of threads. */
  readonly bytes: number
}

/**
 * Tries cuda, then webgpu, then cpu, and keeps the first that really runs the model. ONNX Runtime has no such
 * fallback: a missing provider throws, and a loaded one leaves single operators to the CPU without a word. So a
 * GPU is believed only if the profile of a warm-up run shows the heavy operators on it.
 *
 * @throws `provider.none` (refused), with what each attempt said.
 */
export async function chooseProvider<T extends { close(): Promise<void> }>(
  { allowed, bytes }: Choice,
  warm: Warm<T>,
): Promise<Chosen<T>> {
  const faults: string[] = []
  const bundled = new Set(listSupportedBackends().map(({ name }) => name))
  for (const provider of ORDER.filter((name) => allowed.includes(name))) {
    if (!bundled.has(provider)) {
      faults.push(`${provider}: not in this build of ONNX Runtime`)
      continue
    }
    try {
      const options = sessionOptions(provider, bytes)
      if (provider !== 'cpu') await proveOn(provider, options, warm)
      return { provider, model: await warm(options, provider) }
    } catch (cause) {
      faults.push(`${provider}: ${firstLine(cause)}`)
    }
  }
  throw refused('provider.none', `No execution provider runs this pod (${faults.join('; ')})`, {
    fix: 'Add one of the providers that its manifest names to this machine, or serve another pod.',
  })
}

function sessionOptions(provider: Provider, bytes: number): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: bytes < SMALL_MODEL || provider !== 'cpu' ? 1 : Math.min(8, availableParallelism()),
    interOpNumThreads: 1,
    // Only errors: it warns about every shape node that stays on the CPU, where it belongs.
    logSeverityLevel: 3,
    // A slot must not burn a core while it waits for work.
    extra: { session: { 'intra_op.allow_spinning': '0' } },
  }
}

async function proveOn<T extends { close(): Promise<void> }>(
  provider: Provider,
  options: InferenceSession.SessionOptions,
  warm: Warm<T>,
): Promise<void> {
  const used = await heavyProviders(options, provider, warm)
  const elsewhere = [...used].filter((name) => name !== PROFILE_NAME[provider])
  if (used.size === 0 || elsewhere.length > 0) {
    throw new Error(`the warm-up ran on ${elsewhere.join(' and ') || 'nothing'}`)
  }
}

/** The names of the providers that ran the heavy operators of one profiled warm-up. */
export async function heavyProviders<T extends { close(): Promise<void> }>(
  options: InferenceSession.SessionOptions,
  provider: Provider,
  warm: Warm<T>,
): Promise<Set<string>> {
  const folder = await mkdtemp(join(tmpdir(), 'heurist-profile-'))
  try {
    const profiled = { ...options, enableProfiling: true, profileFilePrefix: join(folder, 'run') }
    // Closing a session ends its profile and writes the file.
    await (await warm(profiled, provider)).close()
    const files = await readdir(folder)
    const events = await Promise.all(files.map(async (file) => readFile(join(folder, file), 'utf8')))
    return new Set(events.flatMap((text) => heavyNodes(JSON.parse(text))))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function heavyNodes(events: { args?: { op_name?: string; provider?: string } }[]): string[] {
  return events.flatMap(({ args }) =>
    args?.provider !== undefined && HEAVY.test(args.op_name ?? '') ? [args.provider] : [],
  )
}

const firstLine = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]?.slice(0, 200) ?? ''
