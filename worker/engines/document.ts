import type { z } from 'zod'
import { refused } from '../../sdk/errors.ts'

/** How a kind of pod speaks of its requests. */
export interface Wording {
  /** With its article: "a chat request". */
  readonly what: string
  /** What to send instead of something that is wrong. */
  readonly fix: string
  /** What to do about too many bytes. */
  readonly shorter: string
}

/**
 * The bytes that a client sent, as the document that a kind of pod reads.
 *
 * @param most  The manifest's `inputBytes`.
 * @throws `input.too_large` (refused) past `most`; `input.invalid` (refused) naming the field that is wrong, unknown
 *   or out of range.
 */
export function readDocument<T>(
  schema: z.ZodType<T>,
  input: Uint8Array,
  most: number,
  { what, fix, shorter }: Wording,
): T {
  if (input.byteLength > most) {
    throw refused('input.too_large', `The request has ${input.byteLength} bytes, the pod reads ${most}.`, {
      fix: shorter,
      details: { bytes: input.byteLength, most },
    })
  }
  const result = schema.safeParse(parsed(input, fix))
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const unknown = issue?.code === 'unrecognized_keys'
  const field = [...(issue?.path ?? []), ...(unknown ? issue.keys.slice(0, 1) : [])].join('.')
  const why = unknown ? `is not a field of ${what}` : issue?.message
  throw refused('input.invalid', `${field || 'request'}: ${why}`, { field, fix })
}

function parsed(input: Uint8Array, fix: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(input))
  } catch (cause) {
    throw refused('input.invalid', 'The request is not JSON in UTF-8.', { field: '', fix, cause })
  }
}
