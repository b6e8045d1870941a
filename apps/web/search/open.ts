import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyBaseLogger } from 'fastify'
import { z } from 'zod'
import { loadKey } from '../../../sdk/chain/keys.ts'
import { later } from '../../../sdk/errors.ts'
import { type Client, createClient } from '../../../sdk/index.ts'
import { fileJournal } from '../../../sdk/journal-file.ts'
import { manifestHash, parseManifest } from '../../../sdk/protocol/manifest.ts'
import { readManifest, readPods } from '../src/network/models.ts'
import { openIndex, readDocs } from './index.ts'
import { brave, type Provider, rationed, searxng } from './providers.ts'
import { openQuestions } from './related.ts'
import type { SearchParts } from './search.ts'
import { type Embedding, openVectors } from './vectors.ts'

/** The search door's part of the page server's configuration. */

const url = z.url({ protocol: /^https?$/ })

export const searchSchema = z.strictObject({
  /** Pays once for the vectors of the documents. Without it they are found by words alone. */
  keyFile: z.string().min(1).optional(),
  /**
   * What vectors count beside words. The shipped embed pod was trained on short questions, not on passages: up to 0.02 it
   * neither helps nor hurts here, at 0.2 it costs 3 of 75 questions (test/apps/web-search-index.test.ts). An embedding
   * model of a hundred million weights or more is worth 1.
   */
  vectorWeight: z.number().min(0).max(10).default(0.02),
  /** A SearXNG instance whose `formats` hold `json`. */
  searxng: z.strictObject({ url }).optional(),
  /** Brave's search API; the key alone in a file. */
  brave: z
    .strictObject({ keyFile: z.string().min(1), url: url.default('https://api.search.brave.com') })
    .optional(),
  /** Each of the two is asked so often a day, whoever searches; beyond that the documents answer alone. */
  mostWebADay: z.number().int().positive().default(2_000),
})
export type SearchConfig = z.output<typeof searchSchema>

export interface SearchPlace {
  search: SearchConfig
  routerUrl: string
  rpcUrl: string
  chainId: number
  ledger: `0x${string}`
  /** Where vectors and the journal of the operator's key are kept; without it there are none. */
  dataDir: string | undefined
  frontend: number
  log: FastifyBaseLogger
}

const ROOT = join(import.meta.dirname, '..', '..', '..')

/** Reads the documents, and opens what else the configuration names. Nothing is asked of anybody yet. */
export function openSearch(place: SearchPlace): SearchParts & { close(): Promise<void> } {
  const { search, dataDir, log } = place
  const docs = openIndex(readDocs(ROOT))
  let client: Client | undefined
  const { keyFile } = search
  const vectors =
    keyFile === undefined || dataDir === undefined
      ? undefined
      : openVectors({
          folder: join(dataDir, 'search'),
          passages: docs.passages,
          embedding: () => {
            client ??= clientOf(place, keyFile, dataDir)
            return embeddingOf(client, place.routerUrl)
          },
          tell: (event) => log.info(event),
          now: Date.now,
        })
  return {
    docs,
    questions: openQuestions(docs),
    vectors,
    vectorWeight: search.vectorWeight,
    providers: providersOf(search),
    async close() {
      await vectors?.close()
      await client?.close()
    },
  }
}

function clientOf(
  { routerUrl, rpcUrl, chainId, ledger, frontend }: SearchPlace,
  keyFile: string,
  dataDir: string,
) {
  return createClient({
    routerUrl,
    key: loadKey(keyFile).privateKey,
    chain: { rpcUrl, chainId, ledger },
    frontend,
    journal: fileJournal(join(dataDir, 'search', 'journal')),
  })
}

/** @throws `pod.none` (later) on a network without an embed pod. */
async function embeddingOf(client: Client, routerUrl: string): Promise<Embedding> {
  const [pod] = await readPods({ routerUrl }, 'embed')
  if (pod === undefined) throw later('pod.none', 'this network has no embed pod')
  const bytes = await readManifest({ routerUrl }, pod.id)
  return { client, pod: pod.name, manifest: parseManifest(bytes), hash: manifestHash(bytes) }
}

function providersOf({ searxng: own, brave: paid, mostWebADay }: SearchConfig): Provider[] {
  const all = [
    ...(own ? [searxng(own)] : []),
    ...(paid ? [brave({ url: paid.url, key: readFileSync(paid.keyFile, 'utf8').trim() })] : []),
  ]
  return all.map((provider) => rationed(provider, { most: mostWebADay, now: Date.now }))
}
