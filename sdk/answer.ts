import type { Address, Hex } from 'viem'
import { recoverAddress } from 'viem'
import type { ChainReader } from './chain/reader.ts'
import { type HeuristError, refused } from './errors.ts'
import type { Manifest } from './protocol/manifest.ts'
import { END, type Hasher, type Request } from './protocol/messages.ts'
import { priceOf } from './protocol/price.ts'
import type { Countersigned } from './protocol/wire.ts'

/** Bytes in flight that a node may have sent before it learned that its client left. */
export const LEFT_ALLOWANCE = 65_536n

/** What the payer itself knows about a call when its receipt comes. */
export interface Expected {
  request: Hex
  message: Request
  manifest: Manifest
  /** Hash and count of the bytes that were read; undefined after a restart that lost them. */
  read?: { length: bigint; digest: Hex }
  /** Bytes read before the client left; undefined if it stayed. */
  left?: bigint
  router: Address
  /** What the router may have charged at most before this receipt: own sum plus other calls in flight. */
  mostBefore: bigint
}

/**
 * Checks everything a payer can check of one answer: bytes, units, price, both signatures, the running total.
 *
 * @throws `receipt.*`, `ack.*` (refused): the answer is rejected and nothing of it is charged.
 */
export async function checkAnswer(
  answer: Countersigned,
  expected: Expected,
  hasher: Hasher,
  chain: ChainReader,
): Promise<void> {
  checkReceipt(answer, expected)
  checkAck(answer, expected, hasher)
  const signer = await recover(hasher.digest('Receipt', answer.receipt), answer.signature)
  if (!(await signsFor(answer.receipt.node, signer, chain))) {
    throw wrong('receipt.signature_invalid', `the receipt is not signed by node ${answer.receipt.node}`)
  }
  const router = await recover(hasher.digest('Ack', answer.ack), answer.ackSignature)
  if (!same(router, expected.router)) {
    throw wrong('ack.signature_invalid', 'the acknowledgement is not signed by the router of the voucher')
  }
}

function checkReceipt({ receipt }: Countersigned, expected: Expected): void {
  const { message, manifest, read } = expected
  if (receipt.request !== expected.request)
    throw wrong('receipt.request_mismatch', 'the receipt is of another call')
  if (message.node !== 0 && receipt.node !== message.node) {
    throw wrong('receipt.node_mismatch', `node ${receipt.node} answered, not node ${message.node}`)
  }
  if (
    receipt.unitsIn > BigInt(manifest.limits.inputUnits) ||
    receipt.unitsOut > BigInt(manifest.limits.outputUnits)
  ) {
    throw wrong('receipt.units_over_limit', 'the receipt counts more units than the pod allows')
  }
  const price = priceOf(manifest.pricing, receipt.unitsIn, receipt.unitsOut)
  if (receipt.price !== price) {
    throw wrong('receipt.price_mismatch', `the receipt asks ${receipt.price}, the manifest says ${price}`)
  }
  if (price > message.maxPrice)
    throw wrong('receipt.price_over_max', `${price} is above maxPrice ${message.maxPrice}`)
  if (receipt.end === END.clientLeft) checkLeft(receipt.length, expected.left)
  else if (read && (read.length !== receipt.length || read.digest !== receipt.output)) {
    throw wrong('receipt.output_mismatch', `the ${read.length} bytes that arrived are not what was signed`)
  }
}

function checkLeft(length: bigint, left: bigint | undefined): void {
  if (left === undefined)
    throw wrong('receipt.end_mismatch', 'the receipt says that the client left; it did not')
  if (length > left + LEFT_ALLOWANCE) {
    throw wrong(
      'receipt.length_over_read',
      `the receipt is for ${length} bytes; ${left} were read before leaving`,
    )
  }
}

function checkAck({ receipt, ack }: Countersigned, expected: Expected, hasher: Hasher): void {
  if (!same(ack.payer, expected.message.payer))
    throw wrong('ack.payer_mismatch', 'the acknowledgement names another payer')
  if (ack.receipt !== hasher.struct('Receipt', receipt)) {
    throw wrong('ack.receipt_mismatch', 'the acknowledgement is of another receipt')
  }
  const most = expected.mostBefore + receipt.price
  if (ack.charged < receipt.price || ack.charged > most) {
    throw wrong('ack.overcharged', `the router counts ${ack.charged}; at most ${most} can be owed`)
  }
}

/** Today's signer, read again if the remembered one differs: a node may have replaced its key. */
async function signsFor(node: number, signer: Address | undefined, chain: ChainReader): Promise<boolean> {
  if (signer === undefined) return false
  if (same(await chain.signerOf(node), signer)) return true
  return same(await chain.signerOf(node, { fresh: true }), signer)
}

async function recover(hash: Hex, signature: Hex): Promise<Address | undefined> {
  try {
    return await recoverAddress({ hash, signature })
  } catch {
    return undefined
  }
}

const same = (a: string | undefined, b: string | undefined): boolean =>
  a !== undefined && a.toLowerCase() === b?.toLowerCase()

const wrong = (code: string, message: string): HeuristError =>
  refused(code, message, { fix: 'Nothing of this answer is charged. Report the router, or use another.' })
