/** Every address of the portal, once: the server answers them with the page, `pages.tsx` says what each one shows. Pure. */
export const PORTAL_ADDRESSES = [
  '/',
  '/pods',
  '/pods/:pod',
  '/nodes',
  '/nodes/:node',
  '/explorer',
  '/explorer/batches/:router/:seq',
  '/explorer/epochs/:epoch',
  '/credits',
  '/stake',
  '/lock',
  '/vote',
  '/claim',
  '/r/:request',
] as const
export type PortalAddress = (typeof PORTAL_ADDRESSES)[number]

/** What stands in an address where its pattern has a `:name`. Text of the person who wrote the address. */
export type Params = Readonly<Record<string, string>>

const matchers = PORTAL_ADDRESSES.map((address) => ({
  address,
  names: [...address.matchAll(/:(\w+)/g)].map((match) => match[1] ?? ''),
  pattern: new RegExp(`^${address.replace(/:\w+/g, '([^/]+)')}$`),
}))

/** The address that a path is of, with its parameters; undefined if it is of none. */
export function matchAddress(path: string): { address: PortalAddress; params: Params } | undefined {
  for (const { address, names, pattern } of matchers) {
    const found = pattern.exec(path)
    if (!found) continue
    return { address, params: Object.fromEntries(names.map((name, index) => [name, found[index + 1] ?? ''])) }
  }
  return undefined
}

const MOST_ID = 2 ** 32 - 1

/** A number of the Registry, or of an epoch, as it stands in an address; undefined if that is none. */
export function idIn(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined
  const id = Number(text)
  return id <= MOST_ID ? id : undefined
}

/** A hash as it stands in an address. */
export const hashIn = (text: string | undefined): string | undefined =>
  text !== undefined && /^0x[0-9a-fA-F]{64}$/.test(text) ? text.toLowerCase() : undefined

/** An address of the chain as it stands in an address of the page, lower case. */
export const addressIn = (text: string | undefined): string | undefined =>
  text !== undefined && /^0x[0-9a-fA-F]{40}$/.test(text) ? text.toLowerCase() : undefined
