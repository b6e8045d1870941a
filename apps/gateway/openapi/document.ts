import type { FastifyInstance } from 'fastify'
import { accountOperations } from './account.ts'
import { gatewayOperations, openAiOperations } from './openai.ts'
import { askedSchema, type Json, type Operation, ROOMS, schemaOf, type Told } from './operation.ts'
import { operatorOperations, x402Operations } from './others.ts'
import { failure } from './shapes.ts'
import { wireOperations } from './wire.ts'

/** Every route that a gateway can have. */
export const operations: readonly Operation[] = [
  ...openAiOperations,
  ...accountOperations,
  ...wireOperations,
  ...x402Operations,
  ...operatorOperations,
  ...gatewayOperations,
]

/** `post /v1/models/{id}` */
export const nameOf = ({ method, path }: Pick<Operation, 'method' | 'path'>): string => `${method} ${path}`

/** Gathers the names of the routes that a server really has, from here on. */
export function servedBy(app: FastifyInstance): ReadonlySet<string> {
  const served = new Set<string>()
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) {
      if (each === 'HEAD' || each === 'OPTIONS') continue
      const path = url.replace(/:(\w+)/g, '{$1}').replace(/(.)\/$/, '$1')
      served.add(`${each.toLowerCase()} ${path}`)
    }
  })
  return served
}

/** What stands above it. */
export const DESCRIPTION =
  'An API that existing clients already speak, to a network of GPUs. Each call is one paid job, signed, verified and settled on a chain. Routes of the OpenAI room answer with and without `/v1`. Whatever a route does not know is refused by name.'

/** @param served  Names of the routes that this gateway has; others are left out. */
export function documentOf(
  served: ReadonlySet<string>,
  publicUrl: string | undefined,
  version: string,
): Json {
  const paths: Record<string, Json> = {}
  for (const operation of operations.filter((each) => served.has(nameOf(each)))) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: operationOf(operation) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Heurist gateway',
      version,
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: publicUrl ?? '/' }],
    tags: ROOMS.filter((room) =>
      operations.some((each) => each.room === room && served.has(nameOf(each))),
    ).map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'An API key: `<id>-<secret>`.' },
        session: {
          type: 'http',
          scheme: 'bearer',
          description: 'The token of POST /v1/account/session: `hs…`.',
        },
        payment: {
          type: 'apiKey',
          in: 'header',
          name: 'PAYMENT-SIGNATURE',
          description: 'A payment by x402, version 2, as the 402 answer of the same request asks for it.',
        },
      },
    },
  }
}

const SECURITY = {
  key: [{ key: [] }],
  session: [{ session: [] }],
  either: [{ key: [] }, { payment: [] }],
  body: [],
  nothing: [],
} as const

function operationOf(operation: Operation): Json {
  const { room, does, opens, body, example, refusal } = operation
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const parameters = [
    ...names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    ...queryOf(operation),
  ]
  return {
    tags: [room],
    summary: does,
    operationId: nameOf(operation).replace(/\W+/g, '_').replace(/_$/, ''),
    security: SECURITY[opens],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: askedSchema(body), example } },
          },
        }),
    responses: {
      ...Object.fromEntries(
        Object.entries(operation.answers).map(([status, told]) => [status, answerOf(told)]),
      ),
      default: { description: 'Refused.', ...contentOf({ shape: refusal ?? failure }) },
    },
  }
}

function queryOf({ query }: Operation): Json[] {
  if (query === undefined) return []
  const { properties = {}, required = [] } = askedSchema(query) as {
    properties?: Record<string, Json>
    required?: string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }))
}

const answerOf = (told: Told): Json => ({ description: 'Answered.', ...contentOf(told) })

function contentOf({ type = 'application/json', shape, event }: Told): Json {
  if (shape === undefined && type === 'application/json') return {}
  const content = {
    [type]: shape === undefined ? {} : { schema: schemaOf(shape) },
    ...(event === undefined
      ? {}
      : { 'text/event-stream': { schema: { ...schemaOf(event), description: 'The data of each event.' } } }),
  }
  return { content }
}
