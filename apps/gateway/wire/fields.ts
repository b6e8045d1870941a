import { z } from 'zod'
import { type HeuristError, refused } from '../../../sdk/errors.ts'
import { formatPath } from '../parameters.ts'

/** A job id becomes part of a file name and of a URL. */
export const jobId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, '1 to 128 letters, digits and . _ -, a letter or digit first')

/** `null` means absent: JSON has no NaN, and the SDK sends what `parseInt` gave it. */
export const optional = <T extends z.ZodType>(type: T) =>
  type.nullish().transform((value) => value ?? undefined)

/**
 * A body checked whole.
 *
 * @throws `parameter.missing|unknown|invalid` (refused), naming the field.
 */
export function checked<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  throw explained(result.error, body)
}

function explained(error: z.ZodError, body: unknown): HeuristError {
  const issue = error.issues[0]
  const path = issue?.path ?? []
  if (issue?.code === 'unrecognized_keys') {
    const field = formatPath([...path, (issue.keys[0] ?? '').slice(0, 64)])
    return refused('parameter.unknown', `'${field}' is not a field of this call`, {
      field,
      fix: 'Leave it out.',
    })
  }
  const field = formatPath(path)
  if (field !== '' && isAbsent(body, path)) {
    return refused('parameter.missing', `'${field}' is missing`, { field })
  }
  return refused('parameter.invalid', `'${field || 'body'}': ${issue?.message ?? 'is wrong'}`, {
    field: field || 'body',
  })
}

function isAbsent(body: unknown, path: readonly PropertyKey[]): boolean {
  let value = body
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return false
    value = (value as Record<PropertyKey, unknown>)[step]
  }
  return value === undefined
}
