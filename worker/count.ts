import type { Hex } from 'viem'
import { bug, refused } from '../sdk/errors.ts'
import { fastKeccak } from '../sdk/native.ts'
import { toHex } from '../sdk/protocol/bytes.ts'
import type { Manifest } from '../sdk/protocol/manifest.ts'
import { END, type Receipt, type Request } from '../sdk/protocol/messages.ts'
import { priceOf } from '../sdk/protocol/price.ts'
import type { Work } from './engines/engine.ts'

export interface Delivered {
  length: number
  /** Keccak-256 of the bytes that went out. */
  output: Hex
}

/**
 * The receipt for what was done and sent: everything in it is counted here, nothing is believed.
 *
 * @param completedAt  Unix seconds.
 * @throws `units.over_limit` (bug) if the engine did more than its manifest allows;
 *         `price.too_low` (refused) if the work costs more than the request allows.
 */
export function countReceipt(
  { request, hash, node, manifest }: { request: Request; hash: Hex; node: number; manifest: Manifest },
  work: Work,
  delivered: Delivered,
  completedAt: number,
): Receipt {
  const { limits, pricing } = manifest
  if (work.unitsIn > BigInt(limits.inputUnits) || work.unitsOut > BigInt(limits.outputUnits)) {
    throw bug('units.over_limit', 'The engine counted more units than the manifest allows.', {
      details: {
        unitsIn: work.unitsIn.toString(),
        unitsOut: work.unitsOut.toString(),
        mostIn: limits.inputUnits,
        mostOut: limits.outputUnits,
      },
    })
  }
  const price = priceOf(pricing, work.unitsIn, work.unitsOut)
  if (price > request.maxPrice) {
    throw refused('price.too_low', 'The work costs more than the request allows.', {
      fix: 'Ask for a quote first and allow its maxPrice.',
      details: { price: price.toString(), maxPrice: request.maxPrice.toString() },
    })
  }
  return {
    request: hash,
    node,
    unitsIn: work.unitsIn,
    unitsOut: work.unitsOut,
    length: BigInt(delivered.length),
    end: work.complete ? END.complete : END.clientLeft,
    price,
    output: delivered.output,
    evidence: toHex(fastKeccak(work.evidence)),
    completedAt,
  }
}
