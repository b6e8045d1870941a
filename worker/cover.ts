import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Address } from 'viem'
import { z } from 'zod'
import { computeLedgerAbi, routerBondAbi } from '../sdk/chain/abi.ts'
import { openChain } from '../sdk/chain/clients.ts'
import { asHeuristError, type HeuristError, later } from '../sdk/errors.ts'
import { recoverSigner } from '../sdk/native.ts'
import type { Log } from '../sdk/program.ts'
import { type Hasher, ROLE } from '../sdk/protocol/messages.ts'
import { parseWire, type StatementReply, statementReplySchema, toWire } from '../sdk/protocol/wire.ts'
import { type Counted, type Covered, decide, type Met, type Verdict } from './limit.ts'
import { POSTED_MS, type ReceiptStore } from './receipts.ts'
import { rounds } from './rounds.ts'

/** What covers this node's work for its router: the bond on chain, the router's Statement. */
export interface Cover {
  /** Whether a new call may be taken. @returns the refusal, or undefined. */
  refusal(): HeuristError | undefined
  readonly verdict: Verdict
  /** Asks chain and router now. A failure keeps what was known, and so the last cap. */
  look(): Promise<void>
  close(): void
}

export interface CoverDeps {
  node: number
  router: Address
  routerUrl: string
  chainId: number
  rpcUrl: string
  ledger: Address
  hasher: Hasher
  receipts: Pick<ReceiptStore, 'worked' | 'counted' | 'keepCounted'>
  /** Holds `statements/<router>.json`: the newest Statement, which is the node's evidence. */
  dataDir: string
  log: Log
  /** Between looks; near the limit they come sooner. Milliseconds. */
  everyMs?: number
  /** The verdict is another one now. */
  onChange(): void
  /** Unix milliseconds. */
  now: () => number
}

const EVERY_MS = 60_000
/** At most so long, near the limit and beyond it. */
const SOON_MS = 5_000
const ASK_MS = 10_000

/** Earlier Statements are kept this far apart; a claim needs one that is a day old. */
const APART_S = 3_600
const MOST_EARLIER = 200

const fileSchema = z.looseObject({
  reply: statementReplySchema,
  earlier: z.array(statementReplySchema),
})
interface Kept {
  reply: StatementReply
  /** Of lower gross and an hour apart, oldest first: what is a day old and not settled can be filed. */
  earlier: StatementReply[]
}

export const statementFile = (dataDir: string, router: Address): string =>
  join(dataDir, 'statements', `${router.toLowerCase()}.json`)

export function watchCover(deps: CoverDeps): Cover {
  const { log, receipts, everyMs = EVERY_MS } = deps
  const file = statementFile(deps.dataDir, deps.router)
  const askChain = chainReads(deps)
  let covered: Covered | undefined
  let kept = readKept(file)
  let counted = receipts.counted() ?? (kept && { from: metAt(kept.reply), marks: [] })
  let verdict = judge()

  function judge(): Verdict {
    const stated = kept &&
      counted && {
        gross: kept.reply.statement.gross,
        from: counted.from,
        fromDayBefore: counted.marks.findLast(({ at }) => deps.now() - at >= POSTED_MS),
      }
    return decide({ covered, stated, worked: receipts.worked() })
  }

  function told(next: Verdict): void {
    const before = verdict.stop
    verdict = next
    if (next.stop === before) return
    const figures = {
      unposted: next.unposted.toString(),
      share: next.share.toString(),
      cap: next.cap.toString(),
    }
    if (next.stop === undefined) log.info({ event: 'cover.enough', ...figures })
    else log.error({ event: 'cover.gone', reason: next.stop, ...figures, ...fixOf(next.stop, file) })
    deps.onChange()
  }

  async function look(): Promise<void> {
    // A Statement that is asked for after the chain was read knows at least what the chain had settled.
    const [chain, reply] = [await settle(askChain()), await settle(fetchStatement(deps))]
    if (chain.value) covered = chain.value
    else log.warn({ event: 'cover.unread', what: 'chain', error: chain.error?.toJSON() })
    if (reply.value) keep(reply.value)
    else if (reply.error) log.warn({ event: 'cover.unread', what: 'statement', error: reply.error.toJSON() })
    told(judge())
  }

  /** A Statement only replaces one that says less: of two that say the same the older one can be filed sooner. */
  function keep(reply: StatementReply): void {
    if (kept && reply.statement.gross < kept.reply.statement.gross) {
      log.error({
        event: 'statement.fell',
        gross: reply.statement.gross.toString(),
        kept: kept.reply.statement.gross.toString(),
      })
      return
    }
    count(reply)
    if (kept?.reply.statement.gross === reply.statement.gross) return
    kept = { reply, earlier: kept ? withEarlier(kept, covered?.settled ?? 0n) : [] }
    writeKept(file, kept)
  }

  function count(reply: StatementReply): void {
    const from = latest(counted?.from, metAt(reply))
    const marks = withMark(counted?.marks ?? [], from, deps.now())
    if (from === counted?.from && marks === counted.marks) return
    counted = { from, marks }
    receipts.keepCounted(counted)
  }

  /**
   * Where a Statement and this store count together, at the earliest: it knows of nothing but calls that are charged here and
   * calls of which the router has said nothing, or another thing first.
   */
  function metAt({ statement }: StatementReply): Met {
    const { charged, uncharged, unanswered } = receipts.worked()
    return { gross: statement.gross, charged: charged + uncharged + unanswered }
  }

  function pauseMs(): number {
    const near = verdict.share * 2n >= verdict.cap || verdict.stop !== undefined
    return near || !covered ? Math.min(SOON_MS, everyMs) : everyMs
  }
  const close = rounds(look, pauseMs, look())

  return {
    get verdict() {
      return verdict
    },
    refusal() {
      told(judge())
      if (verdict.stop === undefined) return undefined
      return later('slot.busy', `This node takes no new call of this router: ${WORDS[verdict.stop]}.`, {
        fix: 'Send it to another node.',
        details: { reason: verdict.stop },
      })
    },
    look,
    close,
  }
}

/** How much more a router counts than the store: where that is higher, it can hide less. */
const offset = ({ gross, charged }: Met): bigint => gross - charged

const latest = (known: Met | undefined, met: Met): Met =>
  known && offset(known) >= offset(met) ? known : met

/** With where both count from now, if the last mark is an hour old and elsewhere; without those that a day-old one follows. */
function withMark(known: Counted['marks'], from: Met, nowMs: number): Counted['marks'] {
  // The clock may have gone back.
  const marks = known.some(({ at }) => at > nowMs) ? known.filter(({ at }) => at <= nowMs) : known
  const last = marks.at(-1)
  if (last && (offset(last) === offset(from) || nowMs - last.at < APART_S * 1000)) return marks
  const old = marks.findLastIndex(({ at }) => nowMs - at >= POSTED_MS)
  return [...marks.slice(Math.max(0, old)), { ...from, at: nowMs }]
}

const WORDS = {
  router_stopped: 'its bond does not let it settle',
  statement_behind: 'its Statement does not know of work that it charged',
  unposted: 'it has not settled work of a day ago',
  limit: 'it owes this node as much as its bond would pay',
} as const

/** What the node's owner can do when its router does not. */
const fixOf = (stop: keyof typeof WORDS, statement: string) => ({
  fix:
    stop === 'router_stopped'
      ? 'Wait until the router tops up its bond, or dial another router.'
      : `It resumes by itself when the router posts. A Statement that is a day old can be filed: heurist claim --shortfall ${statement}`,
  statement,
})

function chainReads({ chainId, rpcUrl, ledger, router, node }: CoverDeps): () => Promise<Covered> {
  const { client } = openChain({ chainId, rpcUrl })
  const books = { address: ledger, abi: computeLedgerAbi } as const
  let bond: Address | undefined
  return async () => {
    bond ??= await client.readContract({ ...books, functionName: 'bond' })
    const bonds = { address: bond, abi: routerBondAbi } as const
    const [cap, bps, settled] = await Promise.all([
      client.readContract({ ...bonds, functionName: 'coverOf', args: [router, ROLE.node, node] }),
      client.readContract({ ...books, functionName: 'shareBpsOf', args: [ROLE.node, node] }),
      client.readContract({ ...books, functionName: 'grossOf', args: [router, ROLE.node, node] }),
    ])
    return { cap, bps: Number(bps), settled }
  }
}

/**
 * @returns undefined if the router has charged no call of this node yet.
 * @throws `router.unreachable` (later), `statement.malformed`, `statement.invalid` (refused by us).
 */
async function fetchStatement(deps: CoverDeps): Promise<StatementReply | undefined> {
  const { node, router, hasher, now } = deps
  const url = `${deps.routerUrl.replace(/\/+$/, '')}/v1/statements/node/${node}`
  const response = await fetch(url, { signal: AbortSignal.timeout(ASK_MS) })
  if (response.status === 404) return undefined
  if (!response.ok) throw later('router.unreachable', `${url} answers ${response.status}`)
  const reply = parseWire(statementReplySchema, await response.json(), 'statement.malformed')
  const { statement, signature } = reply
  const signer = recoverSigner(hasher.digest('Statement', statement), signature)
  const isOurs = statement.role === ROLE.node && statement.id === node
  const isItsWord = signer?.toLowerCase() === router.toLowerCase()
  // One that is dated ahead could not be filed in time.
  const isOfNow = statement.asOf * 1000 <= now() + SOON_MS * 12
  if (isOurs && isItsWord && isOfNow) return reply
  throw later(
    'statement.invalid',
    'The router gave a Statement that is not its own, not ours, or not of now.',
  )
}

async function settle<T>(promise: Promise<T>): Promise<{ value?: T; error?: HeuristError }> {
  return promise.then(
    (value) => ({ value }),
    (cause: unknown) => ({ error: asHeuristError(cause) }),
  )
}

/** The Statements before the newest, without those that the chain has settled. */
function withEarlier({ reply, earlier }: Kept, settled: bigint): StatementReply[] {
  const open = earlier.filter(({ statement }) => statement.gross > settled)
  const last = open.at(-1)
  const isApart = !last || reply.statement.asOf - last.statement.asOf >= APART_S
  return (isApart ? [...open, reply] : open).slice(-MOST_EARLIER)
}

function readKept(file: string): Kept | undefined {
  try {
    const { reply, earlier } = fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    return { reply, earlier }
  } catch {
    // None yet, or unreadable: the router is asked for a new one.
    return undefined
  }
}

function writeKept(file: string, kept: Kept): void {
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 })
  writeFileSync(`${file}.new`, `${toWire(kept)}\n`, { mode: 0o600, flush: true })
  renameSync(`${file}.new`, file)
}
