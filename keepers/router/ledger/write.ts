import { toWire } from '../../../sdk/protocol/wire.ts'
import type { SignedTransaction } from '../../world.ts'
import type { AdmittedJob, Charged, Gross, NewBatch, Op, ReceiptRow } from './ledger.ts'
import type { Sqlite } from './sqlite.ts'

/** A value as the engine takes it. */
export type Value = string | number | null | Buffer

/** One write: a statement by its name, and what is bound to it. */
export type Row = readonly [statement: StatementName, ...values: Value[]]

export type StatementName = keyof typeof STATEMENTS

const STATEMENTS = {
  admit: `INSERT INTO jobs (number, request, payer, id, body, status, error, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, 'admitted', NULL, ?, ?)
     ON CONFLICT (number) DO UPDATE SET status = 'admitted', error = NULL, updated_at = excluded.updated_at`,
  keepVoucher: `INSERT INTO vouchers (payer, ceiling, expiry, request, r, vs) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (payer) DO UPDATE SET ceiling = excluded.ceiling, expiry = excluded.expiry,
       request = excluded.request, r = excluded.r, vs = excluded.vs`,
  dispatch: `INSERT INTO attempts (job, attempt, node, at, decision) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (job, attempt) DO NOTHING`,
  endAttempt: 'UPDATE attempts SET outcome = ? WHERE job = ? AND attempt = ?',
  receipt: `INSERT INTO receipts (leaf, job, payer, body, price, countersigned, at) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (leaf) DO NOTHING`,
  output: `INSERT INTO outputs (job, bytes, at) VALUES (?, ?, ?)
     ON CONFLICT (job) DO UPDATE SET bytes = excluded.bytes, at = excluded.at`,
  finish: 'UPDATE jobs SET status = ?, error = ?, updated_at = ? WHERE number = ?',
  account: `INSERT INTO accounts (payer, charged, count) VALUES (?, ?, ?)
     ON CONFLICT (payer) DO UPDATE SET charged = excluded.charged, count = excluded.count`,
  payee: `INSERT INTO payees (role, id, gross) VALUES (?, ?, ?)
     ON CONFLICT (role, id) DO UPDATE SET gross = excluded.gross`,
  newBatch: `INSERT INTO batches (seq, first_leaf, last_leaf, packed, data, crown, hash, root, gross,
       state, tx_hash, tx_raw, tx_nonce, signed_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'signed', ?, ?, ?, ?)`,
  resign: `UPDATE batches SET state = 'signed', tx_hash = ?, tx_raw = ?, tx_nonce = ?, signed_at = ?, block = NULL,
       float_used = NULL, skipped = NULL, settled_at = NULL, final_at = NULL WHERE seq = ?`,
  keepTransaction: `INSERT INTO transactions (hash, seq, raw, nonce, signed_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (hash) DO NOTHING`,
  // Of several transactions the one that was mined is the batch's: its bytes are sent again if it is undone.
  settle: `UPDATE batches SET state = 'settled', tx_hash = ?1,
       tx_raw = COALESCE((SELECT raw FROM transactions WHERE hash = ?1), tx_raw),
       tx_nonce = COALESCE((SELECT nonce FROM transactions WHERE hash = ?1), tx_nonce),
       block = ?2, float_used = ?3, skipped = ?4, settled_at = ?5 WHERE seq = ?6`,
  makeFinal: 'UPDATE batches SET final_at = ? WHERE seq = ?',
  state: `INSERT INTO statements (role, id, gross, as_of) VALUES (?, ?, ?, ?)
     ON CONFLICT (role, id) DO UPDATE SET gross = excluded.gross, as_of = excluded.as_of`,
  forgetTransactions: `DELETE FROM transactions WHERE seq IN
       (SELECT seq FROM batches WHERE final_at IS NOT NULL AND settled_at < ? AND length(data) > 0)`,
  forgetBatches: `UPDATE batches SET data = x'', packed = x'', tx_raw = ''
     WHERE final_at IS NOT NULL AND settled_at < ? AND length(data) > 0`,
  forgetDecisions: `UPDATE attempts SET decision = '' WHERE at < ? AND decision <> ''`,
  forgetOutputs: 'DELETE FROM outputs WHERE at < ?',
} as const

/** Runs rows, in their order. */
export function runner(db: Sqlite): (rows: readonly Row[]) => void {
  const prepared = Object.fromEntries(
    Object.entries(STATEMENTS).map(([name, sql]) => [name, db.prepare(sql)]),
  ) as Record<StatementName, ReturnType<Sqlite['prepare']>>
  return (rows) => {
    for (const [statement, ...values] of rows) prepared[statement].run(values)
  }
}

/** What operations write. Figures are absolute: of one group, only the last of each account and payee is written. */
export function rowsOf(ops: readonly Op[]): Row[] {
  const accounts = new Map<string, Charged>()
  const payees = new Map<string, Gross>()
  for (const op of ops) {
    if (op.op !== 'job.receipted') continue
    accounts.set(op.account.payer, op.account)
    for (const payee of op.gross) payees.set(`${payee.role} ${payee.id}`, payee)
  }
  return [
    ...ops.flatMap(rowsOfOne),
    ...Array.from(
      accounts.values(),
      ({ payer, charged, count }): Row => ['account', payer, charged.toString(), count.toString()],
    ),
    ...Array.from(payees.values(), ({ role, id, gross }): Row => ['payee', role, id, gross.toString()]),
  ]
}

function rowsOfOne(op: Op): Row[] {
  switch (op.op) {
    case 'job.admitted':
      return [rowOfJob(op.job)]
    case 'voucher.kept': {
      const { ceiling, expiry, request, r, vs } = op.voucher
      return [['keepVoucher', op.payer, ceiling.toString(), expiry, request, r, vs]]
    }
    case 'job.dispatched': {
      const { job, attempt, node, at, decision } = op.attempt
      return [['dispatch', job, attempt, node, at, decision]]
    }
    case 'attempt.ended':
      return [['endAttempt', op.outcome, op.job, op.attempt]]
    case 'job.receipted':
      return rowsOfReceipt(op.receipt, op.output)
    case 'job.failed':
      return [['finish', 'failed', JSON.stringify(op.error), op.at, op.job]]
    case 'batch.signed':
      return [rowOfBatch(op.batch, op.tx, op.at), rowOfTransaction(op.batch.seq, op.tx, op.at)]
    case 'batch.resigned':
      return [
        ['resign', op.tx.hash, op.tx.raw, op.tx.nonce, op.at, Number(op.seq)],
        rowOfTransaction(op.seq, op.tx, op.at),
      ]
    case 'batch.settled': {
      const { txHash, block, floatUsed, skipped, at, seq } = op
      return [['settle', txHash, Number(block), floatUsed.toString(), skipped, at, Number(seq)]]
    }
    case 'batch.final':
      return [['makeFinal', op.at, Number(op.seq)]]
    case 'statement.signed': {
      const { role, id, gross, asOf } = op.statement
      return [['state', role, id, gross.toString(), asOf]]
    }
    case 'batches.forgotten':
      return [
        ['forgetTransactions', op.before],
        ['forgetBatches', op.before],
      ]
    case 'decisions.forgotten':
      return [['forgetDecisions', op.before]]
    case 'outputs.forgotten':
      return [['forgetOutputs', op.before]]
  }
}

const rowOfJob = ({ number, request, body, at }: AdmittedJob): Row => [
  'admit',
  number,
  request,
  body.payer,
  body.id,
  toWire(body),
  at,
  at,
]

const rowsOfReceipt = (
  { leaf, job, body, price, countersigned, at }: ReceiptRow,
  output: Uint8Array,
): Row[] => [
  ['receipt', leaf, job, body.payer, toWire(body), price.toString(), toWire(countersigned), at],
  ['output', job, Buffer.from(output), at],
  ['finish', 'receipted', null, at, job],
]

const rowOfBatch = (batch: NewBatch, tx: SignedTransaction, at: number): Row => [
  'newBatch',
  Number(batch.seq),
  batch.firstLeaf,
  batch.lastLeaf,
  Buffer.from(batch.packed),
  Buffer.from(batch.index),
  Buffer.from(batch.crown),
  batch.hash,
  batch.root,
  batch.gross.toString(),
  tx.hash,
  tx.raw,
  tx.nonce,
  at,
]

const rowOfTransaction = (seq: bigint, tx: SignedTransaction, at: number): Row => [
  'keepTransaction',
  tx.hash,
  Number(seq),
  tx.raw,
  tx.nonce,
  at,
]
