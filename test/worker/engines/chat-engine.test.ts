import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { dataTypeOf, Graph } from '../../../pods/training/graph.ts'
import type { Manifest } from '../../../sdk/protocol/manifest.ts'
import { Decoder } from '../../../worker/engines/chat/decoder.ts'
import { loadChat } from '../../../worker/engines/chat/load.ts'
import { draw } from '../../../worker/engines/chat/sampler.ts'
import { loadTokens } from '../../../worker/engines/chat/tokens.ts'
import type { Engine } from '../../../worker/engines/engine.ts'
import { InferenceSession, Tensor } from '../../../worker/engines/onnx.ts'
import { refusal } from '../../sdk/refusal.ts'
import { bytesOf, listen, openShipped, podOf, type Shipped } from './shipped.ts'

const POD = podOf('chat')
const QUESTION = [{ role: 'user' as const, content: 'What is a voucher?' }]
const ANSWER = 'A voucher is the one signature by which a payer allows a router to charge up to a ceiling.'

describe('the chat engine on the shipped pod', function () {
  this.timeout(600_000)
  let shipped: Shipped
  let manifest: Manifest
  let engine: Engine

  before(async () => {
    shipped = await openShipped('chat', loadChat)
    ;({ manifest, engine } = shipped)
  })
  after(() => shipped.close())

  const say = (request: unknown, { on = engine, stopAfter }: { on?: Engine; stopAfter?: number } = {}) =>
    listen(on, request, stopAfter)

  it('says which of the manifest’s providers ran the model', () => {
    expect(manifest.resources.providers).to.include(engine.provider)
  })

  it('streams the answer in pieces and ends with one finish line', async () => {
    const { events, text, raw, complete } = await say({ messages: QUESTION })

    expect(text).to.equal(ANSWER)
    expect(events.length).to.be.greaterThan(10)
    expect(events.at(-1)).to.deep.equal({ finish: 'stop' })
    expect(events.slice(0, -1).every((event) => 'text' in event && event.text !== '')).to.equal(true)
    expect(raw.endsWith('\n')).to.equal(true)
    expect(complete).to.equal(true)
  })

  it('counts the prompt after the chat template, and every drawn token with the end mark', async () => {
    const tokens = await loadTokens(join(POD, 'model'))
    const answered = tokens.prompt([...QUESTION, { role: 'assistant', content: ANSWER }])
    const prompt = tokens.prompt(QUESTION)

    const { unitsIn, unitsOut } = await say({ messages: QUESTION })

    expect(unitsIn).to.equal(BigInt(prompt.length))
    // The conversation with the answer ends in the mark that invites the next one.
    expect(unitsOut).to.equal(BigInt(answered.length - 1 - prompt.length))
  })

  it('max_tokens ends the answer with finish length', async () => {
    const { events, unitsOut, text } = await say({ messages: QUESTION, max_tokens: 5 })

    expect(unitsOut).to.equal(5n)
    expect(events.at(-1)).to.deep.equal({ finish: 'length' })
    expect(ANSWER.startsWith(text)).to.equal(true)
  })

  it('a stop text ends the answer before itself', async () => {
    const { text, events } = await say({ messages: QUESTION, stop: [' by which', 'never'] })

    expect(text).to.equal('A voucher is the one signature')
    expect(events.at(-1)).to.deep.equal({ finish: 'stop' })
  })

  it('the same request gives the same bytes; with temperature another seed gives others', async () => {
    const request = { messages: QUESTION, temperature: 2, max_tokens: 40 }

    const runs = await Promise.all([
      say({ ...request, seed: 1 }),
      say({ ...request, seed: 1 }),
      say({ ...request, seed: 2 }),
    ])

    const [one, again, other] = runs.map(({ raw }) => raw)
    expect(again).to.equal(one)
    expect(other).to.not.equal(one)
    expect(runs[0]?.evidence).to.deep.equal(runs[1]?.evidence)
  })

  it('jobs that run at once do not touch each other', async () => {
    const questions = ['What is a pod?', 'What is the capital of Italy?', 'What is 3 + 4?']
    const request = (content: string) => ({ messages: [{ role: 'user', content }] })
    const alone: string[] = []
    for (const question of questions) alone.push((await say(request(question))).raw)

    const together = await Promise.all(questions.map((question) => say(request(question))))

    expect(together.map(({ raw }) => raw)).to.deep.equal(alone)
  })

  it('an abort stops between two tokens and keeps what was said', async () => {
    const { events, complete, unitsOut, text } = await say({ messages: QUESTION }, { stopAfter: 3 })

    expect(complete).to.equal(false)
    expect(events).to.have.lengthOf(3)
    expect(unitsOut < 8n).to.equal(true)
    expect(ANSWER.startsWith(text)).to.equal(true)
  })

  it('an abort before the start does nothing and counts nothing out', async () => {
    const work = await engine.run(bytesOf({ messages: QUESTION }), {
      emit: () => expect.fail('something was emitted'),
      signal: AbortSignal.abort(),
    })

    expect(work).to.include({ unitsOut: 0n, complete: false })
  })

  it('a slow reader holds the engine back: the next piece waits for the last', async () => {
    let waiting = 0
    let most = 0
    await engine.run(bytesOf({ messages: QUESTION }), {
      emit: async () => {
        waiting += 1
        most = Math.max(most, waiting)
        await new Promise((resolve) => setTimeout(resolve, 1))
        waiting -= 1
      },
      signal: new AbortController().signal,
    })

    expect(most).to.equal(1)
  })

  it('a prompt past the pod’s limit is refused with both numbers', async () => {
    const messages = [{ role: 'user', content: 'zq '.repeat(900) }]

    const error = await refusal(say({ messages }))

    expect(error).to.include({ code: 'input.too_long', kind: 'refused', field: 'messages' })
    expect(error.details?.most).to.equal(manifest.limits.inputUnits)
  })

  it('a bad field is refused before anything is emitted', async () => {
    expect(await refusal(say({ messages: QUESTION, top_p: 7 }))).to.include({
      code: 'input.invalid',
      field: 'top_p',
    })
  })

  it('one prefill over prompt and answer finds the log-probabilities and the draws that the evidence commits to', async () => {
    const request = { messages: QUESTION, temperature: 1, seed: 99, max_tokens: 24 }
    const { evidence } = await say(request)
    const view = new DataView(evidence.buffer, evidence.byteOffset)
    const count = view.getUint32(24)
    const rows = Array.from({ length: count }, (_, i) => 29 + 72 * i)
    const prompt = (await loadTokens(join(POD, 'model'))).prompt(QUESTION)
    const logits = await wholeLogits(join(POD, 'model/onnx/model.onnx'), [
      ...prompt,
      ...rows.map((row) => view.getUint32(row)),
    ])

    expect(count).to.be.greaterThan(5)
    for (const [i, row] of rows.entries()) {
      const again = draw(logits(prompt.length - 1 + i), i, { temperature: 1, topP: 1, seed: 99 })
      expect(again.token).to.equal(view.getUint32(row))
      expect(again.logprob).to.be.closeTo(view.getFloat32(row + 4), 1e-4)
      for (const [k, likely] of again.top.entries()) {
        expect(likely.logprob).to.be.closeTo(view.getFloat32(row + 12 + 8 * k), 1e-4)
      }
    }
  })

  it('a prompt read in chunks leaves the cache as a prompt read at once', async () => {
    const file = join(POD, 'model/onnx/model.onnx')
    const decoder = await Decoder.open(file, { executionProviders: ['cpu'] })
    const ids = Array.from({ length: 600 }, (_, i) => 3 + ((i * 7919) % 1500))
    const cache = decoder.newCache()
    const pauses: number[] = []

    const chunked = await decoder.read(ids, cache, async () => pauses.push(cache.length) > 0)

    const whole = (await wholeLogits(file, ids))(ids.length - 1)
    expect(pauses).to.deep.equal([0, 256, 512])
    expect(cache.length).to.equal(600)
    for (const [i, logit] of whole.entries()) expect(chunked?.[i]).to.be.closeTo(logit, 2e-3)
    await decoder.close()
  })

  it('a float16 export with other head counts and no positions drops in', async () => {
    const folder = await variant('half', (model) =>
      writeFile(join(model, 'onnx/model_fp16.onnx'), echoGraph()),
    )
    const echo = await loadChat(folder, manifest)

    // It answers every token with the next number: after the mark of its turn (2) comes token 3, a byte.
    const { unitsOut, events } = await say({ messages: QUESTION, max_tokens: 4 }, { on: echo })

    expect(unitsOut).to.equal(4n)
    expect(events.at(-1)).to.deep.equal({ finish: 'length' })
    await echo.close()
  })

  it('the context ends an answer that max_tokens would not', async () => {
    const folder = await variant('short', async (model) => {
      await writeFile(join(model, 'onnx/model_fp16.onnx'), echoGraph())
      const config = JSON.parse(await readFile(join(model, 'config.json'), 'utf8')) as Record<string, unknown>
      await writeFile(join(model, 'config.json'), JSON.stringify({ ...config, max_position_embeddings: 20 }))
    })
    const short = await loadChat(folder, manifest)

    const { unitsIn, unitsOut, events } = await say({ messages: QUESTION, max_tokens: 96 }, { on: short })

    expect(unitsIn + unitsOut).to.equal(20n)
    expect(events.at(-1)).to.deep.equal({ finish: 'length' })
    await short.close()
  })

  const broken: Record<string, (model: string) => Promise<void>> = {
    'no model file': async () => {},
    'a graph of another layout': (model) => writeFile(join(model, 'onnx/model.onnx'), strangeGraph()),
    'no end mark': async (model) => {
      await writeFile(join(model, 'onnx/model.onnx'), echoGraph())
      await writeFile(join(model, 'generation_config.json'), '{}')
      await writeFile(join(model, 'config.json'), '{"max_position_embeddings":64}')
    },
    'no chat template': async (model) => {
      await writeFile(join(model, 'onnx/model.onnx'), echoGraph())
      await writeFile(join(model, 'tokenizer_config.json'), '{}')
    },
  }
  for (const [what, breakIt] of Object.entries(broken)) {
    it(`a folder with ${what} does not load, and says why`, async () => {
      const folder = await variant(what.replaceAll(' ', '-'), breakIt)

      const error = await loadChat(folder, manifest).catch((cause: unknown) => cause)

      expect((error as { code: string }).code).to.be.oneOf(['pod.broken', 'provider.none'])
      expect((error as Error).message).to.match(/onnx|eos_token_id|chat template|Llama layout/)
    })
  }

  it('a template in a file of its own is read', async () => {
    const folder = await variant('jinja', async (model) => {
      await cp(join(POD, 'model/onnx/model.onnx'), join(model, 'onnx/model.onnx'))
      const config = JSON.parse(await readFile(join(model, 'tokenizer_config.json'), 'utf8')) as {
        chat_template: string
      }
      await writeFile(join(model, 'chat_template.jinja'), config.chat_template)
      await writeFile(
        join(model, 'tokenizer_config.json'),
        JSON.stringify({ ...config, chat_template: undefined }),
      )
    })
    const other = await loadChat(folder, manifest)

    expect((await say({ messages: QUESTION }, { on: other })).text).to.equal(ANSWER)
    await other.close()
  })

  /** A copy of the pod without its graph, changed by `change`. */
  async function variant(name: string, change: (model: string) => Promise<void>): Promise<string> {
    const folder = join(shipped.scratch, name)
    await mkdir(join(folder, 'model/onnx'), { recursive: true })
    for (const file of ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json']) {
      await cp(join(POD, 'model', file), join(folder, 'model', file))
    }
    await change(join(folder, 'model'))
    return folder
  }
})

/** The logits of one run without a past, read by position. */
async function wholeLogits(
  file: string,
  ids: readonly number[],
): Promise<(position: number) => Float32Array> {
  const session = await InferenceSession.create(file)
  const int64 = (values: readonly number[]) =>
    new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length])
  const empty = () => new Tensor('float32', new Float32Array(0), [1, 4, 0, 32])
  const { logits } = await session.run({
    input_ids: int64(ids),
    attention_mask: int64(ids.map(() => 1)),
    position_ids: int64(ids.map((_, i) => i)),
    ...Object.fromEntries(
      session.inputNames.filter((name) => name.startsWith('past')).map((name) => [name, empty()]),
    ),
  })
  const width = logits?.dims.at(-1) ?? 0
  const data = logits?.data as Float32Array
  return (position) => data.subarray(position * width, (position + 1) * width)
}

/** The smallest graph in the layout: float16 cache of one head of width 2, no positions, logits that say "id + 1". */
function echoGraph(): Uint8Array {
  const graph = new Graph('echo')
  graph.input('input_ids', 'int64', ['batch_size', 'sequence_length'])
  graph.input('attention_mask', 'int64', ['batch_size', 'total_sequence_length'])
  const past = graph.input('past_key_values.0.key', 'float16', ['batch_size', 1, 'past_sequence_length', 2])
  const half = (name: string) => graph.node('Cast', [name], { to: dataTypeOf('float16') })
  const next = graph.node('Add', ['input_ids', graph.ints([1], [])])
  const hot = graph.node('OneHot', [next, graph.ints([1536], []), graph.floats(Float32Array.of(0, 9), [2])], {
    axis: -1,
  })
  graph.output(half(hot), 'logits', 'float16', ['batch_size', 'sequence_length', 1536])
  const column = graph.node('Unsqueeze', [half('input_ids'), graph.ints([1, 3])])
  const pair = graph.node('Concat', [column, column], { axis: 3 })
  const present = graph.node('Concat', [past, pair], { axis: 2 })
  graph.output(present, 'present.0.key', 'float16', ['batch_size', 1, 'total_sequence_length', 2])
  return graph.encode()
}

function strangeGraph(): Uint8Array {
  const graph = new Graph('strange')
  graph.output(graph.input('pixels', 'float32', [1]), 'logits', 'float32', [1])
  return graph.encode()
}
