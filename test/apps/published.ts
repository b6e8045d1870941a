import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

interface Operation {
  requestBody?: { content: Record<string, { schema: object; example: unknown }> }
  responses: Record<string, { content?: Record<string, { schema?: object }> }>
}
export interface Published {
  openapi: string
  paths: Record<string, Record<string, Operation>>
}

/** What a gateway publishes of itself, as a judge of what it says. */
export class Judge {
  readonly document: Published
  private readonly ajv = new Ajv2020({ strict: false, validateFormats: false })
  private readonly known = new Map<object, ValidateFunction>()

  constructor(document: Published) {
    this.document = document
  }

  static async of(url: string): Promise<Judge> {
    return new Judge((await (await fetch(`${url}/openapi.json`)).json()) as Published)
  }

  /** The operation of a path as it was called. */
  operation(method: string, path: string): Operation {
    const [bare = ''] = path.split('?')
    const entries = Object.entries(this.document.paths)
    const found = [bare, `/v1${bare}`].flatMap((called) =>
      entries.filter(([template]) => new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(called)),
    )
    const operation = found
      .map(([, methods]) => methods[method.toLowerCase()])
      .find((each) => each !== undefined)
    if (operation === undefined) throw new Error(`${method} ${path} is not published`)
    return operation
  }

  /** What is wrong with a value by a published schema; undefined if nothing is. */
  fault(schema: object, value: unknown): string | undefined {
    const validate = this.known.get(schema) ?? this.ajv.compile(schema)
    this.known.set(schema, validate)
    return validate(value) ? undefined : this.ajv.errorsText(validate.errors)
  }

  /** @throws if an answer in JSON is not what is published for its status. The answer can still be read. */
  async check(method: string, path: string, answer: Response): Promise<void> {
    const type = answer.headers.get('content-type')?.split(';')[0] ?? ''
    if (type !== 'application/json') return
    const { responses } = this.operation(method, path)
    const told = responses[answer.status] ?? responses.default
    const schema = told?.content?.[type]?.schema
    const value: unknown = await answer.clone().json()
    const fault = schema === undefined ? `no schema for ${answer.status}` : this.fault(schema, value)
    if (fault !== undefined)
      throw new Error(`${method} ${path} ${answer.status}: ${fault}: ${JSON.stringify(value)}`)
  }
}
