import { join } from 'node:path'
import type { Hex } from 'viem'
import { loadKey } from '../../sdk/chain/keys.ts'
import { asHeuristError, refused } from '../../sdk/errors.ts'
import { createSigner, fastKeccak, signatureLibrary } from '../../sdk/native.ts'
import { createHasher } from '../../sdk/protocol/messages.ts'
import { createChain } from '../chain.ts'
import { keepDoing, once } from '../duty.ts'
import { createForget } from '../settle/forget.ts'
import { reconcile } from '../settle/reconcile.ts'
import { createSettle } from '../settle/settle.ts'
import { createStanding } from '../settle/standing.ts'
import { createStatements } from '../settle/statements.ts'
import { createWatch, type WatchDeps } from '../settle/watch.ts'
import { type Log, realClock, realRandom, realTimers, type World } from '../world.ts'
import { createAdmit } from './admit.ts'
import { createBooks } from './books.ts'
import type { RouterConfig } from './config.ts'
import { createDispatch } from './dispatch.ts'
import { createFeed } from './feed.ts'
import { createDoors } from './http.ts'
import { openSqlite } from './ledger/sqlite.ts'
import { createLinks, type Links } from './links.ts'
import { folderManifests } from './manifests.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { createNodes } from './nodes.ts'
import { createRegistry } from './registry.ts'
import { createStored } from './stored.ts'
import { type House, isPaused, refusalOfHouse } from './terms.ts'
import { createViews } from './views.ts'

export interface RunningRouter {
  readonly url: string
  /** Ends the running calls, tells the workers, closes the ledger. */
  stop(): Promise<void>
  /** Cuts every connection without a word, as a crash does; the World's owner sees to the rest. */
  cut(): Promise<void>
}

/** How often the settle duty looks when nothing wakes it. */
const SETTLE_EVERY_MS = 250
/** How often the forget duty asks whether its hour has come. */
const FORGET_EVERY_MS = 60_000
/** Without a look at the chain for so long the router is not ready. */
const CHAIN_STALE_MS = 30_000
/** Pause before a chain that does not answer is asked again. */
const CHAIN_AGAIN_MS = 1_000

/** The real World of a router: this machine's clock, disk and network, and the chain at `rpcUrl`. */
export function openWorld(config: RouterConfig, key: Hex, log: Log, metrics: Metrics): World {
  const { ledger, registry } = config.addresses
  const { chainId, rpcUrl } = config
  const { mostFeePerGas, depositConfirmations } = config.settle
  return {
    clock: realClock,
    timers: realTimers,
    random: realRandom,
    log,
    ledger: openSqlite(join(config.dataDir, 'ledger.db'), realTimers, metrics.committed),
    chain: createChain({
      ...{ rpcUrl, chainId, ledger, registry, key, mostFeePerGas },
      ...(depositConfirmations === undefined ? {} : { depositConfirmations }),
    }),
    manifests: folderManifests(config.podsDir, config.dataDir, log),
  }
}

/**
 * A router on the real World.
 *
 * @param fatal  The ledger can no longer be written: end the process, so that nothing is acknowledged that is not durable.
 */
export async function startRouter(
  config: RouterConfig,
  log: Log,
  fatal: (cause: unknown) => void,
): Promise<RunningRouter> {
  const key = loadKey(config.keyFile, process.env.HEURIST_PASSWORD).privateKey
  const metrics = createMetrics()
  const world = openWorld(config, key, log, metrics)
  return startRouterIn(world, config, key, metrics, fatal)
}

/** A router in any World. */
export async function startRouterIn(
  world: World,
  config: RouterConfig,
  key: Hex,
  metrics: Metrics,
  fatal: (cause: unknown) => void,
): Promise<RunningRouter> {
  const { limits } = config
  const { clock, timers, log, ledger, chain } = world
  const hasher = createHasher(chain.domain, fastKeccak)
  const feed = createFeed()
  const registry = createRegistry(world, limits.chainPollMs)
  const nodes = createNodes(clock, limits)
  const signer = createSigner(key)
  const books = createBooks(ledger, hasher, signer)
  const standing = createStanding()
  const stored = createStored(world, registry, limits, fatal)
  ledger.lost().then(fatal)
  const settleDeps = { chain, ledger, clock, log, feed, metrics, limits: config.settle, standing }
  let stopping = false
  let links: Links | undefined
  const linksOf = (): Links => {
    if (!links) throw refused('router.starting', 'the router is starting')
    return links
  }

  const watch = createWatch()
  await chainAnswers(world)
  await chainIsSynced(watch, settleDeps, world)
  await reconcile(settleDeps)
  await Promise.all([registry.start(), books.start()])
  nodes.restore(await ledger.nodeCounts())
  const terms = await chain.terms()
  const { mayComeBack, chargedFor } = stored
  const parts = { world, limits, registry, nodes, books, hasher, feed, metrics, fatal }
  const dispatch = createDispatch({ ...parts, links: linksOf, mayComeBack, chargedFor })
  links = createLinks({ world, registry, limits, events: dispatch })
  await stored.start()

  let url = ''
  const views = createViews({
    config,
    statements: createStatements({ ledger, clock, hasher, signer, standing, metrics }),
    router: chain.router,
    url: () => config.publicUrl ?? url,
    terms,
    registry,
    nodes,
    books,
    dispatch,
    ledger,
    clock,
  })
  const nowSeconds = () => Math.floor(clock.nowMs() / 1000)
  const house = (): House => ({ stopping, allowed: standing.allowed, pausedUntil: registry.pausedUntil })
  const doors = createDoors({
    world,
    limits,
    trustedProxies: config.trustedProxies,
    admit: createAdmit({
      ...parts,
      dispatch,
      stored,
      closed: () => refusalOfHouse(house(), nowSeconds()),
    }),
    views,
    feed,
    metrics,
    attach: (wire) => linksOf().attach(wire),
    ready() {
      const stale = clock.nowMs() - registry.seenAtMs > CHAIN_STALE_MS
      const reasons = [
        ...(stopping ? ['stopping'] : []),
        ...(stale ? ['the chain does not answer'] : []),
        ...(standing.synced ? [] : ['the chain is not synced']),
        ...(standing.allowed ? [] : ['its bond does not let it settle']),
        ...(isPaused(registry, nowSeconds()) ? ['the ledger is paused'] : []),
      ]
      return { ready: reasons.length === 0, reasons }
    },
  })
  let unposted = 0
  metrics.gauges(() => ({ live: dispatch.size, links: linksOf().count, unposted, feed: feed.listeners }))
  const counting = timers.every(1_000, () => {
    ledger.unpostedCount().then(
      (count) => {
        unposted = count
      },
      (cause: unknown) => log.warn({ event: 'ledger.unreadable', ...asHeuristError(cause).toJSON() }),
    )
  })
  const duties = [
    keepDoing(watch, settleDeps, world, config.settle.watchMs),
    keepDoing(createSettle(), settleDeps, world, SETTLE_EVERY_MS),
    keepDoing(createForget(), settleDeps, world, FORGET_EVERY_MS),
  ]
  url = await doors.listen({ host: config.host, port: config.port })
  log.info({
    event: 'router.up',
    url,
    router: chain.router,
    signatures: signatureLibrary,
    pods: registry.pods().length,
  })

  async function stop(): Promise<void> {
    stopping = true
    await dispatch.drain(limits.stopMs)
    linksOf().stop()
    counting()
    stored.stop()
    registry.stop()
    await Promise.all([doors.close(), ...duties.map((duty) => duty.stop())])
    await ledger.close()
  }
  let stopped: Promise<void> | undefined

  return {
    url,
    stop() {
      stopped ??= stop()
      return stopped
    },
    async cut() {
      doors.server.closeAllConnections()
      linksOf().cut()
      await doors.close()
    },
  }
}

/** A router that starts before its chain waits for it. Another chain than the configured one is an error at once. */
async function chainAnswers({ chain, timers, log }: World): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await chain.check()
    } catch (cause) {
      const error = asHeuristError(cause)
      if (error.kind !== 'later') throw error
      if (tries === 0) log.warn({ event: 'chain.waiting', ...error.toJSON() })
      await new Promise<void>((resolve) => timers.after(CHAIN_AGAIN_MS, resolve))
    }
  }
}

/** Nothing is compared, served or posted on the word of a node that is still reading old blocks. */
async function chainIsSynced(
  watch: ReturnType<typeof createWatch>,
  deps: WatchDeps,
  { timers, log }: World,
): Promise<void> {
  for (;;) {
    try {
      await once(watch, deps, log)
      if (deps.standing.synced) return
    } catch (cause) {
      const error = asHeuristError(cause)
      if (error.kind !== 'later') throw error
      log.warn({ event: 'chain.waiting', ...error.toJSON() })
    }
    await new Promise<void>((resolve) => timers.after(CHAIN_AGAIN_MS, resolve))
  }
}
