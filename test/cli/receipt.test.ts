import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { createTestClient, type Hex, http } from 'viem'
import { fileJournal } from '../../sdk/journal-file.ts'
import type { Batch } from '../../sdk/protocol/batch.ts'
import { BATCH_DATA_DAYS } from '../../sdk/settlement.ts'
import { LINES } from '../sdk/router.ts'
import { openStage, type Stage } from '../sdk/stage.ts'
import { type CliHome, openHome } from './home.ts'
import { codeOf } from './season.ts'

interface Check {
  name: string
  ok: boolean
}

/**
 * Two chains with the same contracts at the same addresses and the same chain id: one is the verifier's, the other is what
 * a lying router would have it look at.
 */
describe('heurist receipt verify on a real chain', function () {
  this.timeout(600_000)
  let own: Stage
  let other: Stage
  let home: CliHome
  let settled: Hex
  let foreign: Hex

  before(async () => {
    own = await openStage()
    other = await openStage()
    home = openHome(own.market, own.router.url)
    settled = await settledCall(own)
    foreign = await settledCall(other)
  })
  after(async () => {
    await own.close()
    await other.close()
  })

  async function settledCall({ client, router }: Stage): Promise<Hex> {
    const { request } = await (await client()).run('chat', 'hello')
    await router.settle()
    return request
  }

  const verify = (at: CliHome, ...argv: string[]) => at.run('receipt', 'verify', ...argv, '--json')
  const failed = ({ json }: { json: Record<string, unknown> }) =>
    (json.checks as Check[]).filter(({ ok }) => !ok).map(({ name }) => name)

  it('passes a settled receipt of the ledger of this home, which may be named as well', async () => {
    const byId = await verify(home, settled)
    const named = await verify(home, settled, '--ledger', own.market.addresses.ledger)

    expect([byId.code, named.code]).to.deep.equal([0, 0])
    expect([failed(byId), failed(named)]).to.deep.equal([[], []])
    expect(byId.json.request).to.equal(settled)
  })

  it('looks at the chain of this home whatever the router names, also when the ledger is named', async () => {
    expect(other.market.addresses.ledger).to.equal(own.market.addresses.ledger)
    const at = ['--router', other.router.url]

    const byHome = await verify(home, foreign, ...at)
    const byName = await verify(home, foreign, ...at, '--ledger', own.market.addresses.ledger)

    expect([byHome.code, byName.code]).to.deep.equal([1, 1])
    expect(failed(byHome)).to.include('root')
    expect(failed(byName)).to.include('root')
  })

  it('refuses a router that names another ledger or another chain', async () => {
    const lie = async (change: object) => {
      own.router.script = { get: { '/v1/network': (body) => ({ ...(body as object), ...change }) } }
      const run = await verify(home, settled, '--router', own.router.url)
      own.router.script = {}
      return run
    }
    const { ledger, authority, ...rest } = own.market.addresses
    const ledgers = await lie({ addresses: { ...rest, accessManager: authority, ledger: authority } })
    const chains = await lie({ chainId: 1 })

    expect([ledgers.code, chains.code]).to.deep.equal([1, 1])
    expect([failed(ledgers), failed(chains)]).to.deep.equal([['ledger'], ['chain']])
    expect(ledger).not.to.equal(authority)
  })

  it('judges nothing where ledger or chain would be the router’s word', async () => {
    const bare = openHome({ ...own.market, home: join(own.folder, 'nowhere') }, own.router.url)
    rmSync(join(bare.folder, 'network.json'))
    const at = ['--router', own.router.url]
    const { ledger } = own.market.addresses
    const { rpcUrl } = own.market.chain

    const none = await verify(bare, settled, ...at)
    const noChain = await verify(bare, settled, ...at, '--ledger', ledger)
    const noLedger = await verify(bare, settled, ...at, '--rpc', rpcUrl)
    const both = await verify(bare, settled, ...at, '--ledger', ledger, '--rpc', rpcUrl)

    expect([none, noChain, noLedger].map(codeOf)).to.deep.equal(Array(3).fill('receipt.unpinned'))
    expect([both.code, failed(both)]).to.deep.equal([0, []])
  })

  it('and no command that is told the ledger looks at a chain of the router’s instead of this home’s', async () => {
    const ledger = own.market.addresses.ledger
    const named = ['--ledger', ledger, '--address', own.market.router.address]
    const at = (url: string) => home.run('audit', '--router', url, ...named, '--json')

    const honest = await at(own.router.url)
    const liar = await at(other.router.url)

    expect([honest.code, liar.code]).to.deep.equal([0, 1])
    expect((liar.json.lies as { code: string }[]).map(({ code }) => code)).to.include('data.hash_wrong')
  })

  it('ends well where all that is left of a batch’s data is its root, and says what was not checked', async () => {
    const stage = await openStage()
    const { market, router } = stage
    const at = openHome(market, router.url)
    const old = await settledCall(stage)
    const anvil = createTestClient({ mode: 'anvil', transport: http(market.chain.rpcUrl) })
    await anvil.increaseTime({ seconds: BATCH_DATA_DAYS * 86_400 })
    await anvil.mine({ blocks: 1 })
    router.script = { forgotten: true }

    const told = await at.run('receipt', 'verify', old)
    await stage.close()

    expect(told.code).to.equal(0)
    expect(told.out).to.match(/– debit +not checked: /)
    expect(told.out).to.match(/✓ root/)
    expect(told.out).not.to.match(/✗/)
  })

  it('holds debits to the payer’s own journal where this machine has one, and says so where it has none', async () => {
    const journal = join(home.folder, 'journal')
    const client = await own.client({ journal: fileJournal(journal) })
    const { request: call, price } = await client.run('chat', 'mine')
    const madeUp: Hex = `0x${'97'.repeat(32)}`
    const more = (lines: Batch['nodes']) => lines.map((line) => ({ ...line, amount: line.amount + price }))
    own.router.script = {
      listed: ([leaf]) => {
        if (!leaf) throw new Error('no leaf')
        const { charged, count, nodeGross, podGross, frontendGross } = leaf
        const gross = {
          nodeGross: nodeGross + price,
          podGross: podGross + price,
          frontendGross: frontendGross + price,
        }
        return [leaf, { ...leaf, ...gross, request: madeUp, charged: charged + price, count: count + 1n }]
      },
      posted: (batch) => ({
        ...batch,
        payers: batch.payers.map((line) => ({ ...line, charge: line.charge + price })),
        nodes: more(batch.nodes),
        pods: more(batch.pods),
        frontends: more(batch.frontends),
      }),
    }
    // The voucher of a second call covers the debit; the call itself is not posted.
    const { request: open } = await client.run('chat', 'charged and not settled')
    const [late, early] = [own.router.calls.get(open), own.router.calls.get(call)]
    if (!late || !early) throw new Error('no call')
    late.status = 'put off'
    early.job = { ...early.job, voucher: late.job.voucher, signature: late.job.signature }
    await own.router.settle()
    own.router.script = {}
    const kept = readdirSync(journal)

    const byHome = await verify(home, call)
    const byFolder = await verify(home, settled, '--journal', journal)
    const elsewhere = await home.run('receipt', 'verify', call, '--journal', own.folder)
    const told = await home.run('receipt', 'verify', call)

    const one = ({ json }: { json: Record<string, unknown> }) =>
      (json.checks as Check[]).find(({ name }) => name === 'journal')
    expect([byHome.code, byFolder.code, elsewhere.code, told.code]).to.deep.equal([1, 0, 0, 1])
    expect(failed(byHome)).to.deep.equal(['journal'])
    expect(told.out).to.match(/✗ journal +leaf\.unknown: /)
    expect(one(byFolder), 'a key of another machine').to.include({ ok: true, checked: false })
    expect(elsewhere.out)
      .to.match(/– journal +not checked: /)
      .and.include('--journal')
    expect(readdirSync(journal), 'no lock taken, nothing written').to.deep.equal(kept)
    await client.run('chat', 'its client goes on')
    await own.router.settle()
    expect((await verify(home, settled)).code).to.equal(0)
  })

  it('passes by the payer’s journal what its client counts too', async () => {
    const client = await own.client({ journal: fileJournal(join(home.folder, 'journal')) })
    const { request: call } = await client.run('chat', 'mine')
    await own.router.settle()

    const { code, json } = await verify(home, call)

    expect(code).to.equal(0)
    expect((json.checks as Check[]).find(({ name }) => name === 'journal')).to.include({
      ok: true,
      checked: true,
    })
  })

  it('shows what a router says in one line of its own: no answer hides what failed or makes up a line', async () => {
    const path = `/v1/batches/${own.router.calls.get(settled)?.batch?.seq}`
    const message = 'gone\n  ✓ debit  all is well\u001b[2J\u202e'
    const error = { code: 'batch.unknown', kind: 'refused', message }
    own.router.script = { withheld: path, get: { [path]: () => ({ error }) } }

    const { out, code } = await home.run('receipt', 'verify', settled)
    own.router.script = {}

    expect(code).to.equal(1)
    expect(out).to.match(/^ +✗ batch +batch\.unknown: gone\\u\{a\} /m)
    expect(out).not.to.match(/^ +✓ debit/m)
    expect(out.includes('\u001b') || out.includes('\u202e')).to.equal(false)
  })

  it('takes no text of a router for the newest call: it would stand on the terminal as it is', async () => {
    const receipts = [{ hash: '\u001b[2J\u001b[8m', status: 'settled', node: 1 }]
    own.router.script = { get: { '/v1/receipts': () => ({ receipts }) } }

    const { out, err, code } = await home.run('receipt', 'verify', 'latest')
    own.router.script = {}

    expect(code).to.equal(1)
    expect(err).to.include('router.unreadable')
    expect(`${out}${err}`.includes('\u001b')).to.equal(false)
  })

  it('fails a router that says it is another one than was called', async () => {
    const called = await verify(home, settled, '--address', own.market.addresses.heu)
    const asked = await verify(home, settled, '--address', own.market.router.address)

    expect([called.code, asked.code]).to.deep.equal([1, 0])
    expect(failed(called)).to.deep.equal(['router'])
  })

  it('fails on other bytes than were delivered', async () => {
    const [right, wrong] = [join(home.folder, 'right.bin'), join(home.folder, 'wrong.bin')]
    writeFileSync(right, LINES)
    writeFileSync(wrong, new Uint8Array([...LINES, 10]))

    const good = await verify(home, settled, '--bytes', right)
    const bad = await verify(home, settled, '--bytes', wrong)

    expect([good.code, bad.code]).to.deep.equal([0, 1])
    expect([failed(good), failed(bad)]).to.deep.equal([[], ['bytes']])
  })
})
