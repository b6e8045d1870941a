import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import sharp from 'sharp'
import { sentPicture } from '../../apps/web/pictures/page.ts'
import { readPng } from '../../apps/web/pictures/png.ts'
import { MOST_PICTURE_BYTES, PICTURE_SHARE, type Picture } from '../../apps/web/pictures/record.ts'
import { configSchema, createWeb } from '../../apps/web/server.ts'
import { openShares } from '../../apps/web/shares/store.ts'
import { asHeuristError } from '../../sdk/errors.ts'
import type { Client } from '../../sdk/index.ts'
import { usd } from '../../sdk/units.ts'
import { seeded } from '../sdk/seed.ts'
import { openStage, type Stage } from './pondera.ts'
import { strangersWords } from './strangers.ts'

/** Shared pictures at the page's server: what is refused without asking anybody, and what a real network proves. */

const REQUEST = `0x${'ab'.repeat(32)}` as const
const INPUT = JSON.stringify({ prompt: 'a red circle', seed: 7 })
const pngOf = async (side: number): Promise<Buffer> =>
  sharp({ create: { width: side, height: side, channels: 3, background: '#d33' } })
    .png()
    .toBuffer()
const codeOf = (work: () => unknown): string => {
  try {
    work()
    return ''
  } catch (cause) {
    return asHeuristError(cause).code
  }
}

describe('a picture that is sent to be shared', () => {
  let home: string
  let app: FastifyInstance
  let png: Buffer
  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'heurist-pictures-'))
    app = open()
    png = await pngOf(16)
  })
  afterEach(async () => {
    await app.close()
    rmSync(home, { recursive: true, force: true })
  })
  const open = (more: object = {}) =>
    createWeb(
      configSchema.parse({
        port: 0,
        // Nobody listens there.
        routerUrl: 'http://127.0.0.1:1',
        rpcUrl: 'http://127.0.0.1:2',
        chainId: 31337,
        ledger: `0x${'1e'.repeat(20)}`,
        doors: { imagine: { frontend: 4 } },
        dataDir: home,
        ...more,
      }),
      pino({ level: 'silent' }),
    )
  const body = (part: object = {}) => ({
    request: REQUEST,
    input: INPUT,
    picture: png.toString('base64'),
    ...part,
  })
  const share = (payload: unknown, remoteAddress = '10.0.0.1') =>
    app.inject({ method: 'POST', url: '/api/pictures', payload: payload as object, remoteAddress })
  const kept = () => readdirSync(join(home, 'pictures'))

  it('is refused by field before anybody is asked about it', async () => {
    const jpeg = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#fff' } })
      .jpeg()
      .toBuffer()
    const wrong: [string, object, string][] = [
      ['no hash', { request: '0x12' }, 'request'],
      ['a hash of another kind', { request: 'javascript:alert(1)' }, 'request'],
      ['no text', { input: 5 }, 'input'],
      ['no JSON', { input: '{"prompt"' }, 'input'],
      ['no prompt', { input: '{"seed":1}' }, 'input'],
      ['a huge prompt', { input: JSON.stringify({ prompt: 'a'.repeat(70_000) }) }, 'input'],
      ['no base64', { picture: '<svg onload=alert(1)>' }, 'picture'],
      ['HTML', { picture: Buffer.from('<script>alert(1)</script>').toString('base64') }, 'picture'],
      [
        'an SVG',
        { picture: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>').toString('base64') },
        'picture',
      ],
      ['a JPEG', { picture: jpeg.toString('base64') }, 'picture'],
      ['half a PNG', { picture: png.subarray(0, png.length - 9).toString('base64') }, 'picture'],
      ['a PNG and HTML', { picture: Buffer.concat([png, Buffer.from('<b>')]).toString('base64') }, 'picture'],
      ['something more', { title: 'x' }, 'title'],
    ]
    for (const [what, part, field] of wrong) {
      const answer = await share(body(part))
      const { error } = answer.json()

      expect(answer.statusCode, what).to.equal(400)
      expect(error.code, what).to.equal('picture.invalid')
      expect(`${error.field} ${error.message}`, what).to.include(field)
    }
    expect(kept()).to.deep.equal([])
  })

  it('larger than pictures of the network are is refused', async () => {
    const huge = Buffer.alloc(MOST_PICTURE_BYTES + 3).toString('base64')
    expect((await share(body({ picture: huge }))).json().error.code).to.equal('picture.invalid')
    const beyond = await share(body({ picture: 'A'.repeat(7_000_000) }))
    expect([beyond.statusCode, beyond.json().error.code]).to.deep.equal([413, 'body.too_large'])
  })

  it('as a form of another site could send it, is not read', async () => {
    for (const type of [
      'text/plain',
      'image/png',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
    ]) {
      const headers = { 'content-type': type }
      const answer = await app.inject({ method: 'POST', url: '/api/pictures', headers, payload: '{}' })
      expect(answer.statusCode, type).to.equal(415)
    }
  })

  it('is told that the router is away, and kept nowhere', async () => {
    const answer = await share(body())

    expect([answer.statusCode, answer.json().error.code]).to.deep.equal([503, 'router.unreachable'])
    expect(kept()).to.deep.equal([])
  })

  it('is told that the chain is away where its node answers with an error, and nothing of the secret in the way to it', async () => {
    const answering = async (answer: (body: string) => object) => {
      const server = createServer(async (request, response) => {
        let asked = ''
        for await (const part of request) asked += part
        response.setHeader('content-type', 'application/json').end(JSON.stringify(answer(asked)))
      })
      servers.push(server)
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    }
    const servers: Server[] = []
    const ledger = `0x${'1e'.repeat(20)}`
    let says: object = { error: { code: -32000, message: 'quota exceeded' } }
    const refusing = ({ id }: { id: number }) => ({ jsonrpc: '2.0', id, ...says })
    const node = await answering((body) => {
      const asked = JSON.parse(body)
      return Array.isArray(asked) ? asked.map(refusing) : refusing(asked)
    })
    const routerUrl = await answering(() => ({
      chainId: 31337,
      rpcUrl: node,
      addresses: { accessManager: ledger, heu: ledger, asset: ledger, registry: ledger, ledger },
      split: { node: 7000, pod: 1000, frontend: 1000, voters: 500 },
      podVoters: true,
      router: { address: ledger, url: node },
    }))
    await app.close()
    app = open({ routerUrl, chainRpcUrl: `${node}/v2/the-operators-secret` })

    const ill = await share(body())
    // A node of another chain: the operator's to mend, and no word about the picture.
    says = { result: '0x5' }
    const foreign = await share(body())
    for (const server of servers) server.close()

    expect([ill.statusCode, ill.json().error.code]).to.deep.equal([503, 'chain.unreachable'])
    expect([foreign.statusCode, foreign.json().error.code]).to.deep.equal([503, 'picture.unchecked'])
    expect(ill.body + foreign.body).to.not.include('secret')
    expect(kept()).to.deep.equal([])
  })

  it('is tried by one address sixty times an hour; another one is not held up by it', async () => {
    for (let index = 0; index < 60; index += 1) expect((await share(body())).statusCode).to.equal(503)

    const last = await share(body())
    expect([last.statusCode, last.json().error.code]).to.deep.equal([429, 'rate.limited'])
    expect(Number(last.headers['retry-after'])).to.be.within(1, 3_600)
    expect((await share(body(), '10.0.0.2')).statusCode).to.equal(503)
  })

  it('waits for its turn while eight others are looked up', async () => {
    const held: ServerResponse[] = []
    const slow = createServer((_, answer) => held.push(answer))
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve))
    const busy = open({ routerUrl: `http://127.0.0.1:${(slow.address() as AddressInfo).port}` })
    const headers = { 'content-type': 'application/json' }
    const ask = () =>
      busy.inject({ method: 'POST', url: '/api/pictures', headers, payload: JSON.stringify(body()) })
    const first = Array.from({ length: 8 }, ask)
    while (held.length < 8) await new Promise((resolve) => setTimeout(resolve, 10))
    const ninth = await ask()
    slow.closeAllConnections()
    const others = await Promise.all(first)

    expect([ninth.statusCode, ninth.json().error.code]).to.deep.equal([503, 'pictures.busy'])
    expect(others.map((each) => each.json().error.code)).to.deep.equal(Array(8).fill('router.unreachable'))
    await busy.close()
    await new Promise((resolve) => slow.close(resolve))
  })

  it('made of noise never breaks a route, and is never kept', async () => {
    const noise = fc.oneof(
      fc.jsonValue(),
      fc.record(
        {
          request: fc.oneof(fc.constant(REQUEST), fc.string(), fc.jsonValue()),
          input: fc.oneof(fc.constant(INPUT), fc.json(), fc.string(), fc.jsonValue()),
          picture: fc.oneof(
            fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('base64')),
            fc.string(),
            fc.jsonValue(),
          ),
          secret: fc.string(),
        },
        { requiredKeys: [] },
      ),
    )
    const id = fc.oneof(fc.string({ maxLength: 80 }), fc.constant('a'.repeat(22)), fc.constant('../config'))
    await fc.assert(
      fc.asyncProperty(noise, id, async (payload, name) => {
        const at = encodeURIComponent(name)
        const json = { 'content-type': 'application/json' }
        const answers = [
          await app.inject({
            method: 'POST',
            url: '/api/pictures',
            headers: json,
            payload: JSON.stringify(payload),
          }),
          await app.inject(`/api/pictures/${at}`),
          await app.inject(`/imagine/p/${at}.png`),
          await app.inject(`/imagine/s/${at}`),
          await app.inject({
            method: 'DELETE',
            url: `/api/pictures/${at}`,
            headers: json,
            payload: JSON.stringify(payload),
          }),
        ]
        for (const { statusCode } of answers) expect(statusCode).to.be.within(200, 499)
        for (const answer of [answers[0], answers[1], answers[2], answers[4]]) {
          expect(answer?.statusCode).to.be.within(400, 499)
          expect(answer?.body).not.to.match(/ {4}at |node_modules/)
        }
        expect(kept()).to.deep.equal([])
      }),
      seeded({ numRuns: 150 }),
    )
  })

  it('without a place to keep it, or without the door, there is no such route', async () => {
    for (const more of [{ dataDir: undefined }, { doors: { portal: { frontend: 1 } } }]) {
      const closed = open(more)
      const answer = await closed.inject({ method: 'POST', url: '/api/pictures', payload: body() })
      expect(answer.statusCode).to.equal(404)
      await closed.close()
    }
  })
})

describe('what passes for a PNG', () => {
  it('is one that sharp wrote, with the size it has', async () => {
    for (const side of [1, 16, 300]) {
      expect(readPng(await pngOf(side))).to.deep.equal({ width: side, height: side })
    }
  })

  it('is not one with any bit turned, cut anywhere, or with something behind it', async () => {
    const png = await pngOf(8)
    fc.assert(
      fc.property(fc.nat(png.length * 8 - 1), (bit) => {
        const turned = Uint8Array.from(png)
        turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(codeOf(() => readPng(turned))).to.equal('picture.invalid')
      }),
      seeded({ numRuns: 400 }),
    )
    for (let length = 0; length < png.length; length += 1) {
      expect(codeOf(() => readPng(png.subarray(0, length)))).to.equal('picture.invalid')
    }
    expect(codeOf(() => readPng(Buffer.concat([png, Buffer.of(0)])))).to.equal('picture.invalid')
  })

  it('is not noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        expect(codeOf(() => readPng(noise))).to.equal('picture.invalid')
      }),
      seeded({}),
    )
  })
})

describe('the store of pictures', () => {
  let home: string
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'heurist-pictures-'))
  })
  afterEach(() => rmSync(home, { recursive: true, force: true }))
  const picture: Picture = { request: REQUEST, input: INPUT, model: 'image', width: 8, height: 8 }
  const open = (mostTotalBytes = 100) =>
    openShares(home, PICTURE_SHARE, { most: 10, mostTotalBytes, now: () => 5 })
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => '',
      (cause) => asHeuristError(cause).code,
    )

  it('has room for so many bytes, also after a restart, and a deleted picture gives its own back', async () => {
    const { id, secret } = await open().create(picture, new Uint8Array(60))
    const again = open()

    expect(await failure(again.create(picture, new Uint8Array(41)))).to.equal('share.full')
    expect(await again.create(picture, new Uint8Array(40))).to.have.property('id')
    await again.delete(id, secret)
    expect(await failure(again.beside(id))).to.equal('share.unknown')
    expect(await failure(again.create(picture, new Uint8Array(60)))).to.equal('')
  })

  it('sweeps away what a crash left half done, and nothing else', async () => {
    const { id } = await open().create(picture, Uint8Array.of(1, 2, 3))
    for (const name of [`${'a'.repeat(22)}.png`, `${'b'.repeat(22)}.png.new`, `${'c'.repeat(22)}.json.new`]) {
      writeFileSync(join(home, name), 'x')
    }
    const again = open()

    expect(readdirSync(home).sort()).to.deep.equal([`${id}.json`, `${id}.png`].sort())
    expect(await again.beside(id)).to.deep.equal(Buffer.of(1, 2, 3))
  })

  it('is deleted once, whoever asks at the same time', async () => {
    const shares = open()
    const { id, secret } = await shares.create(picture, new Uint8Array(60))
    const outcomes = await Promise.all([1, 2, 3].map(() => failure(shares.delete(id, secret))))

    expect(outcomes.filter((code) => code === '')).to.have.length(1)
    expect(outcomes.filter((code) => code === 'share.unknown')).to.have.length(2)
    expect(await failure(shares.create(picture, new Uint8Array(100)))).to.equal('')
  })
})

describe('what previews read', () => {
  it('is text in quoted attributes, whatever the prompt, with the picture at the origin that people reach', () => {
    fc.assert(
      fc.property(strangersWords, (prompt) => {
        const input = JSON.stringify({ prompt })
        const shared = { request: REQUEST, input, model: 'image', width: 8, height: 8, createdAt: 1 }
        const { head = [] } = sentPicture('i'.repeat(22), shared, 'https://example.org')

        for (const tag of head)
          expect(tag).to.match(/^<meta (?:name|property)="[\w:]+" content="[^"<>]*" \/>$/)
        expect(head.join()).to.include('content="https://example.org/imagine/p/iiiiiiiiiiiiiiiiiiiiii.png"')
      }),
      seeded({}),
    )
  })
})

describe('a picture of a real network', function () {
  this.timeout(300_000)
  let stage: Stage
  let client: Client
  let made: { request: string; input: string; picture: string; bytes: Uint8Array }
  const asked = {
    prompt: 'a large green square on a red background, centre',
    size: '64x64',
    steps: 3,
    seed: 11,
  }
  before(async () => {
    stage = await openStage({ relay: false, pictures: true })
    const { key } = await stage.market.payer(usd('5'))
    client = stage.network.client(key)
    const { request, bytes } = await client.run('image', asked)
    made = {
      request,
      input: JSON.stringify(asked),
      picture: Buffer.from(bytes).toString('base64'),
      bytes,
    }
  })
  after(async () => {
    await client?.close()
    await stage?.close()
  })
  const send = (part: object = {}) => {
    const { bytes: _, ...own } = made
    return fetch(`${stage.url}/api/pictures`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...own, ...part }),
    })
  }
  const remove = (id: string, secret: string) =>
    fetch(`${stage.url}/api/pictures/${id}`, {
      method: 'DELETE',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ secret }),
    })
  const errorOf = async (answer: Response) =>
    ((await answer.json()) as { error: { code: string; message: string } }).error

  it('is kept with its model and size, and served as the very bytes the receipt hashes', async () => {
    const answer = await send()
    expect(answer.status, await answer.clone().text()).to.equal(201)
    const { id, secret } = (await answer.json()) as { id: string; secret: string }
    const shown = (await (await fetch(`${stage.url}/api/pictures/${id}`)).json()) as Picture
    const picture = await fetch(`${stage.url}/imagine/p/${id}.png`)

    expect(shown).to.include({
      request: made.request,
      input: made.input,
      model: 'image',
      width: 64,
      height: 64,
    })
    expect(new Uint8Array(await picture.arrayBuffer())).to.deep.equal(made.bytes)
    expect(picture.headers.get('content-type')).to.equal('image/png')
    expect(picture.headers.get('x-content-type-options')).to.equal('nosniff')
    expect((await remove(id, secret)).status).to.equal(204)
    expect((await fetch(`${stage.url}/imagine/p/${id}.png`)).status).to.equal(404)
  })

  it('has a page whose head names it at this origin', async () => {
    const { id } = (await (await send()).json()) as { id: string }
    const page = await (await fetch(`${stage.url}/imagine/s/${id}`)).text()

    expect(page).to.include(`<meta property="og:image" content="${stage.url}/imagine/p/${id}.png" />`)
    expect(page).to.include(`<meta property="og:title" content="${asked.prompt}" />`)
    expect(page).to.include('<meta name="twitter:card" content="summary_large_image" />')
    expect(page).to.match(/<script type="module"[^>]* src="\/assets\/imagine/)
    expect(page).to.match(new RegExp(`<img src="/imagine/p/${id}.png" [^>]*width="64" height="64"`))
    expect(page).to.include(`${asked.prompt}</h1>`)
    const missing = await (await fetch(`${stage.url}/imagine/s/${'a'.repeat(22)}`)).text()
    expect(missing).not.to.include('og:image')
  })

  it('that is another picture, another prompt or another call is refused, naming what does not hold', async () => {
    const other = (await pngOf(64)).toString('base64')
    const wrong: [object, RegExp][] = [
      [{ picture: other }, /bytes/],
      [{ input: JSON.stringify({ ...asked, prompt: 'a blue cross' }) }, /request/],
    ]
    for (const [part, named] of wrong) {
      const answer = await send(part)
      const { code, message } = await errorOf(answer)

      expect([answer.status, code]).to.deep.equal([422, 'picture.unproven'])
      expect(message).to.match(named)
    }
    const nobodys = await send({ request: REQUEST })
    expect([nobodys.status, (await errorOf(nobodys)).code]).to.deep.equal([404, 'receipt.unknown'])
  })

  it('that a chat pod answered is no picture', async () => {
    const input = { messages: [{ role: 'user', content: 'What is a pod?' }] }
    const chat = await client.run('chat', input)
    const answer = await send({ request: chat.request, input: JSON.stringify(input) })

    expect([answer.status, (await errorOf(answer)).code]).to.deep.equal([400, 'picture.invalid'])
  })

  it('is deleted by its own secret alone', async () => {
    const [one, two] = await Promise.all(
      [send(), send()].map(async (sent) => (await (await sent).json()) as { id: string; secret: string }),
    )
    const wrong = await remove(one?.id ?? '', two?.secret ?? '')

    expect([wrong.status, (await errorOf(wrong)).code]).to.deep.equal([403, 'share.secret_wrong'])
    expect((await remove(one?.id ?? '', one?.secret ?? '')).status).to.equal(204)
    expect((await fetch(`${stage.url}/imagine/p/${two?.id}.png`)).status).to.equal(200)
  })

  it('is shown while the router is down, and no new one is taken', async () => {
    const { id } = (await (await send()).json()) as { id: string }
    await stage.network.kill('router', async () => {
      const answer = await send()

      expect([answer.status, (await errorOf(answer)).code]).to.deep.equal([503, 'router.unreachable'])
      expect((await fetch(`${stage.url}/imagine/p/${id}.png`)).status).to.equal(200)
    })
  })

  it('is shared by one address at most twenty times in twelve hours', async () => {
    const codes: string[] = []
    for (let tries = 0; tries < 20; tries += 1) {
      const answer = await send()
      if (answer.status !== 201) codes.push((await errorOf(answer)).code)
    }

    // Some of the twenty were made above.
    expect(codes.length).to.be.within(1, 19)
    expect(new Set(codes)).to.deep.equal(new Set(['rate.limited']))
  })
})
