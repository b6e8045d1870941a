import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seedDoors } from '../../deploy/local.ts'
import { testDollarAbi } from '../../sdk/chain/abi.ts'
import { saveKey } from '../../sdk/chain/keys.ts'
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
  /** A wallet's money: gas, and dollars of the payment asset. */
  purse(dollars: bigint): ReturnType<Market['payer']>
  close(): Promise<void>
}

/** @param pods  Those of the market, each served by its one node beside the twin of chat. */
export async function openStage({
  relay,
  pods: names = ['chat', 'embed'],
}: {
  relay: boolean
  pods?: readonly string[]
}): Promise<Stage> {
  const pods = mkdtempSync(join(tmpdir(), 'heurist-pods-'))
  for (const name of names) cpSync(join(PODS, name), join(pods, name), { recursive: true })
  twinPod(pods)
  const market = await openMarket(pods)
  const { frontend, ids } = await doorsOf(market)
  const more = names.filter((name) => name !== 'chat' && name !== 'image')
  const network = await openNetwork(market, 1, ['chat-twin', ...more], pods)
  const port = await freePort()
  const keyFile = join(market.home, 'keys', 'relay.key')
  saveKey(keyFile, (await market.payer(0n)).key)
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
      doors: ids,
      ...(relay ? { relay: { keyFile } } : {}),
    },
  })
  return {
    market,
    network,
    url: `http://127.0.0.1:${port}`,
    frontend,
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

async function doorsOf({ deployer }: Market) {
  const { portal, pondera } = await seedDoors(deployer, ['portal', 'pondera'])
  return {
    frontend: pondera,
    ids: { portal: { frontend: portal }, pondera: { frontend: pondera } },
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
