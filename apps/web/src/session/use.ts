import { createContext, useContext, useSyncExternalStore } from 'react'
import { later } from '../../../../sdk/errors.ts'
import type { PageConfig } from '../network/config.ts'
import { askRouter } from '../network/router.ts'
import { openSessionDb } from './store.ts'
import type { Session, SessionView } from './view.ts'
import { wordsOf } from './words.ts'

/** The session as components use it. Keys, signatures and the chain come after the first paint. */

/** Its code: doors ask for it beside their configuration where it is needed, so that it is there with the first paint. */
export const loadSession = () => import('./session.ts')

/** While nobody pays, how often the router is asked whether it is there. Milliseconds. */
const LOOK_MS = 10_000
/** How often code that did not come is asked for. Milliseconds. */
const AGAIN_MS = 5_000

/** Asked for until it is there: a line that breaks for a moment is no page's end. */
async function codeOfSession(failed: (cause: unknown) => void): ReturnType<typeof loadSession> {
  for (;;) {
    try {
      return await loadSession()
    } catch (cause) {
      failed(partMissing(cause))
      await new Promise((resolve) => window.setTimeout(resolve, AGAIN_MS))
    }
  }
}

const partMissing = (cause: unknown) =>
  later('page.part_missing', 'a part of this page did not come', {
    fix: 'It is asked for again every few seconds; if it stays, load the page again.',
    cause,
  })

/** Whether this browser has had a key; one that keeps nothing is for the session to say. */
export async function hasKeys(): Promise<boolean> {
  try {
    const db = await openSessionDb()
    const count = await db.count('keys')
    db.close()
    return count > 0
  } catch {
    return true
  }
}

/**
 * Opened at once where a key is. Whoever has none gets along without all that signs, until the first act or until the
 * router does not answer, which the session then says.
 *
 * @param known  Whether there is a key; undefined on a page that neither shows nor pays anything.
 */
export function lazySession(
  config: PageConfig,
  frontend: number,
  known: Promise<boolean> | undefined,
): Session {
  let real: Session | undefined
  let view: SessionView = { phase: 'opening', former: [], acts: [] }
  const listeners = new Set<() => void>()
  const tell = () => {
    if (real) view = real.view()
    for (const listen of listeners) listen()
  }
  let loading: Promise<Session | undefined> | undefined
  const fail = (cause: unknown): undefined => {
    console.warn(cause)
    view = { phase: 'down', former: [], acts: [], problem: wordsOf(cause) }
    tell()
  }
  const open = () => {
    loading ??= codeOfSession(fail)
      .then(({ openBrowserSession }) => openBrowserSession(config, frontend))
      .then((opened) => {
        real = opened
        opened.subscribe(tell)
        tell()
        return opened
      }, fail)
    return loading
  }
  const look = async (): Promise<void> => {
    if (loading) return
    const isShown = document.visibilityState === 'visible'
    // Another tab may have made a key.
    if (isShown && ((await hasKeys()) || !(await doesAnswer(config.routerUrl)))) return void open()
    window.setTimeout(() => void look(), LOOK_MS)
  }
  let looking = false
  const begin = (isKnown: boolean) => {
    if (isKnown) return void open()
    if (loading || looking) return
    view = { ...view, phase: 'none' }
    tell()
    looking = true
    void look()
  }
  void known?.then(begin)
  const then = async (work: (session: Session) => unknown) => {
    const session = await open()
    if (session) await work(session)
  }
  return {
    view: () => view,
    subscribe(listen) {
      listeners.add(listen)
      return () => listeners.delete(listen)
    },
    fund: (wallet, dollars) => then((session) => session.fund(wallet, dollars)),
    tryOut: (dollars) => then((session) => session.tryOut(dollars)),
    sendAgain: (wallet) => then((session) => session.sendAgain(wallet)),
    dropSigned: () => then((session) => session.dropSigned()),
    revoke: (wallet) => then((session) => session.revoke(wallet)),
    withdraw: (key, wallet) => then((session) => session.withdraw(key, wallet)),
    cancel: (key, wallet) => then((session) => session.cancel(key, wallet)),
    askAgain: (act, wallet) => then((session) => session.askAgain(act, wallet)),
    forget: (act) => void then((session) => session.forget(act)),
    refresh: async () => (loading ? then((session) => session.refresh()) : begin(await hasKeys())),
    report: (cause) => void then((session) => session.report(cause)),
    switchChain: (wallet) => then((session) => session.switchChain(wallet)),
    dismiss: () => void then((session) => session.dismiss()),
  }
}

const doesAnswer = (routerUrl: string): Promise<boolean> =>
  askRouter(routerUrl).then(
    () => true,
    () => false,
  )

export interface SessionPlace {
  config: PageConfig
  session: Session
}
export const SessionContext = createContext<SessionPlace | undefined>(undefined)

export function useSession(): SessionPlace & { view: SessionView } {
  const place = useContext(SessionContext)
  if (place === undefined) throw new Error('SessionContext is missing')
  const view = useSyncExternalStore(place.session.subscribe, place.session.view)
  return { ...place, view }
}
