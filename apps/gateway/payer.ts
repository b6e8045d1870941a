import type { EmbedInput } from '../../sdk/documents.ts'
import type { Answer, AnswerStream } from '../../sdk/index.ts'
import type { ImageInput } from './images.ts'
import type { ChatInput, Finish } from './sampling.ts'
import type { ChargedOptions, MeteredClient } from './till/metered.ts'

/** What every paid answer carries. */
export type Paid = Pick<Answer, 'request' | 'receipt'>

export interface ChatAnswer extends Paid {
  text: string
  finish: Finish
}

export interface ImageAnswer extends Paid {
  png: Uint8Array
}

export interface EmbedAnswer extends Paid {
  /** The pod's output document. */
  bytes: Uint8Array
}

type Options = Pick<ChargedOptions, 'caller' | 'signal'>

/** The gateway's account at work: every method is one paid call, verified before it returns and charged to its caller. */
export interface Payer {
  chat(pod: string, input: ChatInput, options: Options): Promise<ChatAnswer>
  stream(pod: string, input: ChatInput, options: Options): AnswerStream
  image(pod: string, input: ImageInput, options: Options): Promise<ImageAnswer>
  embed(pod: string, input: EmbedInput, options: Options): Promise<EmbedAnswer>
}

export const createPayer = (client: Pick<MeteredClient, 'run' | 'stream'>): Payer => ({
  async chat(pod, input, options) {
    const answer = await client.run(pod, input, options)
    return { text: answer.text ?? '', finish: finishOf(answer.finish), ...paidOf(answer) }
  },
  stream: (pod, input, options) => client.stream(pod, input, options),
  async image(pod, input, options) {
    const answer = await client.run(pod, input, options)
    return { png: answer.bytes, ...paidOf(answer) }
  },
  async embed(pod, input, options) {
    const answer = await client.run(pod, input, options)
    return { bytes: answer.bytes, ...paidOf(answer) }
  },
})

const paidOf = ({ request, receipt }: Answer): Paid => ({ request, receipt })

/** OpenAI's clients know more words; a pod ends an answer for these two reasons only. */
export const finishOf = (finish: string | undefined): Finish => (finish === 'length' ? 'length' : 'stop')
