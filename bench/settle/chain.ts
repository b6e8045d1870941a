import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import {
  type Abi,
  type Account,
  type Address,
  createWalletClient,
  encodeAbiParameters,
  encodeDeployData,
  encodeFunctionData,
  type Hex,
  http,
  keccak256,
  stringToHex,
} from 'viem'
import { localAccount } from '../../deploy/local.ts'
import { type Signer, toCompact } from '../../sdk/native.ts'
import type { Market } from '../../test/market.ts'
import type { StateDiff } from './pubdata.ts'

export interface Call {
  address: Address
  abi: Abi
  functionName: string
  args: readonly unknown[]
}

/** What one transaction cost. */
export interface Cost {
  /** `gasUsed` of its receipt: intrinsic, calldata and execution. */
  gas: number
  diff: StateDiff
}

/** Sends one settlement as the router, and reads its receipt and its state difference back from the chain. */
export async function costOf(market: Market, call: Call): Promise<Cost> {
  const { client } = market.deployer
  const wallet = walletOf(market, localAccount('router'))
  const data = encodeFunctionData(call)
  const hash = await wallet.sendTransaction({ to: call.address, data, gas: 60_000_000n, chain: null })
  const receipt = await client.waitForTransactionReceipt({ hash })
  if (receipt.status !== 'success') throw new Error(`${call.functionName} reverted`)
  const diff = await client.request<{ Method: string; Parameters: unknown[]; ReturnType: StateDiff }>({
    method: 'debug_traceTransaction',
    params: [hash, { tracer: 'prestateTracer', tracerConfig: { diffMode: true } }],
  })
  return { gas: Number(receipt.gasUsed), diff }
}

/** Sends the deployer's calls one after the other and waits for all of them. */
export async function sendAll(market: Market, calls: readonly Call[]): Promise<void> {
  const wallet = walletOf(market, localAccount('deployer'))
  const hashes: Hex[] = []
  for (const call of calls) {
    const data = encodeFunctionData(call)
    hashes.push(await wallet.sendTransaction({ to: call.address, data, gas: 200_000n, chain: null }))
  }
  for (const hash of hashes) {
    const { status } = await market.deployer.client.waitForTransactionReceipt({ hash })
    if (status !== 'success') throw new Error(`a preparation reverted in ${hash}`)
  }
}

const walletOf = (market: Market, account: Account) =>
  createWalletClient({ account, transport: http(market.chain.rpcUrl) })

/** A baseline on the chain, compiled with the very settings of our contracts. */
export interface Baseline {
  address: Address
  abi: Abi
  /** Its EIP-712 domain separator. */
  domain: Hex
}

export async function createBaseline(market: Market, name: string): Promise<Baseline> {
  const { abi, bytecode } = compile(name)
  const wallet = walletOf(market, localAccount('deployer'))
  const data = encodeDeployData({ abi, bytecode })
  const hash = await wallet.sendTransaction({ data, to: null, chain: null })
  const { contractAddress } = await market.deployer.client.waitForTransactionReceipt({ hash })
  if (!contractAddress) throw new Error(`${name} was not created`)
  return { address: contractAddress, abi, domain: domainOf(name, market.domain.chainId, contractAddress) }
}

const words = (count: number) => Array.from({ length: count }, () => ({ type: 'uint256' }) as const)

const domainOf = (name: string, chainId: number, address: Address): Hex =>
  keccak256(
    encodeAbiParameters(words(4), [
      BigInt(keccak256(stringToHex('EIP712Domain(string name,uint256 chainId,address verifyingContract)'))),
      BigInt(keccak256(stringToHex(name))),
      BigInt(chainId),
      BigInt(address),
    ]),
  )

/** The compact signature of a message of a baseline, whose fields are all numbers. */
export function signNumbers(
  signer: Signer,
  domain: Hex,
  type: string,
  values: readonly bigint[],
): Uint8Array {
  const fields = [BigInt(keccak256(stringToHex(type))), ...values]
  const struct = keccak256(encodeAbiParameters(words(fields.length), fields))
  const compact = toCompact(signer.sign(keccak256(`0x1901${domain.slice(2)}${struct.slice(2)}`)))
  if (!compact) throw new Error('a signer of ours makes low s only')
  return Buffer.from(compact.r.slice(2) + compact.vs.slice(2), 'hex')
}

function compile(name: string): { abi: Abi; bytecode: Hex } {
  const solc = createRequire(import.meta.url)('solc') as { compile(input: string): string }
  const file = `${name}.sol`
  const content = readFileSync(join(import.meta.dirname, '..', 'contracts', file), 'utf8')
  const settings = {
    evmVersion: 'cancun',
    viaIR: true,
    optimizer: { enabled: true, runs: 10_000 },
    outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
  }
  const input = { language: 'Solidity', sources: { [file]: { content } }, settings }
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as {
    contracts: Record<string, Record<string, { abi: Abi; evm: { bytecode: { object: string } } }>>
  }
  const contract = output.contracts[file]?.[name]
  if (!contract) throw new Error(`${file} does not compile`)
  return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }
}
