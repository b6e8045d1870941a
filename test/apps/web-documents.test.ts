import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { type Asking, answer, stop } from '../../apps/web/src/pondera/answer.ts'
import type { Chat, Message, Settings } from '../../apps/web/src/pondera/chat.ts'
import { entryOf, type IndexedDocument } from '../../apps/web/src/pondera/documents/document.ts'
import { excerptsFor, indexRest, newDocument } from '../../apps/web/src/pondera/documents/library.ts'
import { indexPrice, questionPrice } from '../../apps/web/src/pondera/documents/price.ts'
import { mostOfAnswer } from '../../apps/web/src/pondera/price.ts'
import type { Chats } from '../../apps/web/src/pondera/store.ts'
import type { Session } from '../../apps/web/src/session/view.ts'
import { HeuristError, later, refused } from '../../sdk/errors.ts'
import type { Answer, CallOptions, Client } from '../../sdk/index.ts'
import { type Manifest, parseManifest } from '../../sdk/protocol/manifest.ts'
import { maxPriceOf, unitLimitsOf } from '../../sdk/protocol/price.ts'
import { closed } from '../../sdk/purse.ts'
import { formatUsd } from '../../sdk/units.ts'
import { PODS } from '../market.ts'
import { seeded } from '../sdk/seed.ts'

const manifestOf = (pod: string): Manifest => parseManifest(readFileSync(join(PODS, pod, 'pod.yaml')))
/** A pod that reads so much for so much that nothing of it is hidden by its limits or its least price. */
const priced = (manifest: Manifest): Manifest => ({
  ...manifest,
  pricing: { ...manifest.pricing, per: 1, input: 3, minimum: 1 },
  limits: { ...manifest.limits, inputUnits: manifest.limits.inputBytes },
})
const embed: Manifest = {
  ...manifestOf('embed'),
  pricing: { ...priced(manifestOf('embed')).pricing, minimum: 500 },
}
const chat = priced(manifestOf('chat'))
const dearer = (manifest: Manifest): Manifest => ({
  ...manifest,
  pricing: { ...manifest.pricing, input: manifest.pricing.input + 1 },
})

const neededOf = (manifest: Manifest, input: object): bigint =>
  maxPriceOf(manifest, unitLimitsOf(manifest, input, new TextEncoder().encode(JSON.stringify(input)).length))

interface Pod {
  client: Client
  /** What answered calls were charged: all that they allowed, the worst that may be. Base units. */
  charged: bigint
  calls: number
}

interface Rules {
  /** Its terms as the router has them now. */
  now: Manifest
  /** Characters of a text that it reads. */
  room?: number
  vector?: readonly number[]
  /** From this call on the router does not answer. */
  breaks?: number
}

/** A pod by the router's and the worker's rules: refusals cost nothing, an answer costs all that was allowed. */
function podOf({ now, room = Number.POSITIVE_INFINITY, vector = [1, 0], breaks }: Rules): Pod {
  const serve = (input: object, { maxPrice, signal }: CallOptions): bigint => {
    if (signal?.aborted) throw refused('call.left', 'the call was left before its end')
    const needed = neededOf(now, input)
    const allowed = maxPrice ?? needed
    if (allowed < needed) throw refused('price.too_low', 'maxPrice is below what this input can cost.')
    const texts = 'input' in input ? (input.input as string[]) : []
    if (texts.some(({ length }) => length > room)) throw refused('input.too_long', 'input.0: is too long')
    if (breaks !== undefined && pod.calls >= breaks) throw later('router.unreachable', 'the router is away')
    pod.calls += 1
    pod.charged += allowed
    return allowed
  }
  const client = {
    async run(_: string, input: { input: string[] }, options: CallOptions = {}) {
      const price = serve(input, options)
      return {
        price,
        request: `0x${pod.calls}`,
        embeddings: input.input.map(() => vector),
      } as unknown as Answer
    },
    stream(_: string, input: object, options: CallOptions = {}) {
      const price = Promise.resolve().then(() => serve(input, options))
      price.catch(() => undefined)
      return {
        answer: price.then((charged) => ({ price: charged })),
        async *[Symbol.asyncIterator]() {
          await price
          yield { text: 'It is so.' }
        },
      }
    },
  } as unknown as Client
  const pod: Pod = { client, charged: 0n, calls: 0 }
  return pod
}

const embedder = ({ client }: Pod) => ({ client, pod: 'embed', manifest: embed })
const documentOf = (text: string) =>
  newDocument({ pod: 'embed', manifest: embed }, { id: 'a', name: 'a.txt', text })

async function refusalOf(work: Promise<unknown>): Promise<HeuristError> {
  const thrown = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (!(thrown instanceof HeuristError)) throw new Error(`it was not refused: ${String(thrown)}`)
  return thrown
}

const words = (count: number) => Array.from({ length: count }, (_, index) => `word${index}`).join(' ')

describe('indexing a document', () => {
  it('costs no more than its button says, however short its pieces have to be', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 6_000 }),
        fc.integer({ min: 62, max: 1_100 }),
        async (count, room) => {
          const pod = podOf({ now: embed, room })
          const document = documentOf(words(count))
          let kept = document
          await indexRest(embedder(pod), document, async (next) => {
            kept = next
            return true
          })

          expect(pod.charged <= indexPrice(document.rest, embed), `${pod.charged}`).to.equal(true)
          expect(BigInt(kept.price)).to.equal(pod.charged)
          expect(kept.requests).to.have.length(pod.calls)
          expect(kept.rest).to.deep.equal([])
          expect(Math.max(...kept.pieces.map(({ text }) => text.length))).to.be.at.most(room)
          // No word is lost, whatever was cut again.
          const found = new Set(kept.pieces.flatMap(({ text }) => text.split(/\s+/)))
          expect(found.has('word0') && found.has(`word${count - 1}`)).to.equal(true)
        },
      ),
      seeded({ numRuns: 25 }),
    )
  })

  it('keeps what is paid for when the router breaks off, and goes on from there', async () => {
    const document = documentOf(words(6_000))
    const broken = podOf({ now: embed, breaks: 2 })
    let kept: IndexedDocument = document
    const keep = async (next: IndexedDocument) => {
      kept = next
      return true
    }
    expect((await refusalOf(indexRest(embedder(broken), document, keep))).code).to.equal('router.unreachable')

    const half = kept
    expect(half.requests).to.have.length(2)
    expect(BigInt(half.price)).to.equal(broken.charged)
    expect(half.rest.length)
      .to.equal(document.rest.length - half.pieces.length)
      .and.to.be.above(0)
    expect(entryOf(half)).to.include({ pieces: half.pieces.length, rest: half.rest.length })

    const rest = podOf({ now: embed })
    await indexRest(embedder(rest), half, keep)

    expect(kept.pieces.map(({ text }) => text)).to.deep.equal(document.rest)
    expect(BigInt(kept.price)).to.equal(broken.charged + rest.charged)
    expect(rest.charged <= indexPrice(half.rest, embed)).to.equal(true)
  })

  it('is refused by a dearer version than the one that was shown, and costs nothing', async () => {
    const pod = podOf({ now: dearer(embed) })
    const refusal = await refusalOf(indexRest(embedder(pod), documentOf(words(50)), async () => true))

    expect(refusal.code).to.equal('price.too_low')
    expect(pod.charged).to.equal(0n)
  })
})

describe('looking a question up', () => {
  const indexed = (): IndexedDocument => ({
    ...documentOf(''),
    rest: [],
    pieces: [{ text: 'It is so.', vector: [1, 0] }],
  })

  it('of more than the model reads goes by its parts, at no more than was said', async () => {
    const pod = podOf({ now: embed, room: 200 })
    const question = words(400)
    const { excerpts, price } = await excerptsFor(embedder(pod), question, [indexed()])

    expect(excerpts.map(({ text }) => text)).to.deep.equal(['It is so.'])
    expect(pod.calls).to.equal(1)
    expect(price).to.equal(pod.charged)
    expect(price <= questionPrice(question, embed)).to.equal(true)
  })

  it('is refused for vectors of another model, before anything is paid; another price is the same model', async () => {
    const pod = podOf({ now: embed })
    const other: Manifest = {
      ...embed,
      files: embed.files.map((file) => ({ ...file, sha256: '0'.repeat(64) })),
    }
    const terms = { client: pod.client, pod: 'embed' }
    for (const now of [
      { ...terms, manifest: other },
      { ...terms, pod: 'another', manifest: embed },
    ]) {
      expect((await refusalOf(excerptsFor(now, 'q', [indexed()]))).code).to.equal('document.other_model')
      const again = { ...indexed(), rest: ['more'] }
      const refusal = await refusalOf(indexRest(now, again, async () => true))
      expect(refusal.code).to.equal('document.other_model')
    }
    expect(pod.calls).to.equal(0)
    await excerptsFor(
      { ...terms, manifest: { ...embed, pricing: { ...embed.pricing, minimum: 600 } } },
      'q',
      [indexed()],
    )
    expect(pod.calls).to.equal(1)
  })
})

const settings: Settings = { system: 'Be brief.', thinking: true }
const said = (text: string, index: number): Message => ({
  id: String(index),
  role: index % 2 === 0 ? 'user' : 'assistant',
  text,
  at: 0,
  ...(index % 2 === 0 ? {} : { state: 'done' as const }),
})

/** One answer from documents with these pieces, asked for at the price that is shown for it. */
async function asked(
  talk: readonly string[],
  {
    texts,
    vector = [1, 0],
    chatNow = chat,
  }: { texts: readonly string[]; vector?: number[]; chatNow?: Manifest },
) {
  const document: IndexedDocument = {
    ...documentOf(''),
    pieces: texts.map((text) => ({ text, vector: [1, 0] })),
  }
  const messages = talk.map(said)
  let kept: Chat = {
    id: crypto.randomUUID(),
    title: 't',
    model: 'chat',
    createdAt: 0,
    updatedAt: 0,
    messages,
  }
  const chats = {
    find: () => kept,
    update(_: string, change: (chat: Chat) => Chat) {
      kept = change(kept)
    },
    patch(_: string, id: string, part: Partial<Message>) {
      kept = {
        ...kept,
        messages: kept.messages.map((each) => (each.id === id ? { ...each, ...part } : each)),
      }
    },
  } as unknown as Chats
  const [lookups, answers] = [podOf({ now: embed, vector }), podOf({ now: chatNow })]
  const most = mostOfAnswer(chat, settings, messages, { embed, widest: entryOf(document).widest })
  const asking: Asking = {
    chats,
    session: { refresh: async () => undefined, report: () => undefined } as unknown as Session,
    client: answers.client,
    chat: kept.id,
    model: 'chat',
    manifest: chat,
    settings,
    most,
    excerpts: (question, signal) => excerptsFor(embedder(lookups), question, [document], signal),
  }
  return { asking, lookups, answers, most, message: () => kept.messages.at(-1) }
}

describe('an answer from documents', () => {
  it('costs no more than was said before, looking it up included', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1_000 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ minLength: 1, maxLength: 3_000 }), { minLength: 1, maxLength: 9 }),
        fc.array(text, { minLength: 1, maxLength: 9 }),
        async (talk, texts) => {
          const odd = talk.length % 2 === 1 ? talk : talk.slice(1)
          const words = [...odd.slice(0, -1), `${odd.at(-1) ?? ''}?`]
          const { asking, lookups, answers, most, message } = await asked(words, { texts })
          await answer(asking)

          expect(message()).to.include({ state: 'done', price: answers.charged.toString() })
          expect(message()?.lookup).to.deep.equal({ request: '0x1', price: lookups.charged.toString() })
          expect(lookups.charged + answers.charged <= most).to.equal(true)
          expect(lookups.charged > 0n && answers.charged > 0n).to.equal(true)
        },
      ),
      seeded({ numRuns: 100 }),
    )
  })

  it('that nothing is near to is not asked for; what looking it up cost is said', async () => {
    const { asking, lookups, answers, message } = await asked(['What?'], { texts: ['x'], vector: [0, 1] })
    await answer(asking)

    expect(message()?.problem?.code).to.equal('documents.silent')
    expect(message()?.problem?.fix).to.include(
      `Only looking it up was charged: $${formatUsd(lookups.charged)}.`,
    )
    expect(message()?.lookup).to.deep.equal({ request: '0x1', price: lookups.charged.toString() })
    expect(answers.calls).to.equal(0)
  })

  it('that is stopped while it is looked up costs nothing', async () => {
    const { asking, lookups, answers, message } = await asked(['What?'], { texts: ['x'] })
    const find = asking.excerpts
    await answer({
      ...asking,
      async excerpts(question, signal) {
        stop(asking.chat)
        if (!find) throw new Error('it has documents')
        return find(question, signal)
      },
    })

    expect(message()?.state).to.equal('stopped')
    expect(lookups.calls + answers.calls).to.equal(0)
  })

  it('of a dearer version than the one that was shown is refused, and only looking it up is charged', async () => {
    const { asking, lookups, answers, message } = await asked(['What?'], {
      texts: ['x'],
      chatNow: dearer(chat),
    })
    await answer(asking)

    expect(message()?.problem?.code).to.equal('price.rose')
    expect(message()?.lookup?.price).to.equal(lookups.charged.toString())
    expect(answers.calls).to.equal(0)
  })

  it('whose key goes once its question is looked up says that only that was charged, and to ask again', async () => {
    const { asking, lookups, message } = await asked(['What?'], { texts: ['x'] })
    const gone = () => {
      throw closed()
    }
    await answer({ ...asking, client: { stream: gone } as unknown as Client })

    const paid = formatUsd(lookups.charged)
    expect(message()?.problem).to.deep.equal({
      code: 'client.closed',
      says: 'The key that this was begun with is not in use any more.',
      fix: `Ask again: nothing was signed or charged for this. Only looking it up was charged: $${paid}.`,
    })
  })
})
