import type { FastifyInstance } from 'fastify'
import { toOpenAi } from './errors.ts'
import { namedAs } from './jobs.ts'
import {
  failedResponse,
  finishedResponse,
  messageId,
  messageItem,
  parseResponse,
  type ResponseHead,
  responseHead,
  startedResponse,
  statusOf,
  textPart,
} from './responses.ts'
import { type Finish, fitChat, freshSeed, usageOf } from './sampling.ts'
import type { Events } from './sse.ts'
import { tell, type Voice } from './tell.ts'
import { answerWhole, chargedUntilLeft, type TextDeps } from './whole.ts'

const LIMIT = 'max_output_tokens'
const naming = namedAs('input', LIMIT)

export function responsesRoute(app: FastifyInstance, deps: TextDeps): void {
  app.post('/responses', async (request, reply) => {
    const call = parseResponse(request.body)
    const model = await deps.catalog.find(call.model, 'chat')
    const input = fitChat(call.input, model.manifest, freshSeed(), LIMIT)
    const headOf = (first: string) => responseHead(call, model.manifest, first)
    if (!call.stream) {
      const { call: first, choices, usage } = await answerWhole(request, reply, model, [input], deps, naming)
      return finishedResponse(headOf(first), choices[0]?.text ?? '', choices[0]?.finish ?? 'stop', usage)
    }
    const streams = [deps.payer.stream(model.name, input, chargedUntilLeft(request, reply, deps))]
    return tell(request, reply, streams, (events, first) => voice(events, headOf(first)), naming)
  })
}

/** One response in OpenAI's order: created, its only message and its only part opened, told, closed, completed. */
function voice(events: Events, head: ResponseHead): Voice {
  let sequence = 0
  let said = ''
  let finish: Finish = 'stop'
  const frame = (type: string, facts: object) => ({
    event: type,
    data: { type, sequence_number: sequence++, ...facts },
  })
  const send = (type: string, facts: object) => {
    const { event, data } = frame(type, facts)
    return events.send(data, event)
  }
  const inItem = { output_index: 0 }
  const inPart = { item_id: messageId(head), output_index: 0, content_index: 0 }

  return {
    async open() {
      const response = startedResponse(head)
      await send('response.created', { response })
      await send('response.in_progress', { response })
      await send('response.output_item.added', { ...inItem, item: messageItem(head, [], 'in_progress') })
      await send('response.content_part.added', { ...inPart, part: textPart('') })
    },
    async text(_, delta) {
      said += delta
      await send('response.output_text.delta', { ...inPart, delta, logprobs: [] })
    },
    async choice(_, end) {
      finish = end
      const part = textPart(said)
      await send('response.output_text.done', { ...inPart, text: said, logprobs: [] })
      await send('response.content_part.done', { ...inPart, part })
      await send('response.output_item.done', { ...inItem, item: messageItem(head, [part], statusOf(end)) })
    },
    async whole(answers) {
      const usage = usageOf(...answers.map(({ receipt }) => receipt))
      const response = finishedResponse(head, said, finish, usage)
      await send(`response.${response.status}`, { response })
    },
    close: events.end,
    // The typed event, then one with `error` inside, which is what makes OpenAI's clients throw.
    fail(error) {
      const { status, body } = toOpenAi(error)
      const { message, code, param } = body.error
      events.fail(
        frame('response.failed', { response: failedResponse(head, status, message) }),
        frame('error', { code, message, param, error: body.error }),
      )
    },
  }
}
