import { type Address, encodeFunctionData, erc20Abi } from 'viem'
import { feeBurnerAbi } from '../../sdk/chain/abi.ts'
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

/** What is for sale in this second. Prices in wei of HEU per whole unit; 0 = not for sale. */
export interface Offer {
  lot: bigint
  lotPrice: bigint
  carried: bigint
  carriedPrice: bigint
  mostPrice: bigint
  /** HEU wei. */
  held: bigint
}

export interface Purchase {
  carried: boolean
  /** HEU wei that it may cost. */
  most: bigint
}

const UNIT = 1_000_000n

/** Buys protocol fees with HEU, which is burnt, once the falling price is low enough for it. Anyone may be a buyer. */
export const buyDuty: Duty<Offer, Purchase, BuyerDeps> = {
  name: 'buy',
  async observe({ chain, place, sender, mostPrice }) {
    const burner = { address: place.burner, abi: feeBurnerAbi } as const
    const { client } = chain
    try {
      const { timestamp } = await client.getBlock()
      const epoch = Math.floor(Number(timestamp) / 604_800) - 1
      const [lot, lotPrice, carried, carriedPrice, held] = await Promise.all([
        client.readContract({ ...burner, functionName: 'lotOf', args: [epoch] }),
        client.readContract({ ...burner, functionName: 'priceNow', args: [false] }),
        client.readContract({ ...burner, functionName: 'carried' }),
        client.readContract({ ...burner, functionName: 'priceNow', args: [true] }),
        client.readContract({
          address: place.heu,
          abi: erc20Abi,
          functionName: 'balanceOf',
          args: [sender.address],
        }),
      ])
      return { lot: lot.amount, lotPrice, carried, carriedPrice, mostPrice, held }
    } catch (cause) {
      throw chainError(cause)
    }
  },
  decide({ lot, lotPrice, carried, carriedPrice, mostPrice, held }) {
    const worth = (amount: bigint, price: bigint): bigint | undefined => {
      const most = (amount * price + UNIT - 1n) / UNIT
      return amount > 0n && price > 0n && price <= mostPrice && most <= held ? most : undefined
    }
    const whole = worth(lot, lotPrice)
    if (whole !== undefined) return { carried: false, most: whole }
    const rest = worth(carried, carriedPrice)
    return rest === undefined ? undefined : { carried: true, most: rest }
  },
  async act({ carried, most }, { place, sender }) {
    const approve = encodeFunctionData({ abi: erc20Abi, functionName: 'approve', args: [place.burner, most] })
    await sender.send({ to: place.heu, data: approve })
    const functionName = carried ? 'buyCarried' : 'buy'
    const data = encodeFunctionData({ abi: feeBurnerAbi, functionName, args: [most, sender.address] })
    const { transactionHash } = await sender.send({ to: place.burner, data })
    return { carried, most: most.toString(), tx: transactionHash }
  },
}
