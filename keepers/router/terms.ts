import type { Hex } from 'viem'
import { type HeuristError, later, refused } from '../../sdk/errors.ts'
import { fastKeccak, recoverSigner, toCompact } from '../../sdk/native.ts'
import { toHex } from '../../sdk/protocol/bytes.ts'
import type { Hasher } from '../../sdk/protocol/messages.ts'
import { CHARGE_LIMIT, maxPriceOf, unitLimitsOf } from '../../sdk/protocol/price.ts'
import { type Job, jobSchema, parseWire } from '../../sdk/protocol/wire.ts'
import type { ChainAccount } from '../world.ts'
import type { Account } from './books.ts'
import { stopping } from './failures.ts'
import type { KeptVoucher } from './ledger/ledger.ts'
import type { PodVersion } from './pods.ts'

/** On what terms a call is taken: the policy of admission, as pure functions of what is known. */

const HOUR_SECONDS = 3_600
/** A voucher must outlive any delay in posting it, and no longer than its payer can foresee. */
const LEAST_EXPIRY_SECONDS = 48 * HOUR_SECONDS
const MOST_EXPIRY_SECONDS = 7 * 24 * HOUR_SECONDS
/** Clients count from their own clock. */
const EXPIRY_SLACK_SECONDS = 300
/** A kept voucher that ends sooner is not relied on for new calls. */
const RELIABLE_SECONDS = 24 * HOUR_SECONDS

/** The width of a batch line's ceiling. */
const CEILING_LIMIT = 1n << 64n

/** What a job says about itself, checked against nothing but itself and this router. No clock, no ledger. */
export interface Checked {
  job: Job
  request: Hex
  input: Uint8Array
}

/** @throws the first thing that is wrong with the job itself. */
export function checkForm(body: unknown, here: { chainId: number; router: string; hasher: Hasher }): Checked {
  const job = parseWire(jobSchema, body, 'request.malformed')
  if (job.chainId !== here.chainId) {
    throw refused('chain.wrong', `This router serves chain ${here.chainId}, not ${job.chainId}.`, {
      fix: 'Sign for the chain that GET /v1/network names.',
      field: 'chainId',
      details: { chainId: job.chainId, expected: here.chainId },
    })
  }
  if (job.voucher.router !== here.router.toLowerCase()) {
    throw refused('router.wrong', 'The voucher names another router.', {
      fix: 'Sign for the router that GET /v1/network names.',
      field: 'voucher.router',
      details: { router: job.voucher.router, expected: here.router.toLowerCase() },
    })
  }
  const input = utf8.encode(job.input)
  const inputHash = toHex(fastKeccak(input))
  if (inputHash !== job.request.input) {
    throw refused('input.mismatch', 'request.input is not the hash of the input that came with it.', {
      fix: 'Send the input exactly as it was hashed: the same UTF-8 bytes.',
      field: 'input',
      details: { hash: inputHash, expected: job.request.input },
    })
  }
  const request = here.hasher.struct('Request', job.request)
  if (job.voucher.request !== request) {
    throw refused('voucher.mismatch', 'The voucher is not for this request.', {
      fix: 'voucher.request must be the EIP-712 struct hash of the request.',
      field: 'voucher.request',
      details: { request: job.voucher.request, expected: request },
    })
  }
  checkSignature(job, here.hasher)
  return { job, request, input }
}

function checkSignature({ request, voucher, signature }: Job, hasher: Hasher): void {
  if (!fitsVoucher(voucher.ceiling)) {
    throw refused('voucher.ceiling_too_high', 'A ceiling must be below 2^64.', {
      fix: 'Sign the sum of your charges plus the maxPrices in flight, no more.',
      field: 'voucher.ceiling',
    })
  }
  const recovered = recoverSigner(hasher.digest('Voucher', voucher), signature)
  if (recovered === request.payer) return
  if (recovered === undefined && isHighS(signature)) {
    throw refused('signature.malleable', 'The signature has its s in the upper half.', {
      fix: 'Use the twin with the low s: every current library makes it.',
      field: 'signature',
    })
  }
  throw refused('signature.invalid', 'The voucher is not signed by the payer.', {
    fix: 'Sign the Voucher with the key of request.payer, in the domain of GET /v1/network.',
    field: 'signature',
    details: { recovered: recovered ?? 'nobody', payer: request.payer },
  })
}

const fitsVoucher = (ceiling: bigint): boolean => ceiling < CEILING_LIMIT

/** Whether the signature would do with its low-s twin. */
function isHighS(signature: Hex): boolean {
  if (toCompact(signature)) return false
  const s = BigInt(`0x${signature.slice(66, 130)}`)
  return signature.length === 132 && s > HALF_ORDER && s < ORDER
}
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const HALF_ORDER = ORDER / 2n

/** How the router stands, as far as it decides whether any new call is taken. */
export interface House {
  stopping: boolean
  /** Whether its bond lets it settle what it would serve. */
  allowed: boolean
  /** Until when the ledger is paused, Unix seconds. */
  pausedUntil: number
}

/** A stopped router asks its callers to come back after so long. A pause may be ended early: no longer either. */
const CLOSED_SECONDS = 60

export const isPaused = ({ pausedUntil }: Pick<House, 'pausedUntil'>, nowSeconds: number): boolean =>
  nowSeconds < pausedUntil

/** Why no new call is taken, or undefined. Calls that were answered are answered again all the same. */
export function refusalOfHouse(house: House, nowSeconds: number): HeuristError | undefined {
  if (house.stopping) return stopping()
  if (!house.allowed) {
    return later('router.stopped', 'The bond of this router does not let it settle: it takes no new calls.', {
      fix: 'Use another router, or come back when this one has topped up its bond.',
      details: { retryAfterSeconds: CLOSED_SECONDS },
    })
  }
  if (!isPaused(house, nowSeconds)) return undefined
  const { pausedUntil } = house
  return later(
    'ledger.paused',
    'The ledger is paused: this router could not settle what it served, and takes no new calls.',
    {
      fix: 'Send the request again when the pause is over, at `pausedUntil` at the latest; withdrawals go on meanwhile.',
      details: { pausedUntil, retryAfterSeconds: Math.min(pausedUntil - nowSeconds, CLOSED_SECONDS) },
    },
  )
}

/** What the router knows when it decides on a new call. */
export interface AdmissionFacts {
  job: Job
  input: Uint8Array
  version: PodVersion
  nowSeconds: number
  account: Pick<Account, 'charged' | 'holds' | 'calls' | 'voucher'>
  chain: ChainAccount
  jobsPerPayer: number
}

/**
 * Credit that is left at this router: what was deposited and is neither charged nor held. Base units; below zero if
 * something was withdrawn meanwhile. Debits on chain are charges already counted; if the chain has more, it is right.
 */
export const availableOf = (chain: ChainAccount, account: Pick<Account, 'charged' | 'holds'>): bigint => {
  const uncounted = chain.spent - account.charged
  return chain.deposited - account.charged - (uncounted > 0n ? uncounted : 0n) - account.holds
}

/** What of a voucher its worth depends on. */
type Allowance = Pick<KeptVoucher, 'ceiling' | 'expiry'>

/** The voucher to rely on from now on: the kept one, unless the new one allows more or the kept one ends soon. */
export function bestVoucher<T extends Allowance>(kept: T | undefined, fresh: T, nowSeconds: number): T {
  if (!kept || kept.expiry < nowSeconds + RELIABLE_SECONDS) return fresh
  return fresh.ceiling > kept.ceiling ? fresh : kept
}

/**
 * Whether a new call may be served: terms, voucher, price, ceiling, credit. Pure.
 *
 * @returns The refusal, or undefined.
 */
export function refusalOf(facts: AdmissionFacts): HeuristError | undefined {
  return refusalOfTerms(facts) ?? refusalOfVoucher(facts) ?? refusalOfPrice(facts) ?? refusalOfCredit(facts)
}

function refusalOfTerms({ job, input, version, nowSeconds }: AdmissionFacts): HeuristError | undefined {
  const { inputBytes } = version.manifest.limits
  if (input.length > inputBytes) {
    return refused('input.too_large', `The input has ${input.length} bytes; this pod takes ${inputBytes}.`, {
      fix: 'Shorten the input.',
      field: 'input',
      details: { bytes: input.length, most: inputBytes },
    })
  }
  if (job.request.deadline <= nowSeconds) {
    return refused('request.expired', 'The deadline of the request is past.', {
      fix: 'Send a new request; check the clock if it should have time left.',
      field: 'request.deadline',
      details: { deadline: job.request.deadline, now: nowSeconds },
    })
  }
  return undefined
}

function refusalOfVoucher({ job, nowSeconds }: AdmissionFacts): HeuristError | undefined {
  const { expiry } = job.voucher
  const details = { expiry, now: nowSeconds }
  if (expiry <= nowSeconds) {
    return refused('voucher.expired', 'The voucher has expired.', {
      fix: 'Sign a new one, valid for 72 hours.',
      field: 'voucher.expiry',
      details,
    })
  }
  const least = nowSeconds + LEAST_EXPIRY_SECONDS - EXPIRY_SLACK_SECONDS
  const most = nowSeconds + MOST_EXPIRY_SECONDS + EXPIRY_SLACK_SECONDS
  if (expiry < least || expiry > most) {
    return refused('voucher.expiry_out_of_range', 'A voucher lives between 48 hours and 7 days.', {
      fix: 'Sign one that is valid for 72 hours.',
      field: 'voucher.expiry',
      details,
    })
  }
  return undefined
}

function refusalOfPrice({ job, input, version }: AdmissionFacts): HeuristError | undefined {
  const { maxPrice } = job.request
  if (maxPrice >= CHARGE_LIMIT) {
    return refused('price.too_high', 'maxPrice must be below 2^48 base units.', {
      fix: 'Allow what the quote says.',
      field: 'request.maxPrice',
    })
  }
  const needed = quoteOf(version, job.input, input.length)
  if (maxPrice >= needed) return undefined
  return refused('price.too_low', 'maxPrice is below what this input can cost.', {
    fix: 'Allow at least `needed`, or ask for less output.',
    field: 'request.maxPrice',
    details: { maxPrice: maxPrice.toString(), needed: needed.toString() },
  })
}

function refusalOfCredit(facts: AdmissionFacts): HeuristError | undefined {
  const { job, account, chain, nowSeconds } = facts
  const hold = job.request.maxPrice
  if (chain.thawing > 0n) {
    return refused('credit.thawing', 'This account is being withdrawn; a router serves it no more.', {
      fix: 'Cancel the thaw, or use another key.',
    })
  }
  const best = bestVoucher<Allowance>(account.voucher, job.voucher, nowSeconds)
  const needed = account.charged + account.holds + hold
  if (best.ceiling < needed) {
    return refused('voucher.ceiling_low', 'The ceiling does not cover what is charged and in flight.', {
      fix: 'Sign at least `needed`: all charges so far, all maxPrices in flight, and this one.',
      field: 'voucher.ceiling',
      details: { ceiling: best.ceiling.toString(), needed: needed.toString() },
    })
  }
  const available = availableOf(chain, account)
  if (available < hold) {
    return refused('credit.insufficient', 'The credit at this router does not cover this call.', {
      fix: 'Deposit at least `missing` base units.',
      details: {
        available: (available > 0n ? available : 0n).toString(),
        missing: (hold - available).toString(),
      },
    })
  }
  if (account.calls >= facts.jobsPerPayer) {
    return later('queue.full', 'This payer has as many calls in flight as one payer may have.', {
      fix: 'Wait for some of them to end.',
      details: { calls: account.calls, retryAfterSeconds: 1 },
    })
  }
  return undefined
}

/** What an input can cost at most. */
export function quoteOf(version: PodVersion, text: string, bytes: number): bigint {
  let input: unknown
  try {
    input = JSON.parse(text)
  } catch {
    // Not JSON: its engine will say so; until then the manifest's own bounds hold.
  }
  return maxPriceOf(version.manifest, unitLimitsOf(version.manifest, input, bytes))
}

const utf8 = new TextEncoder()
