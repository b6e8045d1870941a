import { Random } from '../../training/random.ts'
import { counting } from './family/counting.ts'
import { rules, terms } from './family/network.ts'
import { outsideQuestion, type Side, UNKNOWN } from './family/outside.ts'
import { talk } from './family/talk.ts'
import { capitalised, expand, type Fact, type Topic } from './family/topic.ts'
import { world } from './family/world.ts'

export interface Turn {
  readonly question: string
  readonly answer: string
}

/** One conversation to learn from; every answer in it is learnt. */
export type Conversation = readonly Turn[]

export const TOPICS: readonly Topic[] = [terms, ...rules, ...talk, ...world, ...counting]

interface Wordings {
  readonly topic: Topic
  /** Expanded, grouped by the wording they come from, so that a wording with many choices weighs no more. */
  readonly asked: readonly (readonly string[])[]
  readonly held: readonly string[]
  readonly after: readonly string[]
}

export const WORDINGS: readonly Wordings[] = TOPICS.map((topic) => ({
  topic,
  asked: topic.asked.map(expand),
  held: topic.held.flatMap(expand),
  after: (topic.after ?? []).flatMap(expand),
}))

const TOTAL_WEIGHT = TOPICS.reduce((sum, topic) => sum + topic.weight, 0)

/** What people put around a question. The held-out ones are never trained on. */
const BEFORE = {
  asked: [
    'please',
    'hi',
    'hello',
    'hey',
    'please tell me',
    'tell me',
    'quick question',
    'i have a question',
    'so',
    'ok',
    'well',
    'now',
    'um',
    'hi there',
    'i wonder',
    'i forgot',
    'for my homework',
    'just curious',
    'my friend asks',
    'question',
    'sorry',
    'one more',
    'good morning',
  ],
  held: [
    'excuse me',
    'dear bot',
    'i am curious',
    'here is a question',
    'another question',
    'my teacher asks',
  ],
} as const
const BEHIND = {
  asked: [
    'please',
    'thanks',
    'do you know',
    'can you tell me',
    'pls',
    'i forgot',
    'quickly',
    'bot',
    'friend',
  ],
  held: ['thank you', 'if you can', 'my friend'],
} as const

/** Dresses a bare lower-case line as people type: fillers, capitals, punctuation. */
export function dress(line: string, random: Random, side: Side): string {
  let text = line
  if (random.chance(0.25)) {
    text = `${random.pick(BEFORE[side])}${random.pick([' ', ', ', ': ', '. ', '! '])}${text}`
  }
  if (random.chance(0.12)) text = `${text}${random.pick([' ', ', '])}${random.pick(BEHIND[side])}`
  const looks = random.uniform()
  if (looks < 0.5) text = capitalised(text)
  else if (looks < 0.54) text = text.toUpperCase()
  else if (looks < 0.75) text = text.toLowerCase()
  return text + random.pick(['?', '?', '?', '', '', '.', '!', ' ?', '??'])
}

/** Fills a wording's slots with one way of saying each. */
export function fillSlots(wording: string, { slots }: Fact, random: Random): string {
  return wording.replace(/\{(\w+)\}/g, (_, name: string) => {
    const said = slots[name]
    if (said === undefined) throw new RangeError(`no slot ${name} for "${wording}"`)
    return random.pick(said)
  })
}

/** A slip of the finger in one of the longer words: a letter lost, doubled or swapped. */
function slip(text: string, random: Random): string {
  const words = text.split(' ')
  const long = words.flatMap((word, i) => (/^[a-z]{5,}$/.test(word) ? [i] : []))
  if (long.length === 0) return text
  const index = random.pick(long)
  const word = words[index] ?? ''
  const at = 1 + random.int(word.length - 2)
  const [head, here, next, tail] = [word.slice(0, at), word[at], word[at + 1] ?? '', word.slice(at + 2)]
  words[index] = random.pick([
    head + next + tail,
    head + here + here + next + tail,
    head + next + here + tail,
  ])
  return words.join(' ')
}

function pickTopic(random: Random): Wordings {
  let left = random.uniform() * TOTAL_WEIGHT
  for (const wordings of WORDINGS) {
    left -= wordings.topic.weight
    if (left < 0) return wordings
  }
  return WORDINGS[0] as Wordings
}

function inside(random: Random): { turn: Turn; wordings: Wordings } {
  const wordings = pickTopic(random)
  const about = random.pick(wordings.topic.facts)
  const wording = random.pick(random.pick(wordings.asked))
  const line = fillSlots(random.chance(0.04) ? slip(wording, random) : wording, about, random)
  return { turn: { question: dress(line, random, 'asked'), answer: about.answer }, wordings }
}

/** The share of questions that the family does not cover. */
const OUTSIDE = 0.3

function turn(random: Random): { turn: Turn; wordings?: Wordings } {
  if (!random.chance(OUTSIDE)) return inside(random)
  const line = outsideQuestion(random, 'asked')
  return { turn: { question: dress(line, random, 'asked'), answer: UNKNOWN } }
}

/** The training stream: mostly single questions, some second questions, some that lean on the first. */
export function conversation(random: Random): Conversation {
  const first = turn(random)
  if (!random.chance(0.25)) return [first.turn]
  const after = first.wordings?.after ?? []
  if (after.length > 0 && random.chance(0.5) && first.wordings !== undefined) {
    const about = random.pick(first.wordings.topic.facts)
    const line = fillSlots(random.pick(after), about, random)
    return [first.turn, { question: dress(line, random, 'asked'), answer: about.answer }]
  }
  return [first.turn, turn(random).turn]
}

export interface HeldQuestion extends Turn {
  readonly topic: string
  /** The wording with its slots open, lower case: what must not occur in training. */
  readonly wording: string
}

/**
 * Held-out questions: every held-out wording of every topic, with as many facts as `perTopic` allows.
 * They are dressed with held-out fillers too.
 */
export function heldOut(seed: number, perTopic: number): HeldQuestion[] {
  const random = new Random(seed)
  return WORDINGS.flatMap(({ topic, held }) => {
    const count = Math.min(perTopic, held.length * topic.facts.length)
    const facts = random.shuffled(topic.facts)
    return Array.from({ length: count }, (_, i) => {
      const about = facts[i % facts.length] as Fact
      const wording = held[i % held.length] as string
      const question = dress(fillSlots(wording, about, random), random, 'held')
      return { topic: topic.name, wording, question, answer: about.answer }
    })
  })
}

/** Held-out questions outside the family: held-out wordings over held-out words. */
export function heldOutside(seed: number, count: number): Turn[] {
  const random = new Random(seed)
  return Array.from({ length: count }, () => ({
    question: dress(outsideQuestion(random, 'held'), random, 'held'),
    answer: UNKNOWN,
  }))
}

/** A question without its dress, for comparing sets. */
export const bare = (question: string): string =>
  question
    .toLowerCase()
    .replace(/[^\p{L}\p{N}+*×=-]+/gu, ' ')
    .trim()
