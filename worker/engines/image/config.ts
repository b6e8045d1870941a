import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { bug } from '../../../sdk/errors.ts'

const SIZE = /^(\d+)x(\d+)$/

const words = z.array(z.string()).min(1)

/** The pod's own sentence, and what the seed may choose from where a prompt names nothing. */
const completionSchema = z.object({
  /** With {size}, {colour}, {shape}, {background} and {place}. */
  sentence: z.string(),
  choices: z.object({ shape: words, size: words, place: words, colour: words }),
  /** The word beside which a colour is the background's, and the words before such a colour. */
  ground: z.string(),
  before: words,
})

/** `model/config.json` of an image pod: what the engine must know and the graphs do not say. */
const configSchema = z.object({
  pipeline: z.literal('text-to-image'),
  /** Side of the picture the model makes, pixels. There is no VAE: the denoiser works on pixels. */
  sampleSize: z.number().int().positive(),
  channels: z.literal(3),
  maxWords: z.number().int().positive(),
  scheduler: z.object({
    type: z.literal('flow-match-euler'),
    /** The denoiser names the clean picture, not the noise or the velocity. */
    predictionType: z.literal('sample'),
    /** Bends the noise levels towards 1 (more steps spent on the layout); 1 leaves them evenly spaced. */
    shift: z.number().positive(),
  }),
  /** Picture sizes a request may ask for; the made picture is enlarged without smoothing. */
  sizes: z.array(z.string().regex(SIZE)).min(1),
  /** The words that name something to draw, by kind; a prompt needs at least one. */
  subjects: z.record(z.string(), z.array(z.string()).min(1)),
  /** How a prompt that leaves something out is said in full; without it every prompt is read as it stands. */
  completion: completionSchema.optional(),
})

export type ImageConfig = z.infer<typeof configSchema>

/** @throws `pod.broken` (bug) if the file does not say what the engine needs. */
export async function loadConfig(podFolder: string): Promise<ImageConfig> {
  const path = join(podFolder, 'model/config.json')
  const parsed = configSchema.safeParse(JSON.parse(await readFile(path, 'utf8')))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw bug('pod.broken', `${path}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is wrong'}`)
}

/** "256x128" → [256, 128], pixels. */
export function sidesOf(size: string): [number, number] {
  const [, width, height] = SIZE.exec(size) ?? []
  return [Number(width), Number(height)]
}
