import type { Address } from 'viem'
import { emissionControllerAbi, registryAbi } from '../../sdk/chain/abi.ts'
import type { Chain } from '../../sdk/chain/clients.ts'
import { chainError } from '../../sdk/chain/errors.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'

/** Active nodes whose stake buys them a quota in `epoch`, and that quota, probe units. */
export async function quotasIn(
  chain: Chain,
  { registry, emission }: { registry: Address; emission: Address },
  epoch: number,
): Promise<Map<number, bigint>> {
  const people = { address: registry, abi: registryAbi } as const
  const { client } = chain
  const quotaOf = async (node: number): Promise<[number, bigint]> => {
    const [active, quota] = await Promise.all([
      client.readContract({ ...people, functionName: 'isActiveIn', args: [ROLE.node, node, epoch] }),
      client.readContract({
        address: emission,
        abi: emissionControllerAbi,
        functionName: 'quotaOf',
        args: [node, epoch],
      }),
    ])
    return [node, active ? quota : 0n]
  }
  try {
    const count = await client.readContract({ ...people, functionName: 'countOf', args: [ROLE.node] })
    const quotas = await Promise.all(Array.from({ length: count }, (_, index) => quotaOf(index + 1)))
    return new Map(quotas.filter(([, quota]) => quota > 0n))
  } catch (cause) {
    throw chainError(cause)
  }
}
