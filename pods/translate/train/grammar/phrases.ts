import type { Random } from '../../../training/random.ts'
import { type Phrase, question, sentence, statement, who } from './clauses.ts'
import { drawGroup, frenchForm, type Group, say } from './nouns.ts'
import { FIXED, HOURS, LEAVING, OF_PEOPLE, OF_THINGS, PEOPLE, PREPOSITIONS, THINGS, TIMES } from './words.ts'

/** One kind of sentence: how often it is drawn, and how. */
interface Kind {
  readonly weight: number
  readonly draw: (random: Random) => Phrase
}

const KINDS: readonly Kind[] = [
  { weight: 9, draw: statement },
  { weight: 4, draw: question },
  { weight: 2, draw: who },
  { weight: 4, draw: quality },
  { weight: 3, draw: place },
  { weight: 2, draw: (random) => asked(random, 'nominative', WHERE) },
  { weight: 1.5, draw: (random) => asked(random, 'nominative', COST) },
  { weight: 1.5, draw: (random) => asked(random, 'accusative', [WISH, HAVE, SHOW]) },
  { weight: 1, draw: hour },
  { weight: 1, draw: leaving },
]
const TOTAL = KINDS.reduce((sum, { weight }) => sum + weight, 0)

/** The share of training lines that are whole phrases, which no combination makes. */
const FIXED_SHARE = 0.06

/** A sentence of the grammar, of any combination of words. */
export function drawPhrase(random: Random): Phrase {
  let left = random.uniform() * TOTAL
  for (const { weight, draw } of KINDS) {
    left -= weight
    if (left < 0) return draw(random)
  }
  return statement(random)
}

/** One combination of words in seven is kept out of training, in whatever sentence it stands. */
export const isHeldOut = ({ key }: Phrase): boolean => key !== '' && fnv1a(key) % 7 === 0

/** A sentence to learn from: never of a held-out combination. */
export function drawForTraining(random: Random): Phrase {
  if (random.chance(FIXED_SHARE)) return { key: '', ...random.pick(FIXED) }
  for (;;) {
    const phrase = drawPhrase(random)
    if (!isHeldOut(phrase)) return phrase
  }
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}

const keyOf = (kind: string, { noun, adjective, article, many }: Group, ...more: string[]): string =>
  [kind, article, adjective?.en ?? '', noun.en[many ? 1 : 0], ...more].join('|')

/** "My red hats were dirty.", "Is the king happy?" */
function quality(random: Random): Phrase {
  const people = random.chance(0.5)
  const adjectives = people ? OF_PEOPLE : OF_THINGS
  const group = drawGroup(random, people ? PEOPLE : THINGS, adjectives, { adjective: 0.25 })
  const is = random.pick(adjectives)
  const past = random.chance(0.3)
  const { en, de, fr } = say(group, 'nominative')
  const [isEn, isDe, isFr] = being(group.many, past)
  const french = frenchForm(is, group.noun.fr[2], group.many)
  const key = keyOf('is', { ...group, adjective: undefined }, is.en)
  if (random.chance(0.3)) {
    const asks = /^(un|une) /.test(fr) ? "est-ce qu'" : 'est-ce que '
    return {
      key,
      ...sentence(
        `${isEn} ${en} ${is.en}`,
        `${isDe} ${de} ${is.de[0]}`,
        `${asks}${fr} ${isFr} ${french}`,
        '?',
      ),
    }
  }
  return {
    key,
    ...sentence(`${en} ${isEn} ${is.en}`, `${de} ${isDe} ${is.de[0]}`, `${fr} ${isFr} ${french}`, '.'),
  }
}

function being(many: boolean, past: boolean): [en: string, de: string, fr: string] {
  if (past) return many ? ['were', 'waren', 'étaient'] : ['was', 'war', 'était']
  return many ? ['are', 'sind', 'sont'] : ['is', 'ist', 'est']
}

/** "The keys are under this chair." */
function place(random: Random): Phrase {
  const group = drawGroup(random, THINGS, OF_THINGS, { adjective: 0.3 })
  const where = drawGroup(random, THINGS, OF_THINGS, { adjective: 0.2, many: 0.15 })
  const [isEn, isDe, isFr] = being(group.many, random.chance(0.3))
  const by = random.pick(PREPOSITIONS)
  const [a, b] = [say(group, 'nominative'), say(where, 'dative')]
  return {
    key: [group.noun.en[0], by.en, where.noun.en[0]].join('|'),
    ...sentence(
      `${a.en} ${isEn} ${by.en} ${b.en}`,
      `${a.de} ${isDe} ${by.de} ${b.de}`,
      `${a.fr} ${isFr} ${by.fr} ${b.fr}`,
      '.',
    ),
  }
}

// ---- what travellers ask

type Ask = (x: { en: string; de: string; fr: string }, many: boolean) => Omit<Phrase, 'key'>

const WHERE: Ask = (x, many) =>
  many
    ? sentence(`where are ${x.en}`, `wo sind ${x.de}`, `où sont ${x.fr}`, '?')
    : sentence(`where is ${x.en}`, `wo ist ${x.de}`, `où est ${x.fr}`, '?')
const COST: Ask = (x, many) =>
  many
    ? sentence(`how much do ${x.en} cost`, `wie viel kosten ${x.de}`, `combien coûtent ${x.fr}`, '?')
    : sentence(`how much does ${x.en} cost`, `wie viel kostet ${x.de}`, `combien coûte ${x.fr}`, '?')
const WISH: Ask = (x) =>
  sentence(
    `I would like ${x.en}, please`,
    `ich möchte ${x.de}, bitte`,
    `je voudrais ${x.fr}, s'il vous plaît`,
    '.',
  )
const HAVE: Ask = (x) => sentence(`do you have ${x.en}`, `haben Sie ${x.de}`, `avez-vous ${x.fr}`, '?')
const SHOW: Ask = (x) =>
  sentence(`can you show me ${x.en}`, `können Sie mir ${x.de} zeigen`, `pouvez-vous me montrer ${x.fr}`, '?')

function asked(random: Random, germanCase: 'nominative' | 'accusative', how: Ask | readonly Ask[]): Phrase {
  const group = drawGroup(random, THINGS, OF_THINGS)
  const ask = typeof how === 'function' ? how : random.pick(how)
  return { key: keyOf('asked', group), ...ask(say(group, germanCase), group.many) }
}

/** "It is seven o'clock." The hours are few: held out are only their combinations with what leaves. */
function hour(random: Random): Phrase {
  const { en, de, fr } = random.pick(HOURS)
  const heures = fr === 'une' ? 'heure' : 'heures'
  return { key: '', ...sentence(`it is ${en} o'clock`, `es ist ${de} Uhr`, `il est ${fr} ${heures}`, '.') }
}

/** "The next train leaves tomorrow at nine o'clock." */
function leaving(random: Random): Phrase {
  const [what, at] = [random.pick(LEAVING), random.pick(HOURS)]
  const day = random.pick([TIMES.present[0], TIMES.future[0]]) ?? { en: '', de: '', fr: '' }
  const heures = at.fr === 'une' ? 'heure' : 'heures'
  return {
    key: [what.en, at.en, day.en].join('|'),
    ...sentence(
      `${what.en} leaves ${day.en} at ${at.en} o'clock`,
      `${what.de} fährt ${day.de} um ${at.de} Uhr ab`,
      `${what.fr} part ${day.fr} à ${at.fr} ${heures}`,
      '.',
    ),
  }
}
