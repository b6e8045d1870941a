import { createHmac } from 'node:crypto'
import { request as requestHttp } from 'node:http'
import { type RequestOptions, request as requestHttps } from 'node:https'
import { asHeuristError } from '../../../sdk/errors.ts'
import { type Destination, destinationOf, type Reach } from './destination.ts'

/** For a whole delivery, if nothing else is said, and what is read of its answer. */
const PATIENCE_MS = 10_000
const MOST_BYTES = 16 * 1024

/** One message, told until it is heard: its id stays. */
export interface Message {
  id: string
  url: string
  secret: string
  body: string
}

/**
 * The headers by which a receiver knows who sent it (standardwebhooks.com, symmetric): the HMAC-SHA256 of id, time and body
 * with the secret's bytes.
 *
 * @param secret  `whsec_` and base64.
 * @param seconds  Unix time of this attempt: a receiver refuses what is minutes old.
 */
export function signed({ id, secret, body }: Omit<Message, 'url'>, seconds: number): Record<string, string> {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${signature}` }
}

/**
 * Sends a message once, to the address that its URL has now. Redirects are not followed, at most 10 s are waited and 16 KiB
 * read.
 *
 * @returns `delivered` after a 2xx, otherwise in a word why not. Never throws.
 */
export async function deliver(message: Message, reach: Reach, nowMs: number): Promise<string> {
  const late = AbortSignal.timeout(reach.patienceMs ?? PATIENCE_MS)
  try {
    const destination = await destinationOf(message.url, reach)
    const status = await post(destination, message, nowMs, late)
    return status >= 200 && status < 300 ? 'delivered' : `answered ${status}`
  } catch (cause) {
    if (late.aborted) return 'too slow'
    return (cause as NodeJS.ErrnoException).code ?? asHeuristError(cause).code
  }
}

function post(
  { url, address, family }: Destination,
  message: Message,
  nowMs: number,
  signal: AbortSignal,
): Promise<number> {
  const options: RequestOptions = {
    method: 'POST',
    agent: false,
    signal,
    // The address that was looked at, whatever the name means by now.
    lookup: (_, { all }, found) => (all ? found(null, [{ address, family }]) : found(null, address, family)),
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(message.body),
      'user-agent': 'heurist-gateway',
      ...signed(message, Math.floor(nowMs / 1_000)),
    },
  }
  return new Promise((resolve, reject) => {
    const call = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options, (answer) => {
      let read = 0
      answer.on('data', (bytes: Buffer) => {
        read += bytes.length
        if (read > MOST_BYTES) answer.destroy()
      })
      answer.once('close', () => resolve(answer.statusCode ?? 0))
      answer.once('error', reject)
    })
    // A receiver that wants to speak something else is not spoken with.
    call.once('upgrade', (answer, socket) => {
      socket.destroy()
      resolve(answer.statusCode ?? 0)
    })
    call.once('error', reject)
    call.end(message.body)
  })
}
