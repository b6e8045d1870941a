import type { Hex } from 'viem'
import type { Answer, AnswerStream } from './calls.ts'
import type { Piece } from './decode.ts'

/** What a stream is made of, each asked for when somebody wants it. */
export interface StreamParts {
  request(): Promise<Hex>
  answer(): Promise<Answer>
  pieces(): AsyncIterator<Piece>
}

/**
 * An answer that is asked for when it is looked at. A class, as everything with accessors that is made for each call: in an object
 * literal they would be new functions each time, and V8 then gives the object a hidden class of its own, which is dropped only
 * with the old generation, and all that the call made with it.
 */
export class LateStream implements AnswerStream {
  readonly #parts: StreamParts

  constructor(parts: StreamParts) {
    this.#parts = parts
  }

  get request(): Promise<Hex> {
    return this.#parts.request()
  }

  get answer(): Promise<Answer> {
    return this.#parts.answer()
  }

  [Symbol.asyncIterator](): AsyncIterator<Piece> {
    return this.#parts.pieces()
  }
}
