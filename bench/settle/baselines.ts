import { bytesToHex } from 'viem'
import type { Signer } from '../../sdk/native.ts'
import { writeUint } from '../../sdk/protocol/bytes.ts'
import type { Market } from '../../test/market.ts'
import { type Baseline, type Cost, costOf, createBaseline, sendAll, signNumbers } from './chain.ts'
import { CREDIT } from './hub.ts'
import type { Job } from './jobs.ts'

/** So many lines are one transaction of the baselines: the next thousand would pass the usual 128 KiB. */
const LINES = 1_000

const RECEIPT = 'Receipt(uint32 node,uint32 pod,uint32 frontend,uint48 price,uint32 nonce)'
const VOUCHER = 'Voucher(uint32 node,uint64 cumulative)'

/** One more settlement of a baseline; the lines of jobs that were settled already make its slots non-zero. */
export type SettleJobs = (jobs: readonly Job[]) => Promise<(Cost & { bytes: number })[]>

/** Every receipt with its payer's signature on chain. */
export async function perReceipt(market: Market, signers: readonly Signer[]): Promise<SettleJobs> {
  const baseline = await open(market, 'PerReceipt', signers)
  const nonces = new Map<number, number>()
  return (jobs) => inTransactions(market, baseline, jobs.map(line))

  function line({ payer, node, pod, frontend, price }: Job): Uint8Array {
    const nonce = nonces.get(payer) ?? 0
    nonces.set(payer, nonce + 1)
    const ids = [node + 1, pod + 1, frontend + 1]
    const bytes = new Uint8Array(86)
    const values = [...ids.map(BigInt), price, BigInt(nonce)]
    bytes.set(signNumbers(signers[payer] as Signer, baseline.domain, RECEIPT, values), 0)
    for (const [at, id] of ids.entries()) writeUint(bytes, 64 + 4 * at, 4, id)
    writeUint(bytes, 76, 6, price)
    writeUint(bytes, 82, 4, nonce)
    return bytes
  }
}

/** One cumulative voucher per payer and node; all jobs of a pair between two settlements are one line. */
export async function channels(market: Market, signers: readonly Signer[]): Promise<SettleJobs> {
  const baseline = await open(market, 'Channels', signers)
  const cumulative = new Map<string, bigint>()
  return (jobs) => {
    const touched = new Map<string, { payer: number; node: number }>()
    for (const { payer, node, price } of jobs) {
      const pair = `${payer}/${node}`
      touched.set(pair, { payer, node })
      cumulative.set(pair, (cumulative.get(pair) ?? 0n) + price)
    }
    return inTransactions(market, baseline, [...touched].map(line))
  }

  function line([pair, { payer, node }]: [string, { payer: number; node: number }]): Uint8Array {
    const sum = cumulative.get(pair) ?? 0n
    const bytes = new Uint8Array(76)
    bytes.set(signNumbers(signers[payer] as Signer, baseline.domain, VOUCHER, [BigInt(node + 1), sum]), 0)
    writeUint(bytes, 64, 4, node + 1)
    writeUint(bytes, 68, 8, sum)
    return bytes
  }
}

async function open(market: Market, name: string, signers: readonly Signer[]): Promise<Baseline> {
  const baseline = await createBaseline(market, name)
  const call = { address: baseline.address, abi: baseline.abi, functionName: 'deposit' }
  await sendAll(
    market,
    signers.map(({ address }) => ({ ...call, args: [address, CREDIT] })),
  )
  return baseline
}

async function inTransactions(market: Market, { address, abi }: Baseline, lines: Uint8Array[]) {
  const costs: (Cost & { bytes: number })[] = []
  for (let at = 0; at < lines.length; at += LINES) {
    const packed = Buffer.concat(lines.slice(at, at + LINES))
    const call = { address, abi, functionName: 'settle', args: [bytesToHex(packed)] }
    costs.push({ ...(await costOf(market, call)), bytes: packed.length })
  }
  return costs
}
