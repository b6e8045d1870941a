import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LOCAL_CHAIN_ID, type LocalChain, startChain } from '../../deploy/chain.ts'
import { deploy } from '../../deploy/deploy.ts'
import type { Deployer } from '../../deploy/deployer.ts'
import { localAccount, type Seeded, seedBabel, seedDoors, seedLocal, seedSearch } from '../../deploy/local.ts'
import { params } from '../../deploy/params.ts'
import { readRecord } from '../../deploy/record.ts'
import { saveKey } from '../../sdk/chain/keys.ts'
import { LOCAL_KEY, localKey } from '../../sdk/chain/local.ts'
import type { Network } from '../../sdk/chain/network.ts'
import { refused } from '../../sdk/errors.ts'
import { joinNetwork } from '../../worker/identity.ts'
import { networkFile, PODS_DIR, type Ports } from '../home.ts'
import type { Part } from './processes.ts'

/** What `up` has started or knows of the local network, piece by piece. */
export interface LocalNetwork {
  home: string
  ports: Ports
  chain: LocalChain
  deployer: Deployer
  seeded: Seeded
  /** The frontend of every door of the web. */
  doors: Record<'portal' | 'pondera' | 'imagine' | 'search', number>
  network: Network
}

/** The chain, with the contracts on it and everybody's money. */
export async function raiseChain(
  home: string,
  ports: Ports,
  onStep: (step: string) => void,
): Promise<LocalNetwork> {
  const stateFile = join(home, 'chain.json')
  const recordFile = join(home, 'deployments', '31337.json')
  // A record without its chain, or the other way round, is of no use.
  if (!existsSync(stateFile) || isOutgrown(recordFile)) forget(home)
  const chain = await startChain({ port: ports.chain, stateFile, logFile: join(home, 'chain.log') })
  const deployer = await deploy(
    { rpcUrl: chain.rpcUrl, account: localAccount('deployer'), recordFile },
    (step) => onStep(`contracts: ${step}`),
  )
  onStep('pods, frontend and credits')
  const seeded = await seedLocal(deployer, PODS_DIR)
  const [doors] = await Promise.all([
    seedDoors(deployer, ['portal', 'pondera', 'imagine', 'search']),
    seedSearch(deployer, localAccount('router').address, chain.rpcUrl),
  ])
  const network = describe(deployer, chain.rpcUrl, ports)
  writeFileSync(networkFile(home), `${JSON.stringify(network, undefined, 2)}\n`)
  return { home, ports, chain, deployer, seeded, doors, network }
}

/** A deployment of an earlier release, without an economy: its ledger cannot be given one, and nothing here is of value. */
function isOutgrown(recordFile: string): boolean {
  const { addresses } = readRecord(recordFile, LOCAL_CHAIN_ID)
  return addresses.ledger !== undefined && addresses.emission === undefined
}

/** What was built on a chain that is gone: the next start begins afresh. Keys of nodes stay. */
export function forget(home: string): void {
  for (const name of [
    'chain.json',
    'deployments',
    'router',
    'gateway',
    // What Discord's servers have set has nothing to do with the chain.
    'babel/journal',
    'keeper',
    'web',
    'journal',
    'network.json',
  ]) {
    rmSync(join(home, name), { recursive: true, force: true })
  }
}

function describe(deployer: Deployer, rpcUrl: string, ports: Ports): Network {
  const url = (port: number) => `http://127.0.0.1:${port}`
  const lower = (name: Parameters<Deployer['addressOf']>[0]) =>
    deployer.addressOf(name).toLowerCase() as `0x${string}`
  return {
    chainId: deployer.chainId,
    rpcUrl,
    addresses: {
      accessManager: lower('authority'),
      heu: lower('heu'),
      asset: lower('asset'),
      registry: lower('registry'),
      ledger: lower('ledger'),
    },
    split: {
      node: params.nodeBps.value,
      pod: params.podBps.value,
      frontend: params.frontendBps.value,
      voters: params.voterBps.value,
    },
    podVoters: true,
    router: {
      address: localAccount('router').address.toLowerCase() as `0x${string}`,
      url: url(ports.router),
    },
    gateway: { url: url(ports.gateway) },
    web: { url: url(ports.web) },
  }
}

/** A file with a key of the public local mnemonic, for the process that plays that part. */
function keyFile(
  home: string,
  part: 'router' | 'frontend' | 'keeper' | 'babel' | 'faucet' | 'search',
): string {
  const path = join(home, 'keys', `${part}.key`)
  if (!existsSync(path)) saveKey(path, localKey(LOCAL_KEY[part]))
  return path
}

export const routerPart = ({ home, ports, network }: LocalNetwork): Part => ({
  name: 'router',
  entry: 'keepers/router/main.ts',
  config: {
    host: '127.0.0.1',
    port: ports.router,
    dataDir: join(home, 'router'),
    rpcUrl: network.rpcUrl,
    chainId: network.chainId,
    addresses: network.addresses,
    keyFile: keyFile(home, 'router'),
    podsDir: PODS_DIR,
    settle: {
      maxAgeMs: params.localSettleMaxAge.value * 1000,
      maxLeaves: params.settleMaxLeaves.value,
    },
  },
})

/** Makes sure that node number `index` of this home is registered, and says how its worker starts. */
export async function workerPart({ home, network }: LocalNetwork, index: number): Promise<Part> {
  const dataDir = join(home, 'nodes', String(index))
  const identity = await joinNetwork({ network, home: dataDir })
  return {
    name: `worker-${index}`,
    entry: 'worker/main.ts',
    config: {
      routerUrl: network.router.url,
      node: identity.node,
      signerKeyFile: identity.signerKeyFile,
      podsDir: PODS_DIR,
      dataDir,
      rpcUrl: network.rpcUrl,
      // One node of each kind is loaded from the start; the others load when work comes.
      slots: [
        { pod: 'chat', warm: index === 1 },
        { pod: 'image', warm: index === 2 },
        { pod: 'embed', warm: false },
        { pod: 'translate', warm: false },
      ],
    },
  }
}

export const gatewayPart = ({ home, ports, network, seeded }: LocalNetwork): Part => ({
  name: 'gateway',
  entry: 'apps/gateway/main.ts',
  config: {
    host: '127.0.0.1',
    port: ports.gateway,
    dataDir: join(home, 'gateway'),
    routerUrl: network.router.url,
    rpcUrl: network.rpcUrl,
    keyFile: keyFile(home, 'frontend'),
    frontend: seeded.frontend,
    // Paid to, and settled by, the gateway's own account, which has gas on a local chain.
    x402: {},
  },
})

/** Turns the epochs of the local chain, probes staked nodes now and then, and buys the fees at the price of the day. */
export const keeperPart = ({ home, ports, network }: LocalNetwork): Part => ({
  name: 'keeper',
  entry: 'keepers/epoch/main.ts',
  config: {
    rpcUrl: network.rpcUrl,
    chainId: network.chainId,
    ledger: network.addresses.ledger,
    keyFile: keyFile(home, 'keeper'),
    routers: [network.router],
    dataDir: join(home, 'keeper'),
    port: ports.keeper,
    pollMs: params.localKeeperPoll.value * 1000,
    probe: {
      payers: [keyFile(home, 'keeper')],
      pods: [
        { name: 'chat', kind: 'chat' },
        { name: 'image', kind: 'image' },
      ],
    },
    buy: { mostPrice: params.burnerPrice.value.toString() },
  },
})

/**
 * The Discord bot, a frontend of its own. `<home>/babel.json` holds what its operator sets: token, operators, models, limits.
 *
 * @returns undefined while there is no token.
 * @throws `config.invalid` (refused) if the file is no JSON.
 */
export async function babelPart({ home, ports, network, deployer }: LocalNetwork): Promise<Part | undefined> {
  const own = ownConfig(join(home, 'babel.json'))
  if ((process.env.HEURIST_DISCORD_TOKEN ?? own.token ?? '') === '') return undefined
  const frontend = await seedBabel(deployer, network.router.address, network.rpcUrl)
  return {
    name: 'babel',
    entry: 'apps/babel/main.ts',
    config: {
      host: '127.0.0.1',
      port: ports.babel,
      dataDir: join(home, 'babel'),
      routerUrl: network.router.url,
      rpcUrl: network.rpcUrl,
      keyFile: keyFile(home, 'babel'),
      frontend,
      ...own,
    },
  }
}

/** What the operator set in a file of the home; nothing if there is none. */
function ownConfig(file: string): { token?: string } {
  if (!existsSync(file)) return {}
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { token?: string }
  } catch (cause) {
    throw refused('config.invalid', `${file} is not JSON`, { cause })
  }
}

/** `<home>/search.json` holds what the operator sets of the search door: web searches, the weight of vectors. */
export const webPart = ({ home, ports, network, doors }: LocalNetwork): Part => ({
  name: 'web',
  entry: 'apps/web/serve.ts',
  config: {
    host: '127.0.0.1',
    port: ports.web,
    routerUrl: network.router.url,
    gatewayUrl: network.gateway?.url,
    rpcUrl: network.rpcUrl,
    chainId: network.chainId,
    ledger: network.addresses.ledger,
    dataDir: join(home, 'web'),
    doors: {
      portal: { frontend: doors.portal },
      pondera: { frontend: doors.pondera },
      imagine: { frontend: doors.imagine },
      search: { frontend: doors.search },
    },
    search: { keyFile: keyFile(home, 'search'), ...ownConfig(join(home, 'search.json')) },
    // On a local chain gas is given to whoever asks.
    relay: { keyFile: keyFile(home, 'faucet') },
  },
})
