import { expect } from 'chai'
import { HeuristError } from '../../../sdk/errors.ts'
import type { Manifest } from '../../../sdk/protocol/manifest.ts'
import type { ImageConfig } from '../../../worker/engines/image/config.ts'
import { requestParser } from '../../../worker/engines/image/request.ts'
import { Vocabulary } from '../../../worker/engines/image/words.ts'

describe('the request of an image', () => {
  const config: ImageConfig = {
    pipeline: 'text-to-image',
    sampleSize: 64,
    channels: 3,
    maxWords: 6,
    scheduler: { type: 'flow-match-euler', predictionType: 'sample', shift: 1 },
    sizes: ['64x64', '256x256'],
    subjects: { shape: ['circle'], colour: ['red', 'blue'] },
  }
  const manifest: Manifest = {
    name: 'image',
    version: '1.0.0',
    kind: 'image',
    description: 'pictures',
    files: [{ path: 'model/config.json', sha256: '0'.repeat(64), bytes: 1 }],
    resources: { memoryMiB: 1, vramMiB: 1, providers: ['cpu'] },
    pricing: { unit: 'step', per: 1, input: 0, output: 1, minimum: 1 },
    limits: { inputBytes: 400, inputUnits: 0, outputUnits: 20, outputBytes: 1000, seconds: 10 },
    defaults: { steps: 8, guidance: 2, size: '256x256' },
    validation: { method: 'latent-steps' },
    scaling: { idleSeconds: 1 },
  }
  const vocabulary = new Vocabulary({ '<silence>': 0, a: 1, red: 2, circle: 3, on: 4, blue: 5 })
  const parse = requestParser(manifest, config, vocabulary)
  const bytes = (value: unknown) =>
    new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))

  const errorOf = (input: Uint8Array): HeuristError => {
    try {
      parse(input)
    } catch (error) {
      if (error instanceof HeuristError) return error
      throw error
    }
    throw new Error('nothing was refused')
  }

  it('a prompt alone gets the manifest’s defaults, its words as ids and silence behind them', () => {
    const request = parse(bytes({ prompt: 'A Red circle, ON blue!' }))

    expect(request).to.include({ steps: 8, guidance: 2, size: '256x256' })
    expect(request.ids).to.deep.equal([1, 2, 3, 4, 5, 0])
  })

  it('every field the client sends wins over the default', () => {
    const request = parse(bytes({ prompt: 'red', seed: 0, steps: 20, guidance: 0, size: '64x64' }))

    expect(request).to.include({ seed: 0, steps: 20, guidance: 0, size: '64x64' })
  })

  it('a negative prompt is read where the manifest names one of its own, and is no field elsewhere', () => {
    const defaults = { ...manifest.defaults, negative_prompt: 'blue' }
    const both = requestParser({ ...manifest, defaults }, config, vocabulary)

    expect(parse(bytes({ prompt: 'red' })).negative).to.deep.equal([0, 0, 0, 0, 0, 0])
    expect(errorOf(bytes({ prompt: 'red', negative_prompt: 'blue' })).field).to.equal('negative_prompt')
    expect(both(bytes({ prompt: 'red' })).negative).to.deep.equal([5, 0, 0, 0, 0, 0])
    expect(both(bytes({ prompt: 'red', negative_prompt: 'a circle' })).negative).to.deep.equal([
      1, 3, 0, 0, 0, 0,
    ])
    expect(both(bytes({ prompt: 'red', negative_prompt: '' })).negative).to.deep.equal([0, 0, 0, 0, 0, 0])
    expect(() => both(bytes({ prompt: 'red', negative_prompt: 'a '.repeat(7) })))
      .to.throw(HeuristError)
      .with.property('field', 'negative_prompt')
  })

  it('where the manifest names the sizes, those are taken and no others', () => {
    const few = requestParser({ ...manifest, choices: { size: ['256x256', '64x256'] } }, config, vocabulary)

    expect(few(bytes({ prompt: 'red', size: '64x256' })).size).to.equal('64x256')
    expect(() => few(bytes({ prompt: 'red', size: '64x64' })))
      .to.throw(HeuristError)
      .with.property('field', 'size')
  })

  it('without a seed the input bytes decide: same bytes, same seed, others, another', () => {
    const seed = (prompt: string) => parse(bytes({ prompt })).seed

    // First four bytes of sha-256 of {"prompt":"red"}, from another implementation (sha256sum).
    expect(seed('red')).to.equal(57012687)
    expect(seed('red')).to.not.equal(seed('blue'))
  })

  it('words it does not know are passed over', () => {
    expect(parse(bytes({ prompt: 'a shimmering red circle on Mars' })).ids).to.deep.equal([1, 2, 3, 4, 0, 0])
  })

  it('a prompt that names nothing the pod can draw is refused and told what it can', () => {
    for (const prompt of ['', '   ', 'on a', 'une maison', '赤い丸']) {
      const error = errorOf(bytes({ prompt }))
      expect(error).to.include({ code: 'input.invalid', kind: 'refused', field: 'prompt' })
      expect(error.fix).to.include('circle').and.to.include('blue')
    }
  })

  it('more known words than the model reads are refused, not cut', () => {
    expect(errorOf(bytes({ prompt: 'a red circle on a blue circle' }))).to.include({
      code: 'input.too_long',
      field: 'prompt',
    })
  })

  const WRONG: [field: string, value: unknown][] = [
    ['', '{"prompt":'],
    ['', '[]'],
    ['', 'null'],
    ['prompt', {}],
    ['prompt', { prompt: 7 }],
    ['seed', { prompt: 'red', seed: -1 }],
    ['seed', { prompt: 'red', seed: 2 ** 32 }],
    ['seed', { prompt: 'red', seed: 1.5 }],
    ['seed', { prompt: 'red', seed: '1' }],
    ['steps', { prompt: 'red', steps: 0 }],
    ['steps', { prompt: 'red', steps: 21 }],
    ['guidance', { prompt: 'red', guidance: -0.1 }],
    ['guidance', { prompt: 'red', guidance: 11 }],
    ['size', { prompt: 'red', size: '100x100' }],
    ['size', { prompt: 'red', size: 256 }],
    ['n', { prompt: 'red', n: 2 }],
  ]
  for (const [field, value] of WRONG) {
    it(`${JSON.stringify(value)} is refused naming ${field || 'the request'}`, () => {
      const error = errorOf(bytes(value))

      expect(error).to.include({ code: 'input.invalid', kind: 'refused', field })
      expect(error.fix).to.be.a('string')
    })
  }

  it('bytes that are not UTF-8 are refused', () => {
    expect(errorOf(Uint8Array.of(0x7b, 0xff, 0x7d))).to.include({ code: 'input.invalid', field: '' })
  })

  it('more bytes than the manifest allows are refused before they are read', () => {
    expect(errorOf(bytes({ prompt: `red ${'x'.repeat(400)}` }))).to.include({ code: 'input.too_large' })
  })
})
