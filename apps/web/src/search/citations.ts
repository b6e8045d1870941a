/** The sources that an answer names. Pure. */

/** `[citation:3]`, `[3]`, `[1, 2]`, `[^3]`, `【3】`; not the text of a link. */
const CITATION = /[[【]\s*(?:(?:citation|source)\s*:\s*|\^)?(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*[\]】](?!\()/gi
/** What is code is left as it is. */
const CODE = /(```[\s\S]*?(?:```|$)|~~~[\s\S]*?(?:~~~|$)|`[^`\n]*`)/

const PLACE = '#source-'

export interface Cited {
  /** Markdown whose citations are links to `#source-<n>`; those of sources that there are not are gone. */
  text: string
  /** Numbers of the sources that are named, in the order of their first mention. */
  used: number[]
}

/** @param count  So many sources there are, numbered from 1. */
export function citedOf(answer: string, count: number): Cited {
  const used = new Set<number>()
  const parts = answer.split(CODE).map((part, index) => {
    if (index % 2 === 1) return part
    return part.replaceAll(CITATION, (_, numbers: string) => {
      const named = numbers.split(/\s*[,;]\s*/).map(Number)
      const real = named.filter((number) => number >= 1 && number <= count)
      for (const number of real) used.add(number)
      return real.map((number) => `[${number}](${PLACE}${number})`).join('')
    })
  })
  return { text: parts.join(''), used: [...used] }
}

/** The source that a link of such a text names. */
export function citationOf(href: string): number | undefined {
  const number = /^#source-(\d{1,3})$/.exec(href)?.[1]
  return number === undefined ? undefined : Number(number)
}

const RELATED = /(?:^|\n)[\s>#*_]*related(?:\s+questions)?[\s*_]*:?[\s*_]*(?:\n|$)/i
const MOST_WORDS = 20
const MOST_CHARACTERS = 100

/** An answer without the questions that a model wrote below it, and those questions: at most five, none long. */
export function partRelated(answer: string): { answer: string; related: string[] } {
  const begin = RELATED.exec(answer)
  if (!begin) return { answer: answer.trim(), related: [] }
  const related = answer
    .slice(begin.index + begin[0].length)
    .split('\n')
    .map((line) => line.replace(/^[\s>*•-]*(?:\d{1,2}[.)])?[\s"“*_]*|["”*_\s]+$/g, '').trim())
    .filter((line) => line.length <= MOST_CHARACTERS && line.split(/\s+/).length <= MOST_WORDS)
    .filter((line) => /\p{L}{2}/u.test(line))
  return { answer: answer.slice(0, begin.index).trim(), related: [...new Set(related)].slice(0, 5) }
}
