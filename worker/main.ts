import { loadKey } from '../sdk/chain/keys.ts'
import { asHeuristError, refused } from '../sdk/errors.ts'
import { watchCases } from './cases.ts'
import { readConfig } from './config.ts'
import { createLog } from './log.ts'
import { awaitPast } from './loss.ts'
import { watchRetirement } from './retirement.ts'
import { awaitNetwork, startWorker } from './worker.ts'

/**
 * `node --import tsx worker/main.ts <config.json>`: serves for one node until SIGTERM, SIGINT or the end of the
 * process that started it. Exit codes: 0 stopped, 1 it could not start or had to give up.
 */

const log = createLog()

function fail(cause: unknown): never {
  log.error({ event: 'worker.failed', error: asHeuristError(cause).toJSON(), stack: (cause as Error).stack })
  process.exit(1)
}
process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)

// Before there is a worker to stop, a signal just ends the process.
let stop: () => Promise<void> = async () => {}
let stopping = false
function end(code: number): void {
  if (stopping) return
  stopping = true
  stop().then(() => process.exit(code), fail)
}
process.on('SIGTERM', () => end(0))
process.on('SIGINT', () => end(0))
process.on('disconnect', () => end(0))

const config = readConfig(process.argv[2])
const password = process.env.HEURIST_PASSWORD
const network = await awaitNetwork(config.routerUrl, log)
if (!config.acceptLoss) await awaitPast({ ...config, network }, log)
const chain = { chainId: network.chainId, rpcUrl: config.rpcUrl ?? network.rpcUrl }
const retirement = watchRetirement({
  ...chain,
  registry: network.addresses.registry,
  signer: loadKey(config.signerKeyFile, password).address,
  everyMs: config.signerLookMs,
  log,
})
if (await retirement.look()) fail(refused('signer.retired', 'The signer of this node was replaced'))
watchCases({
  ...chain,
  node: config.node,
  ledger: network.addresses.ledger,
  everyMs: config.caseLookMs,
  log,
})
const worker = await startWorker(config, { log, ...(password === undefined ? {} : { password }) })
stop = () => worker.stop()
void worker.replaced.then(() => end(1))
void retirement.happened.then(() => end(1))
await worker.admitted
log.info({ event: 'ready', node: config.node })
process.send?.({ event: 'ready' })
