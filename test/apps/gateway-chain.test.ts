import { join } from 'node:path'
import { expect } from 'chai'
import { toFunctionSelector } from 'viem'
import { freePort, type Market, openMarket } from '../market.ts'
import { openNetwork, type TestNetwork } from '../network.ts'
import { type IllNode, OUT_OF_STEP, startIllNode } from '../sdk/ill-node.ts'

describe('a gateway whose way to the chain fails', function () {
  this.timeout(300_000)
  let market: Market
  let network: TestNetwork
  let node: IllNode
  before(async () => {
    market = await openMarket()
    network = await openNetwork(market, 1, [])
    node = await startIllNode(market.chain.rpcUrl)
  })
  after(async () => {
    await network?.stop()
    node?.close()
    await market?.close()
  })

  it('says so of an answer that it cannot check, tells nobody where its node is, and goes on once it can', async () => {
    const port = await freePort()
    const { ready } = await network.start({
      name: 'chain',
      entry: 'apps/gateway/main.ts',
      config: {
        port,
        dataDir: join(market.home, 'chain'),
        routerUrl: network.routerUrl,
        rpcUrl: `${node.url}/v2/secret`,
        keyFile: join(market.home, 'keys', 'gateway.key'),
        frontend: 0,
      },
    })
    const ask = async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${ready.apiKey}` },
        body: JSON.stringify({ model: 'chat', messages: [{ role: 'user', content: 'What is a pod?' }] }),
      })
      return { status: answer.status, body: await answer.text() }
    }
    const signerOf = toFunctionSelector('signerOf(uint32)')
    node.says = (_, { params }) => (params[0]?.data?.startsWith(signerOf) ? OUT_OF_STEP : undefined)
    const during = await ask()
    node.says = () => undefined
    const after = await ask()

    expect([during.status, JSON.parse(during.body).error.code]).to.deep.equal([503, 'chain.unreachable'])
    expect(during.body).to.not.match(/secret|header not found/)
    // The router has charged the first: a gateway that did not know it would sign too low a ceiling.
    expect(after.status, after.body).to.equal(200)
  })
})
