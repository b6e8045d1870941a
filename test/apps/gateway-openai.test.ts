import { expect } from 'chai'
import OpenAI from 'openai'
import { formatUsd } from '../../sdk/units.ts'
import { type Market, openMarket } from '../market.ts'
import { openNetwork, type TestNetwork } from '../network.ts'
import { settled } from './settled.ts'
import { thrownBy } from './thrown.ts'

/** The unmodified `openai` client, given only base URL and key, against chain, router, worker and gateway. */
describe('the openai client on a real network', function () {
  this.timeout(900_000)
  let market: Market
  let network: TestNetwork
  let openai: OpenAI

  before(async () => {
    market = await openMarket()
    network = await openNetwork(market, 1)
    openai = new OpenAI({ baseURL: `${network.gatewayUrl}/v1`, apiKey: network.apiKey, maxRetries: 0 })
  })
  after(async () => {
    await network?.stop()
    await market?.close()
  })

  const ask = (content: string) => ({ model: 'chat', messages: [{ role: 'user' as const, content }] })
  const settledOf = (request: string) => settled(network.routerUrl, request)
  const PNG = '89504e470d0a1a0a'

  it('lists the pods as models and shows each one', async () => {
    const { data } = await openai.models.list()

    expect(data.map((model) => model.id)).to.have.members(Object.keys(market.seeded.pods))
    for (const { id } of data) expect(await openai.models.retrieve(id)).to.include({ id, object: 'model' })
  })

  it('chats; usage and price in the answer are those of the settled receipt', async () => {
    const { data, response } = await openai.chat.completions.create(ask('What is a receipt?')).withResponse()
    const { receipt, status, request } = await settledOf(response.headers.get('x-heurist-receipt') ?? '')

    expect(data.choices[0]?.message.content).to.be.a('string').and.not.equal('')
    expect(data.choices[0]?.finish_reason).to.equal('stop')
    expect(status).to.equal('settled')
    expect(data.usage).to.include({
      prompt_tokens: Number(receipt?.unitsIn),
      completion_tokens: Number(receipt?.unitsOut),
    })
    expect(response.headers.get('x-heurist-price')).to.equal(formatUsd(receipt?.price ?? 0n))
    expect(response.headers.get('x-heurist-node')).to.equal(String(receipt?.node))
    expect(request.frontend).to.equal(market.seeded.frontend)
  })

  it('streams the same text as a whole answer, with its usage at the end', async () => {
    const whole = await openai.chat.completions.create(ask('What is a pod?'))
    const stream = await openai.chat.completions.create({
      ...ask('What is a pod?'),
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)

    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).to.equal(
      whole.choices[0]?.message.content,
    )
    expect(chunks[0]?.choices[0]?.delta.role).to.equal('assistant')
    expect(chunks.at(-2)?.choices[0]?.finish_reason).to.equal('stop')
    expect(chunks.at(-1)).to.deep.include({ choices: [], usage: whole.usage })
    expect(new Set(chunks.map((chunk) => chunk.id)).size).to.equal(1)
  })

  it('max_tokens and stop end an answer where they say', async () => {
    const short = await openai.chat.completions.create({
      ...ask('What is a receipt?'),
      max_completion_tokens: 3,
    })
    const whole =
      (await openai.chat.completions.create(ask('What is a receipt?'))).choices[0]?.message.content ?? ''
    const word = whole.split(' ')[3] ?? ''
    const stopped = await openai.chat.completions.create({ ...ask('What is a receipt?'), stop: word })

    expect(short.choices[0]?.finish_reason).to.equal('length')
    expect(short.usage?.completion_tokens).to.equal(3)
    expect(stopped.choices[0]?.message.content).to.equal(whole.slice(0, whole.indexOf(word)))
  })

  it('makes a picture that is a PNG of the asked size; the same seed makes the same', async () => {
    const draw = {
      model: 'image',
      prompt: 'a small red circle on a blue background',
      size: '256x256' as const,
      seed: 7,
    }
    const [a, b] = [await openai.images.generate(draw), await openai.images.generate(draw)]
    const bytes = Buffer.from(a.data?.[0]?.b64_json ?? '', 'base64')

    expect(bytes.subarray(0, 8).toString('hex')).to.equal(PNG)
    expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).to.deep.equal([256, 256])
    expect(a.size).to.equal('256x256')
    expect(b.data?.[0]?.b64_json).to.equal(a.data?.[0]?.b64_json)
  })

  it('makes several pictures as several paid jobs, and gives them as URLs', async () => {
    const draw = { prompt: 'a large green square', n: 2, response_format: 'url' as const }
    const { data, response } = await openai.images.generate(draw).withResponse()
    const requests = (response.headers.get('x-heurist-receipt') ?? '').split(', ')
    const pictures = await Promise.all(
      (data.data ?? []).map(async ({ url }) => Buffer.from(await (await fetch(url ?? '')).arrayBuffer())),
    )
    const prices = (await Promise.all(requests.map(settledOf))).map(({ receipt }) => receipt?.price ?? 0n)

    expect(new Set(requests).size).to.equal(2)
    for (const picture of pictures) expect(picture.subarray(0, 8).toString('hex')).to.equal(PNG)
    expect(pictures[0]?.equals(pictures[1] ?? Buffer.of())).to.equal(false)
    expect(response.headers.get('x-heurist-price')).to.equal(
      formatUsd(prices.reduce((sum, price) => sum + price, 0n)),
    )
  })

  it('what a pod itself refuses is named and costs nothing', async () => {
    const spent = (await (await fetch(`${network.routerUrl}/v1/accounts/${await payer()}`)).json()) as {
      charged: string
    }
    const wordless = await thrownBy(openai.images.generate({ model: 'image', prompt: 'xyzzy' }))
    const long = await thrownBy(openai.chat.completions.create(ask('word '.repeat(2_000))))
    const huge = await thrownBy(openai.chat.completions.create(ask('word '.repeat(20_000))))
    const after = (await (await fetch(`${network.routerUrl}/v1/accounts/${await payer()}`)).json()) as {
      charged: string
    }

    expect([wordless.status, wordless.code, wordless.param]).to.deep.equal([422, 'input.invalid', 'prompt'])
    expect([long.status, long.code]).to.deep.equal([400, 'context_length_exceeded'])
    expect([huge.status, huge.code]).to.deep.equal([413, 'input.too_large'])
    expect(after.charged).to.equal(spent.charged)
  })

  it('a caller that leaves in mid-stream pays at most for what the whole answer costs', async () => {
    const whole = await openai.chat.completions.create(ask('What is a voucher?')).withResponse()
    const stream = await openai.chat.completions
      .create({ ...ask('What is a voucher?'), stream: true })
      .withResponse()
    for await (const chunk of stream.data) if (chunk.choices[0]?.delta.content) break
    const left = await settledOf(stream.response.headers.get('x-heurist-receipt') ?? '')
    const full = await settledOf(whole.response.headers.get('x-heurist-receipt') ?? '')

    expect(Number(left.receipt?.price ?? 0n)).to.be.at.most(Number(full.receipt?.price))
    const again = await openai.chat.completions.create(ask('What is a voucher?'))
    expect(again.choices[0]?.message.content).to.equal(whole.data.choices[0]?.message.content)
  })

  it('twelve callers at once are all answered', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => openai.chat.completions.create(ask(`What is ${index} + 1?`))),
    )

    expect(answers.every((answer) => (answer.choices[0]?.message.content ?? '') !== '')).to.equal(true)
  })

  it('a gateway that starts again keeps its key and its account', async () => {
    await network.kill('gateway', 100)

    const answer = await openai.chat.completions.create(ask('What is a receipt?'))

    expect(answer.choices[0]?.message.content).to.not.equal('')
  })

  it('a wrong key opens nothing', async () => {
    const stranger = new OpenAI({ baseURL: `${network.gatewayUrl}/v1`, apiKey: 'hk0-0', maxRetries: 0 })

    for (const call of [stranger.models.list(), stranger.chat.completions.create(ask('hi'))]) {
      const error = await thrownBy(call)
      expect([error.status, error.code]).to.deep.equal([401, 'invalid_api_key'])
    }
  })

  async function payer(): Promise<string> {
    const { receipts } = (await (await fetch(`${network.routerUrl}/v1/receipts?limit=1`)).json()) as {
      receipts: { payer: string }[]
    }
    return receipts[0]?.payer ?? ''
  }
})
