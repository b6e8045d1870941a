import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
  /** The frontend of every door. */
  frontends: Record<'portal' | 'pondera' | 'search', number>
  /** A wallet's money: gas, and dollars of the payment asset. */
  purse(dollars: bigint): ReturnType<Market['payer']>
  close(): Promise<void>
}

/** @param wide  Whether there is also a chat pod whose manifest lets it read enough to answer from sources. */
export async function openStage({ relay, wide = false }: { relay: boolean; wide?: boolean }): Promise<Stage> {
  const pods = mkdtempSync(join(tmpdir(), 'heurist-pods-'))
  for (const name of ['chat', 'embed']) cpSync(join(PODS, name), join(pods, name), { recursive: true })
  twinPod(pods)
  if (wide) widePod(pods)
  const market = await openMarket(pods)
  const frontends = await seedDoors(market.deployer, ['portal', 'pondera', 'search'])
  await seedSearch(market.deployer, market.router.address, market.chain.rpcUrl)
  const served = ['chat-twin', 'embed', ...(wide ? ['chat-wide'] : [])]
  const network = await openNetwork(market, 1, served, pods)
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
      doors: Object.fromEntries(Object.entries(frontends).map(([door, frontend]) => [door, { frontend }])),
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
    async close() {
      await network.stop()
      await market.close()
      rmSync(pods, { recursive: true, force: true })
    },
  }
}

/** The chat pod under another name, at another price. */
function twinPod(pods: string): void {
  const folder = join(pods, 'chat-twin')
  mkdirSync(folder)
  cpSync(join(PODS, 'chat'), folder, { recursive: true })
  const file = join(folder, 'pod.yaml')
  const text = readFileSync(file, 'utf8').replace(/^name: chat$/m, 'name: chat-twin')
  writeFileSync(file, text.replace('minimum: 10', 'minimum: 20'))
}

/** The chat pod with a manifest that promises to read four times as much. Its model does not: it refuses, or rambles. */
function widePod(pods: string): void {
  const folder = join(pods, 'chat-wide')
  mkdirSync(folder)
  cpSync(join(PODS, 'chat'), folder, { recursive: true })
  const file = join(folder, 'pod.yaml')
  const text = readFileSync(file, 'utf8').replace(/^name: chat$/m, 'name: chat-wide')
  writeFileSync(file, text.replace('inputUnits: 512', 'inputUnits: 2048'))
}
