import type { z } from 'zod'
import { refused } from '../../sdk/errors.ts'

/**
 * What a route does with each parameter of OpenAI's API: honoured (it is in `schema`), ignored because it changes
 * nothing about the answer, accepted only in the value that asks for nothing, or refused by name.
 */
export interface Parameters<S extends z.ZodType> {
  schema: S
  /** The names `schema` honours. */
  honoured: readonly string[]
  /** Bookkeeping of the caller; the answer is the same without it. */
  ignored: readonly string[]
  /** Accepted only in these values, which mean "as usual". */
  neutral: Readonly<Record<string, readonly unknown[]>>
  /** Known to OpenAI and not offered here. */
  unsupported: readonly string[]
}

/**
 * Parses a body so that nothing the caller asked for is silently dropped. `null` means absent, as OpenAI's
 * own clients send it.
 *
 * @throws `parameter.missing|unknown|unsupported|invalid` (refused), naming the parameter.
 */
export function parseBody<S extends z.ZodType>(body: unknown, rules: Parameters<S>): z.output<S> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw refused('parameter.invalid', 'The body is not a JSON object')
  }
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(body)) {
    if (value === null || rules.ignored.includes(name)) continue
    if (rules.honoured.includes(name)) kept[name] = value
    else screen(name, value, rules)
  }
  const result = rules.schema.safeParse(kept)
  if (result.success) return result.data
  throw explain(result.error, kept)
}

function screen(name: string, value: unknown, rules: Parameters<z.ZodType>): void {
  const allowed = Object.hasOwn(rules.neutral, name) ? rules.neutral[name] : undefined
  if (allowed?.some((each) => same(each, value))) return
  if (allowed !== undefined) {
    const values = allowed.map((each) => JSON.stringify(each)).join(' or ')
    throw refused('parameter.unsupported', `'${name}' is supported only as ${values}`, { field: name })
  }
  if (rules.unsupported.includes(name)) {
    throw refused('parameter.unsupported', `'${name}' is not supported by this network yet`, {
      field: name,
      fix: 'Leave it out.',
    })
  }
  throw refused('parameter.unknown', `Unrecognized request argument supplied: ${name.slice(0, 64)}`, {
    field: name.slice(0, 64),
  })
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

function explain(error: z.ZodError, body: Record<string, unknown>) {
  const issue = error.issues[0]
  const path = issue?.path ?? []
  const field = formatPath(path)
  if (path.length === 1 && !Object.hasOwn(body, String(path[0]))) {
    return refused('parameter.missing', `Missing required parameter: '${field}'`, { field })
  }
  return refused('parameter.invalid', `Invalid '${field || 'body'}': ${issue?.message ?? 'is wrong'}`, {
    field,
  })
}

/** `messages[1].content`, the way OpenAI writes a `param`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    return text === '' ? String(step) : `${text}.${String(step)}`
  }, '')
}
