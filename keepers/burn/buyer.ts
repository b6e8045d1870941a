import { type Address, erc20Abi } from 'viem'
import { type BurnState, burnCall, readBurn } from '../../sdk/chain/burns.ts'
import { approveCall } from '../../sdk/chain/call.ts'
import type { Chain, Sender } from '../../sdk/chain/clients.ts'
import { chainError } from '../../sdk/chain/errors.ts'
import { lotCost } from '../../sdk/protocol/emission.ts'
import type { Duty } from '../duty.ts'
import type { BuyConfig } from '../epoch/config.ts'

export interface BuyerDeps {
  chain: Chain
  place: { burner: Address; heu: Address }
  sender: Sender
  config: BuyConfig
}

const BPS = 10_000n

/** What is for sale in this second, and what the buyer has. HEU in wei. */
export interface Market extends Pick<BurnState, 'lot' | 'carried' | 'median'>, BuyConfig {
  held: bigint
}

export interface Purchase {
  carried: boolean
  /** HEU wei that it may cost: the price only falls. Never more than the limits make of the amount. */
  most: bigint
}

/** Buys protocol fees with HEU, which is burnt, once the falling price is low enough for it. Anyone may be a buyer. */
export const buyDuty: Duty<Market, Purchase, BuyerDeps> = {
  name: 'buy',
  async observe({ chain, place, sender, config }) {
    const [{ lot, carried, median }, held] = await Promise.all([
      readBurn(chain, place.burner),
      chain.client.readContract({
        address: place.heu,
        abi: erc20Abi,
        functionName: 'balanceOf',
        args: [sender.address],
      }),
    ]).catch((cause: unknown) => {
      throw chainError(cause)
    })
    return { lot, carried, median, held, ...config }
  },
  decide({ lot, carried, median, mostPrice, mostOverMedianBps, held }) {
    const overMedian = (median * BigInt(mostOverMedianBps)) / BPS
    const limit = overMedian < mostPrice ? overMedian : mostPrice
    // What it costs is the word of one node of the chain; what it may cost follows from our own limits too.
    const mostFor = ({ amount, price, cost }: Market['carried']): bigint => {
      const most = lotCost(amount, limit)
      return amount > 0n && price > 0n && price <= limit ? (cost < most ? cost : most) : 0n
    }
    const affordable = (most: bigint) => most > 0n && most <= held
    if (affordable(mostFor(lot))) return { carried: false, most: mostFor(lot) }
    return affordable(mostFor(carried)) ? { carried: true, most: mostFor(carried) } : undefined
  },
  async act({ carried, most }, { place, sender }) {
    await sender.send(approveCall(place.heu, place.burner, most))
    const buy = carried ? burnCall.buyCarried : burnCall.buy
    const { transactionHash } = await sender.send(buy(place.burner, most, sender.address))
    return { carried, most: most.toString(), tx: transactionHash }
  },
}
