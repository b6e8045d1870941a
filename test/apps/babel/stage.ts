import { join } from 'node:path'
import { type Address, type Hex, zeroHash } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { computeLedgerAbi, registryAbi, testDollarAbi } from '../../../sdk/chain/abi.ts'
import { saveKey } from '../../../sdk/chain/keys.ts'
import { usd } from '../../../sdk/index.ts'
import { ROLE } from '../../../sdk/protocol/messages.ts'
import { freePort, type Market, openMarket } from '../../market.ts'
import { openNetwork, type TestNetwork } from '../../network.ts'
import { type DiscordTerms, openDiscord, type TestDiscord } from './discord.ts'
import type { Command } from './interactions.ts'
import type { Said } from './messages.ts'
import { openSlowWay, type SlowWay } from './slow.ts'

/** The bot as its own process, on a whole network, before a Discord of the test's. */
export interface Stage {
  market: Market
  network: TestNetwork
  discord: TestDiscord
  way: SlowWay
  frontend: number
  payout: Address
  payer: Address
  /** Once the servers of the test exist: the bot learns of them when it logs in. */
  start(): Promise<void>
  /** Where the bot says what it earned. */
  statusUrl(): string
  /** SIGKILL, and the same bot again. */
  kill(): Promise<void>
  /** Base units that the bot's account was charged, as the router knows. */
  charged(): Promise<bigint>
  /** What is settled of the frontend's calls, on chain, base units. */
  gross(): Promise<bigint>
  /** What the frontend's share of it comes to. */
  claimable(): Promise<bigint>
  /** Anyone may claim. @returns what the payout holds then. */
  claim(): Promise<bigint>
  close(): Promise<void>
}

/** Many at once are what these tests are about: nothing is refused that a test does not ask to be refused. */
export const ROOMY = {
  userPerMinute: 10_000,
  guildPerMinute: 10_000,
  userPerDay: '5.00',
  guildPerDay: '5.00',
  perDay: '5.00',
}

export async function openStage(config: object = {}, terms: DiscordTerms = {}): Promise<Stage> {
  const market = await openMarket()
  const network = await openNetwork(market, 1, ['translate'])
  const discord = await openDiscord(terms)
  const way = await openSlowWay(network.routerUrl)
  const [owner, payout] = [
    (await market.payer(0n)).account,
    privateKeyToAccount(generatePrivateKey()).address,
  ]
  const { key, account } = await market.payer(usd('3.00'))
  const registry = { address: market.addresses.registry, abi: registryAbi } as const
  await market.deployer.send(
    { ...registry, functionName: 'registerFrontend', args: [payout, zeroHash] },
    owner,
  )
  const read = market.deployer.client.readContract
  const frontend = await read({ ...registry, functionName: 'countOf', args: [ROLE.frontend] })
  const port = await freePort()

  const part = {
    name: 'babel',
    entry: 'apps/babel/main.ts',
    config: {
      port,
      dataDir: join(market.home, 'babel'),
      routerUrl: way.url,
      rpcUrl: market.chain.rpcUrl,
      keyFile: keyAt(join(market.home, 'keys', 'babel.key'), key),
      frontend,
      token: discord.token,
      discordUrl: discord.url,
      limits: ROOMY,
      ...config,
    },
  }
  const ledger = { address: market.addresses.ledger, abi: computeLedgerAbi } as const
  const payee = [market.router.address, ROLE.frontend, frontend] as const
  const payees = [market.router.address, ROLE.frontend, [frontend]] as const
  return {
    ...{ market, network, discord, way, frontend, payout, payer: account.address },
    statusUrl: () => `http://127.0.0.1:${port}`,
    async kill() {
      await network.kill('babel', 200)
    },
    async charged() {
      const answer = await fetch(`${network.routerUrl}/v1/accounts/${account.address}`)
      return BigInt(((await answer.json()) as { charged: string }).charged)
    },
    gross: () => read({ ...ledger, functionName: 'grossOf', args: payee }),
    claimable: () => read({ ...ledger, functionName: 'claimable', args: payee }),
    async claim() {
      await market.deployer.send({ ...ledger, functionName: 'claim', args: payees }, owner)
      const asset = { address: market.addresses.asset, abi: testDollarAbi } as const
      return read({ ...asset, functionName: 'balanceOf', args: [payout] })
    },
    async start() {
      await network.start(part).catch((cause: Error & { fix?: string }) => {
        throw new Error(`${cause.message}\n${cause.fix}`)
      })
    },
    async close() {
      await network.stop()
      await way.close()
      await discord.close()
      await market.close()
    },
  }
}

function keyAt(path: string, key: Hex): string {
  saveKey(path, key)
  return path
}

/** Waits for something that the bot does by itself. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  seconds = 120,
): Promise<T> {
  const end = Date.now() + seconds * 1_000
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (Date.now() > end) throw new Error(`waited ${seconds} s for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const STILL = 'Still translating'

/** What a command was answered with, once it is the last word. */
export const answerTo = (command: Command, seconds?: number): Promise<Said> =>
  until(
    'an answer',
    () => {
      const { original, edits } = command
      return edits > 0 && original !== undefined && !original.content.startsWith(STILL) && original
    },
    seconds,
  )

export const jump = ({ guild, channel, id }: Pick<Said, 'guild' | 'channel' | 'id'>): string =>
  `https://discord.com/channels/${guild}/${channel}/${id}`

/** The message links of a text. */
export const jumpsIn = (text: string): string[] => text.match(/https:\/\/discord\.com\/channels\/\S+/g) ?? []
