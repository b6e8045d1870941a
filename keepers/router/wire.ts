import type { WebSocket } from 'ws'
import type { Wire } from '../world.ts'

/** A WebSocket as the router's links see it. */
export function wireOf(socket: WebSocket): Wire {
  const wire: Wire = {
    send(message) {
      if (socket.readyState === socket.OPEN) socket.send(message)
    },
    get waitingBytes() {
      return socket.bufferedAmount
    },
    close(code, reason) {
      socket.close(code, reason)
      // A peer that does not answer the close frame is cut off.
      setTimeout(() => socket.terminate(), 1_000).unref()
    },
    cut: () => socket.terminate(),
    onMessage: () => {},
    onClose: () => {},
  }
  socket.on('message', (data, isBinary) => {
    if (!isBinary) return socket.close(1003, 'binary frames only')
    wire.onMessage(new Uint8Array(data as Buffer))
  })
  socket.on('close', () => wire.onClose())
  socket.on('error', () => socket.terminate())
  return wire
}
