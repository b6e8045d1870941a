import type { Address, Hex } from 'viem'
import type { ChainReader } from './chain/reader.ts'
import { type HeuristError, refused } from './errors.ts'
import type { Manifest } from './protocol/manifest.ts'
import { END, type Hasher, type Receipt, type Request } from './protocol/messages.ts'
import { priceOf } from './protocol/price.ts'
import type { Countersigned } from './protocol/wire.ts'
import { type Recover, same } from './recover.ts'

/** Bytes in flight that a node may have sent before it learned that its client left. */
export const LEFT_ALLOWANCE = 65_536n

/** What the client knows of the delivery. */
export interface Delivery {
  /** How many output bytes arrived; undefined after a restart that lost the count. */
  read?: bigint
  /** Those bytes, where they are still at hand. */
  bytes?: Uint8Array
  /** Whether the client closed the connection, or it broke, before the receipt came. */
  left: boolean
  /** Nothing is in flight any more: all that the router delivers was read before its receipt. */
  all?: boolean
}

/** What the payer itself knows about a call when its receipt comes. */
export interface Expected {
  request: Hex
  message: Request
  manifest: Manifest
  delivery: Delivery
  router: Address
  /** What the router may have charged at most before this receipt: own sum plus other calls in flight. */
  mostBefore: bigint
  /** Receipts it may have counted at most before this one. */
  mostCount: bigint
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
  recover: Recover,
): Promise<void> {
  checkReceipt(answer, expected, hasher)
  const receipt = hasher.struct('Receipt', answer.receipt)
  checkAck(answer, expected, receipt)
  const signer = await recover(hasher.digestOf(receipt), answer.signature)
  if (!(await signsFor(answer.receipt, signer, chain))) {
    throw wrong('receipt.signature_invalid', `the receipt is not signed by node ${answer.receipt.node}`)
  }
  const router = await recover(hasher.digest('Ack', answer.ack), answer.ackSignature)
  if (!same(router, expected.router)) {
    throw wrong('ack.signature_invalid', 'the acknowledgement is not signed by the router of the voucher')
  }
}

function checkReceipt({ receipt }: Countersigned, expected: Expected, hasher: Hasher): void {
  const { message, manifest } = expected
  const { inputUnits, outputUnits, outputBytes } = manifest.limits
  if (receipt.request !== expected.request) {
    throw wrong('receipt.request_mismatch', 'the receipt is of another call')
  }
  if (message.node !== 0 && receipt.node !== message.node) {
    throw wrong('receipt.node_mismatch', `node ${receipt.node} answered, not node ${message.node}`)
  }
  if (receipt.unitsIn > BigInt(inputUnits) || receipt.unitsOut > BigInt(outputUnits)) {
    throw wrong('receipt.units_over_limit', 'the receipt counts more units than the pod allows')
  }
  const price = priceOf(manifest.pricing, receipt.unitsIn, receipt.unitsOut)
  if (receipt.price !== price) {
    throw wrong('receipt.price_mismatch', `the receipt asks ${receipt.price}, the manifest says ${price}`)
  }
  if (price > message.maxPrice) {
    throw wrong('receipt.price_over_max', `${price} is above maxPrice ${message.maxPrice}`)
  }
  if (receipt.length > BigInt(outputBytes)) {
    throw wrong('receipt.length_over_limit', `${receipt.length} bytes are more than the pod's ${outputBytes}`)
  }
  checkDelivery(receipt, expected.delivery, hasher)
}

/** The bytes that arrived are the bytes that were signed; what was signed beyond them was in flight. */
function checkDelivery(receipt: Receipt, { read, bytes, left, all }: Delivery, hasher: Hasher): void {
  if (!left && receipt.end === END.clientLeft) {
    throw wrong('receipt.end_mismatch', 'the receipt says that the client left; it did not')
  }
  const inFlight = left && !all
  if (read !== undefined && receipt.length > read + (inFlight ? LEFT_ALLOWANCE : 0n)) {
    const code = inFlight ? 'receipt.length_over_read' : 'receipt.output_mismatch'
    throw wrong(code, `the receipt is for ${receipt.length} bytes; ${read} were read`)
  }
  if (bytes === undefined || receipt.length > BigInt(bytes.length)) return
  const whole = receipt.end === END.complete
  const signed = whole ? bytes : bytes.subarray(0, Number(receipt.length))
  if (BigInt(signed.length) !== receipt.length || hasher.bytes(signed) !== receipt.output) {
    throw wrong('receipt.output_mismatch', `the ${bytes.length} bytes that arrived are not what was signed`)
  }
}

/** @param hash  Of the receipt's struct. */
function checkAck({ receipt, ack }: Countersigned, expected: Expected, hash: Hex): void {
  if (!same(ack.payer, expected.message.payer)) {
    throw wrong('ack.payer_mismatch', 'the acknowledgement names another payer')
  }
  if (ack.receipt !== hash) {
    throw wrong('ack.receipt_mismatch', 'the acknowledgement is of another receipt')
  }
  const most = expected.mostBefore + receipt.price
  if (ack.charged < receipt.price || ack.charged > most) {
    throw wrong('ack.charged_wrong', `the router counts ${ack.charged}; at most ${most} can be owed`)
  }
  if (ack.count < 1n || ack.count > expected.mostCount + 1n) {
    throw wrong(
      'ack.count_wrong',
      `the router counts ${ack.count} receipts; ${expected.mostCount + 1n} at most`,
    )
  }
}

/** Today's signer, read again if the remembered one differs, or the one of the receipt's time: a node may replace its key. */
async function signsFor(
  { node, completedAt }: Receipt,
  signer: Address | undefined,
  chain: ChainReader,
): Promise<boolean> {
  if (signer === undefined) return false
  if (same(await chain.signerOf(node), signer)) return true
  if (same(await chain.signerOf(node, { fresh: true }), signer)) return true
  return chain.wasSigner(node, signer, completedAt)
}

const wrong = (code: string, message: string): HeuristError =>
  refused(code, message, { fix: 'Nothing of this answer is charged. Report the router, or use another.' })
