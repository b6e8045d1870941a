import type { Address, Hex } from 'viem'
import { asHeuristError } from '../../sdk/errors.ts'
import { epochAt } from '../../sdk/protocol/epochs.ts'
import type { ChainAccount, Change, World } from '../world.ts'
import { createNames } from './names.ts'
import { createPods, type Pod } from './pods.ts'
import { createCache, createGlances, createPaced, MOST_KEPT } from './reads.ts'

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
  /** What a name means, by {@link Names}. @throws `pod.name_shared` (later). */
  podByName(name: string): Pod | undefined
  nodeIds(): number[]
  node(id: number): Promise<{ signer: Address; active: boolean } | undefined>
  frontend(id: number): Promise<{ preferred: number[]; active: boolean } | undefined>
  /** @param fresh  Asks the chain now. */
  account(payer: Address, fresh: boolean): Promise<ChainAccount>
  /**
   * What a page shows of an account: as it is now if it was served here, else at most a second old.
   *
   * @throws `accounts.busy` (later).
   */
  glance(payer: Address): Promise<ChainAccount>
  /** Called after a node's entry changed. */
  onNode: (id: number) => void
}

/** Unknown ids are looked for so often, however many ask. */
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
  const pods = createPods(world, ABSENT_MS)
  const nodes = createCache((id: number) => chain.node(id), clock)
  const frontends = createCache((id: number) => chain.frontend(id), clock)
  const accounts = createCache((payer: Address) => chain.account(payer), clock)
  const glances = createGlances((payer) => chain.account(payer), clock)
  const counts = createPaced(() => chain.counts(), ABSENT_MS, world)
  /** Registered, but with nothing that can be served: by kind and id. */
  const absentAt = new Map<string, number>()
  const freshAt = new Map<Address, number>()
  const names = createNames(world)
  let block = 0n
  /** Of `block`: another one there means that what was read may have been undone. */
  let blockHash: Hex | undefined
  let seenAtMs = 0
  let pausedUntil = 0
  let down = false
  let stopped = false
  let cancel = () => {}

  async function readPause(): Promise<void> {
    pausedUntil = await chain.pausedUntil()
  }

  async function readAll(): Promise<void> {
    block = await chain.head()
    blockHash = await chain.hashOf(block)
    accounts.clear()
    await readPause()
    const registered = await chain.counts()
    const ids = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
    await Promise.all([
      pods.readAll(registered.pods),
      ...ids(registered.nodes).map((id) => nodes.refresh(id)),
      ...ids(registered.frontends).map((id) => frontends.refresh(id)),
    ])
    seenAtMs = clock.nowMs()
  }

  async function apply(change: Change): Promise<void> {
    if (change.kind === 'float') return
    if (change.kind === 'pause') return readPause()
    if (change.kind === 'account') return accounts.again(change.payer)
    if (change.kind === 'frontend') return void (await frontends.refresh(change.id))
    if (change.kind === 'pod') return void (await pods.read(change.id))
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

  /**
   * Whether it proves nothing that the chain does not tell the last block's hash: one of the nodes behind an RPC URL may
   * be behind the others. Something will stand at that height again, and shows what is true; until then only accounts
   * are read anew. A chain that stays below it for long was restored from an older state.
   */
  const isMissingShortly = () => blockHash !== undefined && clock.nowMs() - seenAtMs < STALE_MS

  /**
   * Read anew: a chain that replaced a block that was read (a reorganisation, a local chain restored from an older
   * state), after a silence, and at the turn of an epoch, when entries begin and end without an event.
   *
   * @param hash  Of `block`, as the chain has it now.
   */
  async function readFrom(hash: Hex | undefined): Promise<void> {
    const undone = hash === undefined || hash !== blockHash
    if (undone) names.doubt()
    if (undone || down || epochOf(clock.nowMs()) !== epochOf(seenAtMs)) await readAll()
    else await readChanges()
  }

  async function follow(): Promise<void> {
    try {
      const hash = await chain.hashOf(block)
      if (hash === undefined && isMissingShortly()) {
        accounts.clear()
      } else {
        await readFrom(hash)
        seenAtMs = clock.nowMs()
        void names.settle(pods.byName(), block)
        if (down) log.info({ event: 'chain.back' })
        down = false
      }
    } catch (cause) {
      if (!down) log.warn({ event: 'chain.lost', ...asHeuristError(cause).toJSON() })
      down = true
    }
    if (!stopped) cancel = world.timers.after(pollMs, () => void follow())
  }

  /** What is not known is looked for again, after the question; ids that nobody registered cost no read of their own. */
  async function orAbsent<T>(
    kind: 'pod' | 'node' | 'frontend',
    id: number,
    known: T | undefined,
    read: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    if (known !== undefined) return known
    if (id < 1 || id > (await counts())[`${kind}s`]) return undefined
    const key = `${kind} ${id}`
    if (clock.nowMs() - (absentAt.get(key) ?? 0) < ABSENT_MS) return undefined
    absentAt.set(key, clock.nowMs())
    return read()
  }

  /** A manifest may come after its pod's event. Never throws: what is known stays known. */
  const lookAgain = () =>
    pods
      .lookAgain()
      .catch((cause: unknown) => log.warn({ event: 'pods.unread', ...asHeuristError(cause).toJSON() }))

  const registry: Registry = {
    onNode: () => {},
    async start() {
      await readAll()
      void names.settle(pods.byName(), block)
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
    pods: pods.all,
    async pod(id) {
      const known = pods.get(id)
      if (!known) return orAbsent('pod', id, known, () => pods.read(id))
      if (known.versions.has(known.latest)) return known
      const looked = lookAgain()
      // With an older version it serves as it is, and whoever asks does not wait.
      if (known.versions.size === 0) await looked
      return pods.get(id)
    },
    podByName: (name) => names.meant(name, pods.byName().get(name) ?? []),
    nodeIds: () => nodes.keys(),
    node: (id) => orAbsent('node', id, nodes.get(id), () => nodes.refresh(id)),
    frontend: (id) => orAbsent('frontend', id, frontends.get(id), () => frontends.refresh(id)),
    async account(payer, fresh) {
      const nowMs = clock.nowMs()
      const lost = nowMs - seenAtMs > STALE_MS && nowMs - accounts.readAtMs(payer) > OLD_ACCOUNT_MS
      const again = lost || (fresh && nowMs - (freshAt.get(payer) ?? 0) > ASKED_MS)
      const known = again ? undefined : accounts.get(payer)
      if (known) return known
      if (freshAt.size > MOST_KEPT) freshAt.clear()
      freshAt.set(payer, clock.nowMs())
      return (await accounts.refresh(payer)) ?? { deposited: 0n, spent: 0n, thawing: 0n }
    },
    async glance(payer) {
      return accounts.get(payer) ? registry.account(payer, true) : glances(payer)
    },
  }
  return registry
}

const epochOf = (atMs: number): number => epochAt(atMs / 1000)
