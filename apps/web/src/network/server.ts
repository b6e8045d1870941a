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

/** @throws what the server says; `page.unreachable` (later). */
export async function askServer(
  path: string,
  { method, body }: { method: string; body?: unknown },
): Promise<Response> {
  const answer = await fetch(path, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    signal: AbortSignal.timeout(60_000),
  }).catch((cause: unknown) => {
    throw later('page.unreachable', 'the server of this page does not answer', { fix: 'Try again.', cause })
  })
  if (answer.ok) return answer
  const told = errorSchema.safeParse(await answer.json().catch(() => undefined))
  throw told.success
    ? fromErrorBody(told.data.error)
    : later('page.unreachable', `the server of this page answers ${answer.status}`, { fix: 'Try again.' })
}
