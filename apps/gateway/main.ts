import { join } from 'node:path'
import type { Address } from 'viem'
import { verifyMessage } from 'viem/actions'
import { type Chain, openChain } from '../../sdk/chain/clients.ts'
import { loadKey } from '../../sdk/chain/keys.ts'
import { isLocalChain } from '../../sdk/chain/local-chains.ts'
import { rpcFetch } from '../../sdk/chain/rpc-fetch.ts'
import { createClient, type Network } from '../../sdk/index.ts'
import { fileJournal } from '../../sdk/journal-file.ts'
import { native } from '../../sdk/native.ts'
import { nodeHttp } from '../../sdk/node-http.ts'
import { awaitNetwork, type Life, type Ready, runProgram } from '../../sdk/program.ts'
import type { Depositing } from './account/routes.ts'
import { openAccounts } from './accounts.ts'
import { createCatalog } from './catalog.ts'
import { configSchema, type GatewayConfig } from './config.ts'
import { createPayer } from './payer.ts'
import { openPictures } from './pictures.ts'
import { createGateway } from './server.ts'
import { openSponsor } from './sponsor/sponsor.ts'
import { meter } from './till/metered.ts'
import { openX402 } from './x402/open.ts'

/**
 * `node --import tsx apps/gateway/main.ts <config.json>`: the OpenAI door. Announces `{ event: 'ready', url, apiKey? }`;
 * the key is there whenever it may be shown. A keystore's password comes from HEURIST_PASSWORD.
 */

/** How long a router that is starting too is waited for, and calls in flight at the end. */
const START_MS = 30_000
const STOP_MS = 8_000
const SWEEP_MS = 10 * 60_000

async function start(config: GatewayConfig, { log, stopWith }: Life): Promise<Ready> {
  const network = await awaitNetwork(config.routerUrl, { log, patienceMs: START_MS })
  const { account, client } = accountOf(config, network)
  const chain = openChain({
    chainId: network.chainId,
    rpcUrl: config.rpcUrl ?? network.rpcUrl,
    fetchFn: rpcFetch(nodeHttp()),
  })
  // Opens the journal and resolves what an earlier process left open; the first caller does not wait for it.
  const { available } = await client.balance()
  const accounts = await openAccounts(config.dataDir, isLocalChain(network.chainId), log)
  const catalog = createCatalog(config.routerUrl, Date.now, config.aliases)
  const metered = meter(client, { catalog, till: accounts.till })
  metered.resume()
  accounts.webhooks.resume()
  const pictures = openPictures(join(config.dataDir, 'pictures'))
  await pictures.sweep()
  const sweeping = setInterval(() => void pictures.sweep(), SWEEP_MS)
  const leaving = new AbortController()
  const x402 = config.x402 && (await openX402(config.x402, { chain, network, account, accounts, log }))
  const app = createGateway({
    keys: accounts,
    catalog,
    payer: createPayer(metered),
    pictures,
    publicUrl: config.publicUrl,
    depositing: depositingOf(config, network, chain, account.address),
    operator: {
      frontend: config.frontend,
      ...(config.operatorKeySha256 === undefined ? {} : { keySha256: config.operatorKeySha256 }),
    },
    trustedProxies: config.trustedProxies,
    ...(config.sponsor === undefined ? {} : { sponsor: openSponsor(accounts, config.sponsor) }),
    ...(x402 === undefined ? {} : { x402 }),
    stopping: leaving.signal,
    log,
  })

  stopWith(async () => {
    clearInterval(sweeping)
    const patience = setTimeout(() => leaving.abort(new Error('the gateway stops')), STOP_MS)
    await app.close()
    clearTimeout(patience)
    metered.stop()
    x402?.settler.stop()
    await client.close()
    await accounts.close()
  })

  const url = await app.listen({ host: config.host, port: config.port })
  if (process.send === undefined && accounts.shown !== undefined)
    process.stderr.write(`API key: ${accounts.shown}\n`)
  return {
    url,
    ...(accounts.shown === undefined ? {} : { told: { apiKey: accounts.shown } }),
    logged: { payer: account.address, available: available.toString(), frontend: config.frontend },
  }
}

/** Accounts pay into the credit of the gateway's own key. */
function depositingOf(config: GatewayConfig, network: Network, chain: Chain, key: Address): Depositing {
  const { chainId, addresses, router } = network
  return {
    chain,
    ledger: addresses.ledger,
    asset: addresses.asset,
    router: router.address,
    key,
    confirmations: config.depositConfirmations ?? (isLocalChain(chainId) ? 0 : 12),
    verify: (message, address, signature) => verifyMessage(chain.client, { message, address, signature }),
  }
}

function accountOf(config: GatewayConfig, network: Network) {
  const account = loadKey(config.keyFile, process.env.HEURIST_PASSWORD)
  const client = createClient({
    routerUrl: config.routerUrl,
    key: account.privateKey,
    frontend: config.frontend,
    journal: fileJournal(join(config.dataDir, 'journal')),
    fast: native,
    http: nodeHttp(),
    ...(config.rpcUrl === undefined
      ? {}
      : { chain: { rpcUrl: config.rpcUrl, chainId: network.chainId, ledger: network.addresses.ledger } }),
  })
  return { account, client }
}

await runProgram('gateway', configSchema, start)
