import type { Address } from 'viem'
import { bug, type HeuristError, refused } from '../../sdk/errors.ts'
import type { Ledger } from '../router/ledger/ledger.ts'
import type { Chain } from '../world.ts'
import { piecesAfter } from './pieces.ts'
import type { SettleDeps } from './settle.ts'

/**
 * Holds journal and chain side by side before anything is posted: what the chain has undone is under way again, and every
 * payer's debits and every payee's gross are compared.
 *
 * @throws `ledger.behind`, `ledger.differs` (refused): this data directory is not the one that routed on this chain.
 */
export async function reconcile(deps: SettleDeps): Promise<void> {
  const { chain, ledger, log, metrics, standing } = deps
  const [state, last] = [await chain.routerState(), await ledger.lastBatch()]
  if (state.seq > (last?.seq ?? 0n))
    throw foreign('ledger.behind', Number(state.seq), Number(last?.seq ?? 0n))
  if (state.seq > 0n && (await ledger.batch(state.seq))?.hash !== state.batchHash) {
    throw foreign('ledger.differs', Number(state.seq), Number(last?.seq ?? 0n))
  }
  await undo(deps, state.seq)
  const differences = await differencesOf(chain, ledger)
  standing.differs = differences.length > 0
  for (const difference of differences.slice(0, MOST_TOLD)) {
    log.error({ event: 'ledger.differs', ...difference, differences: differences.length })
  }
  if (standing.differs) metrics.alarm('ledger.differs')
}

/** Differences that are told one by one. */
const MOST_TOLD = 10
/** Reads of the chain that travel together. */
const CHUNK = 500

/** Batches above `seq` that the chain no longer has are under way again: the same bytes, in the same transaction. */
export async function undo({ chain, ledger, clock, log, metrics }: SettleDeps, seq: bigint): Promise<number> {
  const last = (await ledger.lastBatch())?.seq ?? 0n
  let undone = 0
  for (let next = seq + 1n; next <= last; next += 1n) {
    const batch = await ledger.batch(next)
    if (batch?.state !== 'settled') continue
    if (batch.packed.length === 0) throw forgotten(next, await chain.head())
    log.warn({
      event: 'batch.undone',
      seq: Number(next),
      tx: batch.tx.hash,
      block: Number(batch.block ?? 0n),
    })
    metrics.batch('undone', batch.lastLeaf - batch.firstLeaf + 1)
    await ledger.commit([{ op: 'batch.resigned', seq: next, tx: batch.tx, at: clock.nowMs() }])
    undone += 1
  }
  return undone
}

/** Something that journal and chain tell differently; amounts as decimal text. */
export interface Difference {
  what: string
  here: string
  onChain: string
}

/**
 * Compares totals while neither a batch nor a single payment lands between the reads. Single payments are looked for only
 * if something differs: their history is long.
 */
async function differencesOf(chain: Chain, ledger: Ledger): Promise<Difference[]> {
  let once: ReadonlyMap<string, bigint> = new Map()
  for (;;) {
    const { seq } = await chain.routerState()
    if (seq === 0n) return []
    const differences = await compare(chain, ledger, seq, once)
    if ((await chain.routerState()).seq !== seq) continue
    if (differences.length === 0) return []
    const now = await chain.paidOnce()
    if (equal(now, once)) return differences
    once = now
  }
}

const equal = (a: ReadonlyMap<string, bigint>, b: ReadonlyMap<string, bigint>): boolean =>
  a.size === b.size && [...a].every(([payee, amount]) => b.get(payee) === amount)

/** @param once  What single payments added to the gross of payees. */
async function compare(
  chain: Chain,
  ledger: Ledger,
  seq: bigint,
  once: ReadonlyMap<string, bigint>,
): Promise<Difference[]> {
  const floatUsed = await ledger.floatUsedUpTo(seq)
  const posted = await postedUpTo(ledger, (await ledger.batch(seq))?.lastLeaf ?? 0)
  const payers = await inChunks([...posted.payers.keys()], async (payer) => ({
    payer,
    charged: posted.payers.get(payer) ?? 0n,
    spent: (await chain.balance(payer)).spent,
  }))
  const payees = await inChunks(posted.payees, async ({ role, id, gross }) => ({
    payee: `${role} ${id}`,
    gross,
    onChain: (await chain.grossOf(role, id)) - (once.get(`${role} ${id}`) ?? 0n),
  }))
  return differencesIn(payers, payees, floatUsed)
}

/**
 * What does not add up. Pure. No payer was debited more than it was charged; what payers were not debited, the float
 * paid; every payee was credited exactly.
 *
 * @param floatUsed  Of all these batches; undefined if it is not known of one of them.
 */
export function differencesIn(
  payers: readonly { payer: Address; charged: bigint; spent: bigint }[],
  payees: readonly { payee: string; gross: bigint; onChain: bigint }[],
  floatUsed: bigint | undefined,
): Difference[] {
  const difference = (what: string, here: bigint, onChain: bigint): Difference => ({
    what,
    here: String(here),
    onChain: String(onChain),
  })
  const found = [
    ...payers.flatMap(({ payer, charged, spent }) =>
      spent > charged ? [difference(`payer ${payer}`, charged, spent)] : [],
    ),
    ...payees.flatMap(({ payee, gross, onChain }) =>
      gross === onChain ? [] : [difference(payee, gross, onChain)],
    ),
  ]
  const unpaid = payers.reduce((sum, { charged, spent }) => sum + charged - spent, 0n)
  if (floatUsed !== undefined && unpaid !== floatUsed) found.push(difference('float used', floatUsed, unpaid))
  return found
}

/** What the journal says of all leaves up to one: its totals less everything after it. */
async function postedUpTo(ledger: Ledger, lastLeaf: number) {
  const later = new Map<string, bigint>()
  const add = (line: string, price: bigint) => later.set(line, (later.get(line) ?? 0n) + price)
  // Leaves first: a call that is charged meanwhile adds to the totals only.
  for await (const piece of piecesAfter(ledger, lastLeaf)) {
    for (const { body, price } of piece) {
      for (const line of [body.payer, `node ${body.node}`, `pod ${body.pod}`, `frontend ${body.frontend}`])
        add(line, price)
    }
  }
  const payers = new Map<Address, bigint>()
  for (const { payer, charged } of await ledger.chargedOfAll()) {
    payers.set(payer, charged - (later.get(payer) ?? 0n))
  }
  const payees = (await ledger.grossOfAll()).map(({ role, id, gross }) => ({
    role,
    id,
    gross: gross - (later.get(`${role} ${id}`) ?? 0n),
  }))
  return { payers, payees }
}

async function inChunks<T, R>(all: readonly T[], read: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < all.length; at += CHUNK) {
    results.push(...(await Promise.all(all.slice(at, at + CHUNK).map(read))))
  }
  return results
}

const foreign = (code: string, onChain: number, here: number): HeuristError =>
  refused(code, `the chain has ${onChain} batches of this router that its ledger does not know`, {
    fix: 'Start with the data directory that posted them; one router key belongs to one ledger. Locally: --reset.',
    details: { onChain, here },
  })

const forgotten = (seq: bigint, head: bigint): HeuristError =>
  bug('batch.forgotten', `the chain has undone batch ${seq}, whose bytes this router no longer has`, {
    fix: 'A chain that goes back a month is another chain: start there with a new data directory and a new key.',
    details: { seq: Number(seq), head: Number(head) },
  })
