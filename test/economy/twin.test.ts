import { expect } from 'chai'
import { replay } from './twin.ts'

const SEED = Number(process.env.HEURIST_SEED ?? 20_261_125)
const HISTORIES = 200

describe('the contracts of the economy and a model of plain loops', function () {
  this.timeout(600_000)

  it(`agree to the wei on ${HISTORIES} drawn histories (seed ${SEED})`, () => {
    expect(replay(HISTORIES, SEED)).to.equal('')
  })

  it('differ if one expected wei is changed', () => {
    const different = replay(1, SEED, (words) => [...words.slice(0, -1), (words.at(-1) ?? 0n) + 1n])

    expect(different).to.include("a voter's claim")
  })
})
