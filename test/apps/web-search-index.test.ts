import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { fuse } from '../../apps/web/search/fuse.ts'
import { type DocsIndex, openIndex, readDocs } from '../../apps/web/search/index.ts'
import { searchSchema } from '../../apps/web/search/open.ts'
import { passagesOf } from '../../apps/web/search/passages.ts'
import { openQuestions, type Question, readQuestions } from '../../apps/web/search/related.ts'
import { search } from '../../apps/web/search/search.ts'
import { plainText, shortened } from '../../apps/web/search/text.ts'
import type { PieceVector } from '../../apps/web/search/vectors.ts'
import { stemOf, termsOf } from '../../apps/web/search/words.ts'
import { piecesOf } from '../../apps/web/src/pondera/documents/split.ts'
import { quotesOf } from '../../apps/web/src/search/quotes.ts'
import { embed, loadPod } from '../../pods/embed/score.ts'
import type { Engine } from '../../worker/engines/engine.ts'

const root = join(import.meta.dirname, '..', '..')

describe('the search of the documents', () => {
  it('a document becomes passages under their headings, without the marks of Markdown', () => {
    const text = [
      '# The `thing`',
      'Before **all** else, [a link](https://a.test)',
      'that goes on.',
      '',
      '**A lead.** Its paragraph.',
      '',
      '**Power** is *not* stake.',
      '',
      '## A table',
      '| a | b |',
      '|---|---|',
      '| one \\| two | 2 |',
      '```sh',
      '# no heading',
      '```',
    ].join('\n')

    expect(passagesOf('docs/thing.md', text)).to.deep.equal(
      [
        ['The thing', 'The thing', 'Before all else, a link that goes on.'],
        ['The thing', 'A lead', 'Its paragraph.'],
        ['The thing', 'Power', 'Power is not stake.'],
        ['A table', 'A table', 'a · b\none | two · 2\n# no heading'],
      ].map(([section = '', heading = '', body = '']) => ({
        file: 'docs/thing.md',
        document: 'The thing',
        section,
        heading,
        text: body,
      })),
    )
  })

  it('every word of our documents is in a passage, and no passage is longer than it may be', () => {
    for (const [file, text] of readDocs(root)) {
      const passages = passagesOf(file, text)
      const held = passages
        .map(({ document, section, heading, text: body }) => `${document} ${section} ${heading} ${body}`)
        .join(' ')
      const words = new Set(held.match(/\p{L}{4,}/gu))
      const all = new Set(text.replaceAll(/\]\([^)]*\)|<[^>]*>/g, ' ').match(/\p{L}{4,}/gu))
      const lost = [...all].filter((word) => !words.has(word))

      expect(lost, file).to.deep.equal([])
      expect(Math.max(...passages.map(({ text: body }) => body.length))).to.be.at.most(640)
    }
  })

  it('a word is found in its other forms, and words that only ask are not counted', () => {
    expect(['claim', 'claims', 'claimed', 'claiming'].map(stemOf)).to.deep.equal(Array(4).fill('claim'))
    expect(['price', 'prices', 'priced'].map(stemOf)).to.deep.equal(Array(3).fill('pric'))
    expect([...termsOf('What is the price of a pod?')]).to.deep.equal(['pric', 'pod'])
  })

  it('rankings are fused by the reciprocals of their places', () => {
    // 1/61 + 1/62 for a and b alike, 2/63 for c; the earlier ranking decides between a and b.
    const fused = fuse([
      { weight: 1, items: ['a', 'b', 'c'] },
      { weight: 1, items: ['b', 'a', 'c', 'd'] },
    ])
    expect(fused).to.deep.equal(['a', 'b', 'c', 'd'])
    // 1/62 + 3/61 is more than 1/61 + 3/62.
    const heavy = fuse([
      { weight: 1, items: ['a', 'b'] },
      { weight: 3, items: ['b', 'a'] },
    ])
    expect(heavy).to.deep.equal(['b', 'a'])
    expect(fuse([{ weight: 1, items: ['a', 'a', 'b'] }])).to.deep.equal(['a', 'b'])
    expect(fuse([])).to.deep.equal([])
  })

  it('no text keeps markup, turn marks or unseen characters, however they are nested', () => {
    expect(plainText('[INST] <<SYS>>a<</SYS>> <|im_start|>b</s> <b>c</b> [/INST]')).to.equal('a b c')
    expect(plainText('<scr<b>ipt>x</scr</b>ipt>')).not.to.match(/<\s*script/i)
    expect(plainText('[IN[INST]ST]x')).to.equal('[IN ST]x')
    expect(plainText('&lt;b&gt;x&lt;/b&gt; &amp; y&#x41;')).to.equal('x & yA')
    expect(plainText('a\u202Eb\u0000c\u200Bd')).to.equal('abcd')
    expect(plainText('a < b and 3 <4')).to.equal('a < b and 3 <4')
  })

  it('of a huge text only the beginning is read, and what is nested without end loses every mark', () => {
    const nested = `${'<b'.repeat(20)}>${'x>'.repeat(20)}`

    expect(plainText('word '.repeat(100_000)).length).to.equal('word '.repeat(800).trim().length)
    expect(plainText('word '.repeat(100), 10)).to.equal('word word')
    expect(plainText(nested)).not.to.match(/[<>]/)
    // Each closes only in what the round before left: 64 kB of it took seconds.
    for (const hostile of ['<!--', '<script>', '&amp;', '<a ', '<|a', '[IN[INST]ST]']) {
      const plain = plainText(hostile.repeat(8_000))
      expect(plain.length, hostile).to.be.at.most(4_000)
      expect(plainText(plain), hostile).to.equal(plain)
    }
  })

  it('whatever is written, none of that is left in it', () => {
    const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
    console.log(`      seed ${seed}`)
    const bits = fc.constantFrom(
      '<',
      '>',
      'b',
      '/',
      '[INST]',
      '[/',
      'INST]',
      '<|',
      '|>',
      'x',
      '&lt;',
      '&',
      ';',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(bits, fc.string({ maxLength: 4 })), { maxLength: 30 }), (parts) => {
        const plain = plainText(parts.join(''))
        expect(plain).not.to.match(/<\/?[a-z][^<>]*>|\[\/?INST\]|<\|\w+\|>|\p{Cc}/iu)
        expect(plainText(plain)).to.equal(plain)
      }),
      { seed, numRuns: 2_000 },
    )
  })

  it('a text is shortened at a word, never in the middle of a character', () => {
    expect(shortened('one two three', 9)).to.equal('one two…')
    expect(shortened('short', 9)).to.equal('short')
    expect(shortened(`${'x'.repeat(7)}😀😀`, 9)).to.equal('xxxxxxx…')
  })
})

describe('the quality of the search', function () {
  this.timeout(180_000)
  const questions = readQuestions()
  let docs: DocsIndex
  let engine: Engine
  before(async () => {
    docs = openIndex(readDocs(root))
    engine = await loadPod(join(root, 'pods', 'embed'))
  })
  after(() => engine?.close())

  const squashed = (text: string) => text.replaceAll(/\s+/g, ' ')
  const terms = (text: string) => [...termsOf(text)]

  it('is asked questions of people: seventy or more, of every document, not in the words of the headings', () => {
    const answers = (asked: (typeof questions)[number]) =>
      docs.passages.some(
        ({ file, heading, text }) =>
          file === asked.file && heading === asked.heading && squashed(text).includes(asked.holds),
      )
    const gone = questions.filter((asked) => !answers(asked))
    const copied = questions.filter(({ question, heading }) => {
      const asked = termsOf(question)
      return terms(heading).length > 1 && terms(heading).every((term) => asked.has(term))
    })

    expect(questions.length).to.be.at.least(70)
    expect(new Set(questions.map(({ question }) => question)).size).to.equal(questions.length)
    expect(new Set(questions.map(({ file }) => file)).size).to.equal(readDocs(root).size)
    expect(copied.map(({ question }) => question)).to.deep.equal([])
    expect(gone.length, gone.map(({ question }) => question).join()).to.be.at.most(3)
  })

  /** How many questions find the passage that answers them among the eight, and quote it. */
  async function score(vectorOf?: (question: string) => { values: number[]; pieces: PieceVector[] }) {
    let found = 0
    let first = 0
    let quoted = 0
    const missed: string[] = []
    for (const { question, heading, holds } of questions) {
      const vector = vectorOf?.(question)
      const { sources } = await search(
        {
          docs,
          questions: openQuestions(docs, questions),
          vectors: vector && {
            of: () => vector.pieces,
            pod: () => 'embed',
            begin() {},
            settled: async () => {},
            close: async () => {},
          },
          vectorWeight: searchSchema.parse({}).vectorWeight,
          providers: [],
        },
        { query: question, ...(vector ? { vector: { pod: 'embed', values: vector.values } } : {}) },
      )
      const at = sources.findIndex(({ title, text }) => title === heading && squashed(text).includes(holds))
      if (at >= 0) found += 1
      else missed.push(question)
      if (at === 0) first += 1
      if (squashed(quotesOf(question, sources).replaceAll('\\', '')).includes(holds)) quoted += 1
    }
    return { found, first, quoted, missed }
  }

  it('the passage that answers is among the eight for nine of ten questions, by words and with vectors', async () => {
    const pieces = docs.passages.flatMap(({ heading, text }, passage) =>
      piecesOf(`${heading}. ${text}`, { size: 200, overlap: 40 }).map((piece) => ({ passage, piece })),
    )
    const made: PieceVector[] = []
    for (let from = 0; from < pieces.length; from += 32) {
      const part = pieces.slice(from, from + 32)
      const vectors = await embed(
        engine,
        part.map(({ piece }) => piece),
      )
      made.push(...part.map(({ passage }, index) => ({ passage, vector: vectors[index] ?? [] })))
    }
    const asked = await embed(
      engine,
      questions.map(({ question }) => question),
    )
    const words = await score()
    const both = await score((question) => ({
      values: asked[questions.findIndex((each) => each.question === question)] ?? [],
      pieces: made,
    }))
    for (const [name, { found, first, quoted }] of Object.entries({ words, 'words and vectors': both })) {
      console.log(
        `      ${name}: ${found} of ${questions.length} among the eight, ${first} first, ${quoted} quoted in the answer`,
      )
    }

    const least = Math.ceil(questions.length * 0.9)
    expect(words.found, words.missed.join('\n')).to.be.at.least(least)
    expect(both.found, both.missed.join('\n')).to.be.at.least(least)
  })

  it('what our documents do not speak of finds nothing in them', async () => {
    const parts = {
      docs,
      questions: openQuestions(docs, questions),
      vectors: undefined,
      vectorWeight: 0,
      providers: [],
    }
    const strangers = [
      'How do I bake sourdough bread?',
      'Who won the football world cup in 1998?',
      'What is the weather in Paris?',
      'best pizza recipe',
      'symptoms of the flu',
      'How tall is Mount Everest?',
    ]
    for (const query of strangers) {
      const { sources, missing } = await search(parts, { query })

      expect(sources, query).to.deep.equal([])
      expect(missing.length, query).to.be.greaterThan(0)
    }
  })

  it('three to five further questions go with a result, never the one that was asked', () => {
    const { related } = openQuestions(docs, questions)
    for (const { question } of questions) {
      const next = related(question, docs.byWords(question, 8))

      expect(next.length, question).to.be.within(3, 5)
      expect(next).not.to.include(question)
      expect(next.every((each) => each.length <= 100 && each.split(' ').length <= 20)).to.equal(true)
    }
    expect(related('anything', []).length).to.equal(3)
  })

  it('the questions are a file that people read and extend', () => {
    const raw = JSON.parse(
      readFileSync(join(root, 'apps', 'web', 'search', 'questions.json'), 'utf8'),
    ) as Question[]

    expect(raw).to.deep.equal(questions)
  })
})
