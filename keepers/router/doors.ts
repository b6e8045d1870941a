import type { HeuristError } from '../../sdk/errors.ts'

/** The HTTP status of each of our errors; a code that is not here follows its kind. */
const STATUS: Record<string, number> = {
  'body.too_large': 413,
  'input.too_large': 413,
  'signature.malleable': 401,
  'signature.invalid': 401,
  'voucher.ceiling_low': 402,
  'price.too_low': 402,
  'credit.insufficient': 402,
  'credit.thawing': 402,
  'pod.unknown': 404,
  'frontend.unknown': 404,
  'receipt.unknown': 404,
  'batch.unknown': 404,
  'part.unknown': 404,
  'leaf.none': 404,
  'statement.none': 404,
  'route.unknown': 404,
  'output.forgotten': 410,
  'batch.forgotten': 410,
  'manifest.wrong': 409,
  'request.id_reused': 409,
  'queue.full': 429,
  'node.failed': 502,
  'job.timeout': 504,
}

export function statusOf({ code, kind }: HeuristError): number {
  const known = STATUS[code]
  if (known !== undefined) return known
  if (kind === 'refused') return 400
  return kind === 'later' ? 503 : 500
}

/** Seconds for `Retry-After`, for errors that time mends. */
export function retryAfterOf({ kind, details }: HeuristError): number | undefined {
  if (kind !== 'later') return undefined
  const seconds = details.retryAfterSeconds
  return typeof seconds === 'number' ? seconds : 1
}
