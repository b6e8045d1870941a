import type { Language } from './languages.ts'
import { openStore } from './store.ts'

/** A message that this bot posted for somebody, and where its original is. */
export interface Post {
  message: string
  channel: string
  guild: string
  language: Language
  sourceChannel: string
  sourceMessage: string
  sourceLanguage: Language
}

/** A command that was acknowledged and is not answered yet. */
export interface OpenCommand {
  id: string
  token: string
  /** Unix milliseconds when it was made. */
  made: number
}

/** What one call may cost, and whom it counts against. */
export interface Spend {
  day: string
  guild: string
  user: string
  /** Base units. */
  most: bigint
}

/** What the bot is at, on the disk: a process that is killed leaves no reply, command or dollar uncounted. */
export interface Work {
  posted(post: Post): void
  postOf(message: string): Post | undefined
  postsOf(sourceMessage: string): Post[]
  forgetPost(message: string): void
  opened(command: OpenCommand): void
  answered(id: string): void
  open(): OpenCommand[]
  /** Counted with its most until it is closed. @returns what to close it by. */
  hold(spend: Spend): number
  close(id: number, price: bigint): void
  /** Held and paid on a day, base units. */
  spentOn(day: string, who?: { guild: string } | { user: string }): bigint
  forgetGuild(guild: string): void
  end(): void
}

/** How long a reply to a post still finds its way back. */
const POSTS_KEPT_MS = 30 * 24 * 3_600_000
const SPENDS_KEPT_DAYS_MS = 7 * 24 * 3_600_000

const STEPS = [
  `CREATE TABLE posts (message TEXT PRIMARY KEY, channel TEXT NOT NULL, guild TEXT NOT NULL, language TEXT NOT NULL,
     source_channel TEXT NOT NULL, source_message TEXT NOT NULL, source_language TEXT NOT NULL, made INTEGER NOT NULL);
   CREATE INDEX posts_source ON posts (source_message);
   CREATE TABLE commands (id TEXT PRIMARY KEY, token TEXT NOT NULL, made INTEGER NOT NULL);
   CREATE TABLE spends (id INTEGER PRIMARY KEY, day TEXT NOT NULL, guild TEXT NOT NULL, user TEXT NOT NULL,
     most INTEGER NOT NULL, price INTEGER);
   CREATE INDEX spends_guild ON spends (day, guild);
   CREATE INDEX spends_user ON spends (day, user);`,
]

const POST = `SELECT message, channel, guild, language, source_channel AS sourceChannel, source_message AS sourceMessage,
  source_language AS sourceLanguage FROM posts`

/** @throws `store.version`, `store.corrupt` (refused). */
export function openWork(dataDir: string, now: () => number = Date.now): Work {
  const db = openStore(dataDir, 'work.sqlite', { steps: STEPS, sync: 'NORMAL' })
  const run = (sql: string, ...values: (string | number | bigint)[]) => db.prepare(sql).run(...values)
  run('DELETE FROM posts WHERE made < ?', now() - POSTS_KEPT_MS)
  run('DELETE FROM spends WHERE day < ?', dayOf(now() - SPENDS_KEPT_DAYS_MS))

  return {
    posted: ({ message, channel, guild, language, sourceChannel, sourceMessage, sourceLanguage }) => {
      const values = [message, channel, guild, language, sourceChannel, sourceMessage, sourceLanguage]
      run('INSERT OR REPLACE INTO posts VALUES (?, ?, ?, ?, ?, ?, ?, ?)', ...values, now())
    },
    postOf: (message) => db.prepare(`${POST} WHERE message = ?`).get(message) as Post | undefined,
    postsOf: (source) => db.prepare(`${POST} WHERE source_message = ?`).all(source) as Post[],
    forgetPost: (message) => {
      run('DELETE FROM posts WHERE message = ?', message)
    },
    opened: ({ id, token, made }) => {
      run('INSERT OR REPLACE INTO commands VALUES (?, ?, ?)', id, token, made)
    },
    answered: (id) => {
      run('DELETE FROM commands WHERE id = ?', id)
    },
    open: () => db.prepare('SELECT id, token, made FROM commands ORDER BY made').all() as OpenCommand[],
    hold: ({ day, guild, user, most }) => {
      const sql = 'INSERT INTO spends (day, guild, user, most) VALUES (?, ?, ?, ?)'
      return Number(run(sql, day, guild, user, most).lastInsertRowid)
    },
    close: (id, price) => {
      run('UPDATE spends SET price = ? WHERE id = ?', price, id)
    },
    spentOn: (day, who) => {
      const [column, value] = Object.entries(who ?? {})[0] ?? ['day', day]
      const sql = `SELECT coalesce(sum(coalesce(price, most)), 0) AS sum FROM spends WHERE day = ? AND ${column} = ?`
      return BigInt((db.prepare(sql).get(day, value) as { sum: number }).sum)
    },
    forgetGuild: (guild) => {
      run('DELETE FROM posts WHERE guild = ?', guild)
    },
    end: () => db.close(),
  }
}

/** The UTC day of a time. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
