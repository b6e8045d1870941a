import { type EntryState, readEntry } from '../../../../../sdk/chain/entries.ts'
import { chainReader } from '../../../../../sdk/chain/reader.ts'
import { type Check, check } from '../../../../../sdk/checks.ts'
import { podSchema } from '../../../../../sdk/documents.ts'
import { refused } from '../../../../../sdk/errors.ts'
import { type Manifest, manifestHash, parseManifest } from '../../../../../sdk/protocol/manifest.ts'
import { createTransport } from '../../../../../sdk/transport.ts'
import type { PortalPlace } from '../place.ts'

export interface PodDetail {
  id: number
  /** Of the manifest that the router serves. */
  hash: string
  manifest: Manifest
  /** That it is what the chain has. */
  checks: Check[]
  entry: EntryState
}

/** Epochs that a pod's page looks back, the present one among them. */
const EPOCHS = 8

/** @throws `pod.unknown`, `pod.unregistered`, `manifest.invalid` (refused); `router.unreachable`, `chain.unreachable` (later). */
export async function readPod(place: PortalPlace, routerUrl: string, id: number): Promise<PodDetail> {
  const transport = createTransport(routerUrl)
  const [told, bytes, entry] = await Promise.all([
    transport.get(`/v1/pods/${id}`, podSchema),
    transport.bytes(`/v1/pods/${id}/manifest`),
    readEntry(place.chain, place, place.router, { role: 'pod', id, epochs: EPOCHS }),
  ])
  if (!entry) {
    throw refused('pod.unregistered', `no pod ${id} is registered on the chain`, {
      fix: 'Do not use this router.',
    })
  }
  const hash = manifestHash(bytes)
  const published = await chainReader(place.chain, place).isVersion(id, hash)
  return {
    id,
    hash,
    manifest: parseManifest(bytes),
    entry,
    checks: [
      check(
        'bytes',
        hash === told.manifest,
        `${bytes.length} bytes hash to ${hash}; the router names ${told.manifest}`,
      ),
      check('published', published, `pod ${id} ${published ? 'published' : 'never published'} ${hash}`),
      check('newest', hash === entry.meta, `the chain’s newest version is ${entry.meta}`),
    ],
  }
}
