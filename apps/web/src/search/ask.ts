import type { Client } from '../../../../sdk/client.ts'
import { asHeuristError } from '../../../../sdk/errors.ts'
import type { Found } from '../../search/documents.ts'
import { queryOf } from '../../search/query.ts'
import { type Asked, mostPrice } from '../network/models.ts'
import { readPrices } from '../session/prices.ts'
import { openSessionDb } from '../session/store.ts'
import type { Session } from '../session/view.ts'
import { wordsOf } from '../session/words.ts'
import { answerOfModel, answerOfSources } from './answer.ts'
import { partRelated } from './citations.ts'
import { begun, charged, dropped, type Finding, type Vector } from './finding.ts'
import { tries } from './prompt.ts'
import { findSources } from './server.ts'
import type { Findings } from './store.ts'
import type { Embedder, Writer } from './terms.ts'

/** Searches, and answers from what was found. */

export interface Searching {
  findings: Findings
  session: Session
  /** Undefined where nothing is paid. */
  client: Client | undefined
  id: string
  query: string
  /** Writes the answer; undefined = the sources' own words are the answer. */
  model: Writer | undefined
  /** The pod that makes the query's vector; undefined = words alone. */
  vectors: Embedder | undefined
  /** Ends it: what was found and delivered is kept, and only that is paid. */
  signal: AbortSignal
}

const WRITE_MS = 400
const TOO_MUCH = new Set(['input.too_long', 'input.too_large'])

/** Answers a finding that stands in the store. Never throws: what goes wrong stands there too. */
export async function searchFor(searching: Searching): Promise<void> {
  const { findings, id, session, signal } = searching
  try {
    const found = await sourcesOf(searching, signal)
    findings.patch(id, partOf(found))
    findings.patch(id, { ...(await answerOf(searching, found, signal)), state: 'done' })
    await session.refresh()
  } catch (cause) {
    const left = signal.aborted || asHeuristError(cause).code === 'call.left'
    findings.patch(id, left ? { state: 'stopped' } : { state: 'failed', problem: wordsOf(cause) })
    session.report(cause)
  }
}

const partOf = ({ query, sources, ranking, related, missing, warnings }: Found): Partial<Finding> => ({
  query,
  sources,
  ranking,
  related,
  missing,
  warnings,
})

async function sourcesOf(searching: Searching, signal: AbortSignal): Promise<Found> {
  const { findings, id, vectors } = searching
  // Before anything is paid.
  const query = queryOf(searching.query)
  if (vectors === undefined || searching.client === undefined) return findSources({ query }, signal)
  const { vector, warning } = await vectorOf(searching, searching.client, vectors, signal)
  if (vector) findings.patch(id, { vector })
  const found = await findSources({ query, ...(vector ? { vector } : {}) }, signal)
  findings.forgetVectors(searching.query)
  return warning === undefined ? found : { ...found, warnings: [warning, ...found.warnings] }
}

/** The vector that a search that found nothing paid for, or else a new one; without a node that makes one, by words. */
async function vectorOf(
  searching: Searching,
  client: Client,
  { pod, manifest }: Embedder,
  signal: AbortSignal,
): Promise<{ vector?: Vector; warning?: string }> {
  const { findings, query } = searching
  const kept = findings
    .view()
    .findings.find((each) => each.query === query && each.vector?.pod === pod)?.vector
  if (kept) return { vector: kept }
  const input = { input: query }
  const calls = callsOf(searching)
  try {
    const maxPrice = mostPrice(manifest, input)
    const { embeddings, price } = await client.run(pod, input, { signal, maxPrice, signed: calls.signed })
    calls.charge(price)
    const [values] = embeddings ?? []
    return values ? { vector: { pod, values: [...values] } } : {}
  } catch (cause) {
    const { kind, code } = asHeuristError(cause)
    if (code === 'price.too_low') calls.drop()
    if (signal.aborted || kind !== 'later') throw cause
    return { warning: `No vector was made of the query: ${wordsOf(cause).says}` }
  }
}

/** Keeps the books of one call: it is written down before anybody sees it. */
function callsOf({ findings, id }: Searching) {
  let last: string | undefined
  const change = (part: (finding: Finding) => Partial<Finding>) =>
    findings.update(id, (now) => ({ ...now, ...part(now) }))
  function drop(): void {
    const request = last
    if (request !== undefined) change((finding) => dropped(finding, request))
  }
  return {
    signed(request: string): void {
      // Signed anew on newer terms: the first was refused.
      drop()
      last = request
      change((finding) => begun(finding, request))
    },
    /** It was refused: it has no receipt. */
    drop,
    charge(price: bigint): void {
      const request = last
      if (request !== undefined) change((finding) => charged(finding, new Map([[request, price]])))
    },
  }
}

/** Counts what this browser's journal meanwhile knows of calls whose end the page did not see. */
export async function countOpen(findings: Findings, id: string): Promise<void> {
  const open = new Set(findings.find(id)?.open)
  if (open.size === 0) return
  const db = await openSessionDb()
  try {
    const prices = await readPrices(db, open)
    if (prices.size > 0) findings.update(id, (now) => ({ ...now, ...charged(now, prices) }))
  } finally {
    db.close()
  }
}

async function answerOf(searching: Searching, found: Found, signal: AbortSignal): Promise<Partial<Finding>> {
  const { client, model } = searching
  const { query, sources } = found
  if (!model || client === undefined || sources.length === 0)
    return answerOfSources(query, sources, 'too little')
  searching.findings.patch(searching.id, { state: 'writing', by: 'model', model: model.name })
  const text = await askWithLess({ ...searching, client }, tries(model.manifest, query, sources), signal)
  return text === undefined
    ? answerOfSources(query, sources, 'too little')
    : answerOfModel(text, query, sources)
}

/** Undefined if the model cannot read even one source. */
async function askWithLess(
  searching: Searching & { client: Client },
  asked: readonly Asked[],
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const each of asked) {
    const calls = callsOf(searching)
    try {
      return await askOnce(searching, each, calls, signal)
    } catch (cause) {
      const { code } = asHeuristError(cause)
      if (TOO_MUCH.has(code) || code === 'price.too_low') calls.drop()
      if (!TOO_MUCH.has(code)) throw cause
    }
  }
  return undefined
}

async function askOnce(
  { client, findings, id, model }: Searching & { client: Client },
  asked: Asked,
  calls: ReturnType<typeof callsOf>,
  signal: AbortSignal,
): Promise<string> {
  if (!model) return ''
  const maxPrice = mostPrice(model.manifest, asked)
  const stream = client.stream(model.name, asked, { signal, maxPrice, signed: calls.signed })
  const whole = stream.answer
  whole.catch(() => undefined)
  let text = ''
  let written = 0
  for await (const piece of stream) {
    if (piece.text === undefined) continue
    text += piece.text
    const write = Date.now() - written > WRITE_MS
    if (write) written = Date.now()
    findings.patch(id, { answer: partRelated(text).answer }, { write })
  }
  calls.charge((await whole).price)
  return text
}
