import { z } from 'zod'
import { IMAGE_GUIDANCE_MOST, IMAGE_SEED_MOST } from '../../sdk/documents.ts'
import { refused } from '../../sdk/errors.ts'
import type { Manifest } from '../../sdk/protocol/manifest.ts'
import { type Parameters, parseBody } from './parameters.ts'

/** Images of one call; each is one paid job. */
export const MOST_IMAGES = 10

const schema = z.object({
  model: z.string().min(1).max(128).optional(),
  prompt: z.string().min(1).max(8000),
  n: z.number().int().min(1).max(MOST_IMAGES).optional(),
  size: z
    .string()
    .regex(/^(auto|\d{1,5}x\d{1,5})$/, "'auto' or a size such as '256x256'")
    .optional(),
  response_format: z.enum(['b64_json', 'url']).optional(),
  // Ours: the pod's own parameters.
  seed: z.number().int().min(0).max(IMAGE_SEED_MOST).optional(),
  steps: z.number().int().min(1).max(1000).optional(),
  guidance: z.number().min(0).max(IMAGE_GUIDANCE_MOST).optional(),
})

/** What `POST /v1/images/generations` does with every parameter of OpenAI's API. */
export const imageParameters: Parameters<typeof schema> = {
  schema,
  honoured: Object.keys(schema.shape),
  ignored: ['user', 'moderation'],
  neutral: {
    quality: ['auto', 'standard'],
    background: ['auto', 'opaque'],
    output_format: ['png'],
    output_compression: [100],
    partial_images: [0],
    stream: [false],
  },
  unsupported: ['style'],
}

export interface ImageInput {
  prompt: string
  seed: number
  size?: string
  steps?: number
  guidance?: number
}

export interface ImageCall {
  /** Absent: the network's only image pod. */
  model: string | undefined
  form: 'b64_json' | 'url'
  n: number
  /** The first image's seed as the caller chose it. */
  seed: number | undefined
  input: Omit<ImageInput, 'seed'>
}

/** @throws `parameter.*` (refused), naming the parameter. */
export function parseImages(body: unknown): ImageCall {
  const asked = parseBody(body, imageParameters)
  return {
    model: asked.model,
    form: asked.response_format ?? 'b64_json',
    n: asked.n ?? 1,
    seed: asked.seed,
    input: {
      prompt: asked.prompt,
      ...(asked.size === undefined || asked.size === 'auto' ? {} : { size: asked.size }),
      ...(asked.steps === undefined ? {} : { steps: asked.steps }),
      ...(asked.guidance === undefined ? {} : { guidance: asked.guidance }),
    },
  }
}

/**
 * The jobs of a call, one per image, each with a seed of its own: consecutive from the caller's, so that a set can
 * be made again, otherwise from `freshSeed`, so that asking twice gives two pictures.
 *
 * @throws `parameter.invalid` (refused) if more steps are asked than the model runs.
 */
export function imageInputs(call: ImageCall, manifest: Manifest, freshSeed: number): ImageInput[] {
  const { steps } = call.input
  if (steps !== undefined && steps > manifest.limits.outputUnits) {
    throw refused(
      'parameter.invalid',
      `'steps' is ${steps}; '${manifest.name}' runs at most ${manifest.limits.outputUnits}`,
      {
        field: 'steps',
      },
    )
  }
  const first = call.seed ?? freshSeed
  return Array.from({ length: call.n }, (_, index) => ({ ...call.input, seed: (first + index) % 2 ** 32 }))
}
