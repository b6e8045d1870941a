import { maxPriceOf, unitLimitsOf } from '../../../../sdk/protocol/price.ts'
import { MOST_QUERY, MOST_SOURCES } from '../../search/documents.ts'
import type { PageConfig } from '../network/config.ts'
import { type Manifest, mostPrice, readPods, readTerms } from '../network/models.ts'
import { askedFrom, canCarry } from './prompt.ts'
import { vectorPod } from './server.ts'

/** Who answers a search, and the most that it costs. */

export interface Writer {
  name: string
  manifest: Manifest
}

export interface Embedder {
  pod: string
  manifest: Manifest
}

export interface Terms {
  /** The chat pod that reads enough at once to answer from sources, if there is one. */
  model: Writer | undefined
  /** Chat pods that read too little. */
  small: readonly string[]
  /** The pod whose vectors the documents are ranked by, if they are. */
  vectors: Embedder | undefined
  /** The most that a search costs, whatever is found. Base units. */
  most: bigint
}

/** So many chat pods are looked at. */
const MOST_PODS = 8

export async function readTermsOf(config: PageConfig): Promise<Terms> {
  const [chats, pod] = await Promise.all([readPods(config, 'chat'), vectorPod()])
  const writers = await Promise.all(
    chats
      .slice(0, MOST_PODS)
      .map(async ({ id, name, served }) => ({ name, served, manifest: await readTerms(config, id) })),
  )
  const able = writers.filter(({ manifest }) => canCarry(manifest))
  const model = able.find(({ served }) => served) ?? able[0]
  const vectors = pod === undefined ? undefined : await embedderOf(config, pod)
  return {
    model: model && { name: model.name, manifest: model.manifest },
    small: writers.filter((each) => !able.includes(each)).map(({ name }) => name),
    vectors,
    most: (vectors ? vectorPrice(vectors.manifest) : 0n) + (model ? writerPrice(model.manifest) : 0n),
  }
}

async function embedderOf(config: PageConfig, name: string): Promise<Terms['vectors']> {
  const pod = (await readPods(config, 'embed')).find((each) => each.name === name)
  return pod && { pod: name, manifest: await readTerms(config, pod.id) }
}

/** A query as long as one may be, of characters that take most bytes as JSON: there are no control characters in one. */
const LONGEST = '\u{FFFD}'.repeat(MOST_QUERY)

function vectorPrice(manifest: Manifest): bigint {
  const input = { input: LONGEST }
  const bytes = new TextEncoder().encode(JSON.stringify(input)).length
  return maxPriceOf(manifest, unitLimitsOf(manifest, input, bytes))
}

function writerPrice(manifest: Manifest): bigint {
  const source = { title: LONGEST.repeat(2), from: '', url: '', text: LONGEST.repeat(8) }
  return mostPrice(manifest, askedFrom(manifest, LONGEST, new Array(MOST_SOURCES).fill(source)))
}
