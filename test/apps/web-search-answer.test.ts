import { expect } from 'chai'
import fc from 'fast-check'
import {
  askedSchema,
  fromOf,
  isOwnSource,
  isWebAddress,
  type Source,
} from '../../apps/web/search/documents.ts'
import { answerOfModel, answerOfSources } from '../../apps/web/src/search/answer.ts'
import { citationOf, citedOf, partRelated } from '../../apps/web/src/search/citations.ts'
import { addressOf, newFinding, resultOf } from '../../apps/web/src/search/finding.ts'
import { askedFrom, canCarry, LEAST_UNITS, tries } from '../../apps/web/src/search/prompt.ts'
import { excerptOf, quotesOf } from '../../apps/web/src/search/quotes.ts'

const source = (title: string, text: string): Source => ({
  title,
  text,
  from: 'docs/a.md',
  url: '/search/source/docs/a.md',
})
const limits = (inputUnits: number, inputBytes = 16_384) => ({
  limits: { inputUnits, inputBytes, outputUnits: 4_096, outputBytes: 1_048_576, seconds: 60 },
  defaults: { temperature: 0.2 },
})

describe('the citations of an answer', () => {
  it('are read in every form that models write, and sources that there are not are dropped', () => {
    const answers: [answer: string, text: string, used: number[]][] = [
      ['A [citation:2].', 'A [2](#source-2).', [2]],
      ['A [Citation: 2] b[1].', 'A [2](#source-2) b[1](#source-1).', [2, 1]],
      ['A [1, 3] b', 'A [1](#source-1)[3](#source-3) b', [1, 3]],
      ['A [citation:1][citation:2]', 'A [1](#source-1)[2](#source-2)', [1, 2]],
      ['A 【3】 b [^1]', 'A [3](#source-3) b [1](#source-1)', [3, 1]],
      ['A [0] b [4] c [99]', 'A  b  c ', []],
      ['A [1](https://a.test) b [1]: c', 'A [1](https://a.test) b [1](#source-1): c', [1]],
      ['`a[1]` and ```\nb[2]\n``` c[3]', '`a[1]` and ```\nb[2]\n``` c[3](#source-3)', [3]],
      ['none [x] [-1] [1.5]', 'none [x] [-1] [1.5]', []],
    ]
    for (const [answer, text, used] of answers) expect(citedOf(answer, 3)).to.deep.equal({ text, used })
    expect(citationOf('#source-12')).to.equal(12)
    expect(citationOf('#source-')).to.equal(undefined)
    expect(citationOf('https://a.test')).to.equal(undefined)
  })

  it('name only sources that there are, whatever is written', () => {
    const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
    console.log(`      seed ${seed}`)
    const bits = fc.constantFrom(
      '[',
      ']',
      'citation:',
      '1',
      '2',
      '9',
      ',',
      '(',
      '`',
      '```',
      '\n',
      ' ',
      'a',
      '【',
      '】',
    )
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 40 }), fc.nat(3), (parts, count) => {
        const { text, used } = citedOf(parts.join(''), count)
        const named = [...text.matchAll(/\[(\d+)\]\(#source-(\d+)\)/g)]
        expect(
          named.every(([, shown, to]) => shown === to && Number(to) >= 1 && Number(to) <= count),
        ).to.equal(true)
        expect(new Set(named.map(([, shown]) => Number(shown)))).to.deep.equal(new Set(used))
      }),
      { seed, numRuns: 3_000 },
    )
  })

  it('further questions below an answer are parted from it: five, none long', () => {
    const asked = (heading: string) =>
      `An answer [1].\n\n${heading}\n1. What is a?\n- "What is b?"\n* What is c?`
    for (const heading of ['Related:', '**Related:**', '## Related questions', 'related']) {
      expect(partRelated(asked(heading))).to.deep.equal({
        answer: 'An answer [1].',
        related: ['What is a?', 'What is b?', 'What is c?'],
      })
    }
    expect(partRelated('It is related: to b.')).to.deep.equal({ answer: 'It is related: to b.', related: [] })
    const many = `A\nRelated:\n${Array.from({ length: 9 }, (_, index) => `What is number ${index}?`).join('\n')}`
    expect(partRelated(many).related.length).to.equal(5)
    expect(partRelated(`A\nRelated:\n${'word '.repeat(21)}\n${'x'.repeat(101)}`).related).to.deep.equal([])
  })
})

describe('what a model is asked with its sources', () => {
  const sources = Array.from({ length: 8 }, (_, index) => source(`Title ${index}`, 'text '.repeat(100)))

  it('only a model that reads two thousand tokens is asked', () => {
    expect(canCarry(limits(LEAST_UNITS))).to.equal(true)
    expect(canCarry(limits(LEAST_UNITS - 1))).to.equal(false)
  })

  it('carries the rules, numbered sources and the question last, in tries of ever fewer sources that fit its bytes', () => {
    const asked = tries(limits(4_096), 'What is it?', sources)
    const numbers = asked.map(({ messages }) => messages.at(-1)?.content.match(/\[citation:\d\]/g)?.length)

    expect(numbers).to.deep.equal([8, 5, 3, 2, 1])
    expect(asked[0]?.messages.at(-1)?.content).to.match(
      /^\[citation:1\] Title 0: text[\s\S]*\n\nQuestion: What is it\?$/,
    )
    const rules = asked[0]?.messages[0]
    expect(rules?.role).to.equal('system')
    expect(rules?.content)
      .to.include('from the numbered sources alone, in the language of the question')
      .and.include('information is missing on')
      .and.include('three to five further questions, one a line, of at most 20 words')
    expect(asked[0]?.max_tokens).to.equal(1_024)
    expect(asked[0]?.temperature).to.equal(0.2)

    const bytes = new TextEncoder().encode(
      JSON.stringify(askedFrom(limits(4_096), 'q', sources.slice(0, 3))),
    ).length
    expect(tries(limits(4_096, bytes), 'q', sources).length).to.equal(3)
    expect(tries(limits(4_096, bytes - 1), 'q', sources).length).to.equal(2)
    expect(tries(limits(4_096), 'q', sources.slice(0, 2)).length).to.equal(2)
  })
})

describe('an answer in the words of its sources', () => {
  const sources = [
    source(
      'The bond',
      'A router settles only while its bond holds. It may exit after thirty days of waiting.',
    ),
    source('Power', 'A lock has amount times weeks of power. There is no early exit and no transfer at all.'),
    source('Weather', 'It rains in the mountains most of the year.'),
  ]

  it('quotes the sentences that hold the rarest words of the query, each with its source', () => {
    const quotes = quotesOf('early exit of a lock', sources)

    expect(quotes.split('\n\n')[0]).to.equal('There is no early exit and no transfer at all\\. [citation:2]')
    expect(quotes).not.to.include('rains')
    expect(citedOf(quotes, sources.length).used).to.include(2)
    expect(quotesOf('sourdough', sources)).to.equal('')
    expect(quotesOf('exit', [])).to.equal('')
  })

  it('is shown as it stands in the source: its marks are no markup', () => {
    const hostile = source(
      'A',
      'The exit is *bold* [x](javascript:alert(1)) <img src=x> and $x$ `code` | here.',
    )
    const [quote = ''] = quotesOf('exit', [hostile]).split(' [citation')

    expect(quote.replaceAll(/\\(.)/g, '$1')).to.equal(hostile.text)
    expect(quote.replaceAll(/\\./g, '')).not.to.match(/[*[\]()<>$`|]/)
  })

  it('an excerpt begins at the line that says most of the query', () => {
    const text = ['one about rain', 'two about locks', 'three about an early exit', 'four'].join('\n')

    expect(excerptOf('early exit', { text }, 40)).to.equal('three about an early exit\nfour')
    expect(excerptOf('nothing of it', { text }, 14)).to.equal('one about…')
  })
})

describe('what stands as the answer', () => {
  const sources = [
    source('One', 'The bond holds for thirty days.'),
    source('Two', 'Nothing of it at all, ever.'),
  ]

  it('is what a model wrote if it names a source, with its further questions if they are three or more', () => {
    const text = 'It holds for thirty days [citation:1].'
    const questions = 'Related:\n1. What is a bond?\n2. Who pays it?\n3. When does it end?'

    expect(answerOfModel(text, 'bond', sources)).to.deep.equal({ answer: text, by: 'model' })
    expect(answerOfModel(`${text}\n\n${questions}`, 'bond', sources)).to.deep.equal({
      answer: text,
      by: 'model',
      related: ['What is a bond?', 'Who pays it?', 'When does it end?'],
    })
    expect(answerOfModel(`${text}\nRelated:\nWhat is a bond?`, 'bond', sources)).to.deep.equal({
      answer: text,
      by: 'model',
    })
  })

  it('is the sources’ own words if it names none, or one that there is not', () => {
    for (const text of ['It holds for thirty days.', 'It holds [3].', '', 'Related:\n[1] What is a bond?']) {
      expect(answerOfModel(text, 'bond', sources), text).to.deep.equal({
        answer: 'The bond holds for thirty days\\. [citation:1]',
        by: 'sources',
        note: 'no citation',
      })
    }
  })

  it('is that information is missing where nothing was found, whatever the query looks like', () => {
    expect(answerOfSources('a *b* [1]', [], 'too little')).to.deep.equal({
      answer: 'Information is missing on “a \\*b\\* \\[1\\]”.',
      by: 'sources',
      note: 'nothing found',
    })
  })
})

describe('addresses of a search', () => {
  it('a query is at most a hundred characters, and a vector is numbers', () => {
    const takes = (asked: unknown) => askedSchema.safeParse(asked).success

    expect(takes({ query: 'a'.repeat(100) })).to.equal(true)
    expect(takes({ query: 'a'.repeat(101) })).to.equal(false)
    expect(takes({ query: '' })).to.equal(false)
    expect(takes({ query: 'a', vector: { pod: 'embed', values: [0.5, -1] } })).to.equal(true)
    expect(takes({ query: 'a', vector: { pod: 'embed', values: [Number.NaN] } })).to.equal(false)
    expect(takes({ query: 'a', vector: { pod: 'embed', values: new Array(4_097).fill(0) } })).to.equal(false)
    expect(takes({ query: 'a', extra: 1 })).to.equal(false)
  })

  it('a source is a document of this page or a page of the web, without names and passwords', () => {
    for (const url of ['https://a.test/b?c=d', 'http://127.0.0.1:1/'])
      expect(isWebAddress(url), url).to.equal(true)
    for (const url of [
      'javascript:alert(1)',
      'data:text/html,x',
      'https://bank.test@evil.test/',
      'https://user:pass@evil.test/',
      '//evil.test',
      'https://',
      ' https://a.test',
    ]) {
      expect(isWebAddress(url), url).to.equal(false)
    }
    expect(isOwnSource('/search/source/docs/trust.md')).to.equal(true)
    expect(isOwnSource('/search/source/')).to.equal(false)
    expect(isOwnSource('/pondera')).to.equal(false)
    expect(isOwnSource('/search/source/a?b')).to.equal(false)
    expect(isOwnSource('/search/source/docs/a..b.md')).to.equal(true)
    for (const path of [
      '..',
      '../',
      '../../pondera',
      'docs/../../../x',
      'docs/..',
      './a',
      'a//b',
      '/a',
      'a/',
    ]) {
      expect(isOwnSource(`/search/source/${path}`), path).to.equal(false)
    }
    expect(fromOf('/search/source/docs/trust.md')).to.equal('docs/trust.md')
    expect(fromOf('https://evil.test:8443/docs/trust.md')).to.equal('evil.test:8443')
  })

  it('a result as others see it holds nothing of the key or the share', () => {
    const finding = { ...newFinding('id', 'q & a?', 5), share: { id: 'x', secret: 'y' } }

    expect(addressOf(finding.query, finding.id)).to.equal('/search?q=q+%26+a%3F&rid=id')
    expect(addressOf('q')).to.equal('/search?q=q')
    expect(Object.keys(resultOf(finding)).sort()).to.deep.equal([
      'answer',
      'by',
      'query',
      'related',
      'requests',
      'sources',
    ])
  })
})
