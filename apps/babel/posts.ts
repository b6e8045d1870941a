import type { GuildTextBasedChannel } from 'discord.js'
import type { Language } from './languages.ts'
import { type Page, post } from './post.ts'
import type { Post, Work } from './work.ts'

/** What a post is a translation of. */
export interface Origin {
  channel: string
  message: string
  language: Language
}

interface Way {
  language: Language
  origin: Origin
  /** The message that the post answers, in its own channel. */
  replyTo?: string | undefined
}

/** Translations in channels, each remembered with its original: that is how a reply finds its way back. */
export interface Posts {
  /** @returns the id of the first message, which others link to. */
  post(channel: GuildTextBasedChannel, texts: readonly Page[], way: Way): Promise<string>
  /** Also a post whose id Discord is just telling us. */
  find(message: string): Promise<Post | undefined>
}

export function openPosts(work: Work): Posts {
  const underway = new Set<Promise<unknown>>()

  return {
    async post(channel, texts, { language, origin, replyTo }) {
      const remember = (message: string) =>
        work.posted({
          ...{ message, channel: channel.id, guild: channel.guildId, language },
          ...{
            sourceChannel: origin.channel,
            sourceMessage: origin.message,
            sourceLanguage: origin.language,
          },
        })
      const posted = post(channel, texts, { replyTo, onPosted: remember })
      underway.add(posted)
      try {
        return await posted
      } finally {
        underway.delete(posted)
      }
    },
    async find(message) {
      const known = work.postOf(message)
      if (known !== undefined || underway.size === 0) return known
      await Promise.allSettled(underway)
      return work.postOf(message)
    },
  }
}
