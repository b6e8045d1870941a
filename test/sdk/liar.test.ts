import { expect } from 'chai'
import { type Hex, zeroAddress } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import type { HeuristError } from '../../sdk/errors.ts'
import { createClient, memoryJournal } from '../../sdk/index.ts'
import { keccak, toHex } from '../../sdk/protocol/bytes.ts'
import { refusal } from './refusal.ts'
import { LINES, type Script } from './router.ts'
import { openStage, type Stage } from './stage.ts'

const utf8 = new TextEncoder()
const HASH: Hex = `0x${'11'.repeat(32)}`

/** Every lie a router or a node can tell about one answer, and what the client calls it. */
const LIES: { lie: string; code: string; script: Script; retires?: true; open?: true }[] = [
  {
    lie: 'delivers other bytes than the node signed',
    code: 'receipt.output_mismatch',
    script: { delivered: () => utf8.encode('{"text":"Hello mars"}\n') },
  },
  {
    lie: 'delivers the right number of wrong bytes',
    code: 'receipt.output_mismatch',
    script: { delivered: (bytes) => bytes.map((byte) => (byte === 72 ? 74 : byte)) },
  },
  {
    lie: 'holds back the end of the output',
    code: 'receipt.output_mismatch',
    script: { delivered: (bytes) => bytes.subarray(0, bytes.length - 5) },
  },
  {
    lie: 'adds to the output',
    code: 'receipt.output_mismatch',
    script: { delivered: (bytes) => new Uint8Array([...bytes, 10]) },
  },
  {
    lie: 'signs for a longer output than it delivers',
    code: 'receipt.output_mismatch',
    script: { receipt: (receipt) => ({ ...receipt, length: receipt.length + 100n }) },
  },
  {
    lie: 'answers with the receipt of another call',
    code: 'receipt.request_mismatch',
    script: { receipt: (receipt) => ({ ...receipt, request: HASH }) },
  },
  {
    lie: 'asks more than the manifest says',
    code: 'receipt.price_mismatch',
    script: { receipt: (receipt) => ({ ...receipt, price: receipt.price + 1n }) },
  },
  {
    lie: 'asks less than the manifest says',
    code: 'receipt.price_mismatch',
    script: { receipt: (receipt) => ({ ...receipt, price: receipt.price - 1n }) },
  },
  {
    lie: 'counts more input than the pod takes',
    code: 'receipt.units_over_limit',
    script: { units: { unitsIn: 513n, unitsOut: 3n } },
  },
  {
    lie: 'counts more output than the pod gives',
    code: 'receipt.units_over_limit',
    script: { units: { unitsIn: 1n, unitsOut: 257n } },
  },
  {
    lie: 'counts within the limits, above what the call allowed',
    code: 'receipt.price_over_max',
    script: { units: { unitsIn: 512n, unitsOut: 256n } },
  },
  {
    lie: 'delivers more bytes than the manifest allows',
    code: 'receipt.length_over_limit',
    script: { output: () => utf8.encode(`{"text":"${'x'.repeat(1_048_577)}"}\n`) },
  },
  {
    lie: 'says that the client left although it stayed',
    code: 'receipt.end_mismatch',
    script: { receipt: (receipt) => ({ ...receipt, end: 1 }) },
    retires: true,
  },
  {
    lie: 'signs with a key that is no node’s',
    code: 'receipt.signature_invalid',
    script: { nodeKey: generatePrivateKey() },
  },
  {
    lie: 'names a node that does not exist',
    code: 'receipt.signature_invalid',
    script: { receipt: (receipt) => ({ ...receipt, node: 4_000_000 }) },
  },
  {
    lie: 'names another node than the one that signed',
    code: 'receipt.signature_invalid',
    script: { receipt: (receipt) => ({ ...receipt, node: receipt.node + 1 }) },
  },
  {
    lie: 'changes the receipt after the node signed it',
    code: 'ack.receipt_mismatch',
    script: {
      sent: (answer) => ({ ...answer, receipt: { ...answer.receipt, evidence: HASH } }),
    },
  },
  {
    lie: 'acknowledges another receipt',
    code: 'ack.receipt_mismatch',
    script: { ack: (ack) => ({ ...ack, receipt: HASH }) },
  },
  {
    lie: 'acknowledges to another payer',
    code: 'ack.payer_mismatch',
    script: { ack: (ack) => ({ ...ack, payer: zeroAddress }) },
  },
  {
    lie: 'counts one unit too much in all',
    code: 'ack.charged_wrong',
    script: { ack: (ack) => ({ ...ack, charged: ack.charged + 1n }) },
  },
  {
    lie: 'counts less than this very receipt',
    code: 'ack.charged_wrong',
    script: { ack: (ack) => ({ ...ack, charged: 1n }) },
  },
  {
    lie: 'counts a receipt that nobody got',
    code: 'ack.count_wrong',
    script: { ack: (ack) => ({ ...ack, count: ack.count + 1n }) },
  },
  {
    lie: 'counts no receipt',
    code: 'ack.count_wrong',
    script: { ack: (ack) => ({ ...ack, count: 0n }) },
  },
  {
    lie: 'lets somebody else countersign',
    code: 'ack.signature_invalid',
    script: { routerKey: generatePrivateKey() },
  },
  {
    lie: 'countersigns with the malleable twin',
    code: 'ack.signature_invalid',
    script: { sent: (answer) => ({ ...answer, ackSignature: twinOf(answer.ackSignature) }) },
  },
  {
    lie: 'sends a receipt without its acknowledgement',
    code: 'router.unreadable',
    script: { sent: ({ receipt, signature, provider }) => ({ receipt, signature, provider }) },
    open: true,
  },
]

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** The same signature with s in the upper half. */
function twinOf(signature: Hex): Hex {
  const s = (ORDER - BigInt(`0x${signature.slice(66, 130)}`)).toString(16).padStart(64, '0')
  return `${signature.slice(0, 66)}${s}${signature.endsWith('1b') ? '1c' : '1b'}` as Hex
}

describe('a router that lies is not paid', function () {
  this.timeout(600_000)
  let stage: Stage
  before(async () => {
    stage = await openStage()
  })
  beforeEach(() => {
    stage.router.script = {}
  })
  after(() => stage.close())

  type Client = Awaited<ReturnType<Stage['client']>>

  async function streamed(client: Client): Promise<HeuristError> {
    const stream = client.stream('chat', 'hi')
    const error = await refusal(
      (async () => {
        for await (const _ of stream);
      })(),
    )
    expect((await refusal(stream.answer)).code).to.equal(error.code)
    return error
  }

  for (const { lie, code, script, retires, open } of LIES) {
    it(`when it ${lie}: ${code}`, async () => {
      stage.router.script = script
      const [whole, stream] = await Promise.all([stage.client(), stage.client()])

      const [first, second] = await Promise.all([refusal(whole.run('chat', 'hi')), streamed(stream)])

      expect(first.code).to.equal(code)
      // A stream cannot deliver too much before its client says stop.
      expect(second.code).to.equal(code === 'receipt.length_over_limit' ? 'output.too_long' : code)
      for (const client of [whole, stream]) {
        const { charged, held } = await client.balance()
        // What cannot be read says nothing of the charge: it stays at stake until the router shows what was signed.
        if (open) expect(charged + held > 0n).to.equal(true)
        else expect([charged, held]).to.deep.equal([0n, 0n])
      }
      stage.router.script = {}
      if (!retires) return
      expect((await refusal(whole.run('chat', 'hi'))).code).to.equal('key.retired')
      expect((await streamed(stream)).code).to.equal('key.retired')
    })
  }

  it('peer 34: the hash that was signed is held to the bytes that the client received, each of them', async () => {
    const client = await stage.client()
    const text = new TextDecoder().decode(LINES)
    const signed: Hex[] = []
    const receipt: Script['receipt'] = (honest) => {
      signed.push(honest.output)
      return honest
    }
    // Letters, so that what arrives still reads as an answer.
    for (const at of ['Hello', 'world', 'stop'].map((word) => text.indexOf(word))) {
      const delivered = (bytes: Uint8Array) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))
      stage.router.script = { receipt, delivered }

      const codes = [(await refusal(client.run('chat', 'hi'))).code, (await streamed(client)).code]

      expect(codes, `byte ${at}`).to.deep.equal(Array(2).fill('receipt.output_mismatch'))
    }
    const { charged } = await client.balance()

    expect(charged).to.equal(0n)
    expect(signed, 'the router and its node signed the truth each time').to.deep.equal(
      Array(6).fill(toHex(keccak(LINES))),
    )
  })

  /** What the client counts as charged or at stake, and what the chain counts as spent, after one call that pays. */
  async function money(client: Client): Promise<bigint[]> {
    const { charged, held, spent, deposited } = await client.balance()
    return [charged, held, spent, deposited]
  }

  it('attack: a fake abort that truncates costs the payer nothing and earns nothing', async () => {
    const client = await stage.client()
    await client.run('chat', 'hi')
    const before = await money(client)
    // The node signs for a prefix and says that the client had left; the router delivers just that.
    const prefix = LINES.subarray(0, 20)
    stage.router.script = {
      delivered: () => prefix,
      receipt: (receipt) => ({
        ...receipt,
        end: 1,
        length: BigInt(prefix.length),
        output: toHex(keccak(prefix)),
      }),
      units: { unitsIn: 1n, unitsOut: 1n },
    }

    const [whole, stream] = [await refusal(client.run('chat', 'hi')), await streamed(await stage.client())]

    expect([whole.code, stream.code]).to.deep.equal(['receipt.end_mismatch', 'receipt.end_mismatch'])
    expect(await money(client)).to.deep.equal(before)
  })

  it('attack: a deployer that swaps the model or the price after signing is paid for neither', async () => {
    const client = await stage.client()
    await client.run('chat', 'hi')
    const before = await money(client)
    const chat = stage.router.pods.chat
    for (const [from, to] of [
      ['output: 4000000', 'output: 40000000'],
      ['ab'.repeat(32), 'cd'.repeat(32)],
    ] as const) {
      const swapped = utf8.encode(new TextDecoder().decode(chat?.bytes).replace(from, to))
      expect(toHex(keccak(swapped))).to.not.equal(chat?.hash)
      // Served under the name of the version that was signed for, and under its own that was never published.
      for (const manifest of [chat?.hash, toHex(keccak(swapped))]) {
        stage.router.script = {
          get: {
            '/v1/pods/chat': (body) => ({ ...(body as object), manifest }),
            [`/v1/pods/${chat?.id}/manifest`]: () => swapped,
          },
        }
        const fresh = await stage.client()
        expect((await refusal(fresh.run('chat', 'hi'))).code).to.equal('manifest.untrue')
        const [charged, held] = await money(fresh)
        expect([charged, held]).to.deep.equal([0n, 0n])
      }
    }
    // Who signed before the swap pays what the signed version says, or nothing.
    stage.router.script = { receipt: (receipt) => ({ ...receipt, price: receipt.price * 10n }) }
    expect((await refusal(client.run('chat', 'hi'))).code).to.equal('receipt.price_mismatch')
    expect(await money(client)).to.deep.equal(before)
  })

  it('when another node answers than the one that was asked: receipt.node_mismatch', async () => {
    const client = await stage.client()

    const error = await refusal(client.run('chat', 'hi', { node: stage.node.id + 5 }))

    expect(error.code).to.equal('receipt.node_mismatch')
  })

  it('but is when it tells the truth under the same checks', async () => {
    stage.router.script = { receipt: (receipt) => receipt, ack: (ack) => ack, delivered: (bytes) => bytes }
    const client = await stage.client()

    const answer = await client.run('chat', 'hi', { node: stage.node.id })

    expect(answer.receipt.output).to.equal(toHex(keccak(LINES)))
    expect((await client.balance()).charged).to.equal(22n)
  })

  it('when it shows a manifest that is not the one it names: manifest.untrue', async () => {
    const chat = stage.router.pods.chat
    const cheaper = utf8.encode(new TextDecoder().decode(chat?.bytes).replace('minimum: 10', 'minimum: 11'))
    stage.router.script = { get: { [`/v1/pods/${chat?.id}/manifest`]: () => cheaper } }
    const client = await stage.client()

    expect((await refusal(client.run('chat', 'hi'))).code).to.equal('manifest.untrue')
  })

  it('when it serves a version that its pod never published: manifest.untrue', async () => {
    const chat = stage.router.pods.chat
    const dearer = utf8.encode(new TextDecoder().decode(chat?.bytes).replace('minimum: 10', 'minimum: 900'))
    const manifest = toHex(keccak(dearer))
    stage.router.script = {
      get: {
        '/v1/pods/chat': (body) => ({ ...(body as object), manifest }),
        [`/v1/pods/${chat?.id}/manifest`]: () => dearer,
      },
    }
    const client = await stage.client()

    const error = await refusal(client.run('chat', 'hi'))

    expect(error.code).to.equal('manifest.untrue')
    expect(error.message).to.match(/never published/)
  })

  it('when it answers for another pod than was asked for: manifest.untrue', async () => {
    const image = stage.router.pods.image
    const answer = {
      id: image?.id,
      manifest: image?.hash,
      name: 'chat',
      version: '1.0.0',
      kind: 'chat',
      description: '',
    }
    stage.router.script = { get: { '/v1/pods/chat': () => answer } }
    const client = await stage.client()

    expect((await refusal(client.run('chat', 'hi'))).code).to.equal('manifest.untrue')
  })

  it('when it names another registry than its ledger obeys: network.untrue', async () => {
    const other = privateKeyToAddress(generatePrivateKey())
    stage.router.script = {
      get: { '/v1/network': (body) => withAddress(body as { addresses: object }, { registry: other }) },
    }
    const client = await stage.client()

    expect((await refusal(client.run('chat', 'hi'))).code).to.equal('network.untrue')
  })

  it('when it serves another ledger than its client pinned: network.differs', async () => {
    const pin = { chainId: 31_337, rpcUrl: stage.market.chain.rpcUrl, ledger: stage.market.addresses.heu }
    const client = await stage.client({ chain: pin })

    expect((await refusal(client.run('chat', 'hi'))).code).to.equal('network.differs')
  })

  it('when it names a chain that its RPC is not: chain.wrong', async () => {
    stage.router.script = { get: { '/v1/network': (body) => ({ ...(body as object), chainId: 1_337 }) } }
    const client = await stage.client()

    expect((await refusal(client.run('chat', 'hi'))).code).to.equal('chain.wrong')
  })

  it('when its key made calls that the journal does not know: journal.lost', async () => {
    const { key } = await stage.market.payer(1_000_000n)
    const first = createClient({ routerUrl: stage.router.url, key, journal: memoryJournal() })
    await first.run('chat', 'hi')
    await first.close()

    const error = await refusal(
      createClient({ routerUrl: stage.router.url, key, journal: memoryJournal() }).run('chat', 'hi'),
    )

    expect(error.code).to.equal('journal.lost')
    expect(error.fix).to.match(/new key/)
  })

  it('and a lost journal shows on chain, whatever the router says: journal.lost', async () => {
    const { key } = await stage.market.payer(1_000_000n)
    const first = createClient({ routerUrl: stage.router.url, key, journal: memoryJournal() })
    const { ack } = await first.run('chat', 'hi')
    await first.close()
    for (const call of stage.router.calls.values())
      if (call.job.request.payer !== ack.payer) call.status = 'other'
    await stage.router.settle()
    const nothing = { charged: '0', count: '0' }
    stage.router.script = {
      get: { [`/v1/accounts/${ack.payer}`]: (body) => ({ ...(body as object), ...nothing }) },
    }

    const error = await refusal(
      createClient({ routerUrl: stage.router.url, key, journal: memoryJournal() }).run('chat', 'hi'),
    )

    expect(error.code).to.equal('journal.lost')
  })

  it('and a router’s figure never raises what the next voucher allows', async () => {
    const client = await stage.client()
    await client.run('chat', 'hi')
    stage.router.script = { ack: (ack) => ({ ...ack, charged: ack.charged + 1_000_000n }) }
    await refusal(client.run('chat', 'hi'))
    stage.router.script = {}

    const error = await refusal(client.run('chat', 'hi'))

    const { voucher, request } = stage.router.posts.at(-1) ?? { voucher: undefined, request: undefined }
    expect(voucher?.ceiling).to.equal(22n + (request?.maxPrice ?? 0n))
    // The router counted the rejected call: from here on the two books differ, and the client believes its own.
    expect(error.code).to.equal('ack.charged_wrong')
    expect((await client.balance()).charged).to.equal(22n)
  })
})

const withAddress = (body: { addresses: object }, addresses: object) => ({
  ...body,
  addresses: { ...body.addresses, ...addresses },
})
