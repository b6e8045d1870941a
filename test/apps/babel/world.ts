/** Servers, channels and people of a Discord that lives in a test. */

export const PERMISSION = {
  administrator: 1n << 3n,
  manageGuild: 1n << 5n,
  view: 1n << 10n,
  send: 1n << 11n,
  history: 1n << 16n,
  mentionEveryone: 1n << 17n,
  sendInThreads: 1n << 38n,
} as const
const { view, send, history } = PERMISSION
export const MEMBER = view | send | history
const ALL = (1n << 53n) - 1n

export interface Person {
  id: string
  username: string
  /** How a server shows them. */
  nick: string
  locale: string
  roles: string[]
}

export interface Overwrite {
  id: string
  type: 0 | 1
  allow: bigint
  deny: bigint
}

export interface Channel {
  id: string
  guild: string
  name: string
  overwrites: Overwrite[]
}

export interface Role {
  id: string
  name: string
  permissions: bigint
}

export interface Guild {
  id: string
  name: string
  roles: Role[]
  channels: Map<string, Channel>
  members: Map<string, Person>
}

const DISCORD_EPOCH = 1_420_070_400_000n
let sequence = 0n

/** An id as Discord makes them: its time can be read from it. */
export function freshId(now = Date.now()): string {
  sequence = (sequence + 1n) % 4096n
  return (((BigInt(now) - DISCORD_EPOCH) << 22n) | (process.pid ? 1n << 12n : 0n) | sequence).toString()
}

/** @source Discord's documentation of permission overwrites. */
export function permissionsIn(guild: Guild, person: Person, channel?: Channel): bigint {
  const roles = guild.roles.filter(({ id }) => id === guild.id || person.roles.includes(id))
  let permissions = roles.reduce((all, role) => all | role.permissions, 0n)
  if ((permissions & PERMISSION.administrator) !== 0n) return ALL
  const apply = (list: Overwrite[]) => {
    permissions &= ~list.reduce((all, { deny }) => all | deny, 0n)
    permissions |= list.reduce((all, { allow }) => all | allow, 0n)
  }
  const overwrites = channel?.overwrites ?? []
  apply(overwrites.filter(({ id }) => id === guild.id))
  apply(overwrites.filter(({ id, type }) => type === 0 && id !== guild.id && person.roles.includes(id)))
  apply(overwrites.filter(({ id, type }) => type === 1 && id === person.id))
  return permissions
}

export const userJson = ({ id, username, nick }: Person, isBot = false) => ({
  id,
  username,
  global_name: isBot ? null : nick,
  discriminator: '0',
  avatar: null,
  bot: isBot,
  public_flags: 0,
})

export const memberJson = (person: Person, isBot = false) => ({
  user: userJson(person, isBot),
  nick: person.nick,
  avatar: null,
  roles: person.roles,
  joined_at: '2026-01-01T00:00:00.000000+00:00',
  premium_since: null,
  deaf: false,
  mute: false,
  flags: 0,
  pending: false,
  communication_disabled_until: null,
})

export const channelJson = ({ id, guild, name, overwrites }: Channel) => ({
  id,
  type: 0,
  guild_id: guild,
  name,
  topic: null,
  nsfw: false,
  position: 0,
  parent_id: null,
  last_message_id: null,
  rate_limit_per_user: 0,
  flags: 0,
  permission_overwrites: overwrites.map(({ id: of, type, allow, deny }) => ({
    id: of,
    type,
    allow: allow.toString(),
    deny: deny.toString(),
  })),
})

/** A channel that a command names: of its fields Discord sends these, and who may do what in it. */
export function namedChannelJson(channel: Channel, rights: { asker: bigint; bot: bigint }) {
  const { permission_overwrites: _, ...partial } = channelJson(channel)
  return {
    ...{ ...partial, last_pin_timestamp: null },
    ...{ permissions: rights.asker.toString(), app_permissions: rights.bot.toString() },
  }
}

export const guildJson = (guild: Guild, bot: Person) => ({
  id: guild.id,
  name: guild.name,
  icon: null,
  owner_id: freshId(),
  preferred_locale: 'en-US',
  features: [],
  emojis: [],
  stickers: [],
  threads: [],
  voice_states: [],
  presences: [],
  stage_instances: [],
  guild_scheduled_events: [],
  soundboard_sounds: [],
  unavailable: false,
  large: false,
  member_count: guild.members.size,
  joined_at: '2026-01-01T00:00:00.000000+00:00',
  verification_level: 0,
  default_message_notifications: 0,
  explicit_content_filter: 0,
  mfa_level: 0,
  nsfw_level: 0,
  premium_tier: 0,
  system_channel_flags: 0,
  afk_timeout: 300,
  roles: guild.roles.map(({ id, name, permissions }) => ({
    id,
    name,
    color: 0,
    colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
    hoist: false,
    position: id === guild.id ? 0 : 1,
    permissions: permissions.toString(),
    managed: false,
    mentionable: true,
    flags: 0,
  })),
  channels: [...guild.channels.values()].map(channelJson),
  members: [memberJson(bot, true)],
})
