import { join } from 'node:path'
import { privateKeyToAccount } from 'viem/accounts'
import { openChain } from '../../sdk/chain/clients.ts'
import { economyOf } from '../../sdk/chain/economy.ts'
import { keySender } from '../../sdk/chain/key-sender.ts'
import { loadKey } from '../../sdk/chain/keys.ts'
import { type Client, createClient } from '../../sdk/index.ts'
import { fileJournal } from '../../sdk/journal-file.ts'
import { epochAt } from '../../sdk/protocol/epochs.ts'
import { buyDuty } from '../burn/buyer.ts'
import { keepDoing, type RunningDuty } from '../duty.ts'
import { type Log, realClock, realRandom, realTimers } from '../world.ts'
import type { KeeperConfig } from './config.ts'
import { cycleDuty } from './cycle.ts'
import { createDoor } from './door.ts'
import { openProbeLog } from './log.ts'
import { createProbes } from './probes.ts'
import { reportDuty } from './reporting.ts'
import { openReports } from './reports.ts'

export interface RunningKeeper {
  url: string
  stop(): Promise<void>
}

/**
 * The economy's keeper: turns the epochs, and if it is told to, probes nodes and buys the fees. Every duty has the same
 * account, whose transactions go out in one queue.
 *
 * @throws `economy.absent` (refused), `chain.*`, `key.*`.
 */
export async function startKeeper(config: KeeperConfig, log: Log): Promise<RunningKeeper> {
  const { pollMs, dataDir } = config
  const chain = openChain(config)
  await chain.check()
  const place = await economyOf(chain, config.ledger)
  const key = loadKey(config.keyFile, process.env.HEURIST_PASSWORD).privateKey
  const sender = keySender(chain, privateKeyToAccount(key))
  const routers = config.routers.map(({ address }) => address)
  const world = { timers: realTimers, log }
  const probes = openProbeLog(join(dataDir, 'probes'))
  const reports = openReports(join(dataDir, 'reports'))
  const turning = { chain, place, routers, reports, sender, log }
  const duties: RunningDuty[] = [keepDoing(cycleDuty, turning, world, pollMs)]

  const clients: Client[] = []
  const [first] = config.routers
  if (config.probe && first) {
    for (const file of config.probe.payers) clients.push(clientOf(file, first.url, config))
    const [clock, random] = [realClock, realRandom]
    const asking = { chain, place, clients, config: config.probe, probes, clock, random, log }
    duties.push(keepDoing(createProbes(clock.nowMs()), asking, world, pollMs))
    duties.push(keepDoing(reportDuty, { chain, place, probes, reports, sender }, world, pollMs))
  }
  if (config.buy) {
    duties.push(keepDoing(buyDuty, { chain, place, sender, config: config.buy }, world, pollMs))
  }
  const door = createDoor(probes, reports, () => epochAt(realClock.nowMs() / 1000))
  const url = await door.listen({ host: config.host, port: config.port })
  return {
    url,
    async stop() {
      await Promise.all([door.close(), ...duties.map((duty) => duty.stop())])
      await Promise.all(clients.map((client) => client.close()))
    },
  }
}

const clientOf = (
  file: string,
  routerUrl: string,
  { rpcUrl, chainId, ledger, dataDir }: KeeperConfig,
): Client =>
  createClient({
    routerUrl,
    key: loadKey(file, process.env.HEURIST_PASSWORD).privateKey,
    chain: { rpcUrl, chainId, ledger },
    journal: fileJournal(join(dataDir, 'journal')),
  })
