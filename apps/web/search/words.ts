/** Words of questions, as they are counted. Pure. */

/** Words that say how something is asked, and not what about. */
const ASKING = new Set(
  `a about after all am an and any are as at be been before being but by can could did do does doing else ever for from get
  gets had happen happens has have having he her here him his how i if in into is it its just let make many may me might
  more most much my need needs no not of off often on once one only or other our out over own per please she should so
  some such take takes tell than that the their them then there these they this those through to too under until up us
  use used very want was we were what when where which while who whom whose why will with without would you your
  explain describe say says said mean means kind long way thing things somebody someone anybody anyone`
    .split(/\s+/)
    .filter((word) => word !== ''),
)

/** What people may call what the documents call otherwise. */
const ALSO_CALLED: readonly (readonly [asked: string, written: string])[] = [
  ['money cash funds', 'asset dollars'],
  ['website site webpage', 'page frontend'],
  ['response reply result', 'answer'],
  ['crash crashes crashed fails dies', 'killed dies'],
  ['computer laptop pc', 'machine'],
  ['week weekly', 'epoch'],
  ['mint minted inflation', 'issued supply emission'],
  ['reward rewards profit income salary', 'earns share revenue'],
  ['fake wash washer', 'washing washed'],
  ['cheat cheats lie dishonest malicious fraud', 'convict lie slash'],
  ['punish punished penalty', 'slash convict'],
  ['stored saved disk database', 'keeps disk file'],
  ['url endpoint route address', 'get post route'],
  ['cost costs fee fees expensive', 'price gas fees'],
  ['install setup begin run', 'start install'],
  ['gpu hardware card', 'gpu node slot'],
  ['model models ai', 'pod model'],
  ['user customer client caller', 'payer caller'],
  ['picture image draw', 'image picture'],
  ['token coin', 'heu token'],
  ['proof evidence', 'proof receipt'],
  ['password secret', 'key secret'],
  ['unlock unstake refund', 'withdraw unbond'],
  ['hack attack steal thief', 'thief attack'],
  ['valid expire expires lifetime', 'lives expiry hours'],
]

/** The part of a word that stays when it is counted, done or past. */
export function stemOf(word: string): string {
  const stem = word
    .replace(/['’]s?$/, '')
    .replace(/(?:ies|ied)$/, 'y')
    .replace(/([a-z]{3})(?:ations?|ings?|ers?|ed|es|s)$/, '$1')
    .replace(/([^aeiouls])\1$/, '$1')
  return stem.length > 3 ? stem.replace(/e$/, '') : stem
}

/** A word as it is counted; null for those that say nothing of the matter. */
export function termOf(word: string): string | null {
  const lower = word.toLowerCase()
  return ASKING.has(lower) ? null : stemOf(lower)
}

/** The words of a text that say what it is about, each as its stem. */
export const termsOf = (text: string): Set<string> =>
  new Set(
    (text.match(/[\p{L}\p{N}]+(?:['’]\p{L}+)?/gu) ?? []).flatMap((word) => {
      const term = termOf(word)
      return term === null ? [] : [term]
    }),
  )

const OTHERS = new Map<string, string[]>()
for (const [asked, written] of ALSO_CALLED) {
  for (const term of termsOf(asked)) OTHERS.set(term, [...(OTHERS.get(term) ?? []), ...termsOf(written)])
}

/** Terms by which documents may name what these name, without these. */
export const otherTermsOf = (terms: ReadonlySet<string>): string[] => [
  ...new Set([...terms].flatMap((term) => OTHERS.get(term) ?? []).filter((term) => !terms.has(term))),
]
