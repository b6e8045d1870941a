import { z } from 'zod'
import { usd } from '../../sdk/units.ts'
import { modelSchema, SHIPPED } from './models.ts'

const dollars = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,6})?$/, 'dollars as a string, with at most six decimals')
  .transform((text) => usd(text))

const snowflake = z.string().regex(/^\d{17,20}$/, "an id of Discord's: 17 to 20 digits")

const limitsSchema = z.strictObject({
  /** Translations that one person, and one server, may ask for in a minute. */
  userPerMinute: z.number().int().min(1).max(100_000).default(6),
  guildPerMinute: z.number().int().min(1).max(100_000).default(60),
  /** The most that one person, one server, and all of them may cost in a UTC day. */
  userPerDay: dollars.default(usd('0.05')),
  guildPerDay: dollars.default(usd('0.25')),
  perDay: dollars.default(usd('1.00')),
  /** Of one text. */
  characters: z.number().int().min(1).max(6_000).default(4_000),
  /** Calls of one text: a model that knows sentences only is asked for each. */
  sentences: z.number().int().min(1).max(200).default(24),
  /** Calls at once; the others wait. */
  calls: z.number().int().min(1).max(256).default(8),
})

/** Babel's configuration file. */
export const configSchema = z.strictObject({
  host: z.string().default('127.0.0.1'),
  /** Where `GET /` says what it earned and spent. */
  port: z.number().int().min(0).max(65535),
  /** Settings of servers and people, the client's journal of what it signed. */
  dataDir: z.string().min(1),
  routerUrl: z.url(),
  /** Used to verify answers against the chain; without it the router's own figure of the RPC URL is taken. */
  rpcUrl: z.url().optional(),
  /** The account that pays for every translation. */
  keyFile: z.string().min(1),
  /** The frontend id that earns this bot's share; 0 = none. */
  frontend: z.number().int().min(0).max(0xffffffff),
  /** The bot's token; HEURIST_DISCORD_TOKEN stands in for it. */
  token: z.string().min(1).optional(),
  discordUrl: z.url().default('https://discord.com/api'),
  /** Whether to ask for the message content intent. Without it only commands work. */
  readMessages: z.boolean().default(true),
  /** Who may see `/babel revenue`: ids of people. */
  operators: z.array(snowflake).default([]),
  models: z
    .array(modelSchema)
    .min(1)
    .prefault([SHIPPED as z.input<typeof modelSchema>]),
  limits: limitsSchema.prefault({}),
  /** How long an answer is waited for before a sentence says so. */
  patienceMs: z.number().int().min(1_000).max(3_600_000).default(120_000),
})
export type BabelConfig = z.output<typeof configSchema>
export type Limits = BabelConfig['limits']
