import type { Client } from '../../../../sdk/client.ts'
import { asHeuristError } from '../../../../sdk/errors.ts'
import type { Found } from '../../search/documents.ts'
import { queryOf } from '../../search/query.ts'
import type { Asked } from '../network/models.ts'
import type { Session } from '../session/view.ts'
import { wordsOf } from '../session/words.ts'
import { answerOfModel, answerOfSources } from './answer.ts'
import { partRelated } from './citations.ts'
import type { Finding } from './finding.ts'
import { tries } from './prompt.ts'
import { findSources } from './server.ts'
import type { Findings } from './store.ts'
import type { Writer } from './terms.ts'

/** Searches, and answers from what was found. */

export interface Searching {
  findings: Findings
  session: Session
  client: Client
  id: string
  query: string
  /** Writes the answer; undefined = the sources' own words are the answer. */
  model: Writer | undefined
  /** The pod that makes the query's vector; undefined = words alone. */
  vectors: string | undefined
}

const WRITE_MS = 400
const TOO_MUCH = new Set(['input.too_long', 'input.too_large'])

const running = new Map<string, AbortController>()
/** Ends a search: what was found and delivered is kept, and only that is paid. */
export const stop = (id: string): void => running.get(id)?.abort()

/** Answers a finding that stands in the store. Never throws: what goes wrong stands there too. */
export async function searchFor(searching: Searching): Promise<void> {
  const { findings, id, session } = searching
  const abort = new AbortController()
  running.set(id, abort)
  try {
    const found = await sourcesOf(searching, abort.signal)
    findings.patch(id, partOf(found))
    findings.patch(id, { ...(await answerOf(searching, found, abort.signal)), state: 'done' })
    await session.refresh()
  } catch (cause) {
    const left = abort.signal.aborted || asHeuristError(cause).code === 'call.left'
    findings.patch(id, left ? { state: 'stopped' } : { state: 'failed', problem: wordsOf(cause) })
    session.report(cause)
  } finally {
    running.delete(id)
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
  const { vectors: pod } = searching
  // Before anything is paid.
  const query = queryOf(searching.query)
  if (pod === undefined) return findSources({ query }, signal)
  const { values, warning } = await vectorOf(searching, pod, signal)
  const found = await findSources({ query, ...(values ? { vector: { pod, values } } : {}) }, signal)
  return warning === undefined ? found : { ...found, warnings: [warning, ...found.warnings] }
}

/** Without a node that makes vectors just now the search goes on by words. */
async function vectorOf(
  searching: Searching,
  pod: string,
  signal: AbortSignal,
): Promise<{ values?: number[]; warning?: string }> {
  try {
    const input = { input: searching.query }
    const { embeddings, price } = await searching.client.run(pod, input, {
      signal,
      signed: noteOf(searching),
    })
    charge(searching, price)
    const [values] = embeddings ?? []
    return values ? { values: [...values] } : {}
  } catch (cause) {
    if (signal.aborted || asHeuristError(cause).kind !== 'later') throw cause
    return { warning: `No vector was made of the query: ${wordsOf(cause).says}` }
  }
}

/** Writes a call down before anybody sees it. */
const noteOf =
  ({ findings, id }: Searching) =>
  (request: string): void =>
    findings.patch(id, { requests: [...(findings.find(id)?.requests ?? []), request] })

/** The last call was refused: it has no receipt. */
function forget({ findings, id }: Searching): void {
  findings.patch(id, { requests: findings.find(id)?.requests.slice(0, -1) ?? [] })
}

function charge({ findings, id }: Searching, price: bigint): void {
  const before = BigInt(findings.find(id)?.price ?? '0')
  findings.patch(id, { price: (before + price).toString() })
}

async function answerOf(searching: Searching, found: Found, signal: AbortSignal): Promise<Partial<Finding>> {
  const { model } = searching
  const { query, sources } = found
  if (!model || sources.length === 0) return answerOfSources(query, sources, 'too little')
  searching.findings.patch(searching.id, { state: 'writing', by: 'model', model: model.name })
  const text = await askWithLess(searching, tries(model.manifest, query, sources), signal)
  return text === undefined
    ? answerOfSources(query, sources, 'too little')
    : answerOfModel(text, query, sources)
}

/** Undefined if the model cannot read even one source. */
async function askWithLess(
  searching: Searching,
  asked: readonly Asked[],
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const each of asked) {
    try {
      return await askOnce(searching, each, signal)
    } catch (cause) {
      if (!TOO_MUCH.has(asHeuristError(cause).code)) throw cause
      forget(searching)
    }
  }
  return undefined
}

async function askOnce(searching: Searching, asked: Asked, signal: AbortSignal): Promise<string> {
  const { client, findings, id, model } = searching
  const note = noteOf(searching)
  const stream = client.stream(model?.name ?? '', asked, { signal, signed: note })
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
  charge(searching, (await whole).price)
  return text
}
