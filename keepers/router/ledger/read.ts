import type { Address, Hex } from 'viem'
import { type ErrorBody, later } from '../../../sdk/errors.ts'
import type { Leaf } from '../../../sdk/protocol/merkle.ts'
import { countersignedSchema, requestSchema } from '../../../sdk/protocol/wire.ts'
import type {
  AttemptRow,
  BatchRow,
  Gross,
  JobRow,
  KeptVoucher,
  Ledger,
  ReceiptRow,
  UnpostedLeaf,
} from './ledger.ts'
import type { Sqlite } from './sqlite.ts'

type Row = Record<string, unknown>
type Reads = Omit<Ledger, 'commit' | 'close' | 'lost'>

const JOB = `SELECT jobs.*, (SELECT node FROM attempts WHERE attempts.job = jobs.number
  ORDER BY attempt DESC LIMIT 1) AS node FROM jobs`

const LEAF = `SELECT receipts.leaf, receipts.body, receipts.price, receipts.at, vouchers.payer AS kept, ceiling,
  expiry, request, r, vs FROM receipts LEFT JOIN vouchers ON vouchers.payer = receipts.payer`

/** All but its bytes and its crown. */
const BATCH_FACTS = `seq, first_leaf, last_leaf, hash, root, gross, state, tx_hash, tx_raw, tx_nonce, signed_at, block,
  float_used, skipped, settled_at, final_at`
const BATCH = `SELECT ${BATCH_FACTS}, packed, data FROM batches`
/** A list of batches is no reason to read the bytes of each. */
const BATCH_WITHOUT_BYTES = `SELECT ${BATCH_FACTS}, x'' AS packed, x'' AS data FROM batches`

/**
 * The reading half. Statements are prepared at first use and kept.
 *
 * @param failed  Told what the engine said instead of an answer.
 */
export function reader(db: Sqlite, failed: (cause: unknown) => void): Reads {
  const prepared = new Map<string, ReturnType<Sqlite['prepare']>>()
  const prepare = (sql: string) => {
    const known = prepared.get(sql)
    if (known) return known
    const statement = db.prepare(sql)
    prepared.set(sql, statement)
    return statement
  }
  function ask<T>(sql: string, read: (statement: ReturnType<Sqlite['prepare']>) => T): T {
    // Statements outlive their connection, and would tell what was true before it was lost.
    if (!db.open) throw later('ledger.closed', 'The ledger is closed.')
    try {
      return read(prepare(sql))
    } catch (cause) {
      failed(cause)
      throw cause
    }
  }
  const get = (sql: string, ...params: (string | number)[]) =>
    ask(sql, (statement) => statement.get(params)) as Row | undefined
  const all = (sql: string, ...params: (string | number)[]) =>
    ask(sql, (statement) => statement.all(params)) as Row[]
  const maybe = <T>(row: Row | undefined, read: (row: Row) => T) => (row ? read(row) : undefined)

  return {
    async account(payer) {
      const row = get('SELECT charged, count FROM accounts WHERE payer = ?', payer)
      const voucher = get('SELECT * FROM vouchers WHERE payer = ?', payer)
      return {
        payer,
        charged: row ? BigInt(text(row.charged)) : 0n,
        count: row ? BigInt(text(row.count)) : 0n,
        ...(voucher ? { voucher: toVoucher(voucher) } : {}),
      }
    },
    grossOfAll: async () =>
      all('SELECT role, id, gross FROM payees').map((row) => ({
        role: text(row.role) as Gross['role'],
        id: Number(row.id),
        gross: BigInt(text(row.gross)),
      })),
    job: async (request) => maybe(get(`${JOB} WHERE request = ?`, request), toJob),
    jobById: async (payer, id) => maybe(get(`${JOB} WHERE id = ? AND payer = ?`, id, payer), toJob),
    recentJobs: async (limit) => all(`${JOB} ORDER BY number DESC LIMIT ?`, limit).map(toJob),
    openJobs: async () => all(`${JOB} WHERE status = 'admitted' ORDER BY number`).map(toJob),
    receipt: async (job) => maybe(get('SELECT * FROM receipts WHERE job = ?', job), toReceipt),
    lastReceiptOf: async (payer) =>
      maybe(
        get('SELECT * FROM receipts WHERE payer = ? ORDER BY leaf DESC LIMIT 1', payer),
        (row) => toReceipt(row).countersigned,
      ),
    output: async (job) =>
      maybe(get('SELECT bytes FROM outputs WHERE job = ?', job), (row) => bytes(row.bytes)),
    attempts: async (job) => all('SELECT * FROM attempts WHERE job = ? ORDER BY attempt', job).map(toAttempt),
    async nodeCounts() {
      const rows = all(`SELECT node, SUM(CASE WHEN outcome = 'ok' THEN 1 ELSE 0 END) AS succeeded,
        SUM(CASE WHEN outcome <> 'ok' THEN 1 ELSE 0 END) AS failed FROM attempts WHERE outcome IS NOT NULL
        GROUP BY node`)
      return rows.map((row) => ({
        node: Number(row.node),
        succeeded: Number(row.succeeded),
        failed: Number(row.failed),
      }))
    },
    async marks() {
      const job = get('SELECT COALESCE(MAX(number), 0) AS mark FROM jobs')
      const leaf = get('SELECT COALESCE(MAX(leaf), 0) AS mark FROM receipts')
      return { job: Number(job?.mark), leaf: Number(leaf?.mark) }
    },

    async grossOf(role, id) {
      const row = get('SELECT gross FROM payees WHERE role = ? AND id = ?', role, id)
      return row ? BigInt(text(row.gross)) : 0n
    },
    statement: async (role, id) =>
      maybe(get('SELECT * FROM statements WHERE role = ? AND id = ?', role, id), (row) => ({
        role,
        id,
        gross: BigInt(text(row.gross)),
        asOf: Number(row.as_of),
      })),
    chargedOfAll: async () =>
      all('SELECT payer, charged, count FROM accounts').map((row) => ({
        payer: text(row.payer) as Address,
        charged: BigInt(text(row.charged)),
        count: BigInt(text(row.count)),
      })),

    unposted: async (limit) =>
      all(
        `${LEAF} WHERE leaf > (SELECT COALESCE(MAX(last_leaf), 0) FROM batches) ORDER BY leaf LIMIT ?`,
        limit,
      ).map(toUnposted),
    leavesAfter: async (leaf, limit) =>
      all(`${LEAF} WHERE leaf > ? ORDER BY leaf LIMIT ?`, leaf, limit).map(toUnposted),
    async earliestExpiry() {
      // One look per payer, however many leaves wait.
      const row = get(`SELECT MIN(expiry) AS expiry FROM vouchers WHERE EXISTS (SELECT 1 FROM receipts
        WHERE receipts.payer = vouchers.payer AND leaf > (SELECT COALESCE(MAX(last_leaf), 0) FROM batches))`)
      return row && row.expiry !== null ? Number(row.expiry) : undefined
    },
    async unpostedCount() {
      // Leaves are numbered without a gap.
      const row = get(`SELECT COALESCE((SELECT MAX(leaf) FROM receipts), 0)
        - COALESCE((SELECT MAX(last_leaf) FROM batches), 0) AS count`)
      return Number(row?.count)
    },
    batch: async (seq) => maybe(get(`${BATCH} WHERE seq = ?`, Number(seq)), toBatch),
    batchOfLeaf: async (leaf) =>
      maybe(
        get(`${BATCH} WHERE last_leaf >= ? AND first_leaf <= ? ORDER BY last_leaf LIMIT 1`, leaf, leaf),
        toBatch,
      ),
    leavesOf: async ({ firstLeaf, lastLeaf }) =>
      all('SELECT body FROM receipts WHERE leaf BETWEEN ? AND ? ORDER BY leaf', firstLeaf, lastLeaf).map(
        (row) => toLeaf(text(row.body)),
      ),
    async crownOf(seq) {
      const row = get('SELECT crown FROM batches WHERE seq = ?', Number(seq))
      return row ? bytes(row.crown) : new Uint8Array()
    },
    newestLeafOf: async (payer, upTo) =>
      maybe(
        get(
          'SELECT leaf, body FROM receipts WHERE payer = ? AND leaf <= ? ORDER BY leaf DESC LIMIT 1',
          payer,
          upTo,
        ),
        (row) => ({ leaf: Number(row.leaf), body: toLeaf(text(row.body)) }),
      ),
    lastBatch: async () => maybe(get(`${BATCH} ORDER BY seq DESC LIMIT 1`), toBatch),
    unsettledBatch: async () => maybe(get(`${BATCH} WHERE state = 'signed' ORDER BY seq LIMIT 1`), toBatch),
    unfinalBatch: async () =>
      maybe(get(`${BATCH} WHERE state = 'settled' AND final_at IS NULL ORDER BY seq LIMIT 1`), toBatch),
    transactionsOf: async (seq) =>
      all('SELECT * FROM transactions WHERE seq = ? ORDER BY signed_at DESC, nonce DESC', Number(seq)).map(
        (row) => ({
          hash: text(row.hash) as Hex,
          raw: text(row.raw) as Hex,
          nonce: Number(row.nonce),
          signedAt: Number(row.signed_at),
        }),
      ),
    async floatUsedUpTo(seq) {
      const rows = all('SELECT float_used FROM batches WHERE seq <= ?', Number(seq))
      if (rows.some((row) => row.float_used === null)) return undefined
      return rows.reduce((sum, row) => sum + BigInt(text(row.float_used)), 0n)
    },
    recentBatches: async (limit) =>
      all(`${BATCH_WITHOUT_BYTES} ORDER BY seq DESC LIMIT ?`, limit).map(toBatch),
  }
}

/** Reads a column that the schema promises to be text. */
function text(value: unknown): string {
  if (typeof value !== 'string')
    throw new TypeError(`the ledger holds ${typeof value} where it promises text`)
  return value
}

/** The driver gives blobs as buffers where it reads one row, and as array buffers where it reads many. */
function bytes(value: unknown): Uint8Array {
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (!(value instanceof Uint8Array)) throw new TypeError('the ledger holds no bytes where it promises some')
  return new Uint8Array(value)
}

const toVoucher = (row: Row): KeptVoucher => ({
  ceiling: BigInt(text(row.ceiling)),
  expiry: Number(row.expiry),
  request: text(row.request) as Hex,
  r: text(row.r) as Hex,
  vs: text(row.vs) as Hex,
})

function toJob(row: Row): JobRow {
  const status = text(row.status)
  const node = Number(row.node ?? 0)
  return {
    number: Number(row.number),
    request: text(row.request) as Hex,
    body: requestSchema.parse(JSON.parse(text(row.body))),
    status: status === 'admitted' && node !== 0 ? 'dispatched' : (status as JobRow['status']),
    node,
    ...(row.error === null ? {} : { error: JSON.parse(text(row.error)) as ErrorBody }),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  }
}

const toAttempt = (row: Row): AttemptRow => ({
  job: Number(row.job),
  attempt: Number(row.attempt),
  node: Number(row.node),
  at: Number(row.at),
  decision: text(row.decision),
  ...(row.outcome === null ? {} : { outcome: text(row.outcome) }),
})

const toUnposted = (row: Row): UnpostedLeaf => ({
  leaf: Number(row.leaf),
  body: toLeaf(text(row.body)),
  price: BigInt(text(row.price)),
  at: Number(row.at),
  voucher: row.kept === null ? undefined : toVoucher(row),
})

const toReceipt = (row: Row): ReceiptRow => ({
  job: Number(row.job),
  leaf: Number(row.leaf),
  body: toLeaf(text(row.body)),
  price: BigInt(text(row.price)),
  countersigned: countersignedSchema.parse(JSON.parse(text(row.countersigned))),
  at: Number(row.at),
})

/** A leaf as `toWire` wrote it: bigints are decimal text. */
function toLeaf(json: string): Leaf {
  const leaf = JSON.parse(json) as Record<string, string | number>
  const big = (name: string) => BigInt(leaf[name] ?? '')
  return {
    payer: text(leaf.payer) as Address,
    charged: big('charged'),
    count: big('count'),
    request: text(leaf.request) as Hex,
    receipt: text(leaf.receipt) as Hex,
    node: Number(leaf.node),
    nodeGross: big('nodeGross'),
    pod: Number(leaf.pod),
    podGross: big('podGross'),
    frontend: Number(leaf.frontend),
    frontendGross: big('frontendGross'),
  }
}

const toBatch = (row: Row): BatchRow => ({
  seq: BigInt(Number(row.seq)),
  firstLeaf: Number(row.first_leaf),
  lastLeaf: Number(row.last_leaf),
  packed: bytes(row.packed),
  index: bytes(row.data),
  hash: text(row.hash) as Hex,
  root: text(row.root) as Hex,
  gross: BigInt(text(row.gross)),
  state: text(row.state) as BatchRow['state'],
  tx: { hash: text(row.tx_hash) as Hex, raw: text(row.tx_raw) as Hex, nonce: Number(row.tx_nonce) },
  signedAt: Number(row.signed_at),
  ...(row.block === null ? {} : { block: BigInt(Number(row.block)) }),
  ...(row.float_used === null ? {} : { floatUsed: BigInt(text(row.float_used)) }),
  ...(row.skipped === null ? {} : { skipped: Number(row.skipped) }),
  ...(row.settled_at === null ? {} : { settledAt: Number(row.settled_at) }),
  ...(row.final_at === null ? {} : { finalAt: Number(row.final_at) }),
})
