import {
  type ChatInputCommandInteraction,
  type Client,
  type MessageContextMenuCommandInteraction,
  MessageFlags,
  Routes,
} from 'discord.js'
import type { Logger } from 'pino'
import { isForbidden, isOver, type Page, pages, post } from './post.ts'
import type { Work } from './work.ts'

export type Command = ChatInputCommandInteraction | MessageContextMenuCommandInteraction

/** Who else sees the answer to a command. */
export type Audience = 'asker' | 'channel'

/** A command that Discord knows to be heard. */
export interface Reply {
  /** The message that will hold the answer. */
  readonly message: string | undefined
  /** Answers, once. Past the quarter of an hour that Discord waits, by an ordinary message. */
  say(texts: readonly [Page, ...Page[]]): Promise<void>
}

export interface Replies {
  /** Tells Discord at once that the command is heard, before anything else happens. */
  acknowledge(command: Command, audience: Audience): Promise<Reply>
  /** Tells whoever waits for an answer of a process that was killed. */
  resume(client: Client<true>): Promise<void>
}

/** Discord forgets a command after this. */
const TOKEN_MS = 15 * 60_000
/** Whoever waits longer is told that it goes on. */
const STILL_MS = 10_000
/** Of the calls of a process that was killed nobody knows how far they came. */
const RESTARTED =
  'The bot was restarted meanwhile; please ask again. Only what had been delivered to it by then is charged.'

export function openReplies(work: Work, log: Logger): Replies {
  async function acknowledge(command: Command, audience: Audience): Promise<Reply> {
    const flags = audience === 'asker' ? { flags: MessageFlags.Ephemeral as const } : {}
    const acknowledged = command.deferReply({ ...flags, withResponse: true })
    work.opened({ id: command.id, token: command.token, made: command.createdTimestamp })
    try {
      const response = await acknowledged
      return replyTo(command, audience, response.resource?.message?.id)
    } catch (cause) {
      work.answered(command.id)
      throw cause
    }
  }

  function replyTo(command: Command, audience: Audience, message: string | undefined): Reply {
    let told: Promise<unknown> = Promise.resolve()
    const still = setTimeout(() => {
      const [page] = pages('Still translating: the workers are slow or busy…')
      told = command.editReply(page).catch(() => undefined)
    }, STILL_MS)
    return {
      message,
      async say(texts) {
        clearTimeout(still)
        await told
        try {
          await edit(command, audience, texts)
        } catch (cause) {
          if (!isOver(cause)) throw cause
          await late(command, audience, texts)
        } finally {
          work.answered(command.id)
        }
      },
    }
  }

  async function late(command: Command, audience: Audience, [first, ...others]: readonly [Page, ...Page[]]) {
    log.warn({ event: 'reply.late', command: command.id })
    const { channel } = command
    const [answer] = pages(`It took longer than Discord waits for an answer. ${first.content}`)
    const texts = [answer, ...others]
    try {
      if (audience === 'channel' && channel?.isSendable()) await post(channel, texts)
      else for (const text of texts) await command.user.send(text)
    } catch (cause) {
      if (!isForbidden(cause)) throw cause
      log.warn({ event: 'reply.lost', command: command.id })
    }
  }

  return {
    acknowledge,
    async resume(client) {
      for (const { id, token, made } of work.open()) {
        work.answered(id)
        if (made + TOKEN_MS < Date.now()) continue
        const [{ content }] = pages(RESTARTED)
        const body = { content, allowed_mentions: { parse: [] } }
        const route = Routes.webhookMessage(client.application.id, token, '@original')
        await client.rest.patch(route, { body, auth: false }).catch((cause: unknown) => {
          log.warn({ event: 'reply.lost', command: id, reason: (cause as Error).message })
        })
      }
    },
  }
}

async function edit(
  command: Command,
  audience: Audience,
  [first, ...others]: readonly [Page, ...Page[]],
): Promise<void> {
  await command.editReply(first)
  const flags = audience === 'asker' ? { flags: MessageFlags.Ephemeral as const } : {}
  for (const page of others) await command.followUp({ ...page, ...flags })
}
