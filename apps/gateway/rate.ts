import type { FastifyReply } from 'fastify'
import { refused } from '../../sdk/errors.ts'

const MINUTE_MS = 60_000

export interface Rate {
  /** Counts one request. @throws `rate.exceeded` (refused) if this name has had its share of the present minute. */
  take(name: string, perMinute: number, reply: FastifyReply): void
}

/** Requests per name and minute: a bucket that fills evenly, told in the headers that OpenAI's clients read. */
export function openRate(now: () => number = Date.now): Rate {
  const buckets = new Map<string, { left: number; at: number }>()
  let swept = now()

  /** A bucket that is full again says nothing. */
  function sweep(): void {
    if (now() < swept + MINUTE_MS) return
    swept = now()
    for (const [name, { at }] of buckets) if (at < swept - MINUTE_MS) buckets.delete(name)
  }

  return {
    take(name, perMinute, reply) {
      sweep()
      const old = buckets.get(name) ?? { left: perMinute, at: now() }
      const filled = Math.min(perMinute, old.left + ((now() - old.at) * perMinute) / MINUTE_MS)
      const allowed = filled >= 1
      const left = allowed ? filled - 1 : filled
      buckets.set(name, { left, at: now() })
      const full = Math.ceil(((perMinute - left) * MINUTE_MS) / perMinute)
      reply.header('x-ratelimit-limit-requests', perMinute)
      reply.header('x-ratelimit-remaining-requests', Math.floor(left))
      reply.header('x-ratelimit-reset-requests', `${full}ms`)
      if (allowed) return
      throw refused('rate.exceeded', `More than ${perMinute} requests a minute`, {
        fix: 'Wait as long as Retry-After says.',
        details: { retryAfterSeconds: Math.ceil(((1 - filled) * MINUTE_MS) / perMinute / 1_000) },
      })
    },
  }
}
