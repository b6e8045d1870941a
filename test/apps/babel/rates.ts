import type { ServerResponse } from 'node:http'

/** Discord's limits per route, told in its headers, enforced by 429. */
export interface Rates {
  /** @returns whether the request may go on; if not it was answered. */
  pass(route: string, response: ServerResponse): boolean
  /** Answers the next requests of routes that contain `part` with 429, whatever their bucket says. */
  refuse(part: string, times: number, retryAfter: number): void
  /** Requests that were answered with 429. */
  readonly refused: { count: number }
}

export interface RateTerms {
  /** Requests per bucket and window. */
  limit: number
  windowMs: number
}

export function openRates({ limit, windowMs }: RateTerms): Rates {
  const buckets = new Map<string, { left: number; until: number }>()
  const ordered: { part: string; times: number; retryAfter: number }[] = []
  const refused = { count: 0 }

  function tooMany(response: ServerResponse, retryAfter: number): false {
    refused.count += 1
    response.setHeader('Retry-After', String(retryAfter))
    response.setHeader('X-RateLimit-Scope', 'shared')
    response.writeHead(429, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify({ message: 'You are being rate limited.', retry_after: retryAfter, global: false }),
    )
    return false
  }

  return {
    refused,
    refuse: (part, times, retryAfter) => {
      ordered.push({ part, times, retryAfter })
    },
    pass(route, response) {
      const now = Date.now()
      const known = buckets.get(route)
      const bucket =
        known === undefined || known.until <= now ? { left: limit, until: now + windowMs } : known
      buckets.set(route, bucket)
      bucket.left -= 1
      const resetAfter = (bucket.until - now) / 1_000
      response.setHeader('X-RateLimit-Limit', String(limit))
      response.setHeader('X-RateLimit-Remaining', String(Math.max(0, bucket.left)))
      response.setHeader('X-RateLimit-Reset', String(bucket.until / 1_000))
      response.setHeader('X-RateLimit-Reset-After', String(resetAfter))
      response.setHeader(
        'X-RateLimit-Bucket',
        Buffer.from(route.replace(/\d{17,}/g, 'id'))
          .toString('hex')
          .slice(0, 32),
      )
      const order = ordered.find(({ part, times }) => times > 0 && route.includes(part))
      if (order !== undefined) {
        order.times -= 1
        return tooMany(response, order.retryAfter)
      }
      // Acknowledgements are not limited.
      if (route.endsWith('/callback') || bucket.left >= 0) return true
      return tooMany(response, resetAfter)
    },
  }
}
