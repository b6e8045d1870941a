import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { openChain } from '../../../sdk/chain/clients.ts'
import { rpcFetch } from '../../../sdk/chain/rpc-fetch.ts'
import { nodeHttp } from '../../../sdk/node-http.ts'
import { refusal } from '../refusal.ts'

const CHAIN = JSON.stringify({ jsonrpc: '2.0', id: 0, result: '0x7a69' })

describe('a chain that a server asks', function () {
  this.timeout(60_000)
  const servers: Server[] = []
  let asked: { path: string | undefined; headers: IncomingHttpHeaders; body: string }[] = []
  const http = nodeHttp()

  async function node(respond: (response: ServerResponse, body: string) => void): Promise<string> {
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (part: Buffer) => {
        body += part.toString('utf8')
      })
      request.on('end', () => {
        asked.push({ path: request.url, headers: request.headers, body })
        respond(response, body)
      })
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const answers = () => node((response, body) => response.end(replyTo(body)))
  const replyTo = (body: string): string => {
    const { id } = ([JSON.parse(body)] as { id: number }[][]).flat()[0] ?? { id: 0 }
    const reply = { ...JSON.parse(CHAIN), id }
    return JSON.stringify(body.startsWith('[') ? [reply] : reply)
  }
  const check = (rpcUrl: string) => openChain({ chainId: 31_337, rpcUrl, fetchFn: rpcFetch(http) }).check()

  beforeEach(() => {
    asked = []
  })
  after(() => {
    for (const server of servers) {
      server.close()
      server.closeAllConnections()
    }
  })

  it('hears who asks, and with what password', async () => {
    await check(`http://user:secret@${await answers()}/v3/key?net=main`)

    const [{ path, headers } = { path: undefined, headers: {} }] = asked
    expect(path).to.equal('/v3/key?net=main')
    expect(headers['user-agent']).to.equal('heurist')
    expect(headers['content-type']).to.equal('application/json')
    expect(headers['accept-encoding']).to.equal('identity')
    expect(headers.authorization).to.equal(`Basic ${Buffer.from('user:secret').toString('base64')}`)
  })

  for (const status of [307, 308]) {
    it(`is asked where it leads with ${status}, and a stranger hears no password`, async () => {
      const there = await answers()
      const here = await node((response) => {
        response.writeHead(status, { location: `http://${there}/moved` })
        response.end()
      })

      await check(`http://user:secret@${here}`)

      expect(asked.map(({ path, headers }) => [path, headers.authorization !== undefined])).to.deep.equal([
        ['/', true],
        ['/moved', false],
      ])
      expect(asked[1]?.body).to.equal(asked[0]?.body)
    })
  }

  it('that leads in a circle does not answer, and is not asked for ever', async () => {
    const here = await node((response) => {
      response.writeHead(307, { location: '/' })
      response.end()
    })

    const refused = await refusal(check(`http://${here}`))

    expect(refused.code).to.equal('chain.unreachable')
    expect(asked.length).to.be.below(30)
  })

  it('that answers more than anybody asks for is refused, by its text and by its header', async () => {
    const text = ' '.repeat(11 * 1024 * 1024)
    for (const head of [{}, { 'content-length': String(text.length) }]) {
      const here = await node((response) => {
        response.writeHead(200, { 'content-type': 'application/json', ...head })
        response.end(text)
      })

      const refused = await refusal(check(`http://${here}`))

      expect(refused.code).to.equal('unexpected')
      expect(refused.message).to.contain('exceeded')
    }
  })

  it('that answers zipped although it was not asked to is read', async () => {
    const here = await node((response, body) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      response.end(gzipSync(replyTo(body)))
    })

    await check(`http://${here}`)
    expect(asked).to.have.length(1)
  })

  it('that refuses says why', async () => {
    const here = await node((response) => {
      response.writeHead(429, { 'retry-after': '0' })
      response.end()
    })

    const refused = await refusal(check(`http://${here}`))

    expect(refused.code).to.equal('chain.unreachable')
    expect(String(refused.cause)).to.contain('Too Many Requests')
  })
})
