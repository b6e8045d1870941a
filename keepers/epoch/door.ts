import Fastify, { type FastifyInstance } from 'fastify'
import { refused } from '../../sdk/errors.ts'
import { toWire } from '../../sdk/protocol/wire.ts'
import type { ProbeLog } from './log.ts'
import type { ReportStore } from './reports.ts'

type Asked = { Params: { epoch: string } }

/**
 * Where anyone fetches the evidence of a report, the very bytes whose hash it names, and its leaves, from which anyone
 * makes the proofs: `heurist epoch base`.
 */
export function createDoor(probes: ProbeLog, reports: ReportStore, now: () => number): FastifyInstance {
  const app = Fastify({ logger: false, bodyLimit: 1024, requestTimeout: 10_000 })
  /** The present epoch's log would tell nodes which calls are probes. */
  const over = (epoch: string) =>
    /^\d{1,6}$/.test(epoch) && Number(epoch) < now() ? Number(epoch) : undefined

  app.get('/healthz', async () => ({ ok: true }))
  app.get<Asked>('/v1/probes/:epoch', async ({ params }, reply) => {
    const epoch = over(params.epoch)
    const bytes = epoch === undefined ? new Uint8Array() : probes.bytes(epoch)
    if (bytes.length === 0) return reply.code(404).send(nothing('probes', 'probe log'))
    return reply.type('application/x-ndjson').send(bytes)
  })
  app.get<Asked>('/v1/reports/:epoch', async ({ params }, reply) => {
    const epoch = over(params.epoch)
    const report = epoch === undefined ? undefined : reports.read(epoch)
    if (!report) return reply.code(404).send(nothing('report', 'report'))
    return reply.type('application/json').send(toWire(report))
  })
  return app
}

function nothing(noun: string, what: string) {
  const error = refused(`${noun}.none`, `there is no ${what} of that epoch`, {
    fix: 'Ask for the number of an epoch that is over.',
    field: 'epoch',
  })
  return { error: error.toJSON() }
}
