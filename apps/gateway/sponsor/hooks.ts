import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { formatUsd } from '../../../sdk/units.ts'
import type { Rate } from '../rate.ts'
import { HOUSE } from '../till/till.ts'
import type { Guest, Sponsor } from './sponsor.ts'

/**
 * Lets callers without a key in, for sponsored pods, and spares accounts what is sponsored. Before `requireKey`, which
 * refuses whom nobody let in. Keys of the operator pay for themselves as ever.
 */
export function sponsorCalls(app: FastifyInstance, sponsor: Sponsor, rate: Rate): void {
  app.addHook('onRequest', async (request, reply) => {
    const { authorization } = request.headers
    if (authorization !== undefined || request.method !== 'POST' || request.caller !== undefined) return
    request.caller = sponsor.stranger(request.ip)
    rate.take(request.caller.key, sponsor.perMinute, reply)
  })

  // Once it is known who asks, and before anything is charged to anybody.
  app.addHook('preValidation', async (request, reply) => {
    const { caller, ip } = request
    const keyed = request.headers.authorization !== undefined
    if (caller === undefined || pays(request) || (keyed && caller.wallet === HOUSE)) return
    const guest = sponsor.guest(ip, keyed ? caller.key : undefined)
    let [sponsored, own] = [0, 0]
    request.caller = sponsor.besides(caller, guest, (free) => {
      if (free) sponsored += 1
      else own += 1
      reply.header('x-heurist-sponsored', sponsored === 0 ? 'false' : own === 0 ? 'true' : 'partly')
      tellLeft(reply, sponsor, guest)
    })
    request.guest = guest
  })

  // What a call did not use of its hold is left again.
  app.addHook('onSend', async ({ guest }, reply, payload) => {
    if (guest !== undefined && reply.hasHeader('x-heurist-sponsored')) tellLeft(reply, sponsor, guest)
    return payload
  })
}

/** Who sends a payment along means to pay. */
const pays = ({ headers }: FastifyRequest): boolean =>
  headers['payment-signature'] !== undefined || headers['x-payment'] !== undefined

function tellLeft(reply: FastifyReply, sponsor: Sponsor, guest: Guest): void {
  const { left, resets } = sponsor.leftFor(guest)
  reply.header('x-heurist-sponsored-left', formatUsd(left))
  reply.header('x-heurist-sponsored-resets', new Date(resets).toISOString())
}

declare module 'fastify' {
  interface FastifyRequest {
    /** As whom this request is counted in the free tier. */
    guest?: Guest
  }
}
