import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine, LoadEngine, Output, Provider, Work } from '../engine.ts'
import { InferenceSession } from '../onnx.ts'
import { chooseProvider } from '../provider.ts'
import { type ImageConfig, loadConfig } from './config.ts'
import { LatentSteps } from './evidence.ts'
import { type Networks, type Progress, paint } from './painter.ts'
import { toPng } from './picture.ts'
import { type ParseRequest, requestParser } from './request.ts'
import { Vocabulary } from './words.ts'

/** Loads a text-to-image pod: `model/config.json`, `model/tokenizer.json`, `model/onnx/{text_encoder,transformer}.onnx`. */
export const loadImage: LoadEngine = async (podFolder, manifest) => {
  const files = {
    textEncoder: join(podFolder, 'model/onnx/text_encoder.onnx'),
    transformer: join(podFolder, 'model/onnx/transformer.onnx'),
  }
  const [config, vocabulary, ...sizes] = await Promise.all([
    loadConfig(podFolder),
    Vocabulary.load(join(podFolder, 'model/tokenizer.json')),
    ...Object.values(files).map(async (file) => (await stat(file)).size),
  ])
  const choice = { allowed: manifest.resources.providers, bytes: sizes.reduce((sum, size) => sum + size, 0) }
  const { provider, model } = await chooseProvider(choice, async (options) => {
    const networks = new OpenNetworks(
      await InferenceSession.create(files.textEncoder, options),
      await InferenceSession.create(files.transformer, options),
    )
    await warmUp(networks, config)
    return networks
  })
  return new ImageEngine(provider, model, config, requestParser(manifest, config, vocabulary))
}

class OpenNetworks implements Networks {
  constructor(
    readonly textEncoder: InferenceSession,
    readonly transformer: InferenceSession,
  ) {}

  async close(): Promise<void> {
    await this.textEncoder.release()
    await this.transformer.release()
  }
}

/** One step of a picture nobody sees: it proves that the graphs fit the config and fills every cache. */
async function warmUp(networks: Networks, config: ImageConfig): Promise<void> {
  const request = {
    ids: new Array<number>(config.maxWords).fill(0),
    negative: new Array<number>(config.maxWords).fill(0),
    seed: 0,
    steps: 1,
    guidance: 1,
    size: '',
  }
  for await (const _ of paint(networks, config, request));
}

class ImageEngine implements Engine {
  constructor(
    readonly provider: Provider,
    readonly networks: OpenNetworks,
    readonly config: ImageConfig,
    readonly parse: ParseRequest,
  ) {}

  /** Output is one PNG; units are denoising steps; evidence is the Merkle root of the states (see LatentSteps). */
  async run(input: Uint8Array, { emit, signal }: Output): Promise<Work> {
    const request = this.parse(input)
    const states = new LatentSteps()
    let last: Progress = { step: 0, state: new Float32Array() }
    for await (const progress of paint(this.networks, this.config, request)) {
      last = progress
      states.add(progress.state)
      if (signal.aborted) break
    }
    const complete = last.step === request.steps && !signal.aborted
    if (complete) await emit(await toPng(last.state, this.config.sampleSize, request.size))
    return { unitsIn: 0n, unitsOut: BigInt(last.step), complete, evidence: states.root() }
  }

  async close(): Promise<void> {
    await this.networks.close()
  }
}
