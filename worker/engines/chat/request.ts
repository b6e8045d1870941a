import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Manifest } from '../../../sdk/protocol/manifest.ts'
import { readDocument, type Wording } from '../document.ts'

export interface Message {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

/** A checked request with nothing left open. */
export interface ChatRequest {
  readonly messages: readonly Message[]
  /** The most tokens to generate. */
  readonly maxTokens: number
  /** 0 always takes the likeliest token. */
  readonly temperature: number
  /** Only the likeliest tokens that together reach this probability are drawn from. */
  readonly topP: number
  /** 0 … 2^53 − 1; decides every draw. */
  readonly seed: number
  /** Texts that end the answer; they are not part of it. */
  readonly stop: readonly string[]
}

export type ParseRequest = (input: Uint8Array) => ChatRequest

const TEMPERATURE_MOST = 2
const STOPS_MOST = 4
const STOP_CHARACTERS_MOST = 128
const MESSAGES_MOST = 256
const WORDING: Wording = {
  what: 'a chat request',
  fix: 'Send {"messages":[{"role":"user","content":text}]} and, if you like, max_tokens, temperature, top_p, seed, stop.',
  shorter: 'Send fewer or shorter messages.',
}

/**
 * @returns a parser that throws `input.too_large` (refused) past the manifest's `inputBytes`, and `input.invalid`
 *   (refused) naming the field that is wrong, unknown or out of range.
 */
export function requestParser({ defaults, limits }: Manifest): ParseRequest {
  const maxTokens = z.number().int().min(1).max(limits.outputUnits)
  const temperature = z.number().min(0).max(TEMPERATURE_MOST)
  const topP = z.number().gt(0).max(1)
  const stop = z.string().min(1).max(STOP_CHARACTERS_MOST)
  const message = z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })
  const schema = z.strictObject({
    messages: z
      .array(message)
      .min(1)
      .max(MESSAGES_MOST)
      .refine((list) => list.at(-1)?.role === 'user', 'must end with a message of role user')
      .refine((list) => list.at(-1)?.content.trim() !== '', 'must end with a message that says something'),
    max_tokens: maxTokens.default(maxTokens.parse(defaults.max_tokens ?? limits.outputUnits)),
    temperature: temperature.default(temperature.parse(defaults.temperature ?? 0)),
    top_p: topP.default(topP.parse(defaults.top_p ?? 1)),
    seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
    stop: z.union([stop, z.array(stop).max(STOPS_MOST)]).default([]),
  })
  return (input) => {
    const document = readDocument(schema, input, limits.inputBytes, WORDING)
    const { messages, max_tokens, temperature, top_p, seed, stop } = document
    return {
      messages,
      maxTokens: max_tokens,
      temperature,
      topP: top_p,
      seed: seed ?? seedOf(input),
      stop: typeof stop === 'string' ? [stop] : stop,
    }
  }
}

/** The seed of a request that names none: the same bytes give the same answer. */
const seedOf = (input: Uint8Array): number => createHash('sha256').update(input).digest().readUInt32BE(0)
