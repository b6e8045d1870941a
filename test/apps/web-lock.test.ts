import { expect } from 'chai'
import { changeOf } from '../../apps/web/src/portal/lock/change.ts'
import type { LockState } from '../../sdk/chain/locks.ts'

const lock = (facts: Partial<LockState>): LockState => ({
  account: `0x${'a1'.repeat(20)}`,
  amount: 0n,
  end: 0,
  epoch: 3_000,
  power: 0n,
  nextPower: 0n,
  totalPower: 0n,
  balance: 0n,
  ...facts,
})

describe('what is signed for a lock', () => {
  const shown = lock({ amount: 5n, end: 3_051 })

  it('an amount alone leaves the end as it is, also when an epoch turned since it was shown', () => {
    for (const epoch of [3_000, 3_001, 3_050]) {
      expect(changeOf({ ...shown, epoch }, 10n, shown.end)).to.deep.equal({ added: 10n, end: 0 })
    }
  })

  it('a lock ends when it was said to end, whatever the epoch is when it is signed', () => {
    for (const epoch of [3_000, 3_001]) {
      expect(changeOf(lock({ epoch }), 10n, 3_052)).to.deep.equal({ added: 10n, end: 3_052 })
      expect(changeOf({ ...shown, epoch }, 0n, 3_060)).to.deep.equal({ added: 0n, end: 3_060 })
    }
  })

  it('an end that was reached otherwise meanwhile is not asked for again', () => {
    const longer = { ...shown, end: 3_080 }

    expect(changeOf(longer, 10n, 3_060)).to.deep.equal({ added: 10n, end: 0 })
    expect(() => changeOf(longer, 0n, 3_060))
      .to.throw()
      .with.property('code', 'lock.longer')
  })

  it('an end that is over, or too far, is refused', () => {
    for (const end of [2_999, 3_000, 3_105]) {
      expect(() => changeOf(lock({}), 1n, end))
        .to.throw()
        .with.property('code', 'weeks.invalid')
    }
    expect(changeOf(lock({}), 1n, 3_104).end).to.equal(3_104)
  })
})
