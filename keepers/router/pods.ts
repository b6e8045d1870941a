import type { Hex } from 'viem'
import { asHeuristError } from '../../sdk/errors.ts'
import { type Manifest, manifestHash, parseManifest } from '../../sdk/protocol/manifest.ts'
import type { World } from '../world.ts'
import { createPaced } from './reads.ts'

/** One version of a pod that this router can serve: registered on chain, bytes at hand. */
export interface PodVersion {
  pod: number
  hash: Hex
  manifest: Manifest
  bytes: Uint8Array
}

export interface Pod {
  id: number
  /** The newest version's hash on chain; its bytes may be missing here. */
  latest: Hex
  active: boolean
  versions: Map<Hex, PodVersion>
}

/** The pods of the chain, each with those of its versions whose manifests are here. */
export interface Pods {
  all(): Pod[]
  get(id: number): Pod | undefined
  /** By the names of all their versions, each list by number. */
  byName(): ReadonlyMap<string, readonly Pod[]>
  /** Reads all of them anew, up to that number; others are no more. */
  readAll(count: number): Promise<void>
  /** Reads one anew, and every other one too if a manifest came since: it may be a version of any. */
  read(id: number): Promise<Pod | undefined>
  /** Looks for manifests that came since, at most once in so long, and reads every pod again only if there are any. */
  lookAgain(): Promise<void>
}

type Here = Omit<PodVersion, 'pod'>

export function createPods(
  world: Pick<World, 'chain' | 'clock' | 'timers' | 'log' | 'manifests'>,
  everyMs: number,
): Pods {
  const { chain, log } = world
  const pods = new Map<number, { pod: Pod; read: number }>()
  /** Reads are numbered as they begin: what an older one saw never takes the place of what a younger one did. */
  let reads = 0
  let allRead = 0
  let manifests: { here: Here[]; read: number } = { here: [], read: 0 }
  /** Manifests that are none: said once. */
  const senseless = new Set<Hex>()
  /** Made anew after pods were read. */
  let named: Map<string, Pod[]> | undefined

  async function manifestsHere(): Promise<Here[]> {
    const found = new Map<Hex, Here>()
    const known = new Map(manifests.here.map((each) => [each.hash, each]))
    for (const bytes of await world.manifests.read()) {
      const hash = manifestHash(bytes)
      const read = known.get(hash)
      if (read) found.set(hash, read)
      if (read || senseless.has(hash)) continue
      try {
        found.set(hash, { hash, manifest: parseManifest(bytes), bytes })
      } catch (cause) {
        senseless.add(hash)
        log.warn({ event: 'manifest.unreadable', hash, ...asHeuristError(cause).toJSON() })
      }
    }
    return [...found.values()]
  }

  async function readPod(id: number, here: Here[]): Promise<Pod | undefined> {
    const entry = await chain.pod(id)
    if (!entry) return undefined
    const pod: Pod = { id, ...entry, versions: new Map() }
    for (const version of here) {
      const registered = version.hash === entry.latest || (await chain.isVersion(id, version.hash))
      if (!registered) continue
      pod.versions.set(version.hash, { pod: id, ...version })
      await keep(version)
    }
    return pod
  }

  /** A disk that takes nothing stops no look at the chain; at a later read of the pod it is tried again. */
  async function keep({ hash, bytes }: Here): Promise<void> {
    await world.manifests
      .keep(hash, bytes)
      .catch((cause: unknown) =>
        log.error({ event: 'manifest.unkept', hash, ...asHeuristError(cause).toJSON() }),
      )
  }

  /** All of them at once, so that no name is ever seen with a part of the pods that have it. */
  async function readThese(read: number, ids: readonly number[], here: Here[]): Promise<boolean> {
    const found = await Promise.all(ids.map(async (id) => ({ id, pod: await readPod(id, here) })))
    if (read < allRead) return false
    for (const { id, pod } of found) {
      if ((pods.get(id)?.read ?? 0) > read) continue
      if (pod) pods.set(id, { pod, read })
      else pods.delete(id)
    }
    if (manifests.read < read) manifests = { here, read }
    named = undefined
    // Manifests came meanwhile that these pods were not asked about.
    const isBehind = manifests.read > read && isMore(manifests.here, here)
    return isBehind ? readThese(++reads, ids, await manifestsHere()) : true
  }

  async function look(): Promise<void> {
    const read = ++reads
    const here = await manifestsHere()
    if (isMore(here, manifests.here)) await readThese(read, [...pods.keys()], here)
  }

  return {
    all: () => [...pods.values()].map(({ pod }) => pod),
    get: (id) => pods.get(id)?.pod,
    byName() {
      named ??= namedOf([...pods.values()].map(({ pod }) => pod))
      return named
    },
    async readAll(count) {
      const read = ++reads
      const ids = Array.from({ length: count }, (_, index) => index + 1)
      if (!(await readThese(read, ids, await manifestsHere()))) return
      allRead = read
      for (const [id, known] of pods) if (known.read < read) pods.delete(id)
    },
    async read(id) {
      const read = ++reads
      const here = await manifestsHere()
      const others = isMore(here, manifests.here) ? [...pods.keys()] : []
      await readThese(read, [...new Set([...others, id])], here)
      return pods.get(id)?.pod
    },
    lookAgain: createPaced(look, everyMs, world),
  }
}

/** Whether there are manifests that were not there. */
function isMore(here: Here[], known: Here[]): boolean {
  const hashes = new Set(known.map(({ hash }) => hash))
  return here.some(({ hash }) => !hashes.has(hash))
}

/** A pod's newest version whose bytes are here. */
export const newestOf = (pod: Pod): PodVersion | undefined => newest(pod, [...pod.versions.values()])

/** The newest of those versions that have a name: a pod that was renamed has some of its old one. */
export const newestNamed = (pod: Pod, name: string): PodVersion | undefined =>
  newest(
    pod,
    [...pod.versions.values()].filter(({ manifest }) => manifest.name === name),
  )

/** The chain tells only which is a pod's last; of others it is the one with the highest number. */
const newest = (pod: Pod, versions: PodVersion[]): PodVersion | undefined =>
  versions.find(({ hash }) => hash === pod.latest) ?? versions.sort(byNumber).at(-1)

const byNumber = (a: PodVersion, b: PodVersion): number =>
  a.manifest.version.localeCompare(b.manifest.version, 'en', { numeric: true }) || (a.hash < b.hash ? -1 : 1)

function namedOf(pods: Pod[]): Map<string, Pod[]> {
  const found = new Map<string, Pod[]>()
  for (const pod of pods.sort((a, b) => a.id - b.id)) {
    for (const name of new Set([...pod.versions.values()].map(({ manifest }) => manifest.name))) {
      const others = found.get(name)
      if (others) others.push(pod)
      else found.set(name, [pod])
    }
  }
  return found
}
