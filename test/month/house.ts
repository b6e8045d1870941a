import { join } from 'node:path'
import { bytesToHex, type Hex, keccak256, stringToHex } from 'viem'
import { createChain } from '../../keepers/chain.ts'
import { once } from '../../keepers/duty.ts'
import { type Books, createBooks } from '../../keepers/router/books.ts'
import { settleSchema } from '../../keepers/router/config.ts'
import { createFeed } from '../../keepers/router/feed.ts'
import type { BatchRow, UnpostedLeaf } from '../../keepers/router/ledger/ledger.ts'
import { openSqlite, type SqliteLedger } from '../../keepers/router/ledger/sqlite.ts'
import { createMetrics } from '../../keepers/router/metrics.ts'
import { bestVoucher } from '../../keepers/router/terms.ts'
import { buildBatch } from '../../keepers/settle/batch.ts'
import { reconcile } from '../../keepers/settle/reconcile.ts'
import { createSettle, type SettleDeps } from '../../keepers/settle/settle.ts'
import { createStanding } from '../../keepers/settle/standing.ts'
import { createStatements, type SignedReply, type Statements } from '../../keepers/settle/statements.ts'
import { type Chain, type Clock, realTimers } from '../../keepers/world.ts'
import { createSigner, type Signer, toCompact } from '../../sdk/native.ts'
import type { Leaf } from '../../sdk/protocol/merkle.ts'
import type { Request, Voucher } from '../../sdk/protocol/messages.ts'
import type { Countersigned, SignedReceipt } from '../../sdk/protocol/wire.ts'
import type { Person, Scene } from './scene.ts'

/** A crash that the month has planned. */
export class Crash extends Error {}

/** What a payer sends. */
export interface Asked {
  body: Request
  request: Hex
  voucher: Voucher
  signature: Hex
}

/**
 * A router without its doors: the real journal, books, statements, batch builder and settle duty, on the real contracts.
 * What it does with them is its character's business.
 */
export interface House {
  readonly name: string
  readonly person: Person
  readonly signer: Signer
  readonly journal: SqliteLedger
  /** Its node, for those that have one to favour. */
  accomplice: number
  crashes: number
  /** Admits a call: journal first. */
  admit(asked: Asked): Promise<void>
  /** It failed: nothing is owed. */
  fail(asked: Asked): Promise<void>
  /** It was delivered: charged, countersigned, durable. */
  deliver(asked: Asked, signed: SignedReceipt): Promise<Countersigned>
  state(role: 'node' | 'pod' | 'frontend', id: number): Promise<SignedReply>
  /** One look of the settle duty. @returns whether there was something to do. */
  settleOnce(): Promise<boolean>
  /** The next settlement is stored and never sent: the process dies first. */
  crashBeforeBroadcast(): void
  /** Loses the process, starts again from the journal, and holds it beside the chain. */
  crash(): Promise<void>
  /** Posts what it likes, as a router without scruples does. */
  post(leaves: readonly UnpostedLeaf[]): Promise<void>
  /** The leaves of one of its batches, as it published them. */
  published(batch: BatchRow): Promise<Leaf[]>
  close(): Promise<void>
}

interface Parts {
  journal: SqliteLedger
  books: Books
  statements: Statements
  duty: ReturnType<typeof createSettle>
  deps: SettleDeps
}

const SILENT = { info() {}, warn() {}, error() {} }
const HOUR_MS = 3_600_000
const ZERO: Hex = `0x${'00'.repeat(32)}`

export async function openHouse(scene: Scene, name: string): Promise<House> {
  const person = await scene.person(`router ${name}`)
  const signer = createSigner(person.key)
  const clock: Clock = { nowMs: () => scene.now() * 1000 }
  const { market } = scene
  const real = createChain(
    {
      rpcUrl: market.chain.rpcUrl,
      chainId: market.domain.chainId,
      ledger: scene.ledger.address,
      registry: scene.registry.address,
      key: person.key,
    },
    clock,
  )
  let dieBefore = false
  const chain: Chain = {
    ...real,
    async broadcast(raw) {
      if (dieBefore) throw new Crash('before the broadcast')
      await real.broadcast(raw)
    },
  }

  async function start(): Promise<Parts> {
    const journal = openSqlite(join(market.home, name, 'ledger.db'), realTimers)
    const books = createBooks(journal, scene.hasher, signer)
    await books.start()
    const standing = { ...createStanding(), synced: true }
    const metrics = createMetrics()
    const limits = settleSchema.parse({ maxAgeMs: 6 * HOUR_MS })
    const deps = { chain, ledger: journal, clock, log: SILENT, feed: createFeed(), metrics, limits, standing }
    const statements = createStatements({
      ledger: journal,
      clock,
      hasher: scene.hasher,
      signer,
      standing,
      metrics,
    })
    return { journal, books, statements, duty: createSettle(), deps }
  }
  let parts = await start()
  const jobs = new Map<Hex, number>()
  /** Batches that are not of its journal's leaves. */
  const forged = new Map<bigint, Leaf[]>()

  async function over(asked: Asked): Promise<void> {
    const account = await parts.books.use(asked.body.payer)
    parts.books.release(account, asked.body.maxPrice)
    parts.books.leave(account)
    parts.books.letGo(account)
  }

  const house: House = {
    name,
    person,
    signer,
    get journal() {
      return parts.journal
    },
    accomplice: 0,
    crashes: 0,
    async admit({ body, request, voucher, signature }) {
      const account = await parts.books.use(body.payer)
      const compact = toCompact(signature)
      if (!compact) throw new Error('an honest signature has low s')
      const { ceiling, expiry } = voucher
      account.voucher = bestVoucher(account.voucher, { ceiling, expiry, request, ...compact }, scene.now())
      const number = parts.books.nextJob()
      jobs.set(request, number)
      parts.books.hold(account, body.maxPrice)
      parts.books.letGo(account)
      await parts.journal.commit([
        { op: 'job.admitted', job: { number, request, body, at: clock.nowMs() } },
        { op: 'voucher.kept', payer: body.payer, voucher: account.voucher },
      ])
    },
    async fail(asked) {
      const error = { code: 'node.failed', kind: 'later', message: 'the node did not answer' } as const
      const job = jobs.get(asked.request) ?? 0
      await parts.journal.commit([{ op: 'job.failed', job, error, at: clock.nowMs() }])
      await over(asked)
    },
    async deliver(asked, signed) {
      const account = await parts.books.use(asked.body.payer)
      const job = jobs.get(asked.request) ?? 0
      const charge = { account, job, request: asked.body, signed, at: clock.nowMs() }
      const charged = parts.books.charge(charge)
      parts.books.letGo(account)
      await parts.journal.commit([{ op: 'job.receipted', output: new Uint8Array(0), ...charged }])
      await over(asked)
      return charged.receipt.countersigned
    },
    state: (role, id) => parts.statements(role, String(id)),
    settleOnce: () => once(parts.duty, parts.deps, SILENT),
    crashBeforeBroadcast: () => {
      dieBefore = true
    },
    async crash() {
      await parts.journal.abandon()
      dieBefore = false
      house.crashes += 1
      parts = await start()
      await reconcile(parts.deps)
      const error = { code: 'router.restarted', kind: 'later', message: 'lost in a crash' } as const
      for (const { number } of await parts.journal.openJobs()) {
        await parts.journal.commit([{ op: 'job.failed', job: number, error, at: clock.nowMs() }])
      }
    },
    async post(leaves) {
      const { journal } = parts
      const state = await chain.routerState()
      const batch = buildBatch(chain.router, leaves, { seq: state.seq, hash: state.batchHash })
      const args = [bytesToHex(batch.packed)]
      await scene.send(person, { ...scene.ledger, functionName: 'settle', args })
      const tx = { hash: keccak256(stringToHex(`${name} ${batch.seq}`)), raw: ZERO, nonce: 0 }
      const { seq } = batch
      const at = clock.nowMs()
      forged.set(
        seq,
        leaves.map(({ body }) => body),
      )
      await journal.commit([
        { op: 'batch.signed', batch, tx, at },
        { op: 'batch.settled', seq, txHash: tx.hash, block: 0n, floatUsed: 0n, skipped: 0, at },
      ])
    },
    published: async (batch) => forged.get(batch.seq) ?? parts.journal.leavesOf(batch),
    close: () => parts.journal.close(),
  }
  return house
}
