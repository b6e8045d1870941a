import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { openAccounts } from '../../apps/gateway/accounts.ts'
import { createCatalog } from '../../apps/gateway/catalog.ts'
import { MAX_BODY_BYTES } from '../../apps/gateway/door.ts'
import type { Payer } from '../../apps/gateway/payer.ts'
import { openPictures } from '../../apps/gateway/pictures.ts'
import { createGateway } from '../../apps/gateway/server.ts'
import { refused } from '../../sdk/errors.ts'
import { manifestHash } from '../../sdk/protocol/manifest.ts'

const yaml = readFileSync(join(import.meta.dirname, '../../pods/chat/pod.yaml'))
const POD = { id: 1, name: 'chat', manifest: manifestHash(yaml) }

/** Two documents of a router: its list of pods and one manifest. */
function podsServer(): Server {
  return createServer((request, response) => {
    if (request.url === '/v1/pods') response.end(JSON.stringify({ pods: [POD] }))
    else if (request.url?.startsWith('/v1/pods/1/manifest')) response.end(yaml)
    else response.writeHead(404).end()
  })
}

describe('the gateway, before anything is paid', function () {
  this.timeout(600_000)
  let home: string
  let pods: Server
  let app: FastifyInstance
  let key: string
  let url: string
  let paid = 0
  const pay = () => {
    paid += 1
    throw refused('credit.insufficient', 'nothing may be paid here')
  }
  const payer: Payer = { chat: pay, stream: pay, image: pay, embed: pay }

  before(async () => {
    home = mkdtempSync(join(tmpdir(), 'heurist-door-'))
    pods = podsServer()
    await new Promise<void>((done) => pods.listen(0, '127.0.0.1', done))
    const keys = await openAccounts(home, false)
    key = keys.shown ?? ''
    app = createGateway({
      keys,
      catalog: createCatalog(`http://127.0.0.1:${(pods.address() as AddressInfo).port}`),
      payer,
      pictures: openPictures(join(home, 'pictures')),
      publicUrl: undefined,
      stopping: new AbortController().signal,
      log: pino({ level: 'silent' }),
    })
    url = await app.listen({ host: '127.0.0.1', port: 0 })
  })
  after(async () => {
    await app.close()
    await new Promise((done) => pods.close(done))
    rmSync(home, { recursive: true, force: true })
  })
  beforeEach(() => {
    paid = 0
  })
  afterEach(() => expect(paid).to.equal(0))

  const hello = { model: 'chat', messages: [{ role: 'user', content: 'hi' }] }
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  async function errorAt(answer: Response) {
    const body = (await answer.json()) as {
      error: { message: string; type: string; param: string; code: string }
    }
    expect(Object.keys(body)).to.deep.equal(['error'])
    expect(body.error.message).to.be.a('string').and.not.equal('')
    expect(answer.headers.get('x-request-id')).to.match(/^req_[0-9a-f]{32}$/)
    expect(answer.headers.get('openai-processing-ms')).to.match(/^\d+$/)
    return { status: answer.status, param: body.error.param, code: body.error.code, type: body.error.type }
  }

  it('lists models and shows one, with and without /v1, with and without a key', async () => {
    for (const path of ['/models', '/v1/models']) {
      const list = (await (await fetch(url + path)).json()) as { data: { id: string; object: string }[] }
      const one = await (
        await fetch(`${url + path}/chat`, { headers: { authorization: `Bearer ${key}` } })
      ).json()

      expect(list.data.map(({ id, object }) => ({ id, object }))).to.deep.equal([
        { id: 'chat', object: 'model' },
      ])
      expect(one).to.deep.equal(list.data[0])
      expect(one).to.include({ manifest: POD.manifest, owned_by: 'heurist' })
    }
  })

  it('a wrong key is 401 everywhere, a missing one wherever something is paid', async () => {
    for (const path of ['/v1/chat/completions', '/chat/completions', '/v1/images/generations']) {
      const wrong = await errorAt(await post(path, hello, { authorization: `Bearer ${key}0` }))
      const none = await errorAt(await fetch(url + path, { method: 'POST', body: '{}' }))

      expect(wrong).to.include({ status: 401, code: 'invalid_api_key', type: 'authentication_error' })
      expect(none).to.include({ status: 401, code: 'invalid_api_key' })
    }
    const models = await fetch(`${url}/v1/models`, { headers: { authorization: 'Bearer nobody' } })
    expect(await errorAt(models)).to.include({ status: 401 })
  })

  it('an unknown model is 404 naming the models there are', async () => {
    const answer = await post('/v1/chat/completions', { ...hello, model: 'gpt-4o' })
    const text = await answer.clone().text()

    expect(await errorAt(answer)).to.include({ status: 404, code: 'model_not_found', param: 'model' })
    expect(text).to.include("'chat'")
    expect(await errorAt(await fetch(`${url}/v1/models/gpt-4o`))).to.include({
      status: 404,
      code: 'model_not_found',
    })
  })

  it('a model of another kind is 400 and says where it answers', async () => {
    const answer = await post('/v1/images/generations', { prompt: 'a red circle', model: 'chat' })

    expect(await answer.clone().text()).to.include('/v1/chat/completions')
    expect(await errorAt(answer)).to.include({ status: 400, param: 'model' })
    expect(await errorAt(await post('/v1/images/generations', { prompt: 'a' }))).to.include({ status: 404 })
  })

  it('more tokens than the model makes is 400 before anything is paid', async () => {
    const answer = await post('/v1/chat/completions', { ...hello, max_tokens: 100_000 })

    expect(await errorAt(answer)).to.include({ status: 400, param: 'max_tokens' })
  })

  it('malformed JSON, an empty body, prototype keys and other media types are named', async () => {
    const malformed = [
      await post('/v1/chat/completions', '{"model":'),
      await post('/v1/chat/completions', ''),
    ]
    malformed.push(await post('/v1/chat/completions', '{"__proto__":{"model":"chat"}}'))
    const form = await post('/v1/chat/completions', 'a=b', {
      'content-type': 'application/x-www-form-urlencoded',
    })

    for (const answer of malformed)
      expect(await errorAt(answer)).to.include({ status: 400, code: 'invalid_json' })
    expect(await errorAt(form)).to.include({ status: 415, code: 'unsupported_media_type' })
  })

  it('an idempotency key beside a stream is refused by name, never ignored', async () => {
    const body = { ...hello, stream: true }
    const answer = await post('/v1/chat/completions', body, { 'idempotency-key': 'once' })

    expect(await errorAt(answer)).to.include({
      status: 400,
      param: 'Idempotency-Key',
      code: 'unsupported_parameter',
    })
  })

  it('a body past the limit is 413', async () => {
    const answer = await post('/v1/chat/completions', { ...hello, user: 'x'.repeat(MAX_BODY_BYTES) })

    expect(await errorAt(answer)).to.include({ status: 413, code: 'body.too_large' })
  })

  it('an unknown URL is 404 in the same shape, a bad one 400', async () => {
    expect(await errorAt(await post('/v1/audio/speech', {}))).to.include({ status: 404, code: 'unknown_url' })
    expect(await errorAt(await fetch(`${url}/nothing`))).to.include({ status: 404, code: 'unknown_url' })
    expect(await errorAt(await fetch(`${url}/v1/models/%E0%A4%A`))).to.include({ status: 400 })
    expect(await errorAt(await fetch(`${url}/pictures/x.png`))).to.include({ status: 404 })
  })

  it('what is not HTTP is answered in the same shape', async () => {
    const text = await new Promise<string>((resolve, reject) => {
      let all = ''
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write('NOT HTTP\r\n\r\n'))
      socket.on('data', (bytes) => {
        all += bytes.toString()
      })
      socket.on('close', () => resolve(all))
      socket.on('error', reject)
    })

    expect(text).to.match(/^HTTP\/1\.1 400 Bad Request\r\n/)
    expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n')))).to.have.nested.property('error.code')
  })

  it('browsers may call it from any page', async () => {
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: { origin: 'http://a.example', 'access-control-request-method': 'POST' },
    })

    expect(answer.status).to.equal(204)
    expect(answer.headers.get('access-control-allow-origin')).to.equal('*')
    expect(answer.headers.get('access-control-allow-headers')).to.include('authorization')
  })

  it('says that it lives, and that it is ready while its router is', async () => {
    expect((await fetch(`${url}/healthz`)).status).to.equal(200)
    expect((await fetch(`${url}/readyz`)).status).to.equal(200)
  })

  it('any body at all is refused with a 4xx that names its reason, and nothing is paid', async function () {
    this.timeout(600_000)
    const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
    console.log(`      seed ${seed}`)
    const names = fc.constantFrom(
      'messages',
      'stream',
      'n',
      'seed',
      'stop',
      'size',
      'prompt',
      'tools',
      'x',
      '__proto__',
    )
    const body = fc.oneof(
      fc.json(),
      fc.string(),
      fc
        .dictionary(names, fc.jsonValue(), { maxKeys: 6 })
        .map((each) => JSON.stringify({ ...each, model: 'chat', n: 7 })),
    )
    const path = fc.constantFrom('/v1/chat/completions', '/images/generations')

    await fc.assert(
      fc.asyncProperty(path, body, async (where, text) => {
        const { status } = await errorAt(await post(where, text))
        expect(status).to.be.within(400, 499)
      }),
      { seed, numRuns: 400 },
    )
  })
})
