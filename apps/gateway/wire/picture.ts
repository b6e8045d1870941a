import { z } from 'zod'
import { refused } from '../../../sdk/errors.ts'
import type { Manifest } from '../../../sdk/protocol/manifest.ts'
import type { ImageInput } from '../images.ts'
import { optional } from './fields.ts'

const side = z.number().int().min(1).max(4096)

/** What `model_input.SD` may hold. The SDK drops every value that is false, zero or empty. */
export const sdSchema = z.strictObject({
  prompt: z.string().max(8000),
  neg_prompt: optional(z.string().max(8000)),
  num_iterations: optional(z.number().int().min(1).max(1000)),
  guidance_scale: optional(z.number().min(0).max(100)),
  width: optional(side),
  height: optional(side),
  /** -1 = random. Beyond 32 bits it is taken modulo 2^32: the same seed still draws the same picture. */
  seed: optional(z.number().int().min(-1).max(Number.MAX_SAFE_INTEGER)),
})
export type SdAsked = z.output<typeof sdSchema>

/** All seven values that an image model of this API is run with. */
export interface Sd {
  prompt: string
  neg_prompt: string
  num_iterations: number
  guidance_scale: number
  width: number
  height: number
  seed: number
}

const defaultsSchema = z.object({
  steps: z.number().int().positive().catch(20),
  guidance: z.number().catch(7),
  size: z
    .string()
    .regex(/^\d{1,4}x\d{1,4}$/)
    .catch('512x512'),
})

/** What an image pod is run with where nothing is said. */
export function defaultsOf(manifest: Manifest) {
  const { size, ...defaults } = defaultsSchema.parse(manifest.defaults)
  const [width = 0, height = 0] = size.split('x').map(Number)
  return { ...defaults, width, height }
}

/**
 * Fills what was not said with the model's defaults. One side alone keeps the proportions of the default size.
 *
 * @param freshSeed  An unsigned 32-bit random number, used only where the caller wants a random picture.
 */
export function filled(asked: SdAsked, manifest: Manifest, freshSeed: number): Sd {
  const { width, height, ...defaults } = defaultsOf(manifest)
  const random = asked.seed === undefined || asked.seed === -1
  return {
    prompt: asked.prompt,
    neg_prompt: asked.neg_prompt ?? '',
    num_iterations: asked.num_iterations ?? defaults.steps,
    guidance_scale: asked.guidance_scale ?? defaults.guidance,
    width: asked.width ?? Math.round(((asked.height ?? height) * width) / height),
    height: asked.height ?? Math.round(((asked.width ?? width) * height) / width),
    seed: random ? freshSeed : Number(BigInt(asked.seed ?? 0) % 2n ** 32n),
  }
}

/**
 * The pod's input document. A pod of this network reads no negative prompt.
 *
 * @param stepsField  What the caller calls the steps.
 * @throws `parameter.invalid` (refused) for more steps than the model runs: fewer than asked would be a lie.
 */
export function imageInputOf(sd: Sd, { name, limits }: Manifest, stepsField: string): ImageInput {
  const most = limits.outputUnits
  if (sd.num_iterations > most) {
    throw refused(
      'parameter.invalid',
      `'${stepsField}' is ${sd.num_iterations}; '${name}' runs at most ${most}`,
      { field: stepsField, fix: `Ask for ${most} or fewer.` },
    )
  }
  return {
    prompt: sd.prompt,
    seed: sd.seed,
    size: `${sd.width}x${sd.height}`,
    steps: sd.num_iterations,
    guidance: sd.guidance_scale,
  }
}
