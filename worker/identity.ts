import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Address,
  encodeFunctionData,
  getAddress,
  type Hex,
  keccak256,
  stringToHex,
  zeroAddress,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { registryAbi } from '../sdk/chain/abi.ts'
import { type Chain, openChain } from '../sdk/chain/clients.ts'
import { economyOf } from '../sdk/chain/economy.ts'
import { emissionCall, readChoices } from '../sdk/chain/emission.ts'
import { readClock } from '../sdk/chain/epochs.ts'
import { keySender } from '../sdk/chain/key-sender.ts'
import { createKey, loadKey, type StoredKey, saveKey } from '../sdk/chain/keys.ts'
import { LOCAL_KEY, localKey } from '../sdk/chain/local.ts'
import { isLocalChain } from '../sdk/chain/local-chains.ts'
import { fetchNetwork, type Network } from '../sdk/chain/network.ts'
import { HeuristError, refused } from '../sdk/errors.ts'

/**
 * Who a node is: an owner key, which holds the node and its money, and a signer key, which signs receipts and lives on
 * the machine that serves. Registering takes nobody's consent.
 */

export interface JoinOptions {
  /** The node's folder: keys are made and kept here. */
  home: string
  /** Of a network that is known already; else `routerUrl` is asked. */
  network?: Network
  routerUrl?: string
  /** An owner's key that exists elsewhere; else one is made in `home`. */
  ownerKey?: Hex
  /** Opens, or seals, the key files; without one they are plain text that only their owner can read. */
  password?: string
  /** Receives the node's earnings; default: the owner. */
  payout?: Address
  /** Describes the node to people; its hash is registered. */
  name?: string
}

export interface Identity {
  node: number
  owner: Address
  signer: Address
  payout: Address
  signerKeyFile: string
  /** The router whose batches earn the node emission, from the next epoch on; none where there is no economy. */
  homeRouter?: Address
  /** False if it had joined before. */
  fresh: boolean
}

/** Base token for a fresh owner on a local chain: a few hundred transactions. Wei. */
const LOCAL_GAS = 10n ** 18n

const ownKey = (path: string, password?: string): StoredKey =>
  existsSync(path) ? loadKey(path, password) : createKey(path, password)

function ownerKey(path: string, { ownerKey: given, password }: JoinOptions): StoredKey {
  if (given === undefined) return ownKey(path, password)
  const key = { privateKey: given, address: privateKeyToAccount(given).address }
  if (!existsSync(path)) return saveKey(path, given, password)
  const kept = loadKey(path, password)
  if (kept.address === key.address) return key
  throw refused('owner.other', `${path} holds another owner's key`, {
    fix: 'Leave the owner out, or use another home for another node.',
    details: { given: key.address, kept: kept.address },
  })
}

/**
 * Makes the machine a node of the network: keys, gas on a local chain, registration. Doing it twice changes nothing;
 * on another chain the same keys register again.
 *
 * @throws `router.unreachable`, `chain.unreachable` (later), `gas.missing`, `signer.retired`, `key.*` (refused).
 */
export async function joinNetwork(options: JoinOptions): Promise<Identity> {
  const network = options.network ?? (await fetchNetwork(options.routerUrl ?? 'http://127.0.0.1:7800'))
  const chain = openChain(network)
  await chain.check()
  const signerKeyFile = join(options.home, 'signer.key')
  const signer = ownKey(signerKeyFile, options.password)
  const registry = { address: network.addresses.registry, abi: registryAbi } as const
  const life = await chain.client.readContract({
    ...registry,
    functionName: 'signerLife',
    args: [signer.address],
  })
  if (life.until !== 0) {
    throw refused('signer.retired', `${signer.address} was replaced as the signer of node ${life.node}`, {
      fix: `Move ${signerKeyFile} away and join again, or put the node's present signer key there.`,
    })
  }
  const known = life.node
  const node = known !== 0 ? known : await register(chain, network, options, signer.address)
  const [owner, payout] = await Promise.all([
    chain.client.readContract({ ...registry, functionName: 'ownerOf', args: [NODE, node] }),
    chain.client.readContract({ ...registry, functionName: 'payoutOf', args: [NODE, node] }),
  ])
  const homeRouter = await findHome(chain, network, options, { node, owner })
  return {
    node,
    owner,
    signer: signer.address,
    payout,
    signerKeyFile,
    ...(homeRouter ? { homeRouter } : {}),
    fresh: known === 0,
  }
}

/**
 * A node without a home router takes the one that it joins, if its owner's key is here and can pay: only what a home
 * router settles earns emission. Whoever chose one before keeps it.
 */
async function findHome(
  chain: Chain,
  network: Network,
  options: JoinOptions,
  { node, owner }: { node: number; owner: Address },
): Promise<Address | undefined> {
  const economy = await economyOf(chain, network.addresses.ledger).catch((cause: unknown) => {
    if (cause instanceof HeuristError && cause.code === 'economy.absent') return undefined
    throw cause
  })
  if (!economy) return undefined
  const { epoch } = await readClock(chain)
  const { nextHome } = await readChoices(chain, economy.emission, node, epoch)
  if (nextHome !== zeroAddress) return nextHome
  const file = join(options.home, 'owner.key')
  const key = options.ownerKey ?? (existsSync(file) ? loadKey(file, options.password).privateKey : undefined)
  if (key === undefined || privateKeyToAccount(key).address !== owner) return undefined
  if (isLocalChain(chain.id)) await provideGas(chain, owner)
  if ((await chain.client.getBalance({ address: owner })) === 0n) return undefined
  const router = getAddress(network.router.address)
  await keySender(chain, privateKeyToAccount(key)).send(emissionCall.setHome(economy.emission, node, router))
  return router
}

/** `Role.Node` of the contracts. */
const NODE = 0

async function register(
  chain: Chain,
  network: Network,
  options: JoinOptions,
  signer: Address,
): Promise<number> {
  const owner = ownerKey(join(options.home, 'owner.key'), options)
  await provideGas(chain, owner.address)
  const meta = keccak256(stringToHex(options.name ?? ''))
  const data = encodeFunctionData({
    abi: registryAbi,
    functionName: 'registerNode',
    args: [signer, options.payout ?? owner.address, meta],
  })
  await keySender(chain, privateKeyToAccount(owner.privateKey)).send({ to: network.addresses.registry, data })
  return chain.client.readContract({
    address: network.addresses.registry,
    abi: registryAbi,
    functionName: 'nodeOf',
    args: [signer],
  })
}

/** On a local chain everybody's faucet pays; elsewhere the owner brings gas. */
async function provideGas(chain: Chain, owner: Address): Promise<void> {
  const balance = await chain.client.getBalance({ address: owner })
  if (isLocalChain(chain.id)) {
    if (balance >= LOCAL_GAS / 2n) return
    const faucet = keySender(chain, privateKeyToAccount(localKey(LOCAL_KEY.faucet)))
    await faucet.send({ to: owner, data: '0x', value: LOCAL_GAS })
    return
  }
  if (balance > 0n) return
  throw refused('gas.missing', `${owner} has no gas to register with`, {
    fix: "Send it some of the chain's base token and join again; nothing else is needed to serve.",
    details: { owner },
  })
}
