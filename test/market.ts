import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Address,
  createWalletClient,
  encodeDeployData,
  type Hex,
  http,
  zeroAddress,
  zeroHash,
} from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import bytecode from '../deploy/bytecode.json' with { type: 'json' }
import { type LocalChain, startChain } from '../deploy/chain.ts'
import { deploy } from '../deploy/deploy.ts'
import type { Deployer } from '../deploy/deployer.ts'
import { localAccount, type Seeded, seedLocal } from '../deploy/local.ts'
import { computeLedgerAbi, registryAbi, testDollarAbi } from '../sdk/chain/abi.ts'
import { LOCAL_KEY, localKey } from '../sdk/chain/local.ts'
import type { Domain } from '../sdk/protocol/messages.ts'

const NAMES = [
  'authority',
  'heu',
  'asset',
  'registry',
  'ledger',
  'bond',
  'escrow',
  'votes',
  'staking',
  'emission',
  'burner',
  'slashing',
  'lens',
] as const

/** A real chain with the real contracts on it, its pods, frontend and float, and money for whoever asks. */
export interface Market {
  readonly chain: LocalChain
  readonly deployer: Deployer
  readonly domain: Domain
  readonly seeded: Seeded
  /** A folder of this market alone, removed by `close`. */
  readonly home: string
  readonly addresses: Record<(typeof NAMES)[number], Address>
  readonly router: { address: Address; key: Hex }
  /** A fresh key with gas and `amount` base units of credit at the router. */
  payer(amount: bigint): Promise<{ key: Hex; account: PrivateKeyAccount }>
  /** A fresh node: owner with gas, signer key, registered. */
  node(): Promise<{ id: number; owner: PrivateKeyAccount; signerKey: Hex }>
  /** Gas money for any address. */
  gas(to: Address): Promise<void>
  /** Stops the chain as a person would, with its state written, and starts it again from there. */
  restartChain(whileDown: WhileDown): Promise<void>
  /** The chain takes the line and says nothing, until what this gives is called. */
  hangChain(): () => void
  close(): Promise<void>
}

/** How long something stays away: so many milliseconds, or until what has to be seen of it meanwhile is seen. */
export type WhileDown = number | (() => Promise<void>)

export async function passed(whileDown: WhileDown): Promise<void> {
  if (typeof whileDown === 'function') await whileDown()
  else await new Promise((resolve) => setTimeout(resolve, whileDown))
}

/** Below the ports that systems give to outgoing connections, which would take what was free a moment ago. */
const [LOWEST_PORT, HIGHEST_PORT] = [23_000, 32_000]

/** A port that was free a moment ago, and that nobody gets who does not ask for it by its number. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT)
    if (await isFree(port)) return port
  }
}

export const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

export const PODS = join(import.meta.dirname, '..', 'pods')

export async function openMarket(podsDir: string = PODS): Promise<Market> {
  const home = mkdtempSync(join(tmpdir(), 'heurist-market-'))
  const where = { port: await freePort(), stateFile: join(home, 'chain.json') }
  let chain = await startChain(where)
  const deployer = await deploy({
    rpcUrl: chain.rpcUrl,
    account: localAccount('deployer'),
    recordFile: join(home, 'deployment.json'),
  })
  const seeded = await seedLocal(deployer, podsDir)
  const entries = NAMES.map((name) => [name, deployer.addressOf(name)] as const)
  const addresses = Object.fromEntries(entries) as Market['addresses']
  const router = localAccount('router')
  const faucet = createWalletClient({
    account: localAccount('faucet'),
    chain: deployer.client.chain,
    transport: http(chain.rpcUrl),
  })

  // One faucet account, many callers: its transactions go out one after the other.
  let queue: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = queue.then(work, work)
    queue = turn.catch(() => undefined)
    return turn
  }
  const gas = async (to: Address) => {
    const hash = await inTurn(() =>
      faucet.sendTransaction({ to, value: 10n ** 18n, chain: deployer.client.chain }),
    )
    await deployer.client.waitForTransactionReceipt({ hash })
  }

  return {
    get chain() {
      return chain
    },
    deployer,
    domain: { chainId: deployer.chainId, verifyingContract: addresses.ledger },
    seeded,
    home,
    addresses,
    router: { address: router.address.toLowerCase() as Address, key: localKey(LOCAL_KEY.router) },
    gas,
    async payer(amount) {
      const key = generatePrivateKey()
      const account = privateKeyToAccount(key)
      await gas(account.address)
      if (amount === 0n) return { key, account }
      const asset = { address: addresses.asset, abi: testDollarAbi } as const
      await deployer.send({ ...asset, functionName: 'faucet', args: [account.address, amount] }, account)
      await deployer.send({ ...asset, functionName: 'approve', args: [addresses.ledger, amount] }, account)
      const ledger = { address: addresses.ledger, abi: computeLedgerAbi } as const
      const args = [router.address, account.address, amount] as const
      await deployer.send({ ...ledger, functionName: 'deposit', args }, account)
      return { key, account }
    },
    async node() {
      const owner = privateKeyToAccount(generatePrivateKey())
      const signerKey = generatePrivateKey()
      const signer = privateKeyToAccount(signerKey).address
      await gas(owner.address)
      const registry = { address: addresses.registry, abi: registryAbi } as const
      const args = [signer, owner.address, zeroHash] as const
      await deployer.send({ ...registry, functionName: 'registerNode', args }, owner)
      const id = await deployer.client.readContract({ ...registry, functionName: 'nodeOf', args: [signer] })
      return { id, owner, signerKey }
    },
    async restartChain(whileDown) {
      await chain.stop()
      try {
        await passed(whileDown)
      } finally {
        chain = await startChain(where)
      }
    },
    hangChain() {
      const guard = String(chain.process.pid)
      const pids = execFileSync('pgrep', ['-P', guard], { encoding: 'utf8' }).trim().split('\n').map(Number)
      for (const pid of pids) process.kill(pid, 'SIGSTOP')
      return () => {
        for (const pid of pids) process.kill(pid, 'SIGCONT')
      }
    },
    async close() {
      await chain.stop()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** A ledger beside the market's own, as a network without an economy deploys it. */
export async function ledgerWithoutVoters({ addresses, chain, deployer }: Market): Promise<Address> {
  const { asset, registry, authority, bond } = addresses
  const terms = {
    asset,
    registry,
    authority,
    bond,
    podVoters: zeroAddress,
    burner: zeroAddress,
    split: { node: 7000, pod: 1000, frontend: 1000, voters: 500 },
    thawSeconds: 86_400,
    priorityDeadline: 0,
  }
  const wallet = createWalletClient({ account: localAccount('faucet'), transport: http(chain.rpcUrl) })
  const data = encodeDeployData({
    abi: computeLedgerAbi,
    bytecode: bytecode.contracts.ComputeLedger as Hex,
    args: [terms],
  })
  const hash = await wallet.sendTransaction({ data, to: null, chain: null })
  const { contractAddress } = await deployer.client.waitForTransactionReceipt({ hash })
  if (!contractAddress) throw new Error('no ledger was made')
  return contractAddress
}
