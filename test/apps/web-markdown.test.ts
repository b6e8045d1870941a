import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { isTooMuch } from '../../apps/web/src/markdown/plain.ts'

const DOCS = join(import.meta.dirname, '..', '..', 'docs')

/** Texts that a reader of Markdown takes seconds over, or overflows its stack with. */
const HEAVY = {
  'emphasis that never ends': '*_a'.repeat(2_000),
  'formulas that never end': '$a'.repeat(2_000),
  'strikes that never end': '~a'.repeat(2_000),
  'the same over lines': '*_a\n'.repeat(1_000),
  'a quote in a quote in a quote': `hello\n\n${'>'.repeat(4_000)}`,
  'a list in a list in a list': `${'1. '.repeat(2_000)}a`,
  'both in turn': `${'> - '.repeat(500)}a`,
  'more than an answer is': 'word '.repeat(4_000),
}

describe('what is read as Markdown', () => {
  for (const [name, text] of Object.entries(HEAVY)) {
    it(`is not ${name}`, () => {
      expect(isTooMuch(text)).to.equal(true)
    })
  }

  it('is what answers look like: emphasis, lists, rules, code and tables', () => {
    const rows = Array.from({ length: 100 }, (_, row) => `| **${row}** | \`code_${row}\` | *x* |`).join('\n')
    const list = Array.from({ length: 150 }, (_, row) => `${row}. **Step**: *do* it`).join('\n\n')
    const answers = [
      `# Title\n\n${list}`,
      `| a | b | c |\n|---|---|---|\n${rows.slice(0, 2_000)}`,
      `text\n\n${'* '.repeat(30)}\n\n${'-'.repeat(60)}\n\n> a quote\n> > in another\n\n- a\n  - b\n    - c`,
      '```ts\nconst some_name = other_name * 2 // $5\n```\n\n$$a_1^2 + b_1^2$$',
      '',
    ]
    for (const answer of answers) expect(isTooMuch(answer), answer.slice(0, 40)).to.equal(false)
  })

  it('is every chapter of these documents that is as short as an answer', () => {
    const chapters = readdirSync(DOCS)
      .filter((name) => name.endsWith('.md'))
      .flatMap((name) => readFileSync(join(DOCS, name), 'utf8').split(/^(?=#{1,3} )/m))
      .filter((chapter) => chapter.length <= 12_000)

    expect(chapters.length).to.be.greaterThan(20)
    for (const chapter of chapters) expect(isTooMuch(chapter), chapter.slice(0, 60)).to.equal(false)
  })
})
