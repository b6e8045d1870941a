import type { Address, Hex } from 'viem'
import { asHeuristError, refused } from '../../sdk/errors.ts'
import { maxPriceOf } from '../../sdk/protocol/price.ts'
import { type SplitBps, splitOf } from '../../sdk/protocol/split.ts'
import { addressSchema, hashSchema, parseWire } from '../../sdk/protocol/wire.ts'
import { createParts } from '../settle/parts.ts'
import { createProofs, unlessBusy } from '../settle/proofs.ts'
import type { Statements } from '../settle/statements.ts'
import type { Clock } from '../world.ts'
import type { Books } from './books.ts'
import type { RouterConfig } from './config.ts'
import type { Dispatch } from './dispatch.ts'
import type { BatchRow, JobRow, Ledger } from './ledger/ledger.ts'
import { type Nodes, versionKey } from './nodes.ts'
import { newestNamed, newestOf, type Pod, type PodVersion } from './pods.ts'
import type { Registry } from './registry.ts'
import { availableOf } from './terms.ts'

type Query = Record<string, string | string[] | undefined>

/** The router's documents. Amounts are bigints here and decimal text on the wire. */
export interface Views {
  network(): Promise<unknown>
  quote(query: Query): Promise<unknown>
  /** Each name once; apart from those, pods whose newest version has a name that means another: they are called by number. */
  pods(): Promise<unknown>
  pod(nameOrId: string): Promise<unknown>
  manifest(nameOrId: string, version: string | string[] | undefined): Promise<Uint8Array>
  nodes(): Promise<unknown>
  account(payer: string): Promise<unknown>
  /** The newest leaf of an account in the batches up to one, and its proof. */
  leaf(payer: string, query: Query, asker?: string): Promise<unknown>
  receipts(query: Query): Promise<unknown>
  receipt(request: string, asker?: string): Promise<unknown>
  batches(query: Query): Promise<unknown>
  /** The index of a batch's data, and one of its parts. */
  batchIndex(seq: string): Promise<Uint8Array>
  batchPart(seq: string, part: string, asker?: string): Promise<Uint8Array>
  /** What this router owes a payee in all, signed. */
  statement(role: string, id: string): Promise<unknown>
}

interface Deps {
  config: Pick<RouterConfig, 'chainId' | 'rpcUrl' | 'publicRpcUrl' | 'addresses' | 'settle'>
  statements: Statements
  router: Address
  url(): string
  terms: { split: SplitBps; podVoters: boolean }
  registry: Registry
  nodes: Nodes
  books: Books
  dispatch: Dispatch
  ledger: Ledger
  clock: Clock
}

const MOST_LISTED = 200

export function createViews(deps: Deps): Views {
  const { config, registry, nodes, books, dispatch, ledger, terms, clock } = deps
  const proofOf = createProofs(ledger)
  const partOf = createParts(ledger, deps.router)

  async function find(nameOrId: string): Promise<{ pod: Pod; version: PodVersion }> {
    // No name is a number: every one begins with a letter.
    const isNumber = /^\d+$/.test(nameOrId)
    const pod = isNumber ? await registry.pod(podNumber(nameOrId)) : registry.podByName(nameOrId)
    const version = pod && (isNumber ? newestOf(pod) : newestNamed(pod, nameOrId))
    if (!pod || !version) {
      throw refused('pod.unknown', `This router serves no pod '${nameOrId.slice(0, 50)}'.`, {
        fix: 'See GET /v1/pods.',
      })
    }
    return { pod, version }
  }

  /** What names mean; none of those of which nobody can say so yet. */
  function meanings(names: Iterable<string>): Map<string, Pod | undefined> {
    const found = new Map<string, Pod | undefined>()
    for (const name of new Set(names)) {
      try {
        found.set(name, registry.podByName(name))
      } catch (cause) {
        if (asHeuristError(cause).code !== 'pod.name_shared') throw cause
      }
    }
    return found
  }

  const state = (version: PodVersion) => {
    const key = versionKey(version.pod, version.hash)
    return {
      slots: nodes.totalSlots(key),
      freeSlots: nodes.freeSlots(key),
      pending: dispatch.pending(version),
      expectedFirstByteMs: dispatch.expectedMs(version),
    }
  }

  const podDocument = (pod: Pod, version: PodVersion) => ({
    id: pod.id,
    name: version.manifest.name,
    version: version.manifest.version,
    kind: version.manifest.kind,
    description: version.manifest.description,
    manifest: version.hash,
    active: pod.active,
    pricing: version.manifest.pricing,
    limits: version.manifest.limits,
    resources: version.manifest.resources,
    ...state(version),
  })

  /** Everything that is known of a call, as far as it has come. */
  async function receiptDocument(job: JobRow, asker?: string): Promise<Record<string, unknown>> {
    const { request, body, status, error } = job
    const document = {
      hash: request,
      request: body,
      payer: body.payer,
      pod: body.pod,
      node: job.node,
      frontend: body.frontend,
      createdAt: job.createdAt,
      updatedAt: job.updatedAt,
    }
    if (status !== 'receipted') return { status, ...document, ...(error ? { error } : {}) }
    const receipt = await ledger.receipt(job.number)
    if (!receipt) return { status, ...document }
    const { body: leaf, price, countersigned } = receipt
    const after = { node: leaf.nodeGross, pod: leaf.podGross, frontend: leaf.frontendGross }
    const roles = { frontend: leaf.frontend !== 0, voters: terms.podVoters }
    const batch = await ledger.batchOfLeaf(receipt.leaf)
    return {
      status: batch ? (batch.state === 'settled' ? 'settled' : 'batched') : 'receipted',
      ...document,
      node: countersigned.receipt.node,
      ...countersigned,
      price,
      leaf,
      split: splitOf(price, after, terms.split, roles),
      ...(batch ? { batch: await batchPart(batch, receipt.leaf, asker) } : {}),
    }
  }

  async function batchPart(batch: BatchRow, leaf: number, asker?: string) {
    const proof = await unlessBusy(proofOf(batch, leaf, asker))
    return { ...batchDocument(batch), ...(proof ? { proof } : {}) }
  }

  /** A batch whose data is served. */
  async function published(text: string): Promise<BatchRow> {
    const batch = /^\d{1,15}$/.test(text) ? await ledger.batch(BigInt(text)) : undefined
    if (!batch) {
      throw refused('batch.unknown', 'This router has posted no such batch.', {
        fix: 'Batches count from 1.',
      })
    }
    const keptUntil = batch.settledAt === undefined ? undefined : batch.settledAt + config.settle.keepMs
    if (batch.index.length > 0 && (keptUntil === undefined || clock.nowMs() <= keptUntil)) return batch
    throw refused('batch.forgotten', 'The data of this batch is older than it is served.', {
      fix: 'Whoever audits fetches batch data within 30 days of its settlement.',
      details: { seq: text },
    })
  }

  const batchDocument = (batch: BatchRow) => ({
    seq: batch.seq,
    hash: batch.hash,
    root: batch.root,
    state: batch.state,
    leaves: batch.lastLeaf - batch.firstLeaf + 1,
    gross: batch.gross,
    txHash: batch.tx.hash,
    signedAt: batch.signedAt,
    ...(batch.block === undefined ? {} : { block: batch.block }),
    ...(batch.settledAt === undefined ? {} : { settledAt: batch.settledAt }),
    final: batch.finalAt !== undefined,
    ...(batch.floatUsed === undefined ? {} : { floatUsed: batch.floatUsed }),
  })

  return {
    async network() {
      const { chainId, rpcUrl, publicRpcUrl, addresses } = config
      return {
        chainId,
        rpcUrl: publicRpcUrl ?? rpcUrl,
        addresses,
        split: terms.split,
        podVoters: terms.podVoters,
        router: { address: deps.router, url: deps.url() },
      }
    },
    async quote(query) {
      const { pod, version } = await find(one(query.pod, 'pod') ?? '')
      const unitsIn = count(query.unitsIn, 'unitsIn')
      const unitsOut = count(query.unitsOut, 'unitsOut')
      const asked = {
        ...(unitsIn === undefined ? {} : { unitsIn }),
        ...(unitsOut === undefined ? {} : { unitsOut }),
      }
      return {
        pod: pod.id,
        name: version.manifest.name,
        manifest: version.hash,
        pricing: version.manifest.pricing,
        maxPrice: maxPriceOf(version.manifest, asked),
        ...state(version),
      }
    },
    async pods() {
      const pods = registry.pods().sort((a, b) => a.id - b.id)
      const served = pods.flatMap((pod) => {
        const version = newestOf(pod)
        return version && pod.active ? [{ pod, version, name: version.manifest.name }] : []
      })
      const meant = meanings(served.map(({ name }) => name))
      const isMeant = ({ pod, name }: (typeof served)[number]) => (meant.get(name) ?? pod) === pod
      const documents = (rows: typeof served) => rows.map(({ pod, version }) => podDocument(pod, version))
      return {
        pods: documents(served.filter(isMeant)),
        namesakes: documents(served.filter((row) => !isMeant(row))),
      }
    },
    async pod(nameOrId) {
      const { pod, version } = await find(nameOrId)
      return { ...podDocument(pod, version), versions: [...pod.versions.keys()], latest: pod.latest }
    },
    async manifest(nameOrId, asked) {
      const { pod, version } = await find(nameOrId)
      const hash = one(asked, 'version')
      const found = hash === undefined ? version : pod.versions.get(hash.toLowerCase() as Hex)
      if (found) return found.bytes
      throw refused('manifest.wrong', `Pod ${pod.id} has no such version here.`, { fix: 'See GET /v1/pods.' })
    },
    async nodes() {
      const known = new Map(nodes.all().map((node) => [node.node, node]))
      const ids = [...new Set([...registry.nodeIds(), ...known.keys()])].sort((a, b) => a - b)
      const nowMs = clock.nowMs()
      return {
        nodes: ids.map((id) => {
          const node = known.get(id)
          const ejected = node !== undefined && node.ejectedUntilMs > nowMs
          return {
            id,
            state: node?.state === 'connected' ? (ejected ? 'ejected' : 'live') : 'offline',
            slots: node?.slots ?? [],
            inFlight: node?.inFlight ?? 0,
            jobs: node?.succeeded ?? 0,
            failures: node?.failed ?? 0,
            uptime: Number((node?.uptime ?? 0).toFixed(4)),
            hardware: node?.hardware ?? {},
            version: node?.version ?? '',
          }
        }),
      }
    },
    async account(text) {
      const payer = parseWire(addressSchema, text, 'request.malformed')
      const [account, chain] = [await books.look(payer), await registry.glance(payer)]
      const available = availableOf(chain, account)
      const last = await ledger.lastReceiptOf(payer)
      const { charged, count: receipts, holds } = account
      // What is counted here is on disk before it is told.
      await ledger.commit([])
      return {
        payer,
        ...chain,
        charged,
        count: receipts,
        held: holds,
        available: chain.thawing > 0n || available < 0n ? 0n : available,
        ...(last ? { ack: { ack: last.ack, ackSignature: last.ackSignature } } : {}),
      }
    },
    async leaf(text, query, asker) {
      const payer = parseWire(addressSchema, text, 'request.malformed')
      const seq = count(query.batch, 'batch')
      const upTo = seq === undefined ? await ledger.lastBatch() : await ledger.batch(seq)
      const newest = upTo && (await ledger.newestLeafOf(payer, upTo.lastLeaf))
      const batch = newest && (await ledger.batchOfLeaf(newest.leaf))
      if (batch) return { seq: batch.seq, leaf: newest.body, proof: await proofOf(batch, newest.leaf, asker) }
      throw refused('leaf.none', 'No batch up to that one has a leaf of this account.', {
        fix: 'Check the account; ask again once a call of it is settled.',
      })
    },
    async receipts(query) {
      const limit = Math.min(Number(count(query.limit, 'limit') ?? 50n), MOST_LISTED)
      const jobs = await ledger.recentJobs(limit)
      return { receipts: await Promise.all(jobs.map((job) => summary(job))) }
    },
    async receipt(text, asker) {
      const request = parseWire(hashSchema, text, 'request.malformed')
      const job = await ledger.job(request)
      if (job) return receiptDocument(job, asker)
      throw refused('receipt.unknown', 'This router has admitted no such request.', {
        fix: 'Check the request hash; a request that was refused leaves no trace.',
      })
    },
    async batches(query) {
      const limit = Math.min(Number(count(query.limit, 'limit') ?? 20n), MOST_LISTED)
      return { batches: (await ledger.recentBatches(limit)).map(batchDocument) }
    },
    batchIndex: async (seq) => (await published(seq)).index,
    async batchPart(seq, text, asker) {
      const part = Number(count(text, 'part'))
      return partOf(await published(seq), part, asker)
    },
    statement: (role, id) => deps.statements(role, id),
  }

  /** One line of the list: what a page shows before one asks for the whole. */
  async function summary(job: JobRow) {
    const receipt = job.status === 'receipted' ? await ledger.receipt(job.number) : undefined
    const batch = receipt ? await ledger.batchOfLeaf(receipt.leaf) : undefined
    const status = batch ? (batch.state === 'settled' ? 'settled' : 'batched') : job.status
    return {
      hash: job.request,
      status,
      payer: job.body.payer,
      pod: job.body.pod,
      node: receipt?.countersigned.receipt.node ?? job.node,
      frontend: job.body.frontend,
      createdAt: job.createdAt,
      ...(receipt ? { price: receipt.price, provider: receipt.countersigned.provider } : {}),
      ...(batch ? { batch: batch.seq } : {}),
      ...(job.error ? { error: job.error.code } : {}),
    }
  }
}

function one(value: string | string[] | undefined, name: string): string | undefined {
  if (!Array.isArray(value)) return value
  throw refused('request.malformed', `${name} is given more than once.`, { field: name })
}

/** @throws `request.malformed` (refused) for a number that no pod can have. */
function podNumber(text: string): number {
  const number = Number(text)
  if (/^[1-9]\d{0,9}$/.test(text) && number < 2 ** 32) return number
  throw refused('request.malformed', 'A pod is its name, or its number from 1 to 2^32 - 1.', {
    fix: 'See GET /v1/pods.',
    field: 'pod',
  })
}

function count(value: string | string[] | undefined, name: string): bigint | undefined {
  const text = one(value, name)
  if (text === undefined) return undefined
  if (/^\d{1,15}$/.test(text)) return BigInt(text)
  throw refused('request.malformed', `${name} is a whole number.`, { field: name })
}
