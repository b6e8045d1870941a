import type { Address, Hex } from 'viem'
import { z } from 'zod'
import type { Call } from '../../../../sdk/chain/call.ts'
import { addressSchema, hashSchema } from '../../../../sdk/protocol/wire.ts'
import type { Problem } from '../session/words.ts'

/**
 * What somebody began and the chain has not finished: written down before a wallet is asked, so that a page which is
 * loaded again knows what it was about, and never asks for the same thing twice.
 */

/**
 * `ready` = the next call waits to be asked for; `asking` = the wallet was asked and did not answer yet; `sent` = no block
 * holds it yet; `done` = all calls are in blocks; `failed` = one of them never will be, or failed there.
 */
export type Phase = 'ready' | 'asking' | 'sent' | 'done' | 'failed'

/** Call `at` was asked for more than once, the first time when this was known. */
export interface Repeat {
  at: number
  nonce: number
  since: bigint
}

export interface Intent {
  /** Which act of the page. */
  id: string
  from: Address
  /** For people, such as 'Lock 100 HEU'. */
  title: string
  calls: Call[]
  /** So many of the calls are in blocks. */
  at: number
  phase: Phase
  /** What was known before the wallet was asked for call `at`. */
  asked?: { nonce: number; since: bigint; hash?: Hex }
  /** Calls that were asked for more than once: a wallet that chooses its own nonces may send each of them. */
  repeats?: Repeat[]
  /** Second transactions for such calls, in blocks. */
  doubles?: { at: number; hash: Hex }[]
  /** When this browser saw that all of it is in blocks. Milliseconds since 1970. */
  doneAt?: number
  /** What follows from it is written down where its keys are kept. */
  isConcluded?: true
  /** Of the calls that are in blocks. */
  hashes: Hex[]
  problem?: Problem
}

const hex = z.string().regex(/^0x(?:[0-9a-f]{2})*$/) as unknown as z.ZodType<Hex>
const problemSchema = z.object({ code: z.string(), says: z.string(), fix: z.string() })

const knownSchema = {
  nonce: z.number().int().nonnegative(),
  since: z
    .string()
    .regex(/^\d{1,20}$/)
    .transform(BigInt),
}

const intentSchema = z.object({
  id: z.string(),
  from: addressSchema,
  title: z.string(),
  calls: z.array(z.object({ to: addressSchema, data: hex })).min(1),
  at: z.number().int().nonnegative(),
  phase: z.enum(['ready', 'asking', 'sent', 'done', 'failed']),
  asked: z.exactOptional(z.object({ ...knownSchema, hash: z.exactOptional(hashSchema) })),
  repeats: z.exactOptional(z.array(z.object({ ...knownSchema, at: z.number().int().nonnegative() }))),
  doubles: z.exactOptional(z.array(z.object({ at: z.number().int().nonnegative(), hash: hashSchema }))),
  doneAt: z.exactOptional(z.number().int().nonnegative()),
  isConcluded: z.exactOptional(z.literal(true)),
  hashes: z.array(hashSchema),
  problem: z.exactOptional(problemSchema),
})

export interface Intents {
  of(from: Address, id: string): Intent | undefined
  all(): Intent[]
  put(intent: Intent): void
  drop(intent: Pick<Intent, 'from' | 'id'>): void
  /** Changes by other tabs too. */
  subscribe(listen: () => void): () => void
}

/** What is needed of `localStorage`. */
export type Shelf = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>

/** Intents of one ledger on one chain. What cannot be read is forgotten: the chain knows what became of it. */
export function openIntents(
  shelf: Shelf,
  { chainId, ledger }: { chainId: number; ledger: Address },
): Intents {
  const prefix = `heurist-act:${chainId}:${ledger.toLowerCase()}:`
  const nameOf = ({ from, id }: Pick<Intent, 'from' | 'id'>) => `${prefix}${from.toLowerCase()}:${id}`
  const listeners = new Set<() => void>()
  const tell = () => {
    for (const listen of listeners) listen()
  }
  if (typeof window !== 'undefined') {
    window.addEventListener('storage', ({ key }) => (key === null || key.startsWith(prefix)) && tell())
  }
  const read = (name: string): Intent | undefined => {
    const text = shelf.getItem(name)
    if (text === null) return undefined
    const parsed = intentSchema.safeParse(decoded(text))
    return parsed.success ? parsed.data : undefined
  }
  return {
    of: (from, id) => read(nameOf({ from, id })),
    all() {
      const names = Array.from({ length: shelf.length }, (_, index) => shelf.key(index) ?? '')
      return names.filter((name) => name.startsWith(prefix)).flatMap((name) => read(name) ?? [])
    },
    put(intent) {
      const text = JSON.stringify(intent, (_, value) =>
        typeof value === 'bigint' ? value.toString() : value,
      )
      shelf.setItem(nameOf(intent), text)
      tell()
    },
    drop(intent) {
      shelf.removeItem(nameOf(intent))
      tell()
    },
    subscribe(listen) {
      listeners.add(listen)
      return () => listeners.delete(listen)
    },
  }
}

function decoded(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
