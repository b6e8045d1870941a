import { expect } from 'chai'
import type { Ledger } from '../../keepers/router/ledger/ledger.ts'
import { address, admitted, attempt, batch, hash, receipt, receipted, tx, voucher } from './samples.ts'

/** An engine under test: how to open it, and what a crash does to it. */
export interface Engine {
  open(): Promise<Ledger>
  /** Ends it without a goodbye: what was not durable is gone. */
  crash(ledger: Ledger): Promise<void>
}

/** What every engine of the ledger must do; run by the test of each. */
export function ledgerConforms(name: string, engine: () => Engine): void {
  describe(`the ledger in ${name}`, function () {
    this.timeout(600_000)
    let ledger: Ledger

    beforeEach(async () => {
      ledger = await engine().open()
    })
    afterEach(() => ledger.close())

    const admit = (...numbers: number[]) =>
      ledger.commit(numbers.map((number) => ({ op: 'job.admitted', job: admitted(number) }) as const))

    it('a call goes from admitted over dispatched to receipted', async () => {
      await admit(1)
      expect(await ledger.job(hash(1001))).to.deep.include({ number: 1, status: 'admitted', node: 0 })

      await ledger.commit([{ op: 'job.dispatched', attempt: attempt(1) }])
      expect(await ledger.job(hash(1001))).to.deep.include({ status: 'dispatched', node: 5 })

      await ledger.commit([receipted(1)])
      expect(await ledger.job(hash(1001))).to.deep.include({ status: 'receipted', node: 5 })
      expect(await ledger.receipt(1)).to.deep.equal(receipted(1).receipt)
      expect(await ledger.output(1)).to.deep.equal(new Uint8Array([1, 2, 3, 4]))
    })

    it('gives a request back as it was signed, amounts of any size to the unit', async () => {
      const job = admitted(1, { maxPrice: 2n ** 128n - 1n, deadline: 2 ** 40 - 1 })
      const kept = voucher(2n ** 64n - 1n)

      await ledger.commit([
        { op: 'job.admitted', job },
        { op: 'voucher.kept', payer: address(1), voucher: kept },
      ])

      expect((await ledger.job(job.request))?.body).to.deep.equal(job.body)
      expect((await ledger.account(address(1))).voucher).to.deep.equal(kept)
    })

    it('keeps sums beyond 64 bits exactly', async () => {
      const much = 2n ** 100n + 1n
      await admit(1)

      await ledger.commit([
        receipted(1, { charged: much, nodeGross: much, podGross: much, frontendGross: much }),
      ])

      expect((await ledger.account(address(1))).charged).to.equal(much)
      expect(await ledger.grossOfAll()).to.deep.include({ role: 'node', id: 5, gross: much })
      expect((await ledger.unposted(1))[0]?.body.podGross).to.equal(much)
    })

    it('finds a call by payer and id, and not by another payer', async () => {
      await admit(1)

      expect((await ledger.jobById(address(1), hash(1)))?.number).to.equal(1)
      expect(await ledger.jobById(address(2), hash(1))).to.equal(undefined)
    })

    it('a failed call that is admitted again is open again, under its old number', async () => {
      const error = { code: 'node.failed', kind: 'later', message: 'm' } as const
      await admit(1)
      await ledger.commit([{ op: 'job.failed', job: 1, error, at: 50 }])
      expect(await ledger.job(hash(1001))).to.deep.include({ status: 'failed', error })

      await admit(1)

      expect(await ledger.job(hash(1001))).to.not.have.property('error')
      expect((await ledger.openJobs()).map((job) => job.number)).to.deep.equal([1])
      expect(await ledger.marks()).to.deep.equal({ job: 1, leaf: 0 })
    })

    it('open calls are those without an end', async () => {
      await admit(1, 2, 3)
      await ledger.commit([
        receipted(1),
        { op: 'job.failed', job: 2, error: { code: 'x.y', kind: 'refused', message: 'm' }, at: 9 },
      ])

      expect((await ledger.openJobs()).map((job) => job.number)).to.deep.equal([3])
      expect((await ledger.recentJobs(2)).map((job) => job.number)).to.deep.equal([3, 2])
    })

    it('writing the same operation twice changes nothing', async () => {
      const ops = [
        { op: 'job.admitted', job: admitted(1) },
        { op: 'job.dispatched', attempt: attempt(1) },
        receipted(1),
      ] as const
      await ledger.commit(ops)
      const before = [await ledger.account(address(1)), await ledger.unposted(9), await ledger.attempts(1)]

      await ledger.commit(ops.slice(1))

      expect([
        await ledger.account(address(1)),
        await ledger.unposted(9),
        await ledger.attempts(1),
      ]).to.deep.equal(before)
    })

    it('counts how the attempts of each node ended', async () => {
      await admit(1, 2)
      await ledger.commit([
        { op: 'job.dispatched', attempt: attempt(1, 1, 5) },
        { op: 'job.dispatched', attempt: attempt(1, 2, 6) },
        { op: 'job.dispatched', attempt: attempt(2, 1, 5) },
        { op: 'attempt.ended', job: 1, attempt: 1, outcome: 'node.failed', at: 1 },
        { op: 'attempt.ended', job: 1, attempt: 2, outcome: 'ok', at: 2 },
      ])

      expect(await ledger.nodeCounts()).to.have.deep.members([
        { node: 5, succeeded: 0, failed: 1 },
        { node: 6, succeeded: 1, failed: 0 },
      ])
      expect((await ledger.job(hash(1001)))?.node).to.equal(6)
    })

    it('a leaf is unposted until a batch holds it, in the order of the charges', async () => {
      await admit(1, 2, 3)
      await ledger.commit([receipted(1), receipted(2), receipted(3)])
      await ledger.commit([{ op: 'voucher.kept', payer: address(1), voucher: voucher(9n) }])
      expect((await ledger.unposted(2)).map((one) => one.leaf)).to.deep.equal([1, 2])
      expect((await ledger.unposted(1))[0]?.voucher).to.deep.equal(voucher(9n))

      await ledger.commit([{ op: 'batch.signed', batch: batch(1n, 1, 2), tx: tx(1), at: 5 }])

      expect((await ledger.unposted(9)).map((one) => one.leaf)).to.deep.equal([3])
      expect(await ledger.unpostedCount()).to.equal(1)
      expect((await ledger.batchOfLeaf(2))?.seq).to.equal(1n)
      expect(await ledger.batchOfLeaf(3)).to.equal(undefined)
      const signed = await ledger.batch(1n)
      const { crown, ...row } = batch(1n, 1, 2)
      expect(signed).to.deep.include({ ...row, state: 'signed', tx: tx(1) })
      expect(signed).to.not.have.property('crown')
      expect(await ledger.crownOf(1n)).to.deep.equal(crown)
      expect(await ledger.crownOf(2n)).to.have.length(0)
      if (signed) expect((await ledger.leavesOf(signed)).map((one) => one.count)).to.deep.equal([1n, 2n])
    })

    it('finds the newest leaf of a payer up to any other', async () => {
      await admit(1, 2, 3)
      await ledger.commit([receipted(1), receipted(2, { payer: address(2) }), receipted(3)])
      const found = async (payer: number, upTo: number) =>
        (await ledger.newestLeafOf(address(payer), upTo))?.leaf

      expect(
        await Promise.all([found(1, 9), found(1, 2), found(2, 3), found(2, 1), found(3, 9)]),
      ).to.deep.equal([3, 1, 2, undefined, undefined])
      expect((await ledger.newestLeafOf(address(1), 3))?.body).to.deep.equal(receipted(3).receipt.body)
    })

    it('a batch is settled once its block is known, and unsettled again if it is undone', async () => {
      await admit(1, 2)
      await ledger.commit([receipted(1), receipted(2)])
      await ledger.commit([{ op: 'batch.signed', batch: batch(1n, 1, 1), tx: tx(1), at: 5 }])
      await ledger.commit([{ op: 'batch.signed', batch: batch(2n, 2, 2), tx: tx(2), at: 6 }])
      expect((await ledger.unsettledBatch())?.seq).to.equal(1n)

      const done = { op: 'batch.settled', block: 7n, floatUsed: 3n, skipped: 1, at: 8 } as const
      await ledger.commit([
        { ...done, seq: 1n, txHash: tx(3).hash },
        { ...done, seq: 2n, txHash: tx(2).hash },
      ])
      expect(await ledger.unsettledBatch()).to.equal(undefined)
      expect(await ledger.batch(1n)).to.deep.include({
        state: 'settled',
        block: 7n,
        floatUsed: 3n,
        skipped: 1,
      })
      expect((await ledger.batch(1n))?.tx.hash).to.equal(tx(3).hash)

      await ledger.commit([{ op: 'batch.resigned', seq: 2n, tx: tx(4), at: 9 }])
      expect(await ledger.unsettledBatch()).to.deep.include({ seq: 2n, state: 'signed', tx: tx(4) })
      expect((await ledger.lastBatch())?.seq).to.equal(2n)
      expect((await ledger.recentBatches(9)).map((one) => one.seq)).to.deep.equal([2n, 1n])
      expect((await ledger.recentBatches(9)).map((one) => one.index.length)).to.deep.equal([0, 0])
    })

    it('remembers every transaction of a batch; the one that was mined is the batch’s, bytes and all', async () => {
      await admit(1)
      await ledger.commit([receipted(1)])
      const [first, second] = [
        { ...tx(1), raw: '0xaa' as const },
        { ...tx(2), raw: '0xbb' as const },
      ]
      await ledger.commit([{ op: 'batch.signed', batch: batch(1n, 1, 1), tx: first, at: 5 }])
      await ledger.commit([{ op: 'batch.resigned', seq: 1n, tx: second, at: 6 }])
      expect((await ledger.batch(1n))?.tx).to.deep.equal(second)
      expect(await ledger.transactionsOf(1n)).to.deep.equal([
        { ...second, signedAt: 6 },
        { ...first, signedAt: 5 },
      ])

      const done = { op: 'batch.settled', seq: 1n, block: 7n, floatUsed: 3n, skipped: 1, at: 8 } as const
      await ledger.commit([{ ...done, txHash: first.hash }])

      expect((await ledger.batch(1n))?.tx).to.deep.equal(first)
      await ledger.commit([{ ...done, txHash: hash(1) }])
      expect((await ledger.batch(1n))?.tx, 'of a stranger only the hash is known').to.deep.equal({
        ...first,
        hash: hash(1),
      })
    })

    it('a settled batch is open until it is final, and open again if it is undone', async () => {
      await admit(1, 2)
      await ledger.commit([receipted(1), receipted(2)])
      const done = { op: 'batch.settled', block: 7n, skipped: 0, at: 8 } as const
      for (const seq of [1n, 2n]) {
        const leaf = Number(seq)
        await ledger.commit([{ op: 'batch.signed', batch: batch(seq, leaf, leaf), tx: tx(leaf), at: 5 }])
        expect(await ledger.floatUsedUpTo(seq)).to.equal(undefined)
        await ledger.commit([{ ...done, seq, txHash: tx(leaf).hash, floatUsed: seq }])
      }
      expect((await ledger.unfinalBatch())?.seq).to.equal(1n)
      expect(await ledger.floatUsedUpTo(2n)).to.equal(3n)

      await ledger.commit([{ op: 'batch.final', seq: 1n, at: 9 }])
      expect((await ledger.unfinalBatch())?.seq).to.equal(2n)
      expect((await ledger.batch(1n))?.finalAt).to.equal(9)

      await ledger.commit([{ op: 'batch.resigned', seq: 1n, tx: tx(1), at: 10 }])
      expect(await ledger.batch(1n)).to.not.have.property('finalAt')
      expect((await ledger.unsettledBatch())?.seq).to.equal(1n)
    })

    it('keeps the newest statement of each payee, and the gross of one that never had a call is 0', async () => {
      await admit(1)
      await ledger.commit([receipted(1)])
      const statement = { role: 'node', id: 5, gross: 2n ** 100n, asOf: 7 } as const
      await ledger.commit([{ op: 'statement.signed', statement: { ...statement, gross: 1n } }])

      await ledger.commit([{ op: 'statement.signed', statement }])

      expect(await ledger.statement('node', 5)).to.deep.equal(statement)
      expect(await ledger.statement('pod', 5)).to.equal(undefined)
      expect(await ledger.grossOf('node', 5)).to.equal(100n)
      expect(await ledger.grossOf('node', 6)).to.equal(0n)
      expect(await ledger.chargedOfAll()).to.deep.equal([{ payer: address(1), charged: 100n, count: 1n }])
    })

    it('finds leaves after any other, posted or not, and the voucher among the unposted that expires first', async () => {
      await admit(1, 2, 3)
      await ledger.commit([receipted(1), receipted(2, { payer: address(2) }), receipted(3)])
      const keep = (payer: number, expiry: number) =>
        ledger.commit([{ op: 'voucher.kept', payer: address(payer), voucher: voucher(9n, expiry) }])
      expect(await ledger.earliestExpiry()).to.equal(undefined)
      await keep(1, 2_000)
      await keep(2, 1_000)
      await keep(3, 1)
      expect(await ledger.earliestExpiry()).to.equal(1_000)

      await ledger.commit([{ op: 'batch.signed', batch: batch(1n, 1, 2), tx: tx(1), at: 5 }])

      expect(await ledger.earliestExpiry()).to.equal(2_000)
      expect((await ledger.leavesAfter(1, 9)).map(({ leaf }) => leaf)).to.deep.equal([2, 3])
      expect((await ledger.leavesAfter(0, 1)).map(({ leaf }) => leaf)).to.deep.equal([1])
    })

    it('forgets the bytes of old final batches, never of one that may be undone, and the reasons of old choices', async () => {
      await admit(1, 2, 3)
      await ledger.commit([receipted(1), receipted(2), receipted(3)])
      await ledger.commit([1, 2].map((job) => ({ op: 'job.dispatched', attempt: attempt(job) }) as const))
      for (const seq of [1n, 2n, 3n]) {
        const leaf = Number(seq)
        await ledger.commit([
          { op: 'batch.signed', batch: batch(seq, leaf, leaf), tx: tx(leaf), at: 5 },
          {
            op: 'batch.settled',
            seq,
            txHash: tx(leaf).hash,
            block: 7n,
            floatUsed: 0n,
            skipped: 0,
            at: leaf * 100,
          },
        ])
      }
      await ledger.commit([1n, 3n].map((seq) => ({ op: 'batch.final', seq, at: 9 }) as const))

      await ledger.commit([
        { op: 'batches.forgotten', before: 300 },
        { op: 'decisions.forgotten', before: 20_002 },
      ])

      const lengths = await Promise.all(
        [1n, 2n, 3n].map(async (seq) => (await ledger.batch(seq))?.index.length),
      )
      expect(lengths).to.deep.equal([0, 2, 2])
      expect(await ledger.batch(1n)).to.deep.include({
        root: batch(1n, 1, 1).root,
        state: 'settled',
        gross: 100n,
      })
      expect(await ledger.transactionsOf(1n)).to.deep.equal([])
      expect(await ledger.transactionsOf(2n)).to.have.length(1)
      const decisions = await Promise.all(
        [1, 2].map(async (job) => (await ledger.attempts(job))[0]?.decision),
      )
      expect(decisions).to.deep.equal(['', '{"seed":1}'])
    })

    it('forgets old outputs and keeps their receipts', async () => {
      await admit(1, 2)
      await ledger.commit([receipted(1), receipted(2)])

      await ledger.commit([{ op: 'outputs.forgotten', before: 30_002 }])

      expect(await ledger.output(1)).to.equal(undefined)
      expect(await ledger.output(2)).to.not.equal(undefined)
      expect((await ledger.lastReceiptOf(address(1)))?.ack.count).to.equal(2n)
      expect(await ledger.receipt(1)).to.not.equal(undefined)
    })

    it('commits of one tick are durable in their order, all of a call or nothing of it', async () => {
      const order: number[] = []
      const commits = [1, 2, 3, 4, 5].map((number) => admit(number).then(() => order.push(number)))
      await Promise.all(commits)
      expect(order).to.deep.equal([1, 2, 3, 4, 5])

      const bad = ledger.commit([
        { op: 'job.admitted', job: admitted(6) },
        { op: 'job.admitted', job: { ...admitted(7), request: hash(1001) } },
      ])
      await expectRejection(bad)
      expect(await ledger.job(hash(1006))).to.equal(undefined)
    })

    it('after a failed write nothing is written any more: the order could not be kept', async () => {
      await admit(1)
      await ledger.commit([receipted(1)])
      // The same job charged under another leaf.
      await expectRejection(ledger.commit([{ ...receipted(1), receipt: receipt(1, 2) }]))

      await expectRejection(admit(3))
      await ledger.lost()
      await expectRejection(ledger.job(hash(1003)))
      await ledger.close()
      ledger = await engine().open()
      expect(await ledger.job(hash(1003))).to.equal(undefined)
      expect((await ledger.job(hash(1001)))?.status).to.equal('receipted')
    })

    it('an admission that contradicts another fails alone: nothing rests on it', async () => {
      await admit(1)
      await expectRejection(
        ledger.commit([{ op: 'job.admitted', job: { ...admitted(2), request: hash(1001) } }]),
      )

      await admit(3)
      expect(await ledger.job(hash(1003))).to.include({ number: 3, status: 'admitted' })
    })

    it('what was acknowledged survives a crash; what was not may be lost, never half of it', async () => {
      await admit(1)
      await ledger.commit([receipted(1)])
      ledger.commit([{ op: 'job.admitted', job: admitted(2) }]).catch(() => {})
      await engine().crash(ledger)

      ledger = await engine().open()

      expect((await ledger.job(hash(1001)))?.status).to.equal('receipted')
      expect((await ledger.account(address(1))).charged).to.equal(100n)
      expect(await ledger.marks()).to.deep.include({ leaf: 1 })
    })

    it('a payer or a call without history is empty, not an error', async () => {
      expect(await ledger.account(address(9))).to.deep.equal({ payer: address(9), charged: 0n, count: 0n })
      expect(await ledger.job(hash(9))).to.equal(undefined)
      expect(await ledger.receipt(9)).to.equal(undefined)
      expect(await ledger.lastBatch()).to.equal(undefined)
      expect(await ledger.marks()).to.deep.equal({ job: 0, leaf: 0 })
    })
  })
}

export async function expectRejection(promise: Promise<unknown>): Promise<void> {
  let failed = false
  await promise.catch(() => {
    failed = true
  })
  expect(failed, 'it should have been rejected').to.equal(true)
}
