import { later } from '../../../../sdk/errors.ts'
import type { PageConfig } from './config.ts'

/**
 * Whether the chain answers at all. What is read of it may take long and is tried again, so that a chain which takes the line
 * and says nothing would be noticed after most of a minute: this asks the smallest question beside it.
 */

type Place = Pick<PageConfig, 'rpcUrl'>

const MOST_SILENT_MS = 6_000
/** Between two questions, and before the first: most of what is read is there by then. */
const PAUSE_MS = 2_000
const QUESTION = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_blockNumber', params: [] })

/** @throws `chain.unreachable` (later). */
export async function askChain({ rpcUrl }: Place): Promise<void> {
  const answer = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: QUESTION,
    signal: AbortSignal.timeout(MOST_SILENT_MS),
  }).catch((cause: unknown) => {
    throw later('chain.unreachable', 'the chain does not answer', { cause })
  })
  if (!answer.ok) throw later('chain.unreachable', `the chain answers ${answer.status}`)
}

/** What is read of the chain, given up as soon as it does not answer. @throws `chain.unreachable` (later). */
export async function whileAnswering<T>(place: Place, reading: Promise<T>): Promise<T> {
  let over = false
  async function watch(): Promise<never> {
    while (!over) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
      if (!over) await askChain(place)
    }
    return new Promise(() => undefined)
  }
  try {
    return await Promise.race([reading, watch()])
  } finally {
    over = true
  }
}
