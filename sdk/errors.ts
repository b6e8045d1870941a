/**
 * Who can mend it: `refused` the caller, `later` time, `bug` only we.
 * Choose where the error is thrown; nobody reads a message to decide.
 */
export type ErrorKind = 'refused' | 'later' | 'bug'

export interface ErrorFacts {
  /** What the caller should do next, one sentence. */
  fix?: string
  /** The field of the request that is wrong, as a dotted path. */
  field?: string
  /** Values worth showing: the two that disagreed, a limit, a retry time. JSON-safe. */
  details?: Record<string, string | number | boolean>
  cause?: unknown
}

/** Every error of ours that crosses a door: a stable `code` (`noun.problem`), a kind, a fix. */
export class HeuristError extends Error {
  readonly code: string
  readonly kind: ErrorKind
  readonly fix: string | undefined
  readonly field: string | undefined
  readonly details: Record<string, string | number | boolean>

  constructor(kind: ErrorKind, code: string, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.name = 'HeuristError'
    this.kind = kind
    this.code = code
    this.fix = facts.fix
    this.field = facts.field
    this.details = facts.details ?? {}
  }

  toJSON(): ErrorBody {
    return {
      code: this.code,
      kind: this.kind,
      message: this.message,
      ...(this.fix === undefined ? {} : { fix: this.fix }),
      ...(this.field === undefined ? {} : { field: this.field }),
      ...(Object.keys(this.details).length === 0 ? {} : { details: this.details }),
    }
  }
}

/** The wire form of an error, in HTTP bodies as `{ error: ErrorBody }`, in SSE `error` events and in frames. */
export interface ErrorBody {
  code: string
  kind: ErrorKind
  message: string
  fix?: string
  field?: string
  details?: Record<string, string | number | boolean>
}

export const refused = (code: string, message: string, facts?: ErrorFacts) =>
  new HeuristError('refused', code, message, facts)

export const later = (code: string, message: string, facts?: ErrorFacts) =>
  new HeuristError('later', code, message, facts)

export const bug = (code: string, message: string, facts?: ErrorFacts) =>
  new HeuristError('bug', code, message, facts)

/** Code that is fetched when it is first needed did not come. @param does  What that part does. */
export const partMissing = (does: string, cause: unknown) =>
  later('program.part_missing', `the part of this program that ${does} did not come`, {
    fix: 'See that the line is there; then try again.',
    cause,
  })

/** Rebuilds an error that crossed a wire. */
export function fromErrorBody(body: ErrorBody): HeuristError {
  return new HeuristError(body.kind, body.code, body.message, {
    ...(body.fix === undefined ? {} : { fix: body.fix }),
    ...(body.field === undefined ? {} : { field: body.field }),
    ...(body.details === undefined ? {} : { details: body.details }),
  })
}

/** Any thrown value as an error of ours: what we did not foresee is a `bug`, `unexpected`. */
export function asHeuristError(cause: unknown): HeuristError {
  if (cause instanceof HeuristError) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  return bug('unexpected', message, { cause })
}

/** What `checkAnswer` finds wrong with an answer. */
const WRONG = /^(receipt|ack)\./

/** Whether a call ended because its answer is wrong by itself, so that nothing of it is charged. */
export const isRejected = (cause: unknown): boolean => WRONG.test(asHeuristError(cause).code)
