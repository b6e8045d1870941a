import type { Hex } from 'viem'
import { z } from 'zod'
import { openChain } from '../sdk/chain/clients.ts'
import { later } from '../sdk/errors.ts'
import { hashSchema } from '../sdk/protocol/wire.ts'
import type { Pod } from './pods.ts'

const listedSchema = z.array(
  z.object({ id: z.number().int().positive(), name: z.string(), manifest: hashSchema }),
)
const podsSchema = z.object({ pods: listedSchema, namesakes: listedSchema.default([]) })

/** A pod as a router lists it, by its newest version. */
export type ListedPod = z.output<typeof listedSchema>[number]

/** Those first that their names mean, then the others of those names. @throws `router.unreachable` (later). */
export async function listedPods(routerUrl: string): Promise<ListedPod[]> {
  const address = `${routerUrl.replace(/\/+$/, '')}/v1/pods`
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(10_000) })
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    const { pods, namesakes } = podsSchema.parse(await response.json())
    return [...pods, ...namesakes]
  } catch (cause) {
    throw later('router.unreachable', `no list of pods at ${address}`, {
      fix: 'Check the router URL and that the router runs.',
      cause,
    })
  }
}

/** Whether a version was ever published for a pod: the chain's word. */
export type IsVersion = (pod: number, manifest: Hex) => Promise<boolean>

export function chainIsVersion(chain: { chainId: number; rpcUrl: string; registry: Hex }): IsVersion {
  const { client } = openChain(chain)
  return async (pod, manifest) => {
    const { registryAbi } = await import('../sdk/chain/abi.ts')
    const args = [pod, manifest] as const
    return client.readContract({
      address: chain.registry,
      abi: registryAbi,
      functionName: 'isVersion',
      args,
    })
  }
}

/**
 * The numbers on chain of the pods that we have, by the hash of our version. The router lists newest versions; an older
 * one of ours is served too as long as the chain knows it.
 */
export async function podNumbers(
  pods: readonly Pod[],
  listed: readonly ListedPod[],
  isVersion: IsVersion,
): Promise<Map<Hex, number>> {
  const numbers = new Map<Hex, number>()
  for (const { hash, manifest } of pods) {
    const newest = listed.find((one) => one.manifest === hash)
    if (newest) {
      numbers.set(hash, newest.id)
      continue
    }
    for (const namesake of listed.filter((one) => one.name === manifest.name)) {
      const known = await isVersion(namesake.id, hash).catch(() => false)
      if (known && !numbers.has(hash)) numbers.set(hash, namesake.id)
    }
  }
  return numbers
}
