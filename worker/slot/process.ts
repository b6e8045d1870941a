import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { fromErrorBody, type HeuristError, later } from '../../sdk/errors.ts'
import type { Manifest } from '../../sdk/protocol/manifest.ts'
import type { Provider, Work } from '../engines/engine.ts'
import type { FromSlot, ToSlot } from './protocol.ts'

export interface Loaded {
  /** The execution provider that the warm-up run really used. */
  provider: Provider
  loadMs: number
}

/** The worker's side of one slot process. */
export interface SlotProcess {
  readonly pid: number | undefined
  /** Verifies the pod's files and warms its engine. @throws `pod.file_*`, what the engine throws, `slot.crashed`. */
  load(folder: string, manifest: Manifest, providers: Provider[]): Promise<Loaded>
  /** One at a time. @throws what the engine throws; `slot.crashed` (later) if the process dies. */
  run(input: Uint8Array, windowBytes: number, onChunk: (bytes: Uint8Array) => void): Promise<Work>
  credit(bytes: number): void
  /** Asks the engine to stop; `run` resolves with what it did so far. */
  cancel(): void
  kill(): void
  /** Lets go of it: it exits by itself, or is killed after `graceMs`. Resolves when it is gone. */
  close(graceMs: number): Promise<void>
  readonly exited: Promise<HeuristError>
}

// A worker that runs from a bundle starts its slots from it: one file instead of a hundred modules.
const BUNDLE = process.env.HEURIST_BUNDLE
const MAIN = BUNDLE ? join(BUNDLE, 'slot.js') : fileURLToPath(new URL('./main.ts', import.meta.url))
// Resolved from here, not from the folder the worker was started in.
export const TSX = import.meta.resolve('tsx')

interface Pending<T> {
  resolve(value: T): void
  reject(error: HeuristError): void
}

/** Secrets have no business where models run. */
export function slotEnvironment(
  env: NodeJS.ProcessEnv,
  extra: Record<string, string>,
): Record<string, string | undefined> {
  const kept = Object.entries(env).filter(
    ([name]) => !/key|secret|token|password|mnemonic|credential/i.test(name),
  )
  return { ...Object.fromEntries(kept), ...extra }
}

/** The child's last words, for the error that its death becomes. */
function listen(child: ChildProcess, onLine: (line: string) => void): () => string {
  let last = ''
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue
    createInterface({ input: stream }).on('line', (line) => {
      if (line.trim() !== '') last = line.slice(0, 300)
      onLine(line)
    })
  }
  return () => last
}

/**
 * @param environment  Added to the child's environment: which devices it may see.
 * @param onLine       Each line it prints.
 */
export function startSlotProcess(
  environment: Record<string, string>,
  onLine: (line: string) => void,
): SlotProcess {
  const child = fork(MAIN, [], {
    execArgv: BUNDLE ? [] : ['--import', TSX],
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: slotEnvironment(process.env, environment),
  })
  const lastLine = listen(child, onLine)
  const spoken = [child.stdout, child.stderr].map(
    (stream) => new Promise((resolve) => (stream ? stream.once('close', resolve) : resolve(undefined))),
  )
  let loading: Pending<Loaded> | undefined
  let running: (Pending<Work> & { run: number; onChunk: (bytes: Uint8Array) => void }) | undefined
  let runs = 0
  let dead: HeuristError | undefined

  const say = (message: ToSlot) => {
    // A dead channel is told by `exited`, not here.
    if (child.connected) child.send(message, () => {})
  }

  const exited = new Promise<HeuristError>((resolve) => {
    const gone = (why: string) => {
      const words = lastLine()
      const error = later('slot.crashed', `The slot's process ended (${why})${words ? `: ${words}` : ''}`, {
        fix: 'Send the job again; the slot restarts by itself.',
      })
      dead = error
      loading?.reject(error)
      running?.reject(error)
      loading = running = undefined
      resolve(error)
    }
    child.once('error', (cause) => gone(cause.message))
    // Not `close`: Node never emits it once this side has disconnected the channel. Its last words come first.
    child.once('exit', (code, signal) => {
      void Promise.all(spoken).then(() => gone(signal ?? `exit code ${code}`))
    })
  })

  function take(message: FromSlot): void {
    if (message.type === 'loaded' || message.type === 'unloadable') {
      if (message.type === 'loaded') loading?.resolve({ provider: message.provider, loadMs: message.loadMs })
      else loading?.reject(fromErrorBody(message.error))
      loading = undefined
      return
    }
    if (message.run !== running?.run) return
    if (message.type === 'chunk') {
      running.onChunk(message.bytes)
      return
    }
    if (message.type === 'done') running.resolve(message.work)
    else running.reject(fromErrorBody(message.error))
    running = undefined
  }
  child.on('message', (message) => take(message as FromSlot))

  return {
    pid: child.pid,
    exited,
    load: (folder, manifest, providers) =>
      new Promise((resolve, reject) => {
        if (dead) return reject(dead)
        loading = { resolve, reject }
        say({ type: 'load', folder, manifest, providers })
      }),
    run: (input, windowBytes, onChunk) =>
      new Promise((resolve, reject) => {
        if (dead) return reject(dead)
        runs += 1
        running = { run: runs, resolve, reject, onChunk }
        say({ type: 'run', run: runs, input, windowBytes })
      }),
    credit(bytes) {
      if (running) say({ type: 'credit', run: running.run, bytes })
    },
    cancel() {
      if (running) say({ type: 'cancel', run: running.run })
    },
    kill: () => void child.kill('SIGKILL'),
    async close(graceMs) {
      if (child.connected) child.disconnect()
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await exited
      clearTimeout(timer)
    },
  }
}
