import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Abi,
  type Account,
  type Address,
  createPublicClient,
  createWalletClient,
  defineChain,
  encodeDeployData,
  type Hex,
  http,
  type PublicClient,
} from 'viem'
import {
  authorityAbi,
  computeLedgerAbi,
  emissionControllerAbi,
  feeBurnerAbi,
  heuAbi,
  lensAbi,
  nodeStakingAbi,
  registryAbi,
  routerBondAbi,
  slashingManagerAbi,
  testDollarAbi,
  upgradeableProxyAbi,
  voteControllerAbi,
  votingEscrowAbi,
} from '../sdk/chain/abi.ts'
import { bug, later } from '../sdk/errors.ts'
import { LOCAL_CHAIN_ID } from './chain.ts'
import { type DeployedName, type DeploymentRecord, readRecord, writeRecord } from './record.ts'

const ABIS = {
  Authority: authorityAbi,
  UpgradeableProxy: upgradeableProxyAbi,
  HEU: heuAbi,
  TestDollar: testDollarAbi,
  Registry: registryAbi,
  ComputeLedger: computeLedgerAbi,
  RouterBond: routerBondAbi,
  VotingEscrow: votingEscrowAbi,
  VoteController: voteControllerAbi,
  NodeStaking: nodeStakingAbi,
  SlashingManager: slashingManagerAbi,
  EmissionController: emissionControllerAbi,
  FeeBurner: feeBurnerAbi,
  Lens: lensAbi,
} satisfies Record<string, Abi>
export type ContractName = keyof typeof ABIS

const { contracts: CREATION_CODE } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'bytecode.json'), 'utf8'),
) as { contracts: Record<ContractName, Hex> }

/** A contract call, as the steps make it. */
export interface Call {
  address: Address
  abi: Abi
  functionName: string
  args: readonly unknown[]
}

/** One account that deploys and configures, one chain, one record of what is done. */
export interface Deployer {
  readonly chainId: number
  readonly isLocal: boolean
  readonly admin: Address
  readonly record: DeploymentRecord
  readonly client: PublicClient
  /** Creates `contract` as `name` unless the record has it and code stands there. */
  create(name: DeployedName, contract: ContractName, args: readonly unknown[]): Promise<Address>
  /** The address of something an earlier step created. */
  addressOf(name: DeployedName): Address
  /** Takes over a contract that exists already. */
  adopt(name: DeployedName, address: Address): void
  /** Sends a transaction and waits for its success; `from` is another account than the admin. */
  send(call: Call, from?: Account): Promise<void>
  /** Writes the record after a change to its pods or frontends. */
  save(): void
}

export interface DeployerOptions {
  rpcUrl: string
  account: Account
  recordFile: string
}

/** @throws `chain.unreachable` (later) if nothing answers at `rpcUrl`. */
export async function createDeployer({ rpcUrl, account, recordFile }: DeployerOptions): Promise<Deployer> {
  const transport = http(rpcUrl, { retryCount: 2 })
  const probe = createPublicClient({ transport })
  const chainId = await probe.getChainId().catch((cause: unknown) => {
    throw later('chain.unreachable', `no chain answers at ${rpcUrl}`, {
      fix: 'Check HEURIST_RPC_URL.',
      cause,
    })
  })
  const chain = defineChain({
    id: chainId,
    name: `chain ${chainId}`,
    nativeCurrency: { name: 'Base token', symbol: 'BASE', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  })
  const isLocal = chainId === LOCAL_CHAIN_ID
  const client = createPublicClient({ chain, transport, pollingInterval: isLocal ? 50 : 1_000 })
  const wallet = createWalletClient({ account, chain, transport })
  const record = readRecord(recordFile, chainId)

  async function succeed(hash: Hex, what: string): Promise<Address | null | undefined> {
    // A local chain mines when it is asked, besides by its clock: forty transactions need not wait for forty blocks.
    if (isLocal) await client.transport.request({ method: 'evm_mine' })
    const receipt = await client.waitForTransactionReceipt({ hash })
    if (receipt.status !== 'success') throw bug('deployment.reverted', `${what} reverted in ${hash}`)
    return receipt.contractAddress
  }

  return {
    chainId,
    isLocal,
    admin: account.address,
    record,
    client,
    async create(name, contract, args) {
      const known = record.addresses[name]
      if (known !== undefined && (await client.getCode({ address: known })) !== undefined) return known
      const data = encodeDeployData({
        abi: ABIS[contract] as Abi,
        bytecode: CREATION_CODE[contract],
        args: [...args],
      })
      const hash = await wallet.sendTransaction({ data, to: null })
      const address = await succeed(hash, `creating ${contract}`)
      if (!address) throw bug('deployment.reverted', `creating ${contract} gave no address in ${hash}`)
      record.addresses[name] = address
      record.transactions[name] = hash
      writeRecord(recordFile, record)
      return address
    },
    addressOf(name) {
      const address = record.addresses[name]
      if (address === undefined) throw bug('deployment.incomplete', `${name} is not deployed yet`)
      return address
    },
    adopt(name, address) {
      record.addresses[name] = address
      writeRecord(recordFile, record)
    },
    async send(call, from = account) {
      await succeed(await wallet.writeContract({ ...call, account: from }), call.functionName)
    },
    save: () => writeRecord(recordFile, record),
  }
}
