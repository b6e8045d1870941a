import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Tokenizer } from '@huggingface/tokenizers'
import { expect } from 'chai'
import { dataTypeOf, Graph } from '../../../pods/training/graph.ts'
import { type EmbedOutput, embedOutputSchema } from '../../../sdk/documents.ts'
import type { Manifest } from '../../../sdk/protocol/manifest.ts'
import { meanOf } from '../../../worker/engines/embed/encoder.ts'
import { loadEmbed } from '../../../worker/engines/embed/load.ts'
import type { Engine, Work } from '../../../worker/engines/engine.ts'
import { refusal } from '../../sdk/refusal.ts'
import { bytesOf, openShipped, podOf, type Shipped } from './shipped.ts'

const POD = podOf('embed')
const TEXTS = ['What is a voucher?', 'Which colour is a plum?', 'What is 3 + 4?']

describe('the embed engine on the shipped pod', function () {
  this.timeout(600_000)
  let manifest: Manifest
  let engine: Engine
  let tokenizer: Tokenizer
  let scratch: string
  let shipped: Shipped

  before(async () => {
    shipped = await openShipped('embed', loadEmbed)
    ;({ manifest, engine, tokenizer, scratch } = shipped)
  })
  after(() => shipped.close())

  async function ask(request: unknown, on = engine): Promise<Work & { raw: string; said: EmbedOutput }> {
    const parts: string[] = []
    const emit = (bytes: Uint8Array) => void parts.push(new TextDecoder().decode(bytes))
    const work = await on.run(bytesOf(request), { emit, signal: new AbortController().signal })
    const raw = parts.join('')
    return { ...work, raw, said: embedOutputSchema.parse(JSON.parse(raw)) }
  }

  it('says which of the manifest’s providers ran the model', () => {
    expect(manifest.resources.providers).to.include(engine.provider)
  })

  it('answers one line with a vector of length 1 per text, in their order', async () => {
    const { raw, said, complete } = await ask({ input: TEXTS })
    const alone = await Promise.all(TEXTS.map((input) => ask({ input })))

    expect(raw.endsWith(']}\n')).to.equal(true)
    expect(complete).to.equal(true)
    expect(said.embeddings).to.deep.equal(alone.flatMap(({ said }) => said.embeddings))
    for (const vector of said.embeddings) expect(Math.hypot(...vector)).to.be.closeTo(1, 1e-5)
  })

  it('counts the tokens of all texts in, and nothing out', async () => {
    const tokens = TEXTS.reduce((sum, text) => sum + tokenizer.encode(text).ids.length, 0)

    expect(await ask({ input: TEXTS })).to.include({ unitsIn: BigInt(tokens), unitsOut: 0n })
  })

  it('commits to every vector before it was rounded', async () => {
    const { evidence, said } = await ask({ input: TEXTS })
    const view = new DataView(evidence.buffer, evidence.byteOffset)
    const width = said.embeddings[0]?.length ?? 0

    expect(new TextDecoder().decode(evidence.slice(0, 4))).to.equal('HEE1')
    expect([view.getUint32(4), view.getUint32(8)]).to.deep.equal([TEXTS.length, width])
    expect(evidence.length).to.equal(12 + TEXTS.length * (4 + 4 * width))
    for (const [i, vector] of said.embeddings.entries()) {
      const at = 12 + i * (4 + 4 * width)
      expect(view.getUint32(at)).to.equal(tokenizer.encode(TEXTS[i] ?? '').ids.length)
      for (const [k, value] of vector.entries()) {
        expect(value).to.be.closeTo(view.getFloat32(at + 4 + 4 * k), 5.1e-7)
      }
    }
  })

  it('the same request gives the same bytes and the same evidence', async () => {
    const [one, again] = [await ask({ input: TEXTS }), await ask({ input: TEXTS })]

    expect(again.raw).to.equal(one.raw)
    expect(again.evidence).to.deep.equal(one.evidence)
  })

  it('an abort before the start computes nothing and emits nothing', async () => {
    const work = await engine.run(bytesOf({ input: TEXTS }), {
      emit: () => expect.fail('something was emitted'),
      signal: AbortSignal.abort(),
    })

    expect(work).to.include({ unitsIn: 0n, unitsOut: 0n, complete: false })
  })

  it('an abort between two texts counts the texts that were read', async () => {
    const abort = new AbortController()
    const running = engine.run(bytesOf({ input: new Array<string>(256).fill(TEXTS[0] ?? '') }), {
      emit: () => expect.fail('something was emitted'),
      signal: abort.signal,
    })
    setTimeout(() => abort.abort(), 5)
    const { unitsIn, complete } = await running

    expect(complete).to.equal(false)
    expect(unitsIn < BigInt(256 * tokenizer.encode(TEXTS[0] ?? '').ids.length)).to.equal(true)
  })

  it('a text longer than the model reads is refused with its place and both numbers', async () => {
    const long = 'zq '.repeat(400)
    const error = await refusal(ask({ input: ['short', long] }))

    expect(error).to.include({ code: 'input.too_long', kind: 'refused', field: 'input.1' })
    expect(error.details).to.deep.equal({
      tokens: tokenizer.encode(long).ids.length,
      most: 256,
    })
  })

  it('more tokens in all than the pod reads are refused', async () => {
    const narrow = await loadEmbed(POD, { ...manifest, limits: { ...manifest.limits, inputUnits: 10 } })

    const error = await refusal(ask({ input: TEXTS }, narrow))
    await narrow.close()

    expect(error).to.include({ code: 'input.too_long', field: 'input' })
    expect(error.details?.most).to.equal(10)
  })

  const wrong: [string, unknown, string][] = [
    ['no text', {}, 'input'],
    ['an empty text', { input: '' }, 'input'],
    ['no texts', { input: [] }, 'input'],
    ['an unknown field', { input: 'a', model: 'b' }, 'model'],
  ]
  for (const [what, request, field] of wrong) {
    it(`${what} is refused, and the field is named`, async () => {
      expect(await refusal(ask(request))).to.include({ code: 'input.invalid', kind: 'refused', field })
    })
  }

  it('too many bytes are refused before they are read', async () => {
    expect(await refusal(ask({ input: 'a'.repeat(manifest.limits.inputBytes) }))).to.include({
      code: 'input.too_large',
    })
  })

  it('an export with token types drops in; one of another layout is told', async () => {
    for (const [name, graph] of [
      ['bert', countingGraph('token_type_ids')],
      ['strange', countingGraph('pixel_values')],
    ] as const) {
      await cp(POD, join(scratch, name), { recursive: true })
      await writeFile(join(scratch, name, 'model/onnx/model.onnx'), graph)
    }

    const bert = await loadEmbed(join(scratch, 'bert'), manifest)
    const { said } = await ask({ input: 'What is a pod?' }, bert)
    await bert.close()
    const error = await loadEmbed(join(scratch, 'strange'), manifest).catch((cause: unknown) => cause)

    // Its only channel is positive: a vector of one number and length 1.
    expect(said.embeddings).to.deep.equal([[1]])
    expect(error).to.include({ code: 'provider.none' })
    expect(String(error)).to.include('is no encoder of texts')
  })

  it('the mean of the tokens is taken over tokens, not over channels', () => {
    expect([...meanOf(Float32Array.of(1, 2, 5, 6), 2)]).to.deep.equal(
      [6 / 10, 8 / 10].map((value) => Math.fround(value)),
    )
    expect(() => meanOf(new Float32Array(4), 2)).to.throw('no length')
  })
})

/** Says of every token its number and one more, in one channel. */
function countingGraph(third: string): Uint8Array {
  const graph = new Graph('counting')
  const dims = ['batch_size', 'sequence_length']
  for (const name of ['input_ids', 'attention_mask', third]) graph.input(name, 'int64', dims)
  const sum = graph.node('Add', ['input_ids', graph.node('Add', ['attention_mask', third])])
  const column = graph.node('Unsqueeze', [
    graph.node('Cast', [sum], { to: dataTypeOf('float32') }),
    graph.ints([2]),
  ])
  graph.output(column, 'last_hidden_state', 'float32', [...dims, 1])
  return graph.encode()
}
