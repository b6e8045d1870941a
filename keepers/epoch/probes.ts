import type { Address } from 'viem'
import type { Chain } from '../../sdk/chain/clients.ts'
import { asHeuristError } from '../../sdk/errors.ts'
import type { Client } from '../../sdk/index.ts'
import { EPOCH_SECONDS, epochAt } from '../../sdk/protocol/epochs.ts'
import type { Duty } from '../duty.ts'
import type { Clock, Log, Random } from '../world.ts'
import type { ProbeConfig } from './config.ts'
import type { Probe, ProbeLog } from './log.ts'
import { drawn, questionFor } from './questions.ts'
import { quotasIn } from './stakes.ts'

export interface ProbeDeps {
  chain: Chain
  place: { registry: Address; emission: Address }
  /** One for each payer. */
  clients: readonly Client[]
  config: ProbeConfig
  probes: ProbeLog
  clock: Clock
  random: Random
  log: Log
}

export interface Lottery {
  epoch: number
  /** A drawing in [0, 2^32) for each staked node, and one for its pod. */
  draws: { node: number; draw: number; pod: number }[]
  /** Below this a node is asked now. */
  below: number
  pods: ProbeConfig['pods']
}

export interface ProbePlan {
  epoch: number
  asks: { node: number; pod: ProbeConfig['pods'][number] }[]
}

const EPOCH_MS = EPOCH_SECONDS * 1000
const DRAWINGS = 2 ** 32

/**
 * What says that a node does not answer. Everything else (no free slot in time, a router that is away, an empty account)
 * is not the node's fault: such a probe was never asked.
 */
const UNANSWERED = new Set(['node.failed', 'node.unavailable', 'stream.interrupted', 'stream.broken'])
const WRONG = /^(receipt|ack|output|pod|slot)\./

/**
 * Asks staked nodes at random moments what users ask, as a payer like any other: nothing tells a probe from traffic,
 * because it is traffic. Each look is a coin toss for every node; on average there are `perEpoch` heads in an epoch.
 */
export function createProbes(startMs: number): Duty<Lottery, ProbePlan, ProbeDeps> {
  let tossedMs = startMs

  return {
    name: 'probe',
    async observe({ chain, place, config, clock, random }) {
      const nowMs = clock.nowMs()
      const epoch = epochAt(nowMs / 1000)
      const quotas = await quotasIn(chain, place, epoch)
      const draws = [...quotas.keys()].map((node) => ({ node, draw: drawn(random), pod: drawn(random) }))
      const below = Math.min(DRAWINGS, (DRAWINGS * config.perEpoch * (nowMs - tossedMs)) / EPOCH_MS)
      tossedMs = nowMs
      return { epoch, draws, below, pods: config.pods }
    },
    decide({ epoch, draws, below, pods }) {
      const asks = draws.flatMap(({ node, draw, pod }) => {
        const drawnPod = pods[pod % pods.length]
        return draw < below && drawnPod ? [{ node, pod: drawnPod }] : []
      })
      return asks.length > 0 ? { epoch, asks } : undefined
    },
    async act({ epoch, asks }, deps) {
      const ended = await Promise.all(asks.map(({ node, pod }) => probe(node, pod, deps)))
      // What ended after its epoch counts in none: that epoch's log may be filed already.
      const over = epochAt(deps.clock.nowMs() / 1000) !== epoch
      const counted = over ? [] : ended.filter((one): one is Probe => one !== undefined)
      for (const one of counted) deps.probes.add(epoch, one)
      return { asked: counted.length, answered: counted.filter(({ answered }) => answered).length }
    },
  }
}

/** @returns undefined if it says nothing about the node. */
async function probe(
  node: number,
  pod: ProbeConfig['pods'][number],
  { clients, config, clock, random, log }: ProbeDeps,
): Promise<Probe | undefined> {
  const at = Math.floor(clock.nowMs() / 1000)
  const facts = { at, node, pod: pod.name }
  const client = clients[drawn(random) % clients.length]
  try {
    if (!client) return undefined
    const input = questionFor(pod.kind, random)
    const { request } = await client.run(pod.name, input, { node, retries: 0, maxPrice: config.mostPrice })
    return { ...facts, answered: true, request }
  } catch (cause) {
    const { code } = asHeuristError(cause)
    if (UNANSWERED.has(code) || WRONG.test(code)) return { ...facts, answered: false, code }
    log.warn({ event: 'probe.unasked', node, pod: pod.name, code })
    return undefined
  }
}
