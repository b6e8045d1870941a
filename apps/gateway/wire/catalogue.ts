import type { FastifyInstance } from 'fastify'
import type { Catalog, Model } from '../catalog.ts'
import { IMAGE_MODELS } from './aliases.ts'
import { defaultsOf } from './picture.ts'

/**
 * `GET /models.json`: this network in the form of Heurist's model catalogue. Pods by their own names, and the names of
 * its image models with `redirect`, the pod that stands in for them.
 */
export function catalogueRoute(app: FastifyInstance, catalog: Catalog): void {
  app.get('/models.json', async () => {
    const models = await catalog.list()
    const named = await Promise.all(
      [...IMAGE_MODELS].map(async ([name, type]) => {
        // A name that stands for no pod, or for any of several, is not offered.
        const model = await catalog.find(name, 'image').catch(() => undefined)
        return model === undefined || model.name === name
          ? []
          : [entryOf(model, { name, type, redirect: model.name })]
      }),
    )
    return [
      ...models.map((model) => entryOf(model, { name: model.name, type: typeOf(model) })),
      ...named.flat(),
    ]
  })
}

/** Heurist's types of language models begin with `llm`. */
const typeOf = ({ manifest }: Model): string => (manifest.kind === 'chat' ? 'llm' : manifest.kind)

function entryOf(model: Model, head: { name: string; type: string; redirect?: string }) {
  const { manifest } = model
  const about = { ...head, version: manifest.version, checksum: model.manifestHash }
  if (manifest.kind !== 'image') return about
  const { width, height, steps, guidance } = defaultsOf(manifest)
  const defaults = {
    width,
    height,
    neg_prompt: '',
    num_inference_steps: steps,
    guidance_scale: guidance,
    seed: -1,
  }
  return { ...about, defaults }
}
