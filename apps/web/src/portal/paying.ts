import type { PageConfig } from '../network/config.ts'
import { watched } from '../network/watched.ts'
import { hasKeys, lazySession, type SessionPlace } from '../session/use.ts'

let opened: SessionPlace | undefined

/**
 * The portal's session, from the first page on that pays: a tab that only reads leaves the key to the tab that uses it.
 *
 * @param wanted  Whether the page that is shown pays.
 */
export function usePaying(config: PageConfig, wanted: boolean): SessionPlace | undefined {
  if (wanted) {
    const frontend = config.doors.portal?.frontend ?? 0
    opened ??= watched({ config, session: lazySession(config, frontend, hasKeys()) })
  }
  return opened
}
