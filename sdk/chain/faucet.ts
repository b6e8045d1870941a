import { type Address, encodeFunctionData, erc20Abi } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { refused } from '../errors.ts'
import { formatUsd } from '../units.ts'
import { testDollarAbi } from './abi.ts'
import type { Chain } from './clients.ts'
import { chainError } from './errors.ts'
import { keySender } from './key-sender.ts'
import { LOCAL_KEY, localKey } from './local.ts'
import { isLocalChain } from './local-chains.ts'

/** Play money of local chains, given with keys that everybody knows there. */

/** Gas for a few thousand calls of ours at local prices. Wei. */
const GAS_GIFT = 10n ** 18n
const GAS_ENOUGH = GAS_GIFT / 10n
/** A faucet call gives at most the test dollar's cap; more than this many calls is a mistake. */
const MOST_FAUCET_CALLS = 100n

/**
 * Local chains only: sees to it that `to` holds at least `dollars` base units of the test dollar and gas to move them.
 *
 * @throws `faucet.absent` (refused) on any other chain.
 */
export async function faucet(chain: Chain, asset: Address, to: Address, dollars: bigint): Promise<void> {
  mustBeLocal(chain)
  await chain.check()
  const dollar = { address: asset, abi: testDollarAbi } as const
  const giver = keySender(chain, privateKeyToAccount(localKey(LOCAL_KEY.faucet)))
  const [gas, held, cap] = await Promise.all([
    chain.client.getBalance({ address: to }),
    chain.client.readContract({ ...dollar, functionName: 'balanceOf', args: [to] }),
    chain.client.readContract({ ...dollar, functionName: 'FAUCET_CAP' }),
  ]).catch((cause: unknown) => {
    throw chainError(cause)
  })

  if (gas < GAS_ENOUGH) await giver.send({ to, data: '0x', value: GAS_GIFT })
  const missing = dollars - held
  if (missing <= 0n) return
  const calls = (missing + cap - 1n) / cap
  if (calls > MOST_FAUCET_CALLS) {
    throw refused(
      'faucet.too_much',
      `the faucet gives at most $${formatUsd(cap * MOST_FAUCET_CALLS)} at once`,
    )
  }
  const data = encodeFunctionData({
    abi: testDollarAbi,
    functionName: 'faucet',
    args: [to, (missing + calls - 1n) / calls],
  })
  for (let call = 0n; call < calls; call += 1n) await giver.send({ to: asset, data })
}

/**
 * Local chains only: sees to it that `to` holds at least `amount` wei of HEU. The deployer gives it, whose key everybody
 * knows there.
 *
 * @throws `faucet.absent` (refused) on any other chain.
 */
export async function heuFaucet(chain: Chain, heu: Address, to: Address, amount: bigint): Promise<void> {
  mustBeLocal(chain)
  await chain.check()
  const held = await chain.client
    .readContract({ address: heu, abi: erc20Abi, functionName: 'balanceOf', args: [to] })
    .catch((cause: unknown) => {
      throw chainError(cause)
    })
  if (held >= amount) return
  const data = encodeFunctionData({ abi: erc20Abi, functionName: 'transfer', args: [to, amount - held] })
  await keySender(chain, privateKeyToAccount(localKey(LOCAL_KEY.deployer))).send({ to: heu, data })
}

function mustBeLocal({ id }: Chain): void {
  if (isLocalChain(id)) return
  throw refused('faucet.absent', `chain ${id} is no local chain: it has no faucet`, {
    fix: 'Send the account what it needs yourself.',
  })
}
