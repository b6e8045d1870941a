import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { FastifyInstance } from 'fastify'
import OpenAI from 'openai'
import { pino } from 'pino'
import { openAccounts } from '../../apps/gateway/accounts.ts'
import { createCatalog } from '../../apps/gateway/catalog.ts'
import type { Payer } from '../../apps/gateway/payer.ts'
import { openPictures } from '../../apps/gateway/pictures.ts'
import { createGateway } from '../../apps/gateway/server.ts'
import { bug, type HeuristError, later, refused } from '../../sdk/errors.ts'
import type { Answer, AnswerStream, Piece } from '../../sdk/index.ts'
import { manifestHash } from '../../sdk/protocol/manifest.ts'
import { thrownBy } from './thrown.ts'

/** What cannot be provoked at will on a real network: a payer whose answers fail, hang or never end, on command. */

const yaml = readFileSync(join(import.meta.dirname, '../../pods/chat/pod.yaml'))
const REQUEST = `0x${'ab'.repeat(32)}` as const
const hello = { model: 'chat', messages: [{ role: 'user' as const, content: 'hi' }] }
const piece = (text: string): Piece => ({ bytes: new TextEncoder().encode(text), text })
const never = new Promise<never>(() => {})

const paidAnswer = {
  request: REQUEST,
  receipt: { node: 3, price: 37n, unitsIn: 9n, unitsOut: 7n },
} as Answer

function streamOf(pieces: AsyncIterable<Piece>, settle: () => Promise<Answer>): AnswerStream {
  const answer = settle()
  answer.catch(() => undefined)
  return {
    request: Promise.resolve(REQUEST),
    answer,
    [Symbol.asyncIterator]: () => pieces[Symbol.asyncIterator](),
  }
}

describe('the gateway, when the network fails or the caller leaves', function () {
  this.timeout(600_000)
  let home: string
  let pods: Server
  let app: FastifyInstance
  let openai: OpenAI
  let url: string
  let key: string
  let payer: Payer
  const stopping = new AbortController()

  before(async () => {
    home = mkdtempSync(join(tmpdir(), 'heurist-stream-'))
    pods = createServer((request, response) => {
      const pod = { id: 1, name: 'chat', manifest: manifestHash(yaml) }
      response.end(request.url === '/v1/pods' ? JSON.stringify({ pods: [pod] }) : yaml)
    })
    await new Promise<void>((done) => pods.listen(0, '127.0.0.1', done))
    const keys = await openAccounts(home, false)
    key = keys.shown ?? ''
    app = createGateway({
      keys,
      catalog: createCatalog(`http://127.0.0.1:${(pods.address() as AddressInfo).port}`),
      payer: {
        chat: (...call) => payer.chat(...call),
        stream: (...call) => payer.stream(...call),
        image: (...call) => payer.image(...call),
        embed: (...call) => payer.embed(...call),
      },
      pictures: openPictures(join(home, 'pictures')),
      publicUrl: undefined,
      stopping: stopping.signal,
      log: pino({ level: 'silent' }),
    })
    url = await app.listen({ host: '127.0.0.1', port: 0 })
    openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 })
  })
  after(async () => {
    await app.close()
    await new Promise((done) => pods.close(done))
    rmSync(home, { recursive: true, force: true })
  })

  const failing = (error: HeuristError): Payer => {
    const fail = () => Promise.reject(error)
    const stream = () => streamOf({ [Symbol.asyncIterator]: () => ({ next: fail }) }, fail)
    return { chat: fail, stream, image: fail, embed: fail }
  }
  const streaming = (
    pieces: (signal: AbortSignal) => AsyncIterable<Piece>,
    answer = () => Promise.resolve(paidAnswer),
  ) => {
    payer = {
      ...failing(bug('unexpected', 'not called')),
      stream: (_, __, { signal }) => streamOf(pieces(signal ?? stopping.signal), answer),
    }
  }
  const open = () =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...hello, stream: true }),
    })

  const failures: [HeuristError, number, string][] = [
    [refused('credit.insufficient', 'the account is empty'), 402, 'insufficient_quota'],
    [refused('request.expired', 'too late'), 408, 'request.expired'],
    [refused('request.id_reused', 'again'), 409, 'request.id_reused'],
    [refused('input.too_large', 'too much'), 413, 'input.too_large'],
    [refused('input.invalid', 'says nothing'), 422, 'input.invalid'],
    [later('queue.full', 'busy', { details: { retryAfterSeconds: 7 } }), 429, 'rate_limit_exceeded'],
    [bug('unexpected', 'ours'), 500, 'unexpected'],
    [refused('receipt.output_mismatch', 'a lie'), 502, 'receipt.output_mismatch'],
    [later('node.unavailable', 'nobody serves'), 503, 'node.unavailable'],
    [later('job.timeout', 'too slow'), 504, 'job.timeout'],
  ]
  for (const [failure, status, code] of failures) {
    it(`${failure.code} reaches an OpenAI client as ${status} ${code}, streamed or not`, async () => {
      payer = failing(failure)

      for (const stream of [false, true]) {
        const error = await thrownBy(openai.chat.completions.create({ ...hello, stream }))

        expect([error.status, error.code]).to.deep.equal([status, code])
        expect(error.headers?.get('x-heurist-price')).to.equal(null)
        expect(error.headers?.get('retry-after')).to.equal({ 429: '7', 503: '1' }[status] ?? null)
      }
    })
  }

  it('a failure in mid-answer is an error event without [DONE], which an OpenAI client throws', async () => {
    const broken = later('node.failed', 'node 3 died')
    async function* halves() {
      yield piece('half')
      throw broken
    }
    streaming(halves, () => Promise.reject(broken))
    const text = await (await open()).text()

    expect(text).to.include('"half"').and.include('"code":"node.failed"').and.not.include('[DONE]')
    const read = async () => {
      let said = ''
      for await (const chunk of await openai.chat.completions.create({ ...hello, stream: true })) {
        said += chunk.choices[0]?.delta.content ?? ''
      }
      return said
    }
    expect((await thrownBy(read())).message).to.include('node 3 died')
  })

  it('an answer whose receipt does not hold is never finished', async () => {
    async function* whole(): AsyncGenerator<Piece> {
      yield { ...piece('a lie'), finish: 'stop' }
    }
    streaming(whole, () => Promise.reject(refused('receipt.output_mismatch', 'other bytes were signed')))
    const text = await (await open()).text()

    expect(text)
      .to.include('receipt.output_mismatch')
      .and.not.include('[DONE]')
      .and.not.include('"finish_reason":"stop"')
  })

  it('a whole answer names its receipt at the head, and price, node and receipt at the end', async () => {
    async function* whole(): AsyncGenerator<Piece> {
      yield piece('yes')
      yield { bytes: new Uint8Array(), finish: 'length' }
    }
    streaming(whole)
    const answer = await open()
    const text = await answer.text()

    expect(answer.headers.get('x-heurist-receipt')).to.equal(REQUEST)
    expect(answer.headers.get('content-type')).to.match(/^text\/event-stream/)
    expect(text).to.include('"finish_reason":"length"')
    expect(text).to.match(
      new RegExp(
        `: x-heurist-price: 0\\.000037; x-heurist-node: 3; x-heurist-receipt: ${REQUEST}\n\ndata: \\[DONE\\]\n\n$`,
      ),
    )
  })

  it('a caller that leaves a stream aborts the call', async () => {
    const aborted = new Promise<void>((resolve) => {
      streaming(async function* endless(signal) {
        signal.addEventListener('abort', () => resolve())
        yield piece('first')
        await never
      })
    })
    for await (const chunk of await openai.chat.completions.create({ ...hello, stream: true })) {
      if (chunk.choices[0]?.delta.content === 'first') break
    }

    await aborted
  })

  it('a caller that leaves before its whole answer aborts the call', async () => {
    const leaving = new AbortController()
    const aborted = new Promise<void>((resolve) => {
      payer = {
        ...failing(bug('unexpected', 'not called')),
        chat: async (_, __, { signal }) => {
          signal?.addEventListener('abort', () => resolve())
          leaving.abort()
          return never
        },
      }
    })
    const left = openai.chat.completions.create(hello, { signal: leaving.signal })
    left.catch(() => undefined)

    await aborted
  })

  it('a slow reader slows the answer down instead of filling the memory', async () => {
    let taken = 0
    const text = 'x'.repeat(64 * 1024)
    streaming(async function* much() {
      for (; taken < 2_000; taken += 1) yield piece(text)
    })
    const answer = await open()
    const reader = answer.body?.getReader()
    await reader?.read()
    // Until no more pieces are taken: buffers on the way are full.
    for (let before = -1; before !== taken; ) {
      before = taken
      await new Promise((resolve) => setTimeout(resolve, 250))
    }

    expect(taken).to.be.within(1, 1_500)
    await reader?.cancel()
  })

  it('a gateway that stops ends its calls with 503', async () => {
    payer = {
      ...failing(bug('unexpected', 'not called')),
      chat: (_, __, { signal }) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(refused('call.left', 'the call was left')))
          setTimeout(() => stopping.abort(), 20)
        }),
    }

    expect((await thrownBy(openai.chat.completions.create(hello))).status).to.equal(503)
  })
})
