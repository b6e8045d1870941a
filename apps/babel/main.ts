import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { openChain } from '../../sdk/chain/clients.ts'
import { loadKey } from '../../sdk/chain/keys.ts'
import { asHeuristError, refused } from '../../sdk/errors.ts'
import { createClient, fetchNetwork, type Network } from '../../sdk/index.ts'
import { fileJournal } from '../../sdk/journal-file.ts'
import { native } from '../../sdk/native.ts'
import { parseWire } from '../../sdk/protocol/wire.ts'
import { createBot } from './bot.ts'
import { openBudget } from './budget.ts'
import { type BabelConfig, configSchema } from './config.ts'
import { readRevenue, revenueText } from './revenue.ts'
import { openSettings } from './settings.ts'
import { createStatus } from './status.ts'
import { createTranslator } from './translate.ts'
import { openWork } from './work.ts'

/**
 * `node --import tsx apps/babel/main.ts <config.json>`: the Discord bot until SIGTERM, SIGINT or the end of the process
 * that started it. Announces `{ event: 'ready', url }`. The bot's token comes from HEURIST_DISCORD_TOKEN or the
 * configuration, a keystore's password from HEURIST_PASSWORD. Exit codes: 0 stopped, 1 it could not start, or Discord
 * closed for good.
 */

/** How long a router that is starting too is waited for, and commands at the end. */
const START_MS = 30_000
const STOP_MS = 8_000

const log = pino({ base: { room: 'babel' }, level: process.env.HEURIST_LOG ?? 'info' })

function fail(cause: unknown): never {
  log.error({ event: 'babel.failed', error: asHeuristError(cause).toJSON(), stack: (cause as Error).stack })
  process.exit(1)
}
process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)

// Before there is a bot to stop, a signal just ends the process.
let stop: () => Promise<void> = async () => {}
let stopping = false
function end(): void {
  if (stopping) return
  stopping = true
  stop().then(() => process.exit(0), fail)
}
process.on('SIGTERM', end)
process.on('SIGINT', end)
process.on('disconnect', end)

async function start(config: BabelConfig): Promise<void> {
  const token = tokenOf(config)
  const network = await networkOf(config.routerUrl)
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

  stop = async () => {
    await Promise.all([status.close(), bot.stop(STOP_MS)])
    await client.close()
    settings.close()
    work.end()
  }

  await bot.start()
  const url = await status.listen({ host: config.host, port: config.port })
  log.info({ event: 'ready', url, payer, frontend, servers: bot.servers() })
  process.send?.({ event: 'ready', url })
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

/** Waits for a router that is still starting. */
async function networkOf(routerUrl: string): Promise<Network> {
  const until = Date.now() + START_MS
  for (;;) {
    try {
      return await fetchNetwork(routerUrl)
    } catch (cause) {
      if (asHeuristError(cause).kind !== 'later' || Date.now() > until) throw cause
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
}

const path = process.argv[2]
if (path === undefined) fail(new Error('usage: main.ts <config.json>'))
await start(parseWire(configSchema, JSON.parse(await readFile(path, 'utf8')), 'config.invalid'))
