import type { FastifyInstance, FastifyReply } from 'fastify'
import { refused } from '../../../sdk/errors.ts'
import { addressOf } from '../address.ts'
import { freshSeed } from '../sampling.ts'
import { MAX_WIRE_BYTES, type WireContext } from './context.ts'
import type { TaskRow } from './store.ts'
import {
  MOST_OPEN,
  parseCreate,
  parseResource,
  parseTask,
  podOf,
  taskAnswer,
  taskOf,
  tooMany,
} from './workflow.ts'

/** The workflow calls: everything is in the body, the key too. */
export function workflowRoutes(app: FastifyInstance, context: WireContext): void {
  const { catalog, consumers, miners, publicUrl, store, tasks } = context
  const options = { bodyLimit: MAX_WIRE_BYTES }

  app.post('/task_create', options, async (request, reply) => {
    const create = parseCreate(request.body)
    const consumer = consumers.byParts(create.consumer_id ?? '', create.api_key)
    context.count(consumer, reply)
    const row = await taskOf(catalog, create, consumer, freshSeed(), Date.now())
    // From here on nothing is awaited: of equal requests at once one adds the task.
    const same = store.taskOfJob(consumer, row.job)
    if (same !== undefined) return { task_id: sameTask(same, row) }
    if (store.openOf(consumer) >= MOST_OPEN) throw tooMany()
    tasks.add(row)
    return { task_id: row.task }
  })

  app.post('/task_result_query', options, async (request, reply) =>
    taskAnswer(ownTask(request.body, reply), addressOf(request, publicUrl)),
  )

  app.post('/task_cancel', options, async (request, reply) => {
    const { task, status } = ownTask(request.body, reply)
    if (status === 'canceled' || tasks.cancel(task)) return { task_id: task, msg: 'The task is canceled' }
    throw refused('task.ended', `The task has ended already: ${status}`, { field: 'task_id' })
  })

  app.post('/resource_request', options, async (request, reply) => {
    const { consumer_id, api_key, task_type: type, workflow_id: workflow } = parseResource(request.body)
    context.count(consumers.byParts(consumer_id ?? '', api_key), reply)
    const model = await podOf(catalog, { type, workflow })
    const miner = await miners.idOf(await miners.serving(model.pod, model.name))
    return { miner_id: miner, msg: `serves '${model.name}' now` }
  })

  /** A task that does not exist and one of another consumer are the same to whoever asks. */
  function ownTask(body: unknown, reply: FastifyReply): TaskRow {
    const { task_id, api_key } = parseTask(body)
    const row = store.task(task_id)
    if (consumers.owns(row?.consumer ?? '', api_key) && row !== undefined) {
      context.count(row.consumer, reply)
      return row
    }
    throw refused('task.unknown', 'This key has no such task, or it is no longer kept', { field: 'task_id' })
  }
}

/** @throws `task.id_reused` (refused) if the job id stands for something else. */
function sameTask(known: TaskRow, asked: TaskRow): string {
  if (known.content === asked.content) return known.task
  throw refused('task.id_reused', `The job id '${asked.job}' stands for another task`, {
    field: 'job_id',
    fix: 'Use a new id for a new task.',
  })
}
