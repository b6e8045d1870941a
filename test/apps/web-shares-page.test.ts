import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { sentPicture } from '../../apps/web/pictures/page.ts'
import { resultSchema } from '../../apps/web/search/documents.ts'
import { configSchema, createWeb } from '../../apps/web/server.ts'
import { type SentShare, withShare } from '../../apps/web/shares/page.ts'
import { snapshotSchema } from '../../apps/web/shares/snapshot.ts'
import { chatBody } from '../../apps/web/src/pondera/sent.ts'
import { resultBody } from '../../apps/web/src/search/sent.ts'
import { seeded } from '../sdk/seed.ts'
import { strangersWords } from './strangers.ts'

/** What stands in the page of a share before any script has come. */

const DIST = join(import.meta.dirname, '../../apps/web/dist')
const ID = 'i'.repeat(22)
const REQUEST = `0x${'ab'.repeat(32)}` as const

/** A page of each door, with the share that these words make. */
const PAGES: Record<string, (words: string) => SentShare> = {
  imagine: (prompt) => {
    const input = JSON.stringify({ prompt })
    const picture = { request: REQUEST, input, model: 'image', width: 64, height: 64, createdAt: 1 }
    return sentPicture(ID, picture, 'https://example.org')
  },
  pondera: (words) => ({
    ...{ id: ID, api: '/api/shares', title: words },
    body: chatBody({
      title: words,
      model: 'chat',
      createdAt: 1,
      messages: (['user', 'assistant', 'note'] as const).map((role) => ({ role, text: words })),
    }),
  }),
  search: (words) => ({
    ...{ id: ID, api: '/api/results', title: words },
    body: resultBody({
      ...{ query: words, answer: words, by: 'sources', related: [], requests: [], createdAt: 1 },
      sources: [{ title: words, from: words, url: '/search/source/docs/trust.md', text: words }],
    }),
  }),
}

describe('a title that turns the direction of its words', () => {
  const turned = 'invoice\u202Efdp.exe \u2066\u2069'
  const straight = 'invoice fdp.exe   '

  it('reads as it is written in a shared chat, a shared result and the page of any', () => {
    const chat = { title: turned, model: turned, messages: [{ role: 'note', text: 'a', model: turned }] }
    const source = { title: turned, from: 'a', url: 'https://example.org/', text: turned }
    const result = {
      query: turned,
      answer: turned,
      by: 'model',
      model: turned,
      sources: [source],
      related: [],
      requests: [],
    }
    const read = snapshotSchema.parse(chat)
    const found = resultSchema.parse(result)

    expect([read.title, read.model, read.messages[0]?.model]).to.deep.equal([straight, straight, straight])
    expect([found.query, found.model, found.sources[0]?.title]).to.deep.equal([straight, straight, straight])
    for (const [door, sent] of Object.entries(PAGES)) {
      const page = withShare(readFileSync(join(DIST, `${door}.html`), 'utf8'), sent(turned))
      expect(/<head>.*<\/head>/s.exec(page)?.[0], door)
        .to.include('invoice fdp.exe')
        .and.not.match(/[\u202A-\u202E\u2066-\u2069]/)
    }
  })
})

describe('the page of a share', () => {
  for (const [door, sent] of Object.entries(PAGES)) {
    const built = readFileSync(join(DIST, `${door}.html`), 'utf8')
    const pageOf = (words: string) => withShare(built, sent(words))
    /** Its elements without any words. */
    const bones = (html: string) => html.replace(/"[^"]*"/g, '""').replace(/>[^<]*/g, '>')

    it(`${door}: whatever strangers wrote is words, in elements and in attributes`, () => {
      fc.assert(
        fc.property(strangersWords, (words) => {
          expect(bones(pageOf(words))).to.equal(bones(pageOf('words')))
        }),
        seeded({}),
      )
    })

    it(`${door}: what it shows stands in it, what was written is read again as it was`, () => {
      const words = '<b>"What" & \'why\'?</b>\nA second line'
      const [, heading = ''] = /<h1[^>]*>([^<]*)<\/h1>/.exec(pageOf(words)) ?? []
      const read = heading
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&quot;', '"')
        .replaceAll('&#39;', "'")
        .replaceAll('&amp;', '&')

      expect(read).to.equal(words)
      expect(pageOf('words')).to.match(/<title>words · \w+<\/title>/)
      expect(pageOf('words')).to.include(`<div id="root" data-share="${ID}">`)
      expect(pageOf('words')).not.to.include('The page is on its way')
      expect(pageOf('words')).not.to.match(/<script(?![^>]*\bsrc=)|<style|\son\w+=|style="/)
    })
  }
})

describe('the server', () => {
  let home: string
  let app: FastifyInstance
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'heurist-shares-'))
    const config = {
      ...{ port: 0, routerUrl: 'http://127.0.0.1:1', rpcUrl: 'http://127.0.0.1:2', chainId: 31337 },
      ...{ ledger: `0x${'1e'.repeat(20)}`, dataDir: home },
      doors: { pondera: { frontend: 3 }, search: { frontend: 5 } },
    }
    app = createWeb(configSchema.parse(config), pino({ level: 'silent' }))
  })
  after(async () => {
    await app.close()
    rmSync(home, { recursive: true, force: true })
  })
  const publish = async (url: string, payload: object) =>
    (await app.inject({ method: 'POST', url, payload })).json<{ id: string; secret: string }>()

  it('sends a shared chat with its words, kept by nobody on the way, and without them once it is deleted', async () => {
    const messages = [{ role: 'user', text: 'What is <a pod>?' }]
    const { id, secret } = await publish('/api/shares', { title: 'Of pods', model: 'chat', messages })
    const { body, headers } = await app.inject(`/pondera/s/${id}`)

    expect(body).to.include('>What is &lt;a pod&gt;?</p>').and.to.include('<title>Of pods · Pondera</title>')
    expect(headers).to.include({ 'cache-control': 'no-store', 'x-robots-tag': 'noindex' })
    expect(String(headers['content-security-policy'])).to.include("script-src 'self'")

    await app.inject({ method: 'DELETE', url: `/api/shares/${id}`, payload: { secret } })
    expect((await app.inject(`/pondera/s/${id}`)).body).to.equal((await app.inject('/pondera')).body)
  })

  it('sends a shared result at the address that names it, and the door as it was built at every other', async () => {
    const result = {
      query: 'Of pods',
      answer: 'A pod is <b>.',
      by: 'sources',
      sources: [],
      related: [],
      requests: [],
    }
    const { id } = await publish('/api/results', result)
    const plain = (await app.inject('/search')).body

    expect((await app.inject(`/search?q=pods&rid=${id}`)).body).to.include('>A pod is &lt;b&gt;.</p>')
    for (const query of [
      'q=pods',
      'rid=',
      `rid=${ID}`,
      `rid=${id}&rid=${id}`,
      'rid=../../etc',
      `rid[a]=${id}`,
    ])
      expect((await app.inject(`/search?${query}`)).body, query).to.equal(plain)
  })
})
