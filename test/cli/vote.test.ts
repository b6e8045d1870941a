import { expect } from 'chai'
import { parseVotes } from '../../cli/commands/vote.ts'
import { expected, LEAST_WEIGHT, weightOf } from '../../sdk/chain/votes.ts'
import { refusal } from '../sdk/refusal.ts'

const HEU = 10n ** 18n

describe('votes as people write them', () => {
  it('are percent per id, of one ballot', () => {
    expect(parseVotes('node', '1=60, 2=12.5%')).to.deep.equal([
      { ballot: 'node', id: 1, bps: 6000 },
      { ballot: 'node', id: 2, bps: 1250 },
    ])
    expect(parseVotes('pod', undefined)).to.deep.equal([])
  })

  it('more than all of the power, an id twice and words that are no vote are refused', async () => {
    const codes = await Promise.all(
      ['1=60,2=41', '1=10,1=20', '1', '1=2=3', 'one=10', '0=10', '1=half', ''].map(async (text) => {
        const { code } = await refusal((async () => parseVotes('node', text))())
        return code
      }),
    )

    expect(codes).to.deep.equal([
      'vote.too_much',
      'vote.twice',
      'vote.invalid',
      'vote.invalid',
      'id.invalid',
      'id.invalid',
      'percent.invalid',
      'vote.invalid',
    ])
  })
})

describe('what a vote may bring', () => {
  it('weighs its part of the lock by the weeks that are left of it', () => {
    const lock = { amount: 1000n * HEU, end: 3000 }

    expect(weightOf(lock, 2500, 2948)).to.equal(250n * HEU * 52n)
    expect(weightOf(lock, 10_000, 3000)).to.equal(0n)
  })

  it('is the part of the weight with its own added, and nothing where so little weight has the reward burnt', () => {
    expect(expected({ reward: 900n, others: 2n * HEU }, HEU)).to.equal(300n)
    expect(expected({ reward: 900n, others: 0n }, HEU)).to.equal(900n)
    expect(expected({ reward: 900n, others: 0n }, LEAST_WEIGHT - 1n)).to.equal(0n)
  })
})
