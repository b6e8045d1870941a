import { z } from 'zod'
import { type Parameters, parseBody } from '../parameters.ts'

/** Part of a JSON Schema, as OpenAPI 3.1 takes it. */
export type Json = { [name: string]: unknown }

export const ROOMS = ['OpenAI', 'Account', 'Heurist', 'x402', 'Operator', 'Gateway'] as const
export type Room = (typeof ROOMS)[number]

/** What a route validates with: a schema, or the table of what it does with each parameter. */
export type Asked = z.ZodType | Parameters<z.ZodType>

export interface Told {
  /** Default: `application/json`. */
  type?: string
  /** Absent: bytes, or a text that is not JSON. */
  shape?: z.ZodType
  /** Of each event, where the answer may be a stream of them. */
  event?: z.ZodType
}

/** One route as it is published: its request by the schema that the route itself validates with. */
export interface Operation {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** As OpenAPI writes it: `/v1/models/{id}`. Routes of the OpenAI room answer without `/v1` too. */
  path: string
  room: Room
  does: string
  /** An API key, the token of a session, a key inside the body, a payment or a key, or nothing. */
  opens: 'key' | 'session' | 'body' | 'either' | 'nothing'
  body?: Asked
  query?: Asked
  /** A body that the route accepts. */
  example?: unknown
  /** By status. */
  answers: Record<number, Told>
  /** What a refusal looks like; absent: OpenAI's shape. */
  refusal?: z.ZodType
}

const isTable = (asked: Asked): asked is Parameters<z.ZodType> => 'honoured' in asked

/** Reads a body as its route does. @throws what the route says of it. */
export const read = (asked: Asked, body: unknown): unknown =>
  isTable(asked) ? parseBody(body, asked) : asked.parse(body)

/** The JSON Schema of what may be sent. */
export function askedSchema(asked: Asked): Json {
  return isTable(asked) ? tableSchema(asked) : schemaOf(asked, 'input')
}

/** Where `null` means absent, as in OpenAI's API, whatever its name; what else is not named is refused. */
function tableSchema({ schema, ignored, neutral }: Parameters<z.ZodType>): Json {
  const { properties, required } = schemaOf(schema, 'input') as {
    properties: Record<string, Json>
    required?: string[]
  }
  const orNull = ([name, each]: [string, Json]) => [name, { anyOf: [each, { type: 'null' }] }]
  const needed = new Set(required)
  return {
    type: 'object',
    properties: {
      ...Object.fromEntries(
        Object.entries(properties).map((entry) => (needed.has(entry[0]) ? entry : orNull(entry))),
      ),
      ...Object.fromEntries(
        ignored.map((name) => [name, { description: 'Changes nothing about the answer.' }]),
      ),
      ...Object.fromEntries(
        Object.entries(neutral).map(([name, values]) => [
          name,
          { enum: [...values, null], description: 'Only as usual.' },
        ]),
      ),
    },
    ...(required === undefined ? {} : { required }),
    additionalProperties: { type: 'null' },
  }
}

/** The JSON Schema of a zod schema, before or after its transforms. */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output' = 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      const { def } = zodSchema._zod
      // JSON Schema knows no empty tuple.
      if (def.type === 'tuple' && jsonSchema.prefixItems?.length === 0) {
        delete jsonSchema.prefixItems
        jsonSchema.maxItems = 0
      }
      // What is made a list before it is read may be a text as well.
      if (def.type !== 'pipe' || !('in' in def)) return
      if ((def.in as z.core.$ZodType)._zod.def.type !== 'transform') return
      const list = { ...jsonSchema }
      for (const name of Object.keys(jsonSchema)) delete jsonSchema[name]
      jsonSchema.anyOf = [{ type: 'string' }, list]
    },
  })
  return json
}
