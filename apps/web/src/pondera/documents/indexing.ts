import { refused } from '../../../../../sdk/errors.ts'
import type { Locks } from '../../session/journal.ts'
import type { CallEnd } from '../../session/prices.ts'
import { type Problem, wordsOf } from '../../session/words.ts'
import { NEW_TITLE } from '../chat.ts'
import type { Chats } from '../store.ts'
import { costOf, type IndexedDocument, isUnpaid, unpricedOf, withoutOpen } from './document.ts'
import type { Embedder } from './library.ts'

/**
 * Documents are indexed one at a time in a chat, in one tab, whatever is shown of it meanwhile: nothing is paid for twice,
 * and all that is paid for is kept.
 */

/** A document that is being indexed. */
export interface Indexing {
  chat: string
  document: string
  name: string
  /** Pieces that are paid for, and those that it has. */
  done: number
  of: number
  /** The call that is under way is the last. */
  stopping: boolean
}

/** A document that is gone, and what its vectors have cost. */
export interface Removed {
  name: string
  /** Base units, decimal text. */
  price: string
  /** Calls whose cost is not in that: their receipts say it. */
  unpriced?: readonly string[]
}

export interface IndexingView {
  loops: readonly Indexing[]
  /** What the last thing that was done to the documents of a chat came to, if a person should know. */
  told?: { chat: string; problem?: Problem; removed?: Removed }
}

let view: IndexingView = { loops: [] }
/** Resolve when the loops of their chats are over. */
const running = new Map<string, Promise<void>>()
const listeners = new Set<() => void>()

const change = (next: IndexingView) => {
  view = next
  for (const listen of listeners) listen()
}
const tell = (told: NonNullable<IndexingView['told']>) => change({ ...view, told })
const patch = (chat: string, part: Partial<Indexing>) =>
  change({ ...view, loops: view.loops.map((each) => (each.chat === chat ? { ...each, ...part } : each)) })
const find = (chat: string) => view.loops.find((each) => each.chat === chat)

export const indexingView = (): IndexingView => view
export function subscribeIndexing(listen: () => void): () => void {
  listeners.add(listen)
  return () => listeners.delete(listen)
}

/** Ends after the call that is under way, which is paid for and kept. */
export const stopIndexing = (chat: string): void => patch(chat, { stopping: true })

export interface IndexingPlace {
  chats: Chats
  locks: Locks
  embedder: Embedder
  chat: string
  /** Makes the chat if there is none yet. @returns whether it did. */
  begin(): boolean
}

/** Indexes what is left of a document. Problems are told, not thrown. @returns whether it went through. */
export async function indexDocument(place: IndexingPlace, document: IndexedDocument): Promise<boolean> {
  const { chat, chats, locks } = place
  if (running.has(chat)) return false
  const isBegun = place.begin()
  const { id, name, pieces, rest } = document
  const loop = {
    chat,
    document: id,
    name,
    done: pieces.length,
    of: pieces.length + rest.length,
    stopping: false,
  }
  change({ loops: [...view.loops, loop] })
  const work = locks.request(lockOf(chat), { ifAvailable: true }, (lock) => {
    if (lock) return indexHeld(place, document)
    throw refused('documents.elsewhere', 'another tab of this browser indexes documents of this chat', {
      fix: 'Wait until it is done, or stop it there. Nothing was charged.',
    })
  })
  const problem = work.then(() => undefined, problemOf)
  running.set(
    chat,
    problem.then(() => undefined),
  )
  const found = await problem
  if (found) await settleOpen(place).catch((cause: unknown) => console.warn(cause))
  if (found && isBegun) await dropEmpty(chats, chat)
  running.delete(chat)
  change({ ...view, loops: view.loops.filter((each) => each.chat !== chat) })
  if (found) tell({ chat, problem: found })
  return found === undefined
}

/** A key may go between two calls: it pays no more, or another one pays by now. */
function problemOf(cause: unknown): Problem {
  const problem = wordsOf(cause)
  if (problem.code !== 'client.closed') return problem
  return {
    ...problem,
    fix: 'Go on with the one that pays now, or add credit first: what is paid for is kept, and nothing was signed or charged for the rest.',
  }
}

/** A chat that was begun for a document of which nothing came. */
async function dropEmpty(chats: Chats, chat: string): Promise<void> {
  const { messages = [], title } = chats.find(chat) ?? {}
  if (messages.length > 0 || title !== NEW_TITLE) return
  if ((await chats.documents(chat)).length === 0) chats.remove(chat)
}

/**
 * What calls came to whose end no page saw, by this browser's journal: all that is paid stands on the line of its document.
 *
 * @returns whether any is undecided still.
 */
export async function settleOpen(
  { chats, locks, chat }: Pick<IndexingPlace, 'chats' | 'locks' | 'chat'>,
  end: (request: string) => Promise<CallEnd> = journalEnd,
): Promise<boolean> {
  return await locks.request(lockOf(chat), { ifAvailable: true }, async (lock): Promise<boolean> => {
    if (!lock) return true
    let waits = false
    for (const { open } of await chats.documents(chat)) {
      if (!open || open.price !== undefined || open.isForgotten) continue
      const found = await end(open.request)
      if (found === 'open') waits = true
      else await chats.updateDocuments(chat, (all) => all.flatMap(endedAs(open.request, found)))
    }
    return waits
  })
}

const journalEnd = async (request: string): Promise<CallEnd> =>
  (await import('../../session/prices.ts')).endOf(request)

const lockOf = (chat: string): string => `heurist-documents-${chat}`

const endedAs =
  (request: string, end: bigint | 'forgotten') =>
  (document: IndexedDocument): IndexedDocument[] => {
    const { open } = document
    if (open?.request !== request) return [document]
    if (end === 'forgotten') return [{ ...document, open: { ...open, isForgotten: true } }]
    const ended = end > 0n ? { ...document, open: { ...open, price: end.toString() } } : withoutOpen(document)
    return isUnpaid(ended) ? [] : [ended]
  }

async function indexHeld({ chats, embedder, chat }: IndexingPlace, shown: IndexedDocument) {
  const kept = (await chats.documents(chat)).find(({ id }) => id === shown.id)
  if (!kept && (shown.requests.length > 0 || shown.open)) {
    throw refused('documents.removed', `“${shown.name}” was removed meanwhile`, {
      fix: 'Nothing was charged.',
    })
  }
  let isThere = kept !== undefined
  const { indexRest } = await import('./library.ts')
  await indexRest(embedder, kept ?? shown, async (grown) => {
    const isKept = await keep(chats, chat, grown, !isThere)
    isThere = true
    const { name } = grown
    // Another tab removed it.
    if (!isKept && chats.find(chat)) {
      // The call that is signed now is not sent.
      tell({ chat, removed: removedOf(name, costOf(grown).toString(), grown.unpriced) })
    }
    patch(chat, { done: grown.pieces.length, of: grown.pieces.length + grown.rest.length })
    return isKept && find(chat)?.stopping === false
  })
}

/** @returns whether it is still there to be kept. */
async function keep(chats: Chats, chat: string, grown: IndexedDocument, isNew: boolean): Promise<boolean> {
  let isThere = isNew
  const isKept = await chats.updateDocuments(chat, (all) => {
    isThere = isNew || all.some(({ id }) => id === grown.id)
    if (isNew) return [...all, grown]
    return all.map((each) => (each.id === grown.id ? grown : each))
  })
  return isKept && isThere
}

const removedOf = (name: string, price: string, unpriced: readonly string[] = []): Removed => ({
  name,
  price,
  ...(unpriced.length > 0 ? { unpriced } : {}),
})

/**
 * Once the call that is under way is over: what all of them cost is told, and of which that is not known, or not yet.
 *
 * @param end  As {@link settleOpen} has it.
 */
export async function removeDocument(
  place: Pick<IndexingPlace, 'chats' | 'locks' | 'chat'>,
  { id, name, price }: { id: string; name: string; price: string },
  end?: (request: string) => Promise<CallEnd>,
): Promise<void> {
  const { chats, chat } = place
  if (find(chat)?.document === id) {
    stopIndexing(chat)
    await running.get(chat)
  }
  await settleOpen(place, end).catch((cause: unknown) => console.warn(cause))
  let removed = removedOf(name, price)
  await chats.updateDocuments(chat, (all) => {
    const kept = all.find((each) => each.id === id)
    if (kept) removed = removedOf(name, costOf(kept).toString(), unpricedOf(kept))
    return all.filter((each) => each.id !== id)
  })
  tell({ chat, removed })
}

/** Whoever looks at the documents of a chat has read it. */
export const forgetTold = (): void => change({ loops: view.loops })

/** Its chat is deleted: nothing of it comes back. The call that is under way is still paid. */
export const forgetIndexing = (chat: string): void =>
  change({ loops: view.loops.filter((each) => each.chat !== chat) })

/**
 * What a question is answered from.
 *
 * @throws `documents.lost` (refused) if the chat names documents that this browser did not keep: it names them no more then.
 */
export async function keptDocuments(chats: Chats, chat: string): Promise<readonly IndexedDocument[]> {
  const documents = await chats.documents(chat)
  const kept = new Set(documents.map(({ id }) => id))
  const lost = (chats.find(chat)?.documents ?? []).filter(({ id }) => !kept.has(id))
  if (lost.length === 0) return documents
  await chats.updateDocuments(chat, (all) => all)
  throw refused('documents.lost', `this browser did not keep ${lost.map(({ name }) => name).join(', ')}`, {
    fix: 'Add it to the documents of this chat again, or ask without it. Nothing was charged.',
  })
}
