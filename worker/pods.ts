import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { refused } from '../sdk/errors.ts'
import { type Manifest, manifestHash, parseManifest } from '../sdk/protocol/manifest.ts'

/** One version of a pod, as it lies in its folder. */
export interface Pod {
  folder: string
  manifest: Manifest
  /** Keccak-256 of the bytes of `pod.yaml`: what is registered. */
  hash: Hex
}

/**
 * @param name  The folder's name under `podsDir`.
 * @throws `pod.missing`, `manifest.invalid` (refused).
 */
export async function readPod(podsDir: string, name: string): Promise<Pod> {
  const folder = join(podsDir, name)
  const bytes = await readFile(join(folder, 'pod.yaml')).catch((cause) => {
    throw refused('pod.missing', `There is no pod '${name}' in ${podsDir}`, {
      fix: `Put its folder there (with pod.yaml), or take '${name}' out of the slots.`,
      cause,
    })
  })
  return { folder, manifest: parseManifest(bytes), hash: manifestHash(bytes) }
}
