import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import {
  APICallError,
  embedMany,
  generateImage,
  generateText,
  jsonSchema,
  Output,
  streamText,
  tool,
} from 'ai'
import { type Door, QUESTION, type Refusal, TEXTS, type Told, type Used } from './used.ts'

/** Vercel's AI SDK with its provider for doors like OpenAI's: it offers no models list, choices or responses. */
export async function useAi({ baseURL, apiKey, fetch }: Door): Promise<Used> {
  const heurist = createOpenAICompatible({ name: 'heurist', baseURL, apiKey, fetch, includeUsage: true })
  const chat = heurist.chatModel('chat')
  const completion = heurist.completionModel('chat')
  const drawn = await generateImage({
    model: heurist.imageModel('image'),
    prompt: 'a large green square',
    n: 2,
    maxRetries: 0,
  })
  const embedded = await embedMany({ model: heurist.embeddingModel('embed'), values: TEXTS, maxRetries: 0 })
  return {
    whole: await whole(chat),
    streamed: await streamed(chat),
    completion: await whole(completion),
    completionStreamed: await streamed(completion),
    pictures: drawn.images.map(({ uint8Array }) => uint8Array),
    vectors: embedded.embeddings,
    refusals: await refusals(chat, heurist.chatModel('gpt-4o')),
  }
}

type Model = Parameters<typeof generateText>[0]['model']
type Usage = { inputTokens: number | undefined; outputTokens: number | undefined }
const told = (text: string, finish: string, { inputTokens, outputTokens }: Usage): Told => ({
  text,
  finish,
  input: inputTokens ?? 0,
  output: outputTokens ?? 0,
})

async function whole(model: Model): Promise<Told> {
  const { text, finishReason, usage } = await generateText({ model, prompt: QUESTION, maxRetries: 0 })
  return told(text, finishReason, usage)
}

async function streamed(model: Model): Promise<Told> {
  const stream = streamText({ model, prompt: QUESTION, maxRetries: 0 })
  let text = ''
  for await (const piece of stream.textStream) text += piece
  return told(text, await stream.finishReason, await stream.usage)
}

async function refusals(chat: Model, unknown: Model): Promise<Refusal[]> {
  const look = tool({
    inputSchema: jsonSchema<object>({ type: 'object', properties: {} }),
    execute: async () => 'seen',
  })
  const asked = { model: chat, prompt: QUESTION, maxRetries: 0 }
  const calls = [
    generateText({ ...asked, tools: { look } }),
    generateText({ ...asked, output: Output.json() }),
    generateText({ ...asked, model: unknown }),
  ]
  return Promise.all(
    calls.map((each) =>
      each.then(
        () => ({ status: 200, param: undefined }),
        (error: unknown) => {
          if (!APICallError.isInstance(error)) throw error
          const { error: body } = error.data as { error: { param: unknown } }
          return { status: error.statusCode, param: body.param }
        },
      ),
    ),
  )
}
