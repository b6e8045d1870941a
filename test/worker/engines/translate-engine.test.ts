import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Tokenizer } from '@huggingface/tokenizers'
import { expect } from 'chai'
import { dataTypeOf, Graph } from '../../../pods/training/graph.ts'
import type { Manifest } from '../../../sdk/protocol/manifest.ts'
import { draw } from '../../../worker/engines/chat/sampler.ts'
import type { Engine } from '../../../worker/engines/engine.ts'
import { InferenceSession, Tensor } from '../../../worker/engines/onnx.ts'
import { loadTranslate } from '../../../worker/engines/translate/load.ts'
import { loadTokens } from '../../../worker/engines/translate/tokens.ts'
import { refusal } from '../../sdk/refusal.ts'
import { bytesOf, listen, openShipped, podOf, type Shipped } from './shipped.ts'

const POD = podOf('translate')
const REQUEST = { text: 'Where is the station?', from: 'en', to: 'de' }
const RED = { text: 'My sister buys a red hat at the market today.', from: 'en', to: 'de' }

describe('the translate engine on the shipped pod', function () {
  this.timeout(600_000)
  let shipped: Shipped
  let manifest: Manifest
  let engine: Engine
  let tokenizer: Tokenizer

  before(async () => {
    shipped = await openShipped('translate', loadTranslate)
    ;({ manifest, engine, tokenizer } = shipped)
  })
  after(() => shipped.close())

  const say = (request: unknown, { on = engine, stopAfter }: { on?: Engine; stopAfter?: number } = {}) =>
    listen(on, request, stopAfter)

  it('says which of the manifest’s providers ran the model', () => {
    expect(manifest.resources.providers).to.include(engine.provider)
  })

  it('streams the translation in pieces and ends with one finish line', async () => {
    const { events, text, raw, complete } = await say(RED)

    expect(text).to.equal('Meine Schwester kauft heute einen roten Hut auf dem Markt.')
    expect(events.length).to.be.greaterThan(5)
    expect(events.at(-1)).to.deep.equal({ finish: 'stop' })
    expect(events.slice(0, -1).every((event) => 'text' in event && event.text !== '')).to.equal(true)
    expect(raw.endsWith('\n')).to.equal(true)
    expect(complete).to.equal(true)
  })

  it('counts the source with its two marks, and every drawn token with the end mark', async () => {
    const { unitsIn, unitsOut, text } = await say(RED)
    const tokens = (words: string) => tokenizer.encode(words, { add_special_tokens: false }).ids.length

    expect(unitsIn).to.equal(BigInt(tokens(RED.text) + 2))
    expect(unitsOut).to.equal(BigInt(tokens(text) + 1))
  })

  it('the same request gives the same bytes and the same evidence, whatever runs beside it', async () => {
    const alone = await say(RED)
    const together = await Promise.all([say(RED), say(REQUEST), say({ ...RED, to: 'fr' }), say(RED)])

    for (const { raw, evidence } of [together[0], together[3]]) {
      expect(raw).to.equal(alone.raw)
      expect(evidence).to.deep.equal(alone.evidence)
    }
    expect(together[2].raw).to.not.equal(alone.raw)
  })

  it('an abort stops between two tokens and keeps what was said', async () => {
    const whole = await say(RED)
    const { events, text, complete, unitsOut } = await say(RED, { stopAfter: 3 })

    expect(complete).to.equal(false)
    expect(events).to.have.length(3)
    expect(whole.text.startsWith(text)).to.equal(true)
    expect(unitsOut < whole.unitsOut).to.equal(true)
  })

  it('an abort before the start computes nothing', async () => {
    const work = await engine.run(bytesOf(RED), {
      emit: () => expect.fail('something was emitted'),
      signal: AbortSignal.abort(),
    })

    expect(work).to.include({ unitsOut: 0n, complete: false })
  })

  it('the pod’s limit ends a translation with finish length', async () => {
    const short = await loadTranslate(POD, { ...manifest, limits: { ...manifest.limits, outputUnits: 3 } })

    const { events, unitsOut, text } = await say(RED, { on: short })
    await short.close()

    expect(unitsOut).to.equal(3n)
    expect(events.at(-1)).to.deep.equal({ finish: 'length' })
    expect((await say(RED)).text.startsWith(text)).to.equal(true)
  })

  it('one prefill over the drawn tokens finds the log-probabilities that the evidence commits to', async () => {
    const { evidence, unitsIn } = await say(RED)
    const view = new DataView(evidence.buffer, evidence.byteOffset)
    const count = view.getUint32(8)
    const rows = Array.from({ length: count }, (_, i) => 13 + 72 * i)
    const logits = await wholeLogits(rows.map((row) => view.getUint32(row)))

    expect(new TextDecoder().decode(evidence.slice(0, 4))).to.equal('HTE1')
    expect(BigInt(view.getUint32(4))).to.equal(unitsIn)
    expect(count).to.be.greaterThan(5)
    for (const [i, row] of rows.entries()) {
      const again = draw(logits(i + 1), i, { temperature: 0, topP: 1, seed: 0 })
      expect(again.token).to.equal(view.getUint32(row))
      expect(again.logprob).to.be.closeTo(view.getFloat32(row + 4), 1e-4)
      for (const [k, likely] of again.top.entries()) {
        expect(likely.logprob).to.be.closeTo(view.getFloat32(row + 12 + 8 * k), 1e-3)
      }
    }
  })

  /** Both graphs at once, without any cache: the source, then start, language and all drawn tokens. */
  async function wholeLogits(drawn: readonly number[]): Promise<(position: number) => Float32Array> {
    const open = (name: string) => InferenceSession.create(join(POD, 'model/onnx', `${name}.onnx`))
    const [encoder, decoder] = [await open('encoder_model'), await open('decoder_model_merged')]
    const tokens = await loadTokens(join(POD, 'model'))
    const source = tokens.source(RED.text, RED.from)
    const int64 = (ids: readonly number[]) =>
      new Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length])
    const mask = int64(source.map(() => 1))
    const { last_hidden_state: states } = await encoder.run({
      input_ids: int64(source),
      attention_mask: mask,
    })
    const empty = decoder.inputNames
      .filter((name) => name.startsWith('past_key_values.'))
      .map((name) => [name, new Tensor('float32', new Float32Array(0), [1, 4, 0, 32])] as const)
    const { logits } = await decoder.run({
      ...Object.fromEntries(empty),
      input_ids: int64([...tokens.opening(RED.to), ...drawn]),
      encoder_attention_mask: mask,
      encoder_hidden_states: states as Tensor,
    })
    await Promise.all([encoder.release(), decoder.release()])
    const [width, data] = [logits?.dims.at(-1) ?? 0, logits?.data as Float32Array]
    return (position) => data.subarray(position * width, (position + 1) * width)
  }

  it('a text longer than the pod reads is refused with both numbers', async () => {
    const error = await refusal(say({ ...RED, text: 'zq '.repeat(200) }))

    expect(error).to.include({ code: 'input.too_long', kind: 'refused', field: 'text' })
    expect(error.details?.most).to.equal(128)
  })

  const wrong: [string, unknown, string][] = [
    ['no text', { from: 'en', to: 'de' }, 'text'],
    ['a text of blanks', { ...RED, text: '  ' }, 'text'],
    ['no language', { text: 'Hello', from: 'en' }, 'to'],
    ['an unknown language', { ...RED, to: 'es' }, 'to'],
    ['an unknown source', { ...RED, from: 'es' }, 'from'],
    ['one language twice', { ...RED, to: 'en' }, 'to'],
    ['a mark for a language', { ...RED, to: '__de__' }, 'to'],
    ['an unknown field', { ...RED, temperature: 1 }, 'temperature'],
  ]
  for (const [what, request, field] of wrong) {
    it(`${what} is refused, and the field is named`, async () => {
      expect(await refusal(say(request))).to.include({ code: 'input.invalid', kind: 'refused', field })
    })
  }

  it('an unknown language is told which ones there are', async () => {
    expect((await refusal(say({ ...RED, to: 'es' }))).fix).to.include('en, de, fr')
  })

  it('a decoder with a cache branch, NLLB’s marks and float16 caches drops in', async () => {
    const folder = await variant('branch', async (model) => {
      await writeFile(join(model, 'onnx/decoder_model_merged.onnx'), branchingGraph())
      const file = join(model, 'tokenizer.json')
      const text = await readFile(file, 'utf8')
      await writeFile(file, text.replaceAll('__en__', 'eng_Latn').replaceAll('__de__', 'deu_Latn'))
    })
    const branch = await loadTranslate(folder, {
      ...manifest,
      limits: { ...manifest.limits, outputUnits: 4 },
    })

    const { unitsOut, events } = await say(
      { text: 'Hello', from: 'eng_Latn', to: 'deu_Latn' },
      { on: branch },
    )
    await branch.close()

    // It says 5 without a cache and 6 with one; neither is an end.
    expect(unitsOut).to.equal(4n)
    expect(events.at(-1)).to.deep.equal({ finish: 'length' })
  })

  const broken: Record<string, [tells: string, (model: string) => Promise<void>]> = {
    'no decoder': ['decoder_model_merged', (model) => rm(join(model, 'onnx/decoder_model_merged.onnx'))],
    'a decoder of another layout': [
      'is no decoder of translations',
      (model) => cp(join(model, 'onnx/encoder_model.onnx'), join(model, 'onnx/decoder_model_merged.onnx')),
    ],
    'no end mark': [
      'eos_token_id',
      async (model) => {
        await writeFile(join(model, 'generation_config.json'), '{}')
        await writeFile(join(model, 'config.json'), '{"max_position_embeddings":128}')
      },
    ],
    'no languages': [
      'fewer than two languages',
      async (model) => {
        const file = join(model, 'tokenizer.json')
        await writeFile(file, (await readFile(file, 'utf8')).replace(/__(de|fr)__/g, 'XX$1'))
      },
    ],
  }
  for (const [what, [tells, breakIt]] of Object.entries(broken)) {
    it(`a folder with ${what} is not served, and is told why`, async () => {
      const folder = await variant(what.replaceAll(' ', '-'), breakIt)

      const error = await loadTranslate(folder, manifest).catch((cause: unknown) => cause)

      expect(error).to.be.instanceOf(Error)
      expect(String(error)).to.include(tells)
    })
  }

  async function variant(name: string, change: (model: string) => Promise<void>): Promise<string> {
    const folder = join(shipped.scratch, name)
    await cp(POD, folder, { recursive: true })
    await change(join(folder, 'model'))
    return folder
  }
})

/** Says token 5 at its first run and 6 afterwards, as `use_cache_branch` tells it, and hands its caches on. */
function branchingGraph(): Uint8Array {
  const graph = new Graph('branching')
  graph.input('input_ids', 'int64', ['batch_size', 'decoder_sequence_length'])
  graph.input('use_cache_branch', 'bool', [1])
  for (const of of ['decoder', 'encoder']) {
    const dims = ['batch_size', 1, `past_${of}_sequence_length`, 2]
    const past = graph.input(`past_key_values.0.${of}.key`, 'float16', dims)
    graph.output(past, `present.0.${of}.key`, 'float16', dims)
  }
  const which = graph.node('Where', ['use_cache_branch', graph.ints([6]), graph.ints([5])])
  const same = graph.node('Add', [graph.node('Mul', ['input_ids', graph.ints([0], [])]), which])
  const values = graph.floats(Float32Array.of(0, 1), [2])
  const hot = graph.node('OneHot', [same, graph.ints([8], []), values], { axis: -1 })
  const logits = graph.node('Cast', [hot], { to: dataTypeOf('float32') })
  graph.output(logits, 'logits', 'float32', ['batch_size', 'decoder_sequence_length', 8])
  return graph.encode()
}
