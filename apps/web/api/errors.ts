import type { FastifyError, FastifyInstance } from 'fastify'
import { asHeuristError, HeuristError, refused } from '../../../sdk/errors.ts'

const STATUS: Record<string, number> = {
  'document.unknown': 404,
  'share.unknown': 404,
  'share.secret_wrong': 403,
  'share.full': 507,
  'receipt.unknown': 404,
  'picture.unproven': 422,
  'body.too_large': 413,
  'body.unsupported_type': 415,
  'rate.limited': 429,
}
const KIND_STATUS = { refused: 400, later: 503, bug: 500 } as const

/** Errors of the page's own API: `{ error: { code, kind, message, fix } }`, and nothing of the inside. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler(async (thrown: FastifyError, request, reply) => {
    const error = fromFastify(thrown)
    const level = { refused: 'info', later: 'warn', bug: 'error' } as const
    request.log[level[error.kind]]({ event: 'api.failed', ...error.toJSON(), err: error.cause }, error.code)
    const seconds = error.details.retryAfterSeconds
    if (seconds !== undefined) reply.header('retry-after', String(seconds))
    const body =
      error.kind === 'bug' ? { code: 'bug', kind: 'bug', message: 'The server failed.' } : error.toJSON()
    return reply.code(STATUS[error.code] ?? KIND_STATUS[error.kind]).send({ error: body })
  })
}

function fromFastify(thrown: FastifyError): HeuristError {
  if (thrown instanceof HeuristError) return thrown
  if (thrown.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return refused('body.too_large', 'what was sent is too large', { fix: 'Send less.' })
  }
  if (thrown.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return refused('body.unsupported_type', 'the body must be JSON', {
      fix: "Send it with 'content-type: application/json'.",
    })
  }
  const status = thrown.statusCode ?? 500
  if (status >= 400 && status < 500) {
    return refused('request.unreadable', 'the request cannot be read', { cause: thrown })
  }
  return asHeuristError(thrown)
}
