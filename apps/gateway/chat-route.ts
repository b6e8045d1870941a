import { randomInt } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { asHeuristError } from '../../sdk/errors.ts'
import type { AnswerStream } from '../../sdk/index.ts'
import type { Catalog, Model } from './catalog.ts'
import {
  type AnswerHead,
  type ChatCall,
  type ChatInput,
  chunk,
  completion,
  type Finish,
  fitChat,
  parseChat,
  usageChunk,
  usageOf,
} from './chat.ts'
import { logError } from './door.ts'
import { toOpenAi } from './errors.ts'
import { finishOf, type Payer } from './payer.ts'
import { leaving, receiptHeaders, receiptLine } from './receipts.ts'
import { openEvents } from './sse.ts'

interface Deps {
  catalog: Catalog
  payer: Payer
  stopping: AbortSignal
}

export function chatRoute(app: FastifyInstance, deps: Deps): void {
  app.post('/chat/completions', async (request, reply) => {
    const call = parseChat(request.body)
    const model = await deps.catalog.find(call.model, 'chat')
    const input = fitChat(call.input, model.manifest, randomInt(2 ** 32))
    const signal = AbortSignal.any([leaving(reply), deps.stopping])
    if (call.stream)
      return stream(request, reply, call, model, deps.payer.stream(model.name, input, { signal }))
    return whole(reply, model, input, signal, deps.payer)
  })
}

async function whole(reply: FastifyReply, model: Model, input: ChatInput, signal: AbortSignal, payer: Payer) {
  const answer = await payer.chat(model.name, input, { signal })
  reply.headers(receiptHeaders([answer]))
  return completion(headOf(model, answer.request), answer.text, answer.finish, usageOf(answer.receipt))
}

const headOf = (model: Model, request: string): AnswerHead => ({
  id: `chatcmpl-${request.slice(2, 34)}`,
  created: Math.floor(Date.now() / 1000),
  model: model.name,
  system_fingerprint: `fp_${model.manifestHash.slice(2, 12)}`,
})

/**
 * Until the first chunk is there a failure is still an HTTP status; after it, an `error` event and a closed
 * connection without `[DONE]`. The finish chunk waits until the receipt is verified.
 */
async function stream(
  request: FastifyRequest,
  reply: FastifyReply,
  call: ChatCall,
  model: Model,
  text: AnswerStream,
) {
  const chunks = text[Symbol.asyncIterator]()
  let next = await chunks.next()
  const head = headOf(model, await text.request)
  reply.header('x-heurist-receipt', await text.request)
  const events = openEvents(reply)
  try {
    await events.send(chunk(head, { role: 'assistant', content: '' }, null, call.includeUsage))
    let finish: Finish = 'stop'
    for (; !next.done; next = await chunks.next()) {
      const { text: content, finish: reason } = next.value
      if (content) await events.send(chunk(head, { content }, null, call.includeUsage))
      if (reason !== undefined) finish = finishOf(reason)
    }
    const answer = await text.answer
    await events.send(chunk(head, {}, finish, call.includeUsage))
    if (call.includeUsage) await events.send(usageChunk(head, usageOf(answer.receipt)))
    events.comment(receiptLine(answer))
    events.done()
  } catch (cause) {
    // Leaves the call if it still runs; what went wrong first is what is told.
    await chunks.return?.(undefined).catch(() => undefined)
    const error = asHeuristError(cause)
    logError(error, request)
    events.fail(toOpenAi(error).body)
  }
}
