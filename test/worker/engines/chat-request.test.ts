import { expect } from 'chai'
import { HeuristError } from '../../../sdk/errors.ts'
import type { Manifest } from '../../../sdk/protocol/manifest.ts'
import { type ChatRequest, requestParser } from '../../../worker/engines/chat/request.ts'

const MANIFEST = {
  limits: { inputBytes: 400, inputUnits: 64, outputUnits: 32, outputBytes: 4096, seconds: 60 },
  defaults: { max_tokens: 8, temperature: 0 },
} as unknown as Manifest

const parse = requestParser(MANIFEST)
const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
const messages = [{ role: 'user', content: 'hello' }]

function refusal(input: Uint8Array): HeuristError {
  try {
    parse(input)
  } catch (error) {
    if (error instanceof HeuristError) return error
    throw error
  }
  throw new Error('the request was accepted')
}

describe('chat requests', () => {
  it('messages alone take the pod’s defaults, and a seed that the bytes decide', () => {
    const input = bytesOf({ messages })

    const request = parse(input)

    const { seed, ...rest } = request
    expect(rest).to.deep.equal({ messages, maxTokens: 8, temperature: 0, topP: 1, stop: [] })
    expect(seed).to.be.within(0, 2 ** 32 - 1)
    expect(parse(input).seed).to.equal(seed)
    expect(parse(bytesOf({ messages, max_tokens: 8 })).seed).to.not.equal(seed)
  })

  it('every field may be given', () => {
    const given = { messages, max_tokens: 32, temperature: 1.5, top_p: 0.5, seed: 2 ** 40, stop: ['a', 'b'] }

    const expected: ChatRequest = {
      messages: [{ role: 'user', content: 'hello' }],
      maxTokens: 32,
      temperature: 1.5,
      topP: 0.5,
      seed: 2 ** 40,
      stop: ['a', 'b'],
    }
    expect(parse(bytesOf(given))).to.deep.equal(expected)
    expect(parse(bytesOf({ messages, stop: 'x' })).stop).to.deep.equal(['x'])
  })

  const wrong: Record<string, [unknown, string]> = {
    'no messages': [{}, 'messages'],
    'an empty list': [{ messages: [] }, 'messages'],
    'messages that are text': [{ messages: 'hello' }, 'messages'],
    'an unknown role': [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages.0.role'],
    'content that is no text': [{ messages: [{ role: 'user', content: 7 }] }, 'messages.0.content'],
    'a field too many in a message': [{ messages: [{ ...messages[0], name: 'x' }] }, 'messages.0.name'],
    'an answer at the end': [{ messages: [...messages, { role: 'assistant', content: 'hi' }] }, 'messages'],
    'an empty question': [{ messages: [{ role: 'user', content: '  ' }] }, 'messages'],
    'no tokens at all': [{ messages, max_tokens: 0 }, 'max_tokens'],
    'more tokens than the pod makes': [{ messages, max_tokens: 33 }, 'max_tokens'],
    'half a token': [{ messages, max_tokens: 1.5 }, 'max_tokens'],
    'a negative temperature': [{ messages, temperature: -0.1 }, 'temperature'],
    'too much temperature': [{ messages, temperature: 2.1 }, 'temperature'],
    'top_p of nothing': [{ messages, top_p: 0 }, 'top_p'],
    'top_p above one': [{ messages, top_p: 1.01 }, 'top_p'],
    'a negative seed': [{ messages, seed: -1 }, 'seed'],
    'a seed past 2^53': [{ messages, seed: 2 ** 53 }, 'seed'],
    'an empty stop': [{ messages, stop: '' }, 'stop'],
    'five stops': [{ messages, stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop'],
    'an unknown field': [{ messages, model: 'chat' }, 'model'],
    'a list': [[messages], ''],
  }
  for (const [what, [request, field]] of Object.entries(wrong)) {
    it(`${what} is refused by the field ${field || '(none)'}`, () => {
      expect(refusal(bytesOf(request))).to.include({ code: 'input.invalid', kind: 'refused', field })
    })
  }

  it('bytes that are not UTF-8, and text that is not JSON, are refused', () => {
    expect(refusal(Uint8Array.of(0xff, 0xfe)).code).to.equal('input.invalid')
    expect(refusal(new TextEncoder().encode('{"messages":')).code).to.equal('input.invalid')
  })

  it('more bytes than the pod reads are refused before they are parsed', () => {
    const error = refusal(new Uint8Array(401))

    expect(error).to.include({ code: 'input.too_large', kind: 'refused' })
    expect(error.details).to.deep.equal({ bytes: 401, most: 400 })
  })
})
