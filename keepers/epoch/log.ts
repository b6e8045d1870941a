import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { z } from 'zod'
import { hashSchema, parseWire } from '../../sdk/protocol/wire.ts'

/** One probe and what became of it. Its line in the log is evidence: whoever doubts it looks the receipt up. */
export interface Probe {
  /** Unix seconds. */
  at: number
  node: number
  pod: string
  answered: boolean
  /** Struct hash of the request, if it came so far. */
  request?: Hex
  /** Why not, if it was not answered. */
  code?: string
}

const probeSchema = z.strictObject({
  at: z.number().int().nonnegative(),
  node: z.number().int().positive(),
  pod: z.string(),
  answered: z.boolean(),
  request: z.exactOptional(hashSchema),
  code: z.exactOptional(z.string()),
})

/** The probes of each epoch, one file of JSON lines per epoch, in the order in which they ended. */
export interface ProbeLog {
  add(epoch: number, probe: Probe): void
  probes(epoch: number): Probe[]
  /** Lines that a crash or a full disk cut short: they count for nobody. */
  torn(epoch: number): number
  /** The very bytes whose hash a report names. They never change once the epoch is over: nothing mends them. */
  bytes(epoch: number): Uint8Array
}

export function openProbeLog(folder: string): ProbeLog {
  mkdirSync(folder, { recursive: true })
  const fileOf = (epoch: number) => join(folder, `${epoch}.ndjson`)
  const bytes = (epoch: number) =>
    existsSync(fileOf(epoch)) ? readFileSync(fileOf(epoch)) : new Uint8Array()
  const lines = (epoch: number) =>
    new TextDecoder()
      .decode(bytes(epoch))
      .split('\n')
      .filter((line) => line !== '')
      .map(probeIn)

  return {
    add: (epoch, probe) => append(fileOf(epoch), JSON.stringify(probe)),
    bytes,
    probes: (epoch) => lines(epoch).filter((probe) => probe !== undefined),
    torn: (epoch) => lines(epoch).filter((probe) => probe === undefined).length,
  }
}

/** Begins a line of its own, also after one that was cut short. */
function append(path: string, line: string): void {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, 0o644)
  try {
    const { size } = fstatSync(file)
    const last = Buffer.alloc(1)
    if (size > 0) readSync(file, last, 0, 1, size - 1)
    const isTorn = size > 0 && last[0] !== NEWLINE
    writeFileSync(file, `${isTorn ? '\n' : ''}${line}\n`)
  } finally {
    closeSync(file)
  }
}

const NEWLINE = 0x0a

/** @returns undefined if it is no line of ours. */
function probeIn(line: string): Probe | undefined {
  try {
    return parseWire(probeSchema, JSON.parse(line), 'probe.unreadable') as Probe
  } catch {
    return undefined
  }
}
