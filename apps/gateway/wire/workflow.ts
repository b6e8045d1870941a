import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { later, refused } from '../../../sdk/errors.ts'
import type { Catalog, Model } from '../catalog.ts'
import { about, type WireErrorBody } from './errors.ts'
import { checked, jobId, optional } from './fields.ts'
import { filled, imageInputOf } from './picture.ts'
import type { TaskRow } from './store.ts'
import { hashOf } from './submit.ts'
import { PARAMETERS } from './tasks.ts'

/** Seconds that a task may take, where it does not say: what the SDK waits for. */
const TIMEOUT = 300
const LONGEST_TIMEOUT = 3600
/** Of one consumer, at once. */
export const MOST_OPEN = 100

const short = z.string().max(128)
/** The secret of a key, or a whole key. */
const apiKey = z.string().min(1).max(256)
const taskType = z.string().min(1).max(64)

export const createSchema = z.strictObject({
  consumer_id: optional(short),
  api_key: apiKey,
  task_type: taskType,
  task_details: z.strictObject({ parameters: z.record(z.string().max(64), z.unknown()) }),
  job_id: jobId,
  workflow_id: optional(short),
  timeout_seconds: optional(z.number().positive().max(LONGEST_TIMEOUT)),
})

export const taskSchema = z.strictObject({ task_id: z.string().min(1).max(128), api_key: apiKey })

export const resourceSchema = z.strictObject({
  consumer_id: optional(short),
  api_key: apiKey,
  workflow_id: optional(short),
  task_type: optional(taskType),
})

export const parseCreate = (body: unknown) => checked(createSchema, body)
export const parseTask = (body: unknown) => checked(taskSchema, body)
export const parseResource = (body: unknown) => checked(resourceSchema, body)
type Create = z.output<typeof createSchema>

const parametersSchema = z.strictObject({
  prompt: z.string().max(8000),
  lora_name: optional(z.string().min(1).max(128)),
  aspect_ratio: optional(
    z
      .string()
      .regex(/^[1-9]\d{0,3}:[1-9]\d{0,3}(\D.*)?$/, "a ratio such as '1:1'")
      .max(64),
  ),
  width: optional(z.number().int().min(1).max(4096)),
  height: optional(z.number().int().min(1).max(4096)),
  guidance: optional(z.number().min(0).max(100)),
  steps: optional(z.number().int().min(1).max(1000)),
  seed: optional(z.number().int().min(-1).max(Number.MAX_SAFE_INTEGER)),
})

/** The one task type that this network has pods for; its older name is another. */
const TEXT_TO_IMAGE: readonly string[] = ['txt2img', 'flux-lora']
/** Heurist's number of its text-to-image workflow. */
const TEXT_TO_IMAGE_WORKFLOW = '3'

/**
 * The pod that carries a kind of task out: the one whose name or alias the workflow id or the LoRA is, otherwise
 * the only image pod.
 *
 * @throws `task.unsupported` (refused) saying which pods there are; `pod.*` for a name that stands for none.
 */
export async function podOf(
  catalog: Catalog,
  asked: { type: string | undefined; workflow: string | undefined; lora?: string | undefined },
): Promise<Model> {
  const { type, workflow, lora } = asked
  if (type !== undefined && !TEXT_TO_IMAGE.includes(type)) throw await unsupported(catalog, type)
  if (workflow !== undefined && workflow !== TEXT_TO_IMAGE_WORKFLOW) {
    return named(catalog, workflow, 'workflow_id')
  }
  return lora === undefined ? catalog.only('image') : named(catalog, lora, `${PARAMETERS}lora_name`)
}

async function named(catalog: Catalog, name: string, field: string): Promise<Model> {
  return catalog.find(name, 'image').catch((cause: unknown) => {
    throw about(cause, () => field)
  })
}

async function unsupported(catalog: Catalog, type: string) {
  const pods = (await catalog.list()).map(({ name, manifest }) => `'${name}' (${manifest.kind})`)
  return refused(
    'task.unsupported',
    `This network has no pod for '${type}'; it has ${pods.join(', ') || 'none'}`,
    {
      field: 'task_type',
      fix: "Ask for 'txt2img', which image pods carry out.",
    },
  )
}

/**
 * A task as it is kept. Its seed is drawn here, so that it draws the same picture if it has to begin again.
 *
 * @throws `parameter.*` (refused), naming the field.
 */
export async function taskOf(
  catalog: Catalog,
  create: Create,
  consumer: string,
  freshSeed: number,
  now: number,
): Promise<TaskRow> {
  // Asked first: what a task of another type needs is of no interest if nobody can carry it out.
  if (!TEXT_TO_IMAGE.includes(create.task_type)) throw await unsupported(catalog, create.task_type)
  const asked = parametersOf(create.task_details.parameters)
  const model = await podOf(catalog, {
    type: create.task_type,
    workflow: create.workflow_id,
    lora: asked.lora_name,
  })
  const { steps, guidance, prompt, seed } = asked
  const sides = sidesOf(asked)
  const sd = filled(
    { prompt, num_iterations: steps, guidance_scale: guidance, seed, ...sides, neg_prompt: undefined },
    model.manifest,
    freshSeed,
  )
  const input = imageInputOf(sd, model.manifest, `${PARAMETERS}steps`)
  return {
    task: randomBytes(16).toString('hex'),
    consumer,
    job: create.job_id,
    content: hashOf([create.task_type, create.workflow_id ?? null, asked]),
    pod: model.name,
    input: JSON.stringify(input),
    status: 'waiting',
    result: null,
    receipt: null,
    made: now,
    until: now + 1000 * (create.timeout_seconds ?? TIMEOUT),
  }
}

function parametersOf(parameters: unknown): z.output<typeof parametersSchema> {
  try {
    return checked(parametersSchema, parameters)
  } catch (cause) {
    throw about(cause, (field) => `${PARAMETERS}${field}`)
  }
}

/** A ratio says the side that is not said. @throws `parameter.invalid` (refused) if it says nothing, or another. */
function sidesOf({ width, height, aspect_ratio }: z.output<typeof parametersSchema>) {
  if (aspect_ratio === undefined) return { width, height }
  const [across = 1, down = 1] = aspect_ratio.split(':').map((each) => Number.parseInt(each, 10))
  if (width === undefined && height === undefined && across === down) return { width, height }
  const wide = width ?? Math.max(1, Math.round(((height ?? 0) * across) / down))
  const high = height ?? Math.max(1, Math.round((wide * down) / across))
  const fits = Math.abs(wide * down - high * across) <= 0.02 * high * across
  if (fits && (width !== undefined || height !== undefined)) return { width: wide, height: high }
  const field = `${PARAMETERS}aspect_ratio`
  throw refused('parameter.invalid', `'${field}' needs a 'width' or a 'height' that goes with it`, { field })
}

export const tooMany = () =>
  later('task.too_many', `More than ${MOST_OPEN} tasks of this consumer wait or run`, {
    fix: 'Wait for one to end, or cancel it.',
  })

/**
 * What `task_result_query` answers. The SDK's waiting loop ends at `finished` and `failed` only, so a canceled task is
 * told as failed, and `canceled` beside it.
 *
 * @param address  How callers reach this door.
 */
export function taskAnswer({ task, status, result, receipt }: TaskRow, address: string) {
  if (status === 'finished') {
    return { task_id: task, status, result: new URL(`/pictures/${result}`, address).href, receipt }
  }
  if (status === 'waiting' || status === 'running') return { task_id: task, status }
  const error = JSON.parse(result ?? '{}') as WireErrorBody
  const canceled = status === 'canceled' ? { canceled: true } : {}
  return { task_id: task, status: 'failed' as const, ...canceled, ...error }
}
