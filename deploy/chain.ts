import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { later, refused } from '../sdk/errors.ts'

/** The id of every local chain of ours. */
export const LOCAL_CHAIN_ID = 31_337

/**
 * A local EVM chain at ZKsync OS's level and cadence: Cancun, 250 ms blocks, 100 M gas per block.
 * Interval mining, because automine leaves transactions unmined under load. The states of the last 1,500 blocks can be
 * asked for. Without that limit older ones go to the user's home folder, gigabytes an hour, and stay there when the chain
 * is killed.
 */
const ANVIL_OPTIONS =
  '--hardfork cancun --block-time 0.25 --gas-limit 100000000 --prune-history 1500 --silent'.split(' ')

/** For a chain to come up on a busy machine; one whose process has ended is not waited for. */
const ANSWERS_MS = 60_000

export interface ChainOptions {
  port: number
  /** Where the state is kept between starts; none = in memory only. Written every 15 s and on SIGTERM. */
  stateFile?: string
  /** Where the chain's output goes. Default: thrown away. */
  logFile?: string
}

export interface LocalChain {
  readonly rpcUrl: string
  readonly engine: 'anvil' | 'hardhat'
  /** The guard process; the chain itself is its child and ends with it. */
  readonly process: ChildProcess
  /** Stops with the state written. Harmless when it has stopped already. */
  stop(): Promise<void>
}

const require = createRequire(import.meta.url)
const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** The platform's own anvil binary: npm's launcher hides exit codes and signals. */
export function foundryBinary(tool: 'anvil' | 'forge'): string | undefined {
  const extension = process.platform === 'win32' ? '.exe' : ''
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  try {
    const manifest = require.resolve(`@foundry-rs/${tool}-${process.platform}-${arch}/package.json`)
    const file = join(dirname(manifest), 'bin', `${tool}${extension}`)
    return existsSync(file) ? file : undefined
  } catch {
    return undefined
  }
}

function command(options: ChainOptions): { engine: LocalChain['engine']; argv: string[] } {
  const anvil = foundryBinary('anvil')
  const port = String(options.port)
  if (anvil === undefined || process.env.HEURIST_CHAIN === 'hardhat') {
    const hardhat = join(root, 'node_modules', 'hardhat', 'internal', 'cli', 'bootstrap.js')
    const config = join(root, 'hardhat.config.cts')
    // Loopback only: its keys are known to everybody.
    const where = ['--hostname', '127.0.0.1', '--port', port]
    return {
      engine: 'hardhat',
      argv: [process.execPath, hardhat, '--config', config, 'node', ...where],
    }
  }
  const state = options.stateFile ? ['--state', options.stateFile, '--state-interval', '15'] : []
  const where = ['--host', '127.0.0.1', '--port', port, '--chain-id', String(LOCAL_CHAIN_ID)]
  return { engine: 'anvil', argv: [anvil, ...where, ...ANVIL_OPTIONS, ...state] }
}

/**
 * Starts the embedded chain and waits until it answers.
 *
 * @throws `chain.not_started` (later) with the last words of the chain if it does not answer within 60 s,
 *         `chain.wrong` (refused) if something else answers on the port.
 */
export async function startChain(options: ChainOptions): Promise<LocalChain> {
  const { engine, argv } = command(options)
  if (options.stateFile) mkdirSync(dirname(options.stateFile), { recursive: true })
  const log = options.logFile === undefined ? 'ignore' : openSync(options.logFile, 'a')
  const guard = spawn(process.execPath, [join(root, 'deploy', 'chain-guard.mjs'), ...argv], {
    stdio: ['ignore', log, log, 'ipc'],
    cwd: root,
    env: { ...process.env, HEURIST_BLOCK_MS: '250' },
  })
  const exited = new Promise<void>((resolve) => guard.once('exit', () => resolve()))
  const rpcUrl = `http://127.0.0.1:${options.port}`

  async function stop() {
    if (guard.exitCode === null && guard.signalCode === null) guard.kill('SIGTERM')
    await exited
  }

  try {
    await answers(rpcUrl, guard)
  } catch (cause) {
    await stop()
    throw cause
  }
  return { rpcUrl, engine, process: guard, stop }
}

async function answers(rpcUrl: string, guard: ChildProcess): Promise<void> {
  const deadline = Date.now() + ANSWERS_MS
  while (Date.now() < deadline) {
    if (guard.exitCode !== null) break
    const chainId = await chainIdOf(rpcUrl)
    if (chainId === LOCAL_CHAIN_ID) return
    if (chainId !== undefined) {
      throw refused('chain.wrong', `chain ${chainId} answers on ${rpcUrl}, not ${LOCAL_CHAIN_ID}`, {
        fix: 'Stop what runs there, or start with --port-base on other ports.',
      })
    }
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw later('chain.not_started', `the local chain did not answer on ${rpcUrl}`, {
    fix: 'Read its log; if its state file is damaged, start with --reset.',
  })
}

/** The chain id that answers at `rpcUrl`, undefined if none does. */
export async function chainIdOf(rpcUrl: string): Promise<number | undefined> {
  try {
    const response = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] }),
      signal: AbortSignal.timeout(2_000),
    })
    const { result } = (await response.json()) as { result?: string }
    return result === undefined ? undefined : Number(result)
  } catch {
    return undefined
  }
}
