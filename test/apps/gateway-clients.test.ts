import { expect } from 'chai'
import OpenAI from 'openai'
import OpenAI7 from 'openai-7'
import type { z } from 'zod'
import { formatUsd } from '../../sdk/units.ts'
import { type Market, openMarket } from '../market.ts'
import { openNetwork, type TestNetwork } from '../network.ts'
import { useAi } from './clients/ai.ts'
import { useOpenAi } from './clients/openai.ts'
import type { Door, Used } from './clients/used.ts'
import { eventsOf } from './door.ts'
import * as shapes from './openai-shapes.ts'
import { settled } from './settled.ts'

/** What went over the wire, as the client's own `fetch` saw it. */
interface Exchange {
  path: string
  answer: Response
  text: string
}

const bodies: Record<string, z.ZodType> = {
  models: shapes.models,
  'chat/completions': shapes.chatCompletion,
  completions: shapes.textCompletion,
  responses: shapes.response,
  embeddings: shapes.embeddings,
  'images/generations': shapes.images,
}
const events: Record<string, z.ZodType> = {
  'chat/completions': shapes.chatChunk,
  completions: shapes.textChunk,
  responses: shapes.responseEvent,
}

function shapeOf(shapes: Record<string, z.ZodType>, path: string): z.ZodType {
  const found = shapes[path]
  if (found === undefined) throw new Error(`nobody says what ${path} answers`)
  return found
}

/** Every field that was sent is one that the route's shape has, and none is missing. */
function checkExchange({ path, answer, text }: Exchange): void {
  expect(answer.headers.get('x-request-id')).to.match(/^req_[0-9a-f]{32}$/)
  if (!answer.ok) return void shapes.failure.parse(JSON.parse(text))
  if (path.startsWith('models/')) return void shapes.model.parse(JSON.parse(text))
  if (path !== 'models') expect(answer.headers.get('x-heurist-receipt')).to.match(/^0x[0-9a-f]{64}/)
  if (!answer.headers.get('content-type')?.startsWith('text/event-stream')) {
    return void shapeOf(bodies, path).parse(JSON.parse(text))
  }
  const told = eventsOf(text)
  expect(told).not.to.have.length(0)
  for (const { data } of told) shapeOf(events, path).parse(data)
  expect(text.includes('[DONE]')).to.equal(path !== 'responses')
}

describe('unmodified clients on a real network', function () {
  this.timeout(900_000)
  let market: Market
  let network: TestNetwork
  let exchanges: Promise<Exchange>[]

  before(async () => {
    market = await openMarket()
    network = await openNetwork(market, 1, ['embed'])
  })
  after(async () => {
    await network?.stop()
    await market?.close()
  })
  const door = (): Door => {
    const baseURL = `${network.gatewayUrl}/v1`
    exchanges = []
    return {
      baseURL,
      apiKey: network.apiKey,
      fetch: async (input, init) => {
        const answer = await fetch(input, init)
        const path = String(input instanceof Request ? input.url : input).slice(baseURL.length + 1)
        const text = answer.clone().text()
        exchanges.push(text.then((read) => ({ path, answer, text: read })))
        return answer
      },
    }
  }

  const clients: Record<string, () => Promise<Used>> = {
    'openai 6': () => useOpenAi(new OpenAI({ ...door(), maxRetries: 0 })),
    'openai 7': () => useOpenAi(new OpenAI7({ ...door(), maxRetries: 0 }) as unknown as OpenAI),
    'ai 7 with @ai-sdk/openai-compatible 3': () => useAi(door()),
  }
  for (const [name, use] of Object.entries(clients)) {
    it(`${name} gets the same answer whole and streamed, with its usage, from every route it has`, async () => {
      const used = await use()

      expect(used.whole.text).to.match(/\w/)
      expect(used.whole.finish).to.equal('stop')
      expect(used.whole.output).to.be.greaterThan(0)
      expect(used.streamed).to.deep.equal(used.whole)
      expect(used.completion.text).to.match(/\w/)
      expect(used.completionStreamed).to.deep.equal(used.completion)
      expect(used.responseStreamed).to.deep.equal(used.response)
      if (used.models !== undefined) {
        expect(used.models).to.have.members(Object.keys(market.seeded.pods))
        expect(used.response).to.deep.equal(used.whole)
        expect(used.completion).to.deep.equal(used.whole)
        expect(used.choices?.[0]).to.deep.equal(used.choices?.[1])
        expect(new Set(used.choices?.[0]).size).to.be.greaterThan(1)
      }
      expect(used.pictures).to.have.length(2)
      for (const picture of used.pictures) {
        expect(Buffer.from(picture.subarray(0, 8)).toString('hex')).to.equal('89504e470d0a1a0a')
      }
      const [question = [], sameAsked = [], other = []] = used.vectors
      const likeness = (one: number[], two: number[]) =>
        one.reduce((sum, value, index) => sum + value * (two[index] ?? 0), 0)
      expect(used.vectors).to.have.length(3)
      expect(likeness(question, question)).to.be.closeTo(1, 1e-3)
      expect(likeness(question, sameAsked)).to.be.greaterThan(likeness(question, other))
      expect(used.refusals).to.deep.equal([
        { status: 400, param: 'tools' },
        { status: 400, param: 'response_format' },
        { status: 404, param: 'model' },
      ])
    })

    it(`${name} is sent nothing but what OpenAI's API has`, async () => {
      const seen = await Promise.all(exchanges)

      const routes = new Set(seen.map(({ path }) => path.replace(/^models\/.*/, 'models')))
      expect([...routes]).to.include.members([
        'chat/completions',
        'completions',
        'embeddings',
        'images/generations',
      ])
      for (const each of seen) checkExchange(each)
    })
  }

  it('three choices are three settled receipts; usage and price in the answer are their sums', async () => {
    const { data, response } = await new OpenAI({ ...door(), maxRetries: 0 }).chat.completions
      .create({ model: 'chat', messages: [{ role: 'user', content: 'What is a voucher?' }], n: 3 })
      .withResponse()
    const calls = (response.headers.get('x-heurist-receipt') ?? '').split(', ')
    const receipts = (await Promise.all(calls.map((call) => settled(network.routerUrl, call)))).map(
      ({ receipt }) => receipt,
    )
    const sum = (part: 'price' | 'unitsIn' | 'unitsOut') =>
      receipts.reduce((all, receipt) => all + (receipt?.[part] ?? 0n), 0n)

    expect(new Set(calls).size).to.equal(3)
    expect(sum('price') > 0n).to.equal(true)
    expect(response.headers.get('x-heurist-price')).to.equal(formatUsd(sum('price')))
    expect(data.usage).to.include({
      prompt_tokens: Number(sum('unitsIn')),
      completion_tokens: Number(sum('unitsOut')),
    })
    expect(response.headers.get('x-heurist-node')?.split(', ')).to.deep.equal(
      receipts.map((receipt) => String(receipt?.node)),
    )
  })

  it('sixteen choices of one call are all answered by one worker, streamed or not', async () => {
    const openai = new OpenAI({ ...door(), maxRetries: 0 })
    const ask = { model: 'chat', messages: [{ role: 'user' as const, content: 'What is a pod?' }], n: 16 }
    const whole = await openai.chat.completions.create(ask)
    const streamed = await openai.chat.completions.stream(ask).finalChatCompletion()

    for (const { choices } of [whole, streamed]) {
      expect(choices.map(({ index }) => index)).to.deep.equal(Array.from({ length: 16 }, (_, index) => index))
      expect(new Set(choices.map(({ message }) => message.content)).size).to.equal(1)
    }
  })

  it('a caller that leaves three streams in mid-answer pays for each at most what it costs whole', async () => {
    const openai = new OpenAI({ ...door(), maxRetries: 0 })
    const ask = { model: 'chat', messages: [{ role: 'user' as const, content: 'What is a voucher?' }] }
    const whole = await openai.chat.completions.create(ask).withResponse()
    const left = await openai.chat.completions.create({ ...ask, n: 3, stream: true }).withResponse()
    for await (const chunk of left.data) if (chunk.choices[0]?.delta.content) break
    const calls = (left.response.headers.get('x-heurist-receipt') ?? '').split(', ')
    const full = await settled(network.routerUrl, whole.response.headers.get('x-heurist-receipt') ?? '')
    const parts = await Promise.all(calls.map((call) => settled(network.routerUrl, call)))

    expect(new Set(calls).size).to.equal(3)
    for (const { receipt } of parts) {
      expect(Number(receipt?.price ?? 0n)).to.be.at.most(Number(full.receipt?.price))
    }
    const again = await openai.chat.completions.create(ask)
    expect(again.choices[0]?.message.content).to.equal(whole.data.choices[0]?.message.content)
  })
})
