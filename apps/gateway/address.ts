import type { FastifyRequest } from 'fastify'
import { refused } from '../../sdk/errors.ts'

/**
 * How callers reach this door, as URLs to it begin. Asked before anything is paid: an answer that has no address is none.
 *
 * @param publicUrl  undefined = as the request came in.
 * @throws `parameter.invalid` (refused) if the `Host` that it came with makes no URL.
 */
export function addressOf({ protocol, host }: FastifyRequest, publicUrl: string | undefined): string {
  if (publicUrl !== undefined) return publicUrl
  const address = `${protocol}://${host}`
  if (URL.canParse(address)) return address
  throw refused('parameter.invalid', "'Host' is not an address that a URL could begin with", {
    field: 'Host',
    fix: 'Send the name and port of this door, as HTTP clients do.',
  })
}
