import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { chatParameters, chunk, completion, parseChat, usageChunk } from '../../apps/gateway/chat.ts'
import { completionParameters } from '../../apps/gateway/completions.ts'
import { embeddingParameters } from '../../apps/gateway/embeddings.ts'
import { toOpenAi } from '../../apps/gateway/errors.ts'
import { imageInputs, imageParameters, parseImages } from '../../apps/gateway/images.ts'
import { sizeOf } from '../../apps/gateway/images-route.ts'
import { formatPath } from '../../apps/gateway/parameters.ts'
import { responseParameters } from '../../apps/gateway/responses.ts'
import { choicesOf, fitChat, type Usage, usageOf } from '../../apps/gateway/sampling.ts'
import { bug, HeuristError, later, refused } from '../../sdk/errors.ts'
import { parseManifest } from '../../sdk/protocol/manifest.ts'

const manifest = parseManifest(readFileSync(join(import.meta.dirname, '../../pods/chat/pod.yaml')))
const hello = { model: 'chat', messages: [{ role: 'user', content: 'hi' }] }
const said = { index: 0, text: 'yes', finish: 'length' as const }
const wholeOf = (usage: Usage) => ({ choices: [said], usage, failures: [] })
const head = { id: 'chatcmpl-1', created: 7, model: 'chat', system_fingerprint: 'fp_1' }

function errorOf(work: () => unknown): HeuristError {
  try {
    work()
  } catch (cause) {
    if (cause instanceof HeuristError) return cause
    throw cause
  }
  throw new Error('nothing was refused')
}
const chatError = (more: object) => errorOf(() => parseChat({ ...hello, ...more }))
const imageError = (more: object) => errorOf(() => parseImages({ prompt: 'a red circle', ...more }))

describe('a chat call', () => {
  it("becomes the pod's input document, nothing more", () => {
    const call = parseChat({
      ...hello,
      max_completion_tokens: 9,
      temperature: 0.5,
      top_p: 0.9,
      seed: 3,
      stop: ['x'],
      user: 'u',
      metadata: { a: '1' },
      store: false,
      n: 2,
    })

    expect(call).to.deep.equal({
      model: 'chat',
      stream: false,
      includeUsage: false,
      n: 2,
      limitName: 'max_completion_tokens',
      input: {
        messages: [{ role: 'user', content: 'hi' }],
        max_tokens: 9,
        temperature: 0.5,
        top_p: 0.9,
        seed: 3,
        stop: ['x'],
      },
    })
  })

  it('treats null as absent, as OpenAI clients send it', () => {
    const call = parseChat({
      ...hello,
      temperature: null,
      stop: null,
      tools: null,
      max_tokens: null,
      audio: null,
    })

    expect(call.input).to.deep.equal({ messages: hello.messages })
  })

  it('joins text parts and reads the developer role as system', () => {
    const parts = [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ]
    const call = parseChat({ ...hello, messages: [{ role: 'developer', content: parts, name: 'me' }] })

    expect(call.input.messages).to.deep.equal([{ role: 'system', content: 'ab' }])
  })

  it('accepts what an earlier answer gave back as an assistant message', () => {
    const message = completion(head, wholeOf(usageOf({ unitsIn: 1n, unitsOut: 1n }))).choices[0]?.message

    const call = parseChat({ ...hello, messages: [hello.messages[0], message, hello.messages[0]] })

    expect(call.input.messages[1]).to.deep.equal({ role: 'assistant', content: 'yes' })
  })

  it('accepts neutral values of what is not offered and refuses every other by name', () => {
    for (const [name, values] of Object.entries(chatParameters.neutral)) {
      for (const value of values) expect(parseChat({ ...hello, [name]: value }).model).to.equal('chat')

      const error = chatError({ [name]: { something: 'else' } })

      expect([error.code, error.field]).to.deep.equal(['parameter.unsupported', name])
    }
    for (const name of chatParameters.unsupported) {
      expect([chatError({ [name]: 1 }).code, chatError({ [name]: 1 }).field]).to.deep.equal([
        'parameter.unsupported',
        name,
      ])
    }
  })

  it('refuses a parameter that nobody knows', () => {
    expect(chatError({ temprature: 1 })).to.include({ code: 'parameter.unknown', field: 'temprature' })
    expect(chatError({ constructor: 1 })).to.include({ code: 'parameter.unknown', field: 'constructor' })
  })

  const wrong: [string, object, string][] = [
    ['no messages', { messages: [] }, 'messages'],
    ['a role that does not exist', { messages: [{ role: 'tool', content: '' }] }, 'messages[0].role'],
    [
      'an image part',
      { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
      'messages[0].content',
    ],
    ['too warm', { temperature: 2.1 }, 'temperature'],
    ['top_p of nothing', { top_p: 0 }, 'top_p'],
    ['half a token', { max_tokens: 1.5 }, 'max_tokens'],
    ['no token', { max_completion_tokens: 0 }, 'max_completion_tokens'],
    ['a seed below zero', { seed: -1 }, 'seed'],
    ['five stops', { stop: ['1', '2', '3', '4', '5'] }, 'stop'],
    ['no choice', { n: 0 }, 'n'],
    ['too many choices', { n: 17 }, 'n'],
    ['stream as text', { stream: 'yes' }, 'stream'],
    ['stream options without a stream', { stream_options: { include_usage: true } }, 'stream_options'],
    ['two limits that differ', { max_tokens: 1, max_completion_tokens: 2 }, 'max_tokens'],
  ]
  for (const [title, more, field] of wrong) {
    it(`with ${title} is refused naming ${field}`, () => {
      expect(chatError(more)).to.include({ code: 'parameter.invalid', field })
    })
  }

  it('without a model or messages says which is missing', () => {
    expect(errorOf(() => parseChat({ messages: hello.messages }))).to.include({
      code: 'parameter.missing',
      field: 'model',
    })
    expect(errorOf(() => parseChat({ model: 'chat' }))).to.include({
      code: 'parameter.missing',
      field: 'messages',
    })
    for (const body of [null, [], 'x', 1]) {
      expect(errorOf(() => parseChat(body)).code).to.equal('parameter.invalid')
    }
  })

  it('asking for more tokens than the pod makes is refused before anything is paid', () => {
    const most = manifest.limits.outputUnits
    const input = parseChat(hello).input

    expect(fitChat({ ...input, max_tokens: most }, manifest, 1).max_tokens).to.equal(most)
    expect(errorOf(() => fitChat({ ...input, max_tokens: most + 1 }, manifest, 1))).to.include({
      code: 'parameter.invalid',
      field: 'max_tokens',
    })
  })

  it('that samples without a seed gets a fresh one; a greedy or seeded one is left alone', () => {
    const { input } = parseChat(hello)

    expect(fitChat({ ...input, temperature: 0.7 }, manifest, 5).seed).to.equal(5)
    expect(fitChat({ ...input, temperature: 0.7, seed: 9 }, manifest, 5).seed).to.equal(9)
    expect(fitChat({ ...input, temperature: 0 }, manifest, 5)).not.to.have.property('seed')
  })

  it('for several choices is as many jobs, each with a seed that can be asked for alone', () => {
    const { input } = parseChat({ ...hello, seed: Number.MAX_SAFE_INTEGER - 1, n: 4 })

    expect(choicesOf(input, 4).map(({ seed }) => seed)).to.deep.equal([
      Number.MAX_SAFE_INTEGER - 1,
      Number.MAX_SAFE_INTEGER,
      0,
      1,
    ])
    expect(choicesOf({ ...input, seed: 5 }, 3).map(({ seed }) => seed)).to.deep.equal([5, 6, 7])
    expect(choicesOf(parseChat(hello).input, 2)).to.deep.equal([
      parseChat(hello).input,
      parseChat(hello).input,
    ])
  })

  it('whose limit came under the new name is refused under that name', () => {
    const most = manifest.limits.outputUnits
    const { input, limitName } = parseChat({ ...hello, max_completion_tokens: most + 1 })

    expect(errorOf(() => fitChat(input, manifest, 1, limitName)).field).to.equal('max_completion_tokens')
  })

  it('is answered in the shapes of OpenAI, usage from the receipt', () => {
    const usage = usageOf({ unitsIn: 3n, unitsOut: 4n })

    expect(usage).to.deep.equal({ prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 })
    expect(usageOf({ unitsIn: 3n, unitsOut: 4n }, { unitsIn: 3n, unitsOut: 5n })).to.include({
      prompt_tokens: 6,
      completion_tokens: 9,
    })
    expect(completion(head, wholeOf(usage))).to.deep.include({ object: 'chat.completion', usage })
    expect(chunk(head, { content: 'y' }, null, false)).not.to.have.property('usage')
    expect(chunk(head, { content: 'y' }, null, true).usage).to.equal(null)
    expect(usageChunk(head, usage)).to.deep.include({ object: 'chat.completion.chunk', choices: [], usage })
  })
})

describe('an image call', () => {
  it('becomes one job per image, each with a seed of its own, wrapping at the last seed', () => {
    const call = parseImages({ prompt: 'a red circle', n: 3, seed: 0xffffffff, size: '256x256' })

    expect(imageInputs(call, manifest, 1)).to.deep.equal(
      [0xffffffff, 0, 1].map((seed) => ({ prompt: 'a red circle', size: '256x256', seed })),
    )
  })

  it('without a seed takes a fresh one, and leaves an automatic size to the pod', () => {
    const call = parseImages({ prompt: 'a red circle', size: 'auto' })

    expect(imageInputs(call, manifest, 42)).to.deep.equal([{ prompt: 'a red circle', seed: 42 }])
    expect(call.form).to.equal('b64_json')
  })

  it('refuses by name what would change the picture and is not offered', () => {
    expect(imageError({ style: 'vivid' })).to.include({ code: 'parameter.unsupported', field: 'style' })
    for (const name of Object.keys(imageParameters.neutral)) {
      expect(imageError({ [name]: 'other' })).to.include({ code: 'parameter.unsupported', field: name })
    }
    expect(imageError({ size: 'big' })).to.include({ code: 'parameter.invalid', field: 'size' })
    expect(imageError({ n: 11 })).to.include({ code: 'parameter.invalid', field: 'n' })
    expect(imageError({ prompt: '' })).to.include({ code: 'parameter.invalid', field: 'prompt' })
    expect(imageError({ response_format: 'jpeg' })).to.include({
      code: 'parameter.invalid',
      field: 'response_format',
    })
    expect(errorOf(() => parseImages({ n: 1 }))).to.include({ code: 'parameter.missing', field: 'prompt' })
  })

  it('asking for more steps than the pod runs is refused before anything is paid', () => {
    const call = parseImages({ prompt: 'a', steps: manifest.limits.outputUnits + 1 })

    expect(errorOf(() => imageInputs(call, manifest, 0))).to.include({
      code: 'parameter.invalid',
      field: 'steps',
    })
  })

  it('says the size that the picture really has', () => {
    const png = new Uint8Array(33)
    new DataView(png.buffer).setUint32(16, 256)
    new DataView(png.buffer).setUint32(20, 128)

    expect(sizeOf(png)).to.equal('256x128')
  })
})

describe('an error at the OpenAI door', () => {
  const statuses: [HeuristError, number, string, string][] = [
    [refused('parameter.invalid', 'x', { field: 'n' }), 400, 'invalid_request_error', 'invalid_value'],
    [refused('input.too_long', 'x'), 400, 'invalid_request_error', 'context_length_exceeded'],
    [refused('api_key.invalid', 'x'), 401, 'authentication_error', 'invalid_api_key'],
    [refused('credit.insufficient', 'x'), 402, 'insufficient_quota', 'insufficient_quota'],
    [refused('pod.unknown', 'x'), 404, 'invalid_request_error', 'model_not_found'],
    [refused('request.expired', 'x'), 408, 'invalid_request_error', 'request.expired'],
    [refused('request.id_reused', 'x'), 409, 'invalid_request_error', 'request.id_reused'],
    [refused('input.too_large', 'x'), 413, 'invalid_request_error', 'input.too_large'],
    [refused('input.invalid', 'x'), 422, 'invalid_request_error', 'input.invalid'],
    [later('queue.full', 'x'), 429, 'rate_limit_error', 'rate_limit_exceeded'],
    [bug('unexpected', 'x'), 500, 'server_error', 'unexpected'],
    [later('node.failed', 'x'), 502, 'server_error', 'node.failed'],
    [later('node.unavailable', 'x'), 503, 'server_error', 'node.unavailable'],
    [later('job.timeout', 'x'), 504, 'server_error', 'job.timeout'],
  ]
  for (const [error, status, type, code] of statuses) {
    it(`${error.code} is ${status} ${code}`, () => {
      const answer = toOpenAi(error)

      expect(answer.status).to.equal(status)
      expect(answer.body.error).to.include({ type, code, param: error.field ?? null })
    })
  }

  it("what the network refuses to the gateway is never the caller's fault", () => {
    for (const code of [
      'signature.invalid',
      'voucher.ceiling_low',
      'receipt.output_mismatch',
      'chain.wrong',
    ]) {
      expect(toOpenAi(refused(code, 'x')).status).to.equal(502)
    }
  })

  it('tells when to come back, and only when that helps', () => {
    const asked = later('queue.full', 'x', { details: { retryAfterSeconds: 2.2 } })

    expect(toOpenAi(asked).retryAfterSeconds).to.equal(3)
    expect(toOpenAi(later('node.unavailable', 'x')).retryAfterSeconds).to.equal(1)
    expect(toOpenAi(refused('input.invalid', 'x')).retryAfterSeconds).to.equal(undefined)
  })

  it('says what to do next, but nothing of what broke inside', () => {
    expect(
      toOpenAi(refused('pod.unknown', 'No such pod', { fix: 'Take another.' })).body.error.message,
    ).to.equal('No such pod. Take another.')
    expect(JSON.stringify(toOpenAi(bug('unexpected', 'secret path', { fix: 'secret' })).body)).not.to.include(
      'secret',
    )
  })

  it('names a parameter the way OpenAI does', () => {
    expect(formatPath(['messages', 1, 'content', 0, 'type'])).to.equal('messages[1].content[0].type')
  })
})

describe("the gateway's README", () => {
  const text = readFileSync(join(import.meta.dirname, '../../apps/gateway/README.md'), 'utf8')
  const rows = (title: string) =>
    text.slice(text.indexOf(title), text.indexOf('\n## ', text.indexOf(title) + 1))
  const namesIn = (section: string, row: string) => {
    const line = rows(section)
      .split('\n')
      .find((each) => each.startsWith(`| ${row} `))
    return [...(line ?? '').matchAll(/`(\w+)`/g)].map((match) => match[1])
  }

  for (const [section, rules] of [
    ['## POST /v1/chat/completions', chatParameters],
    ['## POST /v1/completions', completionParameters],
    ['## POST /v1/responses', responseParameters],
    ['## POST /v1/embeddings', embeddingParameters],
    ['## POST /v1/images/generations', imageParameters],
  ] as const) {
    it(`says under '${section}' what happens to every parameter`, () => {
      expect(namesIn(section, 'honoured')).to.have.members([...rules.honoured])
      expect(namesIn(section, 'ignored')).to.have.members([...rules.ignored])
      expect(namesIn(section, 'only as usual')).to.have.members(Object.keys(rules.neutral))
      expect(namesIn(section, 'refused')).to.have.members([...rules.unsupported])
    })
  }
})
