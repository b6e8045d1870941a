import { setImmediate as otherWork } from 'node:timers/promises'
import { type InferenceSession, Tensor } from '../onnx.ts'
import type { ImageConfig } from './config.ts'
import { gaussian } from './noise.ts'
import type { ImageRequest } from './request.ts'
import { eulerStep, noiseLevels } from './schedule.ts'

/** The two networks of a text-to-image pod. Both take a batch of two: with the prompt and without it. */
export interface Networks {
  textEncoder: InferenceSession
  transformer: InferenceSession
}

/** The state after one more step; the last one is the picture, from -1 to 1, channel-major. */
export interface Progress {
  step: number
  state: Float32Array
}

/**
 * Makes one picture: the seed's noise first (step 0), then one state per denoising step. The caller may stop between
 * two steps by leaving the loop.
 */
export async function* paint(
  networks: Networks,
  config: ImageConfig,
  request: ImageRequest,
): AsyncGenerator<Progress> {
  const text = await encodePrompt(networks.textEncoder, request)
  let state = gaussian(request.seed, 0, config.channels * config.sampleSize ** 2)
  yield { step: 0, state }

  for (let step = 0; step < request.steps; step++) {
    state = await denoisingStep(networks.transformer, config, request, text, step, state)
    yield { step: step + 1, state }
    // A run holds the thread; between two of them everything else (an abort, a heartbeat) gets its turn.
    await otherWork()
  }
}

/**
 * The state after step number `step` (from 0), from the state before it. It needs nothing of the other steps, so a
 * verifier repeats any one of them alone.
 */
export async function denoisingStep(
  transformer: InferenceSession,
  { channels, sampleSize, scheduler }: ImageConfig,
  { steps, guidance }: ImageRequest,
  text: Tensor,
  step: number,
  state: Float32Array,
): Promise<Float32Array> {
  const levels = noiseLevels(steps, scheduler.shift)
  const [from = 1, to = 0] = [levels[step], levels[step + 1]]
  const twice = new Float32Array(2 * state.length)
  twice.set(state, 0)
  twice.set(state, state.length)
  const { out_sample } = await transformer.run({
    sample: new Tensor('float32', twice, [2, channels, sampleSize, sampleSize]),
    timestep: new Tensor('float32', Float32Array.of(from, from), [2]),
    encoder_hidden_states: text,
  })
  return eulerStep(state, floatsOf(out_sample), from, to, guidance)
}

/** The prompt's ids and, beside them, those of what is not wanted, or silence: guidance leads from these to those. */
export async function encodePrompt(
  encoder: InferenceSession,
  { ids, negative }: Pick<ImageRequest, 'ids' | 'negative'>,
): Promise<Tensor> {
  const both = BigInt64Array.from([...ids, ...negative], BigInt)
  const { last_hidden_state } = await encoder.run({ input_ids: new Tensor('int64', both, [2, ids.length]) })
  if (last_hidden_state === undefined) throw new TypeError('the text encoder has no last_hidden_state')
  return last_hidden_state
}

function floatsOf(tensor: Tensor | undefined): Float32Array {
  if (!(tensor?.data instanceof Float32Array))
    throw new TypeError('the transformer has no float32 out_sample')
  return tensor.data
}
