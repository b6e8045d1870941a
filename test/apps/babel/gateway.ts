import { randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'

/** Discord's gateway, as far as a bot of one shard meets it: hello, identify, ready, heartbeats, resume, dispatch. */

export const INTENT = { guilds: 1 << 0, guildMessages: 1 << 9, messageContent: 1 << 15 } as const

interface Event {
  op: 0
  t: string
  s: number
  d: unknown
}

interface Session {
  id: string
  intents: number
  events: Event[]
  socket: WebSocket | undefined
}

export interface Gateway {
  /** Sends an event to the bot's session, now or when it resumes. @returns whether a session heard it. */
  dispatch(type: string, data: unknown): boolean
  intents(): number
  /** Closes every connection; sessions can be resumed. */
  drop(code?: number): void
  /** The next resume is refused: the bot has to identify anew. */
  invalidate(): void
  readonly seen: { identified: number; resumed: number; heartbeats: number; missed: number }
  close(): void
}

interface Terms {
  token(): string
  /** What the developer portal lets the bot ask for. */
  allowedIntents: number
  heartbeatMs: number
  ready(session: string): unknown
  /** What follows READY. */
  guilds(): unknown[]
}

export function openGateway(server: Server, terms: Terms): Gateway {
  const sockets = new WebSocketServer({ server, path: '/gateway/' })
  const sessions = new Map<string, Session>()
  const seen = { identified: 0, resumed: 0, heartbeats: 0, missed: 0 }
  const timers = new Set<ReturnType<typeof setInterval>>()

  const send = (socket: WebSocket | undefined, payload: unknown) => socket?.send(JSON.stringify(payload))

  function dispatchTo(session: Session, t: string, d: unknown): void {
    const event: Event = { op: 0, t, s: session.events.length + 1, d }
    session.events.push(event)
    send(session.socket, event)
  }

  function identify(
    socket: WebSocket,
    d: { token: string; intents: number; properties: unknown },
  ): Session | undefined {
    if (d.token !== terms.token()) return void socket.close(4004, 'Authentication failed.')
    if ((d.intents & ~terms.allowedIntents) !== 0) return void socket.close(4014, 'Disallowed intent(s).')
    const session: Session = { id: randomUUID(), intents: d.intents, events: [], socket }
    sessions.set(session.id, session)
    seen.identified += 1
    dispatchTo(session, 'READY', terms.ready(session.id))
    for (const guild of terms.guilds()) dispatchTo(session, 'GUILD_CREATE', guild)
    return session
  }

  function resume(
    socket: WebSocket,
    d: { token: string; session_id: string; seq: number },
  ): Session | undefined {
    const session = sessions.get(d.session_id)
    if (d.token !== terms.token()) return void socket.close(4004, 'Authentication failed.')
    if (session === undefined) {
      send(socket, { op: 9, d: false })
      return undefined
    }
    session.socket = socket
    seen.resumed += 1
    for (const event of session.events.slice(d.seq)) send(socket, event)
    dispatchTo(session, 'RESUMED', { _trace: [] })
    return session
  }

  sockets.on('connection', (socket) => {
    let session: Session | undefined
    let beats = 0
    let silent = 0
    send(socket, { op: 10, d: { heartbeat_interval: terms.heartbeatMs } })
    const timer = setInterval(() => {
      silent = beats === 0 ? silent + 1 : 0
      beats = 0
      if (silent < 4) return
      seen.missed += 1
      socket.close(4009, 'Session timed out.')
    }, terms.heartbeatMs)
    timers.add(timer)
    socket.on('message', (bytes: Buffer) => {
      const { op, d } = JSON.parse(bytes.toString())
      if (op === 1) {
        beats += 1
        seen.heartbeats += 1
        send(socket, { op: 11 })
      } else if (op === 2) session = identify(socket, d)
      else if (op === 6) session = resume(socket, d)
    })
    socket.on('close', () => {
      clearInterval(timer)
      timers.delete(timer)
      if (session?.socket === socket) session.socket = undefined
    })
  })

  const latest = () => [...sessions.values()].at(-1)
  return {
    dispatch(type, data) {
      const session = latest()
      if (session === undefined) return false
      dispatchTo(session, type, data)
      return session.socket !== undefined
    },
    intents: () => latest()?.intents ?? 0,
    drop(code = 4000) {
      for (const socket of sockets.clients) socket.close(code, 'Reconnect.')
    },
    invalidate: () => sessions.clear(),
    seen,
    close() {
      for (const timer of timers) clearInterval(timer)
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
    },
  }
}
