import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Gateway, INTENT, openGateway } from './gateway.ts'
import { type Command, openCommands, type Typed } from './interactions.ts'
import { openMessages, type Said } from './messages.ts'
import { openRates, type Rates, type RateTerms } from './rates.ts'
import { type CommandShape, commandsSchema, form, Refusal } from './shapes.ts'
import {
  type Channel,
  freshId,
  type Guild,
  guildJson,
  MEMBER,
  type Overwrite,
  type Person,
  userJson,
} from './world.ts'

/**
 * A local stand-in for Discord: its REST interface and its gateway over real HTTP and WebSocket, for an unmodified
 * discord.js. It refuses what Discord refuses, and keeps what the bot sent together with whom it would have notified.
 */
export interface TestDiscord {
  readonly url: string
  readonly token: string
  readonly bot: Person
  readonly gateway: Gateway
  readonly rates: Rates
  /** What the bot did that Discord would not have taken: late, malformed, twice. */
  readonly violations: string[]
  /** As the bot registered them. */
  readonly registered: CommandShape[]
  guild(name: string): Guild
  channel(guild: Guild, name: string, overwrites?: Overwrite[]): Channel
  person(guild: Guild, nick: string, more?: Partial<Person>): Person
  /** The bot is put out of a server. */
  leave(guild: Guild): void
  slash(person: Person, channel: Channel | undefined, typed: Typed): Command
  menu(person: Person, channel: Channel, message: Said): Command
  say(person: Person, channel: Channel, content: string, more?: { replyTo?: string; isBot?: boolean }): Said
  remove(message: Said): void
  said(channel: Channel): Said[]
  /** Private messages to a person. */
  told(person: Person): Said[]
  /** All that the bot wrote, edits included. */
  written(): Said[]
  close(): Promise<void>
}

export interface DiscordTerms {
  rate?: RateTerms
  allowedIntents?: number
  heartbeatMs?: number
}

const ALL_INTENTS = INTENT.guilds | INTENT.guildMessages | INTENT.messageContent
const PREFIX = '/api/v10'

export async function openDiscord(terms: DiscordTerms = {}): Promise<TestDiscord> {
  const guilds = new Map<string, Guild>()
  const bot: Person = { id: freshId(), username: 'babel', nick: 'Babel', locale: 'en-US', roles: [] }
  const token = `MTk4NjIy.${freshId()}.token`
  const violations: string[] = []
  const registered: CommandShape[] = []
  const rates = openRates(terms.rate ?? { limit: 50, windowMs: 1_000 })

  const server = createServer((request, response) => void serve(request, response))
  const gateway = openGateway(server, {
    token: () => token,
    allowedIntents: terms.allowedIntents ?? ALL_INTENTS,
    heartbeatMs: terms.heartbeatMs ?? 2_000,
    ready: (session) => ({
      v: 10,
      user: { ...userJson(bot, true), verified: true, mfa_enabled: false, email: null, flags: 0 },
      guilds: [...guilds.keys()].map((id) => ({ id, unavailable: true })),
      session_id: session,
      resume_gateway_url: gatewayUrl(),
      shard: [0, 1],
      application: { id: bot.id, flags: 0 },
    }),
    guilds: () => [...guilds.values()].map((guild) => guildJson(guild, bot)),
  })
  const find = (id: string): Channel | undefined =>
    [...guilds.values()]
      .flatMap(({ channels }) => [...channels.values()])
      .find((channel) => channel.id === id)
  const messages = openMessages({ bot, guilds, find, gateway, violations })
  const commands = openCommands({ bot, guilds, gateway, messages, registered, violations })

  const port = () => (server.address() as AddressInfo).port
  const gatewayUrl = () => `ws://127.0.0.1:${port()}/gateway/`

  function route(method: string, path: string, body: unknown, query: URLSearchParams): unknown {
    if (method === 'GET' && path === '/gateway/bot') {
      const limit = { total: 1000, remaining: 1000, reset_after: 14_400_000, max_concurrency: 1 }
      return { url: gatewayUrl(), shards: 1, session_start_limit: limit }
    }
    if (method === 'PUT' && path === `/applications/${bot.id}/commands`) {
      registered.splice(0, registered.length, ...form(commandsSchema, body))
      return registered.map((command) => ({
        ...command,
        id: freshId(),
        application_id: bot.id,
        version: freshId(),
      }))
    }
    const found = commands.route(method, path, body, query) ?? messages.route(method, path, body)
    if (found !== undefined) return found
    violations.push(`there is no ${method} ${path}`)
    throw new Refusal(404, 0, '404: Not Found')
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://discord')
    const path = decodeURIComponent(pathname.slice(PREFIX.length))
    const method = request.method ?? 'GET'
    const text = Buffer.concat(await request.toArray()).toString()
    if (!pathname.startsWith(PREFIX)) return void response.writeHead(404).end()
    if (!rates.pass(`${method} ${path}`, response)) return
    const answer = (status: number, body: unknown) => {
      if (status === 204) return void response.writeHead(204).end()
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    try {
      // Whoever has a command's token needs no other.
      const isOpen = path.startsWith('/interactions/') || path.startsWith('/webhooks/')
      if (!isOpen && request.headers.authorization !== `Bot ${token}`)
        throw new Refusal(401, 0, '401: Unauthorized')
      const result = route(method, path, text === '' ? undefined : JSON.parse(text), searchParams)
      answer(result === null ? 204 : 200, result)
    } catch (cause) {
      if (!(cause instanceof Refusal)) {
        violations.push(`the stand-in failed: ${(cause as Error).stack}`)
        return answer(500, { code: 0, message: 'Internal Server Error' })
      }
      if (cause.status === 400)
        violations.push(`${method} ${path}: ${cause.message} ${JSON.stringify(cause.errors)}`)
      answer(cause.status, { code: cause.code, message: cause.message, errors: cause.errors })
    }
  }

  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${port()}/api`,
    ...{ token, bot, gateway, rates, violations, registered },
    guild(name) {
      const id = freshId()
      const guild: Guild = {
        id,
        name,
        roles: [
          { id, name: '@everyone', permissions: MEMBER },
          // Whoever invites the bot carelessly gives it this.
          { id: freshId(), name: 'Babel', permissions: MEMBER | (1n << 17n) },
        ],
        channels: new Map(),
        members: new Map(),
      }
      guilds.set(id, guild)
      bot.roles.push(guild.roles[1]?.id ?? '')
      return guild
    },
    channel(guild, name, overwrites = []) {
      const channel = { id: freshId(), guild: guild.id, name, overwrites }
      guild.channels.set(channel.id, channel)
      return channel
    },
    person(guild, nick, more = {}) {
      const person = { id: freshId(), username: `u${freshId()}`, nick, locale: 'en-US', roles: [], ...more }
      guild.members.set(person.id, person)
      return person
    },
    leave(guild) {
      guilds.delete(guild.id)
      gateway.dispatch('GUILD_DELETE', { id: guild.id })
    },
    slash: commands.slash,
    menu: commands.menu,
    say: messages.say,
    remove: messages.remove,
    said: messages.said,
    told: messages.told,
    written: messages.written,
    async close() {
      gateway.close()
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
