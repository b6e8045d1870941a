import { join } from 'node:path'
import { expect } from 'chai'
import { Graph } from '../../../pods/training/graph.ts'
import { HeuristError } from '../../../sdk/errors.ts'
import { Decoder } from '../../../worker/engines/chat/decoder.ts'
import type { Provider } from '../../../worker/engines/engine.ts'
import { loaderOf } from '../../../worker/engines/index.ts'
import type { InferenceSession } from '../../../worker/engines/onnx.ts'
import { chooseProvider, heavyProviders } from '../../../worker/engines/provider.ts'

const MODEL = join(import.meta.dirname, '../../../pods/chat/model/onnx/model.onnx')

async function warm(options: InferenceSession.SessionOptions): Promise<Decoder> {
  const decoder = await Decoder.open(MODEL, options)
  await decoder.read([1, 2], decoder.newCache(), async () => true)
  return decoder
}

describe('choosing an execution provider', function () {
  this.timeout(600_000)

  it('a model that the CPU may run always finds one, and the better ones are tried first', async () => {
    const tried: Provider[] = []

    const { provider, model } = await chooseProvider(
      { allowed: ['cpu', 'webgpu', 'cuda'], bytes: 1 },
      (options, name) => {
        tried.push(name)
        return warm(options)
      },
    )

    const order: Provider[] = ['cuda', 'webgpu', 'cpu']
    // A GPU that is believed ran twice: with its profile, then to serve.
    const distinct = [...new Set(tried)]
    expect(distinct).to.deep.equal(
      order.slice(0, order.indexOf(provider) + 1).filter((one) => distinct.includes(one)),
    )
    expect(tried.at(-1)).to.equal(provider)
    await model.close()
  })

  it('the profile of a warm-up names the provider that ran the heavy operators', async () => {
    const used = await heavyProviders({ executionProviders: ['cpu'] }, 'cpu', warm)

    expect([...used]).to.deep.equal(['CPUExecutionProvider'])
  })

  it('a GPU that left the work to the CPU is not believed', async () => {
    let closed = 0
    const pretender = async (options: InferenceSession.SessionOptions) => {
      const decoder = await warm({ ...options, executionProviders: ['cpu'] })
      const close = decoder.close.bind(decoder)
      decoder.close = () => {
        closed += 1
        return close()
      }
      return decoder
    }

    const error = await chooseProvider({ allowed: ['cuda'], bytes: 1 }, pretender).catch(
      (cause: unknown) => cause,
    )

    expect(error).to.be.instanceOf(HeuristError).and.to.include({ code: 'provider.none', kind: 'refused' })
    expect((error as Error).message).to.include('cuda: the warm-up ran on CPUExecutionProvider')
    expect(closed).to.equal(1)
  })

  it('without any that runs it, the error says what each attempt said', async () => {
    const failing = async (_: InferenceSession.SessionOptions, provider: Provider): Promise<Decoder> => {
      throw new Error(`no ${provider} today`)
    }

    const error = await chooseProvider({ allowed: ['webgpu', 'cpu'], bytes: 1 }, failing).catch(
      (cause: unknown) => cause,
    )

    expect((error as Error).message).to.include('webgpu: no webgpu today; cpu: no cpu today')
  })

  it('one engine per kind; a kind without one is refused', async () => {
    expect(await loaderOf('chat')).to.be.a('function')
    expect(await loaderOf('image')).to.be.a('function')
    const error = await loaderOf('prove').catch((cause: unknown) => cause)
    expect(error).to.include({ code: 'engine.unknown', kind: 'refused' })
  })

  it('a graph without an input the layout knows is refused as broken', async () => {
    const graph = new Graph('none')
    graph.output(graph.input('input_ids', 'int64', [1]), 'logits', 'int64', [1])
    const opened = Decoder.open(graph.encode() as unknown as string, {}).catch((cause: unknown) => cause)

    expect(await opened).to.include({ code: 'pod.broken' })
  })
})
