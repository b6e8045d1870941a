import type { Address, Hex } from 'viem'
import { z } from 'zod'
import type { Call } from '../../../../sdk/chain/call.ts'
import { addressSchema, hashSchema } from '../../../../sdk/protocol/wire.ts'
import type { Problem } from '../session/words.ts'
import { isSameCall } from './repeats.ts'
import { roomy, type Shelf } from './shelf.ts'

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
  /**
   * What was known before the wallet was asked for call `at`; `isNumbered` = the nonce is that of the transaction of this
   * hash, and no guess any more.
   */
  asked?: { nonce: number; since: bigint; hash?: Hex; isNumbered?: true }
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

/** A call that was forgotten while a wallet might still carry it out. */
export interface Forgotten extends Pick<Intent, 'id' | 'from' | 'title'> {
  call: Call
  nonce: number
  since: bigint
  /** When it was forgotten. Milliseconds since 1970. */
  at: number
  /** Transactions of this call that are nothing new to anybody. */
  known: Hex[]
  /** Those that came in blocks since. */
  hashes: Hex[]
}

const hex = z.string().regex(/^0x(?:[0-9a-f]{2})*$/) as unknown as z.ZodType<Hex>
const problemSchema = z.object({ code: z.string(), says: z.string(), fix: z.string() })

const callSchema = z.object({ to: addressSchema, data: hex })

const knownSchema = {
  nonce: z.number().int().nonnegative(),
  since: z
    .string()
    .regex(/^\d{1,20}$/)
    .transform(BigInt),
}

/** Names of one repeat and one double each: what pages stored before an act could have several. */
const before = z.looseObject({
  repeated: z.exactOptional(z.looseObject({ at: z.number() })),
  double: z.exactOptional(z.string()),
})

function renamed(stored: unknown): unknown {
  const { repeated, double } = before.safeParse(stored).data ?? {}
  if (repeated === undefined) return stored
  const doubles = double === undefined ? {} : { doubles: [{ at: repeated.at, hash: double }] }
  return { repeats: [repeated], ...doubles, ...(stored as object) }
}

const actSchema = z.object({
  id: z.string(),
  from: addressSchema,
  title: z.string(),
  calls: z.array(callSchema).min(1),
  at: z.number().int().nonnegative(),
  phase: z.enum(['ready', 'asking', 'sent', 'done', 'failed']),
  asked: z.exactOptional(
    z.object({
      ...knownSchema,
      hash: z.exactOptional(hashSchema),
      isNumbered: z.exactOptional(z.literal(true)),
    }),
  ),
  repeats: z.exactOptional(z.array(z.object({ ...knownSchema, at: z.number().int().nonnegative() }))),
  doubles: z.exactOptional(z.array(z.object({ at: z.number().int().nonnegative(), hash: hashSchema }))),
  doneAt: z.exactOptional(z.number().int().nonnegative()),
  isConcluded: z.exactOptional(z.literal(true)),
  hashes: z.array(hashSchema),
  problem: z.exactOptional(problemSchema),
})

const intentSchema = z.preprocess(renamed, actSchema)

const forgottenSchema = z.object({
  ...knownSchema,
  id: z.string(),
  from: addressSchema,
  title: z.string(),
  call: callSchema,
  at: z.number().int().nonnegative(),
  known: z.array(hashSchema),
  hashes: z.array(hashSchema),
})

type Name = Pick<Intent, 'from' | 'id'>

export interface Intents {
  of(from: Address, id: string): Intent | undefined
  all(): Intent[]
  put(intent: Intent): void
  drop(intent: Name): void
  /** Whether it is written down, and not only held until the page is left. */
  survives(intent: Name): boolean
  forgotten(): Forgotten[]
  forgottenOf(from: Address, id: string): Forgotten[]
  putForgotten(forgotten: Forgotten): void
  dropForgotten(forgotten: Forgotten): void
  /** Changes by other tabs too. */
  subscribe(listen: () => void): () => void
}

/** Intents of one ledger on one chain. What cannot be read is forgotten: the chain knows what became of it. */
export function openIntents(
  storage: Shelf,
  { chainId, ledger }: { chainId: number; ledger: Address },
): Intents {
  const shelf = roomy(storage)
  const place = `${chainId}:${ledger.toLowerCase()}:`
  const [acts, left] = [`heurist-act:${place}`, `heurist-forgotten:${place}`]
  const nameOf = ({ from, id }: Name) => `${acts}${from.toLowerCase()}:${id}`
  const leftAs = ({ from, id, at, nonce }: Forgotten) => `${left}${from.toLowerCase()}:${id}:${at}:${nonce}`
  const listeners = new Set<() => void>()
  const tell = () => {
    for (const listen of listeners) listen()
  }
  if (typeof window !== 'undefined') {
    window.addEventListener('storage', ({ key }) => {
      if (key === null || key.startsWith(acts) || key.startsWith(left)) tell()
    })
  }
  function read<T>(name: string, schema: z.ZodType<T>): T | undefined {
    const text = shelf.getItem(name)
    return text === null ? undefined : schema.safeParse(decoded(text)).data
  }
  function allIn<T>(prefix: string, schema: z.ZodType<T>): T[] {
    const names = Array.from({ length: shelf.length }, (_, index) => shelf.key(index) ?? '')
    return names.filter((name) => name.startsWith(prefix)).flatMap((name) => read(name, schema) ?? [])
  }
  function write(
    name: string,
    value: Intent | Forgotten,
    mayStay: (below: string) => boolean = () => true,
  ): void {
    const text = JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? part.toString() : part))
    shelf.setItem(name, text, mayStay)
    tell()
  }
  function remove(name: string): void {
    shelf.removeItem(name)
    tell()
  }
  const forgotten = () => allIn(left, forgottenSchema)
  return {
    of: (from, id) => read(nameOf({ from, id }), intentSchema),
    all: () => allIn(acts, intentSchema),
    put: (intent) =>
      write(nameOf(intent), intent, (below) => leadsTo(intentSchema.safeParse(decoded(below)).data, intent)),
    drop: (intent) => remove(nameOf(intent)),
    survives: (intent) => shelf.survives(nameOf(intent)),
    forgotten,
    forgottenOf: (from, id) =>
      forgotten().filter((each) => each.id === id && each.from.toLowerCase() === from.toLowerCase()),
    putForgotten: (each) => write(leftAs(each), each),
    dropForgotten: (each) => remove(leftAs(each)),
    subscribe(listen) {
      listeners.add(listen)
      return () => listeners.delete(listen)
    },
  }
}

/** Whether a page that finds an act as it was before comes by the chain to what it is now, never to one that seems not asked for yet. */
function leadsTo(before: Intent | undefined, now: Intent): boolean {
  if (!isAsked(now)) return true
  return before !== undefined && isAsked(before) && before.at === now.at && before.calls.every(isIn(now))
}

const isAsked = ({ phase }: Intent): boolean => phase === 'asking' || phase === 'sent'

const isIn =
  ({ calls }: Intent) =>
  (call: Call, at: number): boolean =>
    calls[at] !== undefined && isSameCall(call, calls[at])

function decoded(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
