import {
  Client,
  DiscordAPIError,
  DiscordjsErrorCodes,
  Events,
  GatewayCloseCodes,
  GatewayIntentBits,
  Options,
  Partials,
} from 'discord.js'
import { type HeuristError, later, refused } from '../../sdk/errors.ts'

export interface DiscordOptions {
  token: string
  /** Of the REST interface; it names the gateway. */
  url: string
  readMessages: boolean
}

/** A connection to Discord that comes back by itself; nothing that it sends notifies anybody. */
export function createDiscord({ url, readMessages }: DiscordOptions): Client {
  const reading = readMessages ? [GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent] : []
  return new Client({
    intents: [GatewayIntentBits.Guilds, ...reading],
    partials: [Partials.Message],
    allowedMentions: { parse: [], repliedUser: false },
    makeCache: Options.cacheWithLimits({ ...Options.DefaultMakeCacheSettings, MessageManager: 50 }),
    rest: { api: url.replace(/\/+$/, ''), retries: 2 },
  })
}

/**
 * Logs in and waits until the servers are known.
 *
 * @throws `discord.token_refused`, `discord.intents_refused` (refused), `discord.unreachable` (later).
 */
export async function login(client: Client, token: string): Promise<Client<true>> {
  let heard: (cause: HeuristError) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    heard = reject
  })
  failed.catch(() => undefined)
  const onClosed = ({ code }: { code: number }) => heard(refusalOf(code))
  client.once(Events.ShardDisconnect, onClosed)
  try {
    const ready = new Promise<Client<true>>((resolve) => client.once(Events.ClientReady, resolve))
    return await Promise.race([client.login(token).then(() => ready), failed])
  } catch (cause) {
    throw loginError(cause)
  } finally {
    client.off(Events.ShardDisconnect, onClosed)
  }
}

function loginError(cause: unknown): unknown {
  const { code, name } = cause as { code?: unknown; name?: string }
  if (name === 'HeuristError') return cause
  if (code === DiscordjsErrorCodes.TokenInvalid) return tokenRefused(cause)
  if (cause instanceof DiscordAPIError && cause.status === 401) return tokenRefused(cause)
  return later('discord.unreachable', 'Discord does not answer', { cause })
}

const tokenRefused = (cause?: unknown): HeuristError =>
  refused('discord.token_refused', 'Discord does not take this token', {
    fix: 'Copy the bot\'s token anew from the developer portal ("Reset Token"), and set HEURIST_DISCORD_TOKEN.',
    cause,
  })

/** Why Discord closed for good. */
export function refusalOf(code: number): HeuristError {
  if (code === GatewayCloseCodes.DisallowedIntents) {
    return refused('discord.intents_refused', 'Discord does not let this bot read messages', {
      fix: 'Switch "Message Content Intent" on in the developer portal, or set "readMessages": false.',
    })
  }
  if (code === GatewayCloseCodes.AuthenticationFailed) return tokenRefused()
  return later('discord.closed', `Discord closed the connection for good (${code})`, { details: { code } })
}
