import { z } from 'zod'
import { later, refused } from '../../sdk/errors.ts'
import { type Manifest, manifestHash, type PodKind, parseManifest } from '../../sdk/protocol/manifest.ts'
import { hashSchema } from '../../sdk/protocol/wire.ts'
import { type Aliases, aliasOf } from './wire/aliases.ts'

/** How long the list of pods is believed. */
const FRESH_MS = 5_000
const TIMEOUT_MS = 10_000

/** A pod as this door offers it: OpenAI's *model*. */
export interface Model {
  pod: number
  name: string
  manifestHash: string
  manifest: Manifest
}

export interface Catalog {
  /** Whose pods these are. */
  readonly routerUrl: string
  list(): Promise<Model[]>
  /** By name or alias. @throws `pod.unknown` (refused) if the network has no such pod, `model.wrong_kind` if it does something else. */
  find(name: string, kind: PodKind): Promise<Model>
  /** The network's only pod of a kind. @throws `parameter.missing` if there are several, `pod.unknown` if none. */
  only(kind: PodKind): Promise<Model>
}

const podsSchema = z.object({
  pods: z.array(z.object({ id: z.number().int(), name: z.string(), manifest: hashSchema })),
})

/**
 * The pods of one router. Manifests are believed because their bytes have the registered hash.
 *
 * @param aliases  Other names of pods, as the operator wrote them.
 */
export function createCatalog(
  routerUrl: string,
  now: () => number = Date.now,
  aliases: Aliases = {},
): Catalog {
  const manifests = new Map<string, Promise<Manifest>>()
  let cached: { at: number; models: Promise<Model[]> } | undefined

  async function read(path: string): Promise<Response> {
    const url = new URL(path, routerUrl)
    const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((cause: unknown) => {
      throw later('router.unreachable', 'The router does not answer', { cause, fix: 'Try again shortly.' })
    })
    if (!answer.ok)
      throw later('router.unreachable', `The router answers ${answer.status}`, { fix: 'Try again shortly.' })
    return answer
  }

  async function fetchManifest(pod: number, hash: string): Promise<Manifest> {
    const bytes = new Uint8Array(await (await read(`/v1/pods/${pod}/manifest`)).arrayBuffer())
    if (manifestHash(bytes) !== hash) {
      throw later('manifest.wrong', `The router's manifest of pod ${pod} has another hash than it says`)
    }
    return parseManifest(bytes)
  }

  function manifestOf(pod: number, hash: string): Promise<Manifest> {
    const known = manifests.get(hash)
    if (known !== undefined) return known
    const fetched = fetchManifest(pod, hash)
    manifests.set(hash, fetched)
    fetched.catch(() => manifests.delete(hash))
    return fetched
  }

  async function load(): Promise<Model[]> {
    const { pods } = podsSchema.parse(await (await read('/v1/pods')).json())
    return Promise.all(
      pods.map(async (pod) => ({
        pod: pod.id,
        name: pod.name,
        manifestHash: pod.manifest,
        manifest: await manifestOf(pod.id, pod.manifest),
      })),
    )
  }

  function list(): Promise<Model[]> {
    if (cached !== undefined && now() - cached.at < FRESH_MS) return cached.models
    const models = load()
    cached = { at: now(), models }
    models.catch(() => {
      if (cached?.models === models) cached = undefined
    })
    return models
  }

  return {
    routerUrl,
    list,

    async find(name, kind) {
      const models = await list()
      const model = models.find((each) => each.name === name) ?? aliasOf(name, kind, models, aliases)
      if (model === undefined) throw unknown(name, models)
      if (model.manifest.kind !== kind) throw wrongKind(model)
      return model
    },

    async only(kind) {
      const models = (await list()).filter((each) => each.manifest.kind === kind)
      const [model] = models
      if (model === undefined)
        throw refused('pod.unknown', `This network has no ${kind} pod`, { field: 'model' })
      if (models.length === 1) return model
      const names = models.map((each) => `'${each.name}'`).join(', ')
      throw refused('parameter.missing', "Missing required parameter: 'model'", {
        field: 'model',
        fix: `Choose one of ${names}.`,
      })
    },
  }
}

export function unknown(name: string, models: readonly Model[]) {
  const names = models.map((each) => `'${each.name}'`).join(', ')
  return refused('pod.unknown', `The model '${name.slice(0, 128)}' does not exist on this network`, {
    field: 'model',
    fix: models.length === 0 ? 'No pod is registered yet.' : `It has ${names}.`,
  })
}

const ROUTES: Partial<Record<PodKind, string>> = {
  chat: '/v1/chat/completions',
  image: '/v1/images/generations',
  embed: '/v1/embeddings',
}

function wrongKind({ name, manifest }: Model) {
  const route = ROUTES[manifest.kind]
  return refused('model.wrong_kind', `'${name}' is a pod for ${manifest.kind}; it cannot answer here`, {
    field: 'model',
    fix: route === undefined ? 'This door has no route for it yet.' : `Call ${route}.`,
  })
}
