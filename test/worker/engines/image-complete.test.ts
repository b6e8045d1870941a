import { expect } from 'chai'
import { completed } from '../../../worker/engines/image/complete.ts'
import type { ImageConfig } from '../../../worker/engines/image/config.ts'
import { Vocabulary } from '../../../worker/engines/image/words.ts'

describe('a prompt that leaves something out', () => {
  const config: ImageConfig = {
    pipeline: 'text-to-image',
    sampleSize: 32,
    channels: 3,
    maxWords: 24,
    scheduler: { type: 'flow-match-euler', predictionType: 'sample', shift: 1 },
    sizes: ['32x32'],
    subjects: {
      shape: ['circle', 'disc', 'square'],
      colour: ['red', 'blue', 'white'],
      size: ['small', 'tiny', 'large'],
      place: ['top', 'left', 'right', 'centre'],
    },
    completion: {
      sentence: 'a {size} {colour} {shape} on a {background} background, {place}',
      choices: {
        shape: ['circle', 'square'],
        size: ['small', 'large'],
        place: ['top left', 'right'],
        colour: ['red', 'blue', 'white'],
      },
      ground: 'background',
      before: ['on', 'against'],
    },
  }
  const known =
    'a circle disc square red blue white small tiny large top left right centre on background against'
  const vocabulary = new Vocabulary(Object.fromEntries(known.split(' ').map((word, i) => [word, i + 1])))
  const read = (prompt: string, seed = 1) => completed(prompt, seed, config, vocabulary)
  const seeds = Array.from({ length: 200 }, (_, seed) => seed)

  it('is read as it stands if it names everything in known words, whatever the order', () => {
    for (const prompt of [
      'a small red circle on a blue background, top left',
      'Blue background, right: TINY red disc',
      'against blue a large white square, centre',
    ]) {
      expect(read(prompt)).to.equal(prompt)
    }
  })

  it('keeps what it names and takes the rest from the seed', () => {
    const said = new Set(seeds.map((seed) => read('blue square', seed)))

    for (const sentence of said) {
      expect(sentence).to.match(/^a (small|large) blue square on a (red|white) background, (top left|right)$/)
    }
    // Two sizes, two backgrounds, two places: all eight come up.
    expect(said.size).to.equal(8)
  })

  it('the same seed completes it in the same words', () => {
    for (const seed of seeds) expect(read('circle', seed)).to.equal(read('circle', seed))
  })

  it('a chosen colour never equals the other one', () => {
    for (const seed of seeds) {
      expect(read('circle on red', seed)).to.match(/^a \w+ (blue|white) circle on a red background/)
      expect(read('white circle', seed)).to.match(/^a \w+ white circle on a (red|blue) background/)
      const [, colour, background] = /a \w+ (\w+) circle on a (\w+)/.exec(read('circle', seed)) ?? []
      expect(colour).to.not.equal(background)
    }
  })

  const GROUNDS: [prompt: string, start: string][] = [
    [
      'the background is red and there is a small blue circle on top',
      'a small blue circle on a red background, top',
    ],
    ['a big red circle dancing happily on the white moon, left', 'red circle on a white background, left'],
    ['white on blue: the tiny square, right', 'a tiny white square on a blue background, right'],
    ['tiny red discs against the blue, top left', 'a tiny red disc on a blue background, top left'],
  ]
  for (const [prompt, part] of GROUNDS) {
    it(`"${prompt}" tells the ground from the thing`, () => {
      expect(read(prompt)).to.include(part)
    })
  }

  it('a shape in the plural is one such shape', () => {
    expect(read('two small red circles on blue, top')).to.equal(
      'a small red circle on a blue background, top',
    )
  })

  it('a pod without a sentence of its own has every prompt read as it stands', () => {
    const { completion: _, ...without } = config

    expect(completed('blue square', 1, without, vocabulary)).to.equal('blue square')
  })
})
