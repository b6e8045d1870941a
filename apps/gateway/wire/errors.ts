import type { FastifyReply, FastifyRequest } from 'fastify'
import { asHeuristError, HeuristError } from '../../../sdk/errors.ts'
import { logError } from '../door.ts'
import { toOpenAi } from '../errors.ts'

/** The error body of Heurist's API: intentkit prints both, the SDK shows `message`. `field` is ours. */
export interface WireErrorBody {
  error: string
  message: string
  field?: string
}

/** Codes of this API alone; all others have the status they have at the OpenAI door. */
const STATUS: Record<string, number> = {
  'pod.ambiguous': 400,
  'job.unknown': 404,
  'job.id_reused': 409,
  'job.streaming': 409,
  'task.unsupported': 400,
  'task.unknown': 404,
  'task.id_reused': 409,
  'task.ended': 409,
  'task.too_many': 429,
  'node.none': 503,
}

/** Pure: one error of ours in this API's shape. */
export function toWireError(error: HeuristError) {
  const told = toOpenAi(error)
  const status = STATUS[error.code] ?? told.status
  const internal = status === 500
  const body: WireErrorBody = {
    error: internal ? 'unexpected' : error.code,
    message: told.body.error.message,
    ...(error.field === undefined || internal ? {} : { field: error.field }),
  }
  return { status, body, retryAfterSeconds: told.retryAfterSeconds }
}

export function sendWireError(cause: HeuristError, request: FastifyRequest, reply: FastifyReply) {
  const { status, body, retryAfterSeconds } = toWireError(cause)
  logError(cause, request)
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds)
  return reply.code(status).send(body)
}

/** The same error about the caller's own field. */
export function about(cause: unknown, rename: (field: string) => string): HeuristError {
  const error = asHeuristError(cause)
  if (error.field === undefined) return error
  const { fix, details } = error
  return new HeuristError(error.kind, error.code, error.message, {
    field: rename(error.field),
    details,
    cause,
    ...(fix === undefined ? {} : { fix }),
  })
}
