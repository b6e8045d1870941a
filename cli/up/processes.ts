import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { later } from '../../sdk/errors.ts'
import { ROOT } from '../home.ts'
import { programArgv } from '../program.ts'

/** What a process says once it serves. */
export interface Ready {
  event: 'ready'
  url?: string
  apiKey?: string
}

/** One of our long-running processes, as `up` starts it: `node --import tsx <entry> <config.json>`. */
export interface Part {
  name: string
  entry: string
  config: unknown
  /** More options of Node's. */
  options?: readonly string[]
}

export interface Running {
  readonly name: string
  readonly process: ChildProcess
  readonly ready: Ready
}

export interface Supervisor {
  /** Starts a part and waits until it is ready. */
  start(part: Part): Promise<Running>
  /** Called once with the name of a part that ended without being asked to. */
  onLost(listener: (name: string, code: number | null) => void): void
  /** Ends every part, last started first; what ignores 12 s of patience is killed. */
  stop(): Promise<void>
}

const READY_MS = 60_000
const PATIENCE_MS = 12_000

/** @param home  Configurations go to `<home>/config`, logs to `<home>/logs`. */
export function createSupervisor(home: string): Supervisor {
  const running: Running[] = []
  let stopping = false
  let lost: (name: string, code: number | null) => void = () => {}
  mkdirSync(join(home, 'config'), { recursive: true })
  mkdirSync(join(home, 'logs'), { recursive: true })

  return {
    async start(part) {
      const child = launch(home, part)
      const entry: Running = { name: part.name, process: child, ready: await readyOf(home, part.name, child) }
      running.push(entry)
      child.once('exit', (code) => {
        if (!stopping) lost(part.name, code)
      })
      return entry
    },
    onLost: (listener) => {
      lost = listener
    },
    async stop() {
      stopping = true
      await Promise.all(
        running
          .splice(0)
          .reverse()
          .map((entry) => end(entry.process)),
      )
    },
  }
}

const logFile = (home: string, name: string) => join(home, 'logs', `${name}.log`)

function launch(home: string, { name, entry, config, options = [] }: Part): ChildProcess {
  const configFile = join(home, 'config', `${name}.json`)
  writeFileSync(configFile, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 })
  const log = openSync(logFile(home, name), 'a')
  const child = spawn(process.execPath, [...options, ...programArgv(entry), configFile], {
    cwd: ROOT,
    // Its own group: a Ctrl-C reaches `up`, which ends the parts in order.
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  closeSync(log)
  return child
}

function readyOf(home: string, name: string, child: ChildProcess): Promise<Ready> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      reject(
        later('process.not_ready', `${name} ${why}`, {
          fix: `Its log: ${logFile(home, name)}${lastWords(home, name)}`,
        }),
      )
    }
    const timer = setTimeout(() => fail(`was not ready within ${READY_MS / 1000} s`), READY_MS)
    child.once('exit', (code) => fail(`ended with code ${code} before it was ready`))
    child.on('message', (message: Ready) => {
      if (message.event !== 'ready') return
      clearTimeout(timer)
      child.removeAllListeners('exit')
      resolve(message)
    })
  })
}

function lastWords(home: string, name: string): string {
  const lines = readFileSync(logFile(home, name), 'utf8').trimEnd().split('\n').slice(-3)
  return lines.map((line) => `\n     ${line.slice(0, 300)}`).join('')
}

/** SIGTERM, patience, SIGKILL. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  await exited
  clearTimeout(timer)
}
