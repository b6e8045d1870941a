import type { FastifyInstance } from 'fastify'
import {
  completionInputs,
  parseCompletion,
  textChunk,
  textCompletion,
  textUsageChunk,
} from './completions.ts'
import { toOpenAi } from './errors.ts'
import { namedAs } from './jobs.ts'
import { type AnswerHead, freshSeed, usageOf } from './sampling.ts'
import type { Events } from './sse.ts'
import { tell, type Voice } from './tell.ts'
import { answerWhole, chargedUntilLeft, headOf, type TextDeps } from './whole.ts'

const naming = namedAs('prompt')

export function completionsRoute(app: FastifyInstance, deps: TextDeps): void {
  app.post('/completions', async (request, reply) => {
    const call = parseCompletion(request.body)
    const model = await deps.catalog.find(call.model, 'chat')
    const inputs = completionInputs(call, model.manifest, freshSeed())
    if (!call.stream) {
      const whole = await answerWhole(request, reply, model, inputs, deps, naming)
      return textCompletion(headOf('cmpl', model, whole.call), whole)
    }
    const options = chargedUntilLeft(request, reply, deps)
    const streams = inputs.map((input) => deps.payer.stream(model.name, input, options))
    const voiceOf = (events: Events, first: string) =>
      voice(events, headOf('cmpl', model, first), call.includeUsage)
    return tell(request, reply, streams, voiceOf, naming)
  })
}

const voice = (events: Events, head: AnswerHead, includeUsage: boolean): Voice => ({
  open: async () => undefined,
  text: (index, text) => events.send(textChunk(head, index, text, null, includeUsage)),
  choice: (index, finish) => events.send(textChunk(head, index, '', finish, includeUsage)),
  async whole(answers) {
    const usage = usageOf(...answers.map(({ receipt }) => receipt))
    if (includeUsage) await events.send(textUsageChunk(head, usage))
  },
  close: events.done,
  fail: (error) => events.fail({ data: toOpenAi(error).body }),
})
