import { randomUUID } from 'node:crypto'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  LogController,
} from 'fastify'
import { accountRoutes, type Depositing } from './account/routes.ts'
import type { Accounts } from './accounts.ts'
import type { Catalog, Model } from './catalog.ts'
import { unknown } from './catalog.ts'
import { chatRoute } from './chat-route.ts'
import { completionsRoute } from './completions-route.ts'
import {
  addHeaders,
  answerErrors,
  forgetNoKeys,
  MAX_BODY_BYTES,
  parserAnswer,
  requireKey,
  sendFrameworkError,
} from './door.ts'
import { embeddingsRoute } from './embeddings-route.ts'
import { keepAnswers } from './idempotency.ts'
import { imagesRoute, picturesRoute } from './images-route.ts'
import { servedBy } from './openapi/document.ts'
import { documentRoutes } from './openapi/routes.ts'
import type { OperatorTerms } from './operator/operator.ts'
import { operatorRoutes } from './operator/routes.ts'
import type { Payer } from './payer.ts'
import type { Pictures } from './pictures.ts'
import { openRate } from './rate.ts'
import { responsesRoute } from './responses-route.ts'
import { sponsorCalls } from './sponsor/hooks.ts'
import type { Sponsor } from './sponsor/sponsor.ts'
import { heuristApi } from './wire/routes.ts'
import { facilitatorRoutes } from './x402/doors.ts'
import { paidCalls } from './x402/hooks.ts'
import type { X402 } from './x402/open.ts'

/** How long a request may take to arrive in full. */
const ARRIVE_MS = 30_000

export interface GatewayDeps {
  keys: Accounts
  catalog: Catalog
  payer: Payer
  pictures: Pictures
  /** How callers reach this door; undefined = as the request came in. */
  publicUrl: string | undefined
  /** How accounts pay in; undefined where there is no chain to ask. */
  depositing?: Depositing
  /** Who may read what the gateway brings and costs; undefined = nobody by HTTP. */
  operator?: OperatorTerms
  /** The free tier, if there is one. */
  sponsor?: Sponsor
  /** Payments by wallet, if they are taken. */
  x402?: X402
  /** Whose `X-Forwarded-For` is believed: addresses and ranges. */
  trustedProxies?: readonly string[]
  /** Aborted when the gateway stops: calls in flight end and bill what was delivered. */
  stopping: AbortSignal
  log: FastifyBaseLogger
}

/** The OpenAI door: every route with and without `/v1`, as clients configure both. */
export function createGateway(deps: GatewayDeps): FastifyInstance {
  const app: FastifyInstance = Fastify({
    loggerInstance: deps.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: ARRIVE_MS,
    trustProxy: deps.trustedProxies?.length ? [...deps.trustedProxies] : false,
    genReqId: () => `req_${randomUUID().replaceAll('-', '')}`,
    clientErrorHandler: (error, socket) => {
      if (socket.writable) socket.end(parserAnswer((error as NodeJS.ErrnoException).code))
      else socket.destroy()
    },
    frameworkErrors: (error, request, reply) =>
      void sendFrameworkError(error as FastifyError, request, reply),
  })
  const served = servedBy(app)
  addHeaders(app)
  answerErrors(app)
  health(app, deps.catalog)
  picturesRoute(app, deps.pictures)
  documentRoutes(app, served, deps.publicUrl)
  const rate = openRate()
  heuristApi(app, { ...deps, rate })
  accountRoutes(app, deps)
  operatorRoutes(app, deps)
  if (deps.x402 !== undefined && deps.x402.facilitator !== 'off') {
    const { facilitator, cashier, terms } = deps.x402
    const keys = facilitator === 'key' ? { keys: deps.keys } : {}
    facilitatorRoutes(app, { cashier, terms, rate, ...keys })
  }
  for (const prefix of ['', '/v1']) {
    app.register(
      async (door) => {
        forgetNoKeys(door)
        if (deps.sponsor !== undefined) sponsorCalls(door, deps.sponsor, rate)
        if (deps.x402 !== undefined) paidCalls(door, { ...deps.x402, publicUrl: deps.publicUrl }, rate)
        requireKey(door, deps.keys, rate)
        keepAnswers(door, deps.keys.store)
        modelRoutes(door, deps.catalog)
        chatRoute(door, deps)
        completionsRoute(door, deps)
        responsesRoute(door, deps)
        embeddingsRoute(door, deps)
        imagesRoute(door, deps)
      },
      { prefix },
    )
  }
  return app
}

function health(app: FastifyInstance, catalog: Catalog): void {
  app.get('/healthz', async () => ({ status: 'ok' }))
  app.get('/readyz', async () => {
    await catalog.list()
    return { status: 'ready' }
  })
}

function modelRoutes(app: FastifyInstance, catalog: Catalog): void {
  app.get('/models', async () => ({ object: 'list', data: (await catalog.list()).map(modelObject) }))

  app.get<{ Params: { id: string } }>('/models/:id', async (request) => {
    const models = await catalog.list()
    const model = models.find((each) => each.name === request.params.id)
    if (model === undefined) throw unknown(request.params.id, models)
    return modelObject(model)
  })
}

/** OpenAI's four fields, then what a caller of this network wants to know before it pays. */
const modelObject = ({ pod, name, manifestHash, manifest }: Model) => ({
  id: name,
  object: 'model' as const,
  // A pod has a version, not a date; OpenAI's clients want a number.
  created: 0,
  owned_by: 'heurist',
  pod,
  kind: manifest.kind,
  version: manifest.version,
  manifest: manifestHash,
  description: manifest.description,
  pricing: manifest.pricing,
  limits: manifest.limits,
})
