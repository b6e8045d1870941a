import { join } from 'node:path'
import { authorizationTypes, ExactEvmScheme } from '@x402/evm'
import { wrapFetchWithPayment, x402Client, x402HTTPClient } from '@x402/fetch'
import { pino } from 'pino'
import { type Address, erc20Abi, type Hex, parseSignature } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import type { Accounts } from '../../apps/gateway/accounts.ts'
import type { GatewayDeps } from '../../apps/gateway/server.ts'
import { assemble, type X402 } from '../../apps/gateway/x402/open.ts'
import { x402Schema } from '../../apps/gateway/x402/terms.ts'
import { testDollarAbi } from '../../sdk/chain/abi.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { LOCAL_KEY, localKey } from '../../sdk/chain/local.ts'
import { freePort, type Market } from '../market.ts'
import type { TestNetwork } from '../network.ts'
import { type MeteredDoor, openMeteredDoor } from './metered-door.ts'

/** Where gateways of these tests are paid: the account of the local frontend. */
export const PAY_TO = privateKeyToAccount(localKey(LOCAL_KEY.frontend)).address

/** A gateway that takes payments, beside the market's own. @returns its URL, without `/v1`. */
export async function openPaidDoor(
  market: Market,
  network: TestNetwork,
  name: string,
  more: object = {},
  x402: object = {},
): Promise<string> {
  const port = await freePort()
  await network.start({
    name,
    entry: 'apps/gateway/main.ts',
    config: {
      host: '127.0.0.1',
      port,
      dataDir: join(market.home, name),
      routerUrl: network.routerUrl,
      rpcUrl: market.chain.rpcUrl,
      keyFile: join(market.home, 'keys', 'gateway.key'),
      frontend: market.seeded.frontend,
      x402,
      ...more,
    },
  })
  return `http://127.0.0.1:${port}`
}

/** A wallet that has dollars and nothing else: no gas, no key, no account. */
export async function openWallet(market: Market, dollars: bigint) {
  const account = privateKeyToAccount(generatePrivateKey())
  const asset = { address: market.addresses.asset, abi: testDollarAbi } as const
  await market.deployer.send({ ...asset, functionName: 'faucet', args: [account.address, dollars] })
  return account
}
export type Wallet = Awaited<ReturnType<typeof openWallet>>

/** Base units of the payment asset. */
export const balanceOf = (market: Market, owner: Address): Promise<bigint> =>
  market.deployer.client.readContract({
    address: market.addresses.asset,
    abi: erc20Abi,
    functionName: 'balanceOf',
    args: [owner],
  })

/** Moves dollars out of a wallet; it gets the gas for it. */
export async function moveAway(market: Market, wallet: Wallet, amount: bigint): Promise<void> {
  await market.gas(wallet.address)
  const asset = { address: market.addresses.asset, abi: testDollarAbi } as const
  await market.deployer.send({ ...asset, functionName: 'transfer', args: [PAY_TO, amount] }, wallet)
}

/** The stock client of a wallet, with the one line that allows this token. */
export const clientOf = (market: Market, wallet: Wallet): x402Client =>
  x402Client.fromConfig({
    schemes: [{ network: `eip155:${market.domain.chainId}`, client: new ExactEvmScheme(wallet) }],
    spendControls: { allowedAssets: true },
  })

export const payingFetch = (market: Market, wallet: Wallet) =>
  wrapFetchWithPayment(fetch, clientOf(market, wallet))

/** One request, with what its client would sign for it and nothing sent yet. */
export async function signedFor(client: x402Client, url: string, body: object): Promise<string> {
  const http = new x402HTTPClient(client)
  const answer = await post(url, body)
  const required = http.getPaymentRequiredResponse((name) => answer.headers.get(name), await answer.json())
  const payload = await http.createPaymentPayload(required)
  return http.encodePaymentSignatureHeader(payload)['PAYMENT-SIGNATURE'] ?? ''
}

export const post = (url: string, body: object, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

/** A payment as JSON, and back. */
export const opened = (header: string): Opened => JSON.parse(Buffer.from(header, 'base64').toString())
export const closed = (payment: unknown): string => Buffer.from(JSON.stringify(payment)).toString('base64')

export interface Opened {
  x402Version: number
  accepted: Record<string, unknown> & { amount: string }
  payload: { signature: Hex; authorization: Record<string, string> }
  extensions?: Record<string, unknown>
}

/** A door with its own books and its own gas before the market's chain, and a network that answers as a test says. */
export async function openMeteredPaidDoor(
  market: Market,
  config: object,
  more: (accounts: Accounts) => Partial<GatewayDeps> = () => ({}),
): Promise<{ door: MeteredDoor; x402: X402 }> {
  const { chain, domain, addresses } = market
  const privateKey = generatePrivateKey()
  const account = { privateKey, address: privateKeyToAccount(privateKey).address }
  await market.gas(account.address)
  const asset = addresses.asset.toLowerCase() as Address
  const network = {
    chainId: domain.chainId,
    addresses: { ...addresses, accessManager: addresses.authority, asset },
  }
  let x402: X402 | undefined
  const door = await openMeteredDoor((accounts) => {
    x402 = assemble(x402Schema.parse(config), TOKEN, {
      chain: openChain({ chainId: domain.chainId, rpcUrl: chain.rpcUrl }),
      network,
      account,
      accounts,
      log: pino({ level: 'silent' }),
    })
    return { x402, ...more(accounts) }
  }, true)
  if (x402 === undefined) throw new Error('no payments were opened')
  return { door, x402 }
}

/** Of the test dollar's EIP-712 domain. */
const TOKEN = { name: 'Test Dollar', version: '1' }

const domainOf = ({ domain, addresses }: Market) => ({
  ...TOKEN,
  chainId: domain.chainId,
  verifyingContract: addresses.asset,
})

/** An EIP-3009 authorisation with these fields, signed by this wallet. */
export async function signTransfer(market: Market, wallet: Wallet, fields: Record<string, string>) {
  const authorization = fields as Opened['payload']['authorization']
  const signature = await wallet.signTypedData({
    domain: domainOf(market),
    types: authorizationTypes,
    primaryType: 'TransferWithAuthorization',
    message: authorization as never,
  })
  return { signature, authorization }
}

/** Takes an authorisation back, as its payer may. */
export async function cancel(market: Market, wallet: Wallet, { payload }: Opened): Promise<void> {
  const nonce = payload.authorization.nonce as Hex
  const signature = await wallet.signTypedData({
    domain: domainOf(market),
    types: {
      CancelAuthorization: [
        { name: 'authorizer', type: 'address' },
        { name: 'nonce', type: 'bytes32' },
      ],
    },
    primaryType: 'CancelAuthorization',
    message: { authorizer: wallet.address, nonce },
  })
  const { r, s, yParity } = parseSignature(signature)
  const args = [wallet.address, nonce, 27 + yParity, r, s]
  const asset = { address: market.addresses.asset, abi: testDollarAbi } as const
  await market.deployer.send({ ...asset, functionName: 'cancelAuthorization', args })
}
