import { loadKey } from '../sdk/chain/keys.ts'
import { refused } from '../sdk/errors.ts'
import { awaitNetwork, type Life, type Ready, runProgram } from '../sdk/program.ts'
import { watchCases } from './cases.ts'
import { parseConfig, type WorkerConfig } from './config.ts'
import { awaitPast } from './loss.ts'
import { watchRetirement } from './retirement.ts'
import { startWorker } from './worker.ts'

/** `node --import tsx worker/main.ts <config.json>`: serves for one node, until it may not any more. */

async function start(config: WorkerConfig, { log, fail, end, stopWith }: Life): Promise<Ready> {
  const password = process.env.HEURIST_PASSWORD
  const network = await awaitNetwork(config.routerUrl, { log })
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
  stopWith(() => worker.stop())
  void worker.replaced.then(() => end(1))
  void retirement.happened.then(() => end(1))
  await worker.admitted
  return { logged: { node: config.node } }
}

await runProgram('worker', parseConfig, start)
