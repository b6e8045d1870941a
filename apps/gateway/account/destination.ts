import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { refused } from '../../../sdk/errors.ts'

/** Where a request goes: a URL, and the one address that was looked at. */
export interface Destination {
  url: URL
  address: string
  family: 4 | 6
}

export type Resolve = (host: string) => Promise<{ address: string; family: number }[]>

/** What may be called: the public network by https, and on a machine that is a whole network of its own, itself. */
export interface Reach {
  loopback: boolean
  resolve?: Resolve
  /** How long an answer may take; default 10 s. */
  patienceMs?: number
}

const RESOLVE_MS = 5_000

/** What is not the public network (IANA's special-purpose registries), and Azure's metadata, which has a public address. */
const SPECIAL_V4 =
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4'
/** Of the one range that is handed out: what carries IPv4 inside or is no destination. */
const SPECIAL_V6 = '2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20'

const listOf = (ranges: string, family: 'ipv4' | 'ipv6'): BlockList => {
  const list = new BlockList()
  for (const range of ranges.split(' ')) {
    const [net = '', bits] = range.split('/')
    list.addSubnet(net, Number(bits), family)
  }
  return list
}
const specialV4 = listOf(SPECIAL_V4, 'ipv4')
const specialV6 = listOf(SPECIAL_V6, 'ipv6')
const globalV6 = listOf('2000::/3', 'ipv6')
const loopback = listOf('127.0.0.0/8', 'ipv4')

/** Whether an address is one of the public network. IPv4 in an IPv6 coat is not. */
export const isPublic = (address: string): boolean =>
  isIP(address) === 4
    ? !specialV4.check(address, 'ipv4')
    : isIP(address) === 6 && globalV6.check(address, 'ipv6') && !specialV6.check(address, 'ipv6')

const isLoopback = (address: string): boolean => address === '::1' || loopback.check(address, 'ipv4')

/**
 * Where a URL of somebody else's goes. Its name is resolved here, once; whoever connects uses the address, so that the name
 * cannot mean another machine a moment later. One address that may not be called refuses them all.
 *
 * @throws `webhook.url_refused` (refused), naming the field `url`.
 */
export async function destinationOf(
  text: string,
  { loopback: local, resolve = resolved }: Reach,
): Promise<Destination> {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) throw wrong('is no URL')
  if (url.username !== '' || url.password !== '') throw wrong('holds a user name or password')
  if (url.hash !== '') throw wrong('holds a fragment')
  if (url.protocol !== 'https:' && !(local && url.protocol === 'http:'))
    throw wrong('does not begin with https://')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const found = isIP(host) === 0 ? await resolve(host) : [{ address: host, family: isIP(host) }]
  const [first] = found
  if (first === undefined) throw wrong('names no machine that can be found')
  const allowed = (address: string) =>
    (local && isLoopback(address)) || (url.protocol === 'https:' && isPublic(address))
  if (!found.every(({ address }) => allowed(address))) throw wrong('is not on the public network')
  return { url, address: first.address, family: first.family === 6 ? 6 : 4 }
}

/** @returns none if nobody knows the name in time. */
async function resolved(host: string): Promise<{ address: string; family: number }[]> {
  const late = new AbortController()
  const none = sleep(RESOLVE_MS, [], { signal: late.signal }).catch(() => [])
  try {
    return await Promise.race([lookup(host, { all: true }).catch(() => []), none])
  } finally {
    late.abort()
  }
}

const wrong = (what: string) =>
  refused('webhook.url_refused', `'url' ${what}`, {
    field: 'url',
    fix: 'Give the https:// URL of a machine on the public network.',
  })
