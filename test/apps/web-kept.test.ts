import 'fake-indexeddb/auto'
import { expect } from 'chai'
import { endCutDrawings } from '../../apps/web/src/imagine/draw.ts'
import {
  type Drawing,
  MOST_KEPT as MOST_DRAWINGS,
  nextToGo,
  ofModel,
  outgrown,
} from '../../apps/web/src/imagine/drawing.ts'
import { type Drawings, openDrawings } from '../../apps/web/src/imagine/store.ts'
import { openChats } from '../../apps/web/src/pondera/store.ts'
import { charged, type Finding, newFinding } from '../../apps/web/src/search/finding.ts'
import { MOST_KEPT, openFindings } from '../../apps/web/src/search/store.ts'
import { checkShared } from '../../apps/web/src/sharing/bound.ts'
import { deleteShare } from '../../apps/web/src/sharing/server.ts'
import { asHeuristError, HeuristError } from '../../sdk/errors.ts'
import { browserLocks } from './locks.ts'
import { settle } from './turns.ts'
import { until } from './visitor.ts'

/** What a browser keeps of searches and pictures, and what no other tab takes away: two pages of one browser, as two tabs are. */

type Running = typeof import('../../apps/web/src/search/running.ts')

let pages = 0
/** A page of its own: it knows nothing of what another one runs. */
const pageOf = (): Promise<Running> => {
  pages += 1
  return import(`../../apps/web/src/search/running.ts?page=${pages}`)
}
/** What is written meanwhile has no room. */
async function withoutRoom(work: () => void): Promise<void> {
  await settle()
  const { put } = IDBObjectStore.prototype
  IDBObjectStore.prototype.put = () => {
    throw new DOMException('full', 'QuotaExceededError')
  }
  work()
  await settle()
  IDBObjectStore.prototype.put = put
}
const searchOf = (part: Partial<Finding> = {}): Finding => ({
  ...newFinding(crypto.randomUUID(), 'What is a pod?', Date.now()),
  ...part,
})
/** Once all that was written before is on the disk. */
async function reread(id: string): Promise<Finding | undefined> {
  await settle()
  return (await openFindings()).find(id)
}

async function withNavigator(navigator: object, work: () => Promise<void>): Promise<void> {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true })
  try {
    await work()
  } finally {
    if (before) Object.defineProperty(globalThis, 'navigator', before)
    else Reflect.deleteProperty(globalThis, 'navigator')
  }
}

describe('the searches of a browser', () => {
  const paid = { state: 'done', answer: 'paid for', price: '500', open: [] } as const

  it('a tab that shows one as it was adds to what it has become, and takes nothing away', async () => {
    const first = await openFindings()
    const { id, ...begun } = searchOf({ open: ['0x1'], requests: ['0x1'] })
    first.add({ id, ...begun })
    await settle()
    const second = await openFindings()
    first.patch(id, paid)
    // Told of nothing yet.
    second.update(id, (now) => ({ ...now, ...charged(now, new Map([['0x1', 500n]])) }))
    second.patch(id, { share: { id: 's', secret: 'x' } })

    expect(await reread(id)).to.deep.include({ ...paid, share: { id: 's', secret: 'x' } })
    for (const tab of [first, second]) {
      await until(async () => tab.find(id)?.share !== undefined)
      expect(tab.find(id)).to.deep.include(paid)
    }
  })

  it('one that was forgotten in one tab is brought back by none', async () => {
    const [first, second] = [await openFindings(), await openFindings()]
    const { id, ...begun } = searchOf()
    first.add({ id, ...begun })
    await until(async () => second.find(id) !== undefined)
    second.remove(id)
    first.patch(id, paid)

    expect(await reread(id)).to.equal(undefined)
    await until(async () => first.find(id) === undefined)
  })

  it('an answer that grows is written with the next change, whole', async () => {
    const findings = await openFindings()
    const { id, ...begun } = searchOf({ state: 'writing' })
    findings.add({ id, ...begun })
    findings.patch(id, { answer: 'It' })
    findings.patch(id, { answer: 'It is' }, { write: false })
    findings.patch(id, { state: 'stopped' })

    expect(await reread(id)).to.include({ state: 'stopped', answer: 'It is' })
  })

  it('what the disk had no room for is said, and written with the next change', async () => {
    const findings = await openFindings()
    const { id, ...begun } = searchOf()
    findings.add({ id, ...begun })
    await settle()
    const { put } = IDBObjectStore.prototype
    IDBObjectStore.prototype.put = () => {
      throw new DOMException('full', 'QuotaExceededError')
    }
    findings.patch(id, { answer: 'paid for', price: '500' })
    await settle()
    IDBObjectStore.prototype.put = put
    expect(findings.view().unkept).to.match(/no room/)

    findings.patch(id, { state: 'done' })
    expect(await reread(id)).to.include({ state: 'done', answer: 'paid for', price: '500' })
  })

  it('what had no room is made to what another tab wrote meanwhile, which stays', async () => {
    const [one, other] = [await openFindings(), await openFindings()]
    const { id, ...begun } = searchOf()
    one.add({ id, ...begun })
    await until(async () => other.find(id) !== undefined)
    await withoutRoom(() => one.patch(id, { note: 'too little' }))
    other.patch(id, { ...paid, share: { id: 's', secret: 'x' } })
    await until(async () => one.find(id)?.share !== undefined)
    expect(one.find(id)).to.include({ answer: 'paid for', note: 'too little' })
    one.patch(id, { warnings: ['w'] })

    const whole = { ...paid, note: 'too little', warnings: ['w'], share: { id: 's', secret: 'x' } }
    for (const found of [await reread(id), one.find(id)]) expect(found).to.deep.include(whole)
  })

  it('past a hundred the oldest go, but none that is shared: with it would go the secret that deletes its page', async () => {
    const findings = await openFindings()
    for (const { id, share } of findings.view().findings) findings.remove(id, share?.id)
    const share = { id: 's', secret: 'x' }
    const shared = searchOf({ ...paid, at: 0, share })
    findings.add(shared)
    const others = Array.from({ length: MOST_KEPT + 1 }, (_, at) => searchOf({ ...paid, at: at + 1 }))
    for (const each of others) findings.add(each)

    for (const tab of [findings, await settle().then(openFindings)]) {
      expect(tab.find(shared.id)?.share).to.deep.equal(share)
      expect(tab.find(others[0]?.id ?? '')).to.equal(undefined)
      expect(tab.view().findings.map(({ id }) => id)).to.deep.equal(
        [...others.slice(1).map(({ id }) => id)].reverse().concat(shared.id),
      )
    }
  })

  it('one that has just come stays, whatever the clock said when the others did; so does one that is being answered', async () => {
    const findings = await openFindings()
    for (const { id, share } of findings.view().findings) findings.remove(id, share?.id)
    await settle()
    const later = Date.now() + 86_400_000
    for (let at = 0; at < MOST_KEPT; at += 1) findings.add(searchOf({ ...paid, at: later + at }))
    const [come, next] = [searchOf(), searchOf()]
    findings.add(come)
    findings.add(next)
    findings.patch(come.id, paid)

    expect(findings.view().findings).to.have.length(MOST_KEPT)
    expect(await reread(come.id)).to.deep.include(paid)
    expect(await reread(next.id)).to.not.equal(undefined)
  })

  it('one that another tab has shared a moment ago goes only where that page is meant', async () => {
    for (const [page, isKept] of [
      [undefined, true],
      ['another', true],
      ['s', false],
    ] as const) {
      const [here, there] = [await openFindings(), await openFindings()]
      const { id, ...begun } = searchOf()
      here.add({ id, ...begun })
      await until(async () => there.find(id) !== undefined)
      there.patch(id, { share: { id: 's', secret: 'x' } })
      here.remove(id, page)

      expect((await reread(id))?.share?.secret).to.equal(isKept ? 'x' : undefined)
      expect(here.find(id)?.share?.secret).to.equal(isKept ? 'x' : undefined)
    }
  })

  it('one that another tab has shared a moment ago is not dropped by a tab that does not know it yet', async () => {
    const [here, there] = [await openFindings(), await openFindings()]
    for (const { id, share } of here.view().findings) here.remove(id, share?.id)
    await settle()
    const oldest = searchOf({ ...paid, at: 0 })
    here.add(oldest)
    for (let at = 1; at < MOST_KEPT; at += 1) here.add(searchOf({ ...paid, at }))
    await until(async () => there.view().findings.length === MOST_KEPT)
    there.patch(oldest.id, { share: { id: 's', secret: 'x' } })
    here.add(searchOf({ ...paid, at: MOST_KEPT }))

    expect((await reread(oldest.id))?.share).to.deep.equal({ id: 's', secret: 'x' })
    await until(async () => here.find(oldest.id)?.share !== undefined)
  })
})

const drawingOf = (part: Partial<Drawing> = {}): Drawing => ({
  ...{ id: crypto.randomUUID(), model: 'image', at: Date.now(), input: '{}', state: 'drawing' },
  ...part,
})
/** Once all that was written before is on the disk. */
async function rereadDrawing(id: string): Promise<Drawing | undefined> {
  await settle()
  return (await openDrawings()).find(id)
}

describe('the pictures of a browser', () => {
  it('a tab that shows one as it was adds to what it has become, and takes nothing away', async () => {
    const first = await openDrawings()
    const { id, ...begun } = drawingOf()
    first.add({ id, ...begun })
    await settle()
    const second = await openDrawings()
    const whole = first.finish(id, { state: 'done', price: '500' }, new Uint8Array([1]))
    await settle()
    // As a tab has it that was told of nothing.
    second.patch(id, { state: 'drawing' }, { write: false })
    endCutDrawings(second)
    second.patch(id, { share: { id: 's', secret: 'x' } })
    await whole

    const kept = { state: 'done', price: '500', share: { id: 's', secret: 'x' } }
    expect(await rereadDrawing(id)).to.deep.include(kept)
    for (const tab of [first, second]) {
      await until(async () => tab.find(id)?.share !== undefined)
      expect(tab.find(id)).to.deep.include(kept)
    }
    second.unshare(id, 'another')
    expect(second.find(id)?.share).to.deep.equal(kept.share)
  })

  it('one that was deleted in one tab is brought back by none', async () => {
    const [first, second] = [await openDrawings(), await openDrawings()]
    const { id, ...begun } = drawingOf()
    first.add({ id, ...begun })
    await until(async () => second.find(id) !== undefined)
    const gone = second.remove(id)
    first.patch(id, { price: '500' })
    await gone

    expect(await rereadDrawing(id)).to.equal(undefined)
    await until(async () => first.find(id) === undefined)
  })

  it('one that was deleted in another tab before its picture came keeps nothing of it', async () => {
    const [first, second] = [await openDrawings(), await openDrawings()]
    const { id, ...begun } = drawingOf()
    first.add({ id, ...begun })
    await until(async () => second.find(id) !== undefined)
    await second.remove(id)
    await until(async () => first.find(id) === undefined)
    await first.finish(id, { state: 'done', price: '8' }, new Uint8Array([1]))

    await settle()
    expect(await (await openDrawings()).picture(id)).to.equal(undefined)
    expect(await first.picture(id)).to.equal(undefined)
  })

  it('what the disk had no room for is written with the next change', async () => {
    const drawings = await openDrawings()
    const { id, ...begun } = drawingOf()
    const { put } = IDBObjectStore.prototype
    IDBObjectStore.prototype.put = () => {
      throw new DOMException('full', 'QuotaExceededError')
    }
    drawings.add({ id, ...begun })
    await settle()
    IDBObjectStore.prototype.put = put
    drawings.patch(id, { price: '500' })

    expect(await rereadDrawing(id)).to.include({ price: '500' })
  })

  it('what had no room is made to what another tab wrote meanwhile, which stays', async () => {
    const [one, other] = [await openDrawings(), await openDrawings()]
    const { id, ...begun } = drawingOf()
    one.add({ id, ...begun })
    await until(async () => other.find(id) !== undefined)
    await withoutRoom(() => one.patch(id, { node: 1 }))
    const share = { id: 's', secret: 'x' }
    other.patch(id, { state: 'done', price: '500', share })
    await until(async () => one.find(id)?.share !== undefined)
    expect(one.find(id)).to.include({ node: 1, price: '500' })
    one.patch(id, { isForgotten: true })

    const whole = { state: 'done', price: '500', share, node: 1, isForgotten: true }
    for (const found of [await rereadDrawing(id), one.find(id)]) expect(found).to.deep.include(whole)
  })
})

describe('the history of a model', () => {
  const [model, share] = ['history', { id: 's', secret: 'x' }]
  const picture = (at: number, part: Partial<Drawing> = {}) =>
    drawingOf({ id: `${at}`, model, at, state: 'done', ...part })
  const many = (count: number) => Array.from({ length: count }, (_, at) => picture(at))

  it('tells which picture has to go for the next one: the oldest that nobody shares, if nothing else can', () => {
    const full = many(MOST_DRAWINGS)

    expect(nextToGo(full.slice(1), model)).to.equal(undefined)
    expect(nextToGo(full, model)).to.equal(full[0])
    expect(nextToGo(full, 'another')).to.equal(undefined)
    expect(nextToGo([picture(-1, { share }), ...full], model)).to.equal(full[0])
    const drawing = picture(99, { state: 'drawing' })
    expect(nextToGo([...full, drawing], model)).to.equal(full[0])
    // What came to no picture goes before, however new it is.
    const failed = picture(99, { state: 'failed' })
    expect(nextToGo([...full.slice(1), failed], model)).to.equal(undefined)
    expect(outgrown([...full, failed], model)).to.deep.equal([failed])
  })

  it('lets what was paid for without a picture go by its age, and never what has just come', () => {
    const full = many(MOST_DRAWINGS)
    const left = picture(99, { state: 'cut', request: '0x01' })
    const free = picture(98, { state: 'failed', request: '0x02', price: '0' })

    expect(outgrown([...full, left], model)).to.deep.equal([full[0]])
    expect(outgrown([...full, left, free], model)).to.deep.equal([free, full[0]])
    // Its date is an old one where the clock was ahead of time before.
    const come = picture(-1)
    expect(outgrown([...full, come], model, come.id)).to.deep.equal([full[0]])
    const oldest = picture(-2, { state: 'cancelled', request: '0x03', price: '5' })
    expect(nextToGo([oldest, ...full.slice(1)], model)).to.equal(oldest)
  })

  it('gives a picture up for one that is there, and for none that fails', async () => {
    const drawings = await openDrawings()
    for (const each of many(MOST_DRAWINGS)) drawings.add(each)
    const [first, second] = [picture(98, { state: 'drawing' }), picture(99, { state: 'drawing' })]
    drawings.add(first)
    drawings.patch(first.id, { state: 'failed' })
    drawings.add(second)
    await until(async () => drawings.find(first.id) === undefined)
    expect(drawings.find('0')?.state).to.equal('done')

    await drawings.finish(second.id, { state: 'done' }, new Uint8Array([1]))
    await until(async () => drawings.find('0') === undefined)
    expect(await rereadDrawing('0')).to.equal(undefined)
    expect(ofModel((await openDrawings()).view().drawings, model)).to.have.length(MOST_DRAWINGS)
    await drawings.clear(model)
  })
})

describe('a picture that found no room', () => {
  const PNG = new Uint8Array([1, 2, 3])
  const drawn = async (drawings: Drawings, isRecordKept: boolean) => {
    const [{ id, ...begun }, old] = [drawingOf(), drawingOf()]
    drawings.add(old)
    drawings.add({ id, ...begun })
    await settle()
    const { put } = IDBObjectStore.prototype
    IDBObjectStore.prototype.put = function (this: IDBObjectStore, ...args: Parameters<typeof put>) {
      if (!isRecordKept || this.name === 'pictures') throw new DOMException('full', 'QuotaExceededError')
      return put.apply(this, args)
    }
    await drawings.finish(id, { state: 'done', price: '500' }, PNG)
    await settle()
    IDBObjectStore.prototype.put = put
    return { id, old: old.id }
  }

  for (const isRecordKept of [true, false]) {
    for (const where of ['here', 'in another tab']) {
      it(`${isRecordKept ? '' : 'and whose settings found none either '}is kept as soon as another one is deleted ${where}`, async () => {
        const [here, there] = [await openDrawings(), await openDrawings()]
        const { id, old } = await drawn(here, isRecordKept)
        const before = await (await openDrawings()).picture(id)
        const said = here.view().unkept
        await (where === 'here' ? here : there).remove(old)
        await until(async () => here.view().unkept === undefined)

        expect([before, said]).to.deep.equal([
          undefined,
          'The browser has no room left: what is new here is gone with the page.',
        ])
        expect(await rereadDrawing(id)).to.include({ state: 'done', price: '500' })
        for (const tab of [here, await openDrawings()]) {
          expect(await tab.picture(id)).to.deep.equal(PNG)
        }
      })
    }
  }

  it('is shown as long as its page, and said to be gone with it, while there is none', async () => {
    const drawings = await openDrawings()
    const { id, old } = await drawn(drawings, true)
    await withoutRoom(() => void drawings.remove(old))

    expect(await drawings.picture(id)).to.deep.equal(PNG)
    expect(drawings.view().unkept).to.match(/no room/)
    // What another tab says of it is read again, and takes nothing away.
    const later = await openDrawings()
    later.patch(id, { node: 3 })
    await until(async () => drawings.find(id)?.node === 3)
    expect(drawings.find(id)).to.include({ state: 'done', price: '500' })
    expect(await later.picture(id)).to.equal(undefined)
    expect(await rereadDrawing(id)).to.include({ state: 'unkept', price: '500', node: 3 })
  })
})

describe('a picture that another tab has shared a moment ago', () => {
  const share = { id: 's', secret: 'x' }
  const model = 'shared'
  let tabs: { here: Drawings; there: Drawings } | undefined
  /** So many pictures; the oldest is shared in the other tab, of which this one is told after `act` has begun. */
  async function tabsAfter(count: number, act: (here: Drawings, id: string) => unknown) {
    const [here, there] = [await openDrawings(), await openDrawings()]
    tabs = { here, there }
    const ids = Array.from({ length: count }, () => crypto.randomUUID())
    for (const [at, id] of ids.entries()) here.add({ id, model, at, input: '{}', state: 'done' })
    const oldest = ids[0] ?? ''
    await here.finish(oldest, { state: 'done' }, new Uint8Array([1]))
    await until(async () => ids.every((id) => there.find(id) !== undefined))
    await settle()
    there.patch(oldest, { share })
    await act(here, oldest)
    await settle()
    return { here, oldest, next: await openDrawings() }
  }
  afterEach(async () => {
    const all = (await openDrawings()).view().drawings.filter((each) => each.model === model)
    for (const { id, share } of all) await tabs?.here.remove(id, share?.id)
  })

  for (const [how, count, act] of [
    ['deletes it', 1, (here, id) => here.remove(id)],
    ['deletes another page of it', 1, (here, id) => here.remove(id, 'another')],
    ['deletes all', 2, (here) => here.clear(model)],
    [
      'draws one more than it keeps',
      MOST_DRAWINGS,
      (here) => here.add({ id: crypto.randomUUID(), model, at: 1_000, input: '{}', state: 'done' }),
    ],
  ] as const satisfies [string, number, (here: Drawings, id: string) => unknown][]) {
    it(`stays with its secret and its bytes where a tab ${how} that does not know it yet`, async () => {
      const { here, oldest, next } = await tabsAfter(count, act)

      for (const tab of [here, next]) {
        expect(tab.find(oldest)?.share).to.deep.equal(share)
        expect(await tab.picture(oldest)).to.deep.equal(new Uint8Array([1]))
      }
    })
  }

  it('goes where that very page is meant, and what is not shared goes with all', async () => {
    const { here, oldest, next } = await tabsAfter(1, (here, id) => here.remove(id, share.id))
    for (const tab of [here, next]) {
      expect([tab.find(oldest), await tab.picture(oldest)]).to.deep.equal([undefined, undefined])
    }
    const two = await tabsAfter(2, (here) => here.clear(model))
    const left = two.next.view().drawings.filter((each) => each.model === model)
    expect(left.map(({ id }) => id)).to.deep.equal([two.oldest])
  })
})

describe('what is shared', () => {
  it('has an end, at which a further link is refused in words and nothing is dropped', () => {
    const shared = { share: { id: 's', secret: 'x' } }
    const check = (count: number) =>
      checkShared([...Array.from({ length: count }, () => shared), {}, {}], 3, 'searches')

    check(2)
    expect(() => check(3))
      .to.throw(HeuristError, '3 shared searches')
      .with.property('code', 'share.many')
  })

  it('and is deleted is done with, though its secret link had deleted it before', async () => {
    const real = globalThis.fetch
    const answers = (status: number, code: string) => {
      globalThis.fetch = async () =>
        Response.json({ error: { code, kind: 'refused', message: 'no' } }, { status })
    }
    try {
      answers(404, 'share.unknown')
      await deleteShare('/api/results', { id: 's', secret: 'x' })
      answers(403, 'share.secret_wrong')
      const said = await deleteShare('/api/results', { id: 's', secret: 'y' }).catch(asHeuristError)
      expect(said?.code).to.equal('share.secret_wrong')
    } finally {
      globalThis.fetch = real
    }
  })
})

describe('a search that goes on', () => {
  it('is no closed page’s to a tab that shows it meanwhile, and is one’s when its page is gone', async () => {
    await withNavigator({ locks: browserLocks() }, async () => {
      const [findings, page, other] = [await openFindings(), await pageOf(), await pageOf()]
      const [first, second] = [searchOf(), searchOf()]
      const ends: (() => void)[] = []
      const work = () => new Promise<void>((resolve) => ends.push(resolve))
      const runs = [first, second].map((each) => {
        findings.add(each)
        return page.run(each.id, work)
      })
      await settle()
      const shown = await openFindings()
      for (const { id } of [first, second]) other.endOnceGone(shown, id)
      await settle()

      expect([page.isHere(first.id), other.isHere(first.id)]).to.deep.equal([true, false])
      for (const { id } of [first, second]) expect((await reread(id))?.state).to.equal('searching')

      findings.patch(first.id, { state: 'done', answer: 'paid for' })
      for (const end of ends) end()
      await Promise.all(runs)
      expect(await reread(first.id)).to.include({ state: 'done', answer: 'paid for' })
      // Nothing was written of the second: what a page leaves that is closed.
      expect((await reread(second.id))?.state).to.equal('cut')
      await until(async () => shown.find(second.id)?.state === 'cut')
    })
  })

  it('is stopped by its own tab, from before its work is there', async () => {
    const page = await pageOf()
    const { id } = searchOf()
    const whole = page.run(id, async (signal) => {
      await settle()
      expect(signal.aborted).to.equal(true)
    })
    page.stop(id)
    await whole

    expect(page.isHere(id)).to.equal(false)
  })

  it('goes on where the browser refuses its locks, and fails as it fails', async () => {
    const request = () => Promise.reject(new DOMException('denied', 'SecurityError'))
    await withNavigator({ locks: { request } }, async () => {
      const page = await pageOf()
      let times = 0
      await page.run('a', async () => {
        times += 1
      })
      expect(times).to.equal(1)
    })
    const page = await pageOf()
    const failed = await page.run('b', () => Promise.reject(new Error('its own'))).catch(String)
    expect(failed).to.equal('Error: its own')
  })

  it('is what a second click on its button means: it is not paid twice', async () => {
    const [findings, page] = [await openFindings(), await pageOf()]
    for (const { id, share } of findings.view().findings) findings.remove(id, share?.id)
    const { id, query, at, ...rest } = searchOf()
    findings.add({ id, query, at, ...rest })
    let end = () => {}
    const whole = page.run(id, () => new Promise<void>((resolve) => (end = resolve)))

    expect(page.begunNow(findings, query, at + 60_000)).to.equal(id)
    expect(page.begunNow(findings, 'What is a node?', at)).to.equal(undefined)

    end()
    await whole
    findings.patch(id, { state: 'done' })
    // Answered between two clicks.
    expect(page.begunNow(findings, query, at + 300)).to.equal(id)
    expect(page.begunNow(findings, query, at + 5_000)).to.equal(undefined)
    findings.patch(id, { state: 'failed' })
    expect(page.begunNow(findings, query, at + 300)).to.equal(undefined)
  })
})

describe('a browser that lets no page keep anything', () => {
  const SAYS = /^This browser keeps nothing: \w+ are gone with the page\.$/
  const forbids = {
    open() {
      throw new DOMException('denied', 'SecurityError')
    },
  }

  for (const [how, given] of [
    ['has no IndexedDB at all', undefined],
    ['throws at once', forbids],
  ] as const) {
    it(`that ${how}: each door opens, says so, and works as long as the page`, async () => {
      const real = globalThis.indexedDB
      Object.defineProperty(globalThis, 'indexedDB', { value: given, configurable: true, writable: true })
      try {
        const [findings, drawings, chats] = [await openFindings(), await openDrawings(), await openChats()]
        for (const { unkept } of [findings.view(), drawings.view(), chats.view()]) {
          expect(unkept).to.match(SAYS)
        }
        const { id, ...begun } = searchOf()
        findings.add({ id, ...begun })
        findings.patch(id, { state: 'done' })
        expect(findings.find(id)?.state).to.equal('done')
      } finally {
        Object.defineProperty(globalThis, 'indexedDB', { value: real, configurable: true, writable: true })
      }
    })
  }
})
