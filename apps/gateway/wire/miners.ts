import { z } from 'zod'
import { openChain } from '../../../sdk/chain/clients.ts'
import { type ChainReader, chainReader } from '../../../sdk/chain/reader.ts'
import { later } from '../../../sdk/errors.ts'
import { fetchNetwork } from '../../../sdk/index.ts'

const TIMEOUT_MS = 10_000

/** What this API calls a miner: a node's signing address, lower case, a dash, and the node's id. */
export interface Miners {
  idOf(node: number): Promise<string>
  /** A node that is live and has a slot for this pod, a free one first. @throws `node.none` (later). */
  serving(pod: number, podName: string): Promise<number>
}

const nodesSchema = z.object({
  nodes: z.array(
    z.object({
      id: z.number().int(),
      state: z.string(),
      slots: z.array(z.object({ pod: z.number(), free: z.boolean() })),
    }),
  ),
})

/** The router says which nodes there are, the chain whose they are. */
export function openMiners(routerUrl: string): Miners {
  let reader: Promise<ChainReader> | undefined

  function chain(): Promise<ChainReader> {
    reader ??= fetchNetwork(routerUrl).then(
      ({ chainId, rpcUrl, addresses }) => chainReader(openChain({ chainId, rpcUrl }), addresses),
      (cause: unknown) => {
        reader = undefined
        throw cause
      },
    )
    return reader
  }

  return {
    async idOf(node) {
      // Only a name: an answer that is paid for is not lost because the chain does not answer.
      const signer = await chain()
        .then((each) => each.signerOf(node))
        .catch(() => undefined)
      return `${(signer ?? `0x${'0'.repeat(40)}`).toLowerCase()}-${node}`
    },

    async serving(pod, podName) {
      const answer = await fetch(new URL('/v1/nodes', routerUrl), {
        signal: AbortSignal.timeout(TIMEOUT_MS),
      }).catch((cause: unknown) => {
        throw later('router.unreachable', 'The router does not answer', { cause, fix: 'Try again shortly.' })
      })
      const { nodes } = nodesSchema.parse(await answer.json())
      const slots = nodes
        .filter(({ state }) => state === 'live')
        .flatMap(({ id, slots }) =>
          slots.filter((slot) => slot.pod === pod).map(({ free }) => ({ id, free })),
        )
      const found = slots.find(({ free }) => free) ?? slots[0]
      if (found === undefined)
        throw later('node.none', `No node serves '${podName}' now`, { fix: 'Try again shortly.' })
      return found.id
    },
  }
}
