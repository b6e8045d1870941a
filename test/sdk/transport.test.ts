import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import fc from 'fast-check'
import type { Hex } from 'viem'
import { z } from 'zod'
import { decode, decoderOf } from '../../sdk/decode.ts'
import { serverEvents } from '../../sdk/events.ts'
import { fetchHttp } from '../../sdk/http.ts'
import { nodeHttp } from '../../sdk/node-http.ts'
import type { Job } from '../../sdk/protocol/wire.ts'
import { createTransport, fromBase64, joinBytes } from '../../sdk/transport.ts'
import { refusal } from './refusal.ts'
import { seeded } from './seed.ts'

const utf8 = new TextEncoder()
const HASH: Hex = `0x${'11'.repeat(32)}`
const job: Job = {
  chainId: 1,
  request: {
    payer: `0x${'22'.repeat(20)}`,
    id: HASH,
    pod: 1,
    manifest: HASH,
    frontend: 0,
    node: 0,
    maxPrice: 1n,
    deadline: 1,
    input: HASH,
  },
  voucher: { router: `0x${'33'.repeat(20)}`, ceiling: 1n, expiry: 1, request: HASH },
  signature: `0x${'44'.repeat(65)}`,
  input: '{}',
}

/** A body that arrives in the given parts. */
async function* bodyOf(parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts
}

async function eventsOf(parts: Uint8Array[]) {
  const events = []
  for await (const event of serverEvents(bodyOf(parts))) events.push(event)
  return events
}

describe('server-sent events', () => {
  const text =
    ': hello\n\nevent: chunk\ndata: {"a":"é"}\n\ndata: one\r\ndata: two\r\n\r\nid: 7\nevent: x\n\nevent: receipt\ndata:tight\n\n'
  const expected = [
    { event: 'chunk', data: '{"a":"é"}' },
    { event: 'message', data: 'one\ntwo' },
    { event: 'receipt', data: 'tight' },
  ]

  it('read the same however the bytes arrive, comments and unknown fields passed over', async () => {
    const bytes = utf8.encode(text)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: bytes.length }), { maxLength: 12 }), async (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length]
        const parts = at.slice(1).map((end, index) => bytes.subarray(at[index], end))
        expect(await eventsOf(parts)).to.deep.equal(expected)
      }),
      seeded({}),
    )
  })

  it('that are unfinished at the end are dropped', async () => {
    expect(await eventsOf([utf8.encode('data: whole\n\ndata: half')])).to.deep.equal([
      { event: 'message', data: 'whole' },
    ])
  })

  it('without an end are refused instead of filling the memory', async () => {
    const part = utf8.encode('x'.repeat(1024 * 1024))

    const error = await refusal(eventsOf([utf8.encode('data: '), ...Array.from({ length: 20 }, () => part)]))

    expect(error.code).to.equal('router.unreadable')
  })

  it('close their connection when nobody reads on', async () => {
    let cancelled = false
    async function* body() {
      try {
        for (;;) yield utf8.encode('data: more\n\n')
      } finally {
        cancelled = true
      }
    }

    for await (const _ of serverEvents(body())) break

    expect(cancelled).to.equal(true)
  })
})

describe('the answer of a chat', () => {
  const lines = '{"text":"Grüß "}\n{"text":"dich 🌍"}\n\n{"finish":"length"}\n'

  it('reads the same however its bytes arrive, in the middle of a character too', () => {
    const bytes = utf8.encode(lines)
    fc.assert(
      fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 20 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length]
        const decoder = decoderOf('chat')
        const pieces = at.slice(1).map((end, index) => decoder.push(bytes.subarray(at[index], end)))
        expect(pieces.map((piece) => piece.text ?? '').join('')).to.equal('Grüß dich 🌍')
        expect(pieces.map((piece) => piece.finish).filter(Boolean)).to.deep.equal(['length'])
        expect(joinBytes(pieces.map((piece) => piece.bytes))).to.deep.equal(bytes)
        expect(decoder.end()).to.equal(undefined)
      }),
      seeded({}),
    )
  })

  it('is whole even if its last line has no end', () => {
    const { text, finish } = decode('chat', utf8.encode(lines.slice(0, -1)))

    expect([text, finish]).to.deep.equal(['Grüß dich 🌍', 'length'])
  })

  for (const line of ['no json', '{"text":1}', '[]', '"text"', '{"finish":{}}']) {
    it(`that says ${line} is unreadable`, () => {
      expect(() => decode('chat', utf8.encode(`${line}\n`)))
        .to.throw()
        .with.property('code', 'output.unreadable')
    })
  }

  it('of a picture is its bytes', () => {
    expect(decode('image', utf8.encode('{'))).to.deep.equal({ bytes: utf8.encode('{') })
  })
})

for (const [way, http] of Object.entries({ fetch: fetchHttp, undici: nodeHttp() })) {
  describe(`a router over HTTP, by ${way}`, function () {
    this.timeout(600_000)
    let server: Server
    let url: string
    let respond: (response: ServerResponse) => void
    before(async () => {
      server = createServer((request, response) => {
        request.resume()
        request.on('end', () => respond(response))
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    })
    after(() => {
      server.close()
      server.closeAllConnections()
    })

    const answers = (status: number, body: string | Uint8Array, headers: Record<string, string> = {}) => {
      respond = (response) => {
        response.writeHead(status, headers)
        response.end(body)
      }
    }
    const drain = async () => {
      for await (const _ of createTransport(url, http).stream(job));
    }

    it('is understood when it refuses: code, kind, fix, details and the pause that it wants', async () => {
      const error = {
        code: 'queue.full',
        kind: 'later',
        message: 'busy',
        fix: 'wait',
        details: { pending: 9 },
      }
      answers(429, JSON.stringify({ error }), { 'retry-after': '7' })

      const refused = await refusal(createTransport(url, http).run(job))

      expect(refused.toJSON()).to.deep.equal({ ...error, details: { pending: 9, retryAfterSeconds: 7 } })
    })

    for (const [what, status, body, code] of [
      ['a proxy’s error page', 502, '<html>Bad Gateway</html>', 'router.unreachable'],
      ['a proxy that is busy', 429, 'slow down', 'router.unreachable'],
      ['a page that is not there', 404, '<html>not found</html>', 'router.unreadable'],
      ['an error of another shape', 400, '{"error":"no"}', 'router.unreadable'],
      [
        'an error with a code that is none',
        400,
        '{"error":{"code":"<b>","kind":"refused","message":""}}',
        'router.unreadable',
      ],
      ['a page instead of an answer', 200, '<html>login</html>', 'router.unreadable'],
      ['an answer without a receipt', 200, '{"request":"0x","output":""}', 'router.unreadable'],
      ['an empty answer', 200, '', 'router.unreadable'],
    ] as const) {
      it(`that answers ${what} is ${code}`, async () => {
        answers(status, body)

        expect((await refusal(createTransport(url, http).run(job))).code).to.equal(code)
      })
    }

    it('that breaks off in the middle of an answer is broken, for a whole one and for a stream', async () => {
      respond = (response) => {
        response.writeHead(200, { 'content-length': '1000' })
        response.write('{"half":')
        setTimeout(() => response.destroy(), 10)
      }
      expect((await refusal(createTransport(url, http).run(job))).code).to.equal('stream.broken')

      respond = (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('event: accepted\ndata: {"node":1}\n\n')
        setTimeout(() => response.destroy(), 10)
      }
      expect((await refusal(drain())).code).to.equal('stream.broken')
    })

    it('that answers faster than it is read is read whole, in order', async () => {
      const sent = Uint8Array.from({ length: 1024 * 1024 }, (_, at) => at >> 8)
      answers(200, sent)

      const { body } = await http(url, {})
      const parts: Uint8Array[] = []
      for await (const part of body) {
        parts.push(part)
        await new Promise((resolve) => setImmediate(resolve))
      }

      expect(Buffer.concat(parts).equals(sent)).to.equal(true)
    })

    it('that ends a stream without a receipt broke it', async () => {
      answers(200, 'event: chunk\ndata: {"data":"YQ=="}\n\n')

      expect((await refusal(drain())).code).to.equal('stream.broken')
    })

    for (const [what, event] of Object.entries({
      'a chunk that is no base64': 'event: chunk\ndata: {"data":"*"}\n\n',
      'a chunk that is no JSON': 'event: chunk\ndata: oops\n\n',
      'a receipt that is none': 'event: receipt\ndata: {}\n\n',
      'an error that is none': 'event: error\ndata: {}\n\n',
    })) {
      it(`that streams ${what} is unreadable`, async () => {
        answers(200, event)

        expect((await refusal(drain())).code).to.equal('router.unreadable')
      })
    }

    it('that fails a stream says why in an event', async () => {
      answers(200, 'event: error\ndata: {"code":"node.failed","kind":"refused","message":"it broke"}\n\n')

      expect((await refusal(drain())).code).to.equal('node.failed')
    })

    it('hears its caller leave in the middle of a stream', async () => {
      const left = new Promise<void>((resolve) => {
        respond = (response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' })
          response.write('event: chunk\ndata: {"data":"YQ=="}\n\n')
          response.once('close', resolve)
        }
      })

      for await (const _ of createTransport(url, http).stream(job)) break

      await left
    })

    it('hears its caller leave before it answers', async () => {
      const controller = new AbortController()
      const left = new Promise<void>((resolve) => {
        respond = (response) => {
          response.once('close', resolve)
          controller.abort(new Error('enough'))
        }
      })

      const error = await refusal(createTransport(url, http).run(job, controller.signal))

      expect(error.code).to.equal('router.unreachable')
      await left
    })

    it('that answers a document without end is cut off', async () => {
      respond = (response) => {
        response.writeHead(200)
        const part = 'x'.repeat(1024 * 1024)
        for (let index = 0; index < 10; index += 1) response.write(part)
        response.end()
      }

      const error = await refusal(createTransport(url, http).get('/v1/network', z.unknown()))

      expect(error.code).to.equal('router.unreadable')
      expect(error.message).to.match(/larger than/)
    })
  })
}

describe('base64', () => {
  it('reads base64 as Node does', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(fromBase64(Buffer.from(bytes).toString('base64'))).to.deep.equal(bytes)
      }),
      seeded({}),
    )
  })
})
