import type { CallEnd } from '../session/prices.ts'
import { type Chat, type Cost, type Former, type Message, NEW_TITLE, titleOf } from './chat.ts'

/** What a person does to a conversation. Pure: each gives the conversation after it. */

export const newChat = (model: string, now: number, id: string): Chat => ({
  id,
  title: NEW_TITLE,
  model,
  createdAt: now,
  updatedAt: now,
  messages: [],
})

export function withQuestion(chat: Chat, question: Omit<Message, 'role'>): Chat {
  const before = answeredBy(chat)
  return {
    ...before,
    title: chat.title === NEW_TITLE ? titleOf(question.text) : chat.title,
    updatedAt: question.at,
    messages: [...before.messages, { ...question, role: 'user' }],
  }
}

/**
 * The conversation up to a message. What followed is put aside until what takes its place is there, unless all of it
 * failed. A title that was the first question goes with it; one that a person gave stays.
 */
export function cutBefore(chat: Chat, message: string): Chat {
  const now = answeredBy(chat)
  const at = now.messages.findIndex(({ id }) => id === message)
  if (at < 0) return chat
  const [kept, cut] = [now.messages.slice(0, at), now.messages.slice(at)]
  const first = chat.messages.find(({ role }) => role === 'user')
  const isOwn = first !== undefined && cut.includes(first) && chat.title === titleOf(first.text)
  const branchAt = chat.former?.at ?? now.messages.length
  // What was put aside before, and has no successor yet, stays so, behind what is cut before it.
  const former: Former = {
    title: at < branchAt ? chat.title : (chat.former?.title ?? chat.title),
    at: Math.min(at, branchAt),
    messages: [...now.messages.slice(at, branchAt), ...(chat.former?.messages ?? [])],
  }
  const ofBranch = now.messages.slice(Math.max(at, branchAt))
  return {
    ...now,
    title: isOwn ? NEW_TITLE : chat.title,
    messages: kept,
    ...(former.messages.some(hasWorth) ? { former } : {}),
    ...(chat.former ? { undecided: [...(now.undecided ?? []), ...ofBranch.filter(isCostly)] } : {}),
  }
}

const hasWorth = (message: Message): boolean =>
  message.role === 'assistant' && (message.state !== 'failed' || message.text !== '' || mayHaveCost(message))

const isCostly = (message: Message): boolean => message.role === 'assistant' && mayHaveCost(message)

/** The new branch ended well, or is paid for: the former one goes. */
function settled(chat: Chat): Chat {
  const { former: _, ...rest } = chat
  return rest
}

/** What an edit asked and was answered, and what was asked on from that. */
function branchOf(
  { messages }: Chat,
  { at }: Former,
): { own: readonly Message[]; since: readonly Message[] } {
  const branch = messages.slice(at)
  const next = branch.findIndex(({ role }, index) => index > 0 && role === 'user')
  const end = next < 0 ? branch.length : next
  return { own: branch.slice(0, end), since: branch.slice(end) }
}

/**
 * An answer that came to nothing gives its place back to what it was to replace; one that is whole, or paid for, keeps it.
 * Of one that broke off nobody may know that yet: both are kept until then.
 */
export function decided(chat: Chat): Chat {
  if (!chat.former) return chat
  const answer = branchOf(chat, chat.former).own.find(({ role }) => role === 'assistant')
  if (answer?.state === 'writing') return chat
  // Whoever stops it has seen what came of it.
  const isTaken = answer?.state === 'done' || (answer?.state === 'stopped' && answer.text !== '')
  if (isTaken) return withPlaces(settled(chat))
  if (!answer || answer.text === '' || !mayHaveCost(answer)) return withPlaces(restored(chat, answer))
  return isDecided(answer) ? withPlaces(settled(chat)) : chat
}

const isOpen = ({ request, price, isForgotten }: Partial<Cost>): boolean =>
  request !== undefined && price === undefined && !isForgotten

/** Whether it is known what it cost, looking it up included. */
const isDecided = (message: Message): boolean => !isOpen(message) && !isOpen(message.lookup ?? {})

/** Whether something was paid for it, as far as is known. */
const mayHaveCost = ({ request, price, lookup }: Message): boolean =>
  (request !== undefined && price !== '0') || (lookup !== undefined && lookup.price !== '0')

const answersOf = ({ messages, refused, undecided = [] }: Chat): Message[] => [
  ...messages,
  ...(refused ? [refused] : []),
  ...undecided,
]

/** The calls of a chat that are over for its page, and of which it does not know what they cost. */
export const unseenOf = (chat: Chat): string[] =>
  answersOf(chat)
    .filter(({ state }) => state !== 'writing')
    .flatMap((message) => [message, message.lookup ?? {}])
    .flatMap((cost: Partial<Cost>) => (cost.request !== undefined && isOpen(cost) ? [cost.request] : []))

/** It is known what a call cost. */
export function withCost(chat: Chat, request: string, end: Exclude<CallEnd, 'open'>): Chat {
  const cost = end === 'forgotten' ? { isForgotten: true as const } : { price: end.toString() }
  const told = <M extends Message>(message: M): M => ({
    ...message,
    ...(message.request === request ? cost : {}),
    ...(message.lookup?.request === request ? { lookup: { ...message.lookup, ...cost } } : {}),
  })
  const { messages, refused, undecided, former, ...rest } = chat
  const now: Chat = {
    ...rest,
    messages: messages.map(told),
    ...(refused ? { refused: told(refused) } : {}),
    ...(undecided ? { undecided: undecided.map(told) } : {}),
    ...(former ? { former: { ...former, messages: former.messages.map(told) } } : {}),
  }
  const isEnded = former && messages.slice(former.at).some(({ role }) => role === 'assistant')
  return isEnded ? decided(now) : withPlaces(now)
}

/** Those that did cost something get their place, by their time; while something is put aside, that waits. */
function withPlaces(chat: Chat): Chat {
  const { undecided = [], ...rest } = chat
  if (chat.former || undecided.length === 0) return chat
  const open = undecided.filter((message) => !isDecided(message))
  const paid = undecided.filter((message) => isDecided(message) && mayHaveCost(message))
  return {
    ...rest,
    messages: paid.reduce(withPlace, chat.messages),
    ...(open.length > 0 ? { undecided: open } : {}),
  }
}

function withPlace(messages: readonly Message[], message: Message): readonly Message[] {
  const next = messages.findIndex(({ at }) => at > message.at)
  const at = next < 0 ? messages.length : next
  return [...messages.slice(0, at), message, ...messages.slice(at)]
}

/** Something else is asked: a refusal goes, unless it cost something. */
function answeredBy(chat: Chat): Chat {
  const { refused, ...rest } = chat
  if (!refused || !mayHaveCost(refused)) return rest
  const { asked: _, ...message } = refused
  return withPlaces({ ...rest, undecided: [...(rest.undecided ?? []), message] })
}

/**
 * The new branch came to nothing: the conversation is what it was, and says what was asked and why it failed, unless
 * something else was asked since, which stays.
 */
export function restored(chat: Chat, refusal: Message | undefined): Chat {
  const { former, ...rest } = withoutRefusal(chat)
  if (!former) return chat
  const { own: branch, since } = branchOf(chat, former)
  const question = branch.find(({ role }) => role === 'user')
  const notes = branch.filter(({ role }) => role === 'note')
  const own = question ? titleOf(question.text) : NEW_TITLE
  const now: Chat = {
    ...rest,
    // It may have been renamed meanwhile.
    title: chat.title === own ? former.title : chat.title,
    messages: [...chat.messages.slice(0, former.at), ...former.messages, ...notes, ...since],
    ...(refusal ? { refused: { ...refusal, ...(question ? { asked: question.text } : {}) } } : {}),
  }
  return since.length > 0 ? answeredBy(now) : now
}

function withoutRefusal(chat: Chat): Chat {
  const { refused: _, ...rest } = chat
  return rest
}

/** One message says something else. */
export const withMessage = (chat: Chat, message: Message): Chat => ({
  ...chat,
  messages: chat.messages.map((each) => (each.id === message.id ? message : each)),
})

/** Nobody writes any more. */
export const withCut = (chat: Chat): Chat => ({
  ...chat,
  messages: chat.messages.map((each) => (each.state === 'writing' ? { ...each, state: 'cut' } : each)),
})

/** Another model goes on; what it can see of the conversation says so. */
export function withModel(chat: Chat, model: string, now: number, id: string): Chat {
  if (chat.model === model) return chat
  if (chat.messages.length === 0) return { ...chat, model }
  const note: Message = { id, role: 'note', at: now, text: `${chat.model} → ${model}` }
  return { ...chat, model, messages: [...chat.messages, note] }
}

export function withoutShare(chat: Chat, id: string): Chat {
  const { share, ...rest } = chat
  return share?.id === id ? rest : chat
}
