import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { cosine } from '../../pods/embed/score.ts'
import { type Client, usd, verifyReceipt } from '../../sdk/index.ts'
import { parseManifest } from '../../sdk/protocol/manifest.ts'
import { priceOf } from '../../sdk/protocol/price.ts'
import { type Market, openMarket, PODS } from '../market.ts'
import { openNetwork, type TestNetwork } from '../network.ts'

const MORE = ['embed', 'translate'] as const

/** Real chain, router and worker, each a process of its own: the calls of the two kinds that are neither chat nor image. */
describe('embed and translate pods on the network', function () {
  this.timeout(900_000)
  let market: Market
  let network: TestNetwork
  let client: Client
  let used = 0n

  before(async () => {
    market = await openMarket()
    network = await openNetwork(market, 1, MORE)
    client = network.client((await market.payer(usd('5.00'))).key)
  })

  after(async () => {
    await client?.close()
    await network?.stop()
    await market?.close()
  })

  const manifestOf = (pod: string) => parseManifest(readFileSync(join(PODS, pod, 'pod.yaml')))

  it('texts are embedded, and the call is receipted, priced by its tokens and verified', async () => {
    const input = ['What is the capital of Kenya?', 'Name the capital of Kenya', 'What is a voucher?']

    const answer = await client.run('embed', { input })
    used += answer.price

    const [one = [], same = [], other = []] = answer.embeddings ?? []
    expect(cosine(one, same)).to.be.greaterThan(cosine(one, other) + 0.3)
    expect(answer.receipt).to.include({ unitsOut: 0n, end: 0 })
    expect(answer.receipt.unitsIn > 0n).to.equal(true)
    expect(answer.price).to.equal(priceOf(manifestOf('embed').pricing, answer.receipt.unitsIn, 0n))
    expect(answer.mediaType).to.equal('application/x-ndjson')
    await verified(answer.request, answer.bytes)
  })

  it('a text is translated piece by piece, and the call is receipted, priced by its tokens and verified', async () => {
    const stream = client.stream('translate', { text: 'Where is our red house?', from: 'en', to: 'de' })
    const pieces: string[] = []
    for await (const { text } of stream) if (text !== undefined) pieces.push(text)
    const answer = await stream.answer
    used += answer.price

    expect(pieces.join('')).to.equal('Wo ist unser rotes Haus?')
    expect(answer).to.include({ text: 'Wo ist unser rotes Haus?', finish: 'stop' })
    const { unitsIn, unitsOut } = answer.receipt
    expect(answer.price).to.equal(priceOf(manifestOf('translate').pricing, unitsIn, unitsOut))
    await verified(answer.request, answer.bytes)
  })

  it('a bare text is a request to embed it, and no request to translate it', async () => {
    const text = 'What is a voucher?'

    const [bare, whole] = [await client.run('embed', text), await client.run('embed', { input: [text] })]
    used += bare.price + whole.price
    const error = await client.run('translate', text).catch((cause: unknown) => cause)

    expect(bare.embeddings).to.deep.equal(whole.embeddings)
    expect(bare.embeddings).to.have.length(1)
    expect(error).to.include({ code: 'input.invalid', kind: 'refused' })
  })

  const wrong: [pod: (typeof MORE)[number], input: object, field: string][] = [
    ['embed', { input: [] }, 'input'],
    ['embed', { input: 'a', dimensions: 2 }, 'dimensions'],
    ['translate', { text: 'Hello', from: 'en', to: 'tlh' }, 'to'],
    ['translate', { text: '', from: 'en', to: 'de' }, 'text'],
  ]
  for (const [pod, input, field] of wrong) {
    it(`${pod} of ${JSON.stringify(input)} is refused by its field, and costs nothing`, async () => {
      const error = await client.run(pod, input).catch((cause: unknown) => cause)

      expect(error).to.include({ code: 'input.invalid', kind: 'refused', field })
      expect((await client.balance()).charged).to.equal(used)
    })
  }

  async function verified(request: `0x${string}`, bytes: Uint8Array): Promise<void> {
    const checks = await verifyReceipt(request, {
      routerUrl: network.routerUrl,
      rpcUrl: market.chain.rpcUrl,
      ledger: market.addresses.ledger,
      chainId: market.domain.chainId,
      bytes,
    })
    // Batches have tests of their own: a call may or may not be settled by now.
    const failed = checks.filter(({ ok, name }) => !ok && name !== 'settled')
    expect(failed).to.deep.equal([])
    expect(checks.length).to.be.greaterThan(3)
  }
})
