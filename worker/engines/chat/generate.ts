import { setImmediate } from 'node:timers/promises'
import type { Output, Work } from '../engine.ts'
import type { Decoder } from './decoder.ts'
import { chatEvidence } from './evidence.ts'
import type { ChatRequest } from './request.ts'
import { type Draw, draw } from './sampler.ts'
import { StopFilter } from './stops.ts'
import { type ChatTokens, TextStream } from './tokens.ts'

export type Finish = 'stop' | 'length'

/**
 * One answer in the making: what it was asked, what it has drawn, what it has said. It knows nothing of the model's
 * runs, so a scheduler that decodes many sequences together can drive it as `generate` drives one.
 */
export class Sequence {
  readonly #draws: Draw[] = []
  readonly #text: TextStream
  readonly #filter: StopFilter
  #finish: Finish | undefined

  constructor(
    readonly request: ChatRequest,
    readonly prompt: readonly number[],
    readonly tokens: ChatTokens,
    /** The model's room, prompt included. Tokens. */
    readonly context: number,
  ) {
    this.#text = new TextStream(tokens)
    this.#filter = new StopFilter(request.stop)
  }

  get finish(): Finish | undefined {
    return this.#finish
  }

  /** Takes the logits after the newest token, draws the next and returns the text that became certain. */
  advance(logits: Float32Array): { readonly token: number; readonly text: string } {
    const next = draw(logits, this.#draws.length, this.request)
    this.#draws.push(next)
    if (this.tokens.ends.has(next.token)) {
      this.#finish = 'stop'
      return { token: next.token, text: this.#rest() }
    }
    const text = this.#filter.add(this.#text.add(next.token))
    if (this.#filter.stopped) this.#finish = 'stop'
    else if (this.#full()) {
      this.#finish = 'length'
      return { token: next.token, text: text + this.#rest() }
    }
    return { token: next.token, text }
  }

  work(): Work {
    return {
      unitsIn: BigInt(this.prompt.length),
      unitsOut: BigInt(this.#draws.length),
      complete: this.#finish !== undefined,
      evidence: chatEvidence(this.request, this.prompt.length, this.#draws),
    }
  }

  #full(): boolean {
    const drawn = this.#draws.length
    return drawn >= this.request.maxTokens || this.prompt.length + drawn >= this.context
  }

  #rest(): string {
    return this.#filter.add(this.#text.end()) + this.#filter.end()
  }
}

const encoder = new TextEncoder()

/** One line of the answers of chat and translate pods. */
export const line = (event: { text: string } | { finish: Finish }): Uint8Array =>
  encoder.encode(`${JSON.stringify(event)}\n`)

/** Decodes one sequence to its end, one token per run, and emits each piece of text as soon as it is certain. */
export async function generate(
  decoder: Decoder,
  sequence: Sequence,
  { emit, signal }: Output,
): Promise<Work> {
  const cache = decoder.newCache()
  const keepOn = async () => {
    // ONNX Runtime blocks the thread while it computes: without this pause nobody could say stop.
    await setImmediate()
    return !signal.aborted
  }
  let unread = sequence.prompt
  while (sequence.finish === undefined) {
    const logits = await decoder.read(unread, cache, keepOn)
    if (logits === undefined) return sequence.work()
    const { token, text } = sequence.advance(logits)
    if (text !== '') await emit(line({ text }))
    unread = [token]
  }
  if (signal.aborted) return { ...sequence.work(), complete: false }
  await emit(line({ finish: sequence.finish }))
  return sequence.work()
}
