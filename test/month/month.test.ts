import { expect } from 'chai'
import { SEED } from '../sdk/seed.ts'
import { liveMonth, type Month } from './month.ts'

/** Some days of the month that `npm run test:deep` lives through whole; its aftermath is as long. */
describe('some days of random life on the real contracts', function () {
  this.timeout(900_000)

  let month: Month

  before(async () => {
    month = await liveMonth({ seed: SEED, days: 3 })
  })

  it('payers, nodes, pods and frontends get what they are owed, or lose no more than they may', () => {
    const unfair = month.rows.filter(({ ok }) => !ok).map(({ party, lost, most }) => ({ party, lost, most }))

    expect(unfair).to.deep.equal([])
    expect(month.rows.filter(({ most }) => most !== undefined)).to.have.length(6 + 1 + 12 + 3)
  })

  it('no node is paid twice for the same work, by the bond and by a settlement', () => {
    const nodes = month.rows.filter(({ party }) => /^node /.test(party))

    expect(nodes.map(({ lost }) => lost >= 0n)).to.deep.equal(Array(6).fill(true))
  })

  it('honest routers end with their float and bond, to the unit', () => {
    const honest = month.rows.filter(({ party }) => /^router (north|south|till)$/.test(party))

    expect(honest.map(({ lost }) => lost)).to.deep.equal([0n, 0n, 0n])
  })

  it('all money that came in is found again, contract by contract', () => {
    expect(month.balances.length).to.equal(9)
    for (const { what, left, right } of month.balances) expect(left, what).to.equal(right)
  })

  it('enough happened to prove something', () => {
    const { happened } = month

    for (const what of ['calls', 'failures', 'deposits', 'withdrawals', 'claims filed'] as const) {
      expect(happened[what], what).to.be.greaterThan(0)
    }
  })
})
