import { later } from '../../../../sdk/errors.ts'

/** Whether the router answers at all. @throws `router.unreachable` (later). */
export async function askRouter(routerUrl: string): Promise<void> {
  const answer = await fetch(new URL('/healthz', routerUrl), { signal: AbortSignal.timeout(8_000) }).catch(
    (cause: unknown) => {
      throw later('router.unreachable', 'the router does not answer', { cause })
    },
  )
  if (!answer.ok) throw later('router.unreachable', `the router answers ${answer.status}`)
}
