import { createContext, useContext, useSyncExternalStore } from 'react'
import type { PageConfig } from '../network/config.ts'
import type { Session, SessionView } from './view.ts'
import { wordsOf } from './words.ts'

/** The session as components use it. Keys, signatures and the chain come after the first paint. */

/** Its code: doors ask for it beside their configuration, so that it is there when the first paint is done. */
export const loadSession = () => import('./session.ts')

/** @param waits  On a page that neither shows nor pays anything: opened by the first act alone. */
export function lazySession(config: PageConfig, frontend: number, waits = false): Session {
  let real: Session | undefined
  let view: SessionView = { phase: 'opening', former: [], acts: [] }
  const listeners = new Set<() => void>()
  const tell = () => {
    if (real) view = real.view()
    for (const listen of listeners) listen()
  }
  let loading: Promise<Session | undefined> | undefined
  const open = () => {
    loading ??= loadSession()
      .then(({ openBrowserSession }) => openBrowserSession(config, frontend))
      .then(
        (opened) => {
          real = opened
          opened.subscribe(tell)
          tell()
          return opened
        },
        (cause: unknown) => {
          console.warn(cause)
          view = { phase: 'down', former: [], acts: [], problem: wordsOf(cause) }
          tell()
          return undefined
        },
      )
    return loading
  }
  if (!waits) void open()
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
    refresh: () => then((session) => session.refresh()),
    report: (cause) => void then((session) => session.report(cause)),
    switchChain: (wallet) => then((session) => session.switchChain(wallet)),
    dismiss: () => void then((session) => session.dismiss()),
  }
}

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
