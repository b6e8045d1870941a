import type { FastifyReply, FastifyRequest } from 'fastify'
import { asHeuristError, refused } from '../../../sdk/errors.ts'
import { logError } from '../door.ts'
import { finishOf } from '../payer.ts'
import { leaving } from '../receipts.ts'
import type { Finish } from '../sampling.ts'
import { receiptsOf, type WireContext } from './context.ts'
import { tooLate } from './jobs.ts'
import { openTextEvents, type Pending } from './streams.ts'
import { aboutText, choicesOf, textOf } from './text.ts'

/**
 * The answer of a submitted language job while it is made, once; afterwards, for a day, the same text at no charge.
 * A stream that is left costs what was delivered, and the job may be submitted again.
 *
 * @throws `job.unknown`, `job.streaming` (refused), and what the network refuses before the first text.
 */
export async function streamJob(
  context: WireContext,
  consumer: string,
  id: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { store, pending, stopping } = context
  const row = store.job(consumer, id)
  if (row !== undefined) {
    const events = openTextEvents(reply.headers(receiptsOf({ row })))
    await events.send(textOf(row.answer))
    return events.done()
  }
  const found = pending.find(consumer, id)
  if (found === undefined) {
    throw refused('job.unknown', 'There is no such job, or its deadline is over', {
      field: 'job_id',
      fix: "Submit it with 'use_stream', and open its stream before its deadline.",
    })
  }
  if (found.opened) {
    throw refused('job.streaming', 'The stream of this job is open already', { field: 'job_id' })
  }
  found.opened = true
  const late = AbortSignal.timeout(1000 * found.job.deadline)
  const signal = AbortSignal.any([leaving(reply, stopping), late])
  try {
    await follow(context, found, signal, request, reply)
  } catch (cause) {
    throw late.aborted ? tooLate(found.job.deadline) : aboutText(cause)
  } finally {
    pending.remove(consumer, id)
  }
}

async function follow(
  { payer, store, consumers }: WireContext,
  { consumer, job, pod }: Pending,
  signal: AbortSignal,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const text = payer.stream(pod, job.input, { caller: consumers.callerOf(consumer), signal })
  const pieces = text[Symbol.asyncIterator]()
  let next = await pieces.next()
  const receipt = await text.request
  const events = openTextEvents(reply.header('x-heurist-receipt', receipt))
  let whole = ''
  let finish: Finish = 'stop'
  try {
    for (; !next.done; next = await pieces.next()) {
      const { text: part, finish: reason } = next.value
      if (part) await events.send(part)
      whole += part ?? ''
      if (reason !== undefined) finish = finishOf(reason)
    }
    const { node } = (await text.answer).receipt
    const answer = choicesOf(whole, finish)
    store.keepJob({ consumer, job: job.id, content: job.content, answer, receipt, node, made: Date.now() })
    events.done()
  } catch (cause) {
    // Leaves the call if it still runs; what went wrong first is what is told.
    await pieces.return?.(undefined).catch(() => undefined)
    const error = asHeuristError(cause)
    logError(error, request)
    events.fail(error)
  }
}
