import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import Database from 'libsql'
import { SCHEMA_STEPS } from '../../keepers/router/ledger/schema.ts'
import { openSqlite, type SqliteLedger } from '../../keepers/router/ledger/sqlite.ts'
import { realTimers } from '../../keepers/world.ts'
import { ledgerConforms } from './ledger.ts'
import { admitted, hash } from './samples.ts'

describe('SQLite', () => {
  let folder: string
  let path: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'heurist-ledger-'))
    path = join(folder, 'ledger.db')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  ledgerConforms('SQLite', () => ({
    open: async () => openSqlite(path, realTimers),
    crash: async (ledger) => (ledger as SqliteLedger).abandon(),
  }))

  it('a ledger that a router uses is refused to a second one', async () => {
    const first = openSqlite(path, realTimers)

    expect(() => openSqlite(path, realTimers))
      .to.throw()
      .with.property('code', 'ledger.in_use')
    await first.abandon()
  })

  it('a ledger of a newer program is refused, not rewritten', async () => {
    await openSqlite(path, realTimers).close()
    const db = new Database(path)
    db.exec('PRAGMA user_version = 999')
    db.close()

    expect(() => openSqlite(path, realTimers))
      .to.throw()
      .with.property('code', 'ledger.version')
  })

  it('a ledger of the first program is brought up to date, its batches with their transactions', async () => {
    const old = new Database(path)
    old.exec(`BEGIN; ${SCHEMA_STEPS[0]} PRAGMA user_version = 1; COMMIT`)
    old.exec(`INSERT INTO batches (seq, first_leaf, last_leaf, packed, data, hash, root, gross, state, tx_hash, tx_raw,
      tx_nonce, signed_at) VALUES (1, 1, 1, x'01', x'02', '${hash(1)}', '${hash(2)}', '100', 'signed', '${hash(3)}',
      '0x04', 5, 6)`)
    old.close()

    const ledger = openSqlite(path, realTimers)

    const signed = { hash: hash(3), raw: '0x04', nonce: 5, signedAt: 6 }
    expect(await ledger.transactionsOf(1n)).to.deep.equal([signed])
    expect(await ledger.crownOf(1n), 'of a batch without one').to.have.length(0)
    expect((await ledger.unsettledBatch())?.tx).to.deep.include({ hash: hash(3), nonce: 5 })
    await ledger.close()
    const again = openSqlite(path, realTimers)
    expect(await again.transactionsOf(1n), 'once').to.deep.equal([signed])
    await again.close()
  })

  it('many small commits of one tick are one write', async () => {
    const groups: number[] = []
    const ledger = openSqlite(path, realTimers, (ops) => groups.push(ops))

    const numbers = Array.from({ length: 100 }, (_, index) => index + 1)
    await Promise.all(numbers.map((number) => ledger.commit([{ op: 'job.admitted', job: admitted(number) }])))

    expect(groups).to.deep.equal([100])
    expect((await ledger.job(hash(1100)))?.number).to.equal(100)
    await ledger.close()
  })

  it('a closed ledger has everything in its one file: the journal is empty', async () => {
    const ledger = openSqlite(path, realTimers)
    await ledger.commit([{ op: 'job.admitted', job: admitted(1) }])
    await ledger.close()

    expect(statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0).to.equal(0)
    const again = openSqlite(path, realTimers)
    expect((await again.openJobs()).length).to.equal(1)
    await again.close()
  })
})
