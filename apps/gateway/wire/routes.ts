import type { FastifyError, FastifyInstance } from 'fastify'
import { type HeuristError, refused } from '../../../sdk/errors.ts'
import type { Accounts } from '../accounts.ts'
import type { Catalog } from '../catalog.ts'
import { fromDoor } from '../door.ts'
import type { Payer } from '../payer.ts'
import type { Pictures } from '../pictures.ts'
import type { Rate } from '../rate.ts'
import type { Key } from '../till/keys.ts'
import { catalogueRoute } from './catalogue.ts'
import { consumersOf, type KeyRing } from './consumer.ts'
import type { WireContext } from './context.ts'
import { sendWireError } from './errors.ts'
import { openJobs } from './jobs.ts'
import { openMiners } from './miners.ts'
import { openWireStore } from './store.ts'
import { openPending } from './streams.ts'
import { submitRoutes } from './submit-routes.ts'
import { openTasks } from './tasks.ts'
import { workflowRoutes } from './workflow-routes.ts'

const SWEEP_MS = 10 * 60_000

interface Deps {
  keys: KeyRing & Pick<Accounts, 'callerOf' | 'keys'>
  rate: Rate
  catalog: Catalog
  payer: Payer
  pictures: Pictures
  publicUrl: string | undefined
  stopping: AbortSignal
}

/**
 * The API that the published `heurist` package speaks, images, SmartGen and workflows. Its jobs and tasks are kept
 * beside the pictures they name.
 */
export function heuristApi(app: FastifyInstance, deps: Deps): void {
  const { keys, rate, catalog, payer, pictures } = deps
  const store = openWireStore(pictures.folder)
  store.sweep()
  const consumers = consumersOf(keys, (consumer) => {
    checkStanding(keys.keys.find(consumer))
    return keys.callerOf(consumer)
  })
  const miners = openMiners(catalog.routerUrl)
  const failed = ({ task, consumer }: { task: string; consumer: string }, error: HeuristError) =>
    app.log[error.kind === 'bug' ? 'error' : 'info'](
      { event: 'task.failed', task, consumer, ...error.toJSON() },
      error.code,
    )
  const tasks = openTasks({ store, payer, pictures, miners, consumers, failed })
  const context: WireContext = {
    ...deps,
    consumers,
    count: (consumer, reply) => rate.take(consumer, keys.callerOf(consumer).perMinute, reply),
    miners,
    store,
    jobs: openJobs(store),
    pending: openPending(),
    tasks,
  }
  const sweeping = setInterval(() => store.sweep(), SWEEP_MS).unref()
  app.addHook('onClose', async () => {
    clearInterval(sweeping)
    await tasks.stop()
    store.close()
  })
  app.register(async (door) => {
    door.setErrorHandler(async (thrown: FastifyError, request, reply) =>
      sendWireError(fromDoor(thrown), request, reply),
    )
    catalogueRoute(door, catalog)
    submitRoutes(door, context)
    workflowRoutes(door, context)
  })
}

/** A task may outlive its key, and then nothing more is spent for it. */
function checkStanding({ revoked, expires }: Key): void {
  if (revoked !== undefined) throw refused('api_key.revoked', 'This API key was revoked')
  if (expires !== undefined && expires <= Date.now())
    throw refused('api_key.expired', 'This API key has expired')
}
