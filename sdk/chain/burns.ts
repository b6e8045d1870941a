import type { Address } from 'viem'
import { lotCost } from '../protocol/emission.ts'
import { startOf } from '../protocol/epochs.ts'
import { feeBurnerAbi } from './abi.ts'
import { type Call, caller } from './call.ts'
import type { Chain } from './clients.ts'
import { type Clock, readClock } from './epochs.ts'
import { chainError } from './errors.ts'

/** Protocol fees that are sold for HEU, which is burnt. Asset in base units, HEU in wei, times in Unix seconds. */

/** One thing for sale, whole. */
export interface Offer {
  amount: bigint
  /** Wei of HEU per whole unit of the asset in this second; 0 = not for sale. */
  price: bigint
  /** What all of it costs in this second. It only falls until the sale closes. */
  cost: bigint
}

export interface BurnState extends Clock {
  /** Of the last epoch. */
  lot: Offer & { epoch: number; burnt: bigint; opensAt: number; closesAt: number }
  carried: Offer
  /** Base units that came after the sale had opened: they are carried from the next epoch on. */
  waiting: bigint
  /** Wei of HEU per whole unit: median of the last eight sales. */
  median: bigint
}

export async function readBurn(chain: Chain, burner: Address): Promise<BurnState> {
  const clock = await readClock(chain)
  const at = { address: burner, abi: feeBurnerAbi } as const
  const { client } = chain
  const [lot, lotPrice, forSale, carriedPrice, carried, median, gather, sale] = await Promise.all([
    client.readContract({ ...at, functionName: 'lotOf', args: [clock.epoch - 1] }),
    client.readContract({ ...at, functionName: 'priceNow', args: [false] }),
    client.readContract({ ...at, functionName: 'carriedForSale' }),
    client.readContract({ ...at, functionName: 'priceNow', args: [true] }),
    client.readContract({ ...at, functionName: 'carried' }),
    client.readContract({ ...at, functionName: 'median' }),
    client.readContract({ ...at, functionName: 'GATHER_SECONDS' }),
    client.readContract({ ...at, functionName: 'SALE_SECONDS' }),
  ]).catch((cause: unknown) => {
    throw chainError(cause)
  })
  const opensAt = startOf(clock.epoch) + Number(gather)
  return {
    ...clock,
    lot: {
      epoch: clock.epoch - 1,
      amount: lot.amount,
      burnt: lot.burnt,
      price: lotPrice,
      cost: lotCost(lot.amount, lotPrice),
      opensAt,
      closesAt: opensAt + Number(sale),
    },
    carried: { amount: forSale, price: carriedPrice, cost: lotCost(forSale, carriedPrice) },
    waiting: carried - forSale,
    median,
  }
}

const call = caller(feeBurnerAbi)

/** The buyer's HEU goes out of its allowance for the burner, and is gone. */
export const burnCall = {
  buy: (burner: Address, most: bigint, to: Address): Call => call(burner, 'buy', [most, to]),
  buyCarried: (burner: Address, most: bigint, to: Address): Call => call(burner, 'buyCarried', [most, to]),
  gather: (burner: Address, router: Address): Call => call(burner, 'gather', [router]),
  settle: (burner: Address): Call => call(burner, 'settle'),
}
