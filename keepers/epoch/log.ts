import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
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
  /** The very bytes whose hash a report names. */
  bytes(epoch: number): Uint8Array
}

export function openProbeLog(folder: string): ProbeLog {
  mkdirSync(folder, { recursive: true })
  const fileOf = (epoch: number) => join(folder, `${epoch}.ndjson`)
  const bytes = (epoch: number) =>
    existsSync(fileOf(epoch)) ? readFileSync(fileOf(epoch)) : new Uint8Array()

  return {
    add: (epoch, probe) => appendFileSync(fileOf(epoch), `${JSON.stringify(probe)}\n`),
    bytes,
    probes: (epoch) => linesOf(new TextDecoder().decode(bytes(epoch))),
  }
}

/** A line that a crash cut short counts for nobody. */
function linesOf(text: string): Probe[] {
  return text.split('\n').flatMap((line) => {
    if (!line.endsWith('}')) return []
    return [parseWire(probeSchema, JSON.parse(line), 'probe.unreadable') as Probe]
  })
}
