import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { loadKey } from '../sdk/chain/keys.ts'
import { domainOf, type Network } from '../sdk/chain/network.ts'
import { asHeuristError, refused } from '../sdk/errors.ts'
import { createSigner, fastKeccak } from '../sdk/native.ts'
import { awaitNetwork, type Log } from '../sdk/program.ts'
import { readUint } from '../sdk/protocol/bytes.ts'
import { FRAME, type Frame } from '../sdk/protocol/frames.ts'
import { receivedSchema } from '../sdk/protocol/link.ts'
import { createHasher } from '../sdk/protocol/messages.ts'
import { parseWire } from '../sdk/protocol/wire.ts'
import { admitSlots } from './admission.ts'
import { lastBench } from './bench.ts'
import type { WorkerConfig } from './config.ts'
import { type Cover, watchCover } from './cover.ts'
import { createJobs, type Jobs } from './jobs.ts'
import { type LinkDeps, type LinkOutlet, type LinkTimes, openLink } from './link.ts'
import { lookAtMachine, type Machine } from './machine.ts'
import { readPod } from './pods.ts'
import { createPresence } from './presence.ts'
import { openReceipts, type ReceiptStore } from './receipts.ts'
import { chainIsVersion, listedPods, podNumbers } from './registry.ts'
import { Slot, type SlotTimes } from './slots.ts'

/** The process that serves for one node: slots that compute, receipts that last, one link to the router. */
export interface Worker {
  /** Resolves when a router has admitted it for the first time. */
  readonly admitted: Promise<void>
  /** Resolves if it must give up: another process took over its node. */
  readonly replaced: Promise<void>
  readonly slots: readonly Slot[]
  /** Lets running jobs end, then ends every process of its own. Harmless twice. */
  stop(): Promise<void>
}

export interface WorkerOptions {
  log: Log
  /** Of the signer's key file, if it is a keystore. */
  password?: string
  slotTimes?: SlotTimes
  linkTimes?: Partial<LinkTimes>
  /** Unix milliseconds. */
  now?: () => number
}

export const VERSION = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version

/** Receipts that no router has acknowledged are told again this often, besides at each connection. */
const REPEAT_MS = 15_000
const PRUNE_MS = 3_600_000
/** Between looks for a pod that the router does not list yet. */
const LOOK_MS = 5_000
/** After a stop: how long an aborted engine has to say what it did, and an idle process to exit by itself. */
const ABORT_MS = 2_000
const CLOSE_MS = 1_000

async function openSlots(
  config: WorkerConfig,
  machine: Machine,
  log: Log,
  times?: SlotTimes,
): Promise<Slot[]> {
  const wanted = await Promise.all(
    config.slots.map(async (slot) => ({ config: slot, pod: await readPod(config.podsDir, slot.pod) })),
  )
  const admission = admitSlots(wanted, machine)
  for (const { slot, error } of admission.refused) {
    log.error({ event: 'slot.refused', slot, error: error.toJSON() })
  }
  if (admission.admitted.length === 0) {
    throw refused('slots.none', 'No slot fits this machine', {
      fix: admission.refused[0]?.error.fix ?? 'Look at `heurist node doctor`.',
      details: Object.fromEntries(admission.refused.map(({ slot, error }) => [slot, error.message])),
    })
  }
  return admission.admitted.map((spec) => new Slot(spec, log, times))
}

/**
 * Waits for its router, then serves until stopped.
 *
 * @throws `worker.already_running` (later), `pod.missing`, `slots.none`, `key.*`, `manifest.invalid` (refused).
 */
export async function startWorker(config: WorkerConfig, options: WorkerOptions): Promise<Worker> {
  const { log } = options
  const now = options.now ?? Date.now
  const signer = createSigner(loadKey(config.signerKeyFile, options.password).privateKey)
  const receipts = openReceipts(config.dataDir, now)
  try {
    const machine = await lookAtMachine()
    const slots = await openSlots(config, machine, log, options.slotTimes)
    const network = await awaitNetwork(config.routerUrl, { log })
    receipts.serve(network.router.address)
    const hasher = createHasher(domainOf(network), fastKeccak)
    const presence = createPresence(slots, receipts, () => cover.refusal() === undefined)
    const cover: Cover = watchCover({
      node: config.node,
      router: network.router.address,
      routerUrl: config.routerUrl,
      chainId: network.chainId,
      rpcUrl: config.rpcUrl ?? network.rpcUrl,
      ledger: network.addresses.ledger,
      hasher,
      receipts,
      dataDir: config.dataDir,
      everyMs: config.coverLookMs,
      log,
      onChange: () => presence.tell(),
      now,
    })
    const jobs = createJobs({
      node: config.node,
      hasher,
      signer,
      slots,
      podOf: (manifest) => presence.numbers.get(manifest),
      refusal: cover.refusal,
      receipts,
      announce: presence.announce,
      log,
      now,
    })
    const bench = lastBench(config.dataDir)
    const hardware = { ...machine, node: process.version, ...(bench ? { bench } : {}) }
    return serve({ config, options, network, signer, hardware, slots, receipts, presence, jobs, cover })
  } catch (cause) {
    receipts.close()
    throw cause
  }
}

interface Parts {
  config: WorkerConfig
  options: WorkerOptions
  network: Network
  signer: LinkDeps['signer']
  hardware: Record<string, unknown>
  slots: Slot[]
  receipts: ReceiptStore
  presence: ReturnType<typeof createPresence>
  jobs: Jobs
  cover: Cover
}

function serve({
  config,
  options,
  network,
  signer,
  hardware,
  slots,
  receipts,
  presence,
  jobs,
  cover,
}: Parts): Worker {
  const { log } = options
  const admitted = signal()
  const replaced = signal()
  const isVersion = chainIsVersion({
    chainId: network.chainId,
    rpcUrl: config.rpcUrl ?? network.rpcUrl,
    registry: network.addresses.registry,
  })
  const pods = [...new Map(slots.map((slot) => [slot.pod.hash, slot.pod])).values()]

  async function look(): Promise<void> {
    presence.numbers = await podNumbers(pods, await listedPods(config.routerUrl), isVersion)
    for (const pod of pods) {
      if (presence.numbers.has(pod.hash)) continue
      log.warn({ event: 'pod.unlisted', pod: pod.manifest.name, manifest: pod.hash })
    }
  }

  const link = openLink({
    routerUrl: config.routerUrl,
    node: config.node,
    pins: {
      chainId: network.chainId,
      ledger: network.addresses.ledger,
      router: network.router.address,
    },
    signer,
    async hello() {
      await look()
      return { version: VERSION, hardware, slots: presence.offered() }
    },
    ready(outlet) {
      presence.arrive(outlet)
      admitted.happen()
    },
    frame: (frame, outlet) => takeFrame(frame, outlet, jobs, receipts),
    lost() {
      presence.leave()
      jobs.drop()
    },
    replaced() {
      log.error({ event: 'link.replaced', fix: 'Another process serves for this node; run one only.' })
      replaced.happen()
    },
    log,
    ...(options.linkTimes ? { times: options.linkTimes } : {}),
  })

  const timers = [
    setInterval(() => presence.announceAll(), REPEAT_MS),
    setInterval(() => receipts.prune(), PRUNE_MS),
    setInterval(() => {
      if (!link.up || presence.numbers.size === pods.length) return
      look().then(presence.tell, (cause: unknown) =>
        log.warn({ event: 'pods.unread', error: asHeuristError(cause).toJSON() }),
      )
    }, LOOK_MS),
  ]
  receipts.prune()
  for (const slot of slots) slot.start()

  async function stop(): Promise<void> {
    for (const timer of timers) clearInterval(timer)
    cover.close()
    presence.close()
    const drained = jobs.drain(config.drainMs)
    await Promise.race([drained, pause(config.drainMs + ABORT_MS, undefined, { ref: false })])
    await Promise.all(slots.map((slot) => slot.close(CLOSE_MS)))
    // Whatever still ran has failed with its process, and says so on the link.
    await drained
    await link.close()
    receipts.close()
    log.info({ event: 'worker.stopped' })
  }
  let stopping: Promise<void> | undefined

  return {
    admitted: admitted.happened,
    replaced: replaced.happened,
    slots,
    stop() {
      stopping ??= stop()
      return stopping
    },
  }
}

/** Something that happens once, and can be waited for. */
function signal(): { happened: Promise<void>; happen(): void } {
  let happen = () => {}
  const happened = new Promise<void>((resolve) => {
    happen = resolve
  })
  return { happened, happen: () => happen() }
}

/** What a router says after it admitted us. A frame that makes no sense ends the link. */
function takeFrame(frame: Frame, outlet: LinkOutlet, jobs: Jobs, receipts: ReceiptStore): void {
  switch (frame.type) {
    case FRAME.job:
      jobs.take(frame.job, frame.payload, outlet)
      return
    case FRAME.cancel:
      jobs.cancel(frame.job)
      return
    case FRAME.credit:
      jobs.credit(frame.job, Number(readUint(frame.payload, 0, 4)))
      return
    case FRAME.received: {
      const body: unknown = JSON.parse(new TextDecoder().decode(frame.payload))
      const { request, charged } = parseWire(receivedSchema, body, 'received.malformed')
      receipts.markReceived(request, charged)
      return
    }
    // goaway needs no act: running jobs end, and the router closes the link, which is then dialled again.
  }
}
