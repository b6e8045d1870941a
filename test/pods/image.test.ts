import { join } from 'node:path'
import { expect } from 'chai'
import { heldOutPrompts, loadPod, SCORE_SEED, score } from '../../pods/image/score.ts'
import { isHeldOut } from '../../pods/image/train/family.ts'
import { TRAINING_SENTENCES } from '../../pods/image/train/phrase.ts'

const COUNT = 200

describe(`the shipped image pod (seed ${SCORE_SEED})`, function () {
  this.timeout(900_000)

  it('draws at least 95 % of two hundred combinations that training never showed, all five attributes right', async () => {
    const engine = await loadPod(join(import.meta.dirname, '../../pods/image'))

    const { asked, right, crossed, misses } = await score(engine, COUNT)
    await engine.close()

    expect(asked).to.equal(COUNT)
    expect(right / asked, JSON.stringify(misses)).to.be.at.least(0.95)
    // The judge can say no: next to none of these pictures passes for its neighbour's prompt.
    expect(crossed / asked).to.be.at.most(0.02)
  })

  it('is asked for different combinations, every one of them kept out of training', () => {
    const asked = heldOutPrompts(COUNT, TRAINING_SENTENCES).map(({ wanted }) => wanted)

    expect(asked.every(isHeldOut)).to.equal(true)
    expect(new Set(asked.map((wanted) => JSON.stringify(wanted))).size).to.equal(COUNT)
  })
})
