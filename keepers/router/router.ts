import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { privateKeyToAddress } from 'viem/accounts'
import { loadKey } from '../../sdk/chain/keys.ts'
import { asHeuristError, refused } from '../../sdk/errors.ts'
import { createSigner, fastKeccak, signatureLibrary } from '../../sdk/native.ts'
import { createHasher } from '../../sdk/protocol/messages.ts'
import { createChain } from '../chain.ts'
import { keepDoing } from '../duty.ts'
import { createSettle, reconcile } from '../settle/settle.ts'
import { type Log, realClock, realRandom, realTimers, type World } from '../world.ts'
import { createAdmit } from './admit.ts'
import { createBooks } from './books.ts'
import type { RouterConfig } from './config.ts'
import { createDispatch, type Dispatch } from './dispatch.ts'
import { createFeed } from './feed.ts'
import { createDoors } from './http.ts'
import { openSqlite } from './ledger/sqlite.ts'
import { createLinks, type Links } from './links.ts'
import { folderManifests } from './manifests.ts'
import { createMetrics } from './metrics.ts'
import { createNodes } from './nodes.ts'
import { createRegistry } from './registry.ts'
import { createStored } from './stored.ts'
import { createViews } from './views.ts'

export interface RunningRouter {
  readonly url: string
  /** Ends the running calls, tells the workers, closes the ledger. */
  stop(): Promise<void>
}

/** How often the settle duty looks when nothing wakes it. */
const SETTLE_EVERY_MS = 250
/** Without a look at the chain for so long the router is not ready. */
const CHAIN_STALE_MS = 30_000

/**
 * The whole router on the real world: clock, disk, network, chain.
 *
 * @param fatal  The ledger can no longer be written: end the process, so that nothing is acknowledged that is not durable.
 */
export async function startRouter(
  config: RouterConfig,
  log: Log,
  fatal: (cause: unknown) => void,
): Promise<RunningRouter> {
  const { limits } = config
  const key = loadKey(config.keyFile, process.env.HEURIST_PASSWORD).privateKey
  const { ledger: ledgerAddress, registry: registryAddress } = config.addresses
  const { chainId, rpcUrl } = config
  const chain = createChain({ rpcUrl, chainId, ledger: ledgerAddress, registry: registryAddress, key })
  await chain.check()
  const metrics = createMetrics()
  const ledger = openSqlite(join(config.dataDir, 'ledger.db'), realTimers, metrics.committed)
  const world: World = {
    clock: realClock,
    timers: realTimers,
    random: realRandom,
    log,
    ledger,
    chain,
    manifests: folderManifests(config.podsDir, config.dataDir),
  }
  const signer = createSigner(key)
  const hasher = createHasher(chain.domain, fastKeccak)
  const feed = createFeed()
  const registry = createRegistry(world, limits.chainPollMs)
  const nodes = createNodes(realClock, limits)
  const books = createBooks(ledger, hasher, signer)
  const stored = createStored(world, registry, limits, fatal)
  const settleDeps = { chain, ledger, clock: realClock, log, feed, metrics, limits: config.settle }
  let stopping = false
  let links: Links | undefined
  const linksOf = (): Links => {
    if (!links) throw refused('router.starting', 'the router is starting')
    return links
  }

  await reconcile(settleDeps)
  await Promise.all([registry.start(), books.start()])
  nodes.restore(await ledger.nodeCounts())
  const dispatch: Dispatch = createDispatch({
    world,
    limits,
    registry,
    nodes,
    books,
    hasher,
    feed,
    metrics,
    links: linksOf,
    mayComeBack: stored.mayComeBack,
    fatal,
  })
  links = createLinks({ world, registry, limits, events: dispatch })
  await stored.start()
  const isStopping = () => stopping
  const admit = createAdmit({
    world,
    hasher,
    limits,
    registry,
    nodes,
    books,
    dispatch,
    stored,
    stopping: isStopping,
    fatal,
  })
  const terms = await chain.terms()
  let url = ''
  const views = createViews({
    config,
    router: chain.router,
    url: () => config.publicUrl ?? url,
    terms,
    registry,
    nodes,
    books,
    dispatch,
    ledger,
  })
  const readiness = () => {
    const reasons = [
      ...(stopping ? ['stopping'] : []),
      ...(realClock.nowMs() - registry.seenAtMs > CHAIN_STALE_MS ? ['the chain does not answer'] : []),
    ]
    return { ready: reasons.length === 0, reasons }
  }
  const doors: FastifyInstance = createDoors({
    world,
    limits,
    admit,
    views,
    feed,
    metrics,
    attach: (wire) => linksOf().attach(wire),
    ready: readiness,
  })
  let unposted = 0
  metrics.gauges(() => ({ live: dispatch.size, links: linksOf().count, unposted, feed: feed.listeners }))
  const counting = realTimers.every(1_000, () => {
    ledger.unpostedCount().then(
      (count) => {
        unposted = count
      },
      (cause: unknown) => log.warn({ event: 'ledger.unreadable', ...asHeuristError(cause).toJSON() }),
    )
  })
  const settling = keepDoing(createSettle(), settleDeps, world, SETTLE_EVERY_MS)
  url = await doors.listen({ host: config.host, port: config.port })
  log.info({
    event: 'router.up',
    url,
    router: privateKeyToAddress(key),
    signatures: signatureLibrary,
    pods: registry.pods().length,
  })

  return {
    url,
    async stop() {
      if (stopping) return
      stopping = true
      await dispatch.drain(limits.stopMs)
      linksOf().stop()
      counting()
      stored.stop()
      registry.stop()
      await Promise.all([doors.close(), settling.stop()])
      await ledger.close()
    },
  }
}
