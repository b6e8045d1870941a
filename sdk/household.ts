import { isIPv4, isIPv6 } from 'node:net'

/**
 * Who an address is likely to be: an IPv4 address, or the /64 that an IPv6 address is in, because a household has all of
 * it. An IPv4 address in an IPv6 coat is that IPv4 address.
 *
 * @param ip  As Node writes it, with or without a zone.
 */
export function householdOf(ip: string): string {
  const [address = ''] = ip.split('%')
  if (isIPv4(address) || !isIPv6(address)) return address
  const groups = groupsOf(address)
  const [high = 0, low = 0] = groups.slice(6)
  if (groups.slice(0, 5).every((each) => each === 0) && groups[5] === 0xffff) {
    return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
  }
  return `${groups
    .slice(0, 4)
    .map((each) => each.toString(16))
    .join(':')}::/64`
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  // A URL writes its host in the one canonical way, without an IPv4 tail.
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [before = '', after] = text.split('::')
  const numbers = (part: string) =>
    part.split(':').flatMap((each) => (each === '' ? [] : [Number.parseInt(each, 16)]))
  const [head, tail] = [numbers(before), numbers(after ?? '')]
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}
