import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Hex } from 'viem'
import { fileJournal, readBook } from '../../sdk/journal-file.ts'
import type { Batch } from '../../sdk/protocol/batch.ts'
import type { Leaf } from '../../sdk/protocol/merkle.ts'
import { type Check, type VerifyOptions, verifyReceipt } from '../../sdk/verify.ts'
import { runScript } from './published.ts'
import { refusal } from './refusal.ts'
import { openStage, type Stage } from './stage.ts'

/** What a router can do to a payer or a payee so that leaves, lines and chain still agree with each other. */
describe('verifying a receipt whose router', function () {
  this.timeout(600_000)
  let stage: Stage
  let options: { routerUrl: string; rpcUrl: string; ledger: Hex }

  before(async () => {
    stage = await openStage()
    const { router, market } = stage
    options = { routerUrl: router.url, rpcUrl: market.chain.rpcUrl, ledger: market.addresses.ledger }
  })
  beforeEach(() => {
    stage.router.script = {}
  })
  after(() => stage.close())

  const failed = (checks: Check[]) => checks.filter(({ ok }) => !ok).map(({ name }) => name)
  const one = (checks: Check[], name: string) => checks.find((check) => check.name === name)
  const script = (call: Hex) =>
    runScript(stage, options.routerUrl, options.rpcUrl, call, '--ledger', options.ledger)

  it('lists one call as two leaves and debits it twice fails', async () => {
    const client = await stage.client()
    const { request: once, price } = await client.run('chat', 'once')
    const more = (lines: Batch['nodes']) => lines.map((line) => ({ ...line, amount: line.amount + price }))
    stage.router.script = {
      listed: ([leaf]) => {
        if (!leaf) throw new Error('no leaf')
        const { charged, count, nodeGross, podGross, frontendGross } = leaf
        const after = {
          nodeGross: nodeGross + price,
          podGross: podGross + price,
          frontendGross: frontendGross + price,
        }
        return [leaf, { ...leaf, ...after, charged: charged + price, count: count + 1n }]
      },
      posted: (batch) => ({
        ...batch,
        payers: batch.payers.map((line) => ({ ...line, charge: line.charge + price })),
        nodes: more(batch.nodes),
        pods: more(batch.pods),
        frontends: more(batch.frontends),
      }),
    }
    await stage.router.settle()
    stage.router.script = {}

    const checks = await verifyReceipt(once, options)
    const { code, output } = await script(once)

    expect(failed(checks)).to.deep.equal(['debit'])
    expect(one(checks, 'debit')?.detail).to.match(/^leaf\.twice: /)
    expect(output).to.match(/✗ debit/)
    expect(code).to.equal(1)
  })

  it('lists a call that cost nothing, which ends where the one before it does, passes', async () => {
    const [first, second] = [await stage.client(), await stage.client()]
    const { request: paid, price } = await first.run('chat', 'paid')
    stage.router.script = { receipt: (receipt) => ({ ...receipt, price: 0n }) }
    // Its client refuses a price that is not the manifest's; whether the free one is sound is not the question here.
    await refusal(second.run('chat', 'free'))
    stage.router.script = { posted: (batch) => ({ ...batch, payers: batch.payers.slice(0, 1) }) }
    const free = [...stage.router.calls.values()].at(-1)
    await stage.router.settle()
    stage.router.script = {}

    const checks = await verifyReceipt(paid, options)

    expect(price > 0n).to.equal(true)
    expect(free?.leaf?.nodeGross).to.equal(stage.router.calls.get(paid)?.leaf?.nodeGross)
    expect(failed(checks)).to.deep.equal([])
  })

  /** A call that is settled, and then one unit more is debited for it, with a leaf made up to cover that. */
  async function overDebited(leafOf: (honest: Leaf, price: bigint) => Leaf): Promise<{
    call: Hex
    price: bigint
    balance: { charged: bigint; held: bigint }
  }> {
    const client = await stage.client()
    let line: Batch['payers'][number] | undefined
    const { request: call, price } = await client.run('chat', 'honest')
    stage.router.script = {
      posted: (batch) => {
        line = batch.payers[0]
        return batch
      },
    }
    await stage.router.settle()
    const own = stage.router.calls.get(call)?.leaf
    await (await stage.client()).run('chat', 'of somebody else')
    stage.router.script = {
      listed: (others) => (own ? [...others, leafOf(own, price)] : others),
      posted: (batch) => ({
        ...batch,
        payers: [...batch.payers, ...(line ? [{ ...line, charge: price }] : [])],
        nodes: [...batch.nodes, { id: 77, amount: price }],
        pods: [...batch.pods, { id: 77, amount: price }],
        frontends: [...batch.frontends, { id: 77, amount: price }],
      }),
    }
    await stage.router.settle()
    stage.router.script = {}
    const { charged, held } = await client.balance()
    return { call, price, balance: { charged, held } }
  }
  const verified = (call: Hex, more: Partial<VerifyOptions> = {}) =>
    verifyReceipt(call, { ...options, ...more })

  it('covers a later debit with a made-up leaf is not told as right, and fails by the payer’s own journal', async () => {
    for (const charged of [() => 10n ** 18n, (honest: Leaf, price: bigint) => honest.charged + price]) {
      const { call, price, balance } = await overDebited((honest, cost) => ({
        ...honest,
        request: `0x${'99'.repeat(32)}`,
        charged: charged(honest, cost),
        count: honest.count + 1n,
      }))

      const without = await verified(call)
      const within = await verified(call, { journal: async () => balance })
      const { output } = await script(call)

      expect(balance).to.deep.equal({ charged: price, held: 0n })
      expect(one(without, 'debit')).to.include({ ok: true, checked: false })
      expect(one(without, 'debit')?.detail).to.match(/journal/)
      expect(failed(within)).to.deep.equal(['journal'])
      expect(one(within, 'journal')?.detail).to.match(/^debit\.over: /)
      expect(output).to.match(/– debit +not checked: /)
    }
  })

  it('charges more in the call’s own batch by a made-up leaf is not told as right, and fails by the payer’s own journal', async () => {
    const folder = join(stage.folder, 'journal-of-the-payer')
    const client = await stage.client({ journal: fileJournal(folder) })
    const { request: honest, price } = await client.run('chat', 'honest')
    const { request: unsettled } = await client.run('chat', 'not settled yet, but charged')
    const later = stage.router.calls.get(unsettled)
    if (later) later.status = 'put off'
    const madeUp: Hex = `0x${'98'.repeat(32)}`
    await settleWith(price, (own) => ({
      ...own,
      request: madeUp,
      charged: own.charged + price,
      count: own.count + 1n,
    }))

    const without = await verified(honest)
    const within = await verified(honest, { journal: (account) => readBook(account, folder) })
    const elsewhere = await verified(honest, { journal: (account) => readBook(account, stage.folder) })

    expect(failed(without)).to.deep.equal([])
    expect(one(without, 'journal')).to.include({ ok: true, checked: false })
    expect(one(elsewhere, 'journal')).to.deep.equal(one(without, 'journal'))
    expect(failed(within), 'although the charge of both calls is not more than the journal’s').to.deep.equal([
      'journal',
    ])
    expect(one(within, 'journal')?.detail)
      .to.match(/^leaf\.unknown: /)
      .and.include(madeUp)
    expect(existsSync(join(stage.folder, 'journal')), 'who looks makes nothing').to.equal(false)
    expect((await client.run('chat', 'its client goes on')).price).to.equal(price)
    await stage.router.settle()
  })

  /** Settles one call, and a leaf beside it that charges its payer `more`, with every line as the leaves have it. */
  async function settleWith(more: bigint, leafOf: (own: Leaf) => Leaf): Promise<void> {
    const up = (lines: Batch['nodes']) => lines.map((line) => ({ ...line, amount: line.amount + more }))
    stage.router.script = {
      listed: ([own]) => {
        if (!own) throw new Error('no leaf')
        const after = {
          nodeGross: own.nodeGross + more,
          podGross: own.podGross + more,
          frontendGross: own.frontendGross + more,
        }
        return [own, { ...leafOf(own), ...after }]
      },
      posted: (batch) => ({
        ...batch,
        payers: batch.payers.map((line) => ({ ...line, charge: line.charge + more })),
        nodes: up(batch.nodes),
        pods: up(batch.pods),
        frontends: up(batch.frontends),
      }),
    }
    await stage.router.settle()
    stage.router.script = {}
  }

  it('settled more of a payer’s calls since is checked by the payer’s own journal alone', async () => {
    const client = await stage.client()
    const { request: early } = await client.run('chat', 'early')
    await stage.router.settle()
    const { price } = await client.run('chat', 'late')
    await stage.router.settle()
    const { charged } = await client.balance()

    const without = await verified(early)
    const by = (counted: { charged: bigint; held: bigint }) =>
      verified(early, { journal: async () => counted })
    const whole = await by({ charged, held: 0n })
    const open = await by({ charged: charged - price, held: price })
    const short = await by({ charged: charged - price, held: price - 1n })

    expect(one(without, 'debit')).to.include({ ok: true, checked: false })
    for (const name of ['debit', 'journal'])
      expect(one(whole, name), name).to.include({ ok: true, checked: true })
    expect(one(open, 'journal'), 'a call whose answer is still open').to.include({ ok: true, checked: false })
    expect(failed(short)).to.deep.equal(['journal'])
  })

  it('charges a later call of the batch more than its receipt says fails by the payer’s own journal, though its sum covers it', async () => {
    const folder = join(stage.folder, 'journal-of-three')
    const client = await stage.client({ journal: fileJournal(folder) })
    const { request: first } = await client.run('chat', 'first')
    const { request: second, price } = await client.run('chat', 'second')
    const { request: third } = await client.run('chat', 'not settled yet')
    const [late, two] = [stage.router.calls.get(third), stage.router.calls.get(second)]
    if (!late || !two) throw new Error('no call')
    late.status = 'put off'
    two.job = { ...two.job, voucher: late.job.voucher, signature: late.job.signature }
    const more = (lines: Batch['nodes']) => lines.map((line) => ({ ...line, amount: line.amount + price }))
    const dearer = (leaf: Leaf): Leaf => ({
      ...leaf,
      charged: leaf.charged + price,
      nodeGross: leaf.nodeGross + price,
      podGross: leaf.podGross + price,
      frontendGross: leaf.frontendGross + price,
    })
    stage.router.script = {
      listed: ([a, b]) => [a as Leaf, dearer(b as Leaf)],
      posted: (batch) => ({
        ...batch,
        payers: batch.payers.map((line) => ({ ...line, charge: line.charge + price })),
        nodes: more(batch.nodes),
        pods: more(batch.pods),
        frontends: more(batch.frontends),
      }),
    }
    await stage.router.settle()
    stage.router.script = {}

    const checks = await verified(first, { journal: (account) => readBook(account, folder) })

    expect((await client.balance()).spent).to.equal((await client.balance()).charged)
    expect(failed(checks)).to.deep.equal(['journal'])
    expect(one(checks, 'journal')?.detail)
      .to.match(/^leaf\.differs: /)
      .and.include(second)
  })

  it('gives two calls one part of a node’s gross fails for both, whoever pays', async () => {
    const [first, second] = [await stage.client(), await stage.client()]
    const [x, y] = [await first.run('chat', 'x'), await second.run('chat', 'y')]
    stage.router.script = {
      listed: ([one, two]) => [one as Leaf, { ...(two as Leaf), nodeGross: (one as Leaf).nodeGross }],
      posted: (batch) => ({
        ...batch,
        nodes: [
          { id: stage.node.id, amount: x.price },
          { id: 77, amount: y.price },
        ],
      }),
    }
    await stage.router.settle()
    stage.router.script = {}

    for (const { request: call } of [x, y]) {
      const checks = await verifyReceipt(call, options)
      expect(failed(checks)).to.deep.equal(['credit node'])
      expect(one(checks, 'credit node')?.detail).to.match(/^leaf\.overlap: /)
      const { code, output } = await script(call)
      expect(output).to.match(/✗ credit/)
      expect(code).to.equal(1)
    }
  })

  it('gives a call a part of a node’s gross that ends beyond another one’s and begins in it fails for both', async () => {
    const payers = [await stage.client(), await stage.client()]
    const [x, y] = [await payers[0]?.run('chat', 'x'), await payers[1]?.run('chat', 'y')]
    const [again, other] = [await payers[0]?.run('chat', 'x again'), await payers[1]?.run('chat', 'y again')]
    if (!x || !y || !again || !other) throw new Error('no call')
    // Of four calls the second begins in the first one's part, the fourth in the third one's: a payer's first, and not.
    const taken = 5n
    const short = (leaf: Leaf, less: bigint) => ({ ...leaf, nodeGross: leaf.nodeGross - less })
    stage.router.script = {
      listed: ([a, b, c, d]) =>
        [a, b && short(b, taken), c && short(c, taken), d && short(d, 2n * taken)] as Leaf[],
      posted: (batch) => ({
        ...batch,
        nodes: [
          { id: stage.node.id, amount: x.price + y.price + again.price + other.price - 2n * taken },
          { id: 77, amount: 2n * taken },
        ],
      }),
    }
    await stage.router.settle()
    stage.router.script = {}

    for (const { request: call } of [x, y, again, other]) {
      const checks = await verifyReceipt(call, options)
      const { code, output } = await script(call)
      expect(failed(checks)).to.deep.equal(['credit node'])
      expect(one(checks, 'credit node')?.detail).to.match(/^leaf\.overlap: /)
      expect([code, output.match(/✗/g)?.length]).to.deep.equal([1, 1])
      expect(output).to.match(/✗ credit/)
    }
  })
})
