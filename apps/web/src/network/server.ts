import { z } from 'zod'
import { fromErrorBody, later } from '../../../../sdk/errors.ts'

/** This page's own server. */

const errorSchema = z.object({
  error: z.object({
    code: z.string(),
    kind: z.enum(['refused', 'later', 'bug']),
    message: z.string(),
    fix: z.exactOptional(z.string()),
  }),
})

/** A shared picture's proof is looked up before it is kept. */
const MOST_MS = 60_000

interface Asked {
  method: 'GET' | 'POST' | 'DELETE'
  body?: unknown
  /** Leaves the call. */
  signal?: AbortSignal
}

/** @throws what the server says; `page.unreachable` (later). */
export async function askServer(path: string, { method, body, signal }: Asked): Promise<Response> {
  const limit = AbortSignal.timeout(MOST_MS)
  const answer = await fetch(path, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  }).catch((cause: unknown) => {
    throw later('page.unreachable', 'the server of this page does not answer', { fix: 'Try again.', cause })
  })
  if (answer.ok) return answer
  const told = errorSchema.safeParse(await answer.json().catch(() => undefined))
  throw told.success
    ? fromErrorBody(told.data.error)
    : later('page.unreachable', `the server of this page answers ${answer.status}`, { fix: 'Try again.' })
}
