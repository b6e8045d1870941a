import { z } from 'zod'
import { jobSchema } from '../wire/submit.ts'
import { createSchema, resourceSchema, taskSchema } from '../wire/workflow.ts'
import type { Operation } from './operation.ts'

/** A refusal of Heurist's API. */
export const wireFailure = z.strictObject({
  error: z.string(),
  message: z.string(),
  field: z.exactOptional(z.string()),
})

const task = z.string().regex(/^[0-9a-f]{32}$/)
const taskResult = z.union([
  z.strictObject({ task_id: task, status: z.enum(['waiting', 'running']) }),
  z.strictObject({ task_id: task, status: z.literal('finished'), result: z.url(), receipt: z.string() }),
  z.strictObject({
    task_id: task,
    status: z.literal('failed'),
    canceled: z.exactOptional(z.literal(true)),
    error: z.string(),
    message: z.string(),
    field: z.exactOptional(z.string()),
  }),
])
const defaults = z.strictObject({
  width: z.int(),
  height: z.int(),
  neg_prompt: z.literal(''),
  num_inference_steps: z.int(),
  guidance_scale: z.number(),
  seed: z.literal(-1),
})
const catalogue = z.array(
  z.strictObject({
    name: z.string(),
    type: z.string(),
    redirect: z.exactOptional(z.string()),
    version: z.string(),
    checksum: z.string(),
    defaults: z.exactOptional(defaults),
  }),
)

const wire = { room: 'Heurist', refusal: wireFailure } as const
const api_key = '0123456789abcdef0123456789abcdef01234567'
const consumer_id = 'hk0123456789ab'

/** Heurist's own API, as its published SDK speaks it. */
export const wireOperations: readonly Operation[] = [
  {
    ...wire,
    method: 'get',
    path: '/models.json',
    does: "The catalogue: pods by their own names, and the names of Heurist's image models that a pod stands in for.",
    opens: 'nothing',
    answers: { 200: { shape: catalogue } },
  },
  {
    ...wire,
    method: 'post',
    path: '/submit_job',
    does: 'Draws or answers; the URL of a picture, or a text, as a JSON string. The same job id is answered alike and charged once.',
    opens: 'key',
    body: jobSchema,
    example: {
      job_id: 'sdk-image-1',
      model_input: { SD: { prompt: 'a red circle', width: 256, height: 256, seed: 7 } },
      model_type: 'SD',
      model_id: 'image',
      deadline: 60,
      priority: 1,
    },
    answers: { 200: { shape: z.string() } },
  },
  {
    ...wire,
    method: 'get',
    path: '/stream/{job}',
    does: 'The answer of a language job that was submitted with `use_stream`, as text in events.',
    opens: 'key',
    answers: { 200: { type: 'text/event-stream' } },
  },
  {
    ...wire,
    method: 'get',
    path: '/pictures/{digits}/{name}',
    does: 'A picture of a job or a task, for a day.',
    opens: 'nothing',
    answers: { 200: { type: 'image/png' } },
  },
  {
    ...wire,
    method: 'post',
    path: '/task_create',
    does: 'Begins a task. The same job id is the same task.',
    opens: 'body',
    body: createSchema,
    example: {
      consumer_id,
      api_key,
      task_type: 'txt2img',
      task_details: { parameters: { prompt: 'a red circle', width: 256, height: 256 } },
      job_id: 'workflow-1',
      workflow_id: '3',
      timeout_seconds: 300,
    },
    answers: { 200: { shape: z.strictObject({ task_id: task }) } },
  },
  {
    ...wire,
    method: 'post',
    path: '/task_result_query',
    does: 'How a task stands.',
    opens: 'body',
    body: taskSchema,
    example: { task_id: 'ab'.repeat(16), api_key },
    answers: { 200: { shape: taskResult } },
  },
  {
    ...wire,
    method: 'post',
    path: '/task_cancel',
    does: 'Ends a task; what was not begun costs nothing.',
    opens: 'body',
    body: taskSchema,
    example: { task_id: 'ab'.repeat(16), api_key },
    answers: { 200: { shape: z.strictObject({ task_id: task, msg: z.string() }) } },
  },
  {
    ...wire,
    method: 'post',
    path: '/resource_request',
    does: 'A node that would carry a kind of task out now.',
    opens: 'body',
    body: resourceSchema,
    example: { consumer_id, api_key, task_type: 'txt2img' },
    answers: { 200: { shape: z.strictObject({ miner_id: z.string(), msg: z.string() }) } },
  },
]
