import type { z } from 'zod'
import { bug, type ErrorBody, fromErrorBody, later } from '../sdk/errors.ts'

/**
 * Reads one of a router's public documents.
 *
 * @throws what the router says, `router.unreachable` (later), `router.unreadable` (bug) if it answers something else.
 */
export async function askRouter<T extends z.ZodType>(
  routerUrl: string,
  path: string,
  schema: T,
): Promise<z.output<T>> {
  const response = await fetch(`${routerUrl}${path}`, { signal: AbortSignal.timeout(10_000) }).catch(
    (cause: unknown) => {
      throw later('router.unreachable', `no router answers at ${routerUrl}`, {
        fix: 'Start the network with `npm start`, or name another router with --router URL.',
        cause,
      })
    },
  )
  const body: unknown = await response.json()
  if (!response.ok) throw fromErrorBody((body as { error: ErrorBody }).error)
  const result = schema.safeParse(body)
  if (!result.success) throw bug('router.unreadable', `${path}: ${result.error.issues[0]?.message}`)
  return result.data
}
