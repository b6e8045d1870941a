import type { FastifyInstance } from 'fastify'
import { type ChatCall, chunk, completion, parseChat, usageChunk } from './chat.ts'
import { toOpenAi } from './errors.ts'
import { namedAs } from './jobs.ts'
import { type AnswerHead, choicesOf, fitChat, freshSeed, usageOf } from './sampling.ts'
import type { Events } from './sse.ts'
import { tell, type Voice } from './tell.ts'
import { answerWhole, chargedUntilLeft, headOf, type TextDeps } from './whole.ts'

export function chatRoute(app: FastifyInstance, deps: TextDeps): void {
  app.post('/chat/completions', async (request, reply) => {
    const call = parseChat(request.body)
    const naming = namedAs('messages', call.limitName)
    const model = await deps.catalog.find(call.model, 'chat')
    const fitted = fitChat(call.input, model.manifest, freshSeed(), call.limitName)
    const inputs = choicesOf(fitted, call.n)
    if (!call.stream) {
      const whole = await answerWhole(request, reply, model, inputs, deps, naming)
      return completion(headOf('chatcmpl', model, whole.call), whole)
    }
    const options = chargedUntilLeft(request, reply, deps)
    const streams = inputs.map((input) => deps.payer.stream(model.name, input, options))
    const voiceOf = (events: Events, first: string) => voice(events, headOf('chatcmpl', model, first), call)
    return tell(request, reply, streams, voiceOf, naming)
  })
}

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
  fail: (error) => events.fail({ data: toOpenAi(error).body }),
})
