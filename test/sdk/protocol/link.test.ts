import { expect } from 'chai'
import { watchSilence } from '../../../sdk/protocol/link.ts'

describe('the silence on a link', () => {
  /** Looks at these times; `heard` at those in between, before the look of that time. */
  function silentAt(looks: readonly number[], heard: readonly number[] = []): number[] {
    let nowMs = 0
    const silence = watchSilence({ heartbeatMs: 1_000, mostMs: 3_000, nowMs: () => nowMs })
    const acts = [...heard.map((at) => ({ at, hears: true })), ...looks.map((at) => ({ at, hears: false }))]
    return acts
      .sort((a, b) => a.at - b.at || Number(b.hears) - Number(a.hears))
      .flatMap(({ at, hears }) => {
        nowMs = at
        if (!hears) return silence.isTooLong() ? [at] : []
        silence.heard()
        return []
      })
  }

  it('is too long when nothing was heard for longer than it may last', () => {
    expect(silentAt([1_000, 2_000, 3_000, 4_000, 5_000])).to.deep.equal([4_000, 5_000])
    expect(silentAt([1_000, 2_000, 3_000, 4_000, 5_000], [900, 1_900])).to.deep.equal([5_000])
  })

  it('is not told by a look that is late itself: what came meanwhile is not read yet', () => {
    // The machine stood still from 1,000 on; what the other side said until 8,900 is read after that look.
    expect(silentAt([1_000, 9_000, 10_000, 11_000], [900, 9_001])).to.deep.equal([])
    expect(silentAt([1_000, 9_000, 10_000, 11_000], [900])).to.deep.equal([10_000, 11_000])
  })

  it('is told in spite of looks that are a little late, or always late', () => {
    expect(silentAt([1_900, 3_800, 5_700])).to.deep.equal([3_800, 5_700])
    expect(silentAt([2_500, 5_000, 7_500, 10_000])).to.deep.equal([5_000, 10_000])
  })

  it('is told after a clock went back as after one that did not', () => {
    let nowMs = 3_600_000
    const silence = watchSilence({ heartbeatMs: 1_000, mostMs: 3_000, nowMs: () => nowMs })
    const looks = [0, 1_000, 2_000, 3_000, 4_000].map((at) => {
      nowMs = at
      return silence.isTooLong()
    })

    expect(looks).to.deep.equal([false, false, false, false, true])
  })
})
