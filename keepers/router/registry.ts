import type { Address, Hex } from 'viem'
import { asHeuristError } from '../../sdk/errors.ts'
import { epochAt } from '../../sdk/protocol/epochs.ts'
import { type Manifest, manifestHash, parseManifest } from '../../sdk/protocol/manifest.ts'
import type { ChainAccount, Change, World } from '../world.ts'

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

/** The router's view of the chain: kept by following the logs, read again before anybody is refused. */
export interface Registry {
  /** Reads everything once, then follows. Throws if the chain cannot be read. */
  start(): Promise<void>
  stop(): void
  /** Unix ms of the last good look at the chain. */
  readonly seenAtMs: number
  /** Until when the ledger is paused, Unix seconds. */
  readonly pausedUntil: number
  pods(): Pod[]
  pod(id: number): Promise<Pod | undefined>
  podByName(name: string): Pod | undefined
  nodeIds(): number[]
  node(id: number): Promise<{ signer: Address; active: boolean } | undefined>
  frontend(id: number): Promise<{ preferred: number[]; active: boolean } | undefined>
  /** @param fresh  Asks the chain now. */
  account(payer: Address, fresh: boolean): Promise<ChainAccount>
  /** Called after a node's entry changed. */
  onNode: (id: number) => void
}

/** Accounts kept in memory; the oldest make room. */
const MOST_ACCOUNTS = 100_000
/** An unknown id is asked for again after this long. */
const ABSENT_MS = 250
/** An account that was just read is not read again for its next refusal. */
const ASKED_MS = 100
/** Without a good look at the chain for so long, what is known of it may be old. */
const STALE_MS = 30_000
/** Nobody is served on an account that was read this long ago while the chain cannot be followed. */
const OLD_ACCOUNT_MS = 600_000

export function createRegistry(
  world: Pick<World, 'chain' | 'clock' | 'timers' | 'log' | 'manifests'>,
  pollMs: number,
): Registry {
  const { chain, clock, log } = world
  const pods = new Map<number, Pod>()
  const nodes = createCache((id: number) => chain.node(id), clock)
  const frontends = createCache((id: number) => chain.frontend(id), clock)
  const accounts = createCache((payer: Address) => chain.account(payer), clock)
  const absentAt = new Map<string, number>()
  const freshAt = new Map<Address, number>()
  let manifests: { hash: Hex; manifest: Manifest; bytes: Uint8Array }[] = []
  let block = 0n
  /** Of `block`: another one there means that what was read may have been undone. */
  let blockHash: Hex | undefined
  let seenAtMs = 0
  let pausedUntil = 0
  let down = false
  let stopped = false
  let cancel = () => {}

  async function readManifests(): Promise<void> {
    const found = new Map<Hex, (typeof manifests)[number]>()
    for (const bytes of await world.manifests.read()) {
      try {
        const hash = manifestHash(bytes)
        found.set(hash, { hash, manifest: parseManifest(bytes), bytes })
      } catch (cause) {
        log.warn({ event: 'manifest.unreadable', ...asHeuristError(cause).toJSON() })
      }
    }
    manifests = [...found.values()]
  }

  async function readPod(id: number): Promise<Pod | undefined> {
    const entry = await chain.pod(id)
    if (!entry) return undefined
    const pod: Pod = { id, ...entry, versions: new Map() }
    for (const version of manifests) {
      const registered = version.hash === entry.latest || (await chain.isVersion(id, version.hash))
      if (!registered) continue
      pod.versions.set(version.hash, { pod: id, ...version })
      await world.manifests.keep(version.hash, version.bytes)
    }
    pods.set(id, pod)
    return pod
  }

  async function readPause(): Promise<void> {
    pausedUntil = await chain.pausedUntil()
  }

  async function readAll(): Promise<void> {
    block = await chain.head()
    blockHash = await chain.hashOf(block)
    accounts.clear()
    await readManifests()
    await readPause()
    const counts = await chain.counts()
    const ids = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
    await Promise.all([
      ...ids(counts.pods).map(readPod),
      ...ids(counts.nodes).map((id) => nodes.refresh(id)),
      ...ids(counts.frontends).map((id) => frontends.refresh(id)),
    ])
    seenAtMs = clock.nowMs()
  }

  async function apply(change: Change): Promise<void> {
    if (change.kind === 'float') return
    if (change.kind === 'pause') return readPause()
    if (change.kind === 'account') return accounts.again(change.payer)
    if (change.kind === 'frontend') return void (await frontends.refresh(change.id))
    if (change.kind === 'pod') {
      await readManifests()
      return void (await readPod(change.id))
    }
    await nodes.refresh(change.id)
    registry.onNode(change.id)
  }

  /** Up to the newest block, in steps that every RPC provider answers. */
  async function readChanges(): Promise<void> {
    for (;;) {
      const step = await chain.changesAfter(block)
      if (!step) return
      for (const change of step.changes) await apply(change)
      block = step.upTo
      blockHash = step.hash
    }
  }

  async function follow(): Promise<void> {
    try {
      // Read anew: a chain that replaced a block that was read (a reorganisation, a local chain restored from an older
      // state), after a silence, and at the turn of an epoch, when entries begin and end without an event.
      const undone = blockHash === undefined || (await chain.hashOf(block)) !== blockHash
      if (undone || down || epochOf(clock.nowMs()) !== epochOf(seenAtMs)) await readAll()
      else await readChanges()
      seenAtMs = clock.nowMs()
      if (down) log.info({ event: 'chain.back' })
      down = false
    } catch (cause) {
      if (!down) log.warn({ event: 'chain.lost', ...asHeuristError(cause).toJSON() })
      down = true
    }
    if (!stopped) cancel = world.timers.after(pollMs, () => void follow())
  }

  /** What is not known is looked for again, but not at every call. */
  async function orAbsent<T>(key: string, known: T | undefined, read: () => Promise<T | undefined>) {
    if (known !== undefined) return known
    if (clock.nowMs() - (absentAt.get(key) ?? 0) < ABSENT_MS) return undefined
    if (absentAt.size > MOST_ACCOUNTS) absentAt.clear()
    absentAt.set(key, clock.nowMs())
    return read()
  }

  const registry: Registry = {
    onNode: () => {},
    async start() {
      await readAll()
      cancel = world.timers.after(pollMs, () => void follow())
    },
    stop() {
      stopped = true
      cancel()
    },
    get seenAtMs() {
      return seenAtMs
    },
    get pausedUntil() {
      return pausedUntil
    },
    pods: () => [...pods.values()],
    pod: (id) =>
      orAbsent(`pod ${id}`, pods.get(id), async () => {
        await readManifests()
        return readPod(id)
      }),
    podByName(name) {
      const named = [...pods.values()].filter((pod) =>
        [...pod.versions.values()].some((version) => version.manifest.name === name),
      )
      return named.sort((a, b) => a.id - b.id)[0]
    },
    nodeIds: () => nodes.keys(),
    node: (id) => orAbsent(`node ${id}`, nodes.get(id), () => nodes.refresh(id)),
    frontend: (id) => orAbsent(`frontend ${id}`, frontends.get(id), () => frontends.refresh(id)),
    async account(payer, fresh) {
      const nowMs = clock.nowMs()
      const lost = nowMs - seenAtMs > STALE_MS && nowMs - accounts.readAtMs(payer) > OLD_ACCOUNT_MS
      const again = lost || (fresh && nowMs - (freshAt.get(payer) ?? 0) > ASKED_MS)
      const known = again ? undefined : accounts.get(payer)
      if (known) return known
      if (freshAt.size > MOST_ACCOUNTS) freshAt.clear()
      freshAt.set(payer, clock.nowMs())
      return (await accounts.refresh(payer)) ?? { deposited: 0n, spent: 0n, thawing: 0n }
    },
  }
  return registry
}

const epochOf = (atMs: number): number => epochAt(atMs / 1000)

/** Values by key; one read at a time per key, shared by all who ask meanwhile. */
function createCache<K, V>(read: (key: K) => Promise<V | undefined>, clock: World['clock']) {
  const known = new Map<K, { value: V; atMs: number }>()
  const reading = new Map<K, Promise<V | undefined>>()
  /** What was asked for before everything was forgotten may be older than the reason for it. */
  let era = 0

  async function refresh(key: K): Promise<V | undefined> {
    const [asked, atMs] = [era, clock.nowMs()]
    const value = await read(key)
    if (asked !== era) return value
    if (known.size >= MOST_ACCOUNTS) {
      const [oldest] = known.keys()
      if (oldest !== undefined) known.delete(oldest)
    }
    if (value === undefined) known.delete(key)
    else known.set(key, { value, atMs })
    return value
  }

  return {
    get: (key: K) => known.get(key)?.value,
    /** When it was asked for; 0 if it is not known. */
    readAtMs: (key: K) => known.get(key)?.atMs ?? 0,
    keys: () => [...known.keys()],
    clear() {
      era += 1
      known.clear()
      reading.clear()
    },
    refresh(key: K): Promise<V | undefined> {
      const started = reading.get(key)
      if (started) return started
      const promise = refresh(key).finally(() => {
        if (reading.get(key) === promise) reading.delete(key)
      })
      reading.set(key, promise)
      return promise
    },
    /** Reads what is known or being read, after the read in progress: that one may be older than the change. */
    async again(key: K): Promise<void> {
      const started = reading.get(key)
      if (!started && !known.has(key)) return
      await started?.catch(() => undefined)
      await refresh(key)
    },
  }
}
