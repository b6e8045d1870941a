import type { Address } from 'viem'
import { routerBondAbi } from './abi.ts'
import { approveCall, type Call, caller } from './call.ts'
import type { Chain } from './clients.ts'
import { chainError } from './errors.ts'

/** A router's bond and what it is held for. Asset in base units, HEU in wei, times in Unix seconds. */
export interface BondState {
  router: Address
  asset: bigint
  heu: bigint
  leastAsset: bigint
  leastHeu: bigint
  owedAsset: bigint
  owedHeu: bigint
  reserved: bigint
  round: bigint
  /** 0 if no exit was announced. */
  exitAt: bigint
  /** 0 if it was not convicted. */
  convictedAt: bigint
  mayRoute: boolean
}

export async function readBond(chain: Chain, bond: Address, router: Address): Promise<BondState> {
  const at = { address: bond, abi: routerBondAbi } as const
  const { client } = chain
  const [state, leastAsset, leastHeu, mayRoute] = await Promise.all([
    client.readContract({ ...at, functionName: 'bondOf', args: [router] }),
    client.readContract({ ...at, functionName: 'leastAsset' }),
    client.readContract({ ...at, functionName: 'leastHeu' }),
    client.readContract({ ...at, functionName: 'mayRoute', args: [router] }),
  ]).catch((cause: unknown) => {
    throw chainError(cause)
  })
  return { router, ...state, leastAsset, leastHeu, mayRoute }
}

/** Approvals of exactly what is given, then the deposit for `router`. */
export function bondDepositCalls(
  bond: Address,
  router: Address,
  gifts: { asset: Address; assets: bigint; heu: Address; heus: bigint },
): Call[] {
  const approve = (token: Address, amount: bigint): Call[] =>
    amount === 0n ? [] : [approveCall(token, bond, amount)]
  const deposit = bondCall(bond, 'deposit', [router, gifts.assets, gifts.heus])
  return [...approve(gifts.asset, gifts.assets), ...approve(gifts.heu, gifts.heus), deposit]
}

const call = caller(routerBondAbi)

/** `announceExit`, `cancelExit` and `withdraw` are the calling router's own. */
export const bondCall = (
  to: Address,
  functionName: 'deposit' | 'announceExit' | 'cancelExit' | 'withdraw',
  args: readonly unknown[] = [],
): Call => call(to, functionName, args)
