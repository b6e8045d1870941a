import 'fake-indexeddb/auto'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import type { Address, Hex } from 'viem'
import { configSchema, createWeb } from '../../apps/web/server.ts'
import { countOpen, searchFor } from '../../apps/web/src/search/ask.ts'
import { type Finding, newFinding } from '../../apps/web/src/search/finding.ts'
import { type Findings, openFindings } from '../../apps/web/src/search/store.ts'
import { browserJournal } from '../../apps/web/src/session/journal.ts'
import { openSessionDb } from '../../apps/web/src/session/store.ts'
import type { Session } from '../../apps/web/src/session/view.ts'
import type { CallOptions } from '../../sdk/calls.ts'
import type { Client } from '../../sdk/client.ts'
import { refused } from '../../sdk/errors.ts'
import type { JournalEntry } from '../../sdk/journal.ts'
import { type Manifest, parseManifest } from '../../sdk/protocol/manifest.ts'
import { priceOf } from '../../sdk/protocol/price.ts'
import { PODS } from '../market.ts'
import { browserLocks } from './locks.ts'

/** What a search signs and what it says that it paid: on the page's own server, with a client that writes down its orders. */

const QUERY = 'What is a voucher?'
const hash = (index: number): Hex => `0x${index.toString(16).padStart(64, '0')}`
const address = (byte: string): Address => `0x${byte.repeat(20)}`
const manifestOf = (pod: string): Manifest => parseManifest(readFileSync(join(PODS, pod, 'pod.yaml')))
const embedder = { pod: 'embed', manifest: manifestOf('embed') }
const chat = manifestOf('chat')
/** Reads enough to answer from sources. */
const writer = {
  name: 'chat',
  manifest: { ...chat, limits: { ...chat.limits, inputUnits: 2_048 } },
}
const VECTOR_PRICE = 7n
const session = { refresh: async () => undefined, report: () => undefined } as unknown as Session

interface Order {
  pod: string
  maxPrice: bigint | undefined
}
/** Each call gets the next number as its request. */
let last = 0
function clientOf(orders: Order[], run: (options: CallOptions) => Promise<object>): Client {
  const begin = async (pod: string, options: CallOptions) => {
    orders.push({ pod, maxPrice: options.maxPrice })
    last += 1
    await options.signed?.(hash(last), {} as never)
  }
  return {
    async run(pod: string, _: object, options: CallOptions) {
      await begin(pod, options)
      return run(options)
    },
    stream(pod: string, _: object, options: CallOptions) {
      return {
        request: Promise.resolve(hash(last + 1)),
        answer: Promise.reject(refused('call.left', 'left')),
        async *[Symbol.asyncIterator]() {
          await begin(pod, options)
          yield { text: 'It is a promise' }
          throw refused('call.left', 'the call was left before its end')
        },
      }
    },
  } as unknown as Client
}
const vector = async () => ({ embeddings: [[0.6, 0.8]], price: VECTOR_PRICE })

describe('what a search signs and pays', function () {
  this.timeout(60_000)
  const real = globalThis.fetch
  let app: FastifyInstance
  let findings: Findings
  before(async () => {
    findings = await openFindings()
  })
  const open = () =>
    createWeb(
      configSchema.parse({
        port: 0,
        routerUrl: 'http://127.0.0.1:1',
        rpcUrl: 'http://127.0.0.1:2',
        chainId: 31337,
        ledger: address('1e'),
        doors: { search: { frontend: 4 } },
      }),
      pino({ level: 'silent' }),
    )
  beforeEach(async () => {
    app = open()
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    globalThis.fetch = (to, init) => real(new URL(String(to), `http://127.0.0.1:${port}`), init)
  })
  afterEach(async () => {
    globalThis.fetch = real
    await app.close()
  })

  let ids = 0
  async function search(
    client: Client,
    { query = QUERY, model }: { query?: string; model?: typeof writer } = {},
  ): Promise<Finding> {
    ids += 1
    const id = `finding-${ids}`
    findings.add(newFinding(id, query, ids))
    const { signal } = new AbortController()
    await searchFor({ findings, session, client, id, query, model, vectors: embedder, signal })
    return findings.find(id) ?? newFinding('none', '', 0)
  }
  /** One that the server refuses: this address searched too often. */
  async function exhaust(): Promise<void> {
    for (let status = 0; status !== 429; ) {
      const body = JSON.stringify({ query: QUERY })
      const headers = { 'content-type': 'application/json' }
      status = (await fetch('/api/search', { method: 'POST', body, headers })).status
    }
  }

  it('every call is allowed what it costs by the terms that were shown, and no more', async () => {
    const orders: Order[] = []
    await search(clientOf(orders, vector), { model: writer })
    const { pricing, limits } = embedder.manifest
    const [first, second] = orders

    expect(orders.map(({ pod }) => pod)).to.deep.equal(['embed', 'chat'])
    // By bytes: a text has no more tokens than bytes.
    const bytes = BigInt(new TextEncoder().encode(JSON.stringify({ input: QUERY })).length)
    const units = bytes < BigInt(limits.inputUnits) ? bytes : BigInt(limits.inputUnits)
    expect(first?.maxPrice).to.equal(priceOf(pricing, units, BigInt(limits.outputUnits)))
    const most = priceOf(chat.pricing, 2_048n, 1_024n)
    expect(second?.maxPrice !== undefined && second.maxPrice > 0n && second.maxPrice <= most).to.equal(true)
  })

  it('a pod that asks for more by now is not paid, and has no receipt', async () => {
    const orders: Order[] = []
    const dearer = clientOf(orders, () => Promise.reject(refused('price.too_low', 'maxPrice is below')))
    const { state, problem, requests, price, open } = await search(dearer)

    expect([state, problem?.code]).to.deep.equal(['failed', 'price.rose'])
    expect([requests, open, price]).to.deep.equal([[], [], '0'])
  })

  it('a call that is signed anew on newer terms stands there once', async () => {
    const twice = clientOf([], async (options) => {
      await options.signed?.(hash(9_999), {} as never)
      return vector()
    })
    const { requests, price, open } = await search(twice)

    expect([requests, open, price]).to.deep.equal([[hash(9_999)], [], String(VECTOR_PRICE)])
  })

  it('a vector whose search the server refused is kept, and the next try does not pay for it again', async () => {
    const orders: Order[] = []
    const client = clientOf(orders, vector)
    await exhaust()
    const first = await search(client)
    const second = await search(client)

    expect([first.state, first.problem?.code, first.price]).to.deep.equal(['failed', 'rate.limited', '7'])
    expect([second.state, second.price, second.requests]).to.deep.equal(['failed', '0', []])

    // Another server knows nothing of what this address did.
    await app.close()
    globalThis.fetch = async (to, init) => {
      const { body, headers } = await app.inject({
        method: 'POST',
        url: String(to),
        payload: String(init?.body),
        headers: { 'content-type': 'application/json' },
      })
      return new Response(body, { headers: { 'content-type': String(headers['content-type']) } })
    }
    app = open()
    const third = await search(client)
    expect([third.state, third.price]).to.deep.equal(['done', '0'])
    expect(orders.length).to.equal(1)

    // What found something is used up: this one is paid for like any other.
    expect((await search(client)).price).to.equal('7')
    expect(orders.length).to.equal(2)
  })

  it('a search that is stopped is not called free: it costs what its receipt says, once the browser has it', async () => {
    const stopped = await search(clientOf([], vector), { model: writer })
    const [, left = hash(0)] = stopped.requests

    expect(stopped.state).to.equal('stopped')
    expect([stopped.price, stopped.open]).to.deep.equal(['7', [left]])

    await countOpen(findings, stopped.id)
    expect(findings.find(stopped.id)?.open).to.deep.equal([left])

    await book(left as Hex, 12n)
    for (let times = 0; times < 2; times += 1) await countOpen(findings, stopped.id)
    expect(findings.find(stopped.id)).to.include({ price: '19' })
    expect(findings.find(stopped.id)?.open).to.deep.equal([])
  })
})

/** Writes a receipt of a call into this browser's journal. */
async function book(request: Hex, price: bigint): Promise<void> {
  const account = { chainId: 31_337, ledger: address('1e'), router: address('2f'), payer: address('3a') }
  const signature: Hex = `0x${'11'.repeat(64)}`
  const receipt = {
    request,
    node: 1,
    unitsIn: 1n,
    unitsOut: 1n,
    length: 1n,
    end: 1 as const,
    price,
    output: hash(9),
    evidence: hash(10),
    completedAt: 9,
  }
  const ack = { payer: account.payer, charged: price, count: 1n, receipt: hash(11) }
  const answer = { receipt, signature, provider: 'cpu', ack, ackSignature: signature } as const
  const entry: JournalEntry = { type: 'booked', at: 9, request, answer }
  const db = await openSessionDb()
  const log = await browserJournal(db, browserLocks()).open(account)
  await log.append(entry)
  await log.close()
  db.close()
}
