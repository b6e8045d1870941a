import { type Address, erc20Abi } from 'viem'
import { type BurnState, burnCall, readBurn } from '../../sdk/chain/burns.ts'
import { approveCall } from '../../sdk/chain/call.ts'
import type { Chain, Sender } from '../../sdk/chain/clients.ts'
import { chainError } from '../../sdk/chain/errors.ts'
import type { Duty } from '../duty.ts'

export interface BuyerDeps {
  chain: Chain
  place: { burner: Address; heu: Address }
  sender: Sender
  /** Wei of HEU per whole unit of the asset. */
  mostPrice: bigint
}

/** What is for sale in this second, and what the buyer has. HEU in wei. */
export interface Market extends Pick<BurnState, 'lot' | 'carried'> {
  mostPrice: bigint
  held: bigint
}

export interface Purchase {
  carried: boolean
  /** HEU wei that it may cost: the price only falls. */
  most: bigint
}

/** Buys protocol fees with HEU, which is burnt, once the falling price is low enough for it. Anyone may be a buyer. */
export const buyDuty: Duty<Market, Purchase, BuyerDeps> = {
  name: 'buy',
  async observe({ chain, place, sender, mostPrice }) {
    const [{ lot, carried }, held] = await Promise.all([
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
    return { lot, carried, mostPrice, held }
  },
  decide({ lot, carried, mostPrice, held }) {
    const isWorth = ({ amount, price, cost }: Market['carried']) =>
      amount > 0n && price > 0n && price <= mostPrice && cost <= held
    if (isWorth(lot)) return { carried: false, most: lot.cost }
    return isWorth(carried) ? { carried: true, most: carried.cost } : undefined
  },
  async act({ carried, most }, { place, sender }) {
    await sender.send(approveCall(place.heu, place.burner, most))
    const buy = carried ? burnCall.buyCarried : burnCall.buy
    const { transactionHash } = await sender.send(buy(place.burner, most, sender.address))
    return { carried, most: most.toString(), tx: transactionHash }
  },
}
