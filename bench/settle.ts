import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import {
  type Abi,
  type Account,
  type Address,
  bytesToHex,
  createWalletClient,
  encodeAbiParameters,
  encodeDeployData,
  encodeFunctionData,
  type Hex,
  http,
  keccak256,
  stringToHex,
  toHex,
} from 'viem'
import { localAccount } from '../deploy/local.ts'
import { computeLedgerAbi, testDollarAbi } from '../sdk/chain/abi.ts'
import { createSigner, fastKeccak, type Signer, toCompact } from '../sdk/native.ts'
import { type Batch, type PayeeLine, packBatch } from '../sdk/protocol/batch.ts'
import { writeUint } from '../sdk/protocol/bytes.ts'
import { createHasher } from '../sdk/protocol/messages.ts'
import { type Market, openMarket } from '../test/market.ts'
import { type Figure, figure } from './figure.ts'

/**
 * Gas per job of one settlement transaction, from its real receipt on the local chain, with every slot that it touches
 * cold and non-zero, beside one signature per receipt in the same run. The jobs pair payers, nodes, pods and frontends
 * at random; the seed is printed with the figures.
 */
export const SEED = 20_261_125
const JOBS = 1_000
const PAYERS = 50
const NODES = 100
const PODS = 20
const FRONTENDS = 10
const PRICE = 1_000
const EXPIRY = 4_000_000_000
const ZERO = `0x${'00'.repeat(32)}` as const

interface Job {
  payer: number
  node: number
  pod: number
  frontend: number
  price: bigint
}

export async function run(): Promise<Figure[]> {
  process.stderr.write(`seed ${SEED}\n`)
  const market = await openMarket()
  try {
    const random = mulberry32(SEED)
    const signers = Array.from({ length: PAYERS }, (_, index) => createSigner(keccak256(toHex(index + 1))))
    const jobs = Array.from({ length: 3 * JOBS }, () => randomJob(random))
    const perReceipt = await receiptsGas(market, signers, jobs)
    const hub = await hubGas(market, signers, jobs)
    const baseline = { name: 'one signature per receipt', value: perReceipt.gas / JOBS }
    return [
      figure('settle.gas_per_job', Math.round((hub.gas / JOBS) * 10) / 10, 'gas', baseline),
      figure('settle.batch_bytes', hub.bytes, 'bytes', {
        name: 'one signature per receipt',
        value: perReceipt.bytes,
      }),
    ]
  } finally {
    await market.close()
  }
}

/** Two batches make every slot non-zero; the third is measured. */
async function hubGas(
  market: Market,
  signers: Signer[],
  jobs: Job[],
): Promise<{ gas: number; bytes: number }> {
  await fund(market, signers)
  const hasher = createHasher(market.domain, fastKeccak)
  const router = localAccount('router')
  const spent = new Map<number, bigint>()
  let prev: Hex = ZERO
  let last = { gas: 0, bytes: 0 }
  for (let round = 0; round < 3; round += 1) {
    const batch = batchOf(jobs.slice(round * JOBS, (round + 1) * JOBS), BigInt(round + 1), prev)
    const packed = packBatch(batch)
    prev = bytesToHex(fastKeccak(packed))
    const args = [bytesToHex(packed)]
    const call = {
      address: market.addresses.ledger,
      abi: computeLedgerAbi as Abi,
      functionName: 'settle',
      args,
    }
    last = { gas: await gasOf(market, call, router), bytes: packed.length }
  }
  return last

  function batchOf(work: Job[], seq: bigint, before: Hex): Batch {
    const charges = sum(work, 'payer')
    const payers = [...charges].map(([payer, charge]) => {
      const ceiling = (spent.get(payer) ?? 0n) + charge
      spent.set(payer, ceiling)
      const request = keccak256(toHex(`request ${seq} ${payer}`))
      const voucher = { router: market.router.address, ceiling, expiry: EXPIRY, request }
      const compact = toCompact((signers[payer] as Signer).sign(hasher.digest('Voucher', voucher)))
      if (!compact) throw new Error('a signer of ours makes low s only')
      return { ...compact, request, ceiling, expiry: EXPIRY, charge }
    })
    const lines = (role: 'node' | 'pod' | 'frontend'): PayeeLine[] =>
      [...sum(work, role)].map(([id, amount]) => ({ id: id + 1, amount })).sort((a, b) => a.id - b.id)
    const hash = keccak256(toHex(`data ${seq}`))
    return {
      seq,
      prev: before,
      root: hash,
      dataHash: hash,
      payers,
      nodes: lines('node'),
      pods: lines('pod'),
      frontends: lines('frontend'),
    }
  }
}

async function fund(market: Market, signers: Signer[]): Promise<void> {
  const { deployer, addresses, router } = market
  const asset = { address: addresses.asset, abi: testDollarAbi } as const
  const amount = 100_000_000n
  await deployer.send({ ...asset, functionName: 'faucet', args: [deployer.admin, amount * BigInt(PAYERS)] })
  await deployer.send({
    ...asset,
    functionName: 'approve',
    args: [addresses.ledger, amount * BigInt(PAYERS)],
  })
  const ledger = { address: addresses.ledger, abi: computeLedgerAbi } as const
  for (const { address } of signers) {
    await deployer.send({ ...ledger, functionName: 'deposit', args: [router.address, address, amount] })
  }
}

/** The same jobs, each receipt with its payer's signature on chain. */
async function receiptsGas(
  market: Market,
  signers: Signer[],
  jobs: Job[],
): Promise<{ gas: number; bytes: number }> {
  const { abi, bytecode } = compileBaseline()
  const address = await createContract(market, abi, bytecode)
  const domain = domainOf(market.domain.chainId, address)
  const nonces = new Map<number, number>()
  for (const [index, { address: payer }] of signers.entries()) {
    nonces.set(index, 0)
    await market.deployer.send({ address, abi, functionName: 'deposit', args: [payer, 100_000_000n] })
  }
  let last = { gas: 0, bytes: 0 }
  for (let round = 0; round < 3; round += 1) {
    const packed = Buffer.concat(jobs.slice(round * JOBS, (round + 1) * JOBS).map((job) => receiptLine(job)))
    const call = { address, abi, functionName: 'settle', args: [bytesToHex(packed)] }
    last = { gas: await gasOf(market, call, localAccount('router')), bytes: packed.length }
  }
  return last

  function receiptLine({ payer, node, pod, frontend, price }: Job): Uint8Array {
    const nonce = nonces.get(payer) ?? 0
    nonces.set(payer, nonce + 1)
    const type = 'Receipt(uint32 node,uint32 pod,uint32 frontend,uint48 price,uint32 nonce)'
    const words = Array.from({ length: 6 }, () => ({ type: 'uint256' }) as const)
    const ids = [node + 1, pod + 1, frontend + 1]
    const values = [BigInt(keccak256(stringToHex(type))), ...ids.map(BigInt), price, BigInt(nonce)]
    const digest = keccak256(
      `0x1901${domain.slice(2)}${keccak256(encodeAbiParameters(words, values)).slice(2)}`,
    )
    const compact = toCompact((signers[payer] as Signer).sign(digest))
    if (!compact) throw new Error('a signer of ours makes low s only')
    const line = new Uint8Array(86)
    line.set(Buffer.from(compact.r.slice(2) + compact.vs.slice(2), 'hex'), 0)
    for (const [at, id] of ids.entries()) writeUint(line, 64 + 4 * at, 4, id)
    writeUint(line, 76, 6, price)
    writeUint(line, 82, 4, nonce)
    return line
  }
}

const domainOf = (chainId: number, address: Address): Hex =>
  keccak256(
    encodeAbiParameters(
      [{ type: 'bytes32' }, { type: 'bytes32' }, { type: 'uint256' }, { type: 'address' }],
      [
        keccak256(stringToHex('EIP712Domain(string name,uint256 chainId,address verifyingContract)')),
        keccak256(stringToHex('PerReceipt')),
        BigInt(chainId),
        address,
      ],
    ),
  )

interface Call {
  address: Address
  abi: Abi
  functionName: string
  args: readonly unknown[]
}

/** `gasUsed` of the transaction's receipt: intrinsic, calldata and execution. */
async function gasOf(market: Market, call: Call, account: Account): Promise<number> {
  const wallet = walletOf(market, account)
  const data = encodeFunctionData(call)
  const hash = await wallet.sendTransaction({ to: call.address, data, gas: 30_000_000n, chain: null })
  const receipt = await market.deployer.client.waitForTransactionReceipt({ hash })
  if (receipt.status !== 'success') throw new Error(`${call.functionName} reverted`)
  return Number(receipt.gasUsed)
}

const walletOf = (market: Market, account: Account) =>
  createWalletClient({ account, transport: http(market.chain.rpcUrl) })

async function createContract(market: Market, abi: Abi, bytecode: Hex): Promise<Address> {
  const wallet = walletOf(market, localAccount('deployer'))
  const hash = await wallet.sendTransaction({
    data: encodeDeployData({ abi, bytecode }),
    to: null,
    chain: null,
  })
  const { contractAddress } = await market.deployer.client.waitForTransactionReceipt({ hash })
  if (!contractAddress) throw new Error('the baseline was not created')
  return contractAddress
}

/** The baseline with the very settings of our contracts. */
function compileBaseline(): { abi: Abi; bytecode: Hex } {
  const solc = createRequire(import.meta.url)('solc') as { compile(input: string): string }
  const content = readFileSync(join(import.meta.dirname, 'contracts', 'PerReceipt.sol'), 'utf8')
  const settings = {
    evmVersion: 'cancun',
    viaIR: true,
    optimizer: { enabled: true, runs: 10_000 },
    outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
  }
  const input = { language: 'Solidity', sources: { 'PerReceipt.sol': { content } }, settings }
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as {
    contracts: Record<string, Record<string, { abi: Abi; evm: { bytecode: { object: string } } }>>
  }
  const contract = output.contracts['PerReceipt.sol']?.PerReceipt
  if (!contract) throw new Error('the baseline does not compile')
  return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }
}

function sum(jobs: Job[], by: 'payer' | 'node' | 'pod' | 'frontend'): Map<number, bigint> {
  const totals = new Map<number, bigint>()
  for (const job of jobs) totals.set(job[by], (totals.get(job[by]) ?? 0n) + job.price)
  return totals
}

function randomJob(random: () => number): Job {
  const below = (count: number) => Math.floor(random() * count)
  return {
    payer: below(PAYERS),
    node: below(NODES),
    pod: below(PODS),
    frontend: below(FRONTENDS),
    price: BigInt(PRICE + below(PRICE)),
  }
}

/** A small seeded generator, good enough to pair jobs. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
