import type { Gateway } from './gateway.ts'
import type { Messages, Said } from './messages.ts'
import { type CommandShape, callbackSchema, editSchema, followUpSchema, form, Refusal } from './shapes.ts'
import {
  type Channel,
  channelJson,
  freshId,
  type Guild,
  memberJson,
  namedChannelJson,
  type Person,
  permissionsIn,
  userJson,
} from './world.ts'

/** A command that somebody used, and what the bot made of it. */
export interface Command {
  readonly id: string
  readonly token: string
  readonly sentAt: number
  /** Until Discord heard of it, by Discord's clock; undefined = never. */
  acknowledgedMs: number | undefined
  secret: boolean
  /** What it was answered with first, edited in place. */
  original: Said | undefined
  followUps: Said[]
  /** Discord knows it no more. */
  over: boolean
  /** How often the original was edited. */
  edits: number
}

/** What somebody typed: `translate`, or `babel set channel`, and its options by name. */
export interface Typed {
  name: string
  options?: Record<string, string | boolean | Channel>
  /** A private channel with the bot, outside of any server. */
  direct?: boolean
  /** Discord says nothing of who may do what in the channels that are named. */
  isBare?: boolean
}

export interface Commands {
  slash(person: Person, channel: Channel | undefined, pick: Typed): Command
  menu(person: Person, channel: Channel, message: Said): Command
  route(method: string, path: string, body: unknown, query: URLSearchParams): unknown
}

interface Deps {
  bot: Person
  guilds: Map<string, Guild>
  gateway: Pick<Gateway, 'dispatch'>
  messages: Messages
  registered: CommandShape[]
  violations: string[]
}

/** Discord waits this long for an acknowledgement. */
const ACKNOWLEDGED_MS = 3_000
const TYPE = { string: 3, boolean: 5, channel: 7 } as const

type Option = {
  name: string
  type: number
  options?: Option[]
  choices?: { value: string }[]
  max_length?: number
}

export function openCommands({ bot, guilds, gateway, messages, registered, violations }: Deps): Commands {
  const commands = new Map<string, Command & { channel: string; guild: string }>()

  function send(person: Person, channel: Channel | undefined, data: object): Command {
    const guild = guilds.get(channel?.guild ?? '')
    const id = freshId()
    const command = {
      ...{ id, token: `token-${id}`, sentAt: Date.now(), acknowledgedMs: undefined, secret: false },
      ...{ original: undefined, followUps: [], over: false, edits: 0 },
      ...{ channel: channel?.id ?? freshId(), guild: guild?.id ?? '@me' },
    }
    commands.set(id, command)
    const where =
      guild === undefined || channel === undefined
        ? { channel: { id: command.channel, type: 1 }, user: userJson(person), context: 1 }
        : {
            ...{ guild_id: guild.id, guild_locale: 'en-US', context: 0, channel: channelJson(channel) },
            member: { ...memberJson(person), permissions: permissionsIn(guild, person, channel).toString() },
          }
    gateway.dispatch('INTERACTION_CREATE', {
      ...{ id, application_id: bot.id, type: 2, token: command.token, version: 1, data },
      ...{
        channel_id: command.channel,
        locale: person.locale,
        entitlements: [],
        attachment_size_limit: 10_485_760,
      },
      app_permissions: guild === undefined ? '0' : permissionsIn(guild, bot, channel).toString(),
      authorizing_integration_owners: { 0: guild?.id ?? '0' },
      ...where,
    })
    return command
  }

  /** The options as Discord nests them; what the bot did not register cannot be sent. */
  function optionsOf({ name, options = {} }: Typed): { name: string; options: object[] } {
    const [root = '', ...path] = name.split(' ')
    let known = registered.find((command) => command.name === root) as Option | undefined
    if (known === undefined) throw new Error(`the bot registered no command ${root}`)
    const steps: Option[] = []
    for (const step of path) {
      known = known.options?.find((option) => option.name === step)
      if (known === undefined) throw new Error(`the bot registered no ${name}`)
      steps.push({ name: step, type: known.type })
    }
    const leaves: object[] = Object.entries(options).map(([key, value]) => {
      const option = known?.options?.find((each) => each.name === key)
      const type =
        typeof value === 'string' ? TYPE.string : typeof value === 'boolean' ? TYPE.boolean : TYPE.channel
      if (option?.type !== type) throw new Error(`the bot registered no option ${key} of ${name}`)
      if (typeof value === 'string' && value.length > (option.max_length ?? 6000))
        throw new Error(`${key} is too long`)
      if (option.choices && !option.choices.some((choice) => choice.value === value))
        throw new Error(`${String(value)} is no choice of ${key}`)
      return { name: key, type, value: typeof value === 'object' ? value.id : value }
    })
    const nested = steps.reverse().reduce<object[]>((inner, step) => [{ ...step, options: inner }], leaves)
    return { name: root, options: nested }
  }

  function acknowledge(id: string, token: string, body: unknown, query: URLSearchParams): unknown {
    const command = commands.get(id)
    if (command === undefined || command.token !== token) throw new Refusal(404, 10062, 'Unknown interaction')
    const waited = Date.now() - command.sentAt
    if (waited > ACKNOWLEDGED_MS) {
      violations.push(`a command was acknowledged after ${waited} ms`)
      throw new Refusal(404, 10062, 'Unknown interaction')
    }
    if (command.acknowledgedMs !== undefined)
      throw new Refusal(400, 40060, 'Interaction has already been acknowledged.')
    const { type, data } = form(callbackSchema, body)
    command.acknowledgedMs = waited
    command.secret = ((data?.flags ?? 0) & 64) !== 0
    const content = type === 4 ? data : { content: '…', allowed_mentions: { parse: [] } }
    command.original = messages.write(command, content ?? {}, command.secret)
    if (query.get('with_response') !== 'true') return null
    return {
      interaction: {
        id,
        type: 2,
        response_message_id: command.original.id,
        response_message_loading: type === 5,
      },
      resource: { type, message: messages.json(command.original) },
    }
  }

  function byToken(token: string) {
    const command = [...commands.values()].find((each) => each.token === token)
    if (command === undefined) throw new Refusal(404, 10015, 'Unknown Webhook')
    if (command.over) throw new Refusal(401, 50027, 'Invalid Webhook Token')
    if (command.original === undefined) throw new Refusal(404, 10015, 'Unknown Webhook')
    return { command, original: command.original }
  }

  return {
    slash(person, channel, pick) {
      const { name, options } = optionsOf(pick)
      const named = Object.values(pick.options ?? {}).filter((value) => typeof value === 'object')
      const resolved = (each: Channel) => {
        const guild = guilds.get(each.guild)
        const rightsOf = (who: Person) => (guild === undefined ? 0n : permissionsIn(guild, who, each))
        const full = namedChannelJson(each, { asker: rightsOf(person), bot: rightsOf(bot) })
        const { permissions: _, app_permissions: __, ...bare } = full
        return pick.isBare ? bare : full
      }
      const channels = Object.fromEntries(named.map((each) => [each.id, resolved(each)]))
      return send(person, pick.direct ? undefined : channel, {
        ...{ id: freshId(), type: 1, name, options },
        ...(named.length > 0 ? { resolved: { channels } } : {}),
      })
    },
    menu(person, channel, message) {
      if (!registered.some(({ name, type }) => name === 'Translate' && type === 3))
        throw new Error('the bot registered no menu')
      const resolved = { messages: { [message.id]: messages.json(message) } }
      return send(person, channel, {
        id: freshId(),
        type: 3,
        name: 'Translate',
        target_id: message.id,
        resolved,
      })
    },
    route(method, path, body, query) {
      const [, id, token = ''] = /^\/interactions\/(\d+)\/([^/]+)\/callback$/.exec(path) ?? []
      if (method === 'POST' && id !== undefined) return acknowledge(id, token, body, query)
      const [, hook] = /^\/webhooks\/\d+\/([^/]+)$/.exec(path) ?? []
      if (method === 'POST' && hook !== undefined) {
        const { command } = byToken(hook)
        const fields = form(followUpSchema, body)
        const said = messages.write(command, fields, ((fields.flags ?? 0) & 64) !== 0)
        command.followUps.push(said)
        return messages.json(said)
      }
      const [, edited] = /^\/webhooks\/\d+\/([^/]+)\/messages\/@original$/.exec(path) ?? []
      if (method !== 'PATCH' || edited === undefined) return undefined
      const { command, original } = byToken(edited)
      messages.edit(original, form(editSchema, body))
      command.edits += 1
      return messages.json(original)
    },
  }
}
