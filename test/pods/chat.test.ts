import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  ask,
  heldOutsideQuestions,
  heldQuestions,
  loadPod,
  SCORE_SEED,
  score,
} from '../../pods/chat/score.ts'
import { expand } from '../../pods/chat/train/family/topic.ts'
import { bare, conversation, TOPICS, WORDINGS } from '../../pods/chat/train/questions.ts'
import { END, SPECIAL, trainVocabulary } from '../../pods/chat/train/vocabulary.ts'
import { Random } from '../../pods/training/random.ts'
import { loadTokens } from '../../worker/engines/chat/tokens.ts'
import type { Engine } from '../../worker/engines/engine.ts'

const POD = join(import.meta.dirname, '../../pods/chat')
/** The seed that the shipped model was trained with; the data has its own stream two further on. */
const TRAINING_SEED = 2024
/** 6,500 batches of at most 48 rows, and what waits in the buckets: no training saw more conversations. */
const CONVERSATIONS = 6500 * 48 + 200

describe(`the chat pod (training seed ${TRAINING_SEED}, score seed ${SCORE_SEED})`, function () {
  this.timeout(900_000)

  describe('what it is scored on', () => {
    const held = heldQuestions()
    const outside = heldOutsideQuestions()

    it('is at least 500 questions in the family and 500 outside', () => {
      expect(held.length).to.be.at.least(500)
      expect(outside.length).to.be.at.least(500)
      expect(new Set(held.map(({ topic }) => topic)).size).to.equal(TOPICS.length)
    })

    it('holds no wording that a training question may have', () => {
      const asked = new Set(WORDINGS.flatMap((wordings) => [...wordings.asked.flat(), ...wordings.after]))

      expect(held.map(({ wording }) => wording).filter((wording) => asked.has(wording))).to.deep.equal([])
      expect(asked.size).to.be.greaterThan(1000)
    })

    it('holds no question that occurred in training, replayed in full from its seed', () => {
      const questions = new Set([...held, ...outside].map(({ question }) => bare(question)))
      const seen: string[] = []
      let turns = 0
      for (const [seed, count] of [
        [TRAINING_SEED, 20_000],
        [TRAINING_SEED + 2, CONVERSATIONS],
      ] as const) {
        const random = new Random(seed)
        for (let i = 0; i < count; i++) {
          for (const { question } of conversation(random)) {
            turns += 1
            if (questions.has(bare(question))) seen.push(question)
          }
        }
      }

      expect(seen).to.deep.equal([])
      expect(turns).to.be.greaterThan(CONVERSATIONS)
    })

    it('would notice: a training question is found in the same replay', () => {
      const first = conversation(new Random(TRAINING_SEED + 2))[0]?.question ?? ''
      const again = conversation(new Random(TRAINING_SEED + 2)).map(({ question }) => bare(question))

      expect(again).to.include(bare(first.toUpperCase()))
    })
  })

  describe('what it answers', () => {
    let engine: Engine

    before(async () => {
      engine = await loadPod(POD)
    })

    after(() => engine.close())

    it('at least 90 % of 500 held-out questions are answered to the letter', async () => {
      const questions = new Random(SCORE_SEED).shuffled(heldQuestions()).slice(0, 500)

      const { asked, exact } = await score(engine, questions)

      expect(asked).to.equal(500)
      expect(exact / asked).to.be.at.least(0.9)
    })

    it('a score can be low: the same answers to other questions are wrong', async () => {
      const questions = heldQuestions().filter(({ topic }) => topic === 'capitals')
      const shifted = questions.map((turn, i) => ({
        ...turn,
        answer: questions[(i + 1) % questions.length]?.answer ?? '',
      }))

      const { exact, asked } = await score(engine, shifted)

      expect(exact / asked).to.be.lessThan(0.1)
    })

    it('most questions outside the family get the one sentence that says so', async () => {
      const { asked, exact } = await score(engine, heldOutsideQuestions().slice(0, 100))

      expect(exact / asked).to.be.at.least(0.75)
    })

    it('a question may lean on the one before it', async () => {
      const history = (question: string, answer: string, next: string) => [
        { role: 'user', content: question },
        { role: 'assistant', content: answer },
        { role: 'user', content: next },
      ]

      const capital = await ask(
        engine,
        history('What is the capital of France?', 'The capital of France is Paris.', 'And Spain?'),
      )
      const sum = await ask(engine, history('What is 3 + 4?', '3 + 4 = 7.', 'and 5 + 6?'))

      expect(capital).to.equal('The capital of Spain is Madrid.')
      expect(sum).to.equal('5 + 6 = 11.')
    })

    it('a long history, a system message and capitals change no answer', async () => {
      const chatter = Array.from({ length: 40 }, (_, i) => ({
        role: i % 2 === 0 ? 'user' : 'assistant',
        content: i % 2 === 0 ? 'hello' : 'Hello! What would you like to know?',
      }))
      const question = { role: 'user', content: 'WHAT IS A VOUCHER?' }

      const plain = await ask(engine, [question])
      const crowded = await ask(engine, [{ role: 'system', content: 'Be brief.' }, ...chatter, question])

      expect(plain).to.match(/^A voucher is the one signature/)
      expect(crowded).to.equal(plain)
    })
  })

  describe('its vocabulary', () => {
    it('knows every text: bytes of any script come back as they were', async () => {
      const tokens = await loadTokens(join(POD, 'model'))
      const text = 'zoë 😀 привет 世界 \u0000\t\n a  b 12×3'

      // The template cuts nothing away from a text that is lower case and begins and ends in letters or digits.
      const ids = tokens.prompt([{ role: 'user', content: text }])

      expect(tokens.text(ids)).to.equal(text)
    })

    it('merges the most frequent neighbours first, special marks keep the first numbers', () => {
      const { ids, merges } = trainVocabulary(['aab aab aab', 'xy'], SPECIAL.length + 256 + 2)

      // " aab" twice and "aab" once: a+a and a+b both occur three times, the smaller pair wins.
      expect(merges).to.deep.equal([
        ['a', 'a'],
        ['aa', 'b'],
      ])
      expect(ids.get(END)).to.equal(0)
      expect(ids.size).to.equal(SPECIAL.length + 256 + 2)
    })

    it('a wording stands for every combination of its choices', () => {
      expect(expand('(what|which) is {x} (now|)')).to.deep.equal([
        'what is {x} now',
        'what is {x}',
        'which is {x} now',
        'which is {x}',
      ])
      expect(() => expand('(open')).to.throw(SyntaxError)
    })
  })

  it('ships its template and shape as the training code writes them', async () => {
    const { tokenizerConfig } = await import('../../pods/chat/train/vocabulary.ts')
    const { parametersOf, countOf, SHAPE } = await import('../../pods/chat/train/model.ts')
    const json = async (name: string): Promise<unknown> =>
      JSON.parse(await readFile(join(POD, 'model', name), 'utf8'))

    expect(await json('tokenizer_config.json')).to.deep.equal(tokenizerConfig(SHAPE.context))
    expect(await json('config.json')).to.include({ hidden_size: SHAPE.width, vocab_size: SHAPE.vocabulary })
    expect(countOf(parametersOf(SHAPE))).to.be.within(900_000, 1_500_000)
  })
})
