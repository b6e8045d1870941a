import type {
  ChatInputCommandInteraction,
  GuildBasedChannel,
  GuildTextBasedChannel,
  MessageContextMenuCommandInteraction,
} from 'discord.js'
import { isLanguage, type Language, languageOfLocale } from './languages.ts'
import { nameOf, type Part, partsOf, shownOf } from './neutral.ts'
import { isForbidden, type Page, pages } from './post.ts'
import type { Posts } from './posts.ts'
import type { Command, Replies, Reply } from './replies.ts'
import { everyoneSees, linkTo, maySee, mayWrite, memberOf } from './rights.ts'
import type { Settings } from './settings.ts'
import { namesIn, sourceOf } from './speech.ts'
import type { Translation, Translator } from './translate.ts'
import { jumpTo, languageName, linkLine, noteLine, sentenceOf } from './words.ts'

/** `/translate`, and "Translate" in the menu of a message. */
export interface Translating {
  slash(command: ChatInputCommandInteraction): Promise<void>
  menu(command: MessageContextMenuCommandInteraction): Promise<void>
}

interface Deps {
  replies: Replies
  settings: Settings
  translator: Translator
  posts: Posts
  /** Whatever went wrong beside what people are told. */
  tell(cause: unknown): void
}

/** Where a translation goes: the language's channel, or to nobody but its asker, with the reason. */
type Target = { channel: GuildTextBasedChannel } | { channel?: never; note?: string }

type Answer = [Page, ...Page[]]

export function createTranslating({ replies, settings, translator, posts, tell }: Deps): Translating {
  /** Every failure becomes a sentence. */
  async function answer(reply: Reply, make: () => Promise<Answer>): Promise<void> {
    const texts = await make().catch((cause: unknown): Answer => {
      tell(cause)
      return pages(sentenceOf(cause))
    })
    await reply.say(texts)
  }

  const guessesOf = ({ guildId, channelId, user, locale }: Command): (Language | undefined)[] => [
    guildId === null || channelId === null ? undefined : settings.languageIn(guildId, channelId),
    settings.userLanguage(user.id),
    languageOfLocale(locale),
    'en',
  ]

  const whoOf = ({ user, guildId }: Command) => ({ user: user.id, guild: guildId ?? '' })

  const seenBy =
    ({ member }: Command) =>
    (channel: GuildBasedChannel): boolean =>
      maySee(channel, memberOf(member))

  function targetOf({ guild, member }: Command, language: Language): Target {
    const id = guild === null ? undefined : settings.channelOf(guild.id, language)
    if (guild === null || id === undefined) return {}
    const channel = guild.channels.cache.get(id)
    if (channel === undefined || !channel.isTextBased())
      return { note: `The channel for ${languageName(language)} is gone; a manager can set another one.` }
    const asker = memberOf(member)
    const name = maySee(channel, asker) ? linkTo(channel) : `the channel for ${languageName(language)}`
    if (!mayWrite(channel, guild.members.me))
      return { note: `I may not write in ${name}, so only you see this.` }
    if (mayWrite(channel, asker)) return { channel }
    return { note: `You may not write in ${name}, so only you see this.` }
  }

  /** Posts into the language's channel and shows where, with a link each way. */
  async function posted(
    command: ChatInputCommandInteraction,
    channel: GuildTextBasedChannel,
    { reply, parts, from, to, said }: Posting,
  ): Promise<Answer> {
    const guild = channel.guildId
    const source = reply.message ?? ''
    const link = linkLine('↪', jumpTo(guild, command.channelId, source))
    const name = nameOf(authorOf(command))
    const origin = { channel: command.channelId, message: source, language: from }
    const id = await posts.post(channel, pages(`${name}: ${said.text}`, link), { language: to, origin })
    const there = linkLine(`→ ${languageName(to)}:`, jumpTo(guild, channel.id, id))
    const last = said.note === undefined ? there : `${there}\n${noteLine(said.note)}`
    return pages(`${name}: ${shownOf(parts)}`, last)
  }

  return {
    async slash(command) {
      const to = languageIn(command, 'language') ?? 'en'
      const target = targetOf(command, to)
      const reply = await replies.acknowledge(command, target.channel === undefined ? 'asker' : 'channel')
      await answer(reply, async () => {
        const text = command.options.getString('text', true)
        const sees = target.channel === undefined ? seenBy(command) : everyoneSees
        const parts = partsOf(text, namesIn(command.guild, sees))
        const from = sourceOf(text, to, { said: languageIn(command, 'from'), guesses: guessesOf(command) })
        const said = await translator.translate({ parts, from, to, who: whoOf(command) })
        if (target.channel === undefined) return pages(said.text, notesOf(said.note, target.note))
        try {
          return await posted(command, target.channel, { reply, parts, from, to, said })
        } catch (cause) {
          if (!isForbidden(cause)) throw cause
          const name = everyoneSees(target.channel) ? linkTo(target.channel) : 'its channel'
          return pages(said.text, noteLine(`I could not write in ${name}.`))
        }
      })
    },
    async menu(command) {
      const reply = await replies.acknowledge(command, 'asker')
      await answer(reply, async () => {
        const message = command.targetMessage
        const guesses = guessesOf(command)
        const to = settings.userLanguage(command.user.id) ?? languageOfLocale(command.locale) ?? 'en'
        const from = sourceOf(message.content, to, { guesses: [guesses[0], 'en', ...guesses] })
        const parts = partsOf(message.content, namesIn(command.guild, seenBy(command), message))
        const said = await translator.translate({ parts, from, to, who: whoOf(command) })
        const link = linkLine('↪', jumpTo(command.guildId ?? '@me', message.channelId, message.id))
        return pages(said.text, said.note === undefined ? link : `${link}\n${noteLine(said.note)}`)
      })
    },
  }
}

interface Posting {
  reply: Reply
  parts: readonly Part[]
  from: Language
  to: Language
  said: Translation
}

const notesOf = (...notes: (string | undefined)[]): string =>
  notes.flatMap((note) => (note === undefined ? [] : [noteLine(note)])).join('\n')

const authorOf = ({ member, user }: ChatInputCommandInteraction): string =>
  memberOf(member)?.displayName ?? user.displayName

function languageIn(command: ChatInputCommandInteraction, option: string): Language | undefined {
  const said = command.options.getString(option)
  return said !== null && isLanguage(said) ? said : undefined
}
