import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { completionInputs, completionParameters, parseCompletion } from '../../apps/gateway/completions.ts'
import type { ChatInput } from '../../apps/gateway/sampling.ts'
import { HeuristError, later, refused } from '../../sdk/errors.ts'
import { parseManifest } from '../../sdk/protocol/manifest.ts'
import { formatUsd } from '../../sdk/units.ts'
import { PODS } from '../market.ts'
import { callOf, chatAnswer, eventsOf, openDoor, paidOf, streamOf, type TestDoor } from './door.ts'

const manifest = parseManifest(readFileSync(join(PODS, 'chat', 'pod.yaml')))
const ask = { model: 'chat', prompt: 'What is a pod?' }

function errorOf(more: object): HeuristError {
  try {
    parseCompletion({ ...ask, ...more })
  } catch (cause) {
    if (cause instanceof HeuristError) return cause
    throw cause
  }
  throw new Error('nothing was refused')
}

describe('a text completion', () => {
  it('is one job per prompt and choice, the first prompt first, what it samples with unchanged', () => {
    const call = parseCompletion({
      model: 'chat',
      prompt: ['a', 'b'],
      n: 2,
      best_of: 2,
      max_tokens: 9,
      temperature: 0.5,
      top_p: 0.9,
      seed: 3,
      stop: ['x'],
      user: 'u',
      echo: false,
      logprobs: null,
    })
    const document = (content: string, seed: number) => ({
      messages: [{ role: 'user', content }],
      max_tokens: 9,
      temperature: 0.5,
      top_p: 0.9,
      stop: ['x'],
      seed,
    })

    expect(completionInputs(call, manifest, 1)).to.deep.equal([
      document('a', 3),
      document('a', 4),
      document('b', 3),
      document('b', 4),
    ])
  })

  const wrong: [string, object, string, string][] = [
    ['echo', { echo: true }, 'unsupported', 'echo'],
    ['a suffix', { suffix: 'the end' }, 'unsupported', 'suffix'],
    ['logprobs', { logprobs: 0 }, 'unsupported', 'logprobs'],
    ['a penalty', { presence_penalty: 1 }, 'unsupported', 'presence_penalty'],
    ['best of more than it returns', { best_of: 2 }, 'unsupported', 'best_of'],
    ['messages', { messages: [] }, 'unknown', 'messages'],
    ['token numbers', { prompt: [1, 2] }, 'invalid', 'prompt'],
    ['lists of token numbers', { prompt: [[1], [2]] }, 'invalid', 'prompt'],
    ['a prompt that says nothing', { prompt: ' ' }, 'invalid', 'prompt'],
    ['no prompt', { prompt: null }, 'missing', 'prompt'],
    ['too many answers', { prompt: ['a', 'b', 'c'], n: 6 }, 'invalid', 'n'],
    ['a wrong temperature', { temperature: 3 }, 'invalid', 'temperature'],
    ['stream options and no stream', { stream_options: {} }, 'invalid', 'stream_options'],
  ]
  for (const [title, more, problem, field] of wrong) {
    it(`with ${title} is refused naming ${field}`, () => {
      expect(errorOf(more)).to.include({ code: `parameter.${problem}`, field })
    })
  }

  it("accepts the values of OpenAI's parameters that ask for nothing", () => {
    for (const [name, values] of Object.entries(completionParameters.neutral)) {
      for (const value of values) expect(parseCompletion({ ...ask, [name]: value }).model).to.equal('chat')
    }
  })
})

describe('a call for several choices, when some fail', function () {
  this.timeout(600_000)
  let door: TestDoor
  const broken = later('node.failed', 'node 3 died')
  const units = (index: number) => ({
    unitsIn: 2n,
    unitsOut: BigInt(index),
    price: 10n ** BigInt(index),
  })
  const indexOf = (input: ChatInput) => input.seed ?? -1
  const answerAll = (fails: (index: number) => boolean) =>
    door.pay({
      chat: async (_, input) => {
        const index = indexOf(input)
        if (fails(index)) throw broken
        return chatAnswer(index, `text ${index}`, units(index))
      },
      stream: (_, input) => {
        const index = indexOf(input)
        return fails(index)
          ? streamOf(index === 0 ? [] : ['half'], broken, callOf(index))
          : streamOf(['text ', String(index)], paidOf(index, units(index)))
      },
    })

  before(async () => {
    door = await openDoor()
  })
  after(() => door.close())

  const routes = {
    '/v1/chat/completions': {
      body: { model: 'chat', messages: [{ role: 'user', content: 'hi' }] },
      text: (choice: Told) => choice.message?.content ?? choice.delta?.content ?? '',
    },
    '/completions': {
      body: { model: 'chat', prompt: 'hi' },
      text: (choice: Told) => choice.text ?? '',
    },
  }
  interface Told {
    index: number
    message?: { content: string }
    delta?: { content?: string }
    text?: string
    finish_reason: string | null
  }
  interface Body {
    choices: Told[]
    usage?: object | null
    errors?: { code: string }[]
    error?: { code: string }
  }

  for (const [path, { body, text }] of Object.entries(routes)) {
    it(`${path} returns and charges those that were answered, the failure beside them`, async () => {
      answerAll((index) => index === 1)
      const answer = await door.post(path, { ...body, n: 3, seed: 0 })
      const told = (await answer.json()) as Body

      expect(answer.status).to.equal(200)
      expect(told.choices.map((choice) => [choice.index, text(choice)])).to.deep.equal([
        [0, 'text 0'],
        [2, 'text 2'],
      ])
      expect(told.errors?.map(({ code }) => code)).to.deep.equal(['node.failed'])
      expect(told.usage).to.deep.equal({ prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 })
      expect(answer.headers.get('x-heurist-price')).to.equal(formatUsd(units(0).price + units(2).price))
      expect(answer.headers.get('x-heurist-receipt')).to.equal(`${callOf(0)}, ${callOf(2)}`)
    })

    it(`${path} streams the others to their end, then the failure and no [DONE]`, async () => {
      answerAll((index) => index < 2)
      const answer = await door.post(path, { ...body, n: 3, seed: 0, stream: true })
      const raw = await answer.text()
      const events = eventsOf(raw).map(({ data }) => data as Body)
      const choices = events.flatMap((event) => event.choices ?? [])
      const of = (index: number) => choices.filter((choice) => choice.index === index)

      expect(of(2).map(text).join('')).to.equal('text 2')
      expect(of(2).at(-1)?.finish_reason).to.equal('stop')
      expect(of(1).map(text).join('')).to.equal('half')
      expect([...of(0), ...of(1)].every((choice) => choice.finish_reason === null)).to.equal(true)
      expect(events.at(-1)?.error?.code).to.equal('node.failed')
      expect(raw).not.to.include('[DONE]')
    })

    it(`${path} streams all, with one usage and one line of receipts for all`, async () => {
      answerAll(() => false)
      const asked = { ...body, n: 3, seed: 0, stream: true, stream_options: { include_usage: true } }
      const answer = await door.post(path, asked)
      const raw = await answer.text()
      const events = eventsOf(raw).map(({ data }) => data as Body)

      expect(answer.headers.get('x-heurist-receipt')).to.equal([0, 1, 2].map(callOf).join(', '))
      expect(events.at(-1)).to.deep.include({
        choices: [],
        usage: { prompt_tokens: 6, completion_tokens: 3, total_tokens: 9 },
      })
      expect(events.slice(0, -1).every(({ usage }) => usage === null)).to.equal(true)
      expect(raw).to.match(/: x-heurist-price: 0\.000111; .*\n\ndata: \[DONE\]\n\n$/)
    })

    it(`${path} answers with the failure if nothing was answered, streamed or not`, async () => {
      door.pay({
        chat: () => Promise.reject(broken),
        stream: () => streamOf([], broken),
      })

      for (const stream of [false, true]) {
        const answer = await door.post(path, { ...body, n: 3, stream })

        expect(answer.status).to.equal(502)
        expect(((await answer.json()) as Body).error?.code).to.equal('node.failed')
        expect(answer.headers.get('x-heurist-price')).to.equal(null)
      }
    })
  }

  it('sixteen choices wait for a slow reader without one of them being forgotten', async () => {
    const warnings: Error[] = []
    const never = new AbortController().signal
    const warned = (warning: Error) => warnings.push(warning)
    process.on('warning', warned)
    const [pieces, text] = [40, 'x'.repeat(16 * 1024)]
    door.pay({
      stream: (_, input, { signal }) => {
        // As the sdk does: each call has a signal of its own, which follows the caller's.
        AbortSignal.any([signal ?? never, AbortSignal.timeout(60_000)]).onabort = () => undefined
        const index = indexOf(input)
        return streamOf(Array(pieces).fill(text), paidOf(index, { unitsIn: 1n, unitsOut: 1n, price: 1n }))
      },
    })
    const answer = await door.post('/v1/completions', { ...ask, n: 16, seed: 0, stream: true })
    // Until what is between them is full, so that all have to wait.
    await new Promise((resolve) => setTimeout(resolve, 500))
    const said = new Map<number, number>()
    for (const { data } of eventsOf(await answer.text())) {
      for (const { index, text: more } of (data as Body).choices) {
        said.set(index, (said.get(index) ?? 0) + (more ?? '').length)
      }
    }
    process.off('warning', warned)

    expect([...said.values()]).to.deep.equal(Array(16).fill(pieces * text.length))
    expect(warnings.map(({ message }) => message)).to.deep.equal([])
  })

  it('what the pod says of its messages is told of the prompt', async () => {
    const failures: [HeuristError, string][] = [
      [refused('input.too_long', 'x', { field: 'messages' }), 'prompt'],
      [refused('input.invalid', 'x', { field: 'messages.0.content' }), 'prompt'],
      [refused('input.too_large', 'x'), 'prompt'],
      [refused('input.invalid', 'x', { field: 'top_p' }), 'top_p'],
    ]
    for (const [failure, param] of failures) {
      door.pay({ chat: () => Promise.reject(failure), stream: () => streamOf([], failure) })
      for (const stream of [false, true]) {
        const { error } = (await (await door.post('/v1/completions', { ...ask, stream })).json()) as {
          error: { param: string }
        }

        expect(error.param).to.equal(param)
      }
    }
  })
})
