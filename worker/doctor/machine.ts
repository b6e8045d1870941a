import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asHeuristError, HeuristError, refused } from '../../sdk/errors.ts'
import { signatureLibrary } from '../../sdk/native.ts'
import { measureProvider, PROVIDERS } from '../bench.ts'
import type { Machine } from '../machine.ts'
import { openReceipts } from '../receipts.ts'
import { type Check, type Finding, look } from './check.ts'

const GIB = 1024 ** 3
const LEAST_NODE: readonly [number, number] = [20, 19]
const LEAST_DISK_BYTES = GIB
const LEAST_MEMORY_MIB = 1024

/** What this machine is and has, without asking anybody. */
export function examineMachine(home: string, machine: Machine): Promise<Check[]> {
  return Promise.all([
    look('machine.node', () => nodeVersion(process.versions.node)),
    look('machine.memory', () => memory(machine)),
    look('machine.disk', () => disk(home)),
    look('machine.temporary', () => writable(tmpdir())),
    look('machine.signatures', signatures),
    look('home.folder', () => homeFolder(home)),
    look('home.receipts', () => receipts(home)),
  ])
}

export function nodeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [leastMajor, leastMinor] = LEAST_NODE
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return `Node.js ${version}`
  throw refused('node.old', `Node.js ${version}`, {
    fix: `Install Node.js ${leastMajor}.${leastMinor} or newer.`,
  })
}

export function memory({ memoryMiB }: Machine): Finding {
  if (memoryMiB >= LEAST_MEMORY_MIB) return `${memoryMiB} MiB`
  throw refused('memory.short', `${memoryMiB} MiB of memory`, {
    fix: `Give the machine or the container at least ${LEAST_MEMORY_MIB} MiB.`,
  })
}

async function disk(home: string): Promise<Finding> {
  const folder = existsSync(home) ? home : tmpdir()
  const { bavail, bsize } = await statfs(folder)
  const free = `${(Number(bavail * bsize) / GIB).toFixed(1)} GiB free`
  if (bavail * bsize >= LEAST_DISK_BYTES) return free
  throw refused('disk.full', free, {
    fix: `Make room where ${folder} is: receipts must be written before they are sent.`,
  })
}

function writable(folder: string): Finding {
  try {
    accessSync(folder, constants.W_OK)
    return folder
  } catch (cause) {
    throw refused('folder.readonly', `${folder} cannot be written to`, {
      fix: `Give this user the right to write to ${folder}.`,
      cause,
    })
  }
}

function signatures(): Finding {
  if (signatureLibrary === 'native') return 'native libsecp256k1'
  return {
    detail: 'WebAssembly secp256k1: correct, but a few times slower',
    fix: 'Install on a platform with a prebuilt secp256k1, or let npm build it.',
  }
}

function homeFolder(home: string): Finding {
  if (!existsSync(home)) {
    throw refused('home.missing', `there is no ${home}`, { fix: 'Run `heurist node up`: it makes one.' })
  }
  writable(home)
  if (process.platform === 'win32' || (statSync(home).mode & 0o022) === 0) return home
  throw refused('home.writable_by_others', `others may write to ${home}`, { fix: `Run: chmod go-w ${home}` })
}

function receipts(home: string): Finding {
  if (!existsSync(join(home, 'receipts.db'))) return 'none yet'
  try {
    const store = openReceipts(home)
    const count = store.unreceived().length
    store.close()
    if (count === 0) return 'every receipt has been acknowledged'
    return {
      detail: `${count} receipts have not been acknowledged`,
      fix: 'Start the worker for the router that they were made for: it tells that router of them again.',
    }
  } catch (cause) {
    if (cause instanceof HeuristError && cause.code === 'worker.already_running') {
      return 'in use: a worker serves for this node now'
    }
    throw refused(
      'receipts.corrupt',
      `the receipt store cannot be opened: ${asHeuristError(cause).message}`,
      {
        fix: `Move ${join(home, 'receipts.db')} away, and give the node a new signer before it serves again.`,
        cause,
      },
    )
  }
}

/** Which execution providers really load here, and how fast they are. Takes seconds: each has a process of its own. */
export async function examineProviders({ gpus }: Machine): Promise<Check[]> {
  const measured = await Promise.all(PROVIDERS.map(measureProvider))
  return measured.map((one) => {
    const name = `provider.${one.provider}`
    if ('gflops' in one) return { name, ok: true, detail: `${one.gflops} Gflop/s in a small product` }
    const detail = `does not load: ${one.error}`
    if (one.provider === 'cpu') {
      return {
        name,
        ok: false,
        detail,
        fix: 'Install again: onnxruntime-node is broken or for another platform.',
      }
    }
    if (one.provider === 'cuda' && gpus.length > 0) {
      const fix = `There is a ${gpus[0]?.name}: run \`npm run install:cuda\`, with CUDA and cuDNN installed.`
      return { name, ok: false, detail, fix }
    }
    return { name, ok: true, detail: `not on this machine (${one.error})` }
  })
}
