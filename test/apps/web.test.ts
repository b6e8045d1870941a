import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { expect } from 'chai'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { isFresh } from '../../apps/web/build.ts'
import { DOOR_PAGES } from '../../apps/web/doors.ts'
import { configSchema, contentSecurityPolicy, createWeb } from '../../apps/web/server.ts'
import { layoutMap } from '../../apps/web/src/live/layout.ts'
import { afterJob } from '../../apps/web/src/network/live.ts'
import { PORTAL_ADDRESSES } from '../../apps/web/src/portal/addresses.ts'
import { bandsOf } from '../../apps/web/src/receipt/flow.ts'
import { PLACES } from './places.ts'

const DIST = join(import.meta.dirname, '../../apps/web/dist')
/** First-load JavaScript, gzipped bytes. */
const MOST_FIRST_LOAD = 250 * 1024

const config = configSchema.parse({
  host: '127.0.0.1',
  port: 0,
  routerUrl: 'http://127.0.0.1:7800',
  gatewayUrl: 'http://127.0.0.1:7801/v1',
  rpcUrl: 'http://127.0.0.1:7845',
  chainId: 31337,
  ledger: `0x${'1e'.repeat(20)}`,
  doors: {
    portal: { frontend: 2 },
    pondera: { frontend: 3 },
    imagine: { frontend: 4 },
    search: { frontend: 5 },
  },
})
const PAGES = ['index.html', 'pondera.html', 'imagine.html', 'search.html']

describe('the web page', () => {
  let app: FastifyInstance
  before(() => {
    app = createWeb(config, pino({ level: 'silent' }))
  })
  after(() => app.close())

  it('dist/ was made from the sources as they are: run `npx tsx apps/web/build.ts` after touching them', () => {
    expect(isFresh()).to.equal(true)
  })

  it('an address that cannot be decoded is answered under the same policy', async () => {
    for (const url of ['/%', '/search/%zz', '/%E0%A4%A']) {
      const answer = await app.inject(url)

      expect(answer.statusCode, url).to.equal(400)
      expect(answer.headers['content-security-policy']).to.equal(contentSecurityPolicy(config))
      expect(answer.headers['x-content-type-options']).to.equal('nosniff')
      expect(answer.body).to.equal('This is no address.\n')
    }
  })

  it('the server’s own way to the chain is told to nobody', async () => {
    const chainRpcUrl = 'http://127.0.0.1:7846/the-secret'
    const own = createWeb({ ...config, chainRpcUrl }, pino({ level: 'silent' }))
    const { body, headers } = await own.inject('/config.json')
    await own.close()

    expect(JSON.parse(body).rpcUrl).to.equal(config.rpcUrl)
    expect(body + JSON.stringify(headers)).not.to.match(/7846|the-secret/)
  })

  it('every door loads at most 250 kB of JavaScript before it shows anything', () => {
    for (const page of PAGES) {
      const html = readFileSync(join(DIST, page), 'utf8')
      const scripts = [...html.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)].map((match) => match[1] ?? '')
      const bytes = scripts.reduce((sum, path) => sum + gzipSync(readFileSync(join(DIST, path))).length, 0)

      expect(scripts.length).to.be.greaterThan(1)
      expect(bytes, page).to.be.within(10_000, MOST_FIRST_LOAD)
    }
  })

  it('of viem the pages load what they ask a chain for, not all that it can be asked', () => {
    const files = readdirSync(join(DIST, 'assets')).filter((name) => name.endsWith('.js'))
    const text = files.map((name) => readFileSync(join(DIST, 'assets', name), 'utf8')).join('\n')

    expect(text).to.include('eth_getTransactionReceipt')
    // Of `simulateCalls`, `getEnsAddress` and `getProof`, which came with viem's own client.
    expect(text).not.to.match(/function tokenURI\(uint256\) returns|resolveWithGateways|eth_getProof/)
  })

  it('what colours code and draws formulas is apart from what shows a text: it comes with the first that has one', () => {
    const files = readdirSync(join(DIST, 'assets')).filter((name) => /^markdown-.*\.js$/.test(name))
    const [text = ''] = files.map((name) => readFileSync(join(DIST, 'assets', name), 'utf8'))

    expect(files).to.have.length(1)
    expect(text).not.to.match(/katex|hljs-/)
    expect(gzipSync(text).length).to.be.lessThan(60_000)
  })

  it('every address of every door is measured and pictured', () => {
    const known = Object.keys(PLACES).map((place) => place.replace(/[? ].*$/, '').replace(/:\w+/g, ':'))
    const doors = Object.values(DOOR_PAGES).flatMap(({ addresses }) => addresses)

    expect(doors.length).to.be.greaterThan(20)
    for (const address of doors) expect(known, address).to.include(address.replace(/:\w+/g, ':'))
    expect(new Set(Object.values(PLACES)).size).to.equal(known.length)
  })

  it('has no inline script or style, and names no other host', () => {
    for (const page of PAGES) {
      const html = readFileSync(join(DIST, page), 'utf8')

      expect(html).not.to.match(/<script(?![^>]*\bsrc=)[^>]*>/)
      expect(html).not.to.match(/<style|\son\w+=|style="/)
      expect(html).not.to.match(/https?:\/\//)
    }
    for (const file of readdirSync(join(DIST, 'assets')).filter((name) => name.endsWith('.css'))) {
      expect(readFileSync(join(DIST, 'assets', file), 'utf8')).not.to.match(/url\(\s*['"]?https?:/)
    }
  })

  it('every answer forbids inline code, frames and third parties', async () => {
    for (const url of ['/', '/config.json', '/theme.js', '/r/0x00', '/nothing']) {
      const { headers } = await app.inject(url)
      const policy = String(headers['content-security-policy'])

      expect(policy).to.equal(contentSecurityPolicy(config))
      expect(policy)
        .to.include("default-src 'none'")
        .and.not.match(/unsafe|\*/)
      expect(headers).to.include({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
    }
  })

  it('may talk to its own doors only, each once', () => {
    const connect = contentSecurityPolicy({ ...config, rpcUrl: config.routerUrl })
      .split('; ')
      .find((each) => each.startsWith('connect-src'))

    expect(connect).to.equal("connect-src 'self' http://127.0.0.1:7800 http://127.0.0.1:7801")
  })

  it('tells the page where its doors are, and which ledger on which chain to trust', async () => {
    const answer = await app.inject('/config.json')

    expect(answer.json()).to.deep.equal({
      routerUrl: config.routerUrl,
      gatewayUrl: config.gatewayUrl,
      rpcUrl: config.rpcUrl,
      chainId: config.chainId,
      ledger: config.ledger,
      doors: {
        portal: { frontend: 2 },
        pondera: { frontend: 3 },
        imagine: { frontend: 4 },
        search: { frontend: 5 },
      },
      relay: false,
    })
    expect(answer.headers['cache-control']).to.equal('no-store')
  })

  it('a receipt has an address of its own; anything else is not found', async () => {
    const page = (await app.inject('/')).body

    expect((await app.inject(`/r/0x${'ab'.repeat(32)}`)).body).to.equal(page)
    for (const url of [
      '/nothing',
      '/assets/nothing.js',
      '/.source-hash',
      '/../package.json',
      '/%2e%2e/package.json',
    ]) {
      expect((await app.inject(url)).statusCode, url).to.equal(404)
    }
  })

  it('who reads an address that is none is shown the way back; a slash too many is taken off', async () => {
    const read = (url: string) => app.inject({ url, headers: { accept: 'text/html,*/*;q=0.8' } })
    const none = await read('/nothing')

    expect([none.statusCode, none.body]).to.deep.equal([404, (await app.inject('/')).body])
    expect(none.headers['content-security-policy']).to.include("default-src 'none'")
    expect((await read('/assets/nothing.js')).statusCode).to.equal(404)
    for (const [url, plain] of [
      ['/pondera/', '/pondera'],
      ['/explorer/?a=b', '/explorer?a=b'],
      ['/pondera/?model=x', '/pondera?model=x'],
    ] as const) {
      const { statusCode, headers } = await read(url)
      expect([statusCode, headers.location], url).to.deep.equal([308, plain])
    }
    // Another host's address is none of ours.
    for (const url of ['//evil.example/', '/%2f/evil.example/', '/a//evil.example/']) {
      const { statusCode, headers } = await read(url)
      expect(statusCode, url).to.be.within(400, 404)
      expect(headers.location ?? '', url).to.equal('')
    }
  })

  it('every address of the portal is the page, and none of them without that door', async () => {
    const closed = createWeb({ ...config, doors: { pondera: { frontend: 3 } } }, pino({ level: 'silent' }))
    const page = (await app.inject('/')).body
    for (const address of PORTAL_ADDRESSES.filter((each) => each !== '/')) {
      const url = address.replace(/:\w+/g, '1')

      expect((await app.inject(url)).body, url).to.equal(page)
      expect((await closed.inject(url)).statusCode, url).to.equal(404)
    }
    await closed.close()
  })

  it('a door is there if the configuration opens it, and nowhere else', async () => {
    const closed = createWeb({ ...config, doors: { portal: { frontend: 2 } } }, pino({ level: 'silent' }))
    for (const url of [
      '/pondera',
      '/pondera/c/a',
      '/pondera/s/a',
      '/imagine',
      '/imagine/m/image',
      '/imagine/s/a',
    ]) {
      const title = url.startsWith('/pondera') ? 'Pondera' : 'Imagine'
      expect((await app.inject(url)).body, url).to.include(title)
      expect((await closed.inject(url)).statusCode, url).to.equal(404)
    }
    expect((await app.inject('/search?q=a&rid=b')).body).to.include('Search')
    expect((await closed.inject('/search')).statusCode).to.equal(404)
    await closed.close()
  })

  it('is sent compressed to whoever takes it, and is the same then', async () => {
    const script = readdirSync(join(DIST, 'assets')).find((name) => /^react.*\.js$/.test(name)) ?? ''
    for (const url of ['/', '/pondera', `/assets/${script}`]) {
      const plain = await app.inject({ url, headers: { 'accept-encoding': 'identity' } })
      const gzipped = await app.inject({ url, headers: { 'accept-encoding': 'gzip' } })
      const brotli = await app.inject({ url, headers: { 'accept-encoding': 'br, gzip' } })

      expect(gunzipSync(gzipped.rawPayload).equals(plain.rawPayload), url).to.equal(true)
      expect(brotliDecompressSync(brotli.rawPayload).equals(plain.rawPayload), url).to.equal(true)
      expect(brotli.rawPayload.length).to.be.lessThan(plain.rawPayload.length / 2)
      expect(brotli.headers).to.include({ 'content-encoding': 'br', 'x-content-type-options': 'nosniff' })
      expect(brotli.headers['content-type']).to.equal(plain.headers['content-type'])
    }
  })

  it('files named by their content are kept by browsers, the page itself is asked for again', async () => {
    const [asset = ''] = readdirSync(join(DIST, 'assets'))

    expect((await app.inject(`/assets/${asset}`)).headers['cache-control']).to.include('immutable')
    expect((await app.inject('/')).headers['cache-control']).to.equal('no-cache')
    expect(statSync(join(DIST, 'LICENSES.md')).size).to.be.greaterThan(100)
  })
})

describe("the page's drawings", () => {
  it('a sankey shows shares true to their amounts: bands add up to the whole and never overlap', () => {
    const amounts = [7000n, 1000n, 1000n, 0n, 1000n]
    const shares = amounts.map((amount, index) => ({ name: String(index), amount, note: '' }))
    const bands = bandsOf(shares, { left: 0, right: 100, height: 200, gap: 10 })

    expect(bands.map((band) => band.thickness)).to.deep.equal([140, 20, 20, 0, 20])
    expect(bands.map((band) => band.y)).to.deep.equal([0, 150, 180, 210, 220])
    expect(bands.reduce((sum, band) => sum + band.percent, 0)).to.be.closeTo(100, 1e-9)
  })

  it('a call without a price draws nothing', () => {
    const [band] = bandsOf([{ name: 'a', amount: 0n, note: '' }], { left: 0, right: 9, height: 9, gap: 1 })

    expect(band?.thickness).to.equal(0)
  })

  it('the map keeps everything inside its width from 288 pixels up', () => {
    for (const width of [288, 328, 640, 1150]) {
      const map = layoutMap(width, ['a', 'b', 'c', 'd'], [1, 2, 3, 4, 5, 6, 7, 8])
      const points = [...map.payers, ...map.nodes, map.router]

      expect(points.every(({ x, y }) => x > 0 && x < width && y > 0 && y < map.height)).to.equal(true)
      expect(map.payers.every(({ x }) => x < map.router.x - 26)).to.equal(true)
      expect(map.nodes.every(({ x }) => x > map.router.x + 26)).to.equal(true)
    }
  })

  it('a call runs from its admission until it fails or is left, and keeps its start', () => {
    const job = { type: 'job' as const, request: '0x1', payer: '0x2', pod: 1, name: 'chat' }
    const admitted = afterJob([], { ...job, at: 5, status: 'admitted' })
    const dispatched = afterJob(admitted, { ...job, at: 9, status: 'dispatched', node: 3 })

    expect(dispatched).to.deep.equal([{ request: '0x1', payer: '0x2', pod: 'chat', node: 3, since: 5 }])
    expect(afterJob(dispatched, { ...job, at: 11, status: 'failed' })).to.deep.equal([])
  })
})
