/** What a client is given. */
export interface Door {
  /** With `/v1`. */
  baseURL: string
  apiKey: string
  /** The platform's own, watched. */
  fetch: typeof fetch
}

/** An answer in words that all clients have. */
export interface Told {
  text: string
  finish: string
  input: number
  output: number
}

export interface Refusal {
  status: number | undefined
  param: unknown
}

/** What one client got out of every kind of call that it offers and this door has. */
export interface Used {
  /** Ids of the models, listed and then each retrieved. */
  models?: string[]
  whole: Told
  streamed: Told
  /** Texts of three choices of a warm call with seed 5, then those of seeds 5, 6 and 7 asked alone. */
  choices?: string[][]
  completion: Told
  completionStreamed: Told
  response?: Told
  responseStreamed?: Told
  /** Two pictures of one prompt. */
  pictures: Uint8Array[]
  /** Of `TEXTS`, in the form that the client asks for by itself. */
  vectors: number[][]
  /** Of calls with tools, with a JSON format, and with an unknown model. */
  refusals: Refusal[]
}

export const QUESTION = 'What is a receipt?'
/** A question, the same in other words, and something else. */
export const TEXTS = [
  'What is the capital of Kenya?',
  'Which city is the capital of Kenya?',
  'Mix red and blue.',
]
