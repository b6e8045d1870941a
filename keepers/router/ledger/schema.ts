/*
 * Tables of the router's ledger, in SQL that SQLite and PostgreSQL both take. Amounts are decimal text: exact at
 * any size. Rows are keyed by the router's own rising numbers, so that inserts go to the end of each tree.
 */

const FIRST = `
-- One row per admitted call. Dispatched is not a status here: it is an attempt.
CREATE TABLE jobs (
  number BIGINT PRIMARY KEY,
  request TEXT NOT NULL UNIQUE,
  payer TEXT NOT NULL,
  id TEXT NOT NULL,
  body TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('admitted', 'receipted', 'failed')),
  error TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (id, payer)
);
CREATE INDEX jobs_open ON jobs (number) WHERE status = 'admitted';

-- Who tried, why that node, and how it ended.
CREATE TABLE attempts (
  job BIGINT NOT NULL,
  attempt BIGINT NOT NULL,
  node BIGINT NOT NULL,
  at BIGINT NOT NULL,
  decision TEXT NOT NULL,
  outcome TEXT,
  PRIMARY KEY (job, attempt)
);

-- One row per charge, in the order of all charges: the receipt and its leaf.
CREATE TABLE receipts (
  leaf BIGINT PRIMARY KEY,
  job BIGINT NOT NULL UNIQUE,
  payer TEXT NOT NULL,
  body TEXT NOT NULL,
  price TEXT NOT NULL,
  countersigned TEXT NOT NULL,
  at BIGINT NOT NULL
);

CREATE INDEX receipts_payer ON receipts (payer, leaf);

CREATE TABLE outputs (
  job BIGINT PRIMARY KEY,
  bytes BLOB NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX outputs_at ON outputs (at);

CREATE TABLE accounts (
  payer TEXT PRIMARY KEY,
  charged TEXT NOT NULL,
  count TEXT NOT NULL
);

-- The best voucher of each payer.
CREATE TABLE vouchers (
  payer TEXT PRIMARY KEY,
  ceiling TEXT NOT NULL,
  expiry BIGINT NOT NULL,
  request TEXT NOT NULL,
  r TEXT NOT NULL,
  vs TEXT NOT NULL
);

-- Cumulative gross of each payee.
CREATE TABLE payees (
  role TEXT NOT NULL,
  id BIGINT NOT NULL,
  gross TEXT NOT NULL,
  PRIMARY KEY (role, id)
);

-- The outbox: a batch and its signed transaction, stored before it is sent.
CREATE TABLE batches (
  seq BIGINT PRIMARY KEY,
  first_leaf BIGINT NOT NULL,
  last_leaf BIGINT NOT NULL UNIQUE,
  packed BLOB NOT NULL,
  data BLOB NOT NULL,
  hash TEXT NOT NULL,
  root TEXT NOT NULL,
  gross TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('signed', 'settled')),
  tx_hash TEXT NOT NULL,
  tx_raw TEXT NOT NULL,
  tx_nonce BIGINT NOT NULL,
  signed_at BIGINT NOT NULL,
  block BIGINT,
  float_used TEXT,
  skipped BIGINT,
  settled_at BIGINT
);
`

/** Several transactions may carry one batch, a batch becomes final, and what was stated to a payee is remembered. */
const SECOND = `
-- What the router signed to each payee: the highest.
CREATE TABLE statements (
  role TEXT NOT NULL,
  id BIGINT NOT NULL,
  gross TEXT NOT NULL,
  as_of BIGINT NOT NULL,
  PRIMARY KEY (role, id)
);

-- Every transaction that was ever signed for a batch: whichever is mined confirms it.
CREATE TABLE transactions (
  hash TEXT PRIMARY KEY,
  seq BIGINT NOT NULL,
  raw TEXT NOT NULL,
  nonce BIGINT NOT NULL,
  signed_at BIGINT NOT NULL
);
CREATE INDEX transactions_seq ON transactions (seq);
INSERT INTO transactions (hash, seq, raw, nonce, signed_at)
  SELECT tx_hash, seq, tx_raw, tx_nonce, signed_at FROM batches;

-- Enough blocks stand on it; before, a settled batch may still be undone.
ALTER TABLE batches ADD COLUMN final_at BIGINT;
CREATE INDEX batches_open ON batches (seq) WHERE final_at IS NULL;

CREATE INDEX attempts_explained ON attempts (at) WHERE decision <> '';
`

/** The data of a batch is an index whose parts are made of its leaves, and the crown of its tree is kept for proofs. */
const THIRD = `
ALTER TABLE batches ADD COLUMN crown BLOB NOT NULL DEFAULT x'';
`

/** How far the redo log is in these tables: whatever stands further on there was not committed here before a crash. */
const FOURTH = `
CREATE TABLE redone (number BIGINT NOT NULL);
INSERT INTO redone (number) VALUES (0);
`

/** A ledger of version n has the first n steps behind it. */
export const SCHEMA_STEPS = [FIRST, SECOND, THIRD, FOURTH] as const
