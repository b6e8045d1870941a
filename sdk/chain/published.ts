import type { Hex } from 'viem'
import type { OpenBatch } from '../audit.ts'
import { asHeuristError, HeuristError, refused } from '../errors.ts'
import type { Documents } from '../leaves.ts'
import { type Keccak, keccak, toHex } from '../protocol/bytes.ts'
import { createTransport } from '../transport.ts'
import type { Chain } from './clients.ts'

/** Batch data that an auditor keeps, each document by its hash: who comes once a month has all of it for ever. */
export interface Archive {
  read(hash: Hex): Promise<Uint8Array | undefined>
  keep(hash: Hex, bytes: Uint8Array): Promise<void>
}

interface Source {
  chain: Chain
  routerUrl: string
  archive?: Archive
  keccak?: Keccak
}

export interface Served {
  /**
   * What the router serves of a batch; where it serves nothing or something else, what was kept of it. What the router
   * should serve and does not is told to the audit. The documents throw `data.missing` (refused), whatever the router
   * does; never its own errors.
   */
  of(event: { blockNumber: bigint }, open?: Pick<OpenBatch, 'absent'>): Documents
}

/** Waits before a document is asked for again, ms. A router that names a time gets it, up to the longest of these. */
const WAITS_MS = [250, 1_000, 4_000]
/** After so many documents in a row that never came, each is asked for once: who serves nothing is not waited for. */
const PATIENCE = 3

/** What one router serves to one auditor. */
export function createServed({ chain, routerUrl, archive, keccak: hashOf = keccak }: Source): Served {
  const transport = createTransport(routerUrl)
  const is = (bytes: Uint8Array, hash: Hex) => toHex(hashOf(bytes)) === hash
  let unserved = 0

  const kept = async (hash: Hex) => {
    const bytes = await archive?.read(hash)
    return bytes && is(bytes, hash) ? bytes : undefined
  }

  const once = (path: string): Promise<Uint8Array | HeuristError> =>
    transport.bytes(path).catch((cause: unknown) => asHeuristError(cause))

  async function ask(path: string): Promise<Uint8Array | HeuristError> {
    let answer = await once(path)
    for (const wait of unserved < PATIENCE ? WAITS_MS : []) {
      if (!isPutOff(answer)) break
      await passed(waitOf(answer, wait))
      answer = await once(path)
    }
    unserved = isPutOff(answer) ? unserved + 1 : 0
    return answer
  }

  return {
    of(event, open) {
      const tell = async (detail: string, { forgotten = false, putOff = false } = {}) => {
        const { timestamp } = await chain.client.getBlock({ blockNumber: event.blockNumber })
        open?.absent({ settledAt: Number(timestamp), forgotten, putOff, detail })
      }
      return async (path, hash) => {
        const answer = await ask(path)
        if (answer instanceof HeuristError) {
          const { code } = answer
          const detail = `the router does not serve ${path}: ${code}`
          await tell(detail, { forgotten: code === 'batch.forgotten', putOff: isPutOff(answer) })
          const bytes = await kept(hash)
          if (bytes) return bytes
          throw refused('data.missing', detail, { cause: answer })
        }
        if (is(answer, hash)) {
          await archive?.keep(hash, answer)
          return answer
        }
        const bytes = await kept(hash)
        if (bytes) await tell(`the router serves something else under ${path}`)
        return bytes ?? answer
      }
    },
  }
}

const isPutOff = (answer: Uint8Array | HeuristError): answer is HeuristError =>
  answer instanceof HeuristError && answer.kind === 'later'

function waitOf({ details }: HeuristError, wait: number): number {
  const asked = typeof details.retryAfterSeconds === 'number' ? details.retryAfterSeconds * 1_000 : 0
  return Math.min(Math.max(asked, wait), Math.max(...WAITS_MS))
}

const passed = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
