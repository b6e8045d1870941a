import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { createTestClient, type Hex, http, type TestClient, toFunctionSelector } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { provePicture } from '../../apps/web/pictures/prove.ts'
import { routerConfigSchema } from '../../keepers/router/config.ts'
import { registryAbi } from '../../sdk/chain/abi.ts'
import type { ReceiptDocument } from '../../sdk/documents.ts'
import type { Batch } from '../../sdk/protocol/batch.ts'
import { keccak, toHex } from '../../sdk/protocol/bytes.ts'
import type { Leaf } from '../../sdk/protocol/merkle.ts'
import { toWire } from '../../sdk/protocol/wire.ts'
import { BATCH_DATA_DAYS } from '../../sdk/settlement.ts'
import { formatUsd, usd } from '../../sdk/units.ts'
import { type Check, verifyReceipt } from '../../sdk/verify.ts'
import { OUT_OF_STEP, type Question, startIllNode } from './ill-node.ts'
import { runScript } from './published.ts'
import { refusal } from './refusal.ts'
import { LINES } from './router.ts'
import { openStage, type Stage } from './stage.ts'

const HASH: Hex = `0x${'11'.repeat(32)}`
const NAMES = [
  'pinned',
  'request',
  'bytes',
  'price',
  'node',
  'router',
  'leaf',
  'root',
  'batch',
  'data',
  'debit',
  'journal',
  'credit node',
  'credit pod',
  'credit frontend',
  'split',
]

describe('verifying a receipt from its bytes to the debit', function () {
  this.timeout(600_000)
  let stage: Stage
  let request: Hex
  let options: { routerUrl: string; rpcUrl: string; ledger: Hex }

  before(async () => {
    stage = await openStage()
    const { router, market } = stage
    options = { routerUrl: router.url, rpcUrl: market.chain.rpcUrl, ledger: market.addresses.ledger }
    const [one, two] = await Promise.all([stage.client({ frontend: 1 }), stage.client()])
    await one.run('chat', 'before')
    await router.settle()
    const answers = await Promise.all([one.run('chat', 'a'), one.run('chat', 'b'), two.run('chat', 'c')])
    request = answers[1]?.request ?? HASH
    await router.settle()
  })
  beforeEach(() => {
    stage.router.script = {}
  })
  after(() => stage.close())

  const failed = (checks: Check[]) => checks.filter((check) => !check.ok).map((check) => check.name)

  /** Verifies while the router shows another document. */
  async function shown(change: (document: ReceiptDocument) => object): Promise<string[]> {
    stage.router.script = {
      get: {
        [`/v1/receipts/${request}`]: (body) => ({ ...(body as object), ...change(body as ReceiptDocument) }),
      },
    }
    return failed(await verifyReceipt(request, { ...options, bytes: LINES }))
  }

  it('passes every named check for a settled call', async () => {
    const checks = await verifyReceipt(request, { ...options, bytes: LINES })

    expect(checks.map((check) => check.name)).to.deep.equal(NAMES)
    expect(failed(checks)).to.deep.equal([])
    expect(checks.at(-1)?.detail).to.match(/ = 0\.000022$/)
  })

  it('says of bytes that are not given that they were not checked', async () => {
    const checks = await verifyReceipt(request, options)

    expect(failed(checks)).to.deep.equal([])
    expect(checks.filter(({ checked }) => !checked).map(({ name }) => name)).to.deep.equal([
      'bytes',
      'journal',
    ])
  })

  it('fails as not pinned where ledger or chain are the router’s word', async () => {
    const { routerUrl, rpcUrl, ledger } = options
    const details = []
    for (const trust of [{}, { rpcUrl }, { ledger }]) {
      const checks = await verifyReceipt(request, { routerUrl, ...trust })
      expect(failed(checks)).to.deep.equal(['pinned'])
      details.push(checks[0]?.detail)
    }

    expect(details.map((detail) => /the ledger|the chain/g[Symbol.match](detail ?? ''))).to.deep.equal([
      ['the ledger', 'the chain'],
      ['the ledger'],
      ['the chain'],
    ])
  })

  it('checks the input too, when it is given', async () => {
    const sent = stage.router.calls.get(request)?.job.input ?? ''
    const good = await verifyReceipt(request, { ...options, input: new TextEncoder().encode(sent) })
    const bad = await verifyReceipt(request, { ...options, input: new Uint8Array([1]) })

    expect(failed(good)).to.deep.equal([])
    expect(failed(bad)).to.deep.equal(['request'])
  })

  it('fails if the router tells another split than the signed price makes, by however little', async () => {
    const detail = (await verifyReceipt(request, options)).at(-1)?.detail ?? ''
    const parts = [...detail.matchAll(/(\w+) (\d\.\d{6})/g)].map(([, role = '', amount = '']) => [
      role,
      usd(amount),
    ])
    const split = Object.fromEntries(parts) as Record<string, bigint>
    const told = (by: bigint) =>
      shown(() => ({
        split: JSON.parse(
          toWire({ ...split, node: (split.node ?? 0n) + by, protocol: (split.protocol ?? 0n) - by }),
        ),
      }))

    expect(Object.keys(split)).to.have.length(5)
    expect(await told(0n)).to.deep.equal([])
    expect(await told(1n)).to.deep.equal(['split'])
  })

  it('fails on other bytes than were signed', async () => {
    const checks = await verifyReceipt(request, { ...options, bytes: new Uint8Array([...LINES, 10]) })

    expect(failed(checks)).to.deep.equal(['bytes'])
  })

  it('fails on another request than was asked about', async () => {
    expect(await shown(({ request }) => ({ request: { ...request, pod: 2 } }))).to.include('request')
  })

  it('fails on a receipt that the node did not sign', async () => {
    const wrong = await shown(({ receipt }) => ({ receipt: { ...receipt, evidence: HASH } }))

    expect(wrong).to.include.members(['node', 'router', 'leaf'])
  })

  it('fails on an acknowledgement that the router did not sign', async () => {
    const wrong = await shown(({ ack }) => ({ ack: { ...ack, charged: ack && ack.charged + 1n } }))

    expect(wrong).to.include('router')
  })

  it('fails on a leaf that is not under the posted root', async () => {
    const wrong = await shown(({ leaf }) => ({ leaf: leaf && { ...leaf, nodeGross: leaf.nodeGross + 1n } }))

    // If the node had a call after it, that one begins before the end that is shown.
    expect(wrong[0]).to.equal('root')
    expect(['root', 'credit node']).to.include.members(wrong)
  })

  it('accuses nobody while the chain’s node answers with errors, whichever question the first one is to: it is put off', async () => {
    const node = await startIllNode(options.rpcUrl)
    const asking = { ...options, rpcUrl: node.url, bytes: LINES }
    await verifyReceipt(request, asking)
    const all = node.asked

    for (let first = 1; first <= all; first += 1) {
      node.asked = 0
      node.says = (asked) => (asked < first ? undefined : OUT_OF_STEP)
      const { code, kind } = await refusal(verifyReceipt(request, asking))

      expect([code, kind], `question ${first}`).to.deep.equal(['chain.unreachable', 'later'])
    }
    node.close()
    expect(all).to.be.greaterThan(10)
  })

  it('fails on a transaction that the chain does not know, in words of ours', async () => {
    stage.router.script = {
      get: {
        [`/v1/receipts/${request}`]: (body) => {
          const { batch } = body as ReceiptDocument
          return { ...(body as object), batch: { ...batch, txHash: `0x${'ab'.repeat(32)}` } }
        },
      },
    }
    const checks = await verifyReceipt(request, { ...options, bytes: LINES })

    const { ok, detail } = checks.find(({ name }) => name === 'batch') ?? {}
    expect([ok, detail]).to.deep.equal([
      false,
      `batch.unreadable: the chain knows no transaction 0x${'ab'.repeat(32)}`,
    ])
  })

  it('accuses nobody while the chain’s node has not come to the block of the batch: chain.behind', async () => {
    const node = await startIllNode(options.rpcUrl)
    const asking = { ...options, rpcUrl: node.url, bytes: LINES }
    let named = 1_000n
    stage.router.script = {
      get: {
        [`/v1/receipts/${request}`]: (body) => {
          const { batch } = body as ReceiptDocument
          return { ...(body as object), batch: { ...batch, block: named.toString() } }
        },
      },
    }
    const rootOf = toFunctionSelector('rootOf(address,uint64)')
    const isOf: Record<string, (question: Question) => boolean> = {
      root: ({ params }) => params?.[0]?.data?.startsWith(rootOf) === true,
      batch: ({ method }) => method.startsWith('eth_getTransaction'),
    }
    const empty = { root: { result: `0x${'00'.repeat(32)}` }, batch: { result: null } }
    for (const name of ['root', 'batch'] as const) {
      let head = named - 1n
      let unknown = true
      node.says = (_, question) => {
        if (question.method === 'eth_blockNumber') return { result: `0x${head.toString(16)}` }
        return unknown && isOf[name]?.(question) ? empty[name] : undefined
      }
      const { code, kind, message } = await refusal(verifyReceipt(request, asking))
      head = named
      const lied = failed(await verifyReceipt(request, asking))
      // Nor does a block that no chain has put it off.
      head = named - 1_000n
      named = 10n ** 18n
      const far = failed(await verifyReceipt(request, asking))
      named = 1_000n
      head = named
      // It comes to the block while it is asked.
      const says = node.says
      node.says = (asked, question) => {
        if (question.method === 'eth_blockNumber') unknown = false
        return says(asked, question)
      }
      const come = failed(await verifyReceipt(request, asking))

      expect([code, kind], name).to.deep.equal(['chain.behind', 'later'])
      expect(message).to.include(' 999').and.to.include(' 1000')
      expect([lied, far], name).to.deep.equal([[name], [name]])
      expect(come, name).to.deep.equal([])
    }
    node.close()
  })

  it('puts off a call whose router is too busy to prove its leaf: proofs.busy', async () => {
    const unproven = ({ batch }: ReceiptDocument) => {
      const { proof, ...rest } = batch ?? {}
      expect(proof).to.not.equal(undefined)
      return { batch: rest }
    }

    const { code, kind } = await refusal(shown(unproven))

    expect([code, kind]).to.deep.equal(['proofs.busy', 'later'])
  })

  it('refuses a leaf of no node, as a document that it cannot read', async () => {
    for (const node of [1.5, -1, 2 ** 53, 2 ** 32]) {
      const answer = shown(({ leaf }) => ({ leaf: leaf && { ...leaf, node } }))

      expect((await refusal(answer)).code, `${node}`).to.equal('router.unreadable')
    }
  })

  it('fails on a leaf of another call', async () => {
    const other = [...stage.router.calls.values()].find((call) => call.request !== request)
    const wrong = await shown(() => ({ leaf: other?.leaf }))

    expect(wrong).to.include.members(['leaf', 'root'])
  })

  it('fails on a batch that this router never settled', async () => {
    expect(await shown(({ batch }) => ({ batch: { ...batch, seq: '77' } }))).to.include.members([
      'root',
      'batch',
    ])
  })

  it('fails on a transaction that settled another batch', async () => {
    const first = [...stage.router.calls.values()][0]?.batch
    const wrong = await shown(({ batch }) => ({ batch: { ...batch, txHash: first?.txHash } }))

    expect(wrong).to.include('batch')
  })

  /** Verifies while the router serves these documents of the call's batch in place of its own. */
  async function serving(documents: Record<string, (honest: Uint8Array) => unknown>): Promise<Check[]> {
    const path = `/v1/batches/${stage.router.calls.get(request)?.batch?.seq}`
    const get = Object.entries(documents).map(([name, change]) => [
      path + name,
      (body: unknown) => change(body as Uint8Array),
    ])
    stage.router.script = { get: Object.fromEntries(get) }
    return verifyReceipt(request, options)
  }
  const unchecked = (checks: Check[]) => checks.filter((check) => !check.checked).map((check) => check.name)

  it('fails on batch data that is not what was posted: an index, a part, or two parts that were swapped', async () => {
    const path = `/v1/batches/${stage.router.calls.get(request)?.batch?.seq}`
    const [first, second] = await Promise.all(
      [0, 1].map(async (part) => {
        const response = await fetch(`${options.routerUrl}${path}/parts/${part}`)
        return new Uint8Array(await response.arrayBuffer())
      }),
    )
    const altered = (honest: Uint8Array) => honest.map((byte) => (byte === 50 ? 51 : byte))

    const runs = [
      await serving({ '': altered }),
      await serving({ '/parts/0': altered }),
      await serving({ '/parts/1': (honest) => honest.slice(0, -1) }),
      await serving({ '/parts/0': () => second, '/parts/1': () => first }),
      await serving({ '/parts/1': () => first }),
    ]

    for (const checks of runs) {
      expect(failed(checks)).to.deep.equal(['data'])
      expect(detailOf(checks, 'data')).to.match(/^data.hash_wrong: /)
      expect(unchecked(checks)).to.deep.equal([
        'bytes',
        'debit',
        'journal',
        'credit node',
        'credit pod',
        'credit frontend',
      ])
    }
    expect(failed(await serving({}))).to.deep.equal([])
  })

  it('fails when a part is withheld, or is no document at all', async () => {
    const seq = stage.router.calls.get(request)?.batch?.seq
    stage.router.script = { withheld: `/v1/batches/${seq}/parts/1` }
    const withheld = await verifyReceipt(request, options)
    const tooLong = await serving({ '/parts/1': () => new Uint8Array(8 * 1024 * 1024 + 1) })

    expect(failed(withheld)).to.deep.equal(['batch'])
    expect(detailOf(withheld, 'batch')).to.match(/^batch.unknown: /)
    expect(failed(tooLong)).to.deep.equal(['batch'])
    expect(detailOf(tooLong, 'batch')).to.match(/larger than 8388608 bytes/)
  })

  it('says of the data of a batch that is larger than its reader takes that it was not checked', async () => {
    const checks = await verifyReceipt(request, { ...options, mostLeaves: 2 })
    const all = await verifyReceipt(request, { ...options, mostLeaves: 3 })

    expect(failed(checks)).to.deep.equal([])
    expect(unchecked(checks)).to.include.members(['data', 'debit', 'credit node'])
    expect(detailOf(checks, 'data')).to.match(/^not checked: 3 leaves|^3 leaves/)
    expect(unchecked(all)).to.deep.equal(['bytes', 'journal'])
  })

  it('fails by name on leaves that do not follow each other, or cannot have cost what was signed', async () => {
    const { router } = stage
    const client = await stage.client()
    const change = async (listed: (own: Leaf[]) => Leaf[]): Promise<Check[]> => {
      await client.run('chat', 'settled before')
      await router.settle()
      await client.run('chat', 'one')
      const { request: two } = await client.run('chat', 'two')
      router.script = { listed }
      await router.settle()
      router.script = {}
      return verifyReceipt(two, options)
    }

    const gap = await change(([one, two]) => [
      { ...(one as Leaf), count: (one as Leaf).count + 9n },
      two as Leaf,
    ])
    const wrong = await change(([, two]) => [{ ...(two as Leaf), charged: 1n }])
    const missing = await (async () => {
      const leaf = (body: unknown) => ({
        ...(body as ReceiptDocument),
        leaf: { ...shownLeaf(body), request: HASH },
      })
      router.script = { get: { [`/v1/receipts/${request}`]: leaf } }
      return verifyReceipt(request, options)
    })()

    expect(failed(gap)).to.deep.equal(['debit'])
    expect(failed(wrong)).to.include.members(['leaf', 'debit'])
    expect(failed(missing)).to.deep.equal(['leaf', 'root', 'debit'])
    expect([gap, wrong, missing].map((checks) => detailOf(checks, 'debit')?.split(':')[0])).to.deep.equal([
      'leaf.gap',
      'leaf.wrong',
      'leaf.missing',
    ])
  })
  const shownLeaf = (body: unknown) => (body as ReceiptDocument).leaf

  it('asks for one proven leaf where later batches debited the payer, and for no data of those batches', async () => {
    const client = await stage.client()
    const { request: early } = await client.run('chat', 'early')
    await stage.router.settle()
    await client.run('chat', 'late')
    await stage.router.settle()
    const { seq } = stage.router.calls.get(early)?.batch ?? { seq: '0' }
    const { payer } = stage.router.calls.get(early)?.job.request ?? {}
    const later = BigInt(seq) + 1n
    const path = `/v1/accounts/${payer}/leaf`
    type Proven = { seq: bigint; leaf: Leaf; proof: Hex[] }
    const showing = async (change: (honest: Proven) => object) => {
      stage.router.script = {
        withheld: `/v1/batches/${later}`,
        get: { [path]: (body) => change(body as Proven) },
      }
      const checks = await verifyReceipt(early, options)
      return [failed(checks), detailOf(checks, 'debit')?.split(':')[0]]
    }
    const own = stage.router.calls.get(early)

    expect((await showing((honest) => honest))[0]).to.deep.equal([])
    expect(
      await showing((honest) => ({ ...honest, leaf: { ...honest.leaf, charged: honest.leaf.charged + 1n } })),
    ).to.deep.equal([['debit'], 'leaf.forged'])
    expect(await showing((honest) => ({ ...honest, seq: honest.seq + 1n }))).to.deep.equal([
      ['debit'],
      'leaf.forged',
    ])
    expect(
      await showing((honest) => ({ ...honest, leaf: { ...honest.leaf, payer: `0x${'11'.repeat(20)}` } })),
    ).to.deep.equal([['debit'], 'leaf.forged'])
    const [older] = await showing(() => ({ seq, leaf: own?.leaf, proof: own?.batch?.proof }))
    expect(older, 'an older leaf shows less than was debited').to.deep.equal(['debit'])
  })

  const detailOf = (checks: Check[], name: string) => checks.find((check) => check.name === name)?.detail

  /** The batch as it would be posted, with `amount` more taken from its first line and credited to somebody. */
  const dearer = (batch: Batch, amount: bigint): Batch => ({
    ...batch,
    payers: batch.payers.map((line, index) => (index > 0 ? line : { ...line, charge: line.charge + amount })),
    nodes: [...batch.nodes, { id: 77, amount }],
    pods: [...batch.pods, { id: 77, amount }],
    frontends: [...batch.frontends, { id: 77, amount }],
  })

  it('fails when the batch debits the payer its whole ceiling for one cheap call', async () => {
    const { request: dear, price } = await (await stage.client()).run('chat', 'dear')
    const { ceiling } = stage.router.calls.get(dear)?.job.voucher ?? { ceiling: 0n }
    stage.router.script = { posted: (batch) => dearer(batch, ceiling - price) }
    await stage.router.settle()

    const checks = await verifyReceipt(dear, { ...options, bytes: LINES })

    expect(ceiling / price >= 10n, `${ceiling} / ${price}`).to.equal(true)
    expect(failed(checks)).to.deep.equal(['debit'])
    expect(detailOf(checks, 'debit')).to.include(`debited $${formatUsd(ceiling)}`)
    expect(detailOf(checks, 'debit')).to.include(`cost $${formatUsd(price)}`)
  })

  it('fails for each of a payer’s calls when the batch debits one unit more than they cost, or one less', async () => {
    for (const wrong of [1n, -1n]) {
      const client = await stage.client()
      await client.run('chat', 'settled before')
      await stage.router.settle()
      const first = await client.run('chat', 'one')
      const second = await client.run('chat', 'two')
      stage.router.script = {
        posted: (batch) => {
          const change = (lines: Batch['nodes']) =>
            lines.map((line, index) => (index > 0 ? line : { ...line, amount: line.amount + wrong }))
          const [line, ...rest] = batch.payers
          if (!line) throw new Error('no line')
          return {
            ...batch,
            payers: [{ ...line, charge: line.charge + wrong }, ...rest],
            nodes: change(batch.nodes),
            pods: change(batch.pods),
            frontends: change(batch.frontends),
          }
        },
      }
      await stage.router.settle()
      stage.router.script = {}

      for (const { request: call } of [first, second]) {
        expect(failed(await verifyReceipt(call, options)), `${wrong}`).to.include('debit')
      }
    }
  })

  it('fails when a later batch debits the payer for a call that no leaf shows', async () => {
    const client = await stage.client()
    let line: Batch['payers'][number] | undefined
    stage.router.script = {
      posted: (batch) => {
        line = batch.payers[0]
        return batch
      },
    }
    const { request: honest, price } = await client.run('chat', 'honest')
    await stage.router.settle()
    const before = failed(await verifyReceipt(honest, options))
    await (await stage.client()).run('chat', 'of somebody else')
    stage.router.script = {
      posted: (batch) => {
        if (!line) throw new Error('no line')
        const { payers, ...rest } = dearer(batch, 5n)
        return { ...rest, payers: [...batch.payers, { ...line, charge: 5n }] }
      },
    }
    await stage.router.settle()

    const after = await verifyReceipt(honest, options)

    expect(before).to.deep.equal([])
    expect(failed(after)).to.deep.equal(['debit'])
    expect(detailOf(after, 'debit')).to.include(`$${formatUsd(price + 5n)}`)
    expect(detailOf(after, 'debit')).to.include(`$${formatUsd(price)}`)
  })

  it('passes when later batches debit the payer for later calls', async () => {
    const client = await stage.client()
    const { request: early } = await client.run('chat', 'early')
    await stage.router.settle()
    await client.run('chat', 'late')
    await stage.router.settle()
    await (await stage.client()).run('chat', 'of somebody else')
    await stage.router.settle()

    expect(failed(await verifyReceipt(early, options))).to.deep.equal([])
  })

  it('fails when the router hides the receipt with which the payer’s calls of the batch begin', async () => {
    const client = await stage.client()
    await client.run('chat', 'settled before')
    await stage.router.settle()
    const hidden = await client.run('chat', 'hidden')
    const { request: last } = await client.run('chat', 'last')
    await stage.router.settle()
    const { receipt } = hidden
    const dear = { ...receipt, price: receipt.price + 1n }
    const show = (change: object) => {
      stage.router.script = {
        get: { [`/v1/receipts/${hidden.request}`]: (body) => ({ ...(body as object), ...change }) },
      }
    }

    expect(failed(await verifyReceipt(last, options))).to.deep.equal([])
    show({ receipt: undefined })
    expect(failed(await verifyReceipt(last, options))).to.deep.equal(['debit'])
    show({ receipt: dear })
    expect(failed(await verifyReceipt(last, options))).to.deep.equal(['debit'])
  })

  it('fails on a manifest that the pod never published', async () => {
    stage.router.script = {
      get: { [`/v1/pods/${stage.router.pods.chat?.id}/manifest`]: () => new TextEncoder().encode('name: x') },
    }

    expect(failed(await verifyReceipt(request, options))).to.deep.equal(['price'])
  })

  it('says of a call that is not settled yet that it is not', async () => {
    const client = await stage.client()
    const answer = await client.run('chat', 'new')

    const checks = await verifyReceipt(answer.request, { ...options, bytes: answer.bytes })

    expect(failed(checks)).to.deep.equal(['settled'])
    expect(checks.at(-1)?.detail).to.equal('not yet: receipted')
  })

  it('says of a failed call that there is no receipt, and why', async () => {
    stage.router.script = {
      error: { status: 502, body: { code: 'node.failed', kind: 'refused', message: 'it broke' } },
    }
    const client = await stage.client()
    await refusal(client.run('chat', 'new'))
    const [failedRequest] = [...stage.router.calls].find(([, call]) => call.status === 'failed') ?? [HASH]

    const checks = await verifyReceipt(failedRequest, options)

    expect(failed(checks)).to.deep.equal(['receipt'])
    expect(checks.at(-1)?.detail).to.match(/node\.failed/)
  })

  const script = (...args: string[]) => runScript(stage, ...args)

  it('a script that imports only viem comes to the same end', async () => {
    const file = join(stage.folder, 'output.ndjson')
    writeFileSync(file, LINES)

    const { code, output } = await script(
      options.routerUrl,
      options.rpcUrl,
      request,
      file,
      '--ledger',
      options.ledger,
    )

    expect(output).to.match(/the receipt holds/)
    expect(output).not.to.match(/✗/)
    expect(output.match(/✓/g)?.length).to.equal(14)
    expect(code).to.equal(0)
  })

  it('and that script fails when the payer was debited more than its calls cost, in this batch or in a later one', async () => {
    const { router } = stage
    const args = (call: Hex) => [options.routerUrl, options.rpcUrl, call, '--ledger', options.ledger]
    const client = await stage.client()
    const { request: fine } = await client.run('chat', 'fine')
    await router.settle()
    const { request: later } = await client.run('chat', 'later')
    await router.settle()
    const before = await script(...args(fine))
    await client.run('chat', 'one')
    const { request: dear } = await client.run('chat', 'two')
    router.script = { posted: (batch) => dearer(batch, 1n) }
    await router.settle()
    router.script = {}

    const runs = await Promise.all([fine, later, dear].map((call) => script(...args(call))))

    expect(before.code, before.output).to.equal(0)
    for (const { code, output } of runs) {
      expect(output).to.match(/✗ debit/)
      expect(output.match(/✗/g)?.length).to.equal(1)
      expect(code).to.equal(1)
    }
  })

  it('and that script fails on a part that was changed, two that were swapped, or one that is withheld', async () => {
    const path = `/v1/batches/${stage.router.calls.get(request)?.batch?.seq}`
    const bytesAt = async (part: number) =>
      new Uint8Array(await (await fetch(`${options.routerUrl}${path}/parts/${part}`)).arrayBuffer())
    const [first, second] = [await bytesAt(0), await bytesAt(1)]
    const args = [options.routerUrl, options.rpcUrl, request, '--ledger', options.ledger]
    const served = (parts: Uint8Array[]) => {
      const get = parts.map((bytes, part) => [`${path}/parts/${part}`, () => bytes])
      stage.router.script = { get: Object.fromEntries(get) }
    }

    served([first.map((byte) => (byte === 50 ? 51 : byte)), second])
    const changed = await script(...args)
    served([second, first])
    const swapped = await script(...args)
    stage.router.script = { withheld: `${path}/parts/1` }
    const withheld = await script(...args)

    for (const { code, output } of [changed, swapped, withheld]) {
      expect(output).to.match(/✗ data/)
      expect(output.match(/✗/g)?.length).to.equal(1)
      expect(code).to.equal(1)
    }
  })

  it('and that script fails when one byte, one signature or one sum is wrong', async () => {
    const file = join(stage.folder, 'tampered.ndjson')
    writeFileSync(
      file,
      LINES.map((byte) => (byte === 72 ? 74 : byte)),
    )
    stage.router.script = {
      get: {
        [`/v1/receipts/${request}`]: (body) => {
          const document = body as ReceiptDocument
          const leaf = document.leaf && { ...document.leaf, podGross: document.leaf.podGross + 1_000_000n }
          return { ...document, leaf, ack: { ...document.ack, count: 9 } }
        },
      },
    }

    const { code, output } = await script(
      options.routerUrl,
      options.rpcUrl,
      request,
      file,
      '--ledger',
      options.ledger,
    )

    expect(output).to.match(/✗ bytes/)
    expect(output).to.match(/✗ router/)
    expect(output).to.match(/✗ leaf/)
    expect(output).to.match(/✗ root/)
    expect(output).to.match(/✗ +pod/)
    expect(code).to.equal(1)
  })

  /** While the router says of itself that it settles elsewhere. */
  function elsewhere(change: { chainId?: number; ledger?: Hex }): void {
    stage.router.script = {
      get: {
        '/v1/network': (body) => {
          const { chainId, addresses, ...rest } = body as { chainId: number; addresses: { ledger: Hex } }
          const ledger = change.ledger ?? addresses.ledger
          return { ...rest, chainId: change.chainId ?? chainId, addresses: { ...addresses, ledger } }
        },
      },
    }
  }
  const OTHER: Hex = `0x${'cd'.repeat(20)}`

  it('refuses a receipt of another ledger or chain than the verifier’s, and looks no further', async () => {
    elsewhere({ ledger: OTHER })
    const ledger = failed(await verifyReceipt(request, options))
    elsewhere({ chainId: 1 })
    const chain = failed(await verifyReceipt(request, options))

    expect([ledger, chain]).to.deep.equal([['ledger'], ['chain']])
  })

  it('and so does that script, which takes its ledger from the verifier alone', async () => {
    const { addresses, chain, domain } = stage.market
    const file = join(stage.folder, 'record.json')
    writeFileSync(file, JSON.stringify({ chainId: domain.chainId, addresses }))
    const foreign = join(stage.folder, 'foreign.json')
    writeFileSync(foreign, JSON.stringify({ chainId: 1, addresses }))
    const args = [options.routerUrl, chain.rpcUrl, request]

    const pinned = await script(...args, '--network', file)
    const unpinned = await script(...args)
    const otherLedger = await script(...args, '--ledger', OTHER)
    const otherChain = await script(...args, '--network', foreign)
    elsewhere({ ledger: OTHER })
    const liar = await script(...args, '--network', file)
    elsewhere({ chainId: 1 })
    const moved = await script(...args, '--network', file)

    expect(pinned.code).to.equal(0)
    expect([unpinned, otherLedger, otherChain, liar, moved].map(({ code }) => code)).to.deep.equal([
      2, 1, 1, 1, 1,
    ])
    expect(unpinned.output).to.match(/no ledger to trust/)
    expect(otherLedger.output + liar.output).to.match(/names ledger .*, not 0xcdcd[\s\S]*names ledger 0xcdcd/)
    expect(otherChain.output).to.match(/is of chain 1/)
    expect(moved.output).to.match(/names chain 1, not 31337/)
  })

  it('takes the beginning of a call that was left for what it is, and not where the whole is wanted', async () => {
    const between = () => new Promise<void>((resolve) => setTimeout(resolve, 50))
    stage.router.script = { chunk: Math.ceil(LINES.length / 8), between }
    const client = await stage.client()
    const stream = client.stream('chat', 'left in the middle')
    const parts: Uint8Array[] = []
    for await (const { bytes } of stream) {
      parts.push(bytes)
      if (parts.length === 2) break
    }
    while ((await client.balance()).held > 0n) await new Promise((resolve) => setTimeout(resolve, 20))
    stage.router.script = {}
    const left = await stream.request
    const call = stage.router.calls.get(left)
    // Whoever left may show the beginning, and anything behind it.
    const made = Buffer.concat([
      LINES.subarray(0, Number(call?.answer?.receipt.length)),
      Buffer.from('forged'),
    ])
    const verdict = async (whole: boolean) => {
      const checks = await verifyReceipt(left, { ...options, bytes: made, whole })
      return checks.find(({ name }) => name === 'bytes')?.ok
    }

    expect(call?.answer?.receipt.end).to.equal(1)
    expect([await verdict(false), await verdict(true)]).to.deep.equal([true, false])
    const whole = await verifyReceipt(request, { ...options, bytes: LINES, whole: true })
    expect(failed(whole)).to.deep.equal([])

    const chainId = stage.market.domain.chainId
    const input = Buffer.from(call?.job.input ?? '')
    const proof = provePicture({ request: left, input, png: made }, { ...options, chainId })
    expect((await refusal(proof)).message).to.match(/bytes: the call was left/)
  })

  it('refuses to judge a call that the router does not know', async () => {
    expect((await refusal(verifyReceipt(toHex(keccak(LINES)), options))).code).to.equal('receipt.unknown')
  })
})

describe('verifying a receipt as time passes', function () {
  this.timeout(600_000)
  let stage: Stage
  let options: { routerUrl: string; rpcUrl: string; ledger: Hex }
  let test: TestClient

  before(async () => {
    stage = await openStage()
    const { router, market } = stage
    options = { routerUrl: router.url, rpcUrl: market.chain.rpcUrl, ledger: market.addresses.ledger }
    test = createTestClient({ mode: 'anvil', transport: http(options.rpcUrl) })
  })
  beforeEach(() => {
    stage.router.script = {}
  })
  after(() => stage.close())

  const wait = async (days: number) => {
    await test.increaseTime({ seconds: days * 86_400 })
    await test.mine({ blocks: 1 })
  }
  const failed = (checks: Check[]) => checks.filter(({ ok }) => !ok).map(({ name }) => name)
  const unchecked = (checks: Check[]) => checks.filter(({ checked }) => !checked).map(({ name }) => name)
  const script = (call: Hex) =>
    runScript(stage, options.routerUrl, options.rpcUrl, call, '--ledger', options.ledger)
  const settled = async (text: string): Promise<Hex> => {
    const { request } = await (await stage.client()).run('chat', text)
    await stage.router.settle()
    return request
  }

  it('batch data that a router no longer has to keep is not checked; its root and its lines still are', async () => {
    const call = await settled('to be forgotten')
    const { price } = stage.router.calls.get(call)?.answer?.receipt ?? { price: 0n }
    stage.router.script = {
      posted: (batch) => ({
        ...batch,
        payers: batch.payers.map((line, index) => ({
          ...line,
          charge: line.charge + (index === 0 ? -1n : 1n),
        })),
      }),
    }
    const { request: short } = await (await stage.client()).run('chat', 'debited a unit too little')
    await settled('debited that unit')
    await wait(BATCH_DATA_DAYS - 1)
    stage.router.script = { forgotten: true }
    const withheld = await verifyReceipt(call, options)
    await wait(1)

    const gone = await verifyReceipt(call, { ...options, bytes: LINES })
    const shortLater = await verifyReceipt(short, options)
    const scripts = await Promise.all([call, short].map((each) => script(each)))
    const leaf = (body: unknown) => {
      const document = body as ReceiptDocument
      return {
        ...document,
        leaf: document.leaf && { ...document.leaf, nodeGross: document.leaf.nodeGross + 1n },
      }
    }
    stage.router.script = { forgotten: true, get: { [`/v1/receipts/${call}`]: leaf } }
    const tampered = await verifyReceipt(call, options)

    const credits = ['credit node', 'credit pod', 'credit frontend']
    expect(failed(withheld)).to.deep.equal(['batch'])
    expect(failed(gone)).to.deep.equal([])
    expect(gone.map(({ name }) => name)).to.deep.equal(NAMES)
    expect(unchecked(gone)).to.deep.equal(['data', 'debit', 'journal', ...credits])
    expect(gone.find(({ name }) => name === 'data')?.detail).to.match(/^posted 30 days ago, kept for 30: /)
    expect(gone.find(({ name }) => name === 'debit')?.detail).to.include(`$${formatUsd(price)}`)
    expect(failed(shortLater)).to.deep.equal(['debit'])
    expect(failed(tampered)).to.deep.equal(['root'])
    expect(scripts.map(({ code }) => code)).to.deep.equal([0, 1])
    expect(scripts[0]?.output).to.match(/– data +not checked: /)
    expect(scripts[1]?.output).to.match(/✗ debit/)
  })

  it('a node’s signature holds for good if its key signed for it then, and not a second later', async () => {
    const { node, router, market } = stage
    const old = privateKeyToAccount(node.signerKey).address
    const next = generatePrivateKey()
    const held = await settled('before its key was replaced')
    const registry = { address: market.addresses.registry, abi: registryAbi } as const
    const args = [node.id, privateKeyToAccount(next).address] as const
    await market.deployer.send({ ...registry, functionName: 'setSigner', args }, node.owner)
    const { until } = await market.deployer.client.readContract({
      ...registry,
      functionName: 'signerLife',
      args: [old],
    })
    const signedBy = async (nodeKey: Hex, completedAt: number): Promise<Hex> => {
      router.script = { nodeKey, receipt: (receipt) => ({ ...receipt, completedAt }) }
      // Whether a client takes such an answer is not the question here.
      await Promise.allSettled([(await stage.client()).run('chat', `signed at ${completedAt}`)])
      router.script = {}
      await router.settle()
      return [...router.calls.keys()].at(-1) ?? HASH
    }
    const tooLate = await signedBy(node.signerKey, until + 1)
    const tooEarly = await signedBy(next, until - 1)
    stage.node.signerKey = next

    await wait(22)

    expect(until).to.be.greaterThan(0)
    expect(failed(await verifyReceipt(held, { ...options, bytes: LINES }))).to.deep.equal([])
    for (const wrong of [tooLate, tooEarly]) {
      expect(failed(await verifyReceipt(wrong, options))).to.deep.equal(['node'])
      expect((await script(wrong)).output).to.match(/✗ node/)
    }
    expect((await script(held)).code).to.equal(0)
  })

  it('batch data is asked for as long as routers keep it', () => {
    expect(BATCH_DATA_DAYS * 86_400_000).to.equal(routerConfigSchema.shape.settle.parse({}).keepMs)
  })
})
