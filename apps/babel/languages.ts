import { z } from 'zod'

/** The languages that commands offer, by the codes of ISO 639-1. Models say which of them they know. */
export const LANGUAGES = {
  en: 'English',
  de: 'German',
  es: 'Spanish',
  fr: 'French',
  hi: 'Hindi',
  ja: 'Japanese',
  ko: 'Korean',
  vi: 'Vietnamese',
  zh: 'Chinese',
} as const
export type Language = keyof typeof LANGUAGES

export const languageSchema = z.enum(Object.keys(LANGUAGES) as [Language, ...Language[]])

export const isLanguage = (text: string): text is Language => text in LANGUAGES

/** The language of a Discord locale such as `en-US` or `es-419`. */
export function languageOfLocale(locale: string | null): Language | undefined {
  const [code = ''] = (locale ?? '').split('-')
  return isLanguage(code) ? code : undefined
}

/** Scripts that belong to one language; kana is asked before the characters that Japanese shares with Chinese. */
const SCRIPTS: readonly [Language, RegExp][] = [
  ['ja', /[\p{Script=Hiragana}\p{Script=Katakana}]/u],
  ['ko', /\p{Script=Hangul}/u],
  ['hi', /\p{Script=Devanagari}/u],
  ['zh', /\p{Script=Han}/u],
  ['vi', /[ạảấầẩẫậắằẳẵặẹẻẽếềểễệỉĩịọỏốồổỗộớờởỡợụủũứừửữựỳỵỷỹđơư]/iu],
]

/** Words that nearly every sentence has one of, and that the others lack. */
const WORDS: readonly [Language, Set<string>][] = [
  [
    'en',
    new Set(
      'the is are was were what where who how do does did and of my our your this today with'.split(' '),
    ),
  ],
  [
    'de',
    new Set(
      'der das ist sind war waren was wo wer wie und mein unser ihr heute nicht ich wir ein mit'.split(' '),
    ),
  ],
  [
    'fr',
    new Set(
      'le la les est sont était où qui comment et mon notre nous je ce une aujourd pas avec'.split(' '),
    ),
  ],
  [
    'es',
    new Set('el los las es son era qué dónde quién cómo y mi nuestro yo este una hoy no con del'.split(' ')),
  ],
]

/**
 * What a text is written in, as far as its script or its most frequent words tell.
 *
 * @returns undefined where they do not: short texts, names, mixtures.
 */
export function detect(text: string): Language | undefined {
  for (const [language, script] of SCRIPTS) if (script.test(text)) return language
  const words = text.toLowerCase().match(/\p{L}+/gu) ?? []
  const scores = WORDS.map(([language, known]) => ({
    language,
    score: words.filter((word) => known.has(word)).length,
  }))
  const [best, second] = scores.sort((a, b) => b.score - a.score)
  if (best === undefined || second === undefined || best.score === 0) return undefined
  return second.score === 0 || best.score - second.score >= 2 ? best.language : undefined
}
