import type { CallEnd } from '../session/prices.ts'
import { unseenOf, withCost } from './acts.ts'
import type { Chats } from './store.ts'

/** What calls cost whose end their page did not see: this browser's journal has it, sooner or later. */

/** Writes down what is known by now. */
export async function settleCosts(
  chats: Chats,
  id: string,
  end: (request: string) => Promise<CallEnd> = journalEnd,
): Promise<void> {
  const chat = chats.find(id)
  for (const request of chat ? unseenOf(chat) : []) {
    const found = await end(request)
    if (found !== 'open') chats.update(id, (now) => withCost(now, request, found))
  }
}

const journalEnd = async (request: string): Promise<CallEnd> =>
  (await import('../session/prices.ts')).endOf(request)
