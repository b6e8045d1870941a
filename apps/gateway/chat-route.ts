import { randomInt } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Catalog, Model } from './catalog.ts'
import { type ChatCall, chunk, completion, parseChat, usageChunk } from './chat.ts'
import { logError } from './door.ts'
import { toOpenAi } from './errors.ts'
import { settleJobs } from './jobs.ts'
import type { Payer } from './payer.ts'
import { leaving, receiptHeaders } from './receipts.ts'
import { type AnswerHead, type ChatInput, choicesOf, fitChat, usageOf } from './sampling.ts'
import type { Events } from './sse.ts'
import { tell, type Voice } from './tell.ts'

export interface TextDeps {
  catalog: Catalog
  payer: Payer
  stopping: AbortSignal
}

export function chatRoute(app: FastifyInstance, deps: TextDeps): void {
  app.post('/chat/completions', async (request, reply) => {
    const call = parseChat(request.body)
    const model = await deps.catalog.find(call.model, 'chat')
    const fitted = fitChat(call.input, model.manifest, randomInt(2 ** 32), call.limitName)
    const inputs = choicesOf(fitted, call.n)
    const signal = AbortSignal.any([leaving(reply), deps.stopping])
    if (!call.stream) return whole(request, reply, model, inputs, signal, deps.payer)
    const streams = inputs.map((input) => deps.payer.stream(model.name, input, { signal }))
    return tell(request, reply, streams, (events, first) => voice(events, headOf(model, first), call))
  })
}

async function whole(
  request: FastifyRequest,
  reply: FastifyReply,
  model: Model,
  inputs: readonly ChatInput[],
  signal: AbortSignal,
  payer: Payer,
) {
  const jobs = inputs.map((input) => payer.chat(model.name, input, { signal }))
  const { answers, failures } = await settleJobs(jobs)
  for (const each of failures) logError(each, request)
  const paid = answers.map(({ answer }) => answer)
  reply.headers(receiptHeaders(paid))
  return completion(
    headOf(model, paid[0]?.request ?? '0x'),
    answers.map(({ index, answer }) => ({ index, text: answer.text, finish: answer.finish })),
    usageOf(...paid.map(({ receipt }) => receipt)),
    failures.map((each) => toOpenAi(each).body),
  )
}

const headOf = (model: Model, call: string): AnswerHead => ({
  id: `chatcmpl-${call.slice(2, 34)}`,
  created: Math.floor(Date.now() / 1000),
  model: model.name,
  system_fingerprint: `fp_${model.manifestHash.slice(2, 12)}`,
})

const voice = (events: Events, head: AnswerHead, { n, includeUsage }: ChatCall): Voice => ({
  async open() {
    for (let index = 0; index < n; index += 1) {
      await events.send(chunk(head, { role: 'assistant', content: '' }, null, includeUsage, index))
    }
  },
  text: (index, content) => events.send(chunk(head, { content }, null, includeUsage, index)),
  choice: (index, finish) => events.send(chunk(head, {}, finish, includeUsage, index)),
  async whole(answers) {
    const usage = usageOf(...answers.map(({ receipt }) => receipt))
    if (includeUsage) await events.send(usageChunk(head, usage))
  },
  close: events.done,
  fail: (error) => events.fail(toOpenAi(error).body),
})
