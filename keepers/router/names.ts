import type { Hex } from 'viem'
import { asHeuristError, later } from '../../sdk/errors.ts'
import type { World } from '../world.ts'
import type { Pod } from './pods.ts'

/**
 * Whose a pod's name is: the pod's that published a version of that name before all others. Manifests are open to
 * everybody, and any pod may publish another's; what is paid for a name must not go to who does.
 */
export interface Names {
  /**
   * Which of the pods that have a name it means: whose it is, and while that one is retired the oldest that is active.
   *
   * @param named  By their numbers, ascending.
   * @throws `pod.name_shared` (later) while the chain has not told whose it is.
   */
  meant(name: string, named: readonly Pod[]): Pod | undefined
  /**
   * Gives names that nobody has to who had them first, as the chain tells it, and keeps that: one name at a time, and again
   * after `AGAIN_MS` where the chain did not tell. Nobody waits for it. Never throws.
   */
  settle(byName: ReadonlyMap<string, readonly Pod[]>): Promise<void>
  /** The chain has replaced a block: it is asked again about every name. */
  forget(): void
}

const AGAIN_MS = 60_000

export function createNames({
  chain,
  clock,
  log,
  manifests,
}: Pick<World, 'chain' | 'clock' | 'log' | 'manifests'>): Names {
  const owners = new Map<string, number>()
  const notBefore = new Map<string, number>()
  let isRead = false
  let isKept = true
  let settling: Promise<void> | undefined

  async function firstOf(name: string, named: readonly Pod[]): Promise<number | undefined> {
    const question = `${name} ${named.map(({ id }) => id)}`
    if (clock.nowMs() < (notBefore.get(question) ?? 0)) return undefined
    notBefore.set(question, clock.nowMs() + AGAIN_MS)
    const first = await chain.firstToPublish(hashesOf(name, named)).catch((cause: unknown) => {
      log.warn({ event: 'name.unclear', name, ...asHeuristError(cause).toJSON() })
      return undefined
    })
    return named.some(({ id }) => id === first) ? first : undefined
  }

  async function settleAll(byName: ReadonlyMap<string, readonly Pod[]>): Promise<void> {
    if (!isRead) for (const [name, pod] of Object.entries(await manifests.owners())) owners.set(name, pod)
    isRead = true
    for (const [name, named] of byName) {
      if (named.some(({ id }) => id === owners.get(name))) continue
      const first = await firstOf(name, named)
      if (first === undefined) continue
      owners.set(name, first)
      isKept = false
    }
    if (isKept) return
    await manifests.keepOwners(Object.fromEntries(owners))
    isKept = true
  }

  return {
    meant(name, named) {
      if (named.length < 2) return named[0]
      const owner = named.find(({ id }) => id === owners.get(name))
      if (owner?.active) return owner
      const active = named.filter((pod) => pod.active)
      if (active.length < 2 || owner) return active[0] ?? owner ?? named[0]
      throw nameShared(name)
    },
    settle(byName) {
      settling ??= settleAll(byName)
        .catch((cause: unknown) => log.error({ event: 'names.lost', ...asHeuristError(cause).toJSON() }))
        .finally(() => {
          settling = undefined
        })
      return settling
    },
    forget() {
      owners.clear()
      notBefore.clear()
    },
  }
}

const hashesOf = (name: string, named: readonly Pod[]): Hex[] => [
  ...new Set(
    named.flatMap(({ versions }) =>
      [...versions.values()].filter(({ manifest }) => manifest.name === name).map(({ hash }) => hash),
    ),
  ),
]

const nameShared = (name: string) =>
  later('pod.name_shared', `Several pods are named '${name}', and the chain has not told yet whose it is`, {
    fix: 'Name the pod by its number: see GET /v1/pods.',
  })
