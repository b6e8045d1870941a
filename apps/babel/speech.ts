import type { Guild, GuildBasedChannel, Message } from 'discord.js'
import { refused } from '../../sdk/errors.ts'
import { detect, type Language } from './languages.ts'
import type { Names } from './neutral.ts'
import { languageName } from './words.ts'

/**
 * What a text is in: what its asker says, else what the text shows, else the first of the guesses.
 *
 * @throws `text.same`, `text.unknown_language` (refused).
 */
export function sourceOf(
  text: string,
  to: Language,
  { said, guesses }: { said?: Language | undefined; guesses: readonly (Language | undefined)[] },
): Language {
  const known = said ?? detect(text)
  if (known === to) {
    throw refused('text.same', `It is in ${languageName(to)} already.`, {
      ...(said === undefined ? { fix: 'If it is not, say what it is in with `from`.' } : {}),
    })
  }
  const source = known ?? guesses.find((guess) => guess !== undefined && guess !== to)
  if (source !== undefined) return source
  throw refused('text.unknown_language', 'I cannot tell which language this is in.', {
    fix: 'Use `/translate` and say it with `from`.',
  })
}

/**
 * How the people, roles and channels of a text are called in its server.
 *
 * @param sees  Whether whoever reads it may know of a channel; Discord shows no name of another one.
 */
export function namesIn(
  guild: Guild | null,
  sees: (channel: GuildBasedChannel) => boolean,
  message?: Message,
): Names {
  return {
    user: (id) =>
      guild?.members.cache.get(id)?.displayName ??
      message?.mentions.users.get(id)?.displayName ??
      guild?.client.users.cache.get(id)?.displayName,
    role: (id) => guild?.roles.cache.get(id)?.name,
    channel(id) {
      const channel = guild?.channels.cache.get(id)
      return channel !== undefined && sees(channel) ? channel.name : undefined
    },
  }
}
