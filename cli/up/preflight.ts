import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { refused } from '../../sdk/errors.ts'
import type { Ports } from '../home.ts'

const MIB = 1024 * 1024
/** What the whole network takes with both pods loaded on one node each. */
const NEEDED_MEMORY_MIB = 1_500
const NEEDED_DISK_MIB = 200

/**
 * Everything that would make a start fail later, said now.
 *
 * @throws `node.too_old`, `memory.low`, `disk.low`, `port.taken` (refused), each with a way out.
 */
export async function preflight(home: string, ports: Ports): Promise<void> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    throw refused('node.too_old', `Node ${process.versions.node} is too old`, {
      fix: 'Install Node 20.19 or later.',
    })
  }
  const memory = Math.floor(availableMemory() / MIB)
  if (memory < NEEDED_MEMORY_MIB) {
    throw refused('memory.low', `${memory} MiB of memory are free; the network needs ${NEEDED_MEMORY_MIB}`, {
      fix: 'Close something, or start fewer nodes: --nodes 1.',
    })
  }
  mkdirSync(home, { recursive: true })
  const disk = statfsSync(home)
  if ((disk.bavail * disk.bsize) / MIB < NEEDED_DISK_MIB) {
    throw refused('disk.low', `less than ${NEEDED_DISK_MIB} MiB are free where ${home} lies`, {
      fix: 'Free some, or set HEURIST_HOME to another disk.',
    })
  }
  for (const [name, port] of Object.entries(ports)) await assertFree(name, port)
}

/** Memory that can be had without swapping; what the kernel could give back counts. */
function availableMemory(): number {
  try {
    const match = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))
    if (match) return Number(match[1]) * 1024
  } catch {
    // Not Linux: Node's own figure is the best there is.
  }
  return freemem()
}

function assertFree(name: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (cause) => {
      reject(
        refused('port.taken', `port ${port} (${name}) is taken`, {
          fix: 'Stop what listens there, or start on other ports: npm start -- --port-base 17800.',
          cause,
        }),
      )
    })
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()))
  })
}

/**
 * One network per home.
 *
 * @returns Gives the home free again.
 * @throws `network.running` (refused) if another `up` holds it.
 */
export function lockHome(home: string): () => void {
  mkdirSync(home, { recursive: true })
  const file = join(home, 'up.pid')
  if (existsSync(file)) {
    const holder = Number(readFileSync(file, 'utf8'))
    if (isAlive(holder)) {
      throw refused('network.running', `the network of ${home} runs already (process ${holder})`, {
        fix: 'Use it, stop it with Ctrl-C there, or start another with HEURIST_HOME and --port-base.',
      })
    }
  }
  writeFileSync(file, String(process.pid))
  return () => rmSync(file, { force: true })
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
