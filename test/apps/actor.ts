import { createTestClient, encodeFunctionData, erc20Abi, http, type PrivateKeyAccount } from 'viem'
import { authorityAbi, heuAbi } from '../../sdk/chain/abi.ts'
import type { Call } from '../../sdk/chain/call.ts'
import { type Chain, openChain } from '../../sdk/chain/clients.ts'
import { type Economy, economyOf } from '../../sdk/chain/economy.ts'
import { readClock } from '../../sdk/chain/epochs.ts'
import { keySender } from '../../sdk/chain/key-sender.ts'
import { startOf } from '../../sdk/protocol/epochs.ts'
import type { Stage } from './pondera.ts'

/** Whoever acts in the economy of a stage, and its time. */
export interface Actor {
  chain: Chain
  economy: Economy
  send(from: PrivateKeyAccount, call: Call): Promise<void>
  /** HEU of the deployer's to an account, which lets `spender` take it. Wei. */
  give(to: PrivateKeyAccount, amount: bigint, spender: `0x${string}`): Promise<void>
  /** Gives an account a role of the network, at once. */
  grant(role: bigint, to: `0x${string}`): Promise<void>
  /** To that many seconds after the beginning of the next epoch. */
  nextEpoch(seconds?: number): Promise<void>
  wait(seconds: number): Promise<void>
}

export async function openActor({ market }: Pick<Stage, 'market'>): Promise<Actor> {
  const { rpcUrl } = market.chain
  const chain = openChain({ chainId: market.domain.chainId, rpcUrl })
  const economy = await economyOf(chain, market.addresses.ledger)
  const anvil = createTestClient({ mode: 'anvil', transport: http(rpcUrl) })
  const send = async (from: PrivateKeyAccount, call: Call) => void (await keySender(chain, from).send(call))
  async function wait(seconds: number): Promise<void> {
    await anvil.increaseTime({ seconds })
    await anvil.mine({ blocks: 1 })
  }
  return {
    chain,
    economy,
    send,
    wait,
    async give(to, amount, spender) {
      const heu = { address: economy.heu, abi: heuAbi } as const
      await market.deployer.send({ ...heu, functionName: 'transfer', args: [to.address, amount] })
      const args = [spender, amount] as const
      await send(to, {
        to: economy.heu,
        data: encodeFunctionData({ abi: erc20Abi, functionName: 'approve', args }),
      })
    },
    async grant(role, to) {
      const authority = { address: market.addresses.authority, abi: authorityAbi } as const
      await market.deployer.send({ ...authority, functionName: 'grantRole', args: [role, to, 0] })
    },
    async nextEpoch(seconds = 1) {
      const { now, epoch } = await readClock(chain)
      await wait(startOf(epoch + 1) - now + seconds)
    },
  }
}
