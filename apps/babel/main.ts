import { join } from 'node:path'
import { openChain } from '../../sdk/chain/clients.ts'
import { loadKey } from '../../sdk/chain/keys.ts'
import { refused } from '../../sdk/errors.ts'
import { createClient, type Network } from '../../sdk/index.ts'
import { fileJournal } from '../../sdk/journal-file.ts'
import { native } from '../../sdk/native.ts'
import { awaitNetwork, type Life, type Ready, runProgram } from '../../sdk/program.ts'
import { createBot } from './bot.ts'
import { openBudget } from './budget.ts'
import { type BabelConfig, configSchema } from './config.ts'
import { readRevenue, revenueText } from './revenue.ts'
import { openSettings } from './settings.ts'
import { createStatus } from './status.ts'
import { createTranslator } from './translate.ts'
import { openWork } from './work.ts'

/**
 * `node --import tsx apps/babel/main.ts <config.json>`: the Discord bot. Announces `{ event: 'ready', url }`. The bot's
 * token comes from HEURIST_DISCORD_TOKEN or the configuration, a keystore's password from HEURIST_PASSWORD.
 */

/** How long a router that is starting too is waited for, and commands at the end. */
const START_MS = 30_000
const STOP_MS = 8_000

async function start(config: BabelConfig, { log, fail, stopWith }: Life): Promise<Ready> {
  const token = tokenOf(config)
  const network = await awaitNetwork(config.routerUrl, { log, patienceMs: START_MS })
  const { frontend, limits, models, patienceMs, operators } = config
  const client = clientOf(config, network)
  // Opens the journal and resolves what an earlier process left open; the first command does not wait for it.
  const { payer } = await client.balance()
  const [settings, work] = [openSettings(config.dataDir), openWork(config.dataDir)]
  const chain = openChain({ chainId: network.chainId, rpcUrl: config.rpcUrl ?? network.rpcUrl })
  const revenue = () => readRevenue({ chain, network, frontend, client, work })
  const budget = openBudget(limits, work)
  const bot = createBot({
    discord: { token, url: config.discordUrl, readMessages: config.readMessages },
    ...{ settings, work, models, operators, log },
    translator: createTranslator({ client, budget, models, limits, patienceMs }),
    revenue: async () => revenueText(await revenue()),
    onLost: fail,
  })
  const status = createStatus({ servers: bot.servers, isReady: bot.isReady, revenue }, log)

  stopWith(async () => {
    await Promise.all([status.close(), bot.stop(STOP_MS)])
    await client.close()
    settings.close()
    work.end()
  })

  await bot.start()
  const url = await status.listen({ host: config.host, port: config.port })
  return { url, logged: { payer, frontend, servers: bot.servers() } }
}

/** @throws `discord.token_missing` (refused). */
function tokenOf({ token }: BabelConfig): string {
  const found = process.env.HEURIST_DISCORD_TOKEN ?? token
  if (found !== undefined && found !== '') return found
  throw refused('discord.token_missing', 'there is no token of a Discord bot', {
    fix: 'Set HEURIST_DISCORD_TOKEN, or "token" in the configuration.',
    field: 'token',
  })
}

function clientOf(config: BabelConfig, { chainId, addresses }: Network) {
  const { privateKey } = loadKey(config.keyFile, process.env.HEURIST_PASSWORD)
  return createClient({
    routerUrl: config.routerUrl,
    key: privateKey,
    frontend: config.frontend,
    journal: fileJournal(join(config.dataDir, 'journal')),
    fast: native,
    ...(config.rpcUrl === undefined
      ? {}
      : { chain: { rpcUrl: config.rpcUrl, chainId, ledger: addresses.ledger } }),
  })
}

await runProgram('babel', configSchema, start)
