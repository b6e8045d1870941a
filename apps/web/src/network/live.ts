import type { z } from 'zod'
import { type AccountDocument, accountSchema } from '../../../../sdk/documents.ts'
import type { PageConfig } from './config.ts'
import {
  type Batch,
  batchesSchema,
  type FeedEvent,
  feedEventSchema,
  type Node,
  nodesSchema,
  type Pod,
  podsSchema,
  type ReceiptLine,
  receiptsSchema,
} from './documents.ts'

/** A call between its admission and its receipt. */
export interface RunningJob {
  request: string
  payer: string
  pod: string
  node: number | undefined
  since: number
}

/** What the page knows of the network now; replaced as a whole at every change. */
export interface View {
  /** `connecting` until the first answer, `lost` while the router does not answer. */
  link: 'connecting' | 'live' | 'lost'
  /** What the router told at least once: of the rest nothing is known, not even that there is none. */
  known: Readonly<Record<Part, boolean>>
  pods: Pod[]
  nodes: Node[]
  receipts: ReceiptLine[]
  batches: Batch[]
  accounts: AccountDocument[]
  running: RunningJob[]
  /** The newest answer's time from admission to receipt, milliseconds. */
  lastMs: number | undefined
}

export interface Live {
  readonly config: PageConfig
  view(): View
  subscribe(listen: () => void): () => void
  /** Every event of the feed as it comes, for what moves. */
  onEvent(listen: (event: FeedEvent) => void): () => void
}

type Part = 'pods' | 'nodes' | 'receipts' | 'batches'

/** After an event, wait this long for more before reading again. Milliseconds. */
const GATHER_MS = 350
/** Read everything this often even if nothing was said: settlement is news too. */
const REFRESH_MS = 5_000
/** A router that takes the line and says nothing is as good as one that does not answer. */
const MOST_SILENT_MS = 8_000
const MOST_ACCOUNTS = 6
export const MOST_RECEIPTS = 50

const EMPTY: View = {
  link: 'connecting',
  known: { pods: false, nodes: false, receipts: false, batches: false },
  pods: [],
  nodes: [],
  receipts: [],
  batches: [],
  accounts: [],
  running: [],
  lastMs: undefined,
}

/** Reads one router and follows its feed for as long as the page lives. */
export function openLive(config: PageConfig): Live {
  let view = EMPTY
  const listeners = new Set<() => void>()
  const watchers = new Set<(event: FeedEvent) => void>()
  const stale = new Set<Part>()
  let gathering = false

  function change(part: Partial<View>): void {
    view = { ...view, ...part }
    for (const listen of listeners) listen()
  }

  async function read<T extends z.ZodType>(path: string, schema: T): Promise<z.output<T>> {
    const answer = await fetch(new URL(path, config.routerUrl), { signal: AbortSignal.timeout(10_000) })
    if (!answer.ok) throw new Error(`${path} answers ${answer.status}`)
    return schema.parse(await answer.json())
  }

  const READERS: Record<Part, () => Promise<Partial<View>>> = {
    pods: () => read('/v1/pods', podsSchema),
    nodes: () => read('/v1/nodes', nodesSchema),
    batches: () => read('/v1/batches?limit=8', batchesSchema),
    async receipts() {
      const { receipts } = await read(`/v1/receipts?limit=${MOST_RECEIPTS}`, receiptsSchema)
      const payers = [...new Set(receipts.map((each) => each.payer))].slice(0, MOST_ACCOUNTS)
      const accounts = await Promise.all(payers.map((payer) => read(`/v1/accounts/${payer}`, accountSchema)))
      return { receipts, accounts }
    },
  }

  async function refresh(): Promise<void> {
    gathering = false
    const parts = [...stale]
    stale.clear()
    const read = await Promise.allSettled(parts.map((part) => READERS[part]()))
    const told = read.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    for (const each of read) if (each.status === 'rejected') console.warn(each.reason)
    const known = { ...view.known }
    parts.forEach((part, index) => {
      if (read[index]?.status === 'fulfilled') known[part] = true
    })
    change({ link: told.length > 0 ? 'live' : 'lost', known, ...Object.assign({}, ...told) })
  }

  function want(...parts: Part[]): void {
    for (const part of parts) stale.add(part)
    if (gathering) return
    gathering = true
    window.setTimeout(() => void refresh(), GATHER_MS)
  }
  const wantAll = () => want('pods', 'nodes', 'receipts', 'batches')

  function apply(event: FeedEvent): void {
    if (event.type === 'node') want('nodes', 'pods')
    if (event.type === 'batch') want('batches', 'receipts')
    if (event.type === 'job') {
      want('receipts', 'nodes')
      change({ running: afterJob(view.running, event) })
    }
    if (event.type === 'receipt') {
      want('receipts', 'nodes')
      change({ running: view.running.filter((job) => job.request !== event.request), lastMs: event.ms })
    }
    for (const watch of watchers) watch(event)
  }

  function follow(): void {
    const feed = new EventSource(new URL('/v1/feed', config.routerUrl))
    feed.onopen = () => {
      change({ running: [] })
      wantAll()
    }
    feed.onmessage = (message: MessageEvent<string>) => {
      const event = feedEventSchema.safeParse(JSON.parse(message.data))
      if (event.success) apply(event.data)
    }
    feed.onerror = () => {
      change({ link: 'lost', running: [] })
      if (feed.readyState !== EventSource.CLOSED) return
      window.setTimeout(follow, REFRESH_MS)
    }
  }

  follow()
  window.setTimeout(() => view.link === 'connecting' && change({ link: 'lost' }), MOST_SILENT_MS)
  window.setInterval(() => {
    if (document.visibilityState === 'visible') wantAll()
  }, REFRESH_MS)

  return {
    config,
    view: () => view,
    subscribe(listen) {
      listeners.add(listen)
      return () => listeners.delete(listen)
    },
    onEvent(listen) {
      watchers.add(listen)
      return () => watchers.delete(listen)
    },
  }
}

/** The calls that run after one event about a call. */
export function afterJob(running: RunningJob[], event: Extract<FeedEvent, { type: 'job' }>): RunningJob[] {
  const known = running.find((job) => job.request === event.request)
  const others = running.filter((job) => job.request !== event.request)
  if (event.status === 'failed' || event.status === 'left') return others
  const { request, payer, name, at, node } = event
  return [...others, { request, payer, pod: name, node: node ?? known?.node, since: known?.since ?? at }]
}
