import { IMAGE_GUIDANCE_MOST, IMAGE_SEED_MOST } from '../../../../sdk/documents.ts'
import type { Manifest } from '../../../../sdk/protocol/manifest.ts'
import { type Asked, askedSchema } from '../../pictures/record.ts'
import { mostPrice } from '../network/models.ts'

/** What an image pod may be asked, by its manifest: a field that its defaults do not name it does not take. Pure. */

type Terms = Pick<Manifest, 'defaults' | 'limits' | 'choices' | 'pricing'>

export interface Fields {
  /** What it would rather not draw, if nobody says so. */
  negative?: string
  sizes?: { own: string; offered: readonly string[] }
  steps?: { own: number; most: number }
  guidance?: { own: number; most: number }
}

export function fieldsOf({ defaults, limits, choices, pricing }: Terms): Fields {
  const { negative_prompt: negative, size, steps, guidance } = defaults
  return {
    ...(typeof negative === 'string' ? { negative } : {}),
    ...(typeof size === 'string' ? { sizes: { own: size, offered: choices?.size ?? [size] } } : {}),
    ...(typeof steps === 'number' ? { steps: { own: steps, most: stepsMost(limits, pricing) } } : {}),
    ...(typeof guidance === 'number' ? { guidance: { own: guidance, most: IMAGE_GUIDANCE_MOST } } : {}),
  }
}

/** Where a step is what is paid, the limit of units is the limit of steps. */
const STEPS_MOST = 50
const stepsMost = (limits: Terms['limits'], pricing: Terms['pricing']): number =>
  pricing.unit === 'step' ? limits.outputUnits : STEPS_MOST

/** What somebody set. Fields that the model does not take are kept, and not sent. */
export interface Form {
  prompt: string
  negative: string
  size: string
  steps: number
  guidance: number
  /** Blank or -1 = another one each time. */
  seed: string
}

export const emptyForm = ({ negative, sizes, steps, guidance }: Fields): Form => ({
  prompt: '',
  negative: negative ?? '',
  size: sizes?.own ?? '',
  steps: steps?.own ?? 1,
  guidance: guidance?.own ?? 1,
  seed: '',
})

/** What a picture was asked with, as a form again. */
export function formOf(asked: Asked, fields: Fields): Form {
  const own = emptyForm(fields)
  const offered = asked.size !== undefined && fields.sizes?.offered.includes(asked.size)
  return {
    prompt: asked.prompt,
    negative: asked.negative_prompt ?? own.negative,
    size: offered ? (asked.size ?? own.size) : own.size,
    steps: Math.min(asked.steps ?? own.steps, fields.steps?.most ?? own.steps),
    guidance: Math.min(asked.guidance ?? own.guidance, fields.guidance?.most ?? own.guidance),
    seed: asked.seed === undefined ? '' : String(asked.seed),
  }
}

/** A seed as it was written; undefined if it is to be drawn; NaN if it is none. */
export function seedOf(text: string): number | undefined {
  const written = text.trim()
  if (written === '' || written === '-1') return undefined
  const seed = /^\d{1,10}$/.test(written) ? Number(written) : Number.NaN
  return seed <= IMAGE_SEED_MOST ? seed : Number.NaN
}

export const freshSeed = (): number => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0

/** The document that the pod reads, with the fields that it takes. */
export function askedOf(fields: Fields, form: Form, seed: number): Asked {
  const negative = form.negative.trim()
  return {
    prompt: form.prompt.trim(),
    ...(fields.negative === undefined || negative === '' ? {} : { negative_prompt: negative }),
    ...(fields.sizes ? { size: form.size } : {}),
    ...(fields.steps ? { steps: form.steps } : {}),
    ...(fields.guidance ? { guidance: form.guidance } : {}),
    seed,
  }
}

/** The most that a picture of this form can cost, whichever seed is drawn: what is shown, and what is allowed. Base units. */
export const pictureMost = (manifest: Manifest, form: Form): bigint =>
  mostPrice(manifest, askedOf(fieldsOf(manifest), form, IMAGE_SEED_MOST))

/** Whether pages can show again what was asked: only that is sent. */
const isShowable = (asked: Asked): boolean =>
  askedSchema.safeParse({ ...asked, prompt: asked.prompt || 'any' }).success

const bytesOf = (asked: Asked): number => new TextEncoder().encode(JSON.stringify(asked)).length

/** What is wrong with a form, by field, in words. */
export function faultsOf(
  fields: Fields,
  form: Form,
  limits: Terms['limits'],
): { prompt?: string; seed?: string } {
  const asked = askedOf(fields, form, IMAGE_SEED_MOST)
  const over = bytesOf(asked) - limits.inputBytes
  const most = askedSchema.shape.prompt.maxLength
  return {
    ...(over > 0
      ? { prompt: `This is ${over} bytes more than the model reads. Say it shorter.` }
      : isShowable(asked)
        ? {}
        : { prompt: `This page keeps prompts of ${most} characters at most. Say it shorter.` }),
    ...(Number.isNaN(seedOf(form.seed))
      ? { seed: `A seed is a whole number from 0 to ${IMAGE_SEED_MOST}; leave it blank for a random one.` }
      : {}),
  }
}

/** All the files of a model. Bytes. */
export const weightOf = ({ files }: Pick<Manifest, 'files'>): number =>
  files.reduce((sum, { bytes }) => sum + bytes, 0)

/** Models below this draw plain shapes; photographs take weights of gigabytes. Bytes. */
const SMALL = 200_000_000
export const isSmall = (manifest: Pick<Manifest, 'files'>): boolean => weightOf(manifest) < SMALL
