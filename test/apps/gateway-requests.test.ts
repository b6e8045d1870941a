import { expect } from 'chai'
import fc from 'fast-check'
import type { z } from 'zod'
import { chatParameters } from '../../apps/gateway/chat.ts'
import { completionParameters } from '../../apps/gateway/completions.ts'
import { MAX_BODY_BYTES } from '../../apps/gateway/door.ts'
import { embeddingParameters } from '../../apps/gateway/embeddings.ts'
import { imageParameters } from '../../apps/gateway/images.ts'
import type { Parameters } from '../../apps/gateway/parameters.ts'
import { responseParameters } from '../../apps/gateway/responses.ts'
import { type HeuristError, later, refused } from '../../sdk/errors.ts'
import {
  callOf,
  chatAnswer,
  embedManifest,
  eventsOf,
  manifestOf,
  openDoor,
  paidOf,
  streamOf,
  type TestDoor,
} from './door.ts'
import * as shapes from './openai-shapes.ts'

/** Requests of every kind against every route; 200,000 with HEURIST_REQUESTS=200000. */
const REQUESTS = Number(process.env.HEURIST_REQUESTS ?? 2_000)
const units = { unitsIn: 2n, unitsOut: 3n, price: 37n }
/** The first bytes of a picture of 64 × 32. */
const PNG = Buffer.from('89504e470d0a1a0a0000000d494844520000004000000020', 'hex')

interface Route {
  path: string
  rules: Parameters<z.ZodType>
  /** What is accepted as it stands. */
  body: Record<string, unknown>
  whole: z.ZodType
  event?: z.ZodType
}

const routes: Route[] = [
  {
    path: '/v1/chat/completions',
    rules: chatParameters,
    body: { model: 'chat', messages: [{ role: 'user', content: 'hi' }] },
    whole: shapes.chatCompletion,
    event: shapes.chatChunk,
  },
  {
    path: '/completions',
    rules: completionParameters,
    body: { model: 'chat', prompt: ['hi', 'there'] },
    whole: shapes.textCompletion,
    event: shapes.textChunk,
  },
  {
    path: '/v1/responses',
    rules: responseParameters,
    body: { model: 'chat', input: 'hi' },
    whole: shapes.response,
    event: shapes.responseEvent,
  },
  {
    path: '/v1/embeddings',
    rules: embeddingParameters,
    body: { model: 'embed', input: ['hi', 'there'] },
    whole: shapes.embeddings,
  },
  {
    path: '/images/generations',
    rules: imageParameters,
    body: { model: 'image', prompt: 'a red circle' },
    whole: shapes.images,
  },
]

/** Values that some parameter takes, and values that none does. */
const value = fc.oneof(
  fc.constantFrom<unknown>(
    true,
    false,
    null,
    0,
    1,
    2,
    16,
    17,
    0.5,
    -1,
    1e9,
    '',
    'x',
    'auto',
    'none',
    'url',
    'base64',
  ),
  fc.constantFrom<unknown>('chat', 'image', 'embed', '64x32', [], {}, ['x'], [[1]], [''], { type: 'text' }),
  fc.constantFrom<unknown>(
    { include_usage: true },
    { format: { type: 'text' } },
    [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
    [{ role: 'user', content: [{ type: 'input_text', text: 'hi' }] }],
    [{ type: 'function', function: { name: 'look' } }],
  ),
  fc.jsonValue(),
)

interface Asked {
  path: string
  /** Where a route streams. */
  stream: boolean
  changes: [string, unknown][]
  /** All changes are ones that ask for nothing. */
  harmless: boolean
  fault: HeuristError | undefined
}

const namesOf = ({ honoured, ignored, neutral, unsupported }: Route['rules']) => [
  ...honoured,
  ...ignored,
  ...Object.keys(neutral),
  ...unsupported,
  ...['__proto__', 'constructor', 'x'],
]
const askedOf = (route: Route): fc.Arbitrary<Asked> => {
  const { ignored, neutral } = route.rules
  const nothing = fc.constantFrom(
    ...Object.entries(neutral).flatMap(([name, values]) =>
      values.map((each) => [name, each] as [string, unknown]),
    ),
    ...ignored.map((name) => [name, 'anything'] as [string, unknown]),
  )
  const change = fc.tuple(fc.constantFrom(...namesOf(route.rules)), value)
  const fault = fc.option(
    fc.constantFrom(
      refused('input.invalid', 'the pod says no', { field: 'messages' }),
      later('queue.full', 'busy'),
      later('node.unavailable', 'nobody serves'),
    ),
    { nil: undefined, freq: 8 },
  )
  const stream = route.event === undefined ? fc.constant(false) : fc.boolean()
  return fc.oneof(
    fc.record({
      path: fc.constant(route.path),
      stream,
      changes: fc.array(change, { maxLength: 4 }),
      harmless: fc.constant(false),
      fault,
    }),
    fc.record({
      path: fc.constant(route.path),
      stream,
      changes: fc.array(nothing, { maxLength: 3 }),
      harmless: fc.constant(true),
      fault: fc.constant(undefined),
    }),
  )
}

describe('any request at all', function () {
  this.timeout(3_600_000)
  let door: TestDoor
  let fault: HeuristError | undefined
  let paid = 0

  before(async () => {
    door = await openDoor([manifestOf('chat'), manifestOf('image'), embedManifest(2)])
    const job = (): number => {
      paid += 1
      if (fault !== undefined) throw fault
      return paid
    }
    door.pay({
      chat: async () => chatAnswer(job(), 'yes', units),
      image: async () => ({ ...paidOf(job(), units), png: PNG }),
      embed: async (_, { input }) => {
        const embeddings = [input].flat().map(() => [0.5, 0.25])
        return { ...paidOf(job(), units), bytes: Buffer.from(JSON.stringify({ embeddings })) }
      },
      stream: () => {
        paid += 1
        return fault === undefined
          ? streamOf(['y', 'es'], paidOf(paid, units))
          : streamOf([], fault, callOf(paid))
      },
    })
  })
  after(() => door.close())

  async function check({ path, stream, changes, harmless, fault: wanted }: Asked, seen: Map<string, number>) {
    const route = routes.find((each) => each.path === path)
    if (route === undefined) throw new Error(`no route ${path}`)
    // As JSON, so that `__proto__` is a key like any other.
    const pairs = [...Object.entries(route.body), ...(stream ? [['stream', true] as const] : []), ...changes]
    const body = `{${pairs.map(([name, each]) => `${JSON.stringify(name)}:${JSON.stringify(each)}`).join(',')}}`
    fault = wanted
    paid = 0
    const answer = await door.post(route.path, body)
    const text = await answer.text()
    const count = (kind: string) => seen.set(kind, (seen.get(kind) ?? 0) + 1)
    count(`${route.path} ${answer.status}`)

    if (harmless) expect(answer.status, text).to.equal(200)
    if (!answer.ok) {
      const { error } = shapes.failure.parse(JSON.parse(text))
      const expected = wanted === undefined || paid === 0 ? [400, 404] : [422, 429, 503]
      expect(answer.status, text).to.be.oneOf(expected)
      if (paid === 0) {
        const named = (error.param ?? '').split(/[.[]/)[0]
        // Keys that reach for a prototype are refused while the body is read.
        if (error.code === 'invalid_json') expect(body).to.match(/"(__proto__|prototype)"/)
        else
          expect(
            pairs.map(([name]) => name.slice(0, 64)),
            text,
          ).to.include(named)
      }
      return
    }
    expect(paid).to.be.within(1, 16)
    expect(answer.headers.get('x-heurist-receipt')?.split(', ')).to.have.length(paid)
    if (!answer.headers.get('content-type')?.startsWith('text/event-stream')) {
      route.whole.parse(JSON.parse(text))
      return
    }
    count(`${route.path} streamed`)
    for (const { data } of eventsOf(text)) route.event?.parse(data)
    expect(text).to.match(/(\[DONE\]|x-heurist-receipt: [^\n]*)\n\n$/)
  }

  it(`of ${REQUESTS}, each is answered in its shape, or refused by the name of what is wrong and not paid`, async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
    console.log(`      seed ${seed}`)
    const seen = new Map<string, number>()

    await fc.assert(
      fc.asyncProperty(fc.oneof(...routes.map(askedOf)), (asked) => check(asked, seen)),
      { seed, numRuns: REQUESTS },
    )

    console.log(`      ${[...seen].map(([kind, times]) => `${kind}: ${times}`).join(', ')}`)
    for (const { path, event } of routes) {
      expect(seen.get(`${path} 200`), path).to.be.greaterThan(REQUESTS / 50)
      expect(seen.get(`${path} 400`), path).to.be.greaterThan(REQUESTS / 50)
      if (event !== undefined) expect(seen.get(`${path} streamed`), path).to.be.greaterThan(REQUESTS / 50)
    }
  })

  for (const { path, body } of routes) {
    const bare = path.replace('/v1', '')
    for (const where of [bare, `/v1${bare}`]) {
      it(`${where} refuses strangers, what is no JSON, too much of it and other methods, and charges nothing`, async () => {
        paid = 0
        const type = { 'content-type': 'application/json' }
        const keyed = { ...type, authorization: `Bearer ${door.key}` }
        const send = async (init: RequestInit) => {
          const answer = await fetch(door.url + where, {
            method: 'POST',
            body: JSON.stringify(body),
            ...init,
          })
          const { error } = shapes.failure.parse(await answer.json())
          return [answer.status, error.code]
        }

        expect(await send({ headers: type })).to.deep.equal([401, 'invalid_api_key'])
        expect(await send({ headers: { ...keyed, authorization: `Bearer ${door.key}0` } })).to.deep.equal([
          401,
          'invalid_api_key',
        ])
        expect(await send({ headers: keyed, body: '{"model":' })).to.deep.equal([400, 'invalid_json'])
        expect(await send({ headers: keyed, body: '[]' })).to.deep.equal([400, 'invalid_value'])
        expect(await send({ headers: { ...keyed, 'content-type': 'application/xml' } })).to.deep.equal([
          415,
          'unsupported_media_type',
        ])
        expect(
          await send({ headers: keyed, body: JSON.stringify({ ...body, x: 'x'.repeat(MAX_BODY_BYTES) }) }),
        ).to.deep.equal([413, 'body.too_large'])
        const other = await fetch(door.url + where, { method: 'PUT', headers: keyed, body: '{}' })
        expect(other.status).to.equal(404)
        expect(paid).to.equal(0)
      })
    }
  }
})
