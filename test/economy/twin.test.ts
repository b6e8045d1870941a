import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { type Kind, spoilt, tallyOf } from './histories.ts'
import { drawHistories, replay, VECTOR, vector } from './twin.ts'

const SEED = Number(process.env.HEURIST_SEED ?? 20_261_125)
const HISTORIES = 200

describe('the contracts of the economy and a model of plain loops', function () {
  this.timeout(900_000)

  const histories = drawHistories(HISTORIES, SEED)

  it(`agree to the wei on ${HISTORIES} drawn histories (seed ${SEED})`, () => {
    expect(replay(histories.map(({ words }) => words))).to.equal('')
  })

  it('are compared where there is something to compare', () => {
    const tally = tallyOf(histories)

    for (const what of [
      'claims of tips',
      'claims of revenue',
      'claims of nodes',
      'weights',
      'dynamics',
      'burns',
    ])
      expect(tally[what]?.nonZero, what).to.be.greaterThan(HISTORIES)
    for (const what of ['bases', 'refusals', 'idle times'])
      expect(tally[what]?.nonZero, what).to.be.greaterThan(HISTORIES / 4)
  })

  for (const [what, kind, value] of [
    ["a voter's claim", 'claim', -1],
    ["a node's claim", 'claimNode', -1],
    ['a weight', 'weight', -1],
    ['base', 'turn', 3],
    ['dynamic', 'turn', 4],
    ['burnt', 'turn', 5],
  ] as [string, Kind, number][]) {
    it(`differ if one wei of ${what} is changed`, () => {
      const one = histories.find(({ acts }) =>
        acts.some((act) => act.kind === kind && (act.values.at(value) ?? 0n) > 0n),
      )
      if (!one) throw new Error(`no history has ${what}`)

      expect(replay([one.words])).to.equal('')
      expect(replay([spoilt(one, kind, value)])).to.include(what)
    })
  }

  it('are compared by every forge test on the histories of the vector, which are those of today’s model', () => {
    expect(readFileSync(VECTOR, 'utf8')).to.equal(vector())
  })
})
