import { expect } from 'chai'
import fc from 'fast-check'
import OpenAI from 'openai'
import { parseEmbedding } from '../../apps/gateway/embeddings.ts'
import { HeuristError, refused } from '../../sdk/errors.ts'
import { embedManifest, manifestOf, openDoor, paidOf, type TestDoor } from './door.ts'
import { embeddings, failure } from './openai-shapes.ts'
import { thrownBy } from './thrown.ts'

const LENGTH = 3
const units = { unitsIn: 11n, unitsOut: 0n, price: 37n }

/** Numbers that a text decides, each a 32-bit float. */
const vectorOf = (text: string): number[] =>
  Array.from({ length: LENGTH }, (_, index) => Math.fround(((text.charCodeAt(index) || 0) % 100) / 128))

describe('embeddings at the gateway', function () {
  this.timeout(600_000)
  let door: TestDoor
  let openai: OpenAI
  let paid: unknown[]
  const answering = (document: unknown) =>
    door.pay({
      embed: async (_, input) => {
        paid.push(input)
        return { ...paidOf(1, units), bytes: Buffer.from(JSON.stringify(document)) }
      },
    })
  const answerAll = () =>
    door.pay({
      embed: async (_, input) => {
        paid.push(input)
        const document = { embeddings: [input.input].flat().map(vectorOf) }
        return { ...paidOf(1, units), bytes: Buffer.from(JSON.stringify(document)) }
      },
    })

  before(async () => {
    door = await openDoor([embedManifest(LENGTH), manifestOf('chat')])
    openai = new OpenAI({ baseURL: `${door.url}/v1`, apiKey: door.key, maxRetries: 0 })
  })
  after(() => door.close())
  beforeEach(() => {
    paid = []
  })

  it("are the pod's vectors in the order of the texts, whichever form they travel in", async () => {
    answerAll()
    const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
    console.log(`      seed ${seed}`)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 5 }),
        async (input) => {
          for (const form of [undefined, 'float', 'base64'] as const) {
            const asked = { model: 'embed', input, ...(form === undefined ? {} : { encoding_format: form }) }
            const { data } = await openai.embeddings.create(asked)
            const vectors = data.map(({ embedding }) =>
              typeof embedding === 'string' ? numbersIn(embedding) : embedding,
            )

            expect(vectors).to.deep.equal(input.map(vectorOf))
            expect(data.map(({ index }) => index)).to.deep.equal(input.map((_, index) => index))
          }
        },
      ),
      { seed, numRuns: 50 },
    )
  })

  it('of one text or of many are one paid job, named in the headers, in the shape of OpenAI', async () => {
    answerAll()
    for (const [input, path] of [
      ['one', '/v1/embeddings'],
      [['one', 'two'], '/embeddings'],
    ] as const) {
      paid = []
      const answer = await door.post(path, { model: 'embed', input })
      const body = embeddings.parse(await answer.json())

      expect(paid).to.deep.equal([{ input }])
      expect(body.usage).to.deep.equal({ prompt_tokens: 11, total_tokens: 11 })
      expect(body.data).to.have.length([input].flat().length)
      expect(answer.headers.get('x-heurist-price')).to.equal('0.000037')
      expect(answer.headers.get('x-heurist-node')).to.equal('3')
    }
  })

  it('of another length than the pod has are refused by name before anything is paid', async () => {
    answerAll()
    await openai.embeddings.create({ model: 'embed', input: 'a', dimensions: LENGTH })
    const thrown = await thrownBy(
      openai.embeddings.create({ model: 'embed', input: 'a', dimensions: LENGTH - 1 }),
    )

    expect([thrown.status, thrown.param]).to.deep.equal([400, 'dimensions'])
    expect(thrown.message).to.include(String(LENGTH))
    expect(paid).to.have.length(1)
  })

  const wrong: [string, object, string, string][] = [
    ['no input', { input: null }, 'missing', 'input'],
    ['token numbers', { input: [1, 2] }, 'invalid', 'input'],
    ['lists of token numbers', { input: [[1]] }, 'invalid', 'input'],
    ['an empty text', { input: '' }, 'invalid', 'input'],
    ['an empty text among others', { input: ['a', ''] }, 'invalid', 'input[1]'],
    ['no texts', { input: [] }, 'invalid', 'input'],
    ['too many texts', { input: Array.from({ length: 257 }, () => 'a') }, 'invalid', 'input'],
    ['a form nobody knows', { encoding_format: 'hex' }, 'invalid', 'encoding_format'],
    ['half a dimension', { dimensions: 0.5 }, 'invalid', 'dimensions'],
    ['a stream', { stream: true }, 'unknown', 'stream'],
  ]
  for (const [title, more, problem, field] of wrong) {
    it(`with ${title} are refused naming ${field}`, () => {
      const parse = () => parseEmbedding({ model: 'embed', input: 'a', ...more })

      expect(parse)
        .to.throw(HeuristError)
        .that.includes({ code: `parameter.${problem}`, field })
    })
  }

  it('asked of a chat pod, and chat asked of an embed pod, are refused saying which route it is', async () => {
    answerAll()
    const chatted = await thrownBy(
      openai.chat.completions.create({ model: 'embed', messages: [{ role: 'user', content: 'a' }] }),
    )
    const embedded = await thrownBy(openai.embeddings.create({ model: 'chat', input: 'a' }))

    expect([chatted.status, embedded.status]).to.deep.equal([400, 400])
    expect(chatted.message).to.include('/v1/embeddings')
    expect(embedded.message).to.include('/v1/chat/completions')
    expect(paid).to.deep.equal([])
  })

  it('that the pod refuses are told of the parameter they are about', async () => {
    const failures: [HeuristError, number, string][] = [
      [refused('input.too_large', 'x'), 413, 'input'],
      [refused('input.invalid', 'x', { field: 'input' }), 422, 'input'],
    ]
    for (const [error, status, param] of failures) {
      door.pay({ embed: () => Promise.reject(error) })
      const answer = await door.post('/v1/embeddings', { model: 'embed', input: 'a' })

      expect(answer.status).to.equal(status)
      expect(failure.parse(await answer.json()).error.param).to.equal(param)
    }
  })

  it('of a broken pod are a 502, never half an answer', async () => {
    const documents = [
      {},
      { embeddings: [] },
      { embeddings: [[1], [2]] },
      { embeddings: [[]] },
      { embeddings: ['x'] },
      'x',
    ]
    for (const document of documents) {
      answering(document)
      const answer = await door.post('/v1/embeddings', { model: 'embed', input: 'a' })

      expect(answer.status).to.equal(502)
      expect(failure.parse(await answer.json()).error.code).to.equal('output.unreadable')
    }
    expect(paid).to.have.length(documents.length)
  })
})

const numbersIn = (base64: string): number[] => {
  const bytes = Buffer.from(base64, 'base64')
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(4 * index))
}
