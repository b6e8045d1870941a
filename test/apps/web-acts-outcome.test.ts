import { expect } from 'chai'
import { isNotSent } from '../../apps/web/src/acts/outcome.ts'
import { roomy, type Shelf } from '../../apps/web/src/acts/shelf.ts'

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
})
