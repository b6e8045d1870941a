import { expect } from 'chai'
import { type Intent, openIntents } from '../../apps/web/src/acts/intents.ts'
import { isNotSent } from '../../apps/web/src/acts/outcome.ts'
import { Past } from '../../apps/web/src/acts/past.ts'
import { roomy, type Shelf } from '../../apps/web/src/acts/shelf.ts'

/** A storage in which, once it is full, nothing grows. */
function storageOf(entries: [string, string][] = []): Shelf & { fill(): void } {
  const kept = new Map(entries)
  const removed = new Map<string, string>()
  let isFull = false
  return {
    fill: () => {
      isFull = true
    },
    getItem: (name) => kept.get(name) ?? null,
    setItem(name, text) {
      if (isFull && text.length > (kept.get(name) ?? removed.get(name) ?? '').length)
        throw new DOMException('exceeded the quota', 'QuotaExceededError')
      kept.set(name, text)
    },
    removeItem: (name) => {
      removed.set(name, kept.get(name) ?? '')
      kept.delete(name)
    },
    key: (index) => [...kept.keys()][index] ?? null,
    get length() {
      return kept.size
    },
  }
}

describe('what a wallet answers, and what a browser keeps', () => {
  const coded = (code: number) => Object.assign(new Error('no'), { code })

  it('only an answer that comes before the signing means for certain that nothing was sent', () => {
    const certain = [4001, 4100, 4200, 4902, -32600, -32601, -32602, -32004]
    const unclear = [4900, 4901, 5000, -1, -32000, -32001, -32002, -32003, -32005, -32603, -32700, 429, 22]

    expect(certain.filter((code) => isNotSent(coded(code)))).to.deep.equal(certain)
    expect(unclear.filter((code) => isNotSent(coded(code)))).to.deep.equal([])
  })

  it('neither a full storage nor an error without a code is a refusal by a wallet', () => {
    expect(isNotSent(new DOMException('exceeded the quota', 'QuotaExceededError'))).to.equal(false)
    expect(isNotSent(new Error('no'))).to.equal(false)
  })

  it('what lies in a full storage is read, what does not fit is held and said not to survive, until it fits', () => {
    const kept = new Map([['old', 'text']])
    let isFull = true
    const storage: Shelf = {
      getItem: (name) => kept.get(name) ?? null,
      setItem(name, text) {
        if (isFull) throw new DOMException('exceeded the quota', 'QuotaExceededError')
        kept.set(name, text)
      },
      removeItem: (name) => void kept.delete(name),
      key: (index) => [...kept.keys()][index] ?? null,
      get length() {
        return kept.size
      },
    }
    const shelf = roomy(storage)
    const names = () => Array.from({ length: shelf.length }, (_, index) => shelf.key(index))

    shelf.setItem('old', 'newer')
    shelf.setItem('new', 'text')
    const full = [
      shelf.getItem('old'),
      shelf.getItem('new'),
      shelf.survives('old'),
      shelf.survives('new'),
      names(),
    ]
    isFull = false
    shelf.setItem('new', 'newer')
    shelf.removeItem('old')

    expect(full).to.deep.equal(['newer', 'text', false, false, ['old', 'new']])
    expect([shelf.getItem('old'), shelf.getItem('new'), shelf.survives('new'), names()]).to.deep.equal([
      null,
      'newer',
      true,
      ['new'],
    ])
  })

  it('what does not fit leaves nothing older below it; what fits in its place is written there', () => {
    const storage = storageOf([['old', 'text']])
    storage.fill()
    const stubborn: Shelf = {
      ...storage,
      setItem(name, text) {
        if (storage.getItem(name) !== null) throw new DOMException('exceeded', 'QuotaExceededError')
        storage.setItem(name, text)
      },
    }
    const [shelf, other] = [roomy(storage), roomy(storage)]

    roomy(stubborn).setItem('old', 'news')
    const inPlace = other.getItem('old')
    shelf.setItem('old', 'longer')

    expect([inPlace, shelf.getItem('old'), shelf.survives('old')]).to.deep.equal(['news', 'longer', false])
    expect(other.getItem('old')).to.equal(null)
  })
})

describe('acts on a shelf', () => {
  const [from, ledger, token] = (['a', 'b', 'c'] as const).map((digit) => `0x${digit.repeat(40)}` as const)
  if (!from || !ledger || !token) throw new Error('three addresses')
  const place = { chainId: 31337, ledger }
  const [first, second] = (['1', '2'] as const).map((digit) => `0x${digit.repeat(64)}` as const)
  if (!first || !second) throw new Error('two hashes')
  const act: Intent = {
    ...{ id: 'mint', from, title: 'Take dollars' },
    calls: [
      { to: token, data: '0x01' },
      { to: token, data: '0x02' },
    ],
    ...{ at: 1, phase: 'ready', hashes: [first] },
  }
  const asking: Intent = { ...act, phase: 'asking', asked: { nonce: 4, since: 9n } }
  const sent: Intent = { ...asking, phase: 'sent', asked: { nonce: 4, since: 9n, hash: second } }

  it('that the version before stored keep what was asked for twice, and what was done twice', () => {
    const now = Date.now()
    const { phase: _, ...rest } = act
    const was = { ...rest, at: 2, phase: 'done', doneAt: now, repeated: { at: 1, nonce: 4, since: '9' } }
    const name = (id: string) => `heurist-act:31337:${ledger}:${from}:${id}`
    const storage = storageOf([
      [name('twice'), JSON.stringify({ ...was, id: 'twice' })],
      [name('done twice'), JSON.stringify({ ...was, id: 'done twice', double: second })],
    ])
    const intents = openIntents(storage, place)
    new Past(intents, () => now).clear()
    const [twice, doneTwice] = ['twice', 'done twice'].map((id) => intents.of(from, id))

    expect(twice?.repeats).to.deep.equal([{ at: 1, nonce: 4, since: 9n }])
    expect([twice?.doubles, doneTwice?.repeats]).to.deep.equal([undefined, twice?.repeats])
    expect(doneTwice?.doubles).to.deep.equal([{ at: 1, hash: second }])
  })

  it('are never read as not asked for yet by another tab, where there is no room for what was asked since', () => {
    for (const now of [asking, sent]) {
      const storage = storageOf()
      const [intents, other] = [openIntents(storage, place), openIntents(storage, place)]
      intents.put(act)
      storage.fill()
      intents.put(now)

      expect([intents.of(from, act.id)?.phase, intents.survives(now)]).to.deep.equal([now.phase, false])
      expect(other.of(from, act.id)).to.equal(undefined)
    }
  })

  it('that were asked for stay so for another tab where there is no room for more: it sees in the chain what came of them', () => {
    const done: Intent = { ...sent, at: 2, phase: 'done', hashes: [first, second], doneAt: 1 }
    for (const [before, now] of [
      [asking, sent],
      [sent, done],
    ] as const) {
      const storage = storageOf()
      const [intents, other] = [openIntents(storage, place), openIntents(storage, place)]
      intents.put(before)
      storage.fill()
      intents.put(now)

      expect(intents.of(from, act.id)).to.deep.equal(now)
      expect(other.of(from, act.id)).to.deep.equal(before)
    }
  })
})
