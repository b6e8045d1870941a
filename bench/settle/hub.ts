import { type Abi, bytesToHex, type Hex, keccak256, toHex } from 'viem'
import { computeLedgerAbi, testDollarAbi } from '../../sdk/chain/abi.ts'
import { createSigner, fastKeccak, type Signer, toCompact } from '../../sdk/native.ts'
import { type Batch, type PayeeLine, packBatch } from '../../sdk/protocol/batch.ts'
import { createHasher } from '../../sdk/protocol/messages.ts'
import type { Market } from '../../test/market.ts'
import { type Cost, costOf, sendAll } from './chain.ts'
import type { Totals } from './jobs.ts'

const EXPIRY = 4_000_000_000
const ZERO = `0x${'00'.repeat(32)}` as const
/** More than all jobs of a bench cost one payer. */
export const CREDIT = 100_000_000n

/** The keys of `count` payers; `from` keeps those of two workloads apart. */
export const payersFrom = (from: number, count: number): Signer[] =>
  Array.from({ length: count }, (_, index) => createSigner(keccak256(toHex(from + index + 1))))

/** Our ledger, as a bench sees it: totals go in, what the transaction cost comes out. */
export interface Hub {
  settle(signers: readonly Signer[], totals: Totals): Promise<Cost & { bytes: number }>
}

export function openHub(market: Market): Hub {
  const hasher = createHasher(market.domain, fastKeccak)
  const spent = new Map<string, bigint>()
  let last: { seq: bigint; hash: Hex } = { seq: 0n, hash: ZERO }

  return {
    async settle(signers, totals) {
      const seq = last.seq + 1n
      const packed = packBatch(batchOf(signers, totals, seq))
      const call = { address: market.addresses.ledger, abi: computeLedgerAbi as Abi, functionName: 'settle' }
      const cost = await costOf(market, { ...call, args: [bytesToHex(packed)] })
      last = { seq, hash: bytesToHex(fastKeccak(packed)) }
      return { ...cost, bytes: packed.length }
    },
  }

  function batchOf(signers: readonly Signer[], totals: Totals, seq: bigint): Batch {
    const payers = [...totals.payer].map(([index, charge]) => {
      const signer = signers[index] as Signer
      const ceiling = (spent.get(signer.address) ?? 0n) + charge
      spent.set(signer.address, ceiling)
      const request = keccak256(toHex(`request ${seq} ${index}`))
      const voucher = { router: market.router.address, ceiling, expiry: EXPIRY, request }
      const compact = toCompact(signer.sign(hasher.digest('Voucher', voucher)))
      if (!compact) throw new Error('a signer of ours makes low s only')
      return { ...compact, request, ceiling, expiry: EXPIRY, charge }
    })
    const lines = (role: 'node' | 'pod' | 'frontend'): PayeeLine[] =>
      [...totals[role]].map(([id, amount]) => ({ id: id + 1, amount })).sort((a, b) => a.id - b.id)
    const [root, dataHash] = [keccak256(toHex(`root ${seq}`)), keccak256(toHex(`data ${seq}`))]
    const [nodes, pods, frontends] = [lines('node'), lines('pod'), lines('frontend')]
    return { seq, prev: last.hash, root, dataHash, payers, nodes, pods, frontends }
  }
}

const FAUCET_AT_MOST = 10_000_000_000n

/** Gives every key its credit with the market's router. */
export async function fund(market: Market, signers: readonly Signer[]): Promise<void> {
  const { deployer, addresses, router } = market
  const asset = { address: addresses.asset, abi: testDollarAbi } as const
  const total = CREDIT * BigInt(signers.length)
  for (let given = 0n; given < total; given += FAUCET_AT_MOST) {
    await deployer.send({ ...asset, functionName: 'faucet', args: [deployer.admin, FAUCET_AT_MOST] })
  }
  await deployer.send({ ...asset, functionName: 'approve', args: [addresses.ledger, total] })
  const ledger = { address: addresses.ledger, abi: computeLedgerAbi as Abi, functionName: 'deposit' }
  await sendAll(
    market,
    signers.map(({ address }) => ({ ...ledger, args: [router.address, address, CREDIT] })),
  )
}
