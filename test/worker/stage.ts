import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createKey, type StoredKey } from '../../sdk/chain/keys.ts'
import type { Pod } from '../../worker/pods.ts'
import { type PodFacts, writeTestPod } from './pod.ts'
import { type RouterOptions, startTestRouter, type TestRouter } from './router.ts'

export const NODE = 3
export const POD = 5

/** A worker in a process of its own, as `heurist node up` starts it. */
export interface WorkerProcess {
  readonly pid: number
  readonly lines: Record<string, unknown>[]
  /** Resolves with the first line, past or to come, that has this event. */
  said(event: string): Promise<Record<string, unknown>>
  kill(signal: NodeJS.Signals): void
  /** Lets go of it, as a parent does that dies. */
  disconnect(): void
  /** Exit code and signal, when it is gone. */
  readonly gone: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** Process ids of its slots. */
  slots(): number[]
}

/** Everything one test needs around a worker: folders, a key, a pod, a router. */
export interface Stage {
  readonly home: string
  readonly podsDir: string
  readonly dataDir: string
  readonly key: StoredKey
  readonly pod: Pod
  /** As requests name it. */
  readonly podId: { id: number; manifest: Pod['hash'] }
  readonly router: TestRouter
  start(config?: Record<string, unknown>): WorkerProcess
  close(): Promise<void>
}

export async function openStage(
  facts: { pod?: PodFacts; router?: Partial<RouterOptions> } = {},
): Promise<Stage> {
  const home = mkdtempSync(join(tmpdir(), 'heurist-worker-'))
  const podsDir = join(home, 'pods')
  const dataDir = join(home, 'node')
  const keyFile = join(home, 'signer.key')
  const key = createKey(keyFile)
  const pod = await writeTestPod(podsDir, facts.pod)
  const listed = { id: POD, name: pod.manifest.name, manifest: pod.hash }
  const router = await startTestRouter({ signer: key.address, pods: [listed], ...facts.router })
  const started: WorkerProcess[] = []

  return {
    home,
    podsDir,
    dataDir,
    key,
    pod,
    podId: listed,
    router,
    start(config = {}) {
      const path = join(home, 'worker.json')
      const whole = {
        routerUrl: router.url,
        node: NODE,
        signerKeyFile: keyFile,
        podsDir,
        dataDir,
        slots: [{ pod: pod.manifest.name, device: 'cpu', warm: true }],
        // There is no chain here that could say whether the node has a past; `framing.test.ts` has one.
        acceptLoss: true,
        ...config,
      }
      writeFileSync(path, JSON.stringify(whole))
      const worker = watch(spawnWorker(path))
      started.push(worker)
      return worker
    },
    async close() {
      for (const worker of started) worker.kill('SIGKILL')
      await Promise.all(started.map((worker) => worker.gone))
      await router.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

const spawnWorker = (configPath: string): ChildProcess =>
  spawn(process.execPath, ['--import', 'tsx', 'worker/main.ts', configPath], {
    cwd: join(import.meta.dirname, '..', '..'),
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, HEURIST_LOG: 'debug' },
  })

function watch(child: ChildProcess): WorkerProcess {
  const lines: Record<string, unknown>[] = []
  const waiting = new Set<() => void>()
  if (!child.stdout || child.pid === undefined) throw new Error('the worker did not start')
  const { pid } = child
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (process.env.HEURIST_TEST_LOG) console.log(line)
    lines.push(line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : { line })
    for (const look of waiting) look()
  })
  // Not `close`: Node never emits it once this side has disconnected the channel.
  const gone = once(child, 'exit').then(([code, signal]) => ({ code, signal }))
  return {
    pid,
    lines,
    gone,
    said: (event) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const line = lines.find((one) => one.event === event)
          if (!line) return
          waiting.delete(look)
          resolve(line)
        }
        waiting.add(look)
        look()
        void gone.then(() => reject(new Error(`the worker ended without saying ${event}`)))
      }),
    kill: (signal) => void child.kill(signal),
    disconnect: () => child.disconnect(),
    slots: () => childrenOf(pid),
  }
}

/** A slot's process, from the sources or from the bundle. */
const SLOT = /worker\/slot\/main\.ts|\/slot\.js/

/** Never signals process 0, which is whoever runs the tests and all that they started. */
export function signalSlot(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined || pid <= 0) throw new Error('there is no slot to signal')
  process.kill(pid, signal)
}

/** From /proc: the tests that look for left-over processes run on Linux. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const facts = readFileSync(`/proc/${name}/stat`, 'utf8')
        const [state, parent] = facts.slice(facts.lastIndexOf(')') + 2).split(' ')
        if (state === 'Z' || Number(parent) !== pid) return false
        return SLOT.test(readFileSync(`/proc/${name}/cmdline`, 'utf8'))
      } catch {
        return false
      }
    })
    .map(Number)
}

export const isAlive = (pid: number): boolean => {
  try {
    const facts = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !facts.slice(facts.lastIndexOf(')') + 2).startsWith('Z')
  } catch {
    return false
  }
}

/** Polls until it holds; the test's own timeout is the bound. */
export async function eventually(look: () => boolean): Promise<void> {
  while (!look()) await new Promise((resolve) => setTimeout(resolve, 20))
}
