import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { encodeFunctionData, type Hex, zeroHash } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { computeLedgerAbi } from '../../sdk/chain/abi.ts'
import type { Call } from '../../sdk/chain/call.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { keySender } from '../../sdk/chain/key-sender.ts'
import type { ErrorBody } from '../../sdk/errors.ts'
import { createSigner, fastKeccak, toCompact } from '../../sdk/native.ts'
import { type Batch, packBatch } from '../../sdk/protocol/batch.ts'
import { keccak, toHex } from '../../sdk/protocol/bytes.ts'
import { indexBytes, indexPath, leafRow, partBytes, partPath } from '../../sdk/protocol/data.ts'
import { type Manifest, manifestHash, parseManifest } from '../../sdk/protocol/manifest.ts'
import { type Leaf, leafHash, type MerkleTree, merkleTree } from '../../sdk/protocol/merkle.ts'
import { type Ack, createHasher, type Receipt } from '../../sdk/protocol/messages.ts'
import { priceOf } from '../../sdk/protocol/price.ts'
import { type Countersigned, type Job, jobSchema, parseWire, toWire } from '../../sdk/protocol/wire.ts'
import type { Market } from '../market.ts'

/**
 * A small router of the tests: a real HTTP server with real keys that answers jobs itself, honestly by default. A
 * `Script` makes it lie, stall or break, so that a client's every check can be seen to refuse.
 */
export interface Script {
  /** What the pod answers; default: two lines of text and a finish. */
  output?: (job: Job) => Uint8Array
  units?: { unitsIn: bigint; unitsOut: bigint }
  /** Changes what the node signs. */
  receipt?: (receipt: Receipt) => Receipt
  /** Signs the receipt instead of the node. */
  nodeKey?: Hex
  /** Changes what the router signs. */
  ack?: (ack: Ack) => Ack
  /** Signs the ack instead of the router. */
  routerKey?: Hex
  /** Changes what is delivered. */
  delivered?: (bytes: Uint8Array) => Uint8Array
  /** Changes the answer after both signatures. */
  sent?: (answer: Countersigned) => unknown
  /** Refuses or fails the job instead. */
  error?: { status: number; body: ErrorBody; headers?: Record<string, string> }
  /** Closes the connection: before anything is sent, after so many output bytes, or after accounting for it. */
  cut?: 'at once' | 'mid-stream' | 'unanswered'
  /** Bytes of output per chunk of a stream; default: everything. */
  chunk?: number
  /** Waits between the chunks of a stream until this resolves. */
  between?: () => Promise<void>
  /** Changes what is settled on the chain; the leaves stay. */
  posted?: (batch: Batch) => Batch
  /** Changes the leaves that are published, under the posted root and behind the posted hash. */
  listed?: (leaves: Leaf[]) => Leaf[]
  /** Carries what it settles to the ledger in its place. @returns the transaction's hash. */
  carry?: (call: Call) => Promise<Hex>
  /** A path that it answers as if there were nothing. */
  withheld?: string
  /** Shows no batch data any more. */
  forgotten?: boolean
  /** Names another manifest, network, account … : replaces the answer of a GET by path. */
  get?: Record<string, (body: unknown) => unknown>
}

/** What the router remembers of one call. */
export interface AnsweredCall {
  job: Job
  request: Hex
  status: string
  answer?: Countersigned
  bytes: Uint8Array
  leaf?: Leaf
  batch?: { seq: string; root: Hex; proof: Hex[]; txHash: Hex }
  error?: ErrorBody
}

export interface TestRouter {
  readonly url: string
  /** What the next calls meet. Replace it whole. */
  script: Script
  readonly calls: Map<Hex, AnsweredCall>
  /** Jobs that were posted, repetitions included. */
  readonly posts: Job[]
  readonly pods: Record<string, { id: number; hash: Hex; manifest: Manifest; bytes: Uint8Array }>
  /** Posts everything not posted yet, in one transaction. */
  settle(): Promise<void>
  /** Forgets its connections: every socket is destroyed, the port stays. */
  drop(): void
  close(): Promise<void>
}

const utf8 = new TextEncoder()
/** Leaves in a part: so few that most batches have several. */
const PART = 2
export const LINES = utf8.encode('{"text":"Hello "}\n{"text":"world"}\n{"finish":"stop"}\n')

export async function startRouter(
  market: Market,
  node: { id: number; signerKey: Hex },
  manifests: Record<string, Uint8Array>,
): Promise<TestRouter> {
  const hasher = createHasher(market.domain, fastKeccak)
  const calls = new Map<Hex, AnsweredCall>()
  const posts: Job[] = []
  const accounts = new Map<string, { charged: bigint; count: bigint }>()
  const gross = new Map<string, bigint>()
  let last = { seq: 0n, hash: zeroHash as Hex }
  /** Indexes and parts of batch data, by their paths. */
  const data = new Map<string, Uint8Array>()
  const posted: { seq: bigint; leaves: Leaf[]; tree: MerkleTree }[] = []
  const pods = Object.fromEntries(
    Object.entries(manifests).map(([name, bytes]) => {
      const id = market.seeded.pods[name] ?? 0
      return [name, { id, bytes, hash: manifestHash(bytes), manifest: parseManifest(bytes) }]
    }),
  )
  const podOf = (id: number) => Object.values(pods).find((pod) => pod.id === id)

  function work(job: Job, length?: number): AnsweredCall {
    const { script } = router
    const pod = podOf(job.request.pod)
    if (!pod) throw new Error(`no pod ${job.request.pod}`)
    const request = hasher.struct('Request', job.request)
    const whole = script.output?.(job) ?? LINES
    const bytes = length === undefined ? whole : whole.subarray(0, length)
    const units = script.units ?? { unitsIn: 10n, unitsOut: 3n }
    const honest: Receipt = {
      request,
      node: node.id,
      ...units,
      length: BigInt(bytes.length),
      end: length === undefined ? 0 : 1,
      price: priceOf(pod.manifest.pricing, units.unitsIn, units.unitsOut),
      output: toHex(keccak(bytes)),
      evidence: zeroHash,
      completedAt: Math.floor(Date.now() / 1000),
    }
    const receipt = script.receipt?.(honest) ?? honest
    const account = accounts.get(job.request.payer) ?? { charged: 0n, count: 0n }
    accounts.set(job.request.payer, account)
    account.charged += receipt.price
    account.count += 1n
    const receiptHash = hasher.struct('Receipt', receipt)
    const truthful: Ack = { payer: job.request.payer, ...account, receipt: receiptHash }
    const ack = script.ack?.(truthful) ?? truthful
    const add = (payee: string) => {
      const after = (gross.get(payee) ?? 0n) + receipt.price
      gross.set(payee, after)
      return after
    }
    const { pod: podId, frontend } = job.request
    const call: AnsweredCall = {
      job,
      request,
      status: 'receipted',
      bytes,
      answer: {
        receipt,
        signature: createSigner(script.nodeKey ?? node.signerKey).sign(hasher.digest('Receipt', receipt)),
        provider: 'cpu',
        ack,
        ackSignature: createSigner(script.routerKey ?? market.router.key).sign(hasher.digest('Ack', ack)),
      },
      leaf: {
        payer: job.request.payer,
        ...account,
        request,
        receipt: receiptHash,
        node: receipt.node,
        nodeGross: add(`node ${receipt.node}`),
        pod: podId,
        podGross: add(`pod ${podId}`),
        frontend,
        frontendGross: add(`frontend ${frontend}`),
      },
    }
    calls.set(request, call)
    return call
  }

  const sentOf = (call: AnsweredCall) =>
    router.script.sent && call.answer ? router.script.sent(call.answer) : call.answer

  async function answerJob(job: Job, stream: boolean, response: ServerResponse): Promise<void> {
    posts.push(job)
    const { script } = router
    if (script.cut === 'at once') return void response.destroy()
    const request = hasher.struct('Request', job.request)
    if (script.error) {
      const { status, body, headers } = script.error
      calls.set(request, { job, request, status: 'failed', bytes: new Uint8Array(), error: body })
      return reply(response, status, { error: body }, headers)
    }
    if (stream) return answerStream(job, request, response)
    const call = calls.get(request) ?? work(job)
    if (script.cut === 'unanswered') return void response.destroy()
    const bytes = script.delivered?.(call.bytes) ?? call.bytes
    const output = Buffer.from(bytes).toString('base64')
    reply(response, 200, { request, mediaType: 'application/x-ndjson', output, ...(sentOf(call) as object) })
  }

  async function answerStream(job: Job, request: Hex, response: ServerResponse): Promise<void> {
    const { script } = router
    let gone = false
    response.on('close', () => {
      gone = true
    })
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const send = (event: string, data: unknown) =>
      response.write(`event: ${event}\ndata: ${toWire(data)}\n\n`)
    send('accepted', { request, node: node.id, expectedFirstByteMs: 1 })
    const known = calls.get(request)
    const whole = known?.bytes ?? script.output?.(job) ?? LINES
    const size = script.chunk ?? whole.length
    let sent = 0
    while (sent < whole.length) {
      const part = whole.subarray(sent, sent + size)
      send('chunk', { data: Buffer.from(script.delivered?.(part) ?? part).toString('base64') })
      sent += part.length
      if (script.cut === 'mid-stream' && !known) {
        work(job, sent)
        await new Promise((resolve) => setTimeout(resolve, 20))
        return void response.destroy()
      }
      await script.between?.()
      if (gone && sent < whole.length) return void work(job, sent)
    }
    send('receipt', sentOf(known ?? work(job)))
    response.end()
  }

  function documentOf(call: AnsweredCall) {
    const { job, request, status, answer, leaf, batch, error } = call
    const facts = {
      status,
      request: job.request,
      hash: request,
      payer: job.request.payer,
      pod: job.request.pod,
    }
    return { ...facts, node: node.id, frontend: job.request.frontend, ...answer, leaf, batch, error }
  }

  function get(path: string): { status: number; body: unknown } {
    const [, , kind = '', name = '', more] = path.split('/')
    const found = (body: unknown) => ({ status: body === undefined ? 404 : 200, body })
    if (kind === 'network') return found(network())
    if (kind === 'accounts' && more === 'leaf') {
      const leaf = newestLeaf(name, BigInt(path.split('/')[6] ?? 0))
      return leaf ? found(leaf) : { status: 404, body: unknown('leaf.none', 'no such leaf') }
    }
    if (kind === 'accounts') {
      const { charged, count } = accounts.get(name) ?? { charged: 0n, count: 0n }
      const zeros = { deposited: 0n, spent: 0n, thawing: 0n, held: 0n, available: 0n }
      return found({ payer: name, ...zeros, charged, count })
    }
    if (kind === 'pods') {
      const pod = pods[name] ?? podOf(Number(name))
      if (more === 'manifest') return found(pod?.bytes)
      if (!pod) return { status: 404, body: unknown('pod.unknown', `no pod '${name}'`) }
      const { version, kind: podKind, description } = pod.manifest
      return found({
        id: pod.id,
        name: pod.manifest.name,
        version,
        kind: podKind,
        manifest: pod.hash,
        description,
      })
    }
    if (kind === 'quote') {
      const pod = podOf(Number(new URLSearchParams(more).get('pod')))
      return found({
        pod: pod?.id,
        name: pod?.manifest.name,
        manifest: pod?.hash,
        pricing: pod?.manifest.pricing,
      })
    }
    if (kind === 'receipts') {
      const call = calls.get(name as Hex)
      return call
        ? found(documentOf(call))
        : { status: 404, body: unknown('receipt.unknown', 'no such call') }
    }
    if (router.script.forgotten)
      return { status: 410, body: unknown('batch.forgotten', 'older than it is served') }
    const document = router.script.withheld === path ? undefined : data.get(path)
    if (document) return found(document)
    return { status: 404, body: unknown('batch.unknown', 'no such document') }
  }

  /** The newest leaf of a payer in the batches up to one. */
  function newestLeaf(payer: string, upTo: bigint) {
    for (const { seq, leaves, tree } of posted.toReversed()) {
      const index = leaves.findLastIndex((leaf) => leaf.payer === payer)
      if (seq <= upTo && index >= 0) return { seq, leaf: leaves[index], proof: tree.proof(index) }
    }
    return undefined
  }

  /** Publishes a batch's leaves, two in a part. @returns the hash of its index. */
  function publish(seq: bigint, leaves: readonly Leaf[]): Hex {
    const name = { router: market.router.address, seq }
    const parts: Hex[] = []
    for (let at = 0; at < leaves.length; at += PART) {
      const bytes = partBytes(name, parts.length, leaves.slice(at, at + PART).map(leafRow))
      data.set(partPath(seq, parts.length), bytes)
      parts.push(toHex(keccak(bytes)))
    }
    const index = indexBytes({ ...name, leaves: leaves.length, partLeaves: PART, parts })
    data.set(indexPath(seq), index)
    return toHex(keccak(index))
  }

  const network = () => ({
    chainId: market.domain.chainId,
    rpcUrl: market.chain.rpcUrl,
    addresses: { ...market.addresses, accessManager: market.addresses.authority },
    split: { node: 7000, pod: 1000, frontend: 1000, voters: 500 },
    podVoters: false,
    router: { address: market.router.address, url: router.url },
  })

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'POST') {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part as Buffer)
      const job = parseWire(jobSchema, JSON.parse(Buffer.concat(parts).toString()), 'request.malformed')
      return answerJob(job, request.headers.accept === 'text/event-stream', response)
    }
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://router')
    const query = pathname.endsWith('/leaf') ? `/-/${searchParams.get('batch')}` : ''
    const path = pathname === '/v1/quote' ? `/v1/quote/-/${searchParams}` : pathname + query
    const { status, body } = get(path)
    const change = router.script.get?.[pathname]
    reply(response, status, change ? change(body) : body)
  }

  const server: Server = createServer((request, response) => {
    serve(request, response).catch((cause: unknown) =>
      reply(response, 500, { error: unknown('unexpected', String(cause)) }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  async function settle(): Promise<void> {
    const open = [...calls.values()].filter((call) => call.status === 'receipted')
    const own = open.flatMap((call) => (call.leaf ? [call.leaf] : []))
    const leaves = router.script.listed?.(own) ?? own
    const tree = merkleTree(leaves.map((leaf) => leafHash(leaf)))
    const seq = last.seq + 1n
    const payers = [...new Set(open.map(({ job }) => job.request.payer))].map((payer) => {
      const mine = open.filter(({ job }) => job.request.payer === payer)
      const best = mine.reduce((a, b) => (a.job.voucher.ceiling >= b.job.voucher.ceiling ? a : b)).job
      const compact = toCompact(best.signature)
      if (!compact) throw new Error('a malleable signature')
      const { ceiling, expiry, request } = best.voucher
      return { ...compact, ceiling, expiry, request, charge: sum(mine.map(priceOfCall)) }
    })
    const section = (idOf: (leaf: Leaf) => number) =>
      [...new Set(own.map(idOf))]
        .sort((a, b) => a - b)
        .map((id) => ({
          id,
          amount: sum(open.filter((call) => call.leaf && idOf(call.leaf) === id).map(priceOfCall)),
        }))
    const honest: Batch = {
      seq,
      prev: last.hash,
      root: tree.root,
      dataHash: publish(seq, leaves),
      payers,
      nodes: section((leaf) => leaf.node),
      pods: section((leaf) => leaf.pod),
      frontends: section((leaf) => leaf.frontend),
    }
    const batch = packBatch(router.script.posted?.(honest) ?? honest)
    const chain = openChain({ chainId: market.domain.chainId, rpcUrl: market.chain.rpcUrl })
    const sender = keySender(chain, privateKeyToAccount(market.router.key))
    const call = encodeFunctionData({ abi: computeLedgerAbi, functionName: 'settle', args: [toHex(batch)] })
    const settlement = { to: market.addresses.ledger, data: call }
    const txHash =
      (await router.script.carry?.(settlement)) ?? (await sender.send(settlement)).transactionHash
    posted.push({ seq, leaves, tree })
    last = { seq, hash: toHex(keccak(batch)) }
    for (const each of open) {
      const index = leaves.findIndex((leaf) => leaf.request === each.request)
      each.status = 'settled'
      if (index === -1) continue
      each.leaf = leaves[index] as Leaf
      each.batch = { seq: seq.toString(), root: tree.root, proof: tree.proof(index), txHash }
    }
  }

  const router: TestRouter = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    script: {},
    calls,
    posts,
    pods,
    settle,
    drop: () => server.closeAllConnections(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return router
}

const priceOfCall = (call: AnsweredCall): bigint => call.answer?.receipt.price ?? 0n
const sum = (amounts: bigint[]): bigint => amounts.reduce((total, amount) => total + amount, 0n)
const unknown = (code: string, message: string) => ({ error: { code, kind: 'refused', message } })

function reply(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const raw = body instanceof Uint8Array
  response.writeHead(status, { 'content-type': raw ? 'text/yaml' : 'application/json', ...headers })
  response.end(raw ? body : toWire(body ?? {}))
}
