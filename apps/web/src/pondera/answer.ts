import type { Client } from '../../../../sdk/client.ts'
import { asHeuristError, refused } from '../../../../sdk/errors.ts'
import { formatUsd } from '../../../../sdk/units.ts'
import { freshId } from '../network/id.ts'
import { askedOf, type Manifest, mostPrice } from '../network/models.ts'
import type { Session } from '../session/view.ts'
import { type Problem, wordsOf } from '../session/words.ts'
import { holding, unlessHeld } from '../session/working.ts'
import { decided, withCut } from './acts.ts'
import type { Lookup, Message, Settings } from './chat.ts'
import { MOST_MESSAGES, packContext } from './context.ts'
import type { Chats } from './store.ts'

/** Asks a model and writes its answer down as it comes. */

export interface Asking {
  chats: Chats
  session: Session
  client: Client
  chat: string
  model: string
  manifest: Manifest
  settings: Settings
  /** The most that stood beside the button that was pressed, looking it up included: what is signed. Base units. */
  most: bigint
  /** Finds the excerpts that a question is to be answered from; absent in a chat without documents. */
  excerpts?:
    | ((question: string, options: { signal: AbortSignal; signed(request: string): void }) => Promise<Lookup>)
    | undefined
}

/** An answer that grows is written to the disk this often. Milliseconds. */
const WRITE_MS = 400
/** What the messages before may have as JSON, below what the pod reads. Bytes. */
const REST_BYTES = 512
/** A model that reads less than the conversation is asked with less of it: a refusal costs nothing. */
const TOO_MUCH = new Set(['input.too_long', 'input.too_large'])

const running = new Map<string, AbortController>()

/** Ends the answer that is being written in a chat: what was delivered is kept, and paid. */
export const stop = (chat: string): void => running.get(chat)?.abort()
export const isRunning = (chat: string): boolean => running.has(chat)

export async function answer(asking: Asking): Promise<void> {
  const { chats, chat } = asking
  if (!chats.find(chat) || running.has(chat)) return
  const abort = new AbortController()
  running.set(chat, abort)
  await holding(workOf(chat), () => answerHeld(asking, abort)).finally(() => running.delete(chat))
}

const workOf = (chat: string): string => `answer-${chat}`

async function answerHeld(asking: Asking, abort: AbortController): Promise<void> {
  const { chats, chat: id, model, session } = asking
  const chat = chats.find(id)
  // Deleted while another tab answered in it.
  if (!chat) return
  const message: Message = {
    id: freshId(),
    role: 'assistant',
    text: '',
    at: Date.now(),
    model,
    state: 'writing',
  }
  chats.update(id, (now) => ({ ...now, updatedAt: message.at, messages: [...now.messages, message] }))
  const writing: Writing = { ...asking, message: message.id, said: { text: '' }, signal: abort.signal }
  const end = (part: Partial<Message>) => {
    running.delete(id)
    chats.patch(id, message.id, { ...part, ...writing.said })
    chats.update(id, decided)
  }
  try {
    const { before, most } = await withExcerpts(writing, chat.messages)
    end({ state: 'done', ...(await askWithLess({ ...writing, most }, before)) })
    await session.refresh()
  } catch (cause) {
    const left = abort.signal.aborted || asHeuristError(cause).code === 'call.left'
    const said = chats.find(id)?.messages.find((each) => each.id === message.id)
    end(left ? { state: 'stopped' } : { state: 'failed', problem: problemOf(cause, said) })
    session.report(cause)
  }
}

/** Where nothing was signed but the call that looked the question up, that is all that it cost. */
function problemOf(cause: unknown, { request, lookup }: Partial<Message> = {}): Problem {
  const problem = wordsOf(cause)
  if (request !== undefined || lookup?.price === undefined) return problem
  const paid = formatUsd(BigInt(lookup.price))
  return { ...problem, fix: `${problem.fix} Only looking it up was charged: $${paid}.` }
}

/** An answer that is being written. */
interface Writing extends Asking {
  message: string
  /** All that came of it, however little of it is written down. */
  said: { text: string }
  signal: AbortSignal
}

/**
 * The conversation whose question carries its excerpts, and what the answer may still cost.
 *
 * @throws `documents.silent` (refused) if none is near to it: the model is not asked.
 */
async function withExcerpts(
  { chats, chat, most, excerpts: find, message: answer, signal }: Writing,
  messages: readonly Message[],
): Promise<{ before: readonly Message[]; most: bigint }> {
  const question = messages.at(-1)
  if (question?.role !== 'user') return { before: messages, most }
  const others = messages.slice(0, -1)
  if (!find) {
    const { excerpts: _, ...bare } = question
    return { before: [...others, bare], most }
  }
  const { excerpts, price, request } = await find(question.text, {
    signal,
    signed: (request) => chats.patch(chat, answer, { lookup: { request } }),
  })
  chats.patch(chat, answer, { lookup: { request, price: price.toString() } })
  if (excerpts.length === 0) {
    throw refused('documents.silent', 'nothing in your documents is near to this question', {
      fix: 'Ask it in other words, or take the documents away to ask the model alone.',
    })
  }
  chats.patch(chat, question.id, { excerpts })
  return { before: [...others, { ...question, excerpts }], most: most - price }
}

/** First everything; if the model cannot read that much, ever fewer messages, and then ever fewer excerpts. */
const LESS = [
  { most: MOST_MESSAGES, excerpts: 7 },
  { most: 4, excerpts: 7 },
  { most: 2, excerpts: 7 },
  { most: 1, excerpts: 7 },
  { most: 1, excerpts: 3 },
  { most: 1, excerpts: 1 },
] as const

async function askWithLess(writing: Writing, before: readonly Message[]): Promise<Partial<Message>> {
  let refusal: unknown
  for (const { most, excerpts } of LESS) {
    try {
      const price = await askOnce(writing, packed(writing, before, most, excerpts))
      return { price: price.toString(), ...(most < MOST_MESSAGES ? { saw: most } : {}) }
    } catch (cause) {
      if (!TOO_MUCH.has(asHeuristError(cause).code)) throw cause
      refusal = cause
    }
  }
  throw refusal
}

function packed({ settings, manifest }: Asking, before: readonly Message[], least: number, excerpts: number) {
  const most = Math.min(least, settings.memory ?? MOST_MESSAGES)
  return packContext(before, settings, { most, excerpts, bytes: manifest.limits.inputBytes - REST_BYTES })
}

async function askOnce(writing: Writing, turns: ReturnType<typeof packContext>): Promise<bigint> {
  const { chats, client, chat, model, manifest, settings, message, said, signal } = writing
  const asked = askedOf(manifest, turns, settings.temperature)
  const stream = client.stream(model, asked, {
    signal,
    maxPrice: allowedOf(writing, mostPrice(manifest, asked)),
    signed: (request) => chats.patch(chat, message, { request }),
  })
  const whole = stream.answer
  whole.catch(() => undefined)
  let written = 0
  for await (const piece of stream) {
    if (piece.text === undefined) continue
    // Somebody deleted it, in another tab perhaps.
    if (!chats.find(chat)) stop(chat)
    said.text += piece.text
    const write = Date.now() - written > WRITE_MS
    if (write) written = Date.now()
    chats.patch(chat, message, { text: said.text }, { write })
  }
  return (await whole).price
}

/** What was shown; where it held what looking up may cost, no more of the rest than the answer needs. */
const allowedOf = ({ most, excerpts }: Asking, needed: bigint): bigint =>
  excerpts !== undefined && needed < most ? needed : most

/** Answers that were being written when the page was closed end where they were; so does what they were to replace. */
export function endCutAnswers(chats: Chats): void {
  for (const { id, messages, former } of chats.view().chats) {
    const isOpen = former !== undefined || messages.some(({ state }) => state === 'writing')
    if (isOpen && !running.has(id)) unlessHeld(workOf(id), () => endCutAnswer(chats, id))
  }
}

function endCutAnswer(chats: Chats, chat: string): void {
  chats.update(chat, (now) => decided(withCut(now)))
  // Its page may have written more, or the end itself, and told nobody any more.
  void chats.reread(chat)
}
