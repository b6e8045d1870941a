import type { HeuristError } from '../../sdk/errors.ts'
import { readUint } from '../../sdk/protocol/bytes.ts'
import type { Request } from '../../sdk/protocol/messages.ts'
import { choose, explain, type NodeView, type RouteQuestion, type Verdict } from '../../sdk/protocol/route.ts'
import type { World } from '../world.ts'
import { noNode, RETRY_MS } from './failures.ts'
import type { LiveJob } from './job.ts'
import type { Link } from './links.ts'
import { type Nodes, versionKey } from './nodes.ts'
import type { PodVersion } from './pods.ts'
import { createQueue, type FairQueue } from './queue.ts'

/** More candidates than this are sampled: the choice is as good, and its record stays small. */
const MOST_CANDIDATES = 16
/** Queued calls looked at for one free slot. */
const MOST_LOOKED_AT = 256

/** What names a version's queue. */
type Version = Pick<PodVersion, 'pod' | 'hash'>

export const keyOf = (version: Version): string => versionKey(version.pod, version.hash)

/** A waiting call has its node. */
export interface Placed {
  job: LiveJob
  link: Link
  /** Milliseconds until its first byte, by what is known now. */
  expectedMs: number
  /** What was asked and seen, from which the choice can be repeated. JSON. */
  decision: string
}

export interface PlacementDeps {
  world: Pick<World, 'clock' | 'timers' | 'random'>
  /** After a start nobody is told for this long that there is no node: workers come back within a lease. */
  leaseMs: number
  /** How long a pod takes to load where no node has said so. */
  loadMs: number
  nodes: Nodes
  linkOf(node: number): Link | undefined
  place(placed: Placed): void
  /** No node will ever take this call. */
  giveUp(job: LiveJob, verdicts: Verdict[]): void
}

/** Who waits for a slot, and which call goes to which node when one is free: one queue per version, bound late. */
export interface Placement {
  wait(job: LiveJob): void
  remove(job: LiveJob): void
  /** Corrects what a payer was counted for. */
  served(job: LiveJob, price: bigint): void
  /** A slot of this version may have become free. */
  look(version: Version): void
  /** Waiting calls of these queues may have lost their last node; of all if none is named. */
  doubt(keys?: Iterable<string>): void
  /** Whether some node could take the call, now or when a slot is free. */
  hopeful(job: LiveJob): boolean
  refusalOf(version: PodVersion, body: Request, preferred: number[]): HeuristError | undefined
  pending(version: PodVersion): number
  expectedMs(version: PodVersion): number
}

export function createPlacement(deps: PlacementDeps): Placement {
  const { world, nodes } = deps
  const { clock, timers } = world
  const queues = new Map<string, FairQueue<LiveJob>>()
  const dirty = new Set<string>()
  const doubtful = new Set<string>()
  const startedMs = clock.nowMs()
  const justStarted = () => clock.nowMs() - startedMs < deps.leaseMs
  timers.after(deps.leaseMs, () => doubt())

  const queueOf = (key: string): FairQueue<LiveJob> => {
    let queue = queues.get(key)
    if (!queue) {
      queue = createQueue<LiveJob>()
      queues.set(key, queue)
    }
    return queue
  }

  /** Looks at a version's queue once the tick's input is handled. */
  function pump(key: string): void {
    if (dirty.has(key)) return
    dirty.add(key)
    timers.soon(() => {
      dirty.delete(key)
      while (placeOne(key)) {}
    })
  }

  /** Sends the first call that some node can take. @returns whether there may be another. */
  function placeOne(key: string): boolean {
    const queue = queueOf(key)
    const doubt = doubtful.has(key)
    if (queue.size === 0 || (!doubt && nodes.freeSlots(key) === 0)) return false
    const view = nodes.view(key)
    let looked = 0
    for (const job of queue.inOrder()) {
      looked += 1
      if (looked > MOST_LOOKED_AT) return false
      const seed = Number(readUint(world.random.bytes(4), 0, 4))
      const question = questionOf(job)
      const candidates = sample(view, question, seed)
      const choice = choose(candidates, question, seed)
      const link = choice.node === undefined ? undefined : deps.linkOf(choice.node)
      if (link) {
        queue.take(job)
        const decision = JSON.stringify({ seed, question, view: candidates })
        deps.place({ job, link, expectedMs: choice.expectedMs, decision })
        return true
      }
      if (!choice.hopeful && !justStarted()) {
        deps.giveUp(job, explain(candidates, question, seed))
        return true
      }
    }
    doubtful.delete(key)
    return false
  }

  /** Every queued call is looked at, whether or not a slot is free: what it waits for may be gone. */
  function doubt(keys: Iterable<string> = queues.keys()): void {
    for (const key of keys) {
      doubtful.add(key)
      pump(key)
    }
  }

  function refusalOf(version: PodVersion, body: Request, preferred: number[]): HeuristError | undefined {
    if (justStarted()) return undefined
    const key = keyOf(version)
    const question = { resources: version.manifest.resources, node: body.node, preferred, excluded: [] }
    const view = nodes.view(key)
    const { hopeful } = choose(view, question, 0)
    const returnMs = nodes.nextReturnMs(key)
    const allEjected = view.length > 0 && view.every((node) => node.state === 'ejected')
    if (hopeful && !allEjected) return undefined
    const waitMs = returnMs === undefined ? RETRY_MS : returnMs - clock.nowMs()
    return noNode({ body }, explain(view, question, 0), waitMs)
  }

  function expectedMs(version: PodVersion): number {
    const key = keyOf(version)
    const view = nodes.view(key).filter((node) => node.state === 'live' || node.state === 'probing')
    if (view.length === 0) return deps.loadMs + nodes.runMs(key)
    const loadMs = view.some((node) => node.warm > 0) ? 0 : Math.min(...view.map((node) => node.loadMs))
    const slots = Math.max(1, nodes.totalSlots(key))
    const before = view.some((node) => node.free > 0) ? 0 : (queues.get(key)?.size ?? 0) + 1
    return Math.round(loadMs + (before / slots) * nodes.runMs(key))
  }

  return {
    wait(job) {
      queueOf(keyOf(job.version)).push(job)
      pump(keyOf(job.version))
    },
    remove: (job) => void queueOf(keyOf(job.version)).remove(job),
    served: (job, price) => queueOf(keyOf(job.version)).correct(job.payer, Number(price) - job.cost),
    look: (version) => pump(keyOf(version)),
    doubt,
    hopeful: (job) => choose(nodes.view(keyOf(job.version)), questionOf(job), 0).hopeful,
    refusalOf,
    pending: (version) => queues.get(keyOf(version))?.size ?? 0,
    expectedMs,
  }
}

function questionOf({ body, version, excluded, oldNode, preferred }: LiveJob): RouteQuestion {
  return {
    resources: version.manifest.resources,
    node: body.node,
    preferred: [...(oldNode === 0 ? [] : [oldNode]), ...preferred],
    excluded,
  }
}

/** At most so many candidates, preferred ones first, the rest drawn by the seed; busy nodes only if nobody is free. */
function sample(view: NodeView[], question: RouteQuestion, seed: number): NodeView[] {
  if (view.length <= MOST_CANDIDATES) return view
  const wanted = new Set([question.node, ...question.preferred])
  const first = view.filter((node) => wanted.has(node.node))
  const others = view.filter((node) => !wanted.has(node.node))
  const free = others.filter((node) => node.free > 0)
  const pool = free.length > 0 ? free : others
  const offset = seed % Math.max(1, pool.length)
  return [...first, ...pool.slice(offset), ...pool.slice(0, offset)].slice(0, MOST_CANDIDATES)
}
