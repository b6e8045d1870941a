import {
  type ChatInputCommandInteraction,
  type Guild,
  type GuildTextBasedChannel,
  PermissionFlagsBits,
} from 'discord.js'
import { refused } from '../../sdk/errors.ts'
import { isLanguage, type Language } from './languages.ts'
import type { Model } from './models.ts'
import { nameOf } from './neutral.ts'
import { mayWrite, pages } from './post.ts'
import type { Replies } from './replies.ts'
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
    show: ({ guild }) => (guild === null ? modelsText(models) : showText(guild, settings, models)),
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
      const [language, channel] = [languageOf(command), channelOf(command, guild, 'channel')]
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
      const [source, target] = [channelOf(command, guild, 'from'), channelOf(command, guild, 'to')]
      const both = command.options.getBoolean('both') ?? false
      for (const channel of both ? [source, target] : [target]) mustWrite(guild, channel)
      settings.setBridge(guild.id, source.id, target.id)
      if (both) settings.setBridge(guild.id, target.id, source.id)
      return `What is written in ${linkTo(source)} is carried to ${linkTo(target)}, ${both ? 'and back' : 'and replies come back'}.`
    },
    'unset bridge'(command) {
      const guild = managed(command)
      const [source, target] = [channelOf(command, guild, 'from'), channelOf(command, guild, 'to')]
      const had = settings.unsetBridge(guild.id, source.id, target.id)
      return had
        ? `Nothing is carried from ${linkTo(source)} to ${linkTo(target)} any more.`
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

/** @throws `channel.unknown` (refused). */
function channelOf(
  { options }: ChatInputCommandInteraction,
  guild: Guild,
  option: string,
): GuildTextBasedChannel {
  const channel = guild.channels.cache.get(options.getChannel(option)?.id ?? '')
  if (channel?.isTextBased()) return channel
  throw refused('channel.unknown', 'I do not see that channel.', {
    fix: 'Choose a text channel of this server.',
  })
}

const linkTo = ({ name }: GuildTextBasedChannel): string => `#${nameOf(name)}`

function showText(guild: Guild, settings: Settings, models: readonly Model[]): string {
  const named = (id: string) => `#${nameOf(guild.channels.cache.get(id)?.name ?? 'a channel that is gone')}`
  const places = settings
    .places(guild.id)
    .map(({ channel, language }) => `- ${languageName(language)}: ${named(channel)}`)
  const bridges = settings
    .bridges(guild.id)
    .map(({ source, target }) => `- ${named(source)} is carried to ${named(target)}`)
  const none = '- no channel has a language yet: `/babel set channel`'
  return ['Channels', ...(places.length > 0 ? places : [none]), ...bridges, modelsText(models)].join('\n')
}

const modelsText = (models: readonly Model[]): string =>
  ['Models', ...models.map(({ pod, from, to }) => `- ${pod}: from ${names(from)} to ${names(to)}`)].join('\n')

const names = (languages: readonly Language[]): string => languages.map(languageName).join(', ')
