import 'fake-indexeddb/auto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { openDB } from 'idb'
import type { Hex } from 'viem'
import { cutBefore, newChat, restored, withoutShare, withQuestion } from '../../apps/web/src/pondera/acts.ts'
import { type Asking, answer, endCutAnswers } from '../../apps/web/src/pondera/answer.ts'
import type { Chat, Message } from '../../apps/web/src/pondera/chat.ts'
import { settleCosts } from '../../apps/web/src/pondera/costs.ts'
import { entriesOf, type IndexedDocument } from '../../apps/web/src/pondera/documents/document.ts'
import {
  forgetIndexing,
  indexDocument,
  indexingView,
  keptDocuments,
  removeDocument,
  settleOpen,
  stopIndexing,
} from '../../apps/web/src/pondera/documents/indexing.ts'
import {
  type Embedder,
  excerptsFor,
  indexRest,
  newDocument,
} from '../../apps/web/src/pondera/documents/library.ts'
import { type Chats, openChats } from '../../apps/web/src/pondera/store.ts'
import type { Session } from '../../apps/web/src/session/view.ts'
import { asHeuristError, type HeuristError, later } from '../../sdk/errors.ts'
import type { CallOptions, Client } from '../../sdk/index.ts'
import { parseManifest } from '../../sdk/protocol/manifest.ts'
import type { Job } from '../../sdk/protocol/wire.ts'
import { closed } from '../../sdk/purse.ts'
import { PODS } from '../market.ts'
import { browserLocks } from './locks.ts'
import { settle } from './turns.ts'
import { until } from './visitor.ts'

/** What a browser keeps of chats, and what may never be lost of them: two pages of one browser, as two tabs are. */

const manifestOf = (pod: string) => parseManifest(readFileSync(join(PODS, pod, 'pod.yaml')))
const user = (id: string, text = id): Message => ({ id, role: 'user', text, at: 0 })
const said = (id: string, part: Partial<Message> = {}): Message => ({
  ...{ id, role: 'assistant', text: id, at: 0, state: 'done', price: '500' },
  ...part,
})
const chatOf = (...messages: Message[]): Chat => ({ ...newChat('chat', 0, crypto.randomUUID()), messages })
const indexed = (id: string): IndexedDocument => ({
  ...{ id, name: `${id}.txt`, pieces: [{ text: id, vector: [1, 0] }], rest: [] },
  ...{ model: 'm', price: '500', requests: ['0x1'] },
})
const textsOf = (chat: Chat | undefined) => chat?.messages.map(({ text }) => text)

/** Once all that was written before is on the disk. */
async function reread(id: string): Promise<Chat | undefined> {
  await settle()
  return (await openChats()).find(id)
}
/** What is written meanwhile has no room. */
async function withoutRoom(work: () => unknown): Promise<void> {
  await settle()
  const { put } = IDBObjectStore.prototype
  IDBObjectStore.prototype.put = () => {
    throw new DOMException('full', 'QuotaExceededError')
  }
  await work()
  await settle()
  IDBObjectStore.prototype.put = put
}

describe('the chats of a browser', () => {
  it('a change of one field leaves all that came since it was decided, on the page and on the disk', async () => {
    const chats = await openChats()
    const chat = chatOf(user('a'), said('b'))
    chats.add(chat)
    chats.update(chat.id, (now) => ({ ...now, messages: [...now.messages, user('c'), said('d')] }))
    chats.update(chat.id, (now) => ({ ...now, share: { id: 's', secret: 'x' } }))
    chats.patch(chat.id, 'd', { text: 'grown' }, { write: false })
    chats.patch(chat.id, 'd', { price: '700' })
    chats.update(chat.id, (now) => withoutShare(now, 'another'))

    for (const found of [chats.find(chat.id), await reread(chat.id)]) {
      expect(textsOf(found)).to.deep.equal(['a', 'b', 'c', 'grown'])
      expect(found?.messages.at(-1)?.price).to.equal('700')
      expect(found?.share).to.deep.equal({ id: 's', secret: 'x' })
    }
  })

  it('what the disk had no room for is written with the next change', async () => {
    const chats = await openChats()
    const chat = chatOf(user('a'))
    chats.add(chat)
    await settle()
    const { put } = IDBObjectStore.prototype
    IDBObjectStore.prototype.put = () => {
      throw new DOMException('full', 'QuotaExceededError')
    }
    chats.update(chat.id, (now) => ({ ...now, messages: [...now.messages, said('b')] }))
    const isThere = await chats.updateDocuments(chat.id, () => [])
    IDBObjectStore.prototype.put = put
    expect(isThere).to.equal(true)
    expect(chats.view().unkept).to.match(/no room/)

    chats.patch(chat.id, 'b', { price: '700' })
    const found = await reread(chat.id)
    expect(textsOf(found)).to.deep.equal(['a', 'b'])
    expect(found?.messages.at(-1)?.price).to.equal('700')
    expect(found?.documents ?? []).to.deep.equal([])
  })

  it('what had no room is made to what another tab wrote meanwhile: its paid answer and its share stay', async () => {
    for (const isDocument of [false, true]) {
      const [one, other] = [await openChats(), await openChats()]
      const { id, ...begun } = chatOf(user('a'))
      one.add({ id, ...begun })
      await until(async () => other.find(id) !== undefined)
      const renamed = () => one.update(id, (now) => ({ ...now, title: 'Mine' }))
      await withoutRoom(() =>
        isDocument ? one.updateDocuments(id, (all) => [...all, indexed('d')]) : renamed(),
      )
      const share = { id: 's', secret: 'x' }
      other.update(id, (now) => ({ ...now, messages: [...now.messages, said('b')], share }))
      await other.updateDocuments(id, (all) => [...all, indexed('e')])
      // It has heard of it, and shows both.
      await until(async () => one.find(id)?.share !== undefined)
      expect(one.find(id)?.title).to.equal(isDocument ? begun.title : 'Mine')
      const names = () => one.find(id)?.documents?.map(({ name }) => name)
      await until(async () => names()?.includes('e.txt') === true)
      expect(names()).to.have.members(isDocument ? ['d.txt', 'e.txt'] : ['e.txt'])
      one.update(id, (now) => ({ ...now, messages: [...now.messages, user('c')] }))
      await one.updateDocuments(id, (all) => [...all, indexed('f')])

      for (const found of [await reread(id), one.find(id)]) {
        expect(textsOf(found)).to.deep.equal(['a', 'b', 'c'])
        expect(found?.share).to.deep.equal(share)
        expect(found?.title).to.equal(isDocument ? begun.title : 'Mine')
      }
      const kept = (await (await openChats()).documents(id)).map(({ name }) => name)
      expect(kept).to.have.members([...(isDocument ? ['d.txt'] : []), 'e.txt', 'f.txt'])
    }
  })

  it('one that had no room is lost to none that was on its way already, and is made once', async () => {
    const chats = await openChats()
    const chat = chatOf(user('a'))
    chats.add(chat)
    await settle()
    const { put } = IDBObjectStore.prototype
    // As a full disk says it: late, by the end of the transaction.
    IDBObjectStore.prototype.put = function (this: IDBObjectStore, ...args: Parameters<typeof put>) {
      IDBObjectStore.prototype.put = put
      const asked = put.apply(this, args)
      this.transaction.abort()
      return asked
    }
    for (const id of ['b', 'c', 'd']) {
      chats.update(chat.id, (now) => ({ ...now, messages: [...now.messages, user(id)] }))
    }
    await settle()
    expect(chats.view().unkept).to.match(/no room/)

    expect(textsOf(chats.find(chat.id))).to.deep.equal(['a', 'b', 'c', 'd'])
    chats.update(chat.id, (now) => ({ ...now, messages: [...now.messages, user('e')] }))

    for (const found of [chats.find(chat.id), await reread(chat.id)]) {
      expect(textsOf(found)).to.have.members(['a', 'b', 'c', 'd', 'e'])
    }
  })

  it('a chat that had no room at all is written with the next change, and all that was said since', async () => {
    const chats = await openChats()
    const chat = chatOf(user('a'))
    await withoutRoom(async () => {
      chats.add(chat)
      chats.update(chat.id, (now) => ({ ...now, messages: [...now.messages, said('b')] }))
    })
    expect(await reread(chat.id)).to.equal(undefined)
    chats.update(chat.id, (now) => ({ ...now, title: 'Mine' }))

    const found = await reread(chat.id)
    expect([found?.title, textsOf(found)]).to.deep.equal(['Mine', ['a', 'b']])
  })

  it('a chat on the disk names no documents that there was no room for; they are written once there is', async () => {
    const chats = await openChats()
    const chat = chatOf(user('a'))
    chats.add(chat)
    await settle()
    const { put } = IDBObjectStore.prototype
    // The vectors of a document are large, what its chat says of it is small.
    IDBObjectStore.prototype.put = function (this: IDBObjectStore, ...args: Parameters<typeof put>) {
      if (this.name === 'documents') throw new DOMException('full', 'QuotaExceededError')
      return put.apply(this, args)
    }
    await chats.updateDocuments(chat.id, () => [indexed('d')])
    chats.update(chat.id, (now) => ({ ...now, title: 'Mine' }))
    const full = await reread(chat.id)
    IDBObjectStore.prototype.put = put

    expect([full?.title, full?.documents ?? []]).to.deep.equal(['Mine', []])
    expect(chats.find(chat.id)?.documents?.map(({ name }) => name)).to.deep.equal(['d.txt'])
    expect(await keptDocuments(chats, chat.id)).to.have.length(1)

    await chats.updateDocuments(chat.id, (all) => [...all, indexed('e')])
    expect((await reread(chat.id))?.documents?.map(({ name }) => name)).to.deep.equal(['d.txt', 'e.txt'])
    expect(await (await openChats()).documents(chat.id)).to.have.length(2)
  })

  it('a question is looked up in no documents that are not there, or have no piece yet: nothing is paid for that', async () => {
    const chats = await openChats()
    const [line] = entriesOf([indexed('d')])
    const chat = { ...chatOf(user('a')), documents: line ? [line] : [] }
    chats.add(chat)

    const lost = await keptDocuments(chats, chat.id).catch((cause: unknown) => asHeuristError(cause))
    expect(lost).to.include({ code: 'documents.lost', kind: 'refused' })
    expect((await reread(chat.id))?.documents).to.deep.equal([])
    expect(await keptDocuments(chats, chat.id)).to.deep.equal([])

    const unpaid = { run: () => expect.fail('it was asked') } as unknown as Embedder['client']
    const terms = { pod: 'embed', manifest: manifestOf('embed') }
    const begun = newDocument(terms, { id: 'f', name: 'f.txt', text: 'Gold is a metal.' })
    const unread = await excerptsFor({ ...terms, client: unpaid }, 'What is gold?', [begun]).catch(
      (cause: unknown) => asHeuristError(cause),
    )
    expect(unread).to.include({ code: 'documents.unread', kind: 'refused' })
  })

  it('two tabs that change one chat at once lose neither change, and what one deleted no other brings back', async () => {
    const [one, other] = [await openChats(), await openChats()]
    const chat = chatOf(user('a'))
    one.add(chat)
    await until(async () => other.find(chat.id) !== undefined)
    one.update(chat.id, (now) => ({ ...now, messages: [...now.messages, said('b')] }))
    other.update(chat.id, (now) => ({ ...now, title: 'renamed' }))
    one.set({ system: 'Be brief.' })
    other.set({ temperature: 1 })
    await until(async () =>
      [one, other].every(
        (tab) => tab.find(chat.id)?.title === 'renamed' && textsOf(tab.find(chat.id))?.length === 2,
      ),
    )
    await settle()

    for (const tab of [one, other, await openChats()]) {
      expect(tab.find(chat.id)?.title).to.equal('renamed')
      expect(textsOf(tab.find(chat.id))).to.deep.equal(['a', 'b'])
      expect(tab.view().settings).to.include({ system: 'Be brief.', temperature: 1 })
    }

    // With the secret would go what deletes its page.
    one.update(chat.id, (now) => ({ ...now, share: { id: 's', secret: 'x' } }))
    for (const page of [undefined, 'another']) {
      other.remove(chat.id, page)
      expect((await reread(chat.id))?.share?.secret).to.equal('x')
      expect(other.find(chat.id)?.share?.secret).to.equal('x')
    }

    one.remove(chat.id, 's')
    other.update(chat.id, (now) => ({ ...now, title: 'again' }))
    const isKept = await other.updateDocuments(chat.id, () => [])
    expect(isKept).to.equal(false)
    expect(await reread(chat.id)).to.equal(undefined)
    await until(async () => other.find(chat.id) === undefined)
  })
})

describe('what a tab is told of', () => {
  it('never takes back what was said here while it was read', async () => {
    const [here, there] = [await openChats(), await openChats()]
    const chat = chatOf(user('a'))
    there.add(chat)
    await until(async () => here.find(chat.id) !== undefined)
    await settle()
    const { get } = IDBObjectStore.prototype
    let reads = 0
    // It is said once the older state is asked for, and before that is there.
    IDBObjectStore.prototype.get = function (this: IDBObjectStore, key: IDBValidKey) {
      const asked = get.call(this, key) as IDBRequest
      if (this.transaction.mode !== 'readonly' || this.name !== 'chats') return asked
      reads += 1
      if (reads === 1) {
        queueMicrotask(() =>
          here.update(chat.id, (now) => ({ ...now, messages: [...now.messages, user('b')] })),
        )
      }
      return asked
    }
    there.update(chat.id, (now) => ({ ...now, title: 'Mine' }))
    await until(async () => here.find(chat.id)?.title === 'Mine')
    await settle()
    IDBObjectStore.prototype.get = get

    expect(reads).to.be.above(0)
    expect(textsOf(here.find(chat.id))).to.deep.equal(['a', 'b'])
    expect(textsOf(await reread(chat.id))).to.deep.equal(['a', 'b'])
  })
})

describe('an answer in the place of another', () => {
  const session = { refresh: async () => undefined, report: () => undefined } as unknown as Session
  /** @param before  Awaited before the pieces come. */
  const streaming = (pieces: string[], before: () => Promise<unknown>, signed: bigint[] = []) =>
    ({
      stream(_: string, __: object, { maxPrice = 0n }: CallOptions) {
        signed.push(maxPrice)
        const begun = before()
        return {
          answer: begun.then(() => ({ price: 500n })),
          async *[Symbol.asyncIterator]() {
            await begun
            for (const text of pieces) yield { text }
          },
        }
      },
    }) as unknown as Client
  const askingOf = (chats: Chats, { id }: Chat, client: Client): Asking => ({
    ...{ chats, session, client, chat: id, model: 'chat', manifest: manifestOf('chat'), most: 4_321n },
    settings: { system: '', thinking: false },
  })
  const begin = (chats: Chats) => {
    const talk = [user('a', 'What is a pod?'), said('b'), user('c'), said('d')]
    const chat = { ...chatOf(...talk), title: 'What is a pod?' }
    chats.add(chat)
    chats.update(chat.id, (now) => withQuestion(cutBefore(now, 'a'), { id: 'e', text: 'Edited', at: 1 }))
    return chat
  }

  it('that is refused leaves the chat as it was, and says why and what was asked', async () => {
    const chats = await openChats()
    const chat = begin(chats)
    const away = async () => {
      throw later('router.unreachable', 'the router is away')
    }
    await answer(askingOf(chats, chat, streaming([], away)))

    for (const found of [chats.find(chat.id), await reread(chat.id)]) {
      expect(found?.messages).to.deep.equal(chat.messages)
      expect(found?.title).to.equal('What is a pod?')
      expect(found?.former).to.equal(undefined)
      expect(found?.refused?.asked).to.equal('Edited')
      expect(found?.refused?.problem?.code).to.equal('router.unreachable')
    }
    chats.update(chat.id, (now) => withQuestion(now, { id: 'f', text: 'Next', at: 2 }))
    expect(chats.find(chat.id)?.refused).to.equal(undefined)
  })

  it('takes it once it is whole; what is signed is what was shown', async () => {
    const chats = await openChats()
    const chat = begin(chats)
    const signed: bigint[] = []
    const whole = answer(
      askingOf(
        chats,
        chat,
        streaming(['It ', 'is.'], async () => undefined, signed),
      ),
    )
    expect(chats.find(chat.id)?.former?.messages.map(({ id }) => id)).to.deep.equal(['a', 'b', 'c', 'd'])
    await whole

    const found = await reread(chat.id)
    expect(textsOf(found)).to.deep.equal(['Edited', 'It is.'])
    expect(found?.title).to.equal('Edited')
    expect(found?.former ?? found?.refused).to.equal(undefined)
    expect(signed).to.deep.equal([4_321n])
  })

  /** Says two words, and breaks off: the call was signed by then. */
  const breaking = () =>
    ({
      stream(_: string, __: object, { signed }: CallOptions) {
        const failure = later('stream.interrupted', 'the connection broke')
        const whole = Promise.reject(failure)
        whole.catch(() => undefined)
        return {
          answer: whole,
          async *[Symbol.asyncIterator]() {
            await signed?.('0x5', {} as Job)
            yield { text: 'It ' }
            throw failure
          },
        }
      },
    }) as unknown as Client

  it('that breaks off is kept beside it until it is known whether it was paid for, and takes its place then alone', async () => {
    for (const [price, texts] of [
      [0n, ['What is a pod?', 'b', 'c', 'd']],
      [70n, ['Edited', 'It ']],
    ] as const) {
      const chats = await openChats()
      const chat = begin(chats)
      await answer(askingOf(chats, chat, breaking()))
      await settleCosts(chats, chat.id, async () => 'open')
      const both = await reread(chat.id)
      expect(textsOf(both)).to.deep.equal(['Edited', 'It '])
      expect(both?.former?.messages).to.deep.equal(chat.messages)
      const next = await openChats()
      endCutAnswers(next)
      expect(next.find(chat.id)).to.deep.equal(both)

      await settleCosts(next, chat.id, async (request) => (request === '0x5' ? price : 'open'))
      const found = await reread(chat.id)
      expect(textsOf(found)).to.deep.equal(texts)
      expect(found?.former).to.equal(undefined)
      expect((found?.refused ?? found?.messages.at(-1))?.price).to.equal(price.toString())
    }
  })

  it('and asked for once more before that is known, leaves what was there before both, and the cost of each', async () => {
    const chats = await openChats()
    const chat = begin(chats)
    await answer(askingOf(chats, chat, breaking()))
    chats.update(chat.id, (now) => withQuestion(cutBefore(now, 'e'), { id: 'f', text: 'Again', at: 2 }))
    expect(chats.find(chat.id)?.former?.messages).to.deep.equal(chat.messages)
    const away = async () => {
      throw later('router.unreachable', 'the router is away')
    }
    await answer(askingOf(chats, chat, streaming([], away)))
    expect(textsOf(chats.find(chat.id))).to.deep.equal(textsOf(chat))

    await settleCosts(chats, chat.id, async () => 70n)
    const found = await reread(chat.id)
    expect(found?.messages.map(({ text, price }) => `${text} ${price}`)).to.include('It  70')
    expect(textsOf(found)).to.include.members(['What is a pod?', 'b', 'c', 'd'])
  })

  it('that the page was closed before leaves the chat as it was when it opens again', async () => {
    const chats = await openChats()
    const chat = begin(chats)
    const writing = said('z', { text: '', state: 'writing', request: '0x1' })
    chats.update(chat.id, (now) => ({ ...now, messages: [...now.messages, writing] }))
    await settle()
    const next = await openChats()
    endCutAnswers(next)

    for (const found of [next.find(chat.id), await reread(chat.id)]) {
      expect(found?.messages).to.deep.equal(chat.messages)
      expect(found?.refused).to.include({ state: 'cut', request: '0x1' })
    }
  })

  it('whose end was the last that its page wrote stays whole and paid, here and on the disk', async () => {
    const [writer, next] = [await openChats(), await openChats()]
    const begun = said('a', { text: 'The first wor', state: 'writing', request: '0x1' })
    const { price: _, ...answer } = begun
    const chat = chatOf(user('q'), answer)
    writer.add(chat)
    await until(async () => next.find(chat.id) !== undefined)
    // Its page's last act: the disk has it, and nobody was told any more.
    const whole: Message = { ...answer, text: 'The first words and the last.', state: 'done', price: '700' }
    const db = await openDB('heurist-pondera', 1)
    await db.put('chats', { ...chat, messages: [user('q'), whole] }, chat.id)
    db.close()

    endCutAnswers(next)
    await settle()
    for (const found of [await reread(chat.id), next.find(chat.id)]) {
      expect(found?.messages.at(-1)).to.deep.equal(whole)
    }
  })

  it('is no closed page’s to a tab that opens meanwhile, whatever pays there', async () => {
    const locks = browserLocks()
    const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
    Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true })
    try {
      const chats = await openChats()
      const chat = begin(chats)
      let begun = () => {}
      const waits = new Promise<void>((resolve) => {
        begun = resolve
      })
      const whole = answer(
        askingOf(
          chats,
          chat,
          streaming(['It ', 'is.'], () => waits),
        ),
      )
      await settle()
      // A page of its own: it knows nothing of what this one waits for.
      const other: typeof import('../../apps/web/src/pondera/answer.ts') = await import(
        `../../apps/web/src/pondera/answer.ts?tab=${chat.id}`
      )
      other.endCutAnswers(await openChats())
      await settle()
      begun()
      await whole

      const found = await reread(chat.id)
      expect(textsOf(found)).to.deep.equal(['Edited', 'It is.'])
      expect(found?.messages.at(-1)).to.include({ state: 'done', price: '500' })
    } finally {
      if (before) Object.defineProperty(globalThis, 'navigator', before)
      else Reflect.deleteProperty(globalThis, 'navigator')
    }
  })

  it('puts nothing aside where all had failed, and gives a name that a person chose to no question', () => {
    const failed = { ...chatOf(user('a'), said('b', { state: 'failed', text: '' })), title: 'Mine' }
    const asked = withQuestion(cutBefore(failed, 'a'), { id: 'c', text: 'Another', at: 1 })

    expect(asked.former).to.equal(undefined)
    expect(asked.title).to.equal('Mine')
    const own = withQuestion(cutBefore({ ...failed, title: 'a' }, 'a'), { id: 'c', text: 'Another', at: 1 })
    expect(own.title).to.equal('Another')
    expect(restored(asked, undefined)).to.equal(asked)
  })
})

describe('what an answer cost whose page did not see its end', () => {
  const failed = (part: Partial<Message> = {}) => said('b', { state: 'failed', request: '0x1', ...part })
  const unpriced = ({ price: _, ...message }: Message): Message => message

  for (const state of ['failed', 'stopped', 'cut'] as const) {
    it(`is looked up in the journal and kept, where it was ${state}`, async () => {
      const chats = await openChats()
      const chat = chatOf(user('a'), unpriced(failed({ state })))
      chats.add(chat)
      await settleCosts(chats, chat.id, async () => 'open')
      expect(chats.find(chat.id)).to.deep.equal(chat)

      await settleCosts(chats, chat.id, async (request) => (request === '0x1' ? 500n : 'open'))
      expect((await reread(chat.id))?.messages.at(-1)).to.include({ state, price: '500' })
      // What is known is not asked for again.
      await settleCosts(chats, chat.id, () => expect.fail('it was asked for'))
    })
  }

  it('says so where the journal was shortened meanwhile', async () => {
    const chats = await openChats()
    const chat = chatOf(user('a'), unpriced(failed()))
    chats.add(chat)
    await settleCosts(chats, chat.id, async () => 'forgotten')

    expect((await reread(chat.id))?.messages.at(-1)).to.include({ isForgotten: true })
    await settleCosts(chats, chat.id, () => expect.fail('it was asked for'))
  })

  it('is known of looking its question up too: that call is written down as soon as it is signed', async () => {
    const chats = await openChats()
    const chat = chatOf(user('a'))
    chats.add(chat)
    const session = { refresh: async () => undefined, report: () => undefined } as unknown as Session
    let signed = () => {}
    const isSigned = new Promise<void>((resolve) => {
      signed = resolve
    })
    void answer({
      ...{ chats, session, client: {} as Client, chat: chat.id, model: 'chat', manifest: manifestOf('chat') },
      ...{ most: 1n, settings: { system: '', thinking: false } },
      excerpts: async (_, options) => {
        options.signed('0x7')
        signed()
        return new Promise(() => undefined)
      },
    })
    await isSigned
    const next = await reread(chat.id)
    expect(next?.messages.at(-1)?.lookup).to.deep.equal({ request: '0x7' })

    // The page was closed meanwhile.
    chats.patch(chat.id, next?.messages.at(-1)?.id ?? '', { state: 'cut' })
    await settleCosts(chats, chat.id, async () => 30n)
    expect((await reread(chat.id))?.messages.at(-1)?.lookup).to.deep.equal({ request: '0x7', price: '30' })
  })

  it('stays in the conversation though its edit came to nothing and something else is asked', async () => {
    for (const [first, later] of [
      [70n, 'open'],
      ['open', 70n],
      ['open', 0n],
    ] as const) {
      const chats = await openChats()
      const chat = {
        ...chatOf(user('a'), said('b')),
        refused: { ...unpriced(failed({ id: 'z', text: '' })), at: 1, asked: 'Edited' },
      }
      chats.add(chat)
      await settleCosts(chats, chat.id, async () => first)
      chats.update(chat.id, (now) => withQuestion(now, { id: 'c', text: 'Next', at: 2 }))
      await settleCosts(chats, chat.id, async () => later)

      const found = await reread(chat.id)
      const ids = found?.messages.map(({ id }) => id)
      expect(ids).to.deep.equal(later === 0n ? ['a', 'b', 'c'] : ['a', 'b', 'z', 'c'])
      expect(found?.undecided ?? found?.refused).to.equal(undefined)
    }
  })
})

describe('indexing the documents of a chat', () => {
  const embed = manifestOf('embed')
  /** An embed pod whose calls wait until they are let through, the n-th after n of `next`. */
  function podOf() {
    const waiting: (() => void)[] = []
    const pod = { calls: 0, waiting, next: () => waiting.shift()?.() }
    const client = {
      async run(_: string, { input }: { input: string[] }) {
        pod.calls += 1
        const request = `0x${pod.calls}`
        await new Promise<void>((resolve) => waiting.push(resolve))
        return { price: 100n, request, embeddings: input.map(() => [1, 0]) }
      },
    } as unknown as Client
    return { pod, embedder: { client, pod: 'embed', manifest: embed } }
  }
  const text = Array.from({ length: 3_000 }, (_, index) => `word${index}`).join(' ')
  const documentOf = () =>
    newDocument({ pod: 'embed', manifest: embed }, { id: crypto.randomUUID(), name: 'a.txt', text })
  async function house() {
    const chats = await openChats()
    const chat = chatOf()
    chats.add(chat)
    const { pod, embedder } = podOf()
    const place = { chats, locks: browserLocks(), embedder, chat: chat.id, begin: () => false }
    const lineOf = () => chats.find(chat.id)?.documents?.[0]
    return { chats, chat: chat.id, pod, place, lineOf }
  }
  const called = (pod: { waiting: unknown[] }) => until(async () => pod.waiting.length > 0)
  /** Once the call that was let through has been followed by the next one, or by nothing. */
  const gone = ({ pod, lineOf }: Pick<Awaited<ReturnType<typeof house>>, 'pod' | 'lineOf'>) =>
    until(async () => pod.waiting.length > 0 || lineOf()?.rest === 0)

  it('is one loop, whoever asks for another: in this tab, or by the same locks in the next', async () => {
    const { chat, pod, place, lineOf } = await house()
    const document = documentOf()
    const whole = indexDocument(place, document)
    await called(pod)

    expect(await indexDocument(place, document)).to.equal(false)
    expect(indexingView().loops).to.have.length(1)
    let calls = 0
    for (; lineOf()?.rest !== 0; calls += 1) {
      pod.next()
      await gone({ pod, lineOf })
    }
    expect(await whole).to.equal(true)
    expect(pod.calls).to.equal(calls).and.to.be.above(1)
    expect(lineOf()?.price).to.equal(String(100 * calls))
    expect(indexingView().loops).to.deep.equal([])

    // A tab that shows it as it was goes on from where it is: there is nothing left to pay.
    expect(await indexDocument(place, document)).to.equal(true)
    expect(pod.calls).to.equal(calls)
    let free = () => {}
    const closed = new Promise<void>((resolve) => {
      free = resolve
    })
    const held = place.locks.request(`heurist-documents-${chat}`, {}, () => closed)
    expect(await indexDocument(place, documentOf())).to.equal(false)
    expect(indexingView().told?.problem?.code).to.equal('documents.elsewhere')
    free()
    await held
  })

  it('whose key goes between two calls keeps what is paid, says so, and goes on with the next key', async () => {
    const { chat, pod, place, lineOf } = await house()
    const { run } = place.embedder.client
    const closing = {
      run: async (...asked: Parameters<typeof run>) => {
        if (pod.calls > 0) throw closed()
        return run(...asked)
      },
    } as unknown as Client
    const document = documentOf()
    const whole = indexDocument({ ...place, embedder: { ...place.embedder, client: closing } }, document)
    await called(pod)
    pod.next()

    expect(await whole).to.equal(false)
    expect(indexingView().told).to.deep.equal({
      chat,
      problem: {
        code: 'client.closed',
        says: 'The key that this was begun with is not in use any more.',
        fix: 'Go on with the one that pays now, or add credit first: what is paid for is kept, and nothing was signed or charged for the rest.',
      },
    })
    expect(lineOf()).to.include({ price: '100' })
    const again = indexDocument(place, document)
    await called(pod)
    for (; lineOf()?.rest !== 0; await gone({ pod, lineOf })) pod.next()
    expect(await again).to.equal(true)
    expect(lineOf()?.price).to.equal(String(100 * pod.calls))
  })

  it('that is stopped keeps the call that was under way, and makes no other', async () => {
    const { chat, pod, place, lineOf } = await house()
    const whole = indexDocument(place, documentOf())
    await called(pod)
    stopIndexing(chat)
    pod.next()
    await whole

    expect(pod.calls).to.equal(1)
    expect(lineOf()).to.include({ price: '100' })
    expect(lineOf()?.rest).to.be.above(0)
  })

  it('ends when its document is removed; what it cost is told, and it stays away', async () => {
    const { chat, pod, place, lineOf } = await house()
    const whole = indexDocument(place, documentOf())
    await called(pod)
    pod.next()
    await until(async () => pod.calls === 2 && pod.waiting.length === 1)
    const line = lineOf()
    if (!line) throw new Error('there is no line')
    const removed = removeDocument(place, line)
    pod.next()
    await Promise.all([whole, removed])

    expect(pod.calls).to.equal(2)
    expect(indexingView().told).to.deep.equal({ chat, removed: { name: 'a.txt', price: '200' } })
    expect((await reread(chat))?.documents).to.deep.equal([])
  })

  it('ends when another tab removes its document, and tells what it has cost by then', async () => {
    const { chat, pod, place } = await house()
    const whole = indexDocument(place, documentOf())
    await called(pod)
    pod.next()
    await until(async () => pod.calls === 2 && pod.waiting.length === 1)
    await (await openChats()).updateDocuments(chat, () => [])
    pod.next()
    await whole

    expect(pod.calls).to.equal(2)
    expect(indexingView().told).to.deep.equal({ chat, removed: { name: 'a.txt', price: '200' } })
    expect((await reread(chat))?.documents).to.deep.equal([])
  })

  /** A chat whose page was closed while a call was under way, after so many that were answered. */
  async function cut(answered: number) {
    const home = await house()
    const document = documentOf()
    const jobs: Job[] = []
    const client = {
      async run(_: string, { input }: { input: string[] }, { signed, maxPrice = 0n }: CallOptions) {
        const request: Hex = `0x${jobs.length + 1}`
        const job = { input: JSON.stringify({ input }), request: { maxPrice } } as unknown as Job
        await signed?.(request, job)
        jobs.push(job)
        if (jobs.length > answered) await new Promise(() => undefined)
        return { price: 100n, request, embeddings: input.map(() => [1, 0]) }
      },
    } as unknown as Client
    const keep = async (grown: IndexedDocument) => {
      const others = (all: readonly IndexedDocument[]) => all.filter(({ id }) => id !== grown.id)
      return home.chats.updateDocuments(home.chat, (all) => [...others(all), grown])
    }
    void indexRest({ client, pod: 'embed', manifest: embed }, document, keep)
    await until(async () => jobs.length === answered + 1)
    const kept = async () => (await home.chats.documents(home.chat))[0]
    return { ...home, document, job: jobs.at(-1), request: `0x${answered + 1}`, kept }
  }
  const unanswered =
    (code: string, details: HeuristError['details'] = {}) =>
    async () => {
      // As the part that is loaded late knows it: it has modules of its own here.
      const { refused } = await import('../../sdk/errors.ts')
      throw refused(code, 'there is no answer', { details })
    }

  for (const answered of [0, 1]) {
    it(`stands on its line with all that was paid though the page was closed in mid-call, after ${answered} others, and no piece is paid twice`, async () => {
      const { place, lineOf, document, job, request, kept } = await cut(answered)
      expect(lineOf()?.price).to.equal(answered === 0 ? undefined : '100')
      expect(await settleOpen(place, async () => 'open')).to.equal(true)
      expect(await settleOpen(place, async () => 70n)).to.equal(false)
      expect(lineOf()?.price).to.equal(String(100 * answered + 70))

      const asked: unknown[] = []
      const client = {
        async run(_: string, { input }: { input: string[] }) {
          asked.push(...input)
          return { price: 100n, request: '0xa', embeddings: input.map(() => [1, 0]) }
        },
        async again(told: Job) {
          expect(told).to.deep.equal(job)
          const { input } = JSON.parse(told.input) as { input: string[] }
          return { price: 70n, request, embeddings: input.map(() => [0, 1]) }
        },
      } as unknown as Client
      const left = await kept()
      if (!left) throw new Error('it is not kept')
      expect(await indexDocument({ ...place, embedder: { ...place.embedder, client } }, left)).to.equal(true)

      const whole = await kept()
      expect(whole?.pieces.map(({ text }) => text)).to.deep.equal(document.rest)
      expect(whole).to.not.have.property('open')
      expect(whole?.requests).to.include(request)
      // Neither what was paid before nor what the closed page paid is among what is paid now.
      const texts = new Set(whole?.pieces.filter(({ vector }) => vector[1] === 1).map(({ text }) => text))
      expect(texts.size).to.be.above(0)
      expect(asked.filter((text) => texts.has(String(text)))).to.deep.equal([])
      expect(asked.length).to.be.below(document.rest.length)
    })
  }

  it('whose open call came to nothing is asked for anew; one that was paid and forgotten stands on its line too', async () => {
    for (const [code, paid] of [
      ['call.over', 0n],
      ['output.forgotten', 70n],
    ] as const) {
      const { place, lineOf, document, kept } = await cut(1)
      if (paid > 0n) await settleOpen(place, async () => paid)
      let made = 0n
      const client = {
        async run(_: string, { input }: { input: string[] }) {
          made += 100n
          return { price: 100n, request: '0xa', embeddings: input.map(() => [1, 0]) }
        },
        again: unanswered(code),
      } as unknown as Client
      const left = await kept()
      if (!left) throw new Error('it is not kept')
      const isWhole = await indexDocument({ ...place, embedder: { ...place.embedder, client } }, left)
      expect([isWhole, indexingView().told?.problem]).to.deep.equal([true, undefined])

      expect((await kept())?.pieces.map(({ text }) => text)).to.deep.equal(document.rest)
      expect(lineOf()?.price).to.equal(String(100n + paid + made))
    }
  })

  it('whose charged call has no answer keeps its receipt, with its price where any of page, refusal and router knows it', async () => {
    const shown = (price: bigint) => async (request: string) => {
      expect(request).to.equal('0x2')
      return { receipt: { price } }
    }
    const away = async () => Promise.reject(later('router.unreachable', 'the router is away'))
    for (const { code, details, end, receipt, price } of [
      { code: 'output.forgotten', end: 'forgotten', receipt: shown(70n), price: 70n },
      { code: 'output.forgotten', end: 'open', receipt: shown(70n), price: 70n },
      { code: 'stream.interrupted', details: { price: '70' }, end: 'open', receipt: away, price: 70n },
      { code: 'output.unreadable', end: 70n, receipt: away, price: 70n },
      { code: 'output.forgotten', end: 'forgotten', receipt: away, price: undefined },
      { code: 'output.unreadable', end: 'open', receipt: async () => ({}), price: undefined },
    ] as const) {
      const { place, lineOf, document, kept } = await cut(1)
      await settleOpen(place, async () => end)
      let made = 0n
      const client = {
        async run(_: string, { input }: { input: string[] }) {
          made += 100n
          return { price: 100n, request: '0xa', embeddings: input.map(() => [1, 0]) }
        },
        again: unanswered(code, details),
        receipt,
      } as unknown as Client
      const left = await kept()
      if (!left) throw new Error('it is not kept')
      const isWhole = await indexDocument({ ...place, embedder: { ...place.embedder, client } }, left)
      expect([isWhole, indexingView().told?.problem]).to.deep.equal([true, undefined])

      const whole = await kept()
      expect(whole?.pieces.map(({ text }) => text)).to.deep.equal(document.rest)
      expect(whole?.requests.filter((request) => request === '0x2')).to.deep.equal(['0x2'])
      expect(lineOf()?.price).to.equal(String(100n + (price ?? 0n) + made))
      expect(whole?.unpriced).to.deep.equal(price === undefined ? ['0x2'] : undefined)
    }
  })

  it('that is removed while a call is open tells what that cost, or where it stands if nobody knows', async () => {
    for (const [end, price, unpriced] of [
      [70n, '170', undefined],
      [0n, '100', undefined],
      ['open', '100', ['0x2']],
      ['forgotten', '100', ['0x2']],
    ] as const) {
      const { place, chat, lineOf, kept } = await cut(1)
      const line = lineOf()
      if (!line) throw new Error('there is no line')
      await removeDocument(place, line, async (request) => (request === '0x2' ? end : 'open'))

      expect(await kept()).to.equal(undefined)
      const removed = { name: 'a.txt', price, ...(unpriced ? { unpriced } : {}) }
      expect(indexingView().told).to.deep.equal({ chat, removed })
    }
  })

  it('of which nothing was paid is not kept once the journal says so; what it forgot stays told', async () => {
    const first = await cut(0)
    await settleOpen(first.place, async () => 0n)
    expect(await first.kept()).to.equal(undefined)

    const second = await cut(0)
    expect(await settleOpen(second.place, async () => 'forgotten')).to.equal(false)
    expect((await second.kept())?.open?.isForgotten).to.equal(true)
    expect(second.lineOf()).to.include({ price: '0', pieces: 0 })
  })

  it('whose first call fails leaves no empty chat behind; one that was there before stays', async () => {
    for (const isBegun of [true, false]) {
      const chats = await openChats()
      const chat = chatOf()
      const begin = () => {
        chats.add(chat)
        return isBegun
      }
      const client = { run: async () => Promise.reject(later('router.busy', 'no')) } as unknown as Client
      const embedder = { client, pod: 'embed', manifest: embed }
      const place = { chats, locks: browserLocks(), embedder, chat: chat.id, begin }

      expect(await indexDocument(place, documentOf())).to.equal(false)
      expect(indexingView().told?.problem?.code).to.equal('router.busy')
      expect((await reread(chat.id))?.id).to.equal(isBegun ? undefined : chat.id)
    }
  })

  it('ends when its chat is deleted, here or in another tab, and nothing of it comes back', async () => {
    for (const isHere of [true, false]) {
      const { chats, chat, pod, place } = await house()
      const whole = indexDocument(place, documentOf())
      await called(pod)
      if (isHere) forgetIndexing(chat)
      const tab = isHere ? chats : await openChats()
      tab.remove(chat)
      pod.next()
      await whole

      expect(pod.calls).to.equal(1)
      expect(await reread(chat)).to.equal(undefined)
      expect(await chats.documents(chat)).to.deep.equal([])
      expect(chats.find(chat)).to.equal(undefined)
    }
  })
})
