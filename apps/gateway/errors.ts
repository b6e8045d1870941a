import type { HeuristError } from '../../sdk/errors.ts'

/** The error body that every OpenAI client understands; `fix` is ours and says what to do next. */
export interface OpenAiErrorBody {
  error: { message: string; type: string; param: string | null; code: string; fix?: string }
}

export interface OpenAiAnswer {
  status: number
  body: OpenAiErrorBody
  /** Seconds after which trying again makes sense; absent when it never does. */
  retryAfterSeconds?: number
}

interface Rule {
  status: number
  /** The code OpenAI uses for this, where clients switch on it; otherwise ours is passed on. */
  code?: string
}

/**
 * How our errors appear at this door. A `refused` code that is not listed was refused to the *gateway* by the
 * network (a signature, a voucher, a wrong receipt): the caller cannot mend it, so it is a 502, never a 4xx.
 */
const RULES: Record<string, Rule> = {
  'parameter.missing': { status: 400, code: 'missing_required_parameter' },
  'parameter.unknown': { status: 400, code: 'unknown_parameter' },
  'parameter.unsupported': { status: 400, code: 'unsupported_parameter' },
  'parameter.invalid': { status: 400, code: 'invalid_value' },
  'body.malformed': { status: 400, code: 'invalid_json' },
  'body.unsupported_type': { status: 415, code: 'unsupported_media_type' },
  'model.wrong_kind': { status: 400, code: 'model_not_supported' },
  'input.too_long': { status: 400, code: 'context_length_exceeded' },
  'api_key.missing': { status: 401, code: 'invalid_api_key' },
  'api_key.invalid': { status: 401, code: 'invalid_api_key' },
  'api_key.revoked': { status: 401, code: 'invalid_api_key' },
  'api_key.expired': { status: 401, code: 'invalid_api_key' },
  'api_key.unknown': { status: 404 },
  'api_key.too_many': { status: 409 },
  'api_key.quota_exhausted': { status: 402, code: 'insufficient_quota' },
  'session.missing': { status: 401 },
  'session.invalid': { status: 401 },
  'session.message_wrong': { status: 400 },
  'session.no_public_url': { status: 400 },
  'webhook.url_refused': { status: 400 },
  'webhook.unknown': { status: 404 },
  'operator.forbidden': { status: 403 },
  'deposit.unknown': { status: 404 },
  'deposit.not_yours': { status: 400 },
  'pod.not_allowed': { status: 403, code: 'model_not_allowed' },
  'rate.exceeded': { status: 429, code: 'rate_limit_exceeded' },
  'credit.insufficient': { status: 402, code: 'insufficient_quota' },
  'payment.required': { status: 402, code: 'payment_required' },
  'payment.invalid': { status: 402, code: 'payment_invalid' },
  'payment.failed': { status: 402, code: 'payment_failed' },
  'payment.owed': { status: 402, code: 'payment_owed' },
  'payment.wallet_unsupported': { status: 402, code: 'payment_wallet_unsupported' },
  'payment.malformed': { status: 400, code: 'payment_malformed' },
  'payment.one_answer': { status: 400, code: 'unsupported_parameter' },
  'payment.replayed': { status: 409, code: 'payment_replayed' },
  'payment.too_many': { status: 429, code: 'rate_limit_exceeded' },
  'sponsor.too_dear': { status: 402 },
  'sponsor.busy': { status: 429 },
  'sponsor.used_up': { status: 429 },
  'credit.thawing': { status: 402, code: 'insufficient_quota' },
  'pod.unknown': { status: 404, code: 'model_not_found' },
  'route.unknown': { status: 404, code: 'unknown_url' },
  'picture.unknown': { status: 404 },
  'request.expired': { status: 408 },
  'request.too_slow': { status: 408 },
  'request.id_reused': { status: 409 },
  'body.too_large': { status: 413 },
  'input.too_large': { status: 413 },
  'input.invalid': { status: 422 },
  'queue.full': { status: 429, code: 'rate_limit_exceeded' },
  'node.failed': { status: 502 },
  // Verified and paid for, but not what its kind of pod answers: the pod is broken, not this door.
  'output.unreadable': { status: 502 },
  'job.timeout': { status: 504 },
  // Seen only when the gateway itself stops: a caller that left reads no answer.
  'call.left': { status: 503 },
  'header.too_large': { status: 431 },
}

/** What the browser-side and server-side SDKs name by status. */
function typeOf(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 402) return 'insufficient_quota'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

const BY_KIND = { refused: 502, later: 503, bug: 500 } as const

/** Pure: one error of ours as status, body and retry time for an OpenAI client. */
export function toOpenAi(error: HeuristError): OpenAiAnswer {
  const rule = RULES[error.code]
  const status = rule?.status ?? BY_KIND[error.kind]
  const internal = status === 500
  const message = internal
    ? 'The gateway failed; nothing was charged for an answer you did not get.'
    : error.message
  const retry = retryAfterOf(error, status)
  return {
    status,
    body: {
      error: {
        message: error.fix === undefined || internal ? message : `${sentence(message)} ${error.fix}`,
        type: typeOf(status),
        param: error.field ?? null,
        code: rule?.code ?? error.code,
        ...(error.fix === undefined || internal ? {} : { fix: error.fix }),
      },
    },
    ...(retry === undefined ? {} : { retryAfterSeconds: retry }),
  }
}

function retryAfterOf(error: HeuristError, status: number): number | undefined {
  if (status !== 429 && status !== 503) return undefined
  const asked = error.details.retryAfterSeconds
  return typeof asked === 'number' && asked > 0 ? Math.ceil(asked) : 1
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)
