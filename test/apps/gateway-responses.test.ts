import { expect } from 'chai'
import OpenAI from 'openai'
import { parseResponse, responseParameters } from '../../apps/gateway/responses.ts'
import { HeuristError, later, refused } from '../../sdk/errors.ts'
import { chatAnswer, eventsOf, openDoor, paidOf, streamOf, type TestDoor } from './door.ts'
import { failure, response, responseEvent } from './openai-shapes.ts'
import { thrownBy } from './thrown.ts'

const ask = { model: 'chat', input: 'What is a pod?' }
const units = { unitsIn: 9n, unitsOut: 7n, price: 37n }

function errorOf(more: object): HeuristError {
  try {
    parseResponse({ ...ask, ...more })
  } catch (cause) {
    if (cause instanceof HeuristError) return cause
    throw cause
  }
  throw new Error('nothing was refused')
}

describe('a response', () => {
  it("becomes the pod's input document: instructions first, then the messages, then how to sample", () => {
    const call = parseResponse({
      model: 'chat',
      instructions: 'Be brief.',
      input: [
        { role: 'developer', content: 'a' },
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'b' }] },
        {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          status: 'completed',
          content: [
            { type: 'output_text', text: 'c', annotations: [], logprobs: [], parsed: null },
            { type: 'output_text', text: 'd', annotations: [] },
          ],
        },
        { role: 'user', content: 'e' },
      ],
      max_output_tokens: 9,
      temperature: 0.5,
      top_p: 0.9,
      user: 'u',
      store: false,
      tools: [],
    })

    expect(call.input).to.deep.equal({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'system', content: 'a' },
        { role: 'user', content: 'b' },
        { role: 'assistant', content: 'cd' },
        { role: 'user', content: 'e' },
      ],
      max_tokens: 9,
      temperature: 0.5,
      top_p: 0.9,
    })
    expect(parseResponse(ask).input).to.deep.equal({ messages: [{ role: 'user', content: ask.input }] })
  })

  const user = { role: 'user', content: 'hi' }
  const wrong: [string, object, string, string][] = [
    ['no input', { input: null }, 'missing', 'input'],
    ['no model', { model: null }, 'missing', 'model'],
    ['an input that says nothing', { input: ' ' }, 'invalid', 'input'],
    ['no message', { input: [] }, 'invalid', 'input'],
    ['the last word not the user’s', { input: [user, { ...user, role: 'assistant' }] }, 'invalid', 'input'],
    ['a role that does not exist', { input: [{ ...user, role: 'tool' }] }, 'invalid', 'input[0].role'],
    [
      'the output of a tool',
      { input: [user, { type: 'function_call_output', call_id: '1', output: '' }] },
      'invalid',
      'input[1].type',
    ],
    [
      'a picture',
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'x' }] }] },
      'invalid',
      'input[0].content[0].type',
    ],
    ['an answer to continue', { previous_response_id: 'resp_1' }, 'unsupported', 'previous_response_id'],
    ['a wish to be kept', { store: true }, 'unsupported', 'store'],
    ['tools', { tools: [{ type: 'web_search' }] }, 'unsupported', 'tools'],
    ['a tool it must use', { tool_choice: 'required' }, 'invalid', 'tool_choice'],
    ['a JSON format', { text: { format: { type: 'json_object' } } }, 'invalid', 'text.format.type'],
    ['verbosity', { text: { verbosity: 'low' } }, 'invalid', 'text'],
    ['reasoning', { reasoning: { effort: 'high' } }, 'unsupported', 'reasoning'],
    ['work in the background', { background: true }, 'unsupported', 'background'],
    ['truncation', { truncation: 'auto' }, 'unsupported', 'truncation'],
    ['logprobs', { top_logprobs: 1 }, 'unsupported', 'top_logprobs'],
    ['max_tokens', { max_tokens: 1 }, 'unknown', 'max_tokens'],
    ['n', { n: 2 }, 'unknown', 'n'],
    ['no token', { max_output_tokens: 0 }, 'invalid', 'max_output_tokens'],
    ['stream options and no stream', { stream_options: {} }, 'invalid', 'stream_options'],
  ]
  for (const [title, more, problem, field] of wrong) {
    it(`with ${title} is refused naming ${field}`, () => {
      expect(errorOf(more)).to.include({ code: `parameter.${problem}`, field })
    })
  }

  it("accepts the values of OpenAI's parameters that ask for nothing, and refuses every other by name", () => {
    for (const [name, values] of Object.entries(responseParameters.neutral)) {
      for (const value of values) expect(parseResponse({ ...ask, [name]: value }).model).to.equal('chat')

      expect(errorOf({ [name]: 'other' })).to.include({ code: 'parameter.unsupported', field: name })
    }
    for (const name of responseParameters.unsupported) {
      expect(errorOf({ [name]: 'other' })).to.include({ code: 'parameter.unsupported', field: name })
    }
  })
})

describe("the openai client's responses", function () {
  this.timeout(600_000)
  let door: TestDoor
  let openai: OpenAI
  const broken = later('node.failed', 'node 3 died')

  before(async () => {
    door = await openDoor()
    openai = new OpenAI({ baseURL: `${door.url}/v1`, apiKey: door.key, maxRetries: 0 })
  })
  after(() => door.close())

  it('are whole answers that repeat the question as it was understood', async () => {
    door.pay({ chat: async () => chatAnswer(1, 'A recipe.', units) })
    const answer = await openai.responses.create({
      ...ask,
      instructions: 'Be brief.',
      metadata: { a: '1' },
      max_output_tokens: 20,
      top_p: 0.5,
    })
    const { output_text, ...sent } = answer

    expect(output_text).to.equal('A recipe.')
    expect(response.parse(sent)).to.include({
      status: 'completed',
      instructions: 'Be brief.',
      max_output_tokens: 20,
      top_p: 0.5,
      temperature: 0,
    })
    expect(sent.metadata).to.deep.equal({ a: '1' })
    expect(sent.usage).to.include({ input_tokens: 9, output_tokens: 7, total_tokens: 16 })
  })

  it('stream every event in its order, numbered from 0, and end as the whole answer', async () => {
    door.pay({ stream: () => streamOf(['A ', 'recipe', '.'], paidOf(1, units)) })
    const stream = openai.responses.stream(ask)
    const deltas: string[] = []
    stream.on('response.output_text.delta', ({ delta }) => deltas.push(delta))
    const final = await stream.finalResponse()
    const raw = await (await door.post('/responses', { ...ask, stream: true })).text()
    const events = eventsOf(raw)
    const parsed = events.map(({ data }) => responseEvent.parse(data))

    expect(deltas).to.deep.equal(['A ', 'recipe', '.'])
    expect([final.output_text, final.status]).to.deep.equal(['A recipe.', 'completed'])
    expect(final.usage).to.include({ input_tokens: 9, output_tokens: 7, total_tokens: 16 })
    expect(parsed.map(({ type }) => type)).to.deep.equal([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      ...deltas.map(() => 'response.output_text.delta'),
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(events.map(({ event }) => event)).to.deep.equal(parsed.map(({ type }) => type))
    expect(parsed.map((event) => event.sequence_number)).to.deep.equal(parsed.map((_, index) => index))
    expect(raw).to.match(/\n\n: x-heurist-price: 0\.000037; .*\n\n$/)
  })

  it('that their limit cut are incomplete and say why, streamed or not', async () => {
    const cut = { ...chatAnswer(1, 'A rec', units), finish: 'length' as const }
    door.pay({
      chat: async () => cut,
      stream: () => ({
        ...streamOf([], paidOf(1, units)),
        async *[Symbol.asyncIterator]() {
          yield { bytes: new Uint8Array(), text: 'A rec', finish: 'length' }
        },
      }),
    })
    const answers = [await openai.responses.create(ask), await openai.responses.stream(ask).finalResponse()]

    for (const answer of answers) {
      expect(answer.status).to.equal('incomplete')
      expect(answer.incomplete_details).to.deep.equal({ reason: 'max_output_tokens' })
      expect(answer.output[0]).to.include({ type: 'message', status: 'incomplete' })
    }
  })

  it('that fail before their first text are HTTP errors, streamed or not', async () => {
    const long = refused('input.too_long', 'too long', { field: 'messages' })
    for (const [error, status, param] of [
      [broken, 502, null],
      [long, 400, 'input'],
    ] as const) {
      door.pay({ chat: () => Promise.reject(error), stream: () => streamOf([], error) })
      for (const stream of [false, true]) {
        const thrown = await thrownBy(openai.responses.create({ ...ask, stream }))

        expect([thrown.status, thrown.param]).to.deep.equal([status, param])
        failure.parse({ error: thrown.error })
      }
    }
  })

  it('that fail midway tell so in an event, and the client throws it', async () => {
    door.pay({ stream: () => streamOf(['A '], broken) })
    const raw = await (await door.post('/responses', { ...ask, stream: true })).text()
    const events = eventsOf(raw).map(({ data }) => responseEvent.parse(data))
    const read = async () => {
      for await (const _ of await openai.responses.create({ ...ask, stream: true }));
    }

    expect(events.slice(-2).map(({ type }) => type)).to.deep.equal(['response.failed', 'error'])
    expect(events.at(-2)).to.have.nested.property('response.status', 'failed')
    expect((await thrownBy(read())).message).to.include('node 3 died')
    expect((await thrownBy(openai.responses.stream(ask).finalResponse())).message).to.include('node 3 died')
  })

  it('with a limit beyond the model are refused under the name that was used', async () => {
    const thrown = await thrownBy(openai.responses.create({ ...ask, max_output_tokens: 100_000 }))

    expect([thrown.status, thrown.param]).to.deep.equal([400, 'max_output_tokens'])
  })
})
