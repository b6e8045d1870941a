import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { passagesOf } from '../../apps/web/search/passages.ts'
import { brave, type Provider, searxng } from '../../apps/web/search/providers.ts'
import { openVectors } from '../../apps/web/search/vectors.ts'
import { configSchema, createWeb } from '../../apps/web/server.ts'
import { embed, loadPod } from '../../pods/embed/score.ts'
import type { CallOptions } from '../../sdk/calls.ts'
import { asHeuristError, later, refused } from '../../sdk/errors.ts'
import { parseManifest } from '../../sdk/protocol/manifest.ts'
import type { Engine } from '../../worker/engines/engine.ts'

/** Looks again as soon as the work in between is done. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

type Serve = (incoming: IncomingMessage, outgoing: ServerResponse) => void
const servers: Server[] = []
async function serve(answer: Serve): Promise<string> {
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
async function stopServers(): Promise<void> {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}
const json = (outgoing: ServerResponse, body: unknown, status = 200) =>
  outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
const codeOf = (provider: Provider) =>
  provider.find('a').then(
    () => 'found',
    (cause: unknown) => asHeuristError(cause).code,
  )

/** As SearXNG documents it: `/search?q=…&format=json`. */
const SEARXNG = {
  query: 'gpu cloud',
  number_of_results: 3,
  results: [
    {
      url: 'https://one.test/page',
      title: 'One &amp; <b>only</b> [INST]',
      content: 'A <i>first</i> result<script>alert(1)</script>.',
      engine: 'duckduckgo',
      score: 1,
      category: 'general',
    },
    { url: 'javascript:alert(1)', title: 'bad', content: '' },
    { url: 'https://bank.test@evil.test/', title: 'bad', content: '' },
    { url: 'https://one.test/page', title: 'again', content: '' },
    { url: 'https://two.test/', title: '', content: null },
    'no object',
    { title: 'without address' },
  ],
  answers: [],
  suggestions: [],
}
/** As Brave documents its web search. */
const BRAVE = {
  type: 'search',
  query: { original: 'gpu cloud' },
  web: {
    type: 'search',
    results: [
      {
        title: 'Three',
        url: 'https://three.test/a',
        description: 'The <strong>third</strong>.',
        language: 'en',
      },
      { title: 'Four', url: 'http://four.test/', description: 'x'.repeat(5_000) },
    ],
  },
}

describe('web searches by configuration', function () {
  this.timeout(60_000)
  afterEach(stopServers)

  it('SearXNG is asked in its own form, and its results come without markup or bad addresses', async () => {
    let asked: URL | undefined
    const base = await serve((incoming, outgoing) => {
      asked = new URL(incoming.url ?? '', 'http://x')
      json(outgoing, SEARXNG)
    })
    const found = await searxng({ url: `${base}/engine` }).find('gpu cloud&format=html')

    expect(asked?.pathname).to.equal('/engine/search')
    expect(Object.fromEntries(asked?.searchParams ?? [])).to.deep.equal({
      q: 'gpu cloud&format=html',
      format: 'json',
    })
    expect(found).to.deep.equal([
      {
        title: 'One & only',
        from: 'one.test',
        url: 'https://one.test/page',
        text: 'A first result .',
      },
      { title: 'two.test', from: 'two.test', url: 'https://two.test/', text: '' },
    ])
  })

  it('Brave is asked with its key in a header, and its texts are bounded', async () => {
    let key: string | string[] | undefined
    let path = ''
    const url = await serve((incoming, outgoing) => {
      key = incoming.headers['x-subscription-token']
      path = incoming.url ?? ''
      json(outgoing, BRAVE)
    })
    const found = await brave({ url, key: 'the-key' }).find('gpu cloud')

    expect(key).to.equal('the-key')
    expect(path).to.match(/^\/res\/v1\/web\/search\?q=gpu\+cloud&count=8/)
    expect(path).not.to.include('the-key')
    expect(found.map(({ title, text }) => [title, text.length])).to.deep.equal([
      ['Three', 'The third .'.length],
      ['Four', 640],
    ])
    const empty = await serve((_, outgoing) => json(outgoing, { type: 'search' }))
    expect(await brave({ url: empty, key: 'k' }).find('a')).to.deep.equal([])
  })

  it('what leads elsewhere is not followed: neither query nor key goes to another host', async () => {
    let visited = 0
    const other = await serve((_, outgoing) => {
      visited += 1
      json(outgoing, BRAVE)
    })
    for (const status of [301, 302, 307, 308]) {
      const url = await serve((_, outgoing) => outgoing.writeHead(status, { location: `${other}/x` }).end())
      expect(await codeOf(brave({ url, key: 'k' }))).to.equal('provider.failed')
      expect(await codeOf(searxng({ url }))).to.equal('provider.failed')
    }
    expect(visited).to.equal(0)
  })

  it('a provider that fails, floods, hangs or is gone is said so by a code of its own', async () => {
    const cases: [code: string, answer: Serve][] = [
      ['provider.limited', (_, outgoing) => json(outgoing, {}, 429)],
      ['provider.failed', (_, outgoing) => json(outgoing, {}, 503)],
      ['provider.unreadable', (_, outgoing) => outgoing.end('<html>no json</html>')],
      ['provider.unreadable', (_, outgoing) => json(outgoing, { results: 'none' })],
      [
        'provider.unreadable',
        (_, outgoing) => json(outgoing, { results: [], pad: 'x'.repeat(2 * 1024 * 1024) }),
      ],
      ['provider.silent', (incoming) => incoming.socket.destroy()],
      ['provider.silent', () => undefined],
    ]
    for (const [code, answer] of cases) {
      expect(await codeOf(searxng({ url: await serve(answer) }))).to.equal(code)
    }
    expect(await codeOf(searxng({ url: 'http://127.0.0.1:1' }))).to.equal('provider.silent')
  })
})

describe('the routes of the search door', function () {
  this.timeout(120_000)
  let home: string
  let app: FastifyInstance
  let address = 0
  const open = (more: object = {}) =>
    createWeb(
      configSchema.parse({
        port: 0,
        routerUrl: 'http://127.0.0.1:1',
        rpcUrl: 'http://127.0.0.1:2',
        chainId: 31337,
        ledger: `0x${'1e'.repeat(20)}`,
        doors: { search: { frontend: 4 } },
        dataDir: home,
        ...more,
      }),
      pino({ level: 'silent' }),
    )
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'heurist-search-'))
    app = open()
  })
  afterEach(async () => {
    await app.close()
    await stopServers()
    rmSync(home, { recursive: true, force: true })
  })
  /** Each from an address of its own, so that only what one does is counted. */
  const post = (
    body: unknown,
    url = '/api/search',
    remoteAddress = `10.1.${address >> 8}.${address++ & 255}`,
  ) => app.inject({ method: 'POST', url, payload: JSON.stringify(body), headers: JSON_TYPE, remoteAddress })
  const JSON_TYPE = { 'content-type': 'application/json' }

  it('answers eight sources of our documents, which are there as plain text, and by what they were ranked', async () => {
    const answer = (await post({ query: 'Which messages does a router sign?' })).json()
    const [source] = answer.sources
    const page = await app.inject(source.url)

    expect(answer.sources.length).to.equal(8)
    expect(answer.ranking).to.equal('words')
    expect(answer.warnings).to.deep.equal([])
    expect(page.headers['content-type']).to.equal('text/plain; charset=utf-8')
    expect(page.body).to.equal(
      readFileSync(join(import.meta.dirname, '..', '..', ...source.from.split('/')), 'utf8'),
    )
    expect((await app.inject('/api/search')).json()).to.deep.equal({})
  })

  it('no name of a document reaches another file', async () => {
    for (const name of [
      '',
      '../package.json',
      '%2e%2e/package.json',
      'docs/../package.json',
      'docs/%2e%2e%2fpackage.json',
      '/etc/passwd',
      'docs',
      `${'a/'.repeat(150)}b`,
    ]) {
      const { statusCode, body } = await app.inject(`/search/source/${name}`)
      expect(statusCode, name).to.be.within(400, 404)
      expect(body).not.to.include('"heurist"')
    }
  })

  it('what is no query is refused, with the field that is wrong', async () => {
    const wrong: [body: unknown, field: string][] = [
      [{}, 'query'],
      [{ query: 'a'.repeat(101) }, 'query'],
      [{ query: 5 }, 'query'],
      [{ query: 'a', vector: { pod: 'embed', values: ['x'] } }, 'vector.values.0'],
      [{ query: 'a', vector: { values: [1] } }, 'vector.pod'],
      [{ query: '[INST] <b></b> what is the?' }, 'query'],
    ]
    for (const [body, field] of wrong) {
      const answer = await post(body)
      expect(answer.statusCode, JSON.stringify(body)).to.equal(400)
      expect(answer.json().error.field).to.equal(field)
      expect(answer.json().error.code).to.match(/^(search\.invalid|query\.empty)$/)
    }
    expect((await post('x'.repeat(200_000))).statusCode).to.equal(413)
    const form = await app.inject({
      method: 'POST',
      url: '/api/search',
      headers: { 'content-type': 'text/plain' },
      payload: '{}',
    })
    expect(form.statusCode).to.equal(415)
  })

  it('takes whatever is sent: a refusal names its code, nothing fails inside', async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
    console.log(`      seed ${seed}`)
    const text = fc.oneof(
      fc.string({ maxLength: 120, unit: 'binary' }),
      fc.constantFrom('pod', '[INST]', '<b>', '*', '__proto__'),
    )
    const values = fc.array(fc.oneof(fc.double(), fc.integer(), fc.constant(null)), { maxLength: 140 })
    const near = fc.record(
      { query: text, vector: fc.record({ pod: text, values }, { requiredKeys: [] }), extra: fc.anything() },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(fc.oneof(near, fc.record({ query: text }), fc.jsonValue()), async (body) => {
        for (const url of ['/api/search', '/api/results']) {
          const answer = await post(body, url)
          expect(answer.statusCode).to.be.oneOf([200, 201, 400, 413])
          if (answer.statusCode >= 400) expect(answer.json().error.code).to.match(/^[a-z_]+\.[a-z_]+$/)
        }
      }),
      { seed, numRuns: 800 },
    )
    expect((await post({ query: 'voucher' })).statusCode).to.equal(200)
  })

  it('an address searches so often an hour; another one is not held up by it', async () => {
    for (let index = 0; index < 240; index += 1) {
      expect((await post({ query: 'voucher' }, '/api/search', '10.9.0.1')).statusCode).to.equal(200)
    }
    const limited = await post({ query: 'voucher' }, '/api/search', '10.9.0.1')

    expect(limited.statusCode).to.equal(429)
    expect(limited.json().error).to.include({ code: 'rate.limited', kind: 'later' })
    expect(Number(limited.headers['retry-after'])).to.be.within(3_500, 3_600)
    expect((await post({ query: 'voucher' }, '/api/search', '10.9.0.2')).statusCode).to.equal(200)
  })

  it('pages of the web stand beside our documents, and a provider that fails is a sentence', async () => {
    const url = await serve((_, outgoing) => json(outgoing, SEARXNG))
    const broken = await serve((_, outgoing) => json(outgoing, {}, 429))
    const keyFile = join(home, 'brave.key')
    writeFileSync(keyFile, 'secret-key\n')
    await app.close()
    app = open({ search: { searxng: { url }, brave: { keyFile, url: broken } } })
    const answer = await post({ query: 'What is a voucher?' })
    const { sources, warnings } = answer.json()
    const only = (await post({ query: 'sourdough bread' })).json()

    expect(sources.map(({ from }: { from: string }) => from))
      .to.include('one.test')
      .and.to.include('docs/protocol.md')
    expect(sources.length).to.equal(8)
    expect(warnings).to.deep.equal(['the web search brave is asked too often just now'])
    expect(only.sources.map(({ from }: { from: string }) => from)).to.deep.equal(['one.test', 'two.test'])
    expect(answer.body).not.to.include('secret-key')
  })

  it('the web is asked so often a day, whoever searches; beyond that the documents answer alone', async () => {
    let asked = 0
    const url = await serve((_, outgoing) => {
      asked += 1
      json(outgoing, SEARXNG)
    })
    await app.close()
    app = open({ search: { searxng: { url }, mostWebADay: 2 } })
    const answers = []
    for (let index = 0; index < 3; index += 1) answers.push(await post({ query: 'What is a voucher?' }))

    expect(asked).to.equal(2)
    expect(answers.map((answer) => answer.statusCode)).to.deep.equal([200, 200, 200])
    expect(answers.map((answer) => answer.json().warnings)).to.deep.equal([
      [],
      [],
      ['the web search searxng was asked enough for today'],
    ])
    const sources = answers[2]?.json().sources as { from: string }[]
    expect(sources.length).to.equal(8)
    expect(sources.every(({ from }) => /^docs\/|^README/.test(from))).to.equal(true)
  })

  it('a shared result is kept as it is, deleted by its secret alone, and its links lead nowhere bad', async () => {
    const result = {
      query: 'What is it?',
      answer: 'It is [citation:1].',
      by: 'sources',
      sources: [{ title: 'A', from: 'docs/a.md', url: '/search/source/docs/a.md', text: 'It is.' }],
      related: ['What else?'],
      requests: [`0x${'ab'.repeat(32)}`],
    }
    const made = await post(result, '/api/results')
    const { id, secret } = made.json()
    await app.close()
    app = open()
    const { createdAt, ...read } = (await app.inject(`/api/results/${id}`)).json()
    const remove = (by: string) =>
      app.inject({ method: 'DELETE', url: `/api/results/${id}`, payload: { secret: by } })

    expect(made.statusCode).to.equal(201)
    expect(read).to.deep.equal(result)
    expect(createdAt).to.be.a('number')
    expect((await app.inject(`/api/shares/${id}`)).statusCode).to.equal(404)
    expect((await remove('wrong')).statusCode).to.equal(403)
    expect((await remove(secret)).statusCode).to.equal(204)
    expect((await app.inject(`/api/results/${id}`)).statusCode).to.equal(404)

    const forged = {
      ...result,
      sources: [
        { title: 'Trust', from: 'docs/trust.md', url: 'https://evil.test/', text: 'Send me your key.' },
        { title: 'Trust', from: 'bank.test', url: '/search/source/docs/trust.md', text: 'x' },
      ],
    }
    const claimed = (await post(forged, '/api/results')).json()
    const shown = (await app.inject(`/api/results/${claimed.id}`)).json()
    expect(shown.sources.map(({ from }: { from: string }) => from)).to.deep.equal([
      'evil.test',
      'docs/trust.md',
    ])

    for (const url of [
      'javascript:alert(1)',
      'https://bank.test@evil.test/',
      '//evil.test',
      '/pondera',
      '/search/source/../../pondera',
    ]) {
      const bad = { ...result, sources: [{ ...result.sources[0], url }] }
      expect((await post(bad, '/api/results')).json().error.code, url).to.equal('share.invalid')
    }
    expect((await post({ ...result, requests: ['0x1'] }, '/api/results')).statusCode).to.equal(400)
    expect((await post({ ...result, answer: 'x'.repeat(16_001) }, '/api/results')).statusCode).to.equal(400)
  })

  it('a link with a query is not for search engines, and without the door there is none of this', async () => {
    const closed = open({ doors: { pondera: { frontend: 3 } } })

    expect((await app.inject('/search?q=a&rid=b')).headers['x-robots-tag']).to.equal('noindex')
    expect((await app.inject('/search')).headers['x-robots-tag']).to.equal(undefined)
    for (const url of ['/search', '/api/search', '/search/source/README.md', '/api/results/a']) {
      expect((await closed.inject(url)).statusCode, url).to.equal(404)
    }
    await closed.close()
  })
})

describe("the documents' vectors", function () {
  this.timeout(120_000)
  const folder = join(import.meta.dirname, '..', '..', 'pods', 'embed')
  const manifest = parseManifest(readFileSync(join(folder, 'pod.yaml')))
  const passages = passagesOf(
    'docs/a.md',
    `# A\n${'A pod is what the network serves. An epoch lasts a week.\n\n'.repeat(60)}`,
  )
  let engine: Engine
  let home: string
  before(async () => {
    engine = await loadPod(folder)
  })
  after(() => engine?.close())
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'heurist-vectors-'))
  })
  afterEach(() => rmSync(home, { recursive: true, force: true }))

  /** The pod's own model behind a line that breaks before its call number `breaksAt`. */
  function open(breaksAt: number, asked: string[], now: () => number = Date.now) {
    const events: string[] = []
    let calls = 0
    const small = { ...manifest, limits: { ...manifest.limits, inputUnits: 1_500 } }
    const run = async (_: string | number, input: string | object, options?: CallOptions) => {
      calls += 1
      if (options?.signal?.aborted) throw refused('call.left', 'the call was left')
      if (calls === breaksAt) throw later('router.unreachable', 'the router does not answer')
      const { input: texts } = input as { input: string[] }
      asked.push(...texts)
      return { embeddings: await embed(engine, texts) } as never
    }
    const vectors = openVectors({
      folder: home,
      passages,
      embedding: async () => ({
        client: { run },
        pod: 'embed',
        manifest: small,
        hash: `0x${'5a'.repeat(32)}`,
      }),
      tell: ({ event }) => void events.push(String(event)),
      now,
    })
    return { vectors, events }
  }
  const files = () => readdirSync(home).map((name) => join(home, name))

  it('are made once for each piece, and lie in a file that the next process reads', async () => {
    const asked: string[] = []
    const { vectors, events } = open(0, asked)
    vectors.begin()
    vectors.begin()
    await vectors.settled()
    const pieces = vectors.of('embed', 128) ?? []
    const again: string[] = []
    const next = open(0, again).vectors
    next.begin()
    await next.settled()

    expect(events).to.deep.equal(['search.indexed'])
    expect(pieces.length).to.equal(asked.length)
    expect(new Set(pieces.map(({ passage }) => passage)).size).to.equal(passages.length)
    expect(pieces.every(({ vector }) => Math.abs(Math.hypot(...vector) - 1) < 1e-3)).to.equal(true)
    expect(again).to.deep.equal([])
    expect(next.of('embed', 128)).to.deep.equal(pieces)
    expect(next.pod()).to.equal('embed')
    expect(next.of('embed', 64)).to.equal(undefined)
    expect(next.of('another', 128)).to.equal(undefined)
  })

  it('go on after a break where they stopped: what was paid for is not asked again', async () => {
    let now = 1_000_000
    const asked: string[] = []
    const { vectors, events } = open(3, asked, () => now)
    vectors.begin()
    await vectors.settled()
    const first = asked.length

    expect(events).to.deep.equal(['search.index_failed'])
    expect(vectors.pod()).to.equal(undefined)
    expect(first).to.be.greaterThan(0)

    // Not at once again.
    vectors.begin()
    await vectors.settled()
    expect(asked.length).to.equal(first)
    now += 30_000
    vectors.begin()
    await vectors.settled()

    const whole: string[] = []
    rmSync(home, { recursive: true })
    const fresh = open(0, whole).vectors
    fresh.begin()
    await fresh.settled()
    expect(asked).to.deep.equal(whole)
    expect(vectors.of('embed', 128)).to.deep.equal(fresh.of('embed', 128))
  })

  it('a server that stops begins no further call, and the next one goes on', async () => {
    const asked: string[] = []
    const { vectors, events } = open(0, asked)
    vectors.begin()
    await until(() => asked.length > 0)
    await vectors.close()
    const before = asked.length
    vectors.begin()
    await vectors.settled()

    expect(asked.length).to.equal(before)
    expect(events.filter((event) => event === 'search.index_failed')).to.deep.equal([])

    const next = open(0, asked).vectors
    next.begin()
    await next.settled()
    expect(next.of('embed', 128)?.length).to.equal(asked.length)
  })

  it('a line that a crash tore is made again, and nothing before it', async () => {
    const whole: string[] = []
    const one = open(0, whole).vectors
    one.begin()
    await one.settled()
    const [path = ''] = files()
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    const torn = lines.at(-1) ?? ''
    writeFileSync(path, `${lines.slice(0, -1).join('\n')}\n`)
    appendFileSync(path, torn.slice(0, torn.length / 2))
    const asked: string[] = []
    const { vectors } = open(0, asked)
    vectors.begin()
    await vectors.settled()

    expect(lines.length).to.be.greaterThan(2)
    expect(asked.length).to.equal((JSON.parse(torn) as { vectors: unknown[] }).vectors.length)
    expect(vectors.of('embed', 128)).to.deep.equal(one.of('embed', 128))
    expect(readFileSync(path, 'utf8').trimEnd().split('\n')).to.deep.equal(lines)
  })
})
