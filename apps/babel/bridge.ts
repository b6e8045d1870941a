import type { Guild, GuildTextBasedChannel, Message } from 'discord.js'
import { refused } from '../../sdk/errors.ts'
import { openLanes } from './lanes.ts'
import { detect, type Language } from './languages.ts'
import { nameOf, partsOf, shownOf } from './neutral.ts'
import { isError, isForbidden, pages, post } from './post.ts'
import type { Posts } from './posts.ts'
import { everyoneSees, linkTo, mayWrite } from './rights.ts'
import type { Settings } from './settings.ts'
import { namesIn } from './speech.ts'
import type { Translator } from './translate.ts'
import { jumpTo, linkLine, sentenceOf } from './words.ts'
import type { Work } from './work.ts'

/** Carries messages between the channels of a server: along its bridges, and replies back to where the original is. */
export interface Bridge {
  said(message: Message<true>): Promise<void>
  /** A message was deleted: its translations go too. */
  deleted(id: string, guild: Guild): Promise<void>
}

interface Deps {
  settings: Settings
  translator: Translator
  posts: Posts
  work: Work
  tell(cause: unknown): void
}

/** One way that a message goes. */
interface Way {
  channel: string
  to: Language
  /** What the message is in, unless it shows something else. */
  from: Language
  /** The original that is answered, on the way back. */
  replyTo?: string
}

/** Why something was not carried is said once in this time per channel. */
const NOTICE_MS = 60_000
const UNKNOWN_MESSAGE = 10_008

export function createBridge({ settings, translator, posts, work, tell }: Deps): Bridge {
  const lanes = openLanes()
  const noticed = new Map<string, number>()
  /** Messages that are being carried, and those of them that were deleted meanwhile. */
  const [underway, gone] = [new Set<string>(), new Set<string>()]

  async function waysOf({ guildId, channelId, reference }: Message<true>): Promise<Way[]> {
    const answered = reference?.messageId === undefined ? undefined : await posts.find(reference.messageId)
    const back: Way[] =
      answered?.guild !== guildId
        ? []
        : [
            {
              channel: answered.sourceChannel,
              to: answered.sourceLanguage,
              from: answered.language,
              replyTo: answered.sourceMessage,
            },
          ]
    const from = settings.languageIn(guildId, channelId)
    if (from === undefined) return back
    const along = settings
      .bridgesFrom(guildId, channelId)
      .filter(({ channel }) => channel !== back[0]?.channel)
    return [...back, ...along.map(({ channel, language }) => ({ channel, to: language, from }))]
  }

  /** What the message is in, and its text in the target's language; one that is in it already stays as it is. */
  async function translated(message: Message<true>, way: Way): Promise<{ from: Language; text: string }> {
    targetOf(message, way)
    const parts = partsOf(message.content, namesIn(message.guild, everyoneSees, message))
    const from = detect(message.content) ?? way.from
    if (from === way.to) return { from, text: shownOf(parts) }
    const who = { user: message.author.id, guild: message.guildId }
    return { from, text: (await translator.translate({ parts, from, to: way.to, who })).text }
  }

  async function posted(message: Message<true>, way: Way, from: Language, text: string): Promise<void> {
    if (gone.has(message.id)) return
    const channel = targetOf(message, way)
    const name = nameOf(message.member?.displayName ?? message.author.displayName)
    const whence = way.replyTo === undefined ? ` posted in #${nameOf(message.channel.name)} channel` : ''
    const link = linkLine('↪', jumpTo(message.guildId, message.channelId, message.id))
    const texts = pages(`${name}${whence}: ${text}`, link)
    const origin = { channel: message.channelId, message: message.id, language: from }
    await posts
      .post(channel, texts, { language: way.to, origin, replyTo: way.replyTo })
      .catch((cause: unknown) => {
        throw isForbidden(cause) ? closed(channel) : cause
      })
    if (gone.has(message.id)) await forget(message.id, message.guild)
  }

  async function forget(id: string, guild: Guild): Promise<void> {
    for (const { message, channel } of work.postsOf(id)) {
      work.forgetPost(message)
      const found = guild.channels.cache.get(channel)
      if (!found?.isTextBased()) continue
      await found.messages.delete(message).catch((cause: unknown) => {
        if (!isError(cause, UNKNOWN_MESSAGE)) tell(cause)
      })
    }
  }

  /** Says in the channel why a message was not carried; a flood of them gets one sentence a minute. */
  async function notice(message: Message<true>, cause: unknown): Promise<void> {
    tell(cause)
    const now = Date.now()
    if (gone.has(message.id) || now < (noticed.get(message.channelId) ?? 0) + NOTICE_MS) return
    noticed.set(message.channelId, now)
    if (!mayWrite(message.channel, message.guild.members.me)) return
    await post(message.channel, pages(`Not carried on: ${sentenceOf(cause)}`), { replyTo: message.id }).catch(
      tell,
    )
  }

  return {
    async said(message) {
      if (message.author.bot || message.webhookId !== null || message.system) return
      if (!/\p{L}/u.test(message.content)) return
      underway.add(message.id)
      const carried = (await waysOf(message)).map(async (way) => {
        try {
          await lanes.take(
            `${message.channelId} ${way.channel}`,
            () => translated(message, way),
            ({ from, text }) => posted(message, way, from, text),
          )
        } catch (cause) {
          await notice(message, cause)
        }
      })
      await Promise.all(carried)
      underway.delete(message.id)
      gone.delete(message.id)
    },
    async deleted(id, guild) {
      if (underway.has(id)) gone.add(id)
      await forget(id, guild)
    },
  }
}

/** @throws `channel.gone`, `permission.bot`, `permission.author` (refused). */
function targetOf({ guild, member }: Message<true>, { channel: id, replyTo }: Way): GuildTextBasedChannel {
  const channel = guild.channels.cache.get(id)
  if (channel === undefined || !channel.isTextBased()) {
    throw refused('channel.gone', 'The channel that this goes to is gone.', {
      fix: 'Whoever manages this server can set another one.',
    })
  }
  if (!mayWrite(channel, guild.members.me)) throw closed(channel)
  // A bridge is the server's own wish; a reply is its author's, who may only say it where the author may write.
  if (replyTo === undefined || mayWrite(channel, member)) return channel
  const where = everyoneSees(channel)
    ? `in ${linkTo(channel)}, where the original is`
    : 'where the original is'
  throw refused('permission.author', `You may not write ${where}.`)
}

/** Said where the message was written, to all who read there. */
const closed = (channel: GuildTextBasedChannel) =>
  refused(
    'permission.bot',
    `I may not write in ${everyoneSees(channel) ? linkTo(channel) : 'the channel that this goes to'}.`,
    { fix: 'Whoever manages this server can give me View Channel and Send Messages there.' },
  )
