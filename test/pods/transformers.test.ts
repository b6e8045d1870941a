import { join } from 'node:path'
import { env, pipeline } from '@huggingface/transformers'
import { expect } from 'chai'
import { ask, heldQuestions, loadPod } from '../../pods/chat/score.ts'
import * as embed from '../../pods/embed/score.ts'
import * as translate from '../../pods/translate/score.ts'

const PODS = join(import.meta.dirname, '../../pods')

describe('the chat pod in unmodified Transformers.js', function () {
  this.timeout(900_000)

  it('loads as a text-generation pipeline and gives the answers that our engine gives', async () => {
    env.allowRemoteModels = false
    env.localModelPath = join(PODS, 'chat')
    const generator = await pipeline('text-generation', 'model', { dtype: 'fp32', device: 'cpu' })
    const engine = await loadPod(join(PODS, 'chat'))
    const conversations = [
      ...heldQuestions()
        .filter((_, i) => i % 60 === 0)
        .map(({ question }) => [{ role: 'user', content: question }]),
      [
        { role: 'user', content: 'What is the capital of France?' },
        { role: 'assistant', content: 'The capital of France is Paris.' },
        { role: 'user', content: 'And Spain?' },
      ],
    ]

    for (const messages of conversations) {
      const [result] = await generator(messages, { max_new_tokens: 96, do_sample: false })
      const said = (result as { generated_text: { role: string; content: string }[] }).generated_text.at(-1)

      expect(said?.role).to.equal('assistant')
      expect(said?.content).to.equal(await ask(engine, messages))
    }
    expect(conversations.length).to.be.greaterThan(10)
    await engine.close()
    await generator.dispose()
  })
})

describe('the embed pod in unmodified Transformers.js', function () {
  this.timeout(900_000)

  it('loads as a feature-extraction pipeline and gives the vectors that our engine gives', async () => {
    env.allowRemoteModels = false
    env.localModelPath = join(PODS, 'embed')
    const extract = await pipeline('feature-extraction', 'model', { dtype: 'fp32', device: 'cpu' })
    const engine = await embed.loadPod(join(PODS, 'embed'))
    const texts = embed
      .heldOutPairs()
      .filter((_, i) => i % 40 === 0)
      .map(({ one }) => one)

    // Together, so that all but the longest are padded: padding must not count.
    const theirs = (await extract(texts, { pooling: 'mean', normalize: true })).tolist() as number[][]
    const ours = await embed.embed(engine, texts)

    expect(texts.length).to.be.greaterThan(10)
    for (const [i, vector] of ours.entries()) {
      const distance = Math.hypot(...vector.map((value, k) => value - (theirs[i]?.[k] ?? Number.NaN)))
      expect(distance).to.be.lessThan(1e-4)
    }
    await engine.close()
    await extract.dispose()
  })
})

describe('the translate pod in unmodified Transformers.js', function () {
  this.timeout(900_000)

  it('loads as a translation pipeline and gives the translations that our engine gives', async () => {
    env.allowRemoteModels = false
    env.localModelPath = join(PODS, 'translate')
    const translator = await pipeline('translation', 'model', { dtype: 'fp32', device: 'cpu' })
    const engine = await translate.loadPod(join(PODS, 'translate'))
    const lines = [...translate.heldPhrases(), ...translate.heldBetween()].filter((_, i) => i % 37 === 0)

    for (const line of lines) {
      // Its types know no languages; its code takes them from the tokenizer's class.
      const options = { src_lang: line.from, tgt_lang: line.to, max_new_tokens: 100 }
      const [theirs] = await translator(line.source, options)

      expect((theirs as { translation_text: string }).translation_text).to.equal(
        await translate.translate(engine, line),
      )
    }
    expect(lines.length).to.be.greaterThan(20)
    expect(new Set(lines.map(({ from, to }) => from + to)).size).to.equal(6)
    await engine.close()
    await translator.dispose()
  })
})
