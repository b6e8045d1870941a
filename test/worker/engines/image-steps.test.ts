import { expect } from 'chai'
import { concatHex, keccak256 } from 'viem'
import { toHex } from '../../../sdk/protocol/bytes.ts'
import { verifyMerkle } from '../../../sdk/protocol/merkle.ts'
import { LatentSteps } from '../../../worker/engines/image/evidence.ts'
import { toPixels } from '../../../worker/engines/image/picture.ts'
import { eulerStep, noiseLevels } from '../../../worker/engines/image/schedule.ts'

describe('the steps of an image', () => {
  it('noise levels fall from 1 to 0 and a shift keeps the ends', () => {
    expect([...noiseLevels(4, 1)]).to.deep.equal([1, 0.75, 0.5, 0.25, 0])

    const shifted = [...noiseLevels(4, 3)]

    // 3u / (1 + 2u) at u = 1, ¾, ½, ¼, 0.
    for (const [i, level] of [1, 0.9, 0.75, 0.5, 0].entries()) expect(shifted[i]).to.be.closeTo(level, 1e-7)
  })

  it('a step moves along the straight line from the noise to the clean picture', () => {
    const clean = 0.6
    const noise = -2
    const at = (level: number) => Float32Array.of((1 - level) * clean + level * noise)

    const next = eulerStep(at(0.8), Float32Array.of(clean, 99), 0.8, 0.3, 1)

    expect(next[0]).to.be.closeTo(at(0.3)[0] ?? 0, 1e-6)
  })

  it('guidance goes from the picture without the prompt through the one with it, and beyond', () => {
    const last = (guidance: number) =>
      eulerStep(Float32Array.of(5), Float32Array.of(0.5, 0.25), 0.1, 0, guidance)[0]

    expect([last(0), last(1), last(2)]).to.deep.equal([0.25, 0.5, 0.75])
  })

  it('a state is proven against the root by its bytes and a Merkle path alone', () => {
    const states = [0, 1, 2, 3, 4].map((i) => Float32Array.of(i, -i / 3, 1e-30))
    const steps = new LatentSteps()
    for (const state of states) steps.add(state)

    const tree = steps.tree()

    for (const [i, state] of states.entries()) {
      const leaf = keccak256(keccak256(new Uint8Array(state.buffer)))
      expect(verifyMerkle(tree.root, leaf, tree.proof(i)), `state ${i}`).to.equal(true)
      expect(verifyMerkle(tree.root, leaf, tree.proof((i + 1) % 5)), `state ${i}, path of another`).to.equal(
        false,
      )
    }
    expect(toHex(steps.root())).to.equal(tree.root)
  })

  it('two states give the sorted pair of their double hashes', () => {
    const steps = new LatentSteps()
    steps.add(Float32Array.of(1))
    steps.add(Float32Array.of(2))
    // 1 and 2 as little-endian float32.
    const leaves = [keccak256(keccak256('0x0000803f')), keccak256(keccak256('0x00000040'))].sort()

    expect(toHex(steps.root())).to.equal(keccak256(concatHex(leaves)))
  })

  it('values from -1 to 1 become bytes from 0 to 255 and what lies outside is cut', () => {
    const pixels = toPixels(Float32Array.of(-1, 1, 0, 0, -3, 3, 0, 0, 0, 0, 0, 0), 2)

    expect([...pixels]).to.deep.equal([0, 0, 128, 255, 255, 128, 128, 128, 128, 128, 128, 128])
  })
})
