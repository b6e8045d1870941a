import type { Gateway } from './gateway.ts'
import { INTENT } from './gateway.ts'
import { type AllowedMentions, pingsOf } from './mentions.ts'
import { createSchema, form, type MessageBody, Refusal } from './shapes.ts'
import {
  type Channel,
  freshId,
  type Guild,
  memberJson,
  PERMISSION,
  type Person,
  permissionsIn,
  userJson,
} from './world.ts'

/** A message, and whom it would have notified. */
export interface Said {
  id: string
  channel: string
  guild: string
  author: Person
  isBot: boolean
  content: string
  /** Whom Discord would notify by what was sent. */
  pings: string[]
  /** Whom the text alone would notify. */
  naked: string[]
  /** Earlier contents. */
  before: string[]
  replyTo?: string
  /** Only its asker sees it. */
  secret: boolean
  flags: number
}

export interface Messages {
  route(method: string, path: string, body: unknown): unknown
  /** A message of the bot's, by whatever door it came. */
  write(where: { channel: string; guild: string }, body: Partial<MessageBody>, secret: boolean): Said
  edit(said: Said, body: Partial<MessageBody>): void
  json(said: Said): object
  say(person: Person, channel: Channel, content: string, more?: { replyTo?: string; isBot?: boolean }): Said
  remove(message: Said): void
  said(channel: Channel): Said[]
  told(person: Person): Said[]
  written(): Said[]
}

interface Deps {
  bot: Person
  guilds: Map<string, Guild>
  find(channel: string): Channel | undefined
  gateway: Pick<Gateway, 'dispatch' | 'intents'>
  violations: string[]
}

export function openMessages({ bot, guilds, find, gateway, violations }: Deps): Messages {
  const all = new Map<string, Said>()
  const direct = new Map<string, string>()

  function judge(said: Said, allowed: AllowedMentions | undefined): void {
    const guild = guilds.get(said.guild)
    const channel = find(said.channel)
    const may = guild === undefined ? 0n : permissionsIn(guild, bot, channel)
    const repliedTo = said.replyTo === undefined ? undefined : all.get(said.replyTo)?.author.id
    const reach = {
      mayMentionEveryone: (may & PERMISSION.mentionEveryone) !== 0n,
      ...(repliedTo ? { repliedTo } : {}),
    }
    said.pings.push(...pingsOf(said.content, allowed, reach))
    said.naked.push(...pingsOf(said.content, undefined, { mayMentionEveryone: true }))
    if (allowed === undefined) violations.push(`no allowed_mentions on ${JSON.stringify(said.content)}`)
  }

  const write: Messages['write'] = ({ channel, guild }, body, secret) => {
    if ((body.content ?? '').trim() === '' && (body.embeds ?? []).length === 0)
      throw new Refusal(400, 50006, 'Cannot send an empty message')
    const said: Said = {
      ...{ id: freshId(), channel, guild, author: bot, isBot: true, content: body.content ?? '' },
      ...{ pings: [], naked: [], before: [], secret, flags: body.flags ?? 0 },
      ...(body.message_reference === undefined ? {} : { replyTo: body.message_reference.message_id }),
    }
    all.set(said.id, said)
    judge(said, body.allowed_mentions as AllowedMentions | undefined)
    if (!secret && guilds.has(guild)) gateway.dispatch('MESSAGE_CREATE', { ...json(said), guild_id: guild })
    return said
  }

  function json(said: Said): object {
    const { id, channel, author, isBot, content, replyTo, flags } = said
    return {
      ...{ id, channel_id: channel, author: userJson(author, isBot), content, flags, type: replyTo ? 19 : 0 },
      ...{ timestamp: new Date().toISOString(), edited_timestamp: null, tts: false, pinned: false },
      ...{
        mention_everyone: false,
        mentions: [],
        mention_roles: [],
        attachments: [],
        embeds: [],
        components: [],
      },
      ...(replyTo === undefined
        ? {}
        : { message_reference: { type: 0, message_id: replyTo, channel_id: channel } }),
    }
  }

  function create(id: string, body: unknown): object {
    const fields = form(createSchema, body)
    if ([...direct.values()].includes(id)) return json(write({ channel: id, guild: '@me' }, fields, false))
    const channel = find(id)
    const guild = guilds.get(channel?.guild ?? '')
    if (channel === undefined || guild === undefined) throw new Refusal(404, 10003, 'Unknown Channel')
    const may = permissionsIn(guild, bot, channel)
    if ((may & PERMISSION.view) === 0n) throw new Refusal(403, 50001, 'Missing Access')
    if ((may & PERMISSION.send) === 0n) throw new Refusal(403, 50013, 'Missing Permissions')
    const reference = fields.message_reference
    if (reference !== undefined && all.get(reference.message_id)?.channel !== id) {
      if (reference.fail_if_not_exists !== false)
        throw new Refusal(400, 50035, 'Invalid Form Body', { message_reference: 'Unknown message' })
      delete fields.message_reference
    }
    return json(write({ channel: id, guild: guild.id }, fields, false))
  }

  function open(body: unknown): object {
    const { recipient_id: recipient } = body as { recipient_id: string }
    const id = direct.get(recipient) ?? freshId()
    direct.set(recipient, id)
    const person = [...guilds.values()].map(({ members }) => members.get(recipient)).find(Boolean)
    return { id, type: 1, recipients: person ? [userJson(person)] : [], last_message_id: null }
  }

  function drop(id: string): void {
    const said = all.get(id)
    if (said === undefined) throw new Refusal(404, 10008, 'Unknown Message')
    all.delete(id)
    gateway.dispatch('MESSAGE_DELETE', { id, channel_id: said.channel, guild_id: said.guild })
  }

  const posted = /^\/channels\/(\d+)\/messages$/
  const one = /^\/channels\/(\d+)\/messages\/(\d+)$/
  return {
    write,
    json,
    route(method, path, body) {
      const [, channel = ''] = posted.exec(path) ?? []
      if (method === 'POST' && channel !== '') return create(channel, body)
      if (method === 'POST' && path === '/users/@me/channels') return open(body)
      const [, , message = ''] = one.exec(path) ?? []
      if (method !== 'DELETE' || message === '') return undefined
      drop(message)
      return null
    },
    edit(said, body) {
      said.before.push(said.content)
      if (body.content !== undefined) said.content = body.content ?? ''
      judge(said, body.allowed_mentions as AllowedMentions | undefined)
    },
    say(person, channel, content, { replyTo, isBot = false } = {}) {
      const said: Said = {
        ...{ id: freshId(), channel: channel.id, guild: channel.guild, author: person, isBot, content },
        ...{ pings: [], naked: [], before: [], secret: false, flags: 0 },
        ...(replyTo === undefined ? {} : { replyTo }),
      }
      all.set(said.id, said)
      const { user, ...member } = memberJson(person)
      const event = { ...json(said), guild_id: channel.guild, author: userJson(person, isBot), member }
      const isReadable = (gateway.intents() & INTENT.messageContent) !== 0
      if ((gateway.intents() & INTENT.guildMessages) !== 0)
        gateway.dispatch('MESSAGE_CREATE', isReadable ? event : { ...event, content: '' })
      return said
    },
    remove: ({ id }) => drop(id),
    said: ({ id }) =>
      [...all.values()].filter((said) => said.channel === id && said.author === bot && !said.secret),
    told: ({ id }) => [...all.values()].filter((said) => said.channel === direct.get(id)),
    written: () => [...all.values()].filter((said) => said.author.id === bot.id),
  }
}
