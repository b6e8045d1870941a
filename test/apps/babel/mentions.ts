/** Who a message of Discord's would notify. */

export interface AllowedMentions {
  parse?: string[]
  users?: string[]
  roles?: string[]
  replied_user?: boolean
}

export interface Reach {
  /** Whether the sender may notify everybody, and roles that are not open to mentions. */
  mayMentionEveryone: boolean
  /** The author of the message that is replied to. */
  repliedTo?: string
}

const unique = (list: string[]): string[] => [...new Set(list)]

/**
 * Strict: mentions in code count, which Discord's clients show as text.
 *
 * @param allowed  undefined: all that the text says, and the author that is replied to.
 * @returns `everyone`, `here`, `user:<id>`, `role:<id>`.
 */
export function pingsOf(content: string, allowed: AllowedMentions | undefined, reach: Reach): string[] {
  const may = (kind: 'everyone' | 'users' | 'roles') =>
    allowed === undefined || (allowed.parse ?? []).includes(kind)
  const named = (kind: 'users' | 'roles', id: string) => may(kind) || (allowed?.[kind] ?? []).includes(id)
  const pings: string[] = []
  if (reach.mayMentionEveryone && may('everyone'))
    for (const [, word = ''] of content.matchAll(/@(everyone|here)/g)) pings.push(word)
  for (const [, id = ''] of content.matchAll(/<@!?(\d+)>/g)) if (named('users', id)) pings.push(`user:${id}`)
  for (const [, id = ''] of content.matchAll(/<@&(\d+)>/g)) if (named('roles', id)) pings.push(`role:${id}`)
  const repliedUser = allowed === undefined ? true : (allowed.replied_user ?? false)
  if (reach.repliedTo !== undefined && repliedUser) pings.push(`user:${reach.repliedTo}`)
  return unique(pings)
}
