import type { Random } from '../../../training/random.ts'
import type { Adjective, GermanGender, Noun, Said } from './words.ts'

export type Case = 'nominative' | 'accusative' | 'dative'

/** A noun with all that stands before it. */
export interface Group {
  readonly noun: Noun
  readonly adjective: Adjective | undefined
  readonly article: Article
  readonly many: boolean
}

const ONE = ['the', 'a', 'my', 'our', 'this'] as const
const MANY = ['the', 'my', 'our', 'these', 'two', 'three', 'four'] as const
/** They point at something that both sides know, so that a sentence about it can be denied. */
const DEFINITE = ['the', 'my', 'our'] as const
type Article = (typeof ONE)[number] | (typeof MANY)[number]

export function drawGroup(
  random: Random,
  nouns: readonly Noun[],
  adjectives: readonly Adjective[],
  { definite = false, adjective = 0.45, many = 0.3 } = {},
): Group {
  const isMany = random.chance(many)
  return {
    noun: random.pick(nouns),
    adjective: random.chance(adjective) ? random.pick(adjectives) : undefined,
    article: random.pick(definite ? DEFINITE : isMany ? MANY : ONE),
    many: isMany,
  }
}

export const say = (group: Group, germanCase: Case): Said => ({
  en: english(group),
  de: german(group, germanCase),
  fr: french(group),
})

function english({ noun, adjective, article, many }: Group): string {
  const words = joined(adjective?.en, noun.en[many ? 1 : 0])
  return joined(article === 'a' && /^[aeiou]/.test(words) ? 'an' : article, words)
}

// ---- German

type Column = GermanGender | 'many'

const THE: Record<Case, Record<Column, string>> = {
  nominative: { m: 'der', f: 'die', n: 'das', many: 'die' },
  accusative: { m: 'den', f: 'die', n: 'das', many: 'die' },
  dative: { m: 'dem', f: 'der', n: 'dem', many: 'den' },
}
/** Endings of dies-, and of ein-, mein- and unser-. */
const THIS: typeof THE = {
  nominative: { m: 'er', f: 'e', n: 'es', many: 'e' },
  accusative: { m: 'en', f: 'e', n: 'es', many: 'e' },
  dative: { m: 'em', f: 'er', n: 'em', many: 'en' },
}
const A: typeof THE = {
  nominative: { m: '', f: 'e', n: '', many: 'e' },
  accusative: { m: 'en', f: 'e', n: '', many: 'e' },
  dative: { m: 'em', f: 'er', n: 'em', many: 'en' },
}
const STEM: Partial<Record<Article, string>> = { a: 'ein', my: 'mein', our: 'unser' }
const NUMBER: Partial<Record<Article, string>> = { two: 'zwei', three: 'drei', four: 'vier' }

function german({ noun, adjective, article, many }: Group, germanCase: Case): string {
  const [one, more, gender] = noun.de
  const column = many ? 'many' : gender
  const ending = adjectiveEnding(article, germanCase, column)
  const plural = germanCase === 'dative' && !/[ns]$/.test(more) ? `${more}n` : more
  return joined(
    germanArticle(article, germanCase, column),
    adjective && adjective.de[1] + ending,
    many ? plural : one,
  )
}

function germanArticle(article: Article, germanCase: Case, column: Column): string {
  if (article === 'the') return THE[germanCase][column]
  if (article === 'this' || article === 'these') return `dies${THIS[germanCase][column]}`
  const stem = STEM[article]
  return stem === undefined ? (NUMBER[article] ?? '') : stem + A[germanCase][column]
}

function adjectiveEnding(article: Article, germanCase: Case, column: Column): string {
  if (germanCase === 'dative') return 'en'
  if (NUMBER[article] !== undefined) return 'e'
  if (column === 'many' || (column === 'm' && germanCase === 'accusative')) return 'en'
  // After ein, mein, unser without an ending of their own, the adjective shows the gender.
  const bare = STEM[article] !== undefined && A[germanCase][column] === ''
  if (!bare) return 'e'
  return column === 'm' ? 'er' : 'es'
}

// ---- French

const FRENCH: Record<Article, { m: string; f: string; many: string }> = {
  the: { m: 'le', f: 'la', many: 'les' },
  a: { m: 'un', f: 'une', many: '' },
  my: { m: 'mon', f: 'ma', many: 'mes' },
  our: { m: 'notre', f: 'notre', many: 'nos' },
  this: { m: 'ce', f: 'cette', many: '' },
  these: { m: '', f: '', many: 'ces' },
  two: { m: '', f: '', many: 'deux' },
  three: { m: '', f: '', many: 'trois' },
  four: { m: '', f: '', many: 'quatre' },
}

/** Whether a French word begins with a vowel or a silent h: every h of this grammar is silent. */
export const isVowel = (word: string): boolean => /^[aeiouyhéèêàâîôœ]/i.test(word)

function french({ noun, adjective, article, many }: Group): string {
  const [one, more, gender] = noun.fr
  const word = many ? more : one
  const quality = adjective && frenchForm(adjective, gender, many, adjective.before && isVowel(one))
  const words = adjective?.before ? joined(quality, word) : joined(word, quality)
  if (many) return `${FRENCH[article].many} ${words}`
  if (!isVowel(words)) return `${FRENCH[article][gender]} ${words}`
  if (article === 'the') return `l'${words}`
  if (article === 'this' && gender === 'm') return `cet ${words}`
  // "Ma" does not stand before a vowel.
  return `${article === 'my' ? 'mon' : FRENCH[article][gender]} ${words}`
}

/** An adjective in its gender and number. */
export function frenchForm(
  { fr: [masculine, beforeVowel, feminine, masculineMany] }: Adjective,
  gender: 'm' | 'f',
  many: boolean,
  vowelFollows = false,
): string {
  if (many) return gender === 'm' ? masculineMany : `${feminine}s`
  if (gender === 'f') return feminine
  return vowelFollows ? beforeVowel : masculine
}

const joined = (...words: (string | undefined)[]): string => words.filter(Boolean).join(' ')
