import { outsideQuestion } from '../../chat/train/family/outside.ts'
import type { Fact } from '../../chat/train/family/topic.ts'
import { dress, fillSlots, WORDINGS } from '../../chat/train/questions.ts'
import { Random } from '../../training/random.ts'

/**
 * The chat pod's phrase grammar read as a grammar of intents: a fact that is asked for is an intent, its topic's
 * wordings are the ways to say it. Held-out wordings (and the fillers that dress them) are never trained on.
 */

/** Two wordings of one intent. */
export interface Pair {
  /** What both ask for: pairs of one batch differ in it. */
  readonly intent: string
  readonly one: string
  readonly other: string
}

type Wordings = (typeof WORDINGS)[number]

const TOTAL_WEIGHT = WORDINGS.reduce((sum, { topic }) => sum + topic.weight, 0)
/** Intents of one topic that stand in a batch together: they differ in a word or two, and must be told apart. */
const NEIGHBOURS = 4
/** The share of groups whose lines the grammar does not cover: one line, dressed twice. */
const OUTSIDE = 0.12

function pickWordings(random: Random): Wordings {
  let left = random.uniform() * TOTAL_WEIGHT
  for (const wordings of WORDINGS) {
    left -= wordings.topic.weight
    if (left < 0) return wordings
  }
  return WORDINGS[0] as Wordings
}

/** Topics whose facts come in two orders that mean the same. */
const EITHER_ORDER = new Set(['mixed colours', 'sums', 'products'])

/** What a fact is asked for, the same for facts that differ in the order of their parts alone. */
function intentOf({ topic }: Wordings, { answer, slots }: Fact): string {
  if (!EITHER_ORDER.has(topic.name)) return answer
  return `${topic.name}: ${[slots.a, slots.b].flat().sort().join()}`
}

/** Two different wordings of a topic, filled with one fact. */
function pairOf(wordings: Wordings, about: Fact, random: Random): Pair {
  const draw = () => random.pick(random.pick(wordings.asked))
  const first = draw()
  let second = draw()
  while (second === first) second = draw()
  const say = (wording: string) => dress(fillSlots(wording, about, random), random, 'asked')
  return { intent: intentOf(wordings, about), one: say(first), other: say(second) }
}

function outsidePair(random: Random): Pair {
  const line = outsideQuestion(random, 'asked')
  return { intent: line, one: dress(line, random, 'asked'), other: dress(line, random, 'asked') }
}

/** Pairs of `count` different intents, in groups that are hard to tell apart. */
export function trainingPairs(random: Random, count: number): Pair[] {
  const pairs = new Map<string, Pair>()
  const add = (pair: Pair) => pairs.size < count && !pairs.has(pair.intent) && pairs.set(pair.intent, pair)
  while (pairs.size < count) {
    if (random.chance(OUTSIDE)) {
      for (let i = 0; i < NEIGHBOURS; i++) add(outsidePair(random))
      continue
    }
    const wordings = pickWordings(random)
    for (const about of random.shuffled(wordings.topic.facts).slice(0, NEIGHBOURS)) {
      add(pairOf(wordings, about, random))
    }
  }
  return [...pairs.values()]
}

/** A line, its paraphrase, and lines that mean something else. */
export interface HeldPair extends Pair {
  readonly topic: string
  /** The two wordings with their slots open. */
  readonly wordings: readonly [string, string]
  readonly others: readonly string[]
}

/** Candidates that a paraphrase is ranked among, itself included. */
export const CANDIDATES = 20
/** At most this many of them ask the same thing about something else. */
const SAME_TOPIC = 9

/** Held-out pairs: of every topic up to `perTopic` facts, each in two of its held-out wordings. */
export function heldPairs(seed: number, perTopic: number): HeldPair[] {
  const random = new Random(seed)
  const say = (wording: string, about: Fact) => dress(fillSlots(wording, about, random), random, 'held')
  const stranger = (topic: string): string => {
    const { topic: other, held } = random.pick(WORDINGS.filter(({ topic: { name } }) => name !== topic))
    return say(random.pick(held), random.pick(other.facts))
  }
  return WORDINGS.flatMap((all) => {
    const { topic, held } = all
    return random
      .shuffled(topic.facts)
      .slice(0, perTopic)
      .map((about) => {
        const intent = intentOf(all, about)
        const [first = '', second = ''] = random.shuffled(held)
        const near = random
          .shuffled(topic.facts.filter((fact) => intentOf(all, fact) !== intent))
          .slice(0, SAME_TOPIC)
          .map((fact) => say(random.pick(held), fact))
        const far = Array.from({ length: CANDIDATES - 1 - near.length }, () => stranger(topic.name))
        return {
          topic: topic.name,
          intent,
          wordings: [first, second] as const,
          one: say(first, about),
          other: say(second, about),
          others: [...near, ...far],
        }
      })
  })
}
