import { type Asked, askedOf, type Manifest, mostPrice, mostPriceOfBytes } from '../network/models.ts'
import type { Excerpt, Message, Settings } from './chat.ts'
import { MOST_EXCERPTS, MOST_MESSAGES, packContext } from './context.ts'
import { questionPrice } from './documents/price.ts'

/** What an answer can cost before it is asked for. Pure. */

/** Documents that a question is answered from. */
export interface Sources {
  /** The terms of the pod that looks questions up. */
  embed: Manifest
  /** `excerptBytes` of the largest excerpt there is. */
  widest: number
}

const bytesOf = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length

/** What an excerpt adds to a question, in bytes of JSON. */
export const excerptBytes = ({ document, text }: Pick<Excerpt, 'document' | 'text'>): number =>
  bytesOf(document + text)

/**
 * The most that an answer can cost, and in a chat with documents looking its question up before. Base units.
 *
 * @param messages  Up to and with the question.
 */
export function mostOfAnswer(
  manifest: Manifest,
  settings: Settings,
  messages: readonly Message[],
  sources: Sources | undefined,
): bigint {
  const ask = (all: readonly Message[], bytes: number): Asked => {
    const most = settings.memory ?? MOST_MESSAGES
    return askedOf(manifest, packContext(all, settings, { most, bytes }), settings.temperature)
  }
  const question = messages.at(-1)
  if (!question) return mostPrice(manifest, ask([], manifest.limits.inputBytes))
  if (!sources) {
    const { excerpts: _, ...bare } = question
    return mostPrice(manifest, ask([...messages.slice(0, -1), bare], manifest.limits.inputBytes))
  }
  const excerpt: Excerpt = { document: '', text: 'x'.repeat(sources.widest), score: 1 }
  const asked = { ...question, excerpts: new Array<Excerpt>(MOST_EXCERPTS).fill(excerpt) }
  // Smaller excerpts leave room for more messages: whatever fits is no larger than all of them, and than what is read.
  const all = ask([...messages.slice(0, -1), asked], Number.POSITIVE_INFINITY)
  const bytes = Math.min(bytesOf(all), manifest.limits.inputBytes)
  return mostPriceOfBytes(manifest, all, bytes) + questionPrice(question.text, sources.embed)
}
