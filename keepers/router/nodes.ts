import type { Hex } from 'viem'
import { z } from 'zod'
import type { SlotState } from '../../sdk/protocol/link.ts'
import type { NodeView } from '../../sdk/protocol/route.ts'
import type { Clock } from '../world.ts'
import type { Limits } from './config.ts'

/** One version of one pod, as a key. */
export const versionKey = (pod: number, manifest: Hex): string => `${pod} ${manifest}`

export interface NodeFacts {
  readonly node: number
  state: 'connected' | 'gone'
  slots: SlotState[]
  hardware: Record<string, unknown>
  version: string
  succeeded: number
  failed: number
  /** Share of the time since it was first seen that it was connected. */
  uptime: number
  ejectedUntilMs: number
  inFlight: number
}

/** What this router knows of its nodes: what they offer, what runs there, how they behave. Pure bookkeeping. */
export interface Nodes {
  restore(counts: { node: number; succeeded: number; failed: number }[]): void
  up(node: number, hello: { slots: SlotState[]; hardware: Record<string, unknown>; version: string }): void
  down(node: number): void
  /** @returns the versions that it no longer offers. */
  slots(node: number, slots: SlotState[]): string[]
  draining(node: number): void
  /** A job left for the node. @returns whether its slot was warm. */
  begin(node: number, version: string): boolean
  /** A job ended there. `neutral`: neither the node's merit nor its fault. @returns whether it is ejected now. */
  end(node: number, version: string, outcome: 'ok' | 'fault' | 'neutral', runMs: number): boolean
  /** For choosing: every connected node that has this version. */
  view(version: string): NodeView[]
  freeSlots(version: string): number
  totalSlots(version: string): number
  /** The mean predicted run of this version, milliseconds. */
  runMs(version: string): number
  all(): NodeFacts[]
  /** Until when the soonest ejection lasts, if any node with this version is ejected. */
  nextReturnMs(version: string): number | undefined
}

interface Node {
  id: number
  connected: boolean
  leaving: boolean
  slots: SlotState[]
  /** The slots, summed up per version: what every choice reads. */
  offers: Map<string, Offer>
  hardware: Record<string, unknown>
  memoryMiB: number
  vramMiB: number
  version: string
  firstSeenMs: number
  connectedMs: number
  upSinceMs: number
  succeeded: number
  failed: number
  /** Decayed counts of late outcomes. */
  good: number
  bad: number
  faultsInARow: number
  ejections: number
  ejectedUntilMs: number
  /** Ejection is over, but no job has proved it yet. */
  onTrial: boolean
  inFlight: Map<string, number>
  runMs: Map<string, number>
}

/** One node's slots of one version. */
interface Offer {
  slots: number
  /** By the worker's count; likewise the next. */
  free: number
  freeWarm: number
  /** The longest load that its slots report. */
  loadMs: number | undefined
  providers: NodeView['providers']
}

function offersOf(slots: readonly SlotState[]): Map<string, Offer> {
  const offers = new Map<string, Offer>()
  for (const slot of slots) {
    const key = versionKey(slot.pod, slot.manifest)
    const offer = offers.get(key) ?? { slots: 0, free: 0, freeWarm: 0, loadMs: undefined, providers: [] }
    offer.slots += 1
    if (slot.free) offer.free += 1
    if (slot.free && slot.state === 'warm') offer.freeWarm += 1
    if (slot.loadMs !== undefined) offer.loadMs = Math.max(offer.loadMs ?? 0, slot.loadMs)
    if (slot.provider && !offer.providers.includes(slot.provider)) offer.providers.push(slot.provider)
    offers.set(key, offer)
  }
  return offers
}

/** What a worker says of its machine, as far as choosing needs it. */
const hardwareSchema = z.looseObject({
  memoryMiB: z.number().nonnegative().catch(0),
  gpus: z.array(z.looseObject({ memoryMiB: z.number().nonnegative().catch(0) })).catch([]),
})

function memoryOf(hardware: Record<string, unknown>): { memoryMiB: number; vramMiB: number } {
  const { memoryMiB, gpus } = hardwareSchema.parse(hardware)
  return { memoryMiB, vramMiB: Math.max(0, ...gpus.map((gpu) => gpu.memoryMiB)) }
}

/** An outcome counts half after this many further ones. */
const DECAY = 2 ** (-1 / 50)
/** Weight of the newest run in the predicted one. */
const NEWEST = 0.3
/** A pod that nobody has run yet. */
const UNKNOWN_RUN_MS = 1_000
const MOST_EJECTION_MS = 300_000

export function createNodes(clock: Clock, limits: Pick<Limits, 'ejectAfter' | 'ejectMs' | 'loadMs'>): Nodes {
  const nodes = new Map<number, Node>()
  const meanRunMs = new Map<string, number>()

  function of(id: number): Node {
    const known = nodes.get(id)
    if (known) return known
    const node: Node = {
      id,
      connected: false,
      leaving: false,
      slots: [],
      offers: new Map(),
      hardware: {},
      memoryMiB: 0,
      vramMiB: 0,
      version: '',
      firstSeenMs: clock.nowMs(),
      connectedMs: 0,
      upSinceMs: 0,
      succeeded: 0,
      failed: 0,
      good: 0,
      bad: 0,
      faultsInARow: 0,
      ejections: 0,
      ejectedUntilMs: 0,
      onTrial: false,
      inFlight: new Map(),
      runMs: new Map(),
    }
    nodes.set(id, node)
    return node
  }

  const offerOf = (node: Node, version: string): Offer | undefined =>
    node.connected ? node.offers.get(version) : undefined

  /** Free by our own count and by the worker's: either may be newer. */
  const freeOf = (node: Node, version: string, offer: Offer): number =>
    Math.max(0, Math.min(offer.slots - (node.inFlight.get(version) ?? 0), offer.free))

  function uptime(node: Node): number {
    const sinceMs = Math.max(1, clock.nowMs() - node.firstSeenMs)
    const nowMs = node.connected ? clock.nowMs() - node.upSinceMs : 0
    return Math.min(1, (node.connectedMs + nowMs) / sinceMs)
  }

  function stateOf(node: Node): NodeView['state'] {
    if (node.leaving) return 'draining'
    if (node.ejectedUntilMs > clock.nowMs()) return 'ejected'
    return node.onTrial ? 'probing' : 'live'
  }

  function viewOf(node: Node, version: string, offer: Offer): NodeView {
    const free = freeOf(node, version, offer)
    return {
      node: node.id,
      state: stateOf(node),
      slots: offer.slots,
      free,
      warm: Math.min(free, offer.freeWarm),
      providers: offer.providers,
      memoryMiB: node.memoryMiB,
      vramMiB: node.vramMiB,
      loadMs: offer.loadMs ?? limits.loadMs,
      runMs: node.runMs.get(version) ?? meanRunMs.get(version) ?? UNKNOWN_RUN_MS,
      succeeded: node.good,
      failed: node.bad,
      uptime: uptime(node),
    }
  }

  const blend = (map: Map<string, number>, version: string, runMs: number) =>
    map.set(version, (map.get(version) ?? runMs) * (1 - NEWEST) + runMs * NEWEST)

  function fault(node: Node): boolean {
    node.failed += 1
    node.bad += 1
    node.faultsInARow += 1
    // Jobs that were already running when it was ejected do not count against it twice.
    if (node.ejectedUntilMs > clock.nowMs()) return false
    if (!node.onTrial && node.faultsInARow < limits.ejectAfter) return false
    node.ejections += 1
    node.faultsInARow = 0
    node.onTrial = true
    node.ejectedUntilMs = clock.nowMs() + Math.min(limits.ejectMs * node.ejections, MOST_EJECTION_MS)
    return true
  }

  function success(node: Node, version: string, runMs: number): void {
    node.succeeded += 1
    node.good += 1
    node.faultsInARow = 0
    if (node.onTrial) node.ejections = 0
    node.onTrial = false
    blend(node.runMs, version, runMs)
    blend(meanRunMs, version, runMs)
  }

  function* offering(version: string): Generator<{ node: Node; offer: Offer }> {
    for (const node of nodes.values()) {
      const offer = offerOf(node, version)
      if (offer) yield { node, offer }
    }
  }

  return {
    restore(counts) {
      for (const { node, succeeded, failed } of counts) Object.assign(of(node), { succeeded, failed })
    },
    up(id, { slots, hardware, version }) {
      const node = of(id)
      Object.assign(node, {
        connected: true,
        leaving: false,
        slots,
        hardware,
        version,
        ...memoryOf(hardware),
      })
      node.offers = offersOf(slots)
      node.upSinceMs = clock.nowMs()
    },
    down(id) {
      const node = of(id)
      if (!node.connected) return
      node.connectedMs += clock.nowMs() - node.upSinceMs
      node.connected = false
      node.slots = []
      node.offers = new Map()
    },
    slots(id, slots) {
      const node = of(id)
      const before = [...node.offers.keys()]
      node.slots = slots
      node.offers = offersOf(slots)
      return before.filter((version) => !node.offers.has(version))
    },
    draining(id) {
      of(id).leaving = true
    },
    begin(id, version) {
      const node = of(id)
      const offer = offerOf(node, version)
      const warm = offer !== undefined && Math.min(freeOf(node, version, offer), offer.freeWarm) > 0
      node.inFlight.set(version, (node.inFlight.get(version) ?? 0) + 1)
      return warm
    },
    end(id, version, outcome, runMs) {
      const node = of(id)
      const left = (node.inFlight.get(version) ?? 1) - 1
      if (left > 0) node.inFlight.set(version, left)
      else node.inFlight.delete(version)
      node.good *= DECAY
      node.bad *= DECAY
      if (outcome === 'fault') return fault(node)
      if (outcome === 'ok') success(node, version, runMs)
      return false
    },
    view(version) {
      const view: NodeView[] = []
      for (const { node, offer } of offering(version)) view.push(viewOf(node, version, offer))
      return view
    },
    freeSlots(version) {
      let sum = 0
      for (const { node, offer } of offering(version)) {
        const state = stateOf(node)
        if (state === 'live' || state === 'probing') sum += freeOf(node, version, offer)
      }
      return sum
    },
    totalSlots(version) {
      let sum = 0
      for (const { offer } of offering(version)) sum += offer.slots
      return sum
    },
    runMs: (version) => meanRunMs.get(version) ?? UNKNOWN_RUN_MS,
    all: () =>
      [...nodes.values()].map((node) => ({
        node: node.id,
        state: node.connected ? 'connected' : 'gone',
        slots: node.slots,
        hardware: node.hardware,
        version: node.version,
        succeeded: node.succeeded,
        failed: node.failed,
        uptime: uptime(node),
        ejectedUntilMs: node.ejectedUntilMs,
        inFlight: [...node.inFlight.values()].reduce((sum, count) => sum + count, 0),
      })),
    nextReturnMs(version) {
      const ends: number[] = []
      for (const { node } of offering(version))
        if (stateOf(node) === 'ejected') ends.push(node.ejectedUntilMs)
      return ends.length > 0 ? Math.min(...ends) : undefined
    },
  }
}
