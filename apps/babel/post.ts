import { DiscordAPIError, MessageFlags, RESTJSONErrorCodes, type SendableChannels } from 'discord.js'
import { MOST_CHARACTERS, pagesOf } from './neutral.ts'

/** The one door through which text leaves for Discord. */

/** A message that notifies nobody, whatever its text says, not even whom it replies to. */
export interface Page {
  content: string
  allowedMentions: { parse: []; repliedUser: false }
}

/**
 * A text as messages that notify nobody.
 *
 * @param last  Lines of our own, with links: they stand at the end of the last one, whole.
 */
export function pages(text: string, last = ''): [Page, ...Page[]] {
  const end = last === '' ? '' : `\n${last}`
  const cut = pagesOf(text, MOST_CHARACTERS - end.length)
  if (cut.length === 0) cut.push('')
  const tail = `${cut.pop()}${end}`
  const pageOf = (content: string): Page => ({ content, allowedMentions: { parse: [], repliedUser: false } })
  return [...cut, tail].map(pageOf) as [Page, ...Page[]]
}

/** Links in what a channel is told unfold to nothing. */
const QUIETLY = MessageFlags.SuppressEmbeds as const

interface Posting {
  /** The message that the first page answers. */
  replyTo?: string | undefined
  /** Hears of each message as soon as it has an id. */
  onPosted?(id: string): void
}

/** Posts pages one after the other. @returns the id of the first message. */
export async function post(
  channel: SendableChannels,
  [first, ...others]: readonly Page[],
  { replyTo, onPosted = () => {} }: Posting = {},
): Promise<string> {
  const reply = replyTo === undefined ? {} : { reply: { messageReference: replyTo, failIfNotExists: false } }
  const { id } = await channel.send({ ...(first ?? {}), ...reply, flags: QUIETLY })
  onPosted(id)
  for (const page of others) onPosted((await channel.send({ ...page, flags: QUIETLY })).id)
  return id
}

export const isError = (cause: unknown, ...codes: number[]): boolean =>
  cause instanceof DiscordAPIError && codes.includes(Number(cause.code))

/** The quarter of an hour of a command is over, or nobody knows it any more. */
export const isOver = (cause: unknown): boolean =>
  isError(
    cause,
    RESTJSONErrorCodes.UnknownWebhook,
    RESTJSONErrorCodes.InvalidWebhookToken,
    RESTJSONErrorCodes.UnknownInteraction,
    RESTJSONErrorCodes.UnknownMessage,
  )

export const isForbidden = (cause: unknown): boolean =>
  isError(
    cause,
    RESTJSONErrorCodes.MissingPermissions,
    RESTJSONErrorCodes.MissingAccess,
    RESTJSONErrorCodes.UnknownChannel,
    RESTJSONErrorCodes.CannotSendMessagesToThisUser,
  )
