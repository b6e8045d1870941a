import { useSyncExternalStore } from 'react'

/** The address of the page, which changes without loading it again. */

const listeners = new Set<() => void>()
const tell = () => {
  for (const listen of listeners) listen()
}
window.addEventListener('popstate', tell)

export function go(path: string): void {
  if (path === window.location.pathname + window.location.search) return
  window.history.pushState(null, '', path)
  tell()
}

/** The same without a step back to where one was. */
export function replace(path: string): void {
  window.history.replaceState(null, '', path)
  tell()
}

export const receiptPath = (request: string): string => `/r/${request}`

const onAddress = (listen: () => void) => {
  listeners.add(listen)
  return () => listeners.delete(listen)
}

/** The path of the address, as it changes. */
export const usePath = (): string => useSyncExternalStore(onAddress, () => window.location.pathname)

/** What stands behind the `?` of the address, as it changes. */
export const useSearch = (): string => useSyncExternalStore(onAddress, () => window.location.search)

/** What stands behind the `#` of the address, as it changes. Browsers send it to nobody. */
export const useHash = (): string => useSyncExternalStore(onAddress, () => window.location.hash)
