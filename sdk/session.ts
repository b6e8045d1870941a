import type { Address, Hex, LocalAccount, WalletClient } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { type Chain, openChain, type Sender, walletSender } from './chain/clients.ts'
import { domainOf, fetchNetwork, type Network } from './chain/network.ts'
import { type ChainReader, chainReader } from './chain/reader.ts'
import { podSchema } from './documents.ts'
import { refused } from './errors.ts'
import type { Journal } from './journal.ts'
import type { Keccak } from './protocol/bytes.ts'
import { type Manifest, manifestHash, parseManifest } from './protocol/manifest.ts'
import {
  createHasher,
  eip712Domain,
  type Hasher,
  type MessageName,
  type Messages,
  TYPES,
} from './protocol/messages.ts'
import { openPurse, type Purse } from './purse.ts'
import { type Recover, recoverSigner, same } from './recover.ts'
import type { Transport } from './transport.ts'

/** What a caller knows better than the router's own description. */
export interface ChainPin {
  rpcUrl: string
  chainId: number
  ledger: Address
}

export interface SessionOptions {
  key?: Hex
  wallet?: WalletClient | LocalAccount
  chain?: ChainPin
  journal?: Journal
  /** Cryptography that says the same sooner: `native` of sdk/native.ts, in Node. Default: portable. */
  fast?: Fast
}

/** What a client signs and checks with. */
export interface Fast {
  keccak: Keccak
  recover: Recover
  signer(key: Hex): { sign(digest: Hex): Hex }
}

/** One version of a pod, its bytes checked against the chain. */
export interface PodVersion {
  pod: number
  hash: Hex
  manifest: Manifest
}

/** Everything a client has open after its first call. */
export interface Session {
  readonly network: Network
  readonly chain: Chain
  readonly reader: ChainReader
  readonly hasher: Hasher
  readonly purse: Purse
  readonly sender: Sender
  readonly recover: Recover
  sign<N extends MessageName>(name: N, message: Messages[N]): Promise<Hex>
  /** The pod's newest version. @throws `pod.unknown`, `manifest.untrue` (refused). */
  pod(nameOrId: string | number): Promise<PodVersion>
  /** One version, by its hash. @throws `manifest.untrue` (refused). */
  version(pod: number, hash: Hex): Promise<PodVersion>
  /** What `pod` answered may be old. */
  forgetPods(): void
}

/**
 * @throws `network.differs` (refused) if the router describes another chain or ledger than the caller pinned,
 *         `network.untrue` (refused) if the ledger itself knows another registry or asset,
 *         `key.*`, `journal.*` (refused), `router.unreachable`, `chain.unreachable` (later).
 */
export async function openSession(
  routerUrl: string,
  transport: Transport,
  options: SessionOptions,
): Promise<Session> {
  const account = accountOf(options)
  const network = await fetchNetwork(routerUrl)
  checkPin(network, options.chain)
  const domain = domainOf(network)
  const chain = openChain({ chainId: network.chainId, rpcUrl: options.chain?.rpcUrl ?? network.rpcUrl })
  const reader = chainReader(chain, network.addresses)
  checkAddresses(network, await reader.addresses())
  const { fast, key } = options
  const recover = fast?.recover ?? recoverSigner
  const hasher = createHasher(domain, fast?.keccak)
  const signer = key === undefined ? undefined : fast?.signer(key)
  const sign = async <N extends MessageName>(name: N, message: Messages[N]): Promise<Hex> =>
    signer?.sign(hasher.digest(name, message)) ??
    account.signTypedData({
      domain: eip712Domain(domain),
      types: { [name]: TYPES[name] },
      primaryType: name,
      message: message as unknown as Record<string, unknown>,
    })
  const router = network.router.address
  const payer = account.address
  const signVoucher = async (voucher: Messages['Voucher']) => {
    const signature = await sign('Voucher', voucher)
    // What a private key here has signed is signed by its address.
    if (key === undefined) checkSigner(payer, await recover(hasher.digest('Voucher', voucher), signature))
    return signature
  }
  const journal = options.journal ?? (await defaultJournal())
  const log = await journal.open({
    chainId: network.chainId,
    ledger: network.addresses.ledger,
    router,
    payer,
  })
  const purse = openPurse({ log, payer, router, hasher, signVoucher, now: () => Date.now() })
  return {
    network,
    chain,
    reader,
    hasher,
    purse,
    sender: account.sender(chain),
    recover,
    sign,
    ...podReader(transport, reader),
  }
}

/** The router's description is its word; the ledger is what the money obeys. */
function checkAddresses(
  { addresses }: Network,
  { registry, asset }: { registry: Address; asset: Address },
): void {
  if (lower(registry) === addresses.registry && lower(asset) === addresses.asset) return
  throw refused('network.untrue', 'the ledger knows another registry or asset than the router names', {
    fix: 'Do not use this router.',
    details: { registry, asset, ledger: addresses.ledger },
  })
}

/** A wallet that is a contract signs what no key signed: the ledger could not read it. */
function checkSigner(payer: Address, signer: Address | undefined): void {
  if (same(signer, payer)) return
  throw refused('wallet.not_a_key', `the wallet ${payer} does not sign with the key of its address`, {
    fix: 'Use a key of its own for calls, and name the wallet as the owner of its account with `open`.',
  })
}

function checkPin(network: Network, pin: ChainPin | undefined): void {
  if (!pin) return
  const found = `chain ${network.chainId}, ledger ${network.addresses.ledger.toLowerCase()}`
  const expected = `chain ${pin.chainId}, ledger ${pin.ledger.toLowerCase()}`
  if (found === expected) return
  throw refused('network.differs', `the router serves ${found}; you asked for ${expected}`, {
    fix: 'Use a router of your chain, or correct `chain`.',
  })
}

/** A key or a wallet, as one signer. */
interface Account {
  address: Address
  signTypedData(data: {
    domain: ReturnType<typeof eip712Domain>
    types: Record<string, readonly { name: string; type: string }[]>
    primaryType: string
    message: Record<string, unknown>
  }): Promise<Hex>
  sender(chain: Chain): Sender
}

/** @throws `key.missing`, `key.invalid` (refused). */
function accountOf({ key, wallet }: SessionOptions): Account {
  if (key !== undefined) return localAccount(fromKey(key))
  if (wallet === undefined) {
    throw refused('key.missing', 'a client needs a key or a wallet', {
      fix: 'Pass `key` (a private key in hexadecimal) or `wallet` (of viem).',
    })
  }
  if ('type' in wallet && wallet.type === 'local') return localAccount(wallet as LocalAccount)
  const client = wallet as WalletClient
  const address = client.account?.address
  if (!address)
    throw refused('key.missing', 'the wallet has no account', { fix: 'Create it with an account.' })
  return {
    address: lower(address),
    signTypedData: (data) => client.signTypedData({ account: client.account ?? address, ...data }),
    sender: (chain) => walletSender(chain, client, address),
  }
}

function fromKey(key: Hex): LocalAccount {
  try {
    return privateKeyToAccount(key)
  } catch (cause) {
    throw refused('key.invalid', '`key` is not a private key', {
      fix: '32 bytes in hexadecimal, with 0x.',
      cause,
    })
  }
}

const localAccount = (account: LocalAccount): Account => ({
  address: lower(account.address),
  signTypedData: (data) => account.signTypedData(data),
  sender: (chain) => ({
    address: account.address,
    // Calls need no transaction: what makes one is brought by the first.
    async send(call) {
      const { keySender } = await import('./chain/key-sender.ts')
      return keySender(chain, account).send(call)
    },
  }),
})

const lower = (address: Address): Address => address.toLowerCase() as Address

/** In Node a file; elsewhere a journal must be given, because forgetting costs money. */
async function defaultJournal(): Promise<Journal> {
  if (typeof process === 'undefined' || !process.versions?.node) {
    throw refused('journal.missing', 'a client outside Node needs a journal', { fix: 'Pass `journal`.' })
  }
  const { fileJournal } = await import('./journal-file.ts')
  return fileJournal()
}

/** A pod's newest version changes rarely; asked again after this long. Milliseconds. */
const POD_FRESH_MS = 30_000

function podReader(
  transport: Transport,
  reader: ChainReader,
): Pick<Session, 'pod' | 'version' | 'forgetPods'> {
  const newest = new Map<string, { at: number; version: Promise<PodVersion> }>()
  /** By pod and hash, since a pod may publish the manifest of another. */
  const versions = new Map<string, PodVersion>()

  async function version(pod: number, hash: Hex): Promise<PodVersion> {
    const known = versions.get(`${pod} ${hash}`)
    if (known) return known
    const bytes = await transport.bytes(`/v1/pods/${pod}/manifest?version=${hash}`)
    if (manifestHash(bytes) !== hash) {
      throw untrue(`the manifest that the router shows is not the one it names, ${hash}`)
    }
    if (!(await reader.isVersion(pod, hash))) throw untrue(`pod ${pod} never published the manifest ${hash}`)
    const read = { pod, hash, manifest: parseManifest(bytes) }
    versions.set(`${pod} ${hash}`, read)
    return read
  }

  async function read(nameOrId: string | number): Promise<PodVersion> {
    const { id, manifest } = await transport.get(`/v1/pods/${encodeURIComponent(nameOrId)}`, podSchema)
    const found = await version(id, manifest)
    const asked = typeof nameOrId === 'number' ? found.pod : found.manifest.name
    if (asked !== nameOrId && String(id) !== nameOrId) {
      throw untrue(`the router answers '${asked}' to who asks for '${nameOrId}'`)
    }
    return found
  }

  return {
    version,
    pod(nameOrId) {
      const name = String(nameOrId)
      const cached = newest.get(name)
      if (cached && Date.now() - cached.at < POD_FRESH_MS) return cached.version
      const version = read(nameOrId)
      newest.set(name, { at: Date.now(), version })
      version.catch(() => newest.delete(name))
      return version
    },
    forgetPods: () => newest.clear(),
  }
}

const untrue = (message: string) =>
  refused('manifest.untrue', message, { fix: 'Do not use this router: it shows other terms than the chain.' })
