import { asHeuristError } from '../../sdk/errors.ts'
import { isUnknown } from '../../sdk/transport.ts'
import { LANGUAGES, type Language } from './languages.ts'

/** What people read. */

export const languageName = (language: Language): string => LANGUAGES[language]

/** A sentence and a way out, for whoever asked. Of what only we can mend it says no more than that. */
export function sentenceOf(cause: unknown): string {
  const { kind, code, message, fix } = asHeuristError(cause)
  if (code === 'credit.insufficient' || code === 'credit.thawing')
    return "This bot's account has no credit left; its operator has to add some. Nothing was charged."
  if (OWN.test(code)) return [message, fix].filter((text) => text !== undefined).join(' ')
  if (isUnknown(cause))
    return 'The network cannot be reached. What does not arrive is not charged; ask again in a minute.'
  if (code.startsWith('chain.'))
    return 'The network cannot be reached in full. Whether this was charged is not known yet; ask again in a minute.'
  if (kind === 'later')
    return 'The network is busy, or its workers failed. What failed is not charged; ask again in a minute.'
  return 'This could not be translated, and it is our fault. The operator can read why, and what it cost.'
}

/** Errors whose words are ours; whatever the network says is not repeated to a server. */
const OWN = /^(pair|model|text|rate|budget|bridge|translation|channel|setting|permission)\./

export const jumpTo = (guild: string, channel: string, message: string): string =>
  `https://discord.com/channels/${guild}/${channel}/${message}`

/** A line of small print with a link to a message. */
export const linkLine = (mark: string, url: string): string => `-# ${mark} ${url}`

export const noteLine = (note: string): string => `-# ${note}`
