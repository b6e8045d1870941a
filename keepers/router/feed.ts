import { toWire } from '../../sdk/protocol/wire.ts'

/** What happens here, as it happens: for the web page and for whoever watches. */
export type FeedEvent = { type: 'job' | 'receipt' | 'batch' | 'node'; at: number } & Record<string, unknown>

export interface Feed {
  publish(event: FeedEvent): void
  /** @returns how to stop listening. */
  subscribe(listen: (json: string) => void): () => void
  readonly listeners: number
}

export function createFeed(): Feed {
  const listeners = new Set<(json: string) => void>()
  return {
    publish(event) {
      if (listeners.size === 0) return
      const json = toWire(event)
      for (const listen of listeners) listen(json)
    },
    subscribe(listen) {
      listeners.add(listen)
      return () => listeners.delete(listen)
    },
    get listeners() {
      return listeners.size
    },
  }
}
