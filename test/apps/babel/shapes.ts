import { z } from 'zod'

/** How Discord refuses a request: HTTP status, its own code, words. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: number,
    message: string,
    readonly errors?: unknown,
  ) {
    super(message)
  }
}

export const snowflake = z.string().regex(/^\d{17,20}$/)
const SUPPRESS_EMBEDS = 4
const EPHEMERAL = 64
const SUPPRESS_NOTIFICATIONS = 4096

const allowedMentions = z
  .strictObject({
    parse: z.array(z.enum(['roles', 'users', 'everyone'])).optional(),
    users: z.array(snowflake).max(100).optional(),
    roles: z.array(snowflake).max(100).optional(),
    replied_user: z.boolean().optional(),
  })
  .refine(({ parse, users }) => !(parse?.includes('users') && (users ?? []).length > 0), 'users twice')
  .refine(({ parse, roles }) => !(parse?.includes('roles') && (roles ?? []).length > 0), 'roles twice')

/** Discord counts characters, not UTF-16 units. */
const content = z.string().refine((text) => [...text].length <= 2000, 'Must be 2000 or fewer in length.')

const flagsOf = (known: number) =>
  z
    .number()
    .int()
    .refine((flags) => (flags & ~known) === 0, 'unknown flags')
    .optional()

const message = {
  content: content.nullish(),
  tts: z.boolean().optional(),
  embeds: z.array(z.unknown()).max(10).optional(),
  allowed_mentions: allowedMentions.optional(),
  components: z.array(z.unknown()).max(5).optional(),
  attachments: z.array(z.unknown()).max(10).optional(),
  nonce: z.union([z.string().max(25), z.number()]).optional(),
  enforce_nonce: z.boolean().optional(),
}
export const createSchema = z.strictObject({
  ...message,
  flags: flagsOf(SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS),
  message_reference: z
    .strictObject({
      message_id: snowflake,
      channel_id: snowflake.optional(),
      guild_id: snowflake.optional(),
      fail_if_not_exists: z.boolean().optional(),
      type: z.literal(0).optional(),
    })
    .optional(),
})
export const followUpSchema = z.strictObject({
  ...message,
  flags: flagsOf(SUPPRESS_EMBEDS | EPHEMERAL | SUPPRESS_NOTIFICATIONS),
})
export const editSchema = z.strictObject({ ...message, flags: flagsOf(SUPPRESS_EMBEDS) })
export const callbackSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal(4), data: followUpSchema }),
  z.strictObject({ type: z.literal(5), data: z.strictObject({ flags: flagsOf(EPHEMERAL) }).optional() }),
])
export type MessageBody = z.output<typeof createSchema>

const named = { name: z.string().regex(/^[-_\p{L}\p{N}]{1,32}$/u), description: z.string().min(1).max(100) }
const choice = z.strictObject({ name: z.string().min(1).max(100), value: z.string().max(100) })
const value = z.strictObject({
  ...named,
  type: z.number().int().min(3).max(11),
  required: z.boolean().optional(),
  choices: z.array(choice).max(25).optional(),
  channel_types: z.array(z.number()).optional(),
  max_length: z.number().int().min(1).max(6000).optional(),
})
const requiredFirst = (options: { required?: boolean | undefined }[]): boolean => {
  const first = options.findIndex(({ required }) => !required)
  return first < 0 || options.slice(first).every(({ required }) => !required)
}
const values = z.array(value).max(25).refine(requiredFirst, 'required options come first')
const sub = z.strictObject({ ...named, type: z.literal(1), options: values.optional() })
const subs = z.strictObject({ ...named, type: z.literal(2), options: z.array(sub).min(1).max(25) })
const everywhere = {
  contexts: z.array(z.number().int().min(0).max(2)),
  integration_types: z.array(z.number().int().min(0).max(1)),
}
/** What `PUT /applications/:id/commands` takes. */
export const commandsSchema = z.array(
  z.union([
    z.looseObject({
      ...everywhere,
      type: z.literal(1),
      name: z.string().regex(/^[-_a-z0-9]{1,32}$/),
      description: named.description,
      options: z.union([z.array(z.union([sub, subs])).max(25), values]).optional(),
    }),
    z.looseObject({ ...everywhere, type: z.literal(3), name: z.string().min(1).max(32) }),
  ]),
)
export type CommandShape = z.output<typeof commandsSchema>[number]

/** @throws Refusal 50035, as Discord answers a form that is wrong. */
export function form<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new Refusal(400, 50035, 'Invalid Form Body', {
    [issue?.path.join('.') || 'body']: { _errors: [{ code: 'INVALID', message: issue?.message }] },
  })
}
