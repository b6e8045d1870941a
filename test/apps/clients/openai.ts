import type OpenAI from 'openai'
import { QUESTION, type Refusal, TEXTS, type Told, type Used } from './used.ts'

/** OpenAI's client at work, of whichever major version: nothing but what it exports, as its manual shows it. */
export async function useOpenAi(openai: OpenAI): Promise<Used> {
  return {
    models: await models(openai),
    ...(await chats(openai)),
    ...(await completions(openai)),
    ...(await responses(openai)),
    pictures: await pictures(openai),
    vectors: (await openai.embeddings.create({ model: 'embed', input: TEXTS })).data.map(({ embedding }) => [
      ...embedding,
    ]),
    refusals: await refusals(openai),
  }
}

const ask = { model: 'chat', messages: [{ role: 'user' as const, content: QUESTION }] }
type Usage = { prompt_tokens: number; completion_tokens: number } | null | undefined
const told = (text: string, finish: string | null | undefined, usage: Usage): Told => ({
  text,
  finish: finish ?? '',
  input: usage?.prompt_tokens ?? 0,
  output: usage?.completion_tokens ?? 0,
})

async function models(openai: OpenAI): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of openai.models.list()) ids.push((await openai.models.retrieve(id)).id)
  return ids
}

async function chats(openai: OpenAI) {
  const whole = await openai.chat.completions.create(ask)
  const stream = openai.chat.completions.stream({ ...ask, stream_options: { include_usage: true } })
  const streamed = await stream.finalChatCompletion()
  const story = [{ role: 'user' as const, content: 'Tell me about the sea, the wind and a lost letter.' }]
  const warm = { model: 'chat', messages: story, temperature: 2, max_tokens: 12 }
  const several = await openai.chat.completions.create({ ...warm, seed: 5, n: 3 })
  const alone = await Promise.all([5, 6, 7].map((seed) => openai.chat.completions.create({ ...warm, seed })))
  const textOf = (answer: OpenAI.ChatCompletion, index = 0) => answer.choices[index]?.message.content ?? ''
  return {
    whole: told(textOf(whole), whole.choices[0]?.finish_reason, whole.usage),
    streamed: told(textOf(streamed), streamed.choices[0]?.finish_reason, streamed.usage),
    choices: [several.choices.map((_, index) => textOf(several, index)), alone.map((each) => textOf(each))],
  }
}

async function completions(openai: OpenAI) {
  const prompt = { model: 'chat', prompt: QUESTION }
  const whole = await openai.completions.create(prompt)
  const stream = await openai.completions.create({
    ...prompt,
    stream: true,
    stream_options: { include_usage: true },
  })
  let text = ''
  let finish: string | null = null
  let usage: Usage
  for await (const chunk of stream) {
    text += chunk.choices[0]?.text ?? ''
    finish = chunk.choices[0]?.finish_reason ?? finish
    usage = chunk.usage ?? usage
  }
  return {
    completion: told(whole.choices[0]?.text ?? '', whole.choices[0]?.finish_reason, whole.usage),
    completionStreamed: told(text, finish, usage),
  }
}

async function responses(openai: OpenAI) {
  const asked = { model: 'chat', input: QUESTION }
  const toldBy = ({ output_text, status, usage }: OpenAI.Responses.Response): Told => ({
    text: output_text,
    finish: status === 'completed' ? 'stop' : (status ?? ''),
    input: usage?.input_tokens ?? 0,
    output: usage?.output_tokens ?? 0,
  })
  return {
    response: toldBy(await openai.responses.create(asked)),
    responseStreamed: toldBy(await openai.responses.stream(asked).finalResponse()),
  }
}

async function pictures(openai: OpenAI): Promise<Uint8Array[]> {
  const drawn = await openai.images.generate({ prompt: 'a large green square', n: 2 })
  return (drawn.data ?? []).map(({ b64_json }) => Buffer.from(b64_json ?? '', 'base64'))
}

async function refusals(openai: OpenAI): Promise<Refusal[]> {
  const tool = { type: 'function' as const, function: { name: 'look', parameters: {} } }
  const calls = [
    openai.chat.completions.create({ ...ask, tools: [tool] }),
    openai.chat.completions.create({ ...ask, response_format: { type: 'json_object' } }),
    openai.chat.completions.create({ ...ask, model: 'gpt-4o' }),
  ]
  return Promise.all(
    calls.map((each) =>
      each.then(
        () => ({ status: 200, param: undefined }),
        (error: { status?: number; param?: unknown }) => ({ status: error.status, param: error.param }),
      ),
    ),
  )
}
