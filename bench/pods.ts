import { join } from 'node:path'
import * as chat from '../pods/chat/score.ts'
import * as embed from '../pods/embed/score.ts'
import * as image from '../pods/image/score.ts'
import { UNSEEN_SENTENCES } from '../pods/image/train/phrase.ts'
import * as translate from '../pods/translate/score.ts'
import { type Figure, figure } from './figure.ts'

/**
 * How good the shipped pods are on what training never showed, asked through the engines that workers run.
 * Chat: held-out wordings, every character right. Image: held-out combinations, all five attributes seen by a judge of
 * pixels. Embed: held-out wordings, the paraphrase first among twenty. Translate: held-out combinations, every character
 * right. Baselines of the same run: a chat pod that
 * always says it does not know; pictures judged for another prompt; the paraphrase that shares most words.
 */
const PODS = join(import.meta.dirname, '..', 'pods')
const PICTURES = 200

export async function run(): Promise<Figure[]> {
  const seeds = Object.entries({ chat, image, embed, translate })
  const named = seeds.map(([name, { SCORE_SEED }]) => `${name} ${SCORE_SEED}`)
  process.stderr.write(`seeds: ${named.join(', ')}\n`)
  return [
    ...(await chatFigures()),
    ...(await imageFigures()),
    ...(await embedFigures()),
    ...(await translateFigures()),
  ]
}

async function chatFigures(): Promise<Figure[]> {
  const engine = await chat.loadPod(join(PODS, 'chat'))
  const inside = chat.heldQuestions()
  const known = await chat.score(engine, inside)
  const outside = await chat.score(engine, chat.heldOutsideQuestions())
  await engine.close()
  return [
    figure('pods.chat_questions', known.asked, 'held-out questions'),
    figure('pods.chat_exact', percent(known.exact, known.asked), '%'),
    figure('pods.chat_says_unknown', percent(outside.exact, outside.asked), '%'),
  ]
}

async function imageFigures(): Promise<Figure[]> {
  const engine = await image.loadPod(join(PODS, 'image'))
  const { asked, right, crossed } = await image.score(engine, PICTURES)
  const unseen = await image.score(engine, PICTURES, UNSEEN_SENTENCES)
  await engine.close()
  return [
    figure('pods.image_combinations', asked, 'held-out combinations'),
    figure('pods.image_right', percent(right, asked), '%'),
    figure('pods.image_right_in_unseen_sentences', percent(unseen.right, unseen.asked), '%'),
    figure('pods.image_right_for_another_prompt', percent(crossed, asked), '%'),
  ]
}

async function embedFigures(): Promise<Figure[]> {
  const engine = await embed.loadPod(join(PODS, 'embed'))
  const pairs = embed.heldOutPairs()
  const { asked, first } = await embed.score(engine, pairs)
  await engine.close()
  return [
    figure('pods.embed_pairs', asked, 'held-out pairs'),
    figure('pods.embed_first_of_20', percent(first, asked), '%'),
    figure('pods.embed_first_of_20_by_shared_words', percent(embed.sharedWords(pairs), asked), '%'),
  ]
}

async function translateFigures(): Promise<Figure[]> {
  const engine = await translate.loadPod(join(PODS, 'translate'))
  const phrases = translate.heldPhrases()
  const english = await translate.score(engine, phrases)
  const between = await translate.score(engine, translate.heldBetween())
  await engine.close()
  return [
    figure('pods.translate_phrases', english.asked, 'held-out sentences'),
    figure('pods.translate_exact', percent(english.exact, english.asked), '%'),
    figure('pods.translate_exact_between_de_and_fr', percent(between.exact, between.asked), '%'),
  ]
}

const percent = (part: number, whole: number): number => Math.round((1000 * part) / whole) / 10
