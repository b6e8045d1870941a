import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { type Kind, spoilt } from './histories.ts'
import { tallyOf } from './tally.ts'
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

    const often = [
      'claims of tips',
      'claims of revenue',
      'revenue of the second router',
      'claims of nodes',
      'weights',
      'dynamics',
      'burns',
      'gatherings',
      'late gatherings',
      'sales of lots',
      'sales of what is carried',
      'slashes by proof',
    ]
    for (const what of often) expect(tally[what]?.nonZero, what).to.be.greaterThan(HISTORIES)
    for (const what of [
      'work of the second router',
      'homes at the second router',
      'changes of the split',
      'changes of the emission',
      'slashes by case',
      'gifts',
      'early collections',
      'bases',
      'past votes',
      'past totals',
      'refusals',
      'idle times',
    ])
      expect(tally[what]?.nonZero, what).to.be.greaterThan(HISTORIES / 2)
    for (const what of ['lapsed cases', 'cancelled exits', 'withdrawals of stake'])
      expect(tally[what]?.nonZero, what).to.be.greaterThan(HISTORIES / 20)
  })

  for (const [what, kind, value] of [
    ["a voter's claim", 'claim', -1],
    ["a node's claim", 'claimNode', -1],
    ['a weight', 'weight', -1],
    ['past votes', 'past', 2],
    ['a past total', 'past', 3],
    ['base', 'final', 0],
    ['dynamic', 'final', 1],
    ['burnt', 'final', 2],
    ['carried', 'final', 4],
    ['median', 'final', 5],
    ['a slash', 'prove', 2],
    ['a slash', 'execute', 2],
    ['active stake', 'prove', 3],
    ['stake that leaves', 'withdraw', 1],
    ['gathered', 'gather', 2],
    ["the lot's price", 'buy', 1],
    ['the price of what is carried', 'buyCarried', 1],
    ['collected', 'collect', 1],
  ] as [string, Kind, number][]) {
    it(`differ if one wei of ${what} is changed (${kind})`, () => {
      const one = histories.find(({ acts }) =>
        acts.some((act) => act.kind === kind && (act.values.at(value) ?? 0n) > 0n),
      )
      if (!one) throw new Error(`no history has ${what}`)

      expect(replay([spoilt(one, kind, value)])).to.include(what)
    })
  }

  it('are compared by every forge test on the histories of the vector, which are those of today’s model', () => {
    expect(readFileSync(VECTOR, 'utf8')).to.equal(vector())
  })
})
