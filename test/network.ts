import { join } from 'node:path'
import type { PrivateKeyAccount } from 'viem/accounts'
import { createSupervisor, type Part, type Running } from '../cli/up/processes.ts'
import { saveKey } from '../sdk/chain/keys.ts'
import { LOCAL_KEY, localKey } from '../sdk/chain/local.ts'
import { type Client, createClient } from '../sdk/index.ts'
import { fileJournal } from '../sdk/journal-file.ts'
import { freePort, type Market, PODS, passed, type WhileDown } from './market.ts'

/** Router, workers and gateway as processes of their own on a market, as `heurist up` starts them. */
export interface TestNetwork {
  readonly routerUrl: string
  readonly gatewayUrl: string
  readonly apiKey: string
  readonly nodes: number[]
  /** Of the nodes, in their order. */
  readonly owners: PrivateKeyAccount[]
  /** SIGKILL now, and the same process again. */
  kill(name: string, whileDown: WhileDown): Promise<void>
  pid(name: string): number
  /** One more process on this market. */
  start(part: Part): Promise<Running>
  /** A client with its journal on disk: the same key again continues it. */
  client(key: `0x${string}`): Client
  stop(): Promise<void>
}

/**
 * @param more     Pods that the workers serve beside chat and image.
 * @param podsDir  Where the pods of this market lie.
 */
export async function openNetwork(
  market: Market,
  workers: number,
  more: readonly string[] = [],
  podsDir: string = PODS,
): Promise<TestNetwork> {
  const { home, addresses, chain, domain, seeded } = market
  const supervisor = createSupervisor(home)
  const [routerPort, gatewayPort] = [await freePort(), await freePort()]
  const routerUrl = `http://127.0.0.1:${routerPort}`
  const running = new Map<string, { part: Part; process: Running }>()

  async function start(part: Part): Promise<Running> {
    const process = await supervisor.start(part)
    running.set(part.name, { part, process })
    return process
  }
  const found = (name: string) => {
    const entry = running.get(name)
    if (!entry) throw new Error(`no process ${name}`)
    return entry
  }

  const keyFile = (name: string, key: `0x${string}`): string =>
    saveKeyAt(join(home, 'keys', `${name}.key`), key)
  await start({
    name: 'router',
    entry: 'keepers/router/main.ts',
    config: {
      host: '127.0.0.1',
      port: routerPort,
      dataDir: join(home, 'router'),
      rpcUrl: chain.rpcUrl,
      chainId: domain.chainId,
      addresses: {
        accessManager: addresses.authority,
        heu: addresses.heu,
        asset: addresses.asset,
        registry: addresses.registry,
        ledger: addresses.ledger,
      },
      keyFile: keyFile('router', market.router.key),
      podsDir,
      settle: { maxAgeMs: 500 },
      limits: { leaseMs: 6_000, heartbeatMs: 1_000 },
    },
  })
  const nodes = []
  const owners = []
  for (let index = 1; index <= workers; index += 1) {
    const { id, owner, signerKey } = await market.node()
    nodes.push(id)
    owners.push(owner)
    await start({
      name: `worker-${index}`,
      entry: 'worker/main.ts',
      config: {
        routerUrl,
        node: id,
        signerKeyFile: keyFile(`signer-${index}`, signerKey),
        podsDir,
        dataDir: join(home, `worker-${index}`),
        rpcUrl: chain.rpcUrl,
        coverLookMs: 1_000,
        slots: [
          { pod: 'chat', warm: true },
          ...(market.seeded.pods.image === undefined ? [] : [{ pod: 'image', warm: true }]),
          ...more.map((pod) => ({ pod, warm: true })),
        ],
      },
    })
  }
  const gateway = await start({
    name: 'gateway',
    entry: 'apps/gateway/main.ts',
    config: {
      host: '127.0.0.1',
      port: gatewayPort,
      dataDir: join(home, 'gateway'),
      routerUrl,
      rpcUrl: chain.rpcUrl,
      keyFile: keyFile('gateway', localKey(LOCAL_KEY.frontend)),
      frontend: seeded.frontend,
    },
  })

  return {
    routerUrl,
    gatewayUrl: `http://127.0.0.1:${gatewayPort}`,
    apiKey: gateway.ready.apiKey ?? '',
    nodes,
    owners,
    start,
    pid: (name) => found(name).process.process.pid ?? 0,
    async kill(name, whileDown) {
      const { part, process } = found(name)
      const gone = new Promise((resolve) => process.process.once('exit', resolve))
      process.process.kill('SIGKILL')
      await gone
      try {
        await passed(whileDown)
      } finally {
        await start(part)
      }
    },
    client: (key) =>
      createClient({
        routerUrl,
        key,
        chain: { rpcUrl: chain.rpcUrl, chainId: domain.chainId, ledger: addresses.ledger },
        frontend: seeded.frontend,
        journal: fileJournal(join(home, 'journal')),
      }),
    stop: () => supervisor.stop(),
  }
}

function saveKeyAt(path: string, key: `0x${string}`): string {
  saveKey(path, key)
  return path
}
