import { type Abi, type Address, bytesToHex, type Hex, keccak256, toHex } from 'viem'
import { settleSchema } from '../../keepers/router/config.ts'
import type { KeptVoucher, UnpostedLeaf } from '../../keepers/router/ledger/ledger.ts'
import { createBuilder, createFit } from '../../keepers/settle/batch.ts'
import { createCredited, type Payee } from '../../keepers/settle/credited.ts'
import { withPauses } from '../../keepers/settle/pieces.ts'
import { computeLedgerAbi, testDollarAbi } from '../../sdk/chain/abi.ts'
import { createSigner, fastKeccak, type Signer, toCompact } from '../../sdk/native.ts'
import { createHasher } from '../../sdk/protocol/messages.ts'
import type { Market } from '../../test/market.ts'
import { type Cost, costOf, sendAll } from './chain.ts'
import type { Job } from './jobs.ts'

const EXPIRY = 4_000_000_000
const ZERO = `0x${'00'.repeat(32)}` as const
/** More than all jobs of a bench cost one payer. */
export const CREDIT = 100_000_000n
/** Progress is told after so many jobs. */
const TOLD = 100_000

/** The keys of `count` payers; `from` keeps those of two workloads apart. */
export const payersFrom = (from: number, count: number): Signer[] =>
  Array.from({ length: count }, (_, index) => createSigner(keccak256(toHex(from + index + 1))))

/** Our router's settlement, as a bench sees it: jobs go in, what its transactions cost comes out. */
export interface Hub {
  /** One entry per batch that a router of default configuration makes of the jobs. */
  settle(
    signers: readonly Signer[],
    jobs: readonly Job[],
  ): Promise<(Cost & { bytes: number; jobs: number })[]>
}

export function openHub(market: Market): Hub {
  const limits = settleSchema.parse({})
  const hasher = createHasher(market.domain, fastKeccak)
  const vouchers = new Map<Address, KeptVoucher>()
  const totals = new Map<string, bigint>()
  const credited = createCredited()
  let count = 0
  let last: { seq: bigint; hash: Hex } = { seq: 0n, hash: ZERO }

  return {
    async settle(signers, jobs) {
      const costs: (Cost & { bytes: number; jobs: number })[] = []
      const leaves = jobs[Symbol.iterator]()
      let next = nextLeaf(signers, leaves)
      while (next) {
        const signedMs = Date.now()
        const fits = createFit(limits, (payee: Payee) => credited.has(payee, signedMs))
        const builder = createBuilder(market.router.address, last, limits.partLeaves)
        for (; next && fits(next); next = nextLeaf(signers, leaves)) {
          builder.add(next)
          if (builder.leaves % TOLD === 0)
            process.stderr.write(`  ${builder.leaves} jobs in batch ${last.seq + 1n}\n`)
        }
        const batch = await withPauses(builder.build())
        costs.push({ ...(await send(batch.packed)), bytes: batch.packed.length, jobs: builder.leaves })
        credited.add(batch.packed, signedMs, Date.now())
        last = batch
      }
      return costs
    },
  }

  function send(packed: Uint8Array): Promise<Cost> {
    const call = { address: market.addresses.ledger, abi: computeLedgerAbi as Abi, functionName: 'settle' }
    return costOf(market, { ...call, args: [bytesToHex(packed)] })
  }

  function nextLeaf(signers: readonly Signer[], jobs: Iterator<Job>): UnpostedLeaf | undefined {
    const { done, value } = jobs.next()
    return done ? undefined : leafOf(signers[value.payer] as Signer, value)
  }

  /** A job as the router's journal holds it once it is acknowledged. */
  function leafOf(signer: Signer, { payer, node, pod, frontend, price }: Job): UnpostedLeaf {
    count += 1
    const add = (key: string, amount: bigint) => {
      const total = (totals.get(key) ?? 0n) + amount
      totals.set(key, total)
      return total
    }
    const body = {
      payer: signer.address,
      charged: add(`payer ${payer}`, price),
      count: add(`calls ${payer}`, 1n),
      request: wordOf(2 * count),
      receipt: wordOf(2 * count + 1),
      node: node + 1,
      nodeGross: add(`node ${node}`, price),
      pod: pod + 1,
      podGross: add(`pod ${pod}`, price),
      frontend: frontend + 1,
      frontendGross: add(`frontend ${frontend}`, price),
    }
    return { leaf: count, body, price, at: count, voucher: voucherOf(signer) }
  }

  function voucherOf(signer: Signer): KeptVoucher {
    const known = vouchers.get(signer.address)
    if (known) return known
    const terms = { ceiling: CREDIT, expiry: EXPIRY, request: keccak256(signer.address) }
    const digest = hasher.digest('Voucher', { router: market.router.address, ...terms })
    const compact = toCompact(signer.sign(digest))
    if (!compact) throw new Error('a signer of ours makes low s only')
    const voucher = { ...compact, ...terms }
    vouchers.set(signer.address, voucher)
    return voucher
  }
}

const wordOf = (number: number): Hex => toHex(number, { size: 32 })

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
