import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DOORS, type Door } from '../../apps/web/src/network/config.ts'
import { seedDoors, seedSearch } from '../../deploy/local.ts'
import { testDollarAbi } from '../../sdk/chain/abi.ts'
import { saveKey } from '../../sdk/chain/keys.ts'
import { LOCAL_KEY, localKey } from '../../sdk/chain/local.ts'
import { freePort, type Market, openMarket, PODS } from '../market.ts'
import { openNetwork, type TestNetwork } from '../network.ts'

/** A market with its network and the web's doors on it; two chat pods, so that one can be switched for the other. */
export interface Stage {
  market: Market
  network: TestNetwork
  /** Where the doors are. */
  url: string
  /** The frontend of pondera. */
  frontend: number
  /** The frontends of all doors. */
  frontends: Record<Door, number>
  /** A wallet's money: gas, and dollars of the payment asset. */
  purse(dollars: bigint): ReturnType<Market['payer']>
  close(): Promise<void>
}

export interface StageOptions {
  relay: boolean
  /** Those of the market beside the twin of chat, each served by its one node; default: those that pondera uses. */
  pods?: readonly string[]
  /** Two image pods too, of which one takes less. */
  pictures?: boolean
  /** A chat pod too whose manifest lets it read enough to answer from sources. */
  wide?: boolean
}

export async function openStage(options: StageOptions): Promise<Stage> {
  const { relay, pictures = false, wide = false } = options
  const names = new Set([...(options.pods ?? ['chat', 'embed']), ...(pictures ? ['image'] : [])])
  const pods = mkdtempSync(join(tmpdir(), 'heurist-pods-'))
  for (const name of names) cpSync(join(PODS, name), join(pods, name), { recursive: true })
  twinPod(pods, 'chat', 'twin', ['minimum: 10', 'minimum: 20'])
  if (pictures) twinPod(pods, 'image', 'twin', ...SKETCHY)
  // Its model does not keep what this manifest promises: it refuses, or rambles.
  if (wide) twinPod(pods, 'chat', 'wide', ['inputUnits: 512', 'inputUnits: 2048'])
  const market = await openMarket(pods)
  const frontends = await seedDoors(market.deployer, DOORS)
  // The network serves chat and image by itself.
  const more = [...names].filter((name) => name !== 'chat' && name !== 'image')
  const twins = ['chat-twin', ...(pictures ? ['image-twin'] : []), ...(wide ? ['chat-wide'] : [])]
  const network = await openNetwork(market, 1, [...twins, ...more], pods)
  const doors = await openDoors(market, network, { frontends, relay })
  return {
    ...doors,
    async close() {
      await network.stop()
      await market.close()
      rmSync(pods, { recursive: true, force: true })
    },
  }
}

/** The page's server with all its doors on a network that runs. */
export async function openDoors(
  market: Market,
  network: TestNetwork,
  { frontends, relay }: { frontends: Record<Door, number>; relay: boolean },
): Promise<Omit<Stage, 'close'>> {
  await seedSearch(market.deployer, market.router.address, market.chain.rpcUrl)
  const port = await freePort()
  const keyFile = join(market.home, 'keys', 'relay.key')
  saveKey(keyFile, (await market.payer(0n)).key)
  const searchKey = join(market.home, 'keys', 'search.key')
  saveKey(searchKey, localKey(LOCAL_KEY.search))
  await network.start({
    name: 'web',
    entry: 'apps/web/serve.ts',
    config: {
      port,
      routerUrl: network.routerUrl,
      gatewayUrl: network.gatewayUrl,
      rpcUrl: market.chain.rpcUrl,
      chainId: market.domain.chainId,
      ledger: market.addresses.ledger,
      dataDir: join(market.home, 'web'),
      doors: Object.fromEntries(DOORS.map((door) => [door, { frontend: frontends[door] }])),
      search: { keyFile: searchKey },
      ...(relay ? { relay: { keyFile } } : {}),
    },
  })
  return {
    market,
    network,
    url: `http://127.0.0.1:${port}`,
    frontend: frontends.pondera,
    frontends,
    async purse(dollars) {
      const payer = await market.payer(0n)
      const asset = { address: market.addresses.asset, abi: testDollarAbi } as const
      const args = [payer.account.address, dollars] as const
      await market.deployer.send({ ...asset, functionName: 'faucet', args }, payer.account)
      return payer
    },
  }
}

/** How the second image pod differs: fewer steps, two sizes, another price, a negative prompt. */
const SKETCHY: [string, string][] = [
  ['outputUnits: 50', 'outputUnits: 10'],
  ['steps: 12, guidance: 2, size: 256x256', "steps: 4, guidance: 2, size: 64x64, negative_prompt: ''"],
  ['size: [ 32x32, 64x64, 128x128, 256x256, 512x512, 1024x1024 ]', 'size: [ 32x32, 64x64 ]'],
  ['output: 100, minimum: 500', 'output: 300, minimum: 100'],
]

/** A pod under another name, with these lines of its manifest changed. */
function twinPod(pods: string, name: string, other: string, ...changes: [string, string][]): void {
  const folder = join(pods, `${name}-${other}`)
  mkdirSync(folder)
  cpSync(join(PODS, name), folder, { recursive: true })
  const file = join(folder, 'pod.yaml')
  let text = readFileSync(file, 'utf8').replace(new RegExp(`^name: ${name}$`, 'm'), `name: ${name}-${other}`)
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`${name}: no ${from}`)
    text = text.replace(from, to)
  }
  writeFileSync(file, text)
}
