import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import sharp from 'sharp'
import { readAsked } from '../../apps/web/pictures/record.ts'
import { type Drawing, MOST_KEPT, ofModel, outgrown } from '../../apps/web/src/imagine/drawing.ts'
import {
  askedOf,
  emptyForm,
  type Form,
  faultsOf,
  fieldsOf,
  formOf,
  isSmall,
  seedOf,
} from '../../apps/web/src/imagine/fields.ts'
import {
  DRAWN,
  type Example,
  examplesOf,
  KEYWORDS,
  keywordsOf,
  withWord,
} from '../../apps/web/src/imagine/known.ts'
import { postOnX } from '../../apps/web/src/imagine/post.ts'
import { EXAMPLES } from '../../apps/web/src/imagine/prompts.ts'
import { provenOf } from '../../apps/web/src/imagine/proven.ts'
import { no, unchecked, yes } from '../../sdk/checks.ts'
import { type Manifest, parseManifest } from '../../sdk/protocol/manifest.ts'
import { PODS } from '../market.ts'
import { seeded } from '../sdk/seed.ts'
import { apart, drawExamples, fileOf, ROUNDING } from './examples.ts'

const shipped = parseManifest(readFileSync(join(PODS, 'image', 'pod.yaml')))
const config = JSON.parse(readFileSync(join(PODS, 'image', 'model', 'config.json'), 'utf8')) as {
  sizes: string[]
  subjects: Record<string, string[]>
  completion: { choices: Record<'size' | 'colour' | 'shape' | 'place', string[]> }
}
/** A model as the large ones are: a negative prompt, no steps to set, priced by the picture. */
const large: Manifest = {
  ...shipped,
  name: 'flux',
  files: [{ path: 'model/a.onnx', sha256: '0'.repeat(64), bytes: 12_000_000_000 }],
  pricing: { unit: 'token', per: 1, input: 0, output: 20_000, minimum: 20_000 },
  limits: { ...shipped.limits, outputUnits: 1 },
  defaults: { negative_prompt: 'blurred', size: '1024x1024', guidance: 3 },
  choices: { size: ['680x1024', '1024x1024'] },
}

describe('the form of a picture', () => {
  const filled = (part: Partial<Form>, manifest = shipped): Form => ({
    ...emptyForm(fieldsOf(manifest)),
    ...part,
  })

  it('of the shipped model offers what its manifest says, and the manifest says what the engine makes', () => {
    expect(fieldsOf(shipped)).to.deep.equal({
      sizes: { own: '256x256', offered: config.sizes },
      steps: { own: 12, most: 50 },
      guidance: { own: 2, most: 10 },
    })
    expect(isSmall(shipped)).to.equal(true)
  })

  it('of another model offers its negative prompt, and no steps where it names none', () => {
    const fields = fieldsOf(large)

    expect(fields).to.deep.equal({
      negative: 'blurred',
      sizes: { own: '1024x1024', offered: ['680x1024', '1024x1024'] },
      guidance: { own: 3, most: 10 },
    })
    expect(isSmall(large)).to.equal(false)
    expect(askedOf(fields, filled({ prompt: ' a fox ', steps: 9 }, large), 5)).to.deep.equal({
      prompt: 'a fox',
      negative_prompt: 'blurred',
      size: '1024x1024',
      guidance: 3,
      seed: 5,
    })
    expect(askedOf(fields, filled({ prompt: 'a fox', negative: ' ' }, large), 5)).not.to.have.property(
      'negative_prompt',
    )
  })

  it('without choices offers the model’s own size alone; without a size none', () => {
    const { choices: _, ...bare } = shipped
    expect(fieldsOf(bare).sizes).to.deep.equal({ own: '256x256', offered: ['256x256'] })
    expect(fieldsOf({ ...bare, defaults: {} })).to.deep.equal({})
  })

  it('sends no field that the model does not take', () => {
    const form = filled({ prompt: 'a', negative: 'b' })

    expect(Object.keys(askedOf(fieldsOf(shipped), form, 0))).to.deep.equal([
      'prompt',
      'size',
      'steps',
      'guidance',
      'seed',
    ])
    expect(askedOf(fieldsOf({ ...shipped, defaults: {} }), form, 1)).to.deep.equal({ prompt: 'a', seed: 1 })
  })

  it('reads back from what was sent, within what the model takes', () => {
    const fields = fieldsOf(shipped)
    fc.assert(
      fc.property(
        fc.record({
          prompt: fc.string({ minLength: 1 }).filter((text) => text.trim() === text && text !== ''),
          size: fc.constantFrom(...config.sizes),
          steps: fc.integer({ min: 1, max: 50 }),
          guidance: fc.integer({ min: 0, max: 100 }).map((tenths) => tenths / 10),
          seed: fc.integer({ min: 0, max: 0xffffffff }),
        }),
        (asked) => {
          const form = formOf(asked, fields)
          expect(askedOf(fields, form, seedOf(form.seed) ?? -1)).to.deep.equal(asked)
        },
      ),
      seeded({}),
    )
    expect(formOf({ prompt: 'a', size: '9x9', steps: 400, guidance: 99 }, fields)).to.deep.equal({
      ...emptyForm(fields),
      prompt: 'a',
      steps: 50,
      guidance: 10,
    })
  })

  it('takes seeds of 32 bits; blank and -1 are for a random one', () => {
    for (const text of ['', ' ', '-1', ' -1 ']) expect(seedOf(text), text).to.equal(undefined)
    expect([seedOf('0'), seedOf('4294967295'), seedOf(' 7 ')]).to.deep.equal([0, 4_294_967_295, 7])
    for (const text of ['4294967296', '-2', '1.5', '1e3', '0x10', 'a', '99999999999']) {
      expect(seedOf(text), text).to.be.NaN
    }
  })

  it('has no fault up to the very bytes that the model reads', () => {
    const fields = fieldsOf(shipped)
    // {"prompt":"…","size":"256x256","steps":12,"guidance":2,"seed":4294967295}
    const around = JSON.stringify({
      prompt: '',
      size: '256x256',
      steps: 12,
      guidance: 2,
      seed: 4294967295,
    }).length
    const room = shipped.limits.inputBytes - around

    expect(faultsOf(fields, filled({ prompt: 'a'.repeat(room) }), shipped.limits)).to.deep.equal({})
    expect(faultsOf(fields, filled({ prompt: 'a'.repeat(room + 3) }), shipped.limits).prompt).to.match(
      /^This is 3 bytes/,
    )
    expect(faultsOf(fields, filled({ seed: 'x' }), shipped.limits)).to.have.property('seed')
  })

  it('takes nothing that the page could not show again, however much a model reads', () => {
    const limits = { ...large.limits, inputBytes: 65_536 }
    const fields = fieldsOf(large)
    const shown = (form: Form) => readAsked(JSON.stringify(askedOf(fields, form, 7)))

    for (const part of ['prompt', 'negative'] as const) {
      const most = filled({ prompt: 'a', [part]: 'a'.repeat(16_000) }, large)
      const over = filled({ prompt: 'a', [part]: 'a'.repeat(16_001) }, large)
      expect(faultsOf(fields, most, limits)).to.deep.equal({})
      expect(() => shown(most)).to.not.throw()
      expect(faultsOf(fields, over, limits).prompt).to.match(/16000 characters/)
      expect(() => shown(over)).to.throw()
    }
  })

  it('begins with three prompts of words that the shipped model knows', () => {
    expect(EXAMPLES).to.have.length(3)
    for (const prompt of EXAMPLES) {
      for (const [kind, words] of Object.entries(config.subjects)) {
        expect(
          words.some((word) => prompt.split(/\W+/).includes(word)),
          `${prompt}: ${kind}`,
        ).to.equal(true)
      }
    }
  })
})

describe('what is known of the shipped model', () => {
  const { completion } = config
  const hashes = shipped.files.map(({ sha256 }) => sha256)
  const renamed: Manifest = { ...shipped, name: 'other', version: '9.0.0' }
  const retrained: Manifest = {
    ...shipped,
    files: shipped.files.map((file) => ({ ...file, sha256: '0'.repeat(64) })),
  }

  it('is known by its files, whatever it is called; of another model nothing is', () => {
    expect(hashes).to.have.length(4)
    for (const manifest of [shipped, renamed]) {
      expect(examplesOf(manifest)).to.deep.equal(DRAWN)
      expect(keywordsOf(manifest)).to.deep.equal(KEYWORDS)
    }
    for (const manifest of [retrained, large]) {
      expect(examplesOf(manifest)).to.deep.equal([])
      expect(keywordsOf(manifest)).to.deep.equal([])
    }
  })

  it('has an example for each first prompt, at settings that its form sends as they are, and no other', () => {
    const fewer: Manifest = { ...shipped, limits: { ...shipped.limits, outputUnits: 8 } }

    expect(DRAWN.map(({ asked }) => asked.prompt)).to.deep.equal(EXAMPLES)
    expect(new Set(DRAWN.map(({ asked }) => asked.seed)).size).to.equal(3)
    for (const { asked } of DRAWN) {
      expect(asked).to.include({ size: '256x256', steps: 12, guidance: 2 })
    }
    expect(examplesOf(fewer)).to.deep.equal([])
  })

  it('has examples that the pod draws again', async function () {
    this.timeout(60_000)
    const drawn = await drawExamples()

    for (const [index, { asked, picture }] of DRAWN.entries()) {
      const kept = readFileSync(fileOf({ asked, picture }))
      expect(kept.length, picture).to.be.lessThan(8_192)
      expect((await sharp(kept).metadata()).width).to.equal(256)
      expect(await apart(kept, drawn[index] ?? kept), picture).to.be.at.most(ROUNDING)
    }
    expect(await apart(readFileSync(fileOf(DRAWN[0] as Example)), drawn[1] as Uint8Array)).to.be.above(100)
  })

  it('has the words of its own sentences as keywords, every one, and a prompt of them needs no completing', () => {
    const words = Object.fromEntries(KEYWORDS.map(({ kind, words }) => [kind.toLowerCase(), words]))
    const { colour, ...others } = completion.choices
    const known = new Set(
      Object.keys(
        JSON.parse(readFileSync(join(PODS, 'image', 'model', 'tokenizer.json'), 'utf8')).model.vocab,
      ),
    )

    expect(words).to.deep.equal({ ...others, colour, background: colour })
    const said = KEYWORDS.flatMap(({ words, said }) => words.map(said))
    expect(said.flatMap((text) => text.split(' ')).filter((word) => !known.has(word))).to.deep.equal([])
    const prompt = KEYWORDS.reduce(
      (prompt, { words, said }) => withWord({ prompt }, said(words[1] ?? '')),
      '',
    )
    expect(prompt).to.equal('large yellow square on a yellow background top')
    expect(withWord({ prompt: 'a cat,  ' }, 'red')).to.equal('a cat, red')
  })
})

describe('a post on X', () => {
  const page = 'https://example.test/imagine/s/abc_-1'
  const read = (prompt: string) => new URL(postOnX({ prompt, page }))

  it('has the prompt as text and the page as its address, whatever the prompt is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (prompt) => {
        const href = read(prompt)
        expect(href.origin + href.pathname).to.equal('https://x.com/intent/post')
        expect(href.hash).to.equal('')
        expect([...href.searchParams.keys()]).to.deep.equal(['text', 'url'])
        expect(href.searchParams.get('url')).to.equal(page)
      }),
      seeded({}),
    )
    const hostile = '"><script>x</script>&url=https://evil.test/#a @all %00\n javascript:x'
    expect(read(hostile).searchParams.get('text')).to.include(
      '“"><script>x</script>&url=https://evil.test/#a @all %00 javascript:x”',
    )
    expect(read(hostile).href).to.match(
      /^https:\/\/x\.com\/intent\/post\?[\w.*+%-]+=[\w.*+%-]+&url=[\w.*+%-]+$/,
    )
  })

  it('is short enough to be sent, and never cut in the middle of a character', () => {
    for (const character of ['a', '漢', '🦊']) {
      const text = read(character.repeat(500)).searchParams.get('text') ?? ''

      // Those of the prompt count twice at most; an address counts for 23, and a space parts it from the text.
      const prompt = [...(/“(.*)”/.exec(text)?.[1] ?? '')]
      expect(prompt).to.have.length(100)
      expect(prompt.length * 2 + [...text].length - prompt.length + 24, character).to.be.at.most(280)
      // Half a character cannot be written into an address; it would have become this one.
      expect(text, character).not.to.include('\uFFFD')
    }
  })
})

describe('the pictures that are kept', () => {
  const drawing = (index: number, part: Partial<Drawing> = {}): Drawing => ({
    id: String(index),
    model: 'image',
    at: index,
    input: '{}',
    state: 'done',
    ...part,
  })

  it('of a model come newest first, and past fifty the oldest go; one that is being drawn stays', () => {
    const many = Array.from({ length: MOST_KEPT + 2 }, (_, index) => drawing(index))
    const drawings = [drawing(900, { model: 'other' }), drawing(-1, { state: 'drawing' }), ...many]

    expect(ofModel(drawings, 'image')[0]?.id).to.equal(String(MOST_KEPT + 1))
    expect(outgrown(drawings, 'image').map(({ id }) => id)).to.deep.equal(['0', '1'])
    expect(outgrown(drawings, 'other')).to.deep.equal([])
  })

  it('one that is shared stays with the secret that deletes its page, and takes no other one’s place', () => {
    const share = { id: 's', secret: 'x' }
    const many = Array.from({ length: MOST_KEPT + 1 }, (_, index) => drawing(index + 1))

    expect(outgrown([drawing(0, { share }), ...many], 'image').map(({ id }) => id)).to.deep.equal(['1'])
    expect(
      outgrown(
        many.map((each) => ({ ...each, share })),
        'image',
      ),
    ).to.deep.equal([])
  })
})

describe('the proof of a shared picture', () => {
  const NAMES = ['request', 'bytes', 'price', 'node', 'router']
  const verdicts = (checks: Parameters<typeof provenOf>[0]) =>
    provenOf(checks).map(({ check, verdict }) => [check.name, verdict])

  it('says what holds and what does not', () => {
    const checks = [yes('pinned', ''), ...NAMES.map((name) => yes(name, '')), no('settled', 'not yet')]
    const wrong = checks.map((each) => (each.name === 'bytes' ? no('bytes', 'others') : each))

    expect(verdicts(checks)).to.deep.equal(NAMES.map((name) => [name, 'holds']))
    expect(verdicts(wrong)[1]).to.deep.equal(['bytes', 'fails'])
  })

  it('names what ended it, and of what was not checked says no more than that', () => {
    for (const name of ['ledger', 'chain', 'receipt']) {
      expect(verdicts([yes('pinned', ''), no(name, 'another')])).to.deep.equal([
        [name, 'fails'],
        ...NAMES.map((each) => [each, 'open']),
      ])
    }
    const ended = verdicts([yes('pinned', ''), no('router', 'another')])
    expect(ended).to.deep.equal(NAMES.map((name) => [name, name === 'router' ? 'fails' : 'open']))
    expect(verdicts([unchecked('bytes', 'not given')])[1]).to.deep.equal(['bytes', 'open'])
  })
})
