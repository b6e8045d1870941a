import type { Address, Hex } from 'viem'
import type {
  AdmittedJob,
  AttemptRow,
  NewBatch,
  Op,
  ReceiptRow,
  UnpostedLeaf,
} from '../../keepers/router/ledger/ledger.ts'
import type { Leaf } from '../../sdk/protocol/merkle.ts'
import type { Request } from '../../sdk/protocol/messages.ts'
import type { Countersigned } from '../../sdk/protocol/wire.ts'

/** Well-formed values whose content does not matter: distinct by number. */

export const hash = (number: number | bigint): Hex => `0x${number.toString(16).padStart(64, '0')}`
export const address = (number: number): Address => `0x${number.toString(16).padStart(40, '0')}`
const SIGNATURE: Hex = `0x${'12'.repeat(65)}`

export const request = (number: number, changes: Partial<Request> = {}): Request => ({
  payer: address(1),
  id: hash(number),
  pod: 1,
  manifest: hash(99),
  frontend: 2,
  node: 0,
  maxPrice: 500n,
  deadline: 2_000_000_000,
  input: hash(7),
  ...changes,
})

export const admitted = (number: number, changes: Partial<Request> = {}): AdmittedJob => ({
  number,
  request: hash(1000 + number),
  body: request(number, changes),
  at: 10_000 + number,
})

export const attempt = (job: number, number = 1, node = 5): AttemptRow => ({
  job,
  attempt: number,
  node,
  at: 20_000 + job,
  decision: '{"seed":1}',
})

export const leaf = (number: number, changes: Partial<Leaf> = {}): Leaf => ({
  payer: address(1),
  charged: BigInt(number) * 100n,
  count: BigInt(number),
  request: hash(1000 + number),
  receipt: hash(2000 + number),
  node: 5,
  nodeGross: BigInt(number) * 100n,
  pod: 1,
  podGross: BigInt(number) * 100n,
  frontend: 2,
  frontendGross: BigInt(number) * 100n,
  ...changes,
})

export const countersigned = (number: number, price = 100n): Countersigned => ({
  receipt: {
    request: hash(1000 + number),
    node: 5,
    unitsIn: 3n,
    unitsOut: 5n,
    length: 4n,
    end: 0,
    price,
    output: hash(3000 + number),
    evidence: hash(8),
    completedAt: 1_700_000_000,
  },
  signature: SIGNATURE,
  provider: 'cpu',
  ack: {
    payer: address(1),
    charged: price * BigInt(number),
    count: BigInt(number),
    receipt: hash(2000 + number),
  },
  ackSignature: SIGNATURE,
})

export const receipt = (job: number, place = job, changes: Partial<Leaf> = {}): ReceiptRow => ({
  job,
  leaf: place,
  body: leaf(job, changes),
  price: 100n,
  countersigned: countersigned(job),
  at: 30_000 + job,
})

/** All that a delivered job commits. */
export const receipted = (job: number, changes: Partial<Leaf> = {}): Extract<Op, { op: 'job.receipted' }> => {
  const row = receipt(job, job, changes)
  const { body } = row
  return {
    op: 'job.receipted',
    receipt: row,
    output: new Uint8Array([job, 2, 3, 4]),
    account: { payer: body.payer as Address, charged: body.charged, count: body.count },
    gross: [
      { role: 'node', id: body.node, gross: body.nodeGross },
      { role: 'pod', id: body.pod, gross: body.podGross },
      { role: 'frontend', id: body.frontend, gross: body.frontendGross },
    ],
  }
}

export const voucher = (ceiling: bigint, expiry = 2_000_000_000) => ({
  ceiling,
  expiry,
  request: hash(4000),
  r: hash(4001),
  vs: hash(4002),
})

export const unposted = (
  number: number,
  changes: Partial<UnpostedLeaf> = {},
  body: Partial<Leaf> = {},
): UnpostedLeaf => ({
  leaf: number,
  body: leaf(number, body),
  price: 100n,
  at: 30_000 + number,
  voucher: voucher(1_000_000n),
  ...changes,
})

export const batch = (seq: bigint, firstLeaf: number, lastLeaf: number): NewBatch => ({
  seq,
  firstLeaf,
  lastLeaf,
  packed: new Uint8Array([1, Number(seq)]),
  index: new Uint8Array([2, Number(seq)]),
  crown: new Uint8Array([3, Number(seq)]),
  hash: hash(5000n + seq),
  root: hash(6000n + seq),
  gross: 100n * BigInt(lastLeaf - firstLeaf + 1),
})

export const tx = (number: number) => ({ hash: hash(7000 + number), raw: '0x1234' as Hex, nonce: number })
