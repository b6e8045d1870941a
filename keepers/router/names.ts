import type { Hex } from 'viem'
import { asHeuristError, later } from '../../sdk/errors.ts'
import type { NameOwner, World } from '../world.ts'
import type { Pod } from './pods.ts'

/**
 * Whose a pod's name is: the pod's that published a version of that name before all others. Manifests are open to
 * everybody, and any pod may publish another's; what is paid for a name must not go to who does.
 */
export interface Names {
  /**
   * Which of the pods that have a name it means: whose it is, and while that one is retired the oldest that is active.
   * Until the chain has told, it goes on to mean the pod that long had it alone: a stranger who copies it stops no call.
   *
   * @param named  By their numbers, ascending.
   * @throws `pod.name_shared` (later) while nobody can say whose it is.
   */
  meant(name: string, named: readonly Pod[]): Pod | undefined
  /**
   * Gives names that several pods have to who had them first, as the chain tells it, and keeps that: one name at a time,
   * again after `AGAIN_MS` where the chain did not tell, and again when a version of that name comes that it was not asked
   * about; until then the name goes on. Nobody waits for it. Never throws.
   *
   * @param followed  The newest block that is followed: if the chain replaces it or an older one, `doubt` is called.
   */
  settle(byName: ReadonlyMap<string, readonly Pod[]>, followed: bigint): Promise<void>
  /** The chain has replaced a block: every name waits until the block that gave it away is seen again. */
  doubt(): void
}

const AGAIN_MS = 60_000
/** Who has had a name alone for so long goes on to have it until the chain tells otherwise. */
const LONG_MS = 60_000

export function createNames({
  chain,
  clock,
  log,
  manifests,
}: Pick<World, 'chain' | 'clock' | 'log' | 'manifests'>): Names {
  const owners = new Map<string, NameOwner>()
  /** Names whose owner the chain that is followed has. */
  const sure = new Set<string>()
  /** Names that one pod alone had when that was seen last. */
  const alone = new Map<string, { pod: number; sinceMs: number }>()
  /** What was asked last about a name, and when it may be asked again. */
  const asked = new Map<string, { question: string; againMs: number }>()
  /** What was asked before a doubt may be the replaced chain's answer. */
  let doubts = 0
  let isRead = false
  let isKept = true
  let settling: Promise<void> | undefined

  /** Whose a name is as far as that can be said. A pod that has just come may be a copy whose original comes next. */
  function ownerOf(name: string): number | undefined {
    if (sure.has(name)) return owners.get(name)?.pod
    const last = alone.get(name)
    return last && clock.nowMs() - last.sinceMs >= LONG_MS ? last.pod : undefined
  }

  function noteAlone(name: string, [pod, ...others]: readonly Pod[]): void {
    if (!pod || others.length > 0 || alone.get(name)?.pod === pod.id) return
    alone.set(name, { pod: pod.id, sinceMs: clock.nowMs() })
  }

  const ownerAmong = (name: string, named: readonly Pod[]) => {
    const owner = owners.get(name)
    return named.some(({ id }) => id === owner?.pod) ? owner : undefined
  }

  async function firstOf(name: string, named: readonly Pod[]): Promise<NameOwner | undefined> {
    const among = hashesOf(name, named)
    const question = `${named.map(({ id }) => id)} ${among}`
    const last = asked.get(name)
    if (last?.question === question && clock.nowMs() < last.againMs) return undefined
    asked.set(name, { question, againMs: clock.nowMs() + AGAIN_MS })
    const first = await chain.firstToPublish(among)
    return first && named.some(({ id }) => id === first.pod) ? { ...first, among } : undefined
  }

  async function settleOne(name: string, named: readonly Pod[], followed: bigint): Promise<void> {
    const [known, doubtsBefore] = [ownerAmong(name, named), doubts]
    const isWhole = known && hashesOf(name, named).every((hash) => known.among.includes(hash))
    if (isWhole && sure.has(name)) return
    const stands = known && (sure.has(name) || (await chain.hashOf(known.block)) === known.hash)
    if (doubts !== doubtsBefore) return
    if (stands) isSure(name, known, followed)
    if (stands && isWhole) return
    const found = await firstOf(name, named)
    if (!found || doubts !== doubtsBefore) return
    // Who stands was first among those that were known: only an older one, whose file came later, takes its place.
    const first = stands && found.block > known.block ? { ...known, among: found.among } : found
    owners.set(name, first)
    isKept = false
    isSure(name, first, followed)
  }

  /** A younger block can be replaced without a doubt: it is looked at again once it is followed. */
  function isSure(name: string, { block }: NameOwner, followed: bigint): void {
    if (block <= followed) sure.add(name)
    else sure.delete(name)
  }

  async function settleAll(byName: ReadonlyMap<string, readonly Pod[]>, followed: bigint): Promise<void> {
    if (!isRead) for (const [name, owner] of Object.entries(await manifests.owners())) owners.set(name, owner)
    isRead = true
    for (const [name, named] of byName) {
      // Who has a name alone needs no history: when another publishes it too, the chain still has their order.
      if (named.length < 2) continue
      await settleOne(name, named, followed).catch((cause: unknown) =>
        log.warn({ event: 'name.unclear', name, ...asHeuristError(cause).toJSON() }),
      )
    }
    if (isKept) return
    await manifests.keepOwners(Object.fromEntries(owners))
    isKept = true
  }

  return {
    meant(name, named) {
      if (named.length < 2) return named[0]
      const ownerId = ownerOf(name)
      const owner = named.find(({ id }) => id === ownerId)
      if (owner?.active) return owner
      const active = named.filter((pod) => pod.active)
      if (active.length < 2 || owner) return active[0] ?? owner ?? named[0]
      throw nameShared(name)
    },
    settle(byName, followed) {
      for (const [name, named] of byName) noteAlone(name, named)
      settling ??= settleAll(byName, followed)
        .catch((cause: unknown) => log.error({ event: 'names.lost', ...asHeuristError(cause).toJSON() }))
        .finally(() => {
          settling = undefined
        })
      return settling
    },
    doubt() {
      doubts += 1
      sure.clear()
      alone.clear()
      asked.clear()
    },
  }
}

const hashesOf = (name: string, named: readonly Pod[]): Hex[] =>
  [
    ...new Set(
      named.flatMap(({ versions }) =>
        [...versions.values()].filter(({ manifest }) => manifest.name === name).map(({ hash }) => hash),
      ),
    ),
  ].sort()

const nameShared = (name: string) =>
  later('pod.name_shared', `Several pods are named '${name}', and the chain has not told yet whose it is`, {
    fix: 'Name the pod by its number: see GET /v1/pods.',
  })
