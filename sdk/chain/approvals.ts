import { type Address, erc20Abi } from 'viem'
import { refused } from '../errors.ts'
import { formatHeu, formatUsd } from '../units.ts'
import { approveCall, type Call } from './call.ts'
import type { Chain } from './clients.ts'
import { chainError } from './errors.ts'

/** Who lets whom take how much of a token, in its smallest unit. */
export interface Grant {
  from: Address
  spender: Address
  amount: bigint
}

/**
 * An approval of exactly `amount` where the present one is lower, as every call that takes HEU needs.
 *
 * @throws `heu.insufficient` (refused) if the account holds less; `chain.*`.
 */
export const heuApproval = (chain: Chain, heu: Address, grant: Grant): Promise<Call[]> =>
  approval(chain, heu, grant, { code: 'heu.insufficient', say: (wei) => `${formatHeu(wei)} HEU` })

/** The same for the payment asset. @throws `asset.insufficient` (refused); `chain.*`. */
export const assetApproval = (chain: Chain, asset: Address, grant: Grant): Promise<Call[]> =>
  approval(chain, asset, grant, { code: 'asset.insufficient', say: (units) => `${formatUsd(units)} dollars` })

async function approval(
  { client }: Chain,
  address: Address,
  { from, spender, amount }: Grant,
  { code, say }: { code: string; say: (amount: bigint) => string },
): Promise<Call[]> {
  const token = { address, abi: erc20Abi } as const
  const [held, allowed] = await Promise.all([
    client.readContract({ ...token, functionName: 'balanceOf', args: [from] }),
    client.readContract({ ...token, functionName: 'allowance', args: [from, spender] }),
  ]).catch((cause: unknown) => {
    throw chainError(cause)
  })
  if (held < amount) {
    throw refused(code, `${from} holds ${say(held)}, ${say(amount)} are needed`, {
      fix: `Send it ${say(amount - held)} first, or give less.`,
      details: { held: held.toString(), needed: amount.toString() },
    })
  }
  return allowed >= amount ? [] : [approveCall(address, spender, amount)]
}
