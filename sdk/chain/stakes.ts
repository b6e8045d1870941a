import type { Address } from 'viem'
import { ROLE } from '../protocol/messages.ts'
import { emissionControllerAbi, nodeStakingAbi, registryAbi } from './abi.ts'
import { type Call, caller } from './call.ts'
import type { Chain } from './clients.ts'
import type { Economy } from './economy.ts'
import { readClock } from './epochs.ts'
import { chainError } from './errors.ts'

/** What stands behind a node. HEU in wei. */
export interface StakeState {
  node: number
  owner: Address
  active: bigint
  unbonding: bigint
  /** Unix second from which `unbonding` can be withdrawn; 0 if nothing unbonds. */
  unbondAt: number
  /** Held by open cases. */
  frozen: bigint
  /** Counts in the present epoch. */
  counted: bigint
  /** Counts in the next one, as it stands. */
  countsNext: bigint
  /** Of all nodes, in the present epoch. */
  total: bigint
  /** Probe units that count at most in the present epoch. */
  quota: bigint
}

export async function readStake(
  chain: Chain,
  { staking, emission, registry }: Pick<Economy, 'staking' | 'emission' | 'registry'>,
  node: number,
): Promise<StakeState> {
  const { epoch } = await readClock(chain)
  const at = { address: staking, abi: nodeStakingAbi } as const
  const { client } = chain
  const [stake, counted, countsNext, total, quota, owner] = await Promise.all([
    client.readContract({ ...at, functionName: 'stakeOf', args: [node] }),
    client.readContract({ ...at, functionName: 'countedIn', args: [node, epoch] }),
    client.readContract({ ...at, functionName: 'countedIn', args: [node, epoch + 1] }),
    client.readContract({ ...at, functionName: 'totalIn', args: [epoch] }),
    client.readContract({
      address: emission,
      abi: emissionControllerAbi,
      functionName: 'quotaOf',
      args: [node, epoch],
    }),
    client.readContract({
      address: registry,
      abi: registryAbi,
      functionName: 'ownerOf',
      args: [ROLE.node, node],
    }),
  ]).catch((cause: unknown) => {
    throw chainError(cause)
  })
  const { active, unbonding, unbondAt, frozen } = stake
  return { node, owner, active, unbonding, unbondAt, frozen, counted, countsNext, total, quota }
}

/** How long stake unbonds. Seconds. */
export const readUnbondSeconds = async ({ client }: Chain, staking: Address): Promise<number> =>
  Number(
    await client
      .readContract({ address: staking, abi: nodeStakingAbi, functionName: 'UNBOND_SECONDS' })
      .catch((cause: unknown) => {
        throw chainError(cause)
      }),
  )

const call = caller(nodeStakingAbi)

/** Anyone may add; the rest is the node owner's own. `claim` pays what slashes owe an account. */
export const stakeCall = {
  add: (staking: Address, node: number, amount: bigint): Call => call(staking, 'stake', [node, amount]),
  unbond: (staking: Address, node: number, amount: bigint): Call =>
    call(staking, 'requestUnbond', [node, amount]),
  cancel: (staking: Address, node: number): Call => call(staking, 'cancelUnbond', [node]),
  withdraw: (staking: Address, node: number, to: Address): Call => call(staking, 'withdraw', [node, to]),
  claim: (staking: Address, account: Address): Call => call(staking, 'claim', [account]),
}
