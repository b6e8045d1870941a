import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { bug, refused } from '../../../sdk/errors.ts'
import type { LoadEngine } from '../engine.ts'
import { contextOf, modelFile } from '../folder.ts'
import { chooseProvider } from '../provider.ts'
import { Decoder } from './decoder.ts'
import { generate, Sequence } from './generate.ts'
import { requestParser } from './request.ts'
import { type ChatTokens, loadTokens } from './tokens.ts'

/** Any Hugging Face folder of a Llama-layout text generator, as its `onnx-community` exports lay it out. */
export const loadChat: LoadEngine = async (podFolder, manifest) => {
  const folder = join(podFolder, 'model')
  const file = await modelFile(folder, 'model')
  const [tokens, context] = await Promise.all([loadTokens(folder), contextOf(folder)])
  const bytes = (await stat(file)).size
  const { provider, model } = await chooseProvider(
    { allowed: manifest.resources.providers, bytes },
    async (options) => {
      const decoder = await Decoder.open(file, options)
      try {
        await warmUp(decoder, tokens)
        return decoder
      } catch (cause) {
        await decoder.close()
        throw cause
      }
    },
  )
  const parse = requestParser(manifest)
  const mostIn = Math.min(manifest.limits.inputUnits, context - 1)
  return {
    provider,
    run: async (input, output) => {
      const request = parse(input)
      const prompt = tokens.prompt(request.messages)
      // The quote is made on the input's bytes: a prompt of more tokens than bytes would cost more than was allowed.
      const most = Math.min(mostIn, input.length)
      if (prompt.length > most) {
        throw refused('input.too_long', `The messages are ${prompt.length} tokens, the pod reads ${most}.`, {
          field: 'messages',
          fix: 'Leave out the oldest messages or say it in fewer words.',
          details: { tokens: prompt.length, most },
        })
      }
      return generate(model, new Sequence(request, prompt, tokens, context), output)
    },
    close: () => model.close(),
  }
}

/** Reads a prompt and one token more, so that both kinds of run have happened before the first job. */
async function warmUp(decoder: Decoder, tokens: ChatTokens): Promise<void> {
  const cache = decoder.newCache()
  const prompt = tokens.prompt([{ role: 'user', content: 'Hello' }])
  for (const ids of [prompt, prompt.slice(-1)]) {
    const logits = await decoder.read(ids, cache, async () => true)
    if (!logits?.every(Number.isFinite)) throw bug('pod.broken', 'the warm-up run gave no finite logits')
  }
}
