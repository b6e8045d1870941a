import type { PageConfig } from '../network/config.ts'
import { watched } from '../network/watched.ts'
import { lazySession, type SessionPlace } from '../session/use.ts'

let opened: SessionPlace | undefined

/**
 * The portal's session, from the first page on that pays: a tab that only reads leaves the key to the tab that uses it.
 *
 * @param wanted  Whether the page that is shown pays.
 */
export function usePaying(config: PageConfig, wanted: boolean): SessionPlace | undefined {
  if (wanted) opened ??= watched({ config, session: lazySession(config, config.doors.portal?.frontend ?? 0) })
  return opened
}
