import type { Manifest } from './manifest.ts'

type Provider = Manifest['resources']['providers'][number]

/** What a router knows of one node when it chooses, for one version of one pod. JSON-safe, so it can be journaled. */
export interface NodeView {
  node: number
  /** `probing`: was ejected and gets one job to prove itself. `ejected`, `draining`: gets none. */
  state: 'live' | 'probing' | 'ejected' | 'draining'
  /** Slots that hold this pod version; how many are free, and how many of the free ones are loaded. */
  slots: number
  free: number
  warm: number
  /** Execution providers its slots have reported; empty until one has run. */
  providers: Provider[]
  memoryMiB: number
  vramMiB: number
  /** Predicted: loading the pod, and one job of it once loaded. Milliseconds. */
  loadMs: number
  runMs: number
  /** Jobs that ended well and badly lately; decayed, so they need not be whole. */
  succeeded: number
  failed: number
  /** Share of the time it was connected, 0 to 1. */
  uptime: number
}

/** What the job asks of a node. */
export interface RouteQuestion {
  resources: Manifest['resources']
  /** The payer's choice; 0 = any. */
  node: number
  /** The frontend's preferred nodes, best first. */
  preferred: number[]
  /** Nodes that failed this job already. */
  excluded: number[]
}

export interface Verdict {
  node: number
  /** Why it was chosen, passed over or rejected, in words. */
  words: string
}

export interface Decision {
  /** Absent when no node may take the job now. */
  node?: number
  /** Predicted first byte of the chosen node, milliseconds from now. */
  expectedMs: number
  /** Some node could take the job later: wait for it. False: nobody here ever could. */
  hopeful: boolean
}

/** Successes and failures that a node nobody knows is credited with: new nodes are tried, not trusted. */
const PRIOR_SUCCESSES = 8
const PRIOR_FAILURES = 1

/**
 * Who runs the job: requirements first, then the frontend's preferred nodes while they have a free slot, then the
 * lowest predicted completion (cold start included) times unreliability, then uptime, then the seed.
 * Pure: the same view, question and seed give the same decision, for ever.
 *
 * @param seed  32 bits. Breaks ties only.
 * @source DESIGN §5, 2 (Choose).
 */
export function choose(view: readonly NodeView[], question: RouteQuestion, seed: number): Decision {
  let best: Ranked | undefined
  let hopeful = false
  for (const node of view) {
    if (unsuitable(node, question) !== undefined) continue
    hopeful = true
    if (busy(node) !== undefined) continue
    const ranked = rank(node, question, seed)
    if (best === undefined || compare(ranked, best) < 0) best = ranked
  }
  const decision: Decision = { expectedMs: best?.expectedMs ?? 0, hopeful }
  if (best !== undefined) decision.node = best.view.node
  return decision
}

/**
 * What each node was to a decision: the chosen one first, then the others that could have been, best first, then the rejected
 * ones. Most decisions are never explained.
 */
export function explain(view: readonly NodeView[], question: RouteQuestion, seed: number): Verdict[] {
  const rejected: Verdict[] = []
  const open: Ranked[] = []
  for (const node of view) {
    const words = unsuitable(node, question) ?? busy(node)
    if (words === undefined) open.push(rank(node, question, seed))
    else rejected.push({ node: node.node, words })
  }
  const ranked = open.sort(compare).map((one, index) => ({
    node: one.view.node,
    words: `${index === 0 ? 'chosen' : 'passed over'}: ${praise(one)}`,
  }))
  return [...ranked, ...rejected]
}

/** Why this node can never run the job, as far as anybody knows now. */
function unsuitable(
  node: NodeView,
  { resources, node: pinned, excluded }: RouteQuestion,
): string | undefined {
  if (pinned !== 0 && node.node !== pinned) return `rejected: the payer asks for node ${pinned}`
  if (excluded.includes(node.node)) return 'rejected: it failed this job before'
  if (node.state === 'draining') return 'rejected: it is leaving'
  if (node.slots === 0) return 'rejected: it has no slot for this version of the pod'
  if (node.memoryMiB < resources.memoryMiB) {
    return `rejected: memory ${node.memoryMiB} MiB < ${resources.memoryMiB} MiB`
  }
  const onGpuOnly = !resources.providers.includes('cpu')
  if (onGpuOnly && node.vramMiB < resources.vramMiB) {
    return `rejected: VRAM ${node.vramMiB} MiB < ${resources.vramMiB} MiB`
  }
  const allowed = node.providers.some((provider) => resources.providers.includes(provider))
  if (node.providers.length > 0 && !allowed) {
    return `rejected: it runs on ${node.providers.join(', ')}, the pod wants ${resources.providers.join(' or ')}`
  }
  return undefined
}

/** Why this node cannot take the job at this moment. */
function busy(node: NodeView): string | undefined {
  if (node.state === 'ejected') return 'rejected for now: it failed several jobs in a row'
  if (node.state === 'probing' && node.free < node.slots) return 'rejected for now: its trial job is running'
  if (node.free === 0) return `rejected for now: ${node.slots} of ${node.slots} slots are busy`
  return undefined
}

interface Ranked {
  view: NodeView
  preference: number
  cost: number
  uptime: number
  tie: number
  expectedMs: number
  loadMs: number
  reliability: number
}

function rank(node: NodeView, question: RouteQuestion, seed: number): Ranked {
  const loadMs = node.warm > 0 ? 0 : node.loadMs
  const reliability =
    (node.succeeded + PRIOR_SUCCESSES) / (node.succeeded + node.failed + PRIOR_SUCCESSES + PRIOR_FAILURES)
  const place = question.preferred.indexOf(node.node)
  return {
    view: node,
    preference: place >= 0 ? place : Number.MAX_SAFE_INTEGER,
    cost: twoDigits((loadMs + node.runMs) / reliability),
    uptime: twoDigits(node.uptime),
    tie: scramble(seed, node.node),
    expectedMs: Math.round(loadMs + node.runMs),
    loadMs,
    reliability,
  }
}

const praise = ({ view, preference, loadMs, reliability }: Ranked): string =>
  [
    ...(preference < Number.MAX_SAFE_INTEGER ? [`preferred ${preference + 1}`] : []),
    ...(loadMs > 0 ? [`load ${Math.round(loadMs)} ms`] : ['warm']),
    `run ${Math.round(view.runMs)} ms`,
    `reliability ${reliability.toFixed(2)}`,
    `uptime ${view.uptime.toFixed(2)}`,
  ].join(', ')

const compare = (a: Ranked, b: Ranked): number =>
  a.preference - b.preference ||
  a.cost - b.cost ||
  b.uptime - a.uptime ||
  a.tie - b.tie ||
  a.view.node - b.view.node

/** Two significant digits: costs that differ by less than their uncertainty are ties. */
const twoDigits = (value: number): number => (value === 0 ? 0 : Number(value.toPrecision(2)))

/** A well-mixed 32-bit number of two numbers (murmur3's finalizer). */
function scramble(seed: number, node: number): number {
  let mixed = (seed ^ Math.imul(node, 0x9e3779b1)) >>> 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
