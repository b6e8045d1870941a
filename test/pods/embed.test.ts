import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Tokenizer } from '@huggingface/tokenizers'
import { expect } from 'chai'
import { countOf } from '../../pods/chat/train/model.ts'
import { bare, WORDINGS } from '../../pods/chat/train/questions.ts'
import { cosine, embed, heldOutPairs, loadPod, SCORE_SEED, score } from '../../pods/embed/score.ts'
import { PAIRS } from '../../pods/embed/train/batches.ts'
import { parametersOf, SHAPE } from '../../pods/embed/train/model.ts'
import { CANDIDATES, trainingPairs } from '../../pods/embed/train/pairs.ts'
import { tokenizerConfig, trainingPairsOf } from '../../pods/embed/train/vocabulary.ts'
import { Random } from '../../pods/training/random.ts'
import type { Engine } from '../../worker/engines/engine.ts'

const POD = join(import.meta.dirname, '../../pods/embed')
/** The seed that the shipped model was trained with: its vocabulary's stream, and two further on its batches'. */
const TRAINING_SEED = 2025
const STEPS = 2500

describe(`the embed pod (training seed ${TRAINING_SEED}, score seed ${SCORE_SEED})`, function () {
  this.timeout(900_000)

  describe('what it is scored on', () => {
    const held = heldOutPairs()

    it('is at least 300 pairs of every topic, each with nineteen lines of another intent', () => {
      expect(held.length).to.be.at.least(300)
      expect(new Set(held.map(({ topic }) => topic)).size).to.equal(WORDINGS.length)
      for (const { other, others } of held) expect([other, ...others]).to.have.length(CANDIDATES)
    })

    it('says one intent in two wordings, and nobody else of the twenty says it', () => {
      const linesOf = (topic: string, intent: string) =>
        held.filter((pair) => pair.topic === topic && pair.intent === intent).map(({ other }) => bare(other))

      for (const { topic, intent, wordings, others } of held) {
        expect(wordings[0]).to.not.equal(wordings[1])
        const own = new Set(linesOf(topic, intent))
        expect(others.filter((line) => own.has(bare(line)))).to.deep.equal([])
      }
    })

    it('holds no wording that a training line may have', () => {
      const asked = new Set(WORDINGS.flatMap((wordings) => wordings.asked.flat()))
      const scored = held.flatMap(({ wordings }) => wordings)

      expect(scored.filter((wording) => asked.has(wording))).to.deep.equal([])
      expect(asked.size).to.be.greaterThan(1000)
    })

    it('holds no line that occurred in training, replayed in full from its seed', () => {
      const lines = new Set(held.flatMap(({ one, other, others }) => [one, other, ...others]).map(bare))
      const seen: string[] = []
      let count = 0
      const look = (pairs: readonly { one: string; other: string }[]) => {
        for (const line of pairs.flatMap(({ one, other }) => [one, other])) {
          count += 1
          if (lines.has(bare(line))) seen.push(line)
        }
      }

      look(trainingPairsOf(TRAINING_SEED))
      const random = new Random(TRAINING_SEED + 2)
      for (let step = 0; step < STEPS; step++) look(trainingPairs(random, PAIRS))

      expect(seen).to.deep.equal([])
      expect(count).to.equal(2 * 20_000 + 2 * PAIRS * STEPS)
    })

    it('would notice: a training line in other capitals is found in the same replay', () => {
      const [first] = trainingPairs(new Random(TRAINING_SEED + 2), PAIRS)
      const again = trainingPairs(new Random(TRAINING_SEED + 2), PAIRS).map(({ one }) => bare(one))

      expect(again).to.include(bare((first?.one ?? '').toUpperCase()))
    })

    it('a training batch holds every intent once, so that no paraphrase is taught to be a stranger', () => {
      const random = new Random(SCORE_SEED)
      for (let i = 0; i < 50; i++) {
        const pairs = trainingPairs(random, PAIRS)
        expect(new Set(pairs.map(({ intent }) => intent)).size).to.equal(PAIRS)
      }
    })
  })

  describe('what it says', () => {
    let engine: Engine

    before(async () => {
      engine = await loadPod(POD)
    })

    after(() => engine.close())

    it('the paraphrase is first among twenty in at least 90 % of the held-out pairs', async () => {
      const { asked, first, misses } = await score(engine, heldOutPairs())

      expect(asked).to.be.at.least(300)
      expect(first / asked, JSON.stringify(misses.slice(0, 5))).to.be.at.least(0.9)
    })

    it('a score can be low: another pair’s paraphrase is hardly ever first', async () => {
      const held = heldOutPairs().filter((_, i) => i % 4 === 0)
      const strange = held.map((pair, i) => ({ ...pair, one: held[(i + 40) % held.length]?.one ?? '' }))

      const { asked, first } = await score(engine, strange)

      expect(first / asked).to.be.lessThan(0.2)
    })

    it('capitals change nothing, one text is its own paraphrase, and every vector has length 1', async () => {
      const [small = [], large = [], other = []] = await embed(engine, [
        'What is a voucher?',
        'WHAT IS A VOUCHER?',
        'Which colour is a plum?',
      ])

      expect(large).to.deep.equal(small)
      for (const vector of [small, other]) expect(cosine(vector, vector)).to.be.closeTo(1, 1e-4)
      expect(cosine(small, other)).to.be.lessThan(0.5)
    })
  })

  it('ships its tokenizer and shape as the training code writes them', async () => {
    const json = async (name: string): Promise<unknown> =>
      JSON.parse(await readFile(join(POD, 'model', name), 'utf8'))
    const tokenizer = new Tokenizer((await json('tokenizer.json')) as object, tokenizerConfig(SHAPE.context))
    const text = 'zoë 😀 привет 世界 a  b 12×3'

    expect(await json('tokenizer_config.json')).to.deep.equal(tokenizerConfig(SHAPE.context))
    expect(await json('config.json')).to.include({ hidden_size: SHAPE.width, vocab_size: SHAPE.vocabulary })
    expect(tokenizer.decode(tokenizer.encode(text).ids, { skip_special_tokens: true })).to.equal(text)
    expect(countOf(parametersOf(SHAPE))).to.be.within(600_000, 800_000)
  })
})
