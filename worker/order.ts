import type { Hex } from 'viem'
import { type HeuristError, later, refused } from '../sdk/errors.ts'
import { fastKeccak } from '../sdk/native.ts'
import { toHex } from '../sdk/protocol/bytes.ts'
import { decodeJob } from '../sdk/protocol/frames.ts'
import { type JobHeader, jobHeaderSchema } from '../sdk/protocol/link.ts'
import type { Manifest } from '../sdk/protocol/manifest.ts'
import type { Hasher, Request } from '../sdk/protocol/messages.ts'
import { parseWire } from '../sdk/protocol/wire.ts'
import { RECEIVED_KEPT_MS } from './receipts.ts'

/** A job as a router sends it, with the hash that we computed ourselves. */
export interface Order extends JobHeader {
  hash: Hex
  input: Uint8Array
}

/** @throws `request.malformed` (refused). */
export function parseOrder(payload: Uint8Array, hasher: Hasher): Order {
  let raw: ReturnType<typeof decodeJob>
  try {
    raw = decodeJob(payload)
  } catch (cause) {
    throw refused('request.malformed', 'The job order is cut off or its header is not JSON.', { cause })
  }
  const header = parseWire(jobHeaderSchema, raw.header, 'request.malformed')
  return { ...header, hash: hasher.struct('Request', header.request), input: raw.input }
}

/**
 * Whether this node may take the order: everything that can be known before any work.
 *
 * @param nowMs  Unix milliseconds.
 * @returns The refusal, or undefined.
 */
export function refusalOf(order: Order, node: number, nowMs: number): HeuristError | undefined {
  const { request } = order
  if (request.node !== 0 && request.node !== node) {
    return refused('node.wrong', `The request names node ${request.node}; this is node ${node}.`)
  }
  if (toHex(fastKeccak(order.input)) !== request.input) {
    return refused('input.mismatch', 'The input is not the one that the request names.')
  }
  if (request.deadline * 1000 < nowMs) {
    return refused('request.expired', 'The deadline of the request is past.', {
      fix: 'Send a new request. If it should have time left, check the clocks of payer and node.',
      details: { deadline: request.deadline, now: Math.floor(nowMs / 1000) },
    })
  }
  // Later than that the receipt of the first time may be forgotten, and a second signature would convict this node.
  if (request.deadline * 1000 > nowMs + RECEIVED_KEPT_MS) {
    return refused('request.deadline_far', 'The deadline of the request is more than a day ahead.', {
      fix: 'Send a request whose deadline is within 24 hours.',
      details: { deadline: request.deadline, now: Math.floor(nowMs / 1000) },
    })
  }
  if (order.deadlineMs <= nowMs) {
    return later('job.timeout', 'The router waits no longer for this job.')
  }
  return undefined
}

/** What the pod's own limits refuse before any work. */
export function podRefusalOf(
  request: Request,
  input: Uint8Array,
  manifest: Manifest,
): HeuristError | undefined {
  if (input.length > manifest.limits.inputBytes) {
    return refused('input.too_large', `The input has ${input.length} bytes.`, {
      details: { bytes: input.length, most: manifest.limits.inputBytes },
    })
  }
  if (request.maxPrice < BigInt(manifest.pricing.minimum)) {
    return refused('price.too_low', 'The request allows less than the least price of the pod.', {
      details: { maxPrice: request.maxPrice.toString(), minimum: manifest.pricing.minimum },
    })
  }
  return undefined
}
