import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'
import type { Hex } from 'viem'
import { mediaTypeOf } from '../../sdk/decode.ts'
import { createSigner, fastKeccak } from '../../sdk/native.ts'
import { type Manifest, manifestHash, parseManifest } from '../../sdk/protocol/manifest.ts'
import { createHasher, type Receipt } from '../../sdk/protocol/messages.ts'
import { priceOf } from '../../sdk/protocol/price.ts'
import { type Job, jobSchema, toWire } from '../../sdk/protocol/wire.ts'

/**
 * What stands behind gateway and proxy while a gateway is measured alone: the jobs of one pod are answered at once, with receipts
 * that a registered node's key signs and acknowledgements that the router's key signs, so that all of them hold; nothing is
 * queued, written or settled. Documents are the router's.
 */
export interface UpstreamConfig {
  to: string
  node: { id: number; key: Hex }
  routerKey: Hex
  domain: { chainId: number; verifyingContract: Hex }
  /** Path of the pod's manifest. */
  manifest: string
}

const [, , path = ''] = process.argv
const config = JSON.parse(await readFile(path, 'utf8')) as UpstreamConfig
const hasher = createHasher(config.domain, fastKeccak)
const node = createSigner(config.node.key)
const router = createSigner(config.routerKey)
const bytes = await readFile(config.manifest)
const manifest: Manifest = parseManifest(bytes)
const hash = manifestHash(bytes)
const output = Buffer.from('{"text":"one "}\n{"text":"two"}\n{"finish":"stop"}\n')
const whole = { bytes: output.toString('base64'), hash: hasher.bytes(output) }
const accounts = new Map<string, { charged: bigint; count: bigint }>()
const pool = new Pool(config.to, { connections: 8, pipelining: 1 })

function answerOf(job: Job): string {
  const request = hasher.struct('Request', job.request)
  const receipt: Receipt = {
    request,
    node: config.node.id,
    unitsIn: 3n,
    unitsOut: 5n,
    length: BigInt(output.length),
    end: 0,
    price: priceOf(manifest.pricing, 3n, 5n),
    output: whole.hash,
    evidence: `0x${'11'.repeat(32)}`,
    completedAt: Math.floor(Date.now() / 1000),
  }
  const account = accounts.get(job.request.payer) ?? { charged: 0n, count: 0n }
  accounts.set(job.request.payer, account)
  account.charged += receipt.price
  account.count += 1n
  const ack = { payer: job.request.payer, ...account, receipt: hasher.struct('Receipt', receipt) }
  return toWire({
    request,
    mediaType: mediaTypeOf(manifest.kind),
    output: whole.bytes,
    receipt,
    signature: node.sign(hasher.digest('Receipt', receipt)),
    provider: 'cpu',
    ack,
    ackSignature: router.sign(hasher.digest('Ack', ack)),
  })
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  const job = jobSchema.parse(JSON.parse(Buffer.concat(parts).toString('utf8')))
  if (job.request.manifest !== hash) throw new Error('a job of another pod than the one that is answered')
  const text = answerOf(job)
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

async function passOn(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { statusCode, headers, body } = await pool.request({ path: request.url ?? '/', method: 'GET' })
  response.writeHead(statusCode, headers)
  response.end(await body.bytes())
}

const server = createServer((request, response) => {
  const isJob = request.method === 'POST' && request.url === '/v1/jobs'
  const answered = isJob ? answer(request, response) : passOn(request, response)
  answered.catch((cause: Error) => response.destroy(cause))
})
server.listen(0, '127.0.0.1', () => {
  process.send?.({ event: 'ready', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
})
process.on('SIGTERM', () => process.exit(0))
process.on('disconnect', () => process.exit(0))
