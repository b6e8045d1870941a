import Fastify, { type FastifyInstance } from 'fastify'
import { refused } from '../../sdk/errors.ts'
import type { ProbeLog } from './log.ts'

/** Where anyone fetches the evidence of a report: the very bytes whose hash it names. */
export function createDoor(probes: ProbeLog, now: () => number): FastifyInstance {
  const app = Fastify({ logger: false, bodyLimit: 1024, requestTimeout: 10_000 })
  app.get('/healthz', async () => ({ ok: true }))
  app.get<{ Params: { epoch: string } }>('/v1/probes/:epoch', async (request, reply) => {
    const { epoch } = request.params
    // The present epoch's log would tell nodes which calls are probes.
    const over = /^\d{1,6}$/.test(epoch) && Number(epoch) < now()
    const bytes = over ? probes.bytes(Number(epoch)) : new Uint8Array()
    if (bytes.length === 0) {
      const error = refused('probes.none', 'there is no probe log of that epoch', {
        fix: 'Ask for an epoch that is over: /v1/probes/<number>.',
        field: 'epoch',
      })
      return reply.code(404).send({ error: error.toJSON() })
    }
    return reply.type('application/x-ndjson').send(bytes)
  })
  return app
}
