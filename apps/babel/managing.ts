import {
  BaseChannel,
  type ChatInputCommandInteraction,
  type Guild,
  type GuildMember,
  type GuildTextBasedChannel,
  PermissionFlagsBits,
  type PermissionsBitField,
} from 'discord.js'
import { refused } from '../../sdk/errors.ts'
import { isLanguage, type Language } from './languages.ts'
import type { Model } from './models.ts'
import { pages } from './post.ts'
import type { Replies } from './replies.ts'
import { linkTo, maySee, mayWrite, memberOf, READ, rightsOf, SEE, WRITE } from './rights.ts'
import type { Settings } from './settings.ts'
import { languageName, sentenceOf } from './words.ts'

interface Deps {
  replies: Replies
  settings: Settings
  models: readonly Model[]
  operators: readonly string[]
  /** Whether messages can be read: without that nothing is carried. */
  readsMessages: boolean
  /** What the bot earned and spent, in lines. */
  revenue(): Promise<string>
  tell(cause: unknown): void
}

/** `/babel`: settings of a server, of a person, and the operator's figures. Only its asker sees an answer. */
export function createManaging({
  replies,
  settings,
  models,
  operators,
  readsMessages,
  revenue,
  tell,
}: Deps): (command: ChatInputCommandInteraction) => Promise<void> {
  const acts: Record<string, (command: ChatInputCommandInteraction) => string | Promise<string>> = {
    show: ({ guild, member }) =>
      [...(guild === null ? [] : settingsText(guild, memberOf(member), settings)), modelsText(models)].join(
        '\n',
      ),
    language(command) {
      const language = languageOf(command)
      settings.setUserLanguage(command.user.id, language)
      return `Messages are translated into ${languageName(language)} for you.`
    },
    async revenue({ user }) {
      if (operators.includes(user.id)) return revenue()
      throw refused('permission.operator', "Only this bot's operator sees what it earned.")
    },
    'set channel'(command) {
      const guild = managed(command)
      const language = languageOf(command)
      const channel = channelFor(command, guild, 'channel', WRITE)
      mustWrite(guild, channel)
      settings.setChannel(guild.id, { language, channel: channel.id })
      return `Translations into ${languageName(language)} are posted in ${linkTo(channel)}.`
    },
    'unset channel'(command) {
      const [guild, language] = [managed(command), languageOf(command)]
      const had = settings.unsetChannel(guild.id, language)
      return `${languageName(language)} ${had ? 'has no channel any more, and its bridges are gone' : 'had no channel'}.`
    },
    'set bridge'(command) {
      const guild = managed(command)
      mustRead(readsMessages)
      const both = command.options.getBoolean('both') ?? false
      const source = channelFor(command, guild, 'from', both ? READ | WRITE : READ)
      const target = channelFor(command, guild, 'to', both ? READ | WRITE : WRITE)
      for (const channel of both ? [source, target] : [target]) mustWrite(guild, channel)
      settings.setBridge(guild.id, source.id, target.id)
      if (both) settings.setBridge(guild.id, target.id, source.id)
      return `What is written in ${linkTo(source)} is carried to ${linkTo(target)}, ${both ? 'and back' : 'and replies come back'}.`
    },
    'unset bridge'(command) {
      const guild = managed(command)
      const [source, target] = [namedIn(command, guild, 'from'), namedIn(command, guild, 'to')]
      // Less is read on without it: whoever sees one of its ends may take it away, and learns no more of the other.
      if (![source, target].some(({ rights }) => rights.has(SEE))) throw unseen()
      const had = settings.unsetBridge(guild.id, source.channel.id, target.channel.id)
      return had
        ? `Nothing is carried from ${said(source)} to ${said(target)} any more.`
        : 'There was no such bridge.'
    },
  }

  return async (command) => {
    const reply = await replies.acknowledge(command, 'asker')
    const { options } = command
    const name = [options.getSubcommandGroup(false), options.getSubcommand(false)].filter(Boolean).join(' ')
    try {
      const act = acts[name]
      if (act === undefined) throw refused('setting.unknown', 'This bot does not know that command any more.')
      await reply.say(pages(await act(command)))
    } catch (cause) {
      tell(cause)
      await reply.say(pages(sentenceOf(cause)))
    }
  }
}

// ------------------------------------------------------------------------------------------------------- who may

/** @throws `setting.no_server`, `permission.missing` (refused). */
function managed({ guild, memberPermissions }: ChatInputCommandInteraction): Guild {
  if (guild === null) {
    throw refused('setting.no_server', 'This is a setting of a server that I am a member of.', {
      fix: 'Use it in a channel of one.',
    })
  }
  if (memberPermissions?.has(PermissionFlagsBits.ManageGuild)) return guild
  throw refused('permission.missing', 'Only who may manage this server (Manage Server) can change this.')
}

function mustWrite(guild: Guild, channel: GuildTextBasedChannel): void {
  if (mayWrite(channel, guild.members.me)) return
  throw refused('permission.bot', `I may not see ${linkTo(channel)} or not write there.`, {
    fix: 'Give me View Channel and Send Messages in it first.',
  })
}

/**
 * A channel that a command names, for what its asker may do in it.
 *
 * @throws `channel.unknown`, `permission.asker` (refused).
 */
function channelFor(
  command: ChatInputCommandInteraction,
  guild: Guild,
  option: string,
  needed: bigint,
): GuildTextBasedChannel {
  const { channel, rights } = namedIn(command, guild, option)
  if (!rights.has(SEE)) throw unseen()
  if (rights.has(needed)) return channel
  throw refused('permission.asker', `You lack a permission in ${linkTo(channel)} that this needs.`, {
    fix: `It is for who has ${rightNames(needed)} there.`,
  })
}

const NAMES = [
  [PermissionFlagsBits.ViewChannel, 'View Channel'],
  [PermissionFlagsBits.ReadMessageHistory, 'Read Message History'],
  [PermissionFlagsBits.SendMessages, 'Send Messages'],
] as const

const rightNames = (needed: bigint): string =>
  NAMES.flatMap(([right, name]) => ((needed & right) === 0n ? [] : [name])).join(', ')

interface Named {
  channel: GuildTextBasedChannel
  /** Its asker's, as Discord sent them with the command; where it sent none, as the bot knows them. */
  rights: Readonly<PermissionsBitField>
}

/** @throws `channel.unknown` (refused). */
function namedIn({ options, member }: ChatInputCommandInteraction, guild: Guild, option: string): Named {
  const sent = options.getChannel(option)
  const channel = guild.channels.cache.get(sent?.id ?? '')
  if (!channel?.isTextBased()) throw unseen()
  const rights = sent instanceof BaseChannel ? sent.permissions : null
  return { channel, rights: rights ?? rightsOf(channel, memberOf(member)) }
}

/** The same words whether it is not there, not of text, or closed to the asker. */
const unseen = () =>
  refused('channel.unknown', 'That is no text channel that both of us see.', {
    fix: 'Choose a text channel of this server that you can view.',
  })

function mustRead(readsMessages: boolean): void {
  if (readsMessages) return
  throw refused('setting.unread', "This bot's operator runs it without reading messages, so it carries none.")
}

// --------------------------------------------------------------------------------------------------- what is said

/** @throws `setting.language` (refused). */
function languageOf({ options }: ChatInputCommandInteraction): Language {
  const said = options.getString('language') ?? ''
  if (isLanguage(said)) return said
  throw refused('setting.language', 'I do not know that language.')
}

const CLOSED = 'a channel that you cannot see'

const said = ({ channel, rights }: Named): string => (rights.has(SEE) ? linkTo(channel) : CLOSED)

/**
 * The channels and bridges of a server. Those whose asker cannot see them are only counted; a bridge of which they see
 * one end is told, for what is said there is carried.
 */
function settingsText(guild: Guild, asker: GuildMember | undefined, settings: Settings): string[] {
  const [places, bridges] = [settings.places(guild.id), settings.bridges(guild.id)]
  if (places.length === 0) return ['Channels', '- no channel has a language yet: `/babel set channel`']
  const isClosed = (id: string): boolean => {
    const channel = guild.channels.cache.get(id)
    return channel !== undefined && !maySee(channel, asker)
  }
  const named = (id: string): string => {
    const channel = guild.channels.cache.get(id)
    if (channel === undefined) return 'a channel that is gone'
    return isClosed(id) ? CLOSED : linkTo(channel)
  }
  const seen = places.filter(({ channel }) => !isClosed(channel))
  const told = bridges.filter(({ source, target }) => !isClosed(source) || !isClosed(target))
  const hidden = [
    counted(places.length - seen.length, 'channel'),
    counted(bridges.length - told.length, 'bridge'),
  ].flat()
  return [
    'Channels',
    ...seen.map(({ channel, language }) => `- ${languageName(language)}: ${named(channel)}`),
    ...told.map(({ source, target }) => `- ${named(source)} is carried to ${named(target)}`),
    ...(hidden.length > 0 ? [`- and ${hidden.join(' and ')} that you cannot see`] : []),
  ]
}

const counted = (count: number, name: string): string[] =>
  count === 0 ? [] : [`${count} ${name}${count === 1 ? '' : 's'}`]

const modelsText = (models: readonly Model[]): string =>
  ['Models', ...models.map(({ pod, from, to }) => `- ${pod}: from ${names(from)} to ${names(to)}`)].join('\n')

const names = (languages: readonly Language[]): string => languages.map(languageName).join(', ')
