import type { Problem } from '../session/words.ts'

/** A conversation as this browser keeps it. */

export interface Message {
  id: string
  /** A note is the page's own: it is shown, and never sent to a model. */
  role: 'user' | 'assistant' | 'note'
  text: string
  at: number
  /** Answers: the pod that gave it. */
  model?: string
  /** Answers: `writing` until its end; `cut` = the page was closed meanwhile. */
  state?: 'writing' | 'done' | 'stopped' | 'cut' | 'failed'
  /** What its receipt is looked up by, known before anybody sees the call. */
  request?: string
  /** Base units, decimal text: of the verified receipt, or as the journal has it where the page did not see the end. */
  price?: string
  /** The journal was shortened before anybody looked there: its receipt alone says what it cost. */
  isForgotten?: true
  /** Answers from documents: what looking the question up cost. */
  lookup?: Cost
  problem?: Problem
  /** How many earlier messages the model saw with it; only where it was fewer than usual. */
  saw?: number
  /** Excerpts of documents that it was asked to answer from. */
  excerpts?: readonly Excerpt[]
}

/** A call, and what it came to once that is known; as {@link Message} has it. */
export interface Cost {
  request: string
  price?: string
  isForgotten?: true
}

export interface Excerpt {
  document: string
  text: string
  /** Cosine of the angle to the question, 0 … 1. */
  score: number
}

/** What a question is answered from, and what looking it up cost. */
export interface Lookup {
  excerpts: readonly Excerpt[]
  /** Base units. */
  price: bigint
  request: string
}

/** A document as its chat knows it. */
export interface DocumentEntry {
  id: string
  name: string
  pieces: number
  /** So many are not indexed yet. */
  rest: number
  /** Base units, decimal text. */
  price: string
  /** Its largest piece as an excerpt, in bytes of JSON. */
  widest: number
}

export interface Chat {
  id: string
  title: string
  model: string
  createdAt: number
  updatedAt: number
  messages: readonly Message[]
  /** Documents that its questions are answered from. */
  documents?: readonly DocumentEntry[]
  /** Where it is shared, and the secret that deletes that. */
  share?: { id: string; secret: string }
  /** What an edited question or a regenerated answer is to take the place of. */
  former?: Former
  /** The last edit or regeneration that came to nothing, until something else is asked. */
  refused?: Refusal
  /** Earlier ones of which nobody knows yet whether they cost something: those that did get a place in the conversation. */
  undecided?: readonly Message[]
}

/** The end of a conversation, put aside. */
export interface Former {
  /** The title that goes with it. */
  title: string
  /** So many messages are before it. */
  at: number
  messages: readonly Message[]
}

/** The answer that did not come. */
export interface Refusal extends Message {
  /** The question as it was edited. */
  asked?: string
}

/** What a new question is asked with. */
export interface Settings {
  /** The pod that answers. Undefined = the first there is. */
  model?: string
  system: string
  /** Undefined = as the model's own manifest has it. */
  temperature?: number
  /** So many messages go to the model, the question among them. Undefined = eight. */
  memory?: number
  /** Whether the model is asked to think aloud first. */
  thinking: boolean
}

export const DEFAULT_SETTINGS: Settings = { system: '', thinking: false }

/** Until there is a question. */
export const NEW_TITLE = 'New chat'

const TITLE_WORDS = 5
const TITLE_CHARACTERS = 48

/** The first words of the first question, until somebody renames it. Pure. */
export function titleOf(question: string): string {
  const words = question.replaceAll(/\s+/g, ' ').trim().split(' ')
  const title = words.slice(0, TITLE_WORDS).join(' ').slice(0, TITLE_CHARACTERS)
  return title === '' ? NEW_TITLE : title
}

/** Chats by the day they were last used, newest first. Pure. */
export function byDay(chats: readonly Chat[], now: number): { day: string; chats: Chat[] }[] {
  const groups = new Map<string, Chat[]>()
  for (const chat of [...chats].sort((a, b) => b.updatedAt - a.updatedAt)) {
    const day = dayOf(chat.updatedAt, now)
    groups.set(day, [...(groups.get(day) ?? []), chat])
  }
  return [...groups].map(([day, chats]) => ({ day, chats }))
}

const midnight = (at: number): number => new Date(at).setHours(0, 0, 0, 0)

function dayOf(at: number, now: number): string {
  const days = Math.round((midnight(now) - midnight(at)) / 86_400_000)
  if (days <= 0) return 'Today'
  if (days === 1) return 'Yesterday'
  return new Date(at).toLocaleDateString('en', {
    day: 'numeric',
    month: 'long',
    ...(days > 300 ? { year: 'numeric' } : {}),
  })
}
