import { refused } from '../../../sdk/errors.ts'
import type { Caller } from '../caller.ts'

/**
 * Who asks. A key is `<consumer>-<secret>`; the SDK sends it whole in `Authorization`, and in the bodies of workflow
 * calls as the two parts, or the secret alone where a task says whose it is.
 */
export interface Consumers {
  /** @throws `api_key.missing`, `api_key.invalid` (refused). */
  byHeader(authorization: string | undefined): string
  /** @param apiKey  The secret, or the whole key (the Python SDK does not split it). @throws `api_key.invalid`. */
  byParts(consumer: string, apiKey: string): string
  /** Whether this is the key of this consumer. Constant-time in the secret. */
  owns(consumer: string, apiKey: string): boolean
  /** Whom this consumer's calls are charged to. @throws `api_key.*` (refused) if its key opens nothing any more. */
  callerOf(consumer: string): Caller
}

/** A consumer that no key has: asking for it takes as long as for any other. */
const NOBODY = 'hk'

/** What is known of keys: whose an `Authorization` header is, undefined if it opens nothing. */
export interface KeyRing {
  check(authorization: string): string | undefined
}

export function consumersOf(keys: KeyRing, callerOf: Consumers['callerOf']): Consumers {
  const check = (token: string): string | undefined => keys.check(`Bearer ${token}`)
  const whole = (consumer: string, apiKey: string) =>
    apiKey.includes('-') ? apiKey : `${consumer || NOBODY}-${apiKey}`

  return {
    byHeader(authorization) {
      if (authorization === undefined) {
        throw refused('api_key.missing', "You didn't provide an API key", {
          fix: "Send it as 'Authorization: Bearer <key>'.",
        })
      }
      const consumer = keys.check(authorization)
      if (consumer === undefined) throw refused('api_key.invalid', 'Incorrect API key provided')
      return consumer
    },

    byParts(consumer, apiKey) {
      const found = check(whole(consumer, apiKey))
      if (found === undefined || (consumer !== '' && found !== consumer)) {
        throw refused('api_key.invalid', "'consumer_id' and 'api_key' are not the two parts of a key", {
          field: 'api_key',
          fix: 'A key is <consumer_id>-<api_key>.',
        })
      }
      return found
    },

    owns: (consumer, apiKey) => check(whole(consumer, apiKey)) === (consumer || NOBODY),
    callerOf,
  }
}
