import { type Client, Events, type Interaction, type Message } from 'discord.js'
import type { Logger } from 'pino'
import { asHeuristError, type HeuristError } from '../../sdk/errors.ts'
import { createBridge } from './bridge.ts'
import { COMMANDS, MENU } from './commands.ts'
import { createDiscord, type DiscordOptions, login, refusalOf } from './discord.ts'
import { createManaging } from './managing.ts'
import type { Model } from './models.ts'
import { isOver } from './post.ts'
import { openPosts } from './posts.ts'
import { openReplies } from './replies.ts'
import type { Settings } from './settings.ts'
import type { Translator } from './translate.ts'
import { createTranslating } from './translating.ts'
import type { Work } from './work.ts'

export interface Bot {
  /** @throws `discord.*`. */
  start(): Promise<void>
  isReady(): boolean
  servers(): number
  /** Hears nothing more, and ends what it is at, or leaves it after a while. */
  stop(patienceMs: number): Promise<void>
}

interface Deps {
  discord: DiscordOptions
  settings: Settings
  work: Work
  translator: Translator
  models: readonly Model[]
  operators: readonly string[]
  revenue(): Promise<string>
  /** Discord closed the connection for good. */
  onLost(cause: HeuristError): void
  log: Logger
}

/** The bot: what Discord tells it, led to whoever answers. */
export function createBot(deps: Deps): Bot {
  const { discord, settings, work, translator, models, operators, revenue, onLost, log } = deps
  const client = createDiscord(discord)
  const tell = (cause: unknown) => logged(log, cause)
  const replies = openReplies(work, log)
  const posts = openPosts(work)
  const translating = createTranslating({ replies, settings, translator, posts, tell })
  const bridge = createBridge({ settings, translator, posts, work, tell })
  const managing = createManaging({
    ...{ replies, settings, models, operators, revenue, tell },
    readsMessages: discord.readMessages,
  })

  async function asked(interaction: Interaction): Promise<void> {
    if (interaction.isMessageContextMenuCommand() && interaction.commandName === MENU)
      return translating.menu(interaction)
    if (!interaction.isChatInputCommand()) return
    if (interaction.commandName === 'translate') return translating.slash(interaction)
    if (interaction.commandName === 'babel') return managing(interaction)
  }

  const running = new Set<Promise<void>>()
  /** One event that nobody waits for: its end is waited for when the bot stops, its error is told. */
  const run = (work: Promise<void>): void => {
    const tracked = work.catch(tell).finally(() => running.delete(tracked))
    running.add(tracked)
  }

  let hears = true
  function listen(ready: Client<true>): void {
    ready.on(Events.InteractionCreate, (interaction) => hears && run(asked(interaction)))
    ready.on(Events.MessageCreate, (message: Message) => {
      if (hears && message.inGuild()) run(bridge.said(message))
    })
    ready.on(Events.MessageDelete, ({ id, guild }) => guild && run(bridge.deleted(id, guild)))
    ready.on(Events.MessageBulkDelete, (messages) => {
      for (const { id, guild } of messages.values()) if (guild) run(bridge.deleted(id, guild))
    })
    ready.on(Events.GuildDelete, ({ id }) => {
      settings.forgetGuild(id)
      work.forgetGuild(id)
    })
    ready.on(Events.ShardDisconnect, ({ code }) => onLost(refusalOf(code)))
  }

  client.on(Events.Error, tell)
  client.on(Events.ShardError, tell)
  return {
    async start() {
      const ready = await login(client, discord.token)
      await ready.application.commands.set(COMMANDS)
      listen(ready)
      await replies.resume(ready)
    },
    isReady: () => client.isReady(),
    servers: () => client.guilds.cache.size,
    async stop(patienceMs) {
      hears = false
      const patience = new Promise((resolve) => setTimeout(resolve, patienceMs).unref())
      await Promise.race([Promise.all(running), patience])
      client.removeAllListeners(Events.ShardDisconnect)
      await client.destroy()
    },
  }
}

/** A refusal is the asker's business and was told; the rest is the operator's. */
function logged(log: Logger, cause: unknown): void {
  const error = asHeuristError(cause)
  if (isOver(cause)) return log.warn({ event: 'command.over', reason: error.message })
  if (error.kind === 'bug' || error.code.startsWith('credit.'))
    return log.error({ event: 'babel.error', error: error.toJSON(), stack: (cause as Error).stack })
  log.info({ event: 'babel.refused', code: error.code })
}
