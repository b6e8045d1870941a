import 'fake-indexeddb/auto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { openDB } from 'idb'
import { readAsked } from '../../apps/web/pictures/record.ts'
import type { Drawing } from '../../apps/web/src/imagine/drawing.ts'
import { askedOf, emptyForm, faultsOf, fieldsOf } from '../../apps/web/src/imagine/fields.ts'
import { openDrawings } from '../../apps/web/src/imagine/store.ts'
import { newChat } from '../../apps/web/src/pondera/acts.ts'
import { endCutAnswers } from '../../apps/web/src/pondera/answer.ts'
import type { Chat, Message } from '../../apps/web/src/pondera/chat.ts'
import { openChats } from '../../apps/web/src/pondera/store.ts'
import { browserJournal } from '../../apps/web/src/session/journal.ts'
import { openSessionDb } from '../../apps/web/src/session/store.ts'
import { wordsOf } from '../../apps/web/src/session/words.ts'
import { parseManifest } from '../../sdk/protocol/manifest.ts'
import { PODS } from '../market.ts'
import { openStage } from '../sdk/stage.ts'
import { browserLocks } from './locks.ts'
import { until } from './visitor.ts'

/** What an examiner found: these tests fail until it is mended. */

const settle = () => new Promise((resolve) => setTimeout(resolve, 50))

describe('attacked: what was paid for, where its page or its disk ends', function () {
  this.timeout(120_000)

  it('FAILS UNTIL MENDED: an answer whose tab was closed just after its end was written stays whole and paid', async () => {
    const [writer, next] = [await openChats(), await openChats()]
    const question: Message = { id: 'q', role: 'user', text: 'q', at: 0 }
    const answer: Message = {
      ...{ id: 'a', role: 'assistant', text: 'The first wor', at: 1 },
      ...{ state: 'writing', request: '0x1' },
    }
    const chat: Chat = { ...newChat('chat', 0, crypto.randomUUID()), messages: [question, answer] }
    writer.add(chat)
    await until(async () => next.find(chat.id) !== undefined)
    // Its page's last act: the disk has it, and nobody was told any more.
    const whole: Message = { ...answer, text: 'The first words and the last.', state: 'done', price: '700' }
    const db = await openDB('heurist-pondera', 1)
    await db.put('chats', { ...chat, messages: [question, whole] }, chat.id)
    db.close()

    endCutAnswers(next)
    await settle()
    const found = (await openChats()).find(chat.id)?.messages.at(-1)
    expect([found?.text, found?.state, found?.price]).to.deep.equal([whole.text, 'done', '700'])
  })

  it('FAILS UNTIL MENDED: a streamed answer that was charged is not told to be unsent because the disk had no room to book it', async () => {
    const stage = await openStage()
    const db = await openSessionDb()
    const client = await stage.client({ journal: browserJournal(db, browserLocks()) })
    await client.balance()
    const { add } = IDBObjectStore.prototype
    // What is booked is larger than what is signed.
    IDBObjectStore.prototype.add = function (value, key) {
      if (String(value).includes('"type":"booked"')) throw new DOMException('full', 'QuotaExceededError')
      return add.call(this, value, key)
    }
    let text = ''
    let says = ''
    try {
      for await (const piece of client.stream('chat', 'hi')) text += piece.text ?? ''
    } catch (cause) {
      says = Object.values(wordsOf(cause)).join(' ')
    } finally {
      IDBObjectStore.prototype.add = add
    }
    const { charged } = await client.balance()
    await stage.close()
    db.close()

    expect([text, charged]).to.deep.equal(['Hello world', 22n])
    expect(says).to.not.match(/about to be signed|nothing was sent/)
  })

  it('FAILS UNTIL MENDED: a picture that the disk had no room for is not kept as one that is there', async () => {
    const drawings = await openDrawings()
    const drawing: Drawing = {
      ...{ id: crypto.randomUUID(), model: 'image', at: 1, input: '{"prompt":"a"}' },
      state: 'drawing',
    }
    drawings.add(drawing)
    await settle()
    const { put } = IDBObjectStore.prototype
    // A picture has megabytes, what is said of it less than one kilobyte.
    IDBObjectStore.prototype.put = function (value, key) {
      if (value instanceof Uint8Array) throw new DOMException('full', 'QuotaExceededError')
      return put.call(this, value, key)
    }
    await drawings.finish(drawing.id, { state: 'done', price: '800' }, new Uint8Array(8))
    await settle()
    IDBObjectStore.prototype.put = put
    const loaded = await openDrawings()
    const [found, picture] = [loaded.find(drawing.id), await loaded.picture(drawing.id)]

    expect(picture).to.equal(undefined)
    // The page that is loaded says “…” in its place for ever, and “The picture is complete” to a screen reader.
    expect([found?.state === 'done', found?.price]).to.deep.equal([false, '800'])
  })

  it('FAILS UNTIL MENDED: a prompt that the form takes is one that the page can show again', () => {
    const manifest = parseManifest(readFileSync(join(PODS, 'image', 'pod.yaml')))
    // As the shipped chat pod has it; anybody's image pod may.
    const limits = { ...manifest.limits, inputBytes: 16_384 }
    const fields = fieldsOf(manifest)
    const form = { ...emptyForm(fields), prompt: 'a'.repeat(16_100) }
    const faults = faultsOf(fields, form, limits)
    const text = JSON.stringify(askedOf(fields, form, 7))

    // What throws while a page is drawn leaves a blank one, at each visit: the picture is kept.
    if (faults.prompt === undefined) expect(() => readAsked(text)).to.not.throw()
  })
})
