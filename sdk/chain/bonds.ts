import type { Address } from 'viem'
import { routerBondAbi } from './abi.ts'
import { assetApproval, heuApproval } from './approvals.ts'
import { type Call, caller } from './call.ts'
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

/**
 * The deposit for `router`, after approvals of exactly what is given where the present ones are lower. Asset in base
 * units, HEU in wei.
 *
 * @throws `asset.insufficient`, `heu.insufficient` (refused) if `from` does not hold it; `chain.*`.
 */
export async function bondDepositCalls(
  chain: Chain,
  { bond, asset, heu }: { bond: Address; asset: Address; heu: Address },
  { from, router, assets, heus }: { from: Address; router: Address; assets: bigint; heus: bigint },
): Promise<Call[]> {
  const approvals = await Promise.all([
    assets === 0n ? [] : assetApproval(chain, asset, { from, spender: bond, amount: assets }),
    heus === 0n ? [] : heuApproval(chain, heu, { from, spender: bond, amount: heus }),
  ])
  return [...approvals.flat(), bondCall(bond, 'deposit', [router, assets, heus])]
}

const call = caller(routerBondAbi)

/** `announceExit`, `cancelExit` and `withdraw` are the calling router's own. */
export const bondCall = (
  to: Address,
  functionName: 'deposit' | 'announceExit' | 'cancelExit' | 'withdraw',
  args: readonly unknown[] = [],
): Call => call(to, functionName, args)
