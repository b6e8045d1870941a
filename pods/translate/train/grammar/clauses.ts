import type { Random } from '../../../training/random.ts'
import { drawGroup, isVowel, say } from './nouns.ts'
import { OF_PEOPLE, OF_THINGS, PEOPLE, PLACES, type Said, THINGS, TIMES, VERBS, type Verb } from './words.ts'

/** A sentence in every language, and the words whose combination tells it from others of its kind. */
export interface Phrase extends Said {
  readonly key: string
}

type Person = 'I' | 'he' | 'she' | 'we' | 'they'
type Tense = 'present' | 'past' | 'future'

interface Subject extends Said {
  readonly person: Person
}

const PRONOUNS: readonly Subject[] = [
  { person: 'I', en: 'I', de: 'ich', fr: 'je' },
  { person: 'he', en: 'he', de: 'er', fr: 'il' },
  { person: 'she', en: 'she', de: 'sie', fr: 'elle' },
  { person: 'we', en: 'we', de: 'wir', fr: 'nous' },
  { person: 'they', en: 'they', de: 'sie', fr: 'ils' },
]

function drawSubject(random: Random): Subject {
  if (random.chance(0.4)) return random.pick(PRONOUNS)
  const group = drawGroup(random, PEOPLE, OF_PEOPLE, { adjective: 0.3, many: 0.25 })
  return { ...say(group, 'nominative'), person: group.many ? 'they' : 'he' }
}

/** What a clause is made of, in every language, before it is put in order. */
interface Clause {
  readonly subject: Subject
  readonly verb: Verb
  readonly tense: Tense
  readonly object: Said
  readonly denied: boolean
  readonly time: Said
  readonly place: Said
}

const NOTHING: Said = { en: '', de: '', fr: '' }

function drawClause(random: Random): Clause & { readonly key: string } {
  const subject = drawSubject(random)
  const verb = random.pick(VERBS)
  const tense = random.pick(['present', 'present', 'past', 'future'] as const)
  const denied = random.chance(0.2)
  const group = drawGroup(random, THINGS, OF_THINGS, { definite: denied })
  return {
    subject,
    verb,
    tense,
    object: say(group, 'accusative'),
    denied,
    time: random.chance(0.35) ? random.pick(TIMES[tense]) : NOTHING,
    place: !denied && random.chance(0.25) ? random.pick(PLACES) : NOTHING,
    key: [subject.en, verb.en[0], group.noun.en[0]].join('|'),
  }
}

/** "The queen sells my red hat at the market today." */
export function statement(random: Random): Phrase {
  const clause = drawClause(random)
  return { key: clause.key, ...sentence(englishOrder(clause), germanOrder(clause), frenchOrder(clause), '.') }
}

const WHERE_WHEN_WHY: readonly Said[] = [
  { en: 'Why', de: 'Warum', fr: 'Pourquoi' },
  { en: 'When', de: 'Wann', fr: 'Quand' },
  { en: 'Where', de: 'Wo', fr: 'Où' },
]

/** "Does the queen sell my red hat?", "Where did we find the key?" */
export function question(random: Random): Phrase {
  const clause = { ...drawClause(random), time: NOTHING, place: NOTHING, denied: false }
  const word = random.chance(0.4) ? random.pick(WHERE_WHEN_WHY) : NOTHING
  const { subject } = clause
  const english = joined(word.en, englishAuxiliary(clause), subject.en, clause.verb.en[0], clause.object.en)
  const [finite, rest] = germanVerb(clause)
  const german = joined(word.de, finite, subject.de, clause.object.de, rest)
  const asks = isVowel(subject.fr) ? "est-ce qu'" : 'est-ce que '
  const french = joined(word.fr, asks + frenchClause(clause))
  return { key: clause.key, ...sentence(english, german, french, '?') }
}

/** "Who sold my red hat yesterday?" */
export function who(random: Random): Phrase {
  const drawn = drawClause(random)
  const subject: Subject = { person: 'he', en: 'who', de: 'wer', fr: 'qui' }
  const clause = { ...drawn, subject, denied: false, place: NOTHING }
  const key = ['who', drawn.verb.en[0], drawn.object.en].join('|')
  return { key, ...sentence(englishOrder(clause), germanOrder(clause), frenchOrder(clause), '?') }
}

// ---- English

const isThird = ({ person }: Subject): boolean => person === 'he' || person === 'she'

function englishAuxiliary({ subject, tense }: Clause): string {
  if (tense === 'past') return 'did'
  if (tense === 'future') return 'will'
  return isThird(subject) ? 'does' : 'do'
}

function englishOrder(clause: Clause): string {
  const { subject, verb, tense, object, denied, place, time } = clause
  const [base, third, past] = verb.en
  let words = tense === 'past' ? past : isThird(subject) ? third : base
  if (tense === 'future') words = `will ${base}`
  if (denied) words = `${englishAuxiliary(clause)} not ${base}`
  return joined(subject.en, words, object.en, place.en, time.en)
}

// ---- German

/** The finite verb, and what goes to the end. */
function germanVerb({ subject: { person }, verb, tense }: Clause): [finite: string, rest: string] {
  const [i, third, infinitive, participle] = verb.de
  const byPerson = (first: string, he: string, they: string) =>
    person === 'I' ? first : person === 'he' || person === 'she' ? he : they
  if (tense === 'past') return [byPerson('habe', 'hat', 'haben'), participle]
  if (tense === 'future') return [byPerson('werde', 'wird', 'werden'), infinitive]
  return [byPerson(i, third, infinitive), '']
}

function germanOrder(clause: Clause): string {
  const { subject, object, denied, time, place } = clause
  const [finite, rest] = germanVerb(clause)
  return joined(subject.de, finite, time.de, object.de, denied ? 'nicht' : '', place.de, rest)
}

// ---- French

function frenchVerb({ subject: { person }, verb, tense }: Clause): [finite: string, rest: string] {
  const [i, third, we, they, infinitive, participle] = verb.fr
  const forms = {
    present: [i, third, we, they],
    past: ['ai', 'a', 'avons', 'ont'],
    future: ['vais', 'va', 'allons', 'vont'],
  }[tense]
  const finite = forms[{ I: 0, he: 1, she: 1, we: 2, they: 3 }[person]] ?? ''
  return [finite, { present: '', past: participle, future: infinitive }[tense]]
}

/** Subject, verb, object: "je n'ai pas acheté le livre". */
function frenchClause(clause: Clause): string {
  const [finite, rest] = frenchVerb(clause)
  const elided = isVowel(finite)
  const verb = clause.denied ? `${elided ? "n'" : 'ne '}${finite} pas` : finite
  const i = clause.subject.person === 'I' && elided && !clause.denied
  const begun = i ? `j'${verb}` : `${clause.subject.fr} ${verb}`
  return joined(begun, rest, clause.object.fr)
}

const frenchOrder = (clause: Clause): string => joined(frenchClause(clause), clause.place.fr, clause.time.fr)

// ---- all

export const joined = (...words: string[]): string => words.filter((word) => word !== '').join(' ')

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)

/** French sets a space before a question mark. */
export const sentence = (en: string, de: string, fr: string, mark: '.' | '?'): Said => ({
  en: capital(en) + mark,
  de: capital(de) + mark,
  fr: capital(fr) + (mark === '?' ? ' ?' : '.'),
})
