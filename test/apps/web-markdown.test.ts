import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import katex from 'katex'
import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import ReactMarkdown from 'react-markdown'
import colours, { COLOURED } from '../../apps/web/src/markdown/colours.ts'
import { isTooMuch } from '../../apps/web/src/markdown/plain.ts'
import { readingOf } from '../../apps/web/src/markdown/reading.ts'
import { FORMULA } from '../../apps/web/src/markdown/tex.ts'

const DOCS = join(import.meta.dirname, '..', '..', 'docs')

/** Texts that a reader of Markdown takes seconds over, or overflows its stack with. */
const HEAVY = {
  'emphasis that never ends': '*_a'.repeat(2_000),
  'formulas that never end': '$a'.repeat(2_000),
  'brackets that close nothing': ']'.repeat(2_000),
  'the same with what is behind a link': '](<'.repeat(2_000),
  'strikes that never end': '~a'.repeat(2_000),
  'the same over lines': '*_a\n'.repeat(1_000),
  'a quote in a quote in a quote': `hello\n\n${'>'.repeat(4_000)}`,
  'a list in a list in a list': `${'1. '.repeat(2_000)}a`,
  'both in turn': `${'> - '.repeat(500)}a`,
  'more than an answer is': 'word '.repeat(4_000),
  'headings without end': 'a\n=\n'.repeat(2_900),
  'instructions that never end': 'a <?\n'.repeat(2_000),
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

/** The longest text that is read. Characters. */
const LONGEST = 12_000
const filled = (piece: string, length: number) =>
  piece.repeat(Math.ceil(length / piece.length)).slice(0, length)
const html = (text: string, prefix = 'a-') =>
  renderToStaticMarkup(createElement(ReactMarkdown, { ...readingOf(prefix, colours), children: text }))

/** What a reader looks ahead for an end of, that never comes. */
const BEGUN =
  '[a]( ( [ { < " \' ` /* // # <a <!-- <?php "\\ a a. a( a< a:: *a \\ 1e - ${ `${ $ @a( => (a)=> <a> : = ; % [[ """ / r" <<A #{ "#{ | ~ ^ & ?'
    .split(' ')
    .concat('\n', ' a\n', '---\n', 'a b ', '\t')
const PLAIN =
  '[ [a]( ![ [a][ ![a]( ]( < <a <http://a <div> & &# | \\( \\ *a **a _a ~~a ` ``a $a $$ http://a www. a@ a@b. [^1] [a](< [a](b" [[] *[a]( [![ <[ `[ $[ <? <!A <!-- ***a ] ]: ](< ]aaaaaaa ]:aaaaaa ](<aaaaa ](aaaaaa'
    .split(' ')
    .concat(
      '- a\n',
      ' - a\n',
      '> ',
      '>\n',
      '1. a\n',
      '# ',
      '[^1]: a\n\n',
      '| a |\n',
      '|a|\n|-|\n',
      'a|b\n-|-\n',
    )
    .concat(
      'a\\\n',
      'a  \n',
      'a\n=\n',
      'a\n-\n',
      '---\n',
      '```\n',
      '```a\n```\n',
      '[a]: b "',
      '[a]: b\n',
      '    a\n',
      '\n](',
    )
    .concat('$$\na\n$$\n', '- [ ] ', ')<? \n', 'a <?\n', '- a\n](', '- a\n1. a\n')
const TEX =
  "{ } \\frac \\frac{ \\sqrt{ ^ _ ^{ a^ \\left( \\begin{matrix} \\text{ & \\\\ \\rule{1em}{1em} \\def\\a{\\a} \\over ' \\hbox{ \\not \\hat{ a 1 | <".split(
    ' ',
  )

describe('reading the worst Markdown that is read', function () {
  this.timeout(300_000)

  /** Processor time of this process, milliseconds. */
  function workOf(act: () => void): number {
    const before = process.cpuUsage()
    act()
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1_000
  }
  const answer = filled(readFileSync(join(DOCS, 'protocol.md'), 'utf8'), LONGEST)
  const least = (tries: number, act: () => void): number =>
    Math.min(...Array.from({ length: tries }, () => workOf(act)))
  /** Forty times what an answer of that length costs: whatever grows with the square of its length costs more. */
  const mostNow = () => 40 * least(5, () => html(answer))
  let most = 0
  before(() => {
    most = mostNow()
  })
  /** What took too much, three times, beside what an answer costs in the same moment: a machine is not always as fast. */
  const tooHeavy = (texts: readonly string[], read: (text: string) => void) =>
    texts
      .filter((text) => workOf(() => read(text)) > most && least(3, () => read(text)) > mostNow())
      .map((text) => text.slice(0, 60))

  it('takes no more than honest text does many times over', () => {
    const rest = '|a|b|\n|-|-|\n|'
    const texts = PLAIN.flatMap((piece) => [
      filled(piece, LONGEST),
      rest + filled(piece, LONGEST - rest.length),
    ])
    const read = texts.filter((text) => !isTooMuch(text))

    expect(read.length).to.be.greaterThan(50)
    expect(tooHeavy(read, html)).to.deep.equal([])
  })

  for (const language of [...COLOURED, 'markdown']) {
    it(`nor does code in ${language}`, () => {
      const block = (piece: string) => `\`\`\`${language}\n${filled(piece, 1_960)}\n\`\`\`\n`
      const texts = Array.from({ length: Math.ceil(BEGUN.length / 6) }, (_, turn) =>
        BEGUN.slice(6 * turn, 6 * turn + 6)
          .map(block)
          .join(''),
      )
      const whole = `\`\`\`${language}\n${filled('[a](', LONGEST - 20)}`

      expect(tooHeavy([...texts, whole], html)).to.deep.equal([])
    })
  }

  it('nor do formulas', () => {
    const texts = TEX.flatMap((piece) => [filled(piece, LONGEST), filled(piece, 6_000) + filled('}', 6_000)])
    const draw = (text: string) => katex.renderToString(text, { ...FORMULA, throwOnError: false })

    expect(
      tooHeavy(texts, (text) => {
        try {
          draw(text)
        } catch {
          // Too deep for its reader's stack: it is shown as it was written.
        }
      }),
    ).to.deep.equal([])
  })

  it('colours code of two thousand characters, no longer one, and none in Markdown', () => {
    const code = (language: string, length: number) =>
      html(`\`\`\`${language}\n${filled('const a = "b"\n', length)}\`\`\``)

    expect(code('ts', 1_988)).to.include('hljs-keyword')
    expect(code('ts', 2_002)).not.to.include('hljs')
    for (const language of ['markdown', 'md', 'MKD']) expect(code(language, 70)).not.to.include('hljs-')
  })
})

describe('footnotes', () => {
  it('of two texts on one page have ids of their own, and each link leads to the note of its text', () => {
    const text = 'One.[^1] Two.[^b]\n\n[^1]: First.\n[^b]: Second.'
    const page = html(text, 'a-') + html(text, 'b-')
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map((match) => match[1])
    const named = [...page.matchAll(/ (?:href="#|aria-describedby=")([^"]*)"/g)].map((match) => match[1])

    expect(ids).to.have.length(10)
    expect(new Set(ids).size).to.equal(10)
    expect(named).to.have.length(12)
    for (const name of named) expect(ids).to.include(name)
  })
})
