import type { z } from 'zod'
import { type Manifest, parseManifest } from '../../../../sdk/protocol/manifest.ts'
import { maxPriceOf, unitLimitsOf } from '../../../../sdk/protocol/price.ts'
import type { PageConfig } from './config.ts'
import { podsSchema } from './documents.ts'

/** The pods of a kind, and what an answer of theirs may cost. */

/** One message as a model is sent it. */
export interface Turn {
  role: 'system' | 'user' | 'assistant'
  content: string
}

export interface Model {
  id: number
  name: string
  description: string
  /** Whether a node serves it now. */
  served: boolean
}

/** Answers have at most so many tokens, or as many as the pod makes if those are fewer. */
const MOST_TOKENS = 2_048
const DEFAULT_TEMPERATURE = 0.75

const read = async (url: URL): Promise<Response> => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) })
  if (!answer.ok) throw new Error(`${url.pathname} answers ${answer.status}`)
  return answer
}

export const readModels = (config: Pick<PageConfig, 'routerUrl'>): Promise<Model[]> =>
  readPods(config, 'chat')

/** The pods of a kind, as the router lists them. */
export async function readPods(
  { routerUrl }: Pick<PageConfig, 'routerUrl'>,
  wanted: Manifest['kind'],
): Promise<Model[]> {
  const { pods }: z.output<typeof podsSchema> = podsSchema.parse(
    await (await read(new URL('/v1/pods', routerUrl))).json(),
  )
  return pods
    .filter(({ kind }) => kind === wanted)
    .map(({ id, name, description, slots }) => ({ id, name, description, served: slots > 0 }))
}

/** A pod's terms as the router shows them; before anything is signed the client reads them again and asks the chain. */
export async function readTerms(
  { routerUrl }: Pick<PageConfig, 'routerUrl'>,
  pod: number,
): Promise<Manifest> {
  return parseManifest(await readManifest({ routerUrl }, pod))
}

/** The bytes of a pod's terms. */
export async function readManifest(
  { routerUrl }: Pick<PageConfig, 'routerUrl'>,
  pod: number,
): Promise<Uint8Array> {
  const answer = await read(new URL(`/v1/pods/${pod}/manifest`, routerUrl))
  return new Uint8Array(await answer.arrayBuffer())
}

export interface Asked {
  messages: readonly Turn[]
  max_tokens: number
  temperature: number
}

/** The document that a chat pod reads. */
export function askedOf(
  { limits, defaults }: Pick<Manifest, 'limits' | 'defaults'>,
  messages: readonly Turn[],
  temperature: number | undefined,
): Asked {
  return {
    messages,
    max_tokens: Math.min(MOST_TOKENS, limits.outputUnits),
    temperature: temperature ?? ownTemperature({ defaults }),
  }
}

export function ownTemperature({ defaults }: Pick<Manifest, 'defaults'>): number {
  const own = defaults.temperature
  return typeof own === 'number' ? own : DEFAULT_TEMPERATURE
}

/** The most that a call with this document can cost: the same formula that is signed. Base units. */
export function mostPrice(manifest: Manifest, asked: object): bigint {
  return mostPriceOfBytes(manifest, asked, new TextEncoder().encode(JSON.stringify(asked)).length)
}

/** The same of a document that has so many bytes at most. */
export const mostPriceOfBytes = (manifest: Manifest, asked: object, bytes: number): bigint =>
  maxPriceOf(manifest, unitLimitsOf(manifest, asked, bytes))

export type { Manifest }
