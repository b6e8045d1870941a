import { expect } from 'chai'
import { draw, SIDE } from '../../pods/image/train/draw.ts'
import {
  allCombinations,
  type Combination,
  colours,
  drawCombination,
  drawForTraining,
  isHeldOut,
  positions,
  SHAPES,
} from '../../pods/image/train/family.ts'
import { judge, shows } from '../../pods/image/train/judge.ts'
import {
  drawUnsaid,
  phrase,
  TRAINING_SENTENCES,
  terse,
  UNSEEN_SENTENCES,
  vocabulary,
} from '../../pods/image/train/phrase.ts'
import { Random } from '../../pods/training/random.ts'
import { toPixels } from '../../worker/engines/image/picture.ts'
import { wordsOf } from '../../worker/engines/image/words.ts'

const SEED = 2026

describe(`the family of pictures (seed ${SEED})`, function () {
  this.timeout(600_000)

  const pixels = (combination: Combination, random: Random) => ({
    data: toPixels(draw(combination, random), SIDE),
    side: SIDE,
  })

  it('training never draws a held-out combination, nor its colour, shape and place in any size or ground', () => {
    const random = new Random(SEED)
    const triple = ({ colour, shape, position }: Combination) => `${colour} ${shape} ${position}`
    const heldOut = new Set([...allCombinations()].filter(isHeldOut).map(triple))
    const trained = new Set(Array.from({ length: 20_000 }, () => triple(drawForTraining(random))))

    const both = [...trained].filter((one) => heldOut.has(one))

    expect(both).to.deep.equal([])
    expect(trained.size + heldOut.size).to.equal(colours.length * SHAPES.length * positions.length)
    expect([...allCombinations()].filter(isHeldOut)).to.have.length.greaterThan(200)
  })

  it('every pair of attributes is seen in training', () => {
    const shown = [...allCombinations()].filter((combination) => !isHeldOut(combination))
    const pairs = (a: keyof Combination, b: keyof Combination) =>
      new Set(shown.map((c) => `${c[a]} ${c[b]}`)).size

    expect(pairs('colour', 'shape')).to.equal(colours.length * SHAPES.length)
    expect(pairs('colour', 'position')).to.equal(colours.length * positions.length)
    expect(pairs('shape', 'position')).to.equal(SHAPES.length * positions.length)
  })

  it('no prompt of the unseen sentences is a prompt of training, word order counted', () => {
    const random = new Random(SEED)
    const said = (sentences: typeof TRAINING_SENTENCES) =>
      new Set(
        Array.from({ length: 20_000 }, () =>
          wordsOf(phrase(drawCombination(random), sentences, random)).join(' '),
        ),
      )
    const training = said(TRAINING_SENTENCES)

    const both = [...said(UNSEEN_SENTENCES)].filter((prompt) => training.has(prompt))

    expect(both).to.deep.equal([])
  })

  it('the vocabulary holds every word of every training prompt', () => {
    const random = new Random(SEED)
    const known = new Set(vocabulary())

    for (let i = 0; i < 5_000; i++) {
      const prompt = terse(
        phrase(drawCombination(random), TRAINING_SENTENCES, random, drawUnsaid(random)),
        random,
      )
      for (const word of wordsOf(prompt)) expect(known.has(word), `${word} in "${prompt}"`).to.equal(true)
    }
  })

  it('the judge names at least 99 % of the generator’s own pictures right', () => {
    const random = new Random(SEED)
    const drawn = Array.from({ length: 600 }, () => drawCombination(random))

    const right = drawn.filter((combination) => shows(pixels(combination, random), combination)).length

    expect(right / drawn.length).to.be.at.least(0.99)
  })

  it('the judge denies a picture to a prompt that differs in any one attribute', () => {
    const random = new Random(SEED)

    for (let i = 0; i < 80; i++) {
      const combination = drawCombination(random)
      const other = drawCombination(random)
      for (const attribute of Object.keys(combination) as (keyof Combination)[]) {
        if (other[attribute] === combination[attribute]) continue
        const wrong = { ...combination, [attribute]: other[attribute] }
        expect(
          shows(pixels(combination, random), wrong),
          `${attribute} of ${JSON.stringify(combination)}`,
        ).to.equal(false)
      }
    }
  })

  it('the judge names nothing in noise, in an empty picture or in two shapes at once', () => {
    const random = new Random(SEED)
    const noise = Float32Array.from({ length: 3 * SIDE * SIDE }, () => random.normal())
    const red: Combination = {
      colour: 'red',
      shape: 'circle',
      size: 'small',
      position: 'top left',
      background: 'white',
    }
    const two = draw(red, new Random(1))
    const second = draw({ ...red, position: 'bottom right' }, new Random(1))
    for (const [i, value] of second.entries()) if (value < (two[i] ?? 0)) two[i] = value
    const seen = (picture: Float32Array) => judge({ data: toPixels(picture, SIDE), side: SIDE })

    expect(seen(noise).shape).to.equal(undefined)
    expect(seen(new Float32Array(3 * SIDE * SIDE).fill(1))).to.include({
      background: 'white',
      shape: undefined,
    })
    expect(seen(two).shape).to.equal(undefined)
  })
})
