import { refused } from '../../sdk/errors.ts'
import type { Language } from './languages.ts'
import { openStore } from './store.ts'

/** A channel that has a language: translations into it are posted there. */
export interface Place {
  channel: string
  language: Language
}

/** What servers and people have chosen. Every change is on the disk when its method returns. */
export interface Settings {
  channelOf(guild: string, language: Language): string | undefined
  languageIn(guild: string, channel: string): Language | undefined
  places(guild: string): Place[]
  /** Gives a language its channel, and the channel its language. */
  setChannel(guild: string, { channel, language }: Place): void
  /** Forgets the language's channel, and the bridges that touch it. @returns whether there was one. */
  unsetChannel(guild: string, language: Language): boolean
  /** Where messages of a channel go. */
  bridgesFrom(guild: string, channel: string): Place[]
  bridges(guild: string): { source: string; target: string }[]
  /** @throws `bridge.channel`, `bridge.same`, `bridge.too_many` (refused). */
  setBridge(guild: string, source: string, target: string): void
  unsetBridge(guild: string, source: string, target: string): boolean
  userLanguage(user: string): Language | undefined
  setUserLanguage(user: string, language: Language): void
  /** A server that put the bot out keeps nothing here. */
  forgetGuild(guild: string): void
  close(): void
}

/** Channels that one channel may be carried to. */
export const MOST_BRIDGES = 4

const STEPS = [
  `CREATE TABLE channels (guild TEXT NOT NULL, language TEXT NOT NULL, channel TEXT NOT NULL,
     PRIMARY KEY (guild, language), UNIQUE (guild, channel));
   CREATE TABLE bridges (guild TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
     PRIMARY KEY (guild, source, target));
   CREATE TABLE people (user TEXT PRIMARY KEY, language TEXT NOT NULL);`,
]

/** @throws `store.version`, `store.corrupt` (refused). */
export function openSettings(dataDir: string): Settings {
  const db = openStore(dataDir, 'settings.sqlite', { steps: STEPS, sync: 'FULL' })
  const one = <T>(sql: string, ...values: string[]) => db.prepare(sql).get(...values) as T | undefined
  const many = <T>(sql: string, ...values: string[]) => db.prepare(sql).all(...values) as T[]
  const run = (sql: string, ...values: string[]) => db.prepare(sql).run(...values).changes > 0

  const languageIn: Settings['languageIn'] = (guild, channel) =>
    one<Place>('SELECT language FROM channels WHERE guild = ? AND channel = ?', guild, channel)?.language
  const channelOf: Settings['channelOf'] = (guild, language) =>
    one<Place>('SELECT channel FROM channels WHERE guild = ? AND language = ?', guild, language)?.channel
  const bridges: Settings['bridges'] = (guild) =>
    many('SELECT source, target FROM bridges WHERE guild = ? ORDER BY source, target', guild)

  function drop(guild: string, channel: string): void {
    run('DELETE FROM bridges WHERE guild = ? AND (source = ? OR target = ?)', guild, channel, channel)
    run('DELETE FROM channels WHERE guild = ? AND channel = ?', guild, channel)
  }

  return {
    channelOf,
    languageIn,
    bridges,
    places: (guild) =>
      many('SELECT channel, language FROM channels WHERE guild = ? ORDER BY language', guild),
    setChannel: db.transaction((guild: string, { channel, language }: Place) => {
      const before = channelOf(guild, language)
      if (before !== undefined && before !== channel) drop(guild, before)
      run('DELETE FROM channels WHERE guild = ? AND channel = ?', guild, channel)
      run('INSERT INTO channels (guild, language, channel) VALUES (?, ?, ?)', guild, language, channel)
    }),
    unsetChannel: db.transaction((guild: string, language: Language) => {
      const channel = channelOf(guild, language)
      if (channel !== undefined) drop(guild, channel)
      return channel !== undefined
    }),
    bridgesFrom: (guild, channel) =>
      many(
        `SELECT target AS channel, language FROM bridges
           JOIN channels ON channels.guild = bridges.guild AND channels.channel = target
         WHERE bridges.guild = ? AND source = ? ORDER BY language`,
        guild,
        channel,
      ),
    setBridge(guild, source, target) {
      checkBridge(source, target, (channel) => languageIn(guild, channel))
      const targets = bridges(guild).filter((bridge) => bridge.source === source)
      if (targets.some((bridge) => bridge.target === target)) return
      if (targets.length >= MOST_BRIDGES) {
        throw refused('bridge.too_many', `A channel is carried to at most ${MOST_BRIDGES} others.`, {
          fix: 'Take one away with `/babel unset bridge`.',
        })
      }
      run('INSERT INTO bridges (guild, source, target) VALUES (?, ?, ?)', guild, source, target)
    },
    unsetBridge: (guild, source, target) =>
      run('DELETE FROM bridges WHERE guild = ? AND source = ? AND target = ?', guild, source, target),
    userLanguage: (user) => one<Place>('SELECT language FROM people WHERE user = ?', user)?.language,
    setUserLanguage: (user, language) => {
      run('INSERT OR REPLACE INTO people (user, language) VALUES (?, ?)', user, language)
    },
    forgetGuild: db.transaction((guild: string) => {
      run('DELETE FROM channels WHERE guild = ?', guild)
      run('DELETE FROM bridges WHERE guild = ?', guild)
    }),
    close: () => db.close(),
  }
}

function checkBridge(
  source: string,
  target: string,
  languageIn: (channel: string) => Language | undefined,
): void {
  if (source === target) throw refused('bridge.same', 'A bridge needs two channels.')
  const strange = [source, target].find((channel) => languageIn(channel) === undefined)
  if (strange === undefined) return
  throw refused('bridge.channel', 'Both channels of a bridge need a language first.', {
    fix: 'Set it with `/babel set channel`.',
    details: { channel: strange },
  })
}
