import { toWire } from '../../../sdk/protocol/wire.ts'
import type { AdmittedJob, Charged, Gross, NewBatch, Op, ReceiptRow } from './ledger.ts'
import type { Sqlite } from './sqlite.ts'

/** Applies operations as one transaction. */
export function writer(db: Sqlite): (ops: readonly Op[]) => void {
  const one = statements(db)
  return (ops) => {
    db.exec('BEGIN IMMEDIATE')
    try {
      // Figures are absolute: of one group, only the last of each account and payee needs writing.
      const accounts = new Map<string, Charged>()
      const payees = new Map<string, Gross>()
      for (const op of ops) {
        one.apply(op)
        if (op.op !== 'job.receipted') continue
        accounts.set(op.account.payer, op.account)
        for (const payee of op.gross) payees.set(`${payee.role} ${payee.id}`, payee)
      }
      for (const account of accounts.values()) one.account(account)
      for (const payee of payees.values()) one.payee(payee)
      db.exec('COMMIT')
    } catch (cause) {
      db.exec('ROLLBACK')
      throw cause
    }
  }
}

function statements(db: Sqlite) {
  const admit = db.prepare(
    `INSERT INTO jobs (number, request, payer, id, body, status, error, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, 'admitted', NULL, ?, ?)
     ON CONFLICT (number) DO UPDATE SET status = 'admitted', error = NULL, updated_at = excluded.updated_at`,
  )
  const keepVoucher = db.prepare(
    `INSERT INTO vouchers (payer, ceiling, expiry, request, r, vs) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (payer) DO UPDATE SET ceiling = excluded.ceiling, expiry = excluded.expiry,
       request = excluded.request, r = excluded.r, vs = excluded.vs`,
  )
  const dispatch = db.prepare(
    `INSERT INTO attempts (job, attempt, node, at, decision) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (job, attempt) DO NOTHING`,
  )
  const endAttempt = db.prepare('UPDATE attempts SET outcome = ? WHERE job = ? AND attempt = ?')
  const receipt = db.prepare(
    `INSERT INTO receipts (leaf, job, payer, body, price, countersigned, at) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (leaf) DO NOTHING`,
  )
  const output = db.prepare(
    `INSERT INTO outputs (job, bytes, at) VALUES (?, ?, ?)
     ON CONFLICT (job) DO UPDATE SET bytes = excluded.bytes, at = excluded.at`,
  )
  const finish = db.prepare('UPDATE jobs SET status = ?, error = ?, updated_at = ? WHERE number = ?')
  const account = db.prepare(
    `INSERT INTO accounts (payer, charged, count) VALUES (?, ?, ?)
     ON CONFLICT (payer) DO UPDATE SET charged = excluded.charged, count = excluded.count`,
  )
  const payee = db.prepare(
    `INSERT INTO payees (role, id, gross) VALUES (?, ?, ?)
     ON CONFLICT (role, id) DO UPDATE SET gross = excluded.gross`,
  )
  const newBatch = db.prepare(
    `INSERT INTO batches (seq, first_leaf, last_leaf, packed, data, crown, hash, root, gross,
       state, tx_hash, tx_raw, tx_nonce, signed_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'signed', ?, ?, ?, ?)`,
  )
  const resign = db.prepare(
    `UPDATE batches SET state = 'signed', tx_hash = ?, tx_raw = ?, tx_nonce = ?, signed_at = ?, block = NULL,
       float_used = NULL, skipped = NULL, settled_at = NULL, final_at = NULL WHERE seq = ?`,
  )
  const keepTransaction = db.prepare(
    `INSERT INTO transactions (hash, seq, raw, nonce, signed_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (hash) DO NOTHING`,
  )
  // Of several transactions the one that was mined is the batch's: its bytes are sent again if it is undone.
  const settle = db.prepare(
    `UPDATE batches SET state = 'settled', tx_hash = ?1,
       tx_raw = COALESCE((SELECT raw FROM transactions WHERE hash = ?1), tx_raw),
       tx_nonce = COALESCE((SELECT nonce FROM transactions WHERE hash = ?1), tx_nonce),
       block = ?2, float_used = ?3, skipped = ?4, settled_at = ?5 WHERE seq = ?6`,
  )
  const makeFinal = db.prepare('UPDATE batches SET final_at = ? WHERE seq = ?')
  const state = db.prepare(
    `INSERT INTO statements (role, id, gross, as_of) VALUES (?, ?, ?, ?)
     ON CONFLICT (role, id) DO UPDATE SET gross = excluded.gross, as_of = excluded.as_of`,
  )
  const forgetTransactions = db.prepare(
    `DELETE FROM transactions WHERE seq IN
       (SELECT seq FROM batches WHERE final_at IS NOT NULL AND settled_at < ? AND length(data) > 0)`,
  )
  const forgetBatches = db.prepare(
    `UPDATE batches SET data = x'', packed = x'', tx_raw = ''
     WHERE final_at IS NOT NULL AND settled_at < ? AND length(data) > 0`,
  )
  const forgetDecisions = db.prepare(`UPDATE attempts SET decision = '' WHERE at < ? AND decision <> ''`)
  const forget = db.prepare('DELETE FROM outputs WHERE at < ?')

  const writeJob = ({ number, request, body, at }: AdmittedJob) =>
    admit.run([number, request, body.payer, body.id, toWire(body), at, at])

  const writeReceipt = (row: ReceiptRow, bytes: Uint8Array) => {
    const { leaf, job, body, price, countersigned, at } = row
    receipt.run([leaf, job, body.payer, toWire(body), price.toString(), toWire(countersigned), at])
    output.run([job, Buffer.from(bytes), at])
    finish.run(['receipted', null, at, job])
  }

  const writeBatch = (batch: NewBatch, tx: { hash: string; raw: string; nonce: number }, at: number) =>
    newBatch.run([
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
    ])

  const writeTransaction = (seq: bigint, tx: { hash: string; raw: string; nonce: number }, at: number) =>
    keepTransaction.run([tx.hash, Number(seq), tx.raw, tx.nonce, at])

  return {
    account: ({ payer, charged, count }: Charged) =>
      account.run([payer, charged.toString(), count.toString()]),
    payee: ({ role, id, gross }: Gross) => payee.run([role, id, gross.toString()]),
    apply(op: Op): void {
      switch (op.op) {
        case 'job.admitted':
          writeJob(op.job)
          return
        case 'voucher.kept': {
          const { ceiling, expiry, request, r, vs } = op.voucher
          keepVoucher.run([op.payer, ceiling.toString(), expiry, request, r, vs])
          return
        }
        case 'job.dispatched': {
          const { job, attempt, node, at, decision } = op.attempt
          dispatch.run([job, attempt, node, at, decision])
          return
        }
        case 'attempt.ended':
          endAttempt.run([op.outcome, op.job, op.attempt])
          return
        case 'job.receipted':
          writeReceipt(op.receipt, op.output)
          return
        case 'job.failed':
          finish.run(['failed', JSON.stringify(op.error), op.at, op.job])
          return
        case 'batch.signed':
          writeBatch(op.batch, op.tx, op.at)
          writeTransaction(op.batch.seq, op.tx, op.at)
          return
        case 'batch.resigned':
          resign.run([op.tx.hash, op.tx.raw, op.tx.nonce, op.at, Number(op.seq)])
          writeTransaction(op.seq, op.tx, op.at)
          return
        case 'batch.final':
          makeFinal.run([op.at, Number(op.seq)])
          return
        case 'statement.signed': {
          const { role, id, gross, asOf } = op.statement
          state.run([role, id, gross.toString(), asOf])
          return
        }
        case 'batches.forgotten':
          forgetTransactions.run([op.before])
          forgetBatches.run([op.before])
          return
        case 'decisions.forgotten':
          forgetDecisions.run([op.before])
          return
        case 'batch.settled':
          settle.run([
            op.txHash,
            Number(op.block),
            op.floatUsed.toString(),
            op.skipped,
            op.at,
            Number(op.seq),
          ])
          return
        case 'outputs.forgotten':
          forget.run([op.before])
          return
      }
    },
  }
}
