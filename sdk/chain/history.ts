import type { Abi, Address, ContractEventArgs, ContractEventName, Log } from 'viem'
import { computeLedgerAbi } from './abi.ts'
import type { Chain } from './clients.ts'
import { chainError } from './errors.ts'

type LedgerAbi = typeof computeLedgerAbi
export type LedgerEvent = ContractEventName<LedgerAbi>
export type LedgerLog<N extends LedgerEvent> = EventLog<LedgerAbi, N>

/** An event with all its arguments. */
export type EventLog<A extends Abi, N extends ContractEventName<A>> = Log<
  bigint,
  number,
  false,
  undefined,
  true,
  A,
  N
>

/** Blocks per question where a node refuses to look through all of them at once. */
const CHUNK = 10_000n

/**
 * Every event of one name that a contract ever emitted, oldest first, narrowed by its indexed arguments.
 *
 * @throws `chain.unreachable` (later).
 */
export async function historyOf<const A extends Abi, N extends ContractEventName<A>>(
  chain: Chain,
  { address, abi }: { address: Address; abi: A },
  eventName: N,
  args: ContractEventArgs<A, N>,
): Promise<EventLog<A, N>[]> {
  await chain.check()
  const between = async (fromBlock: bigint, toBlock: bigint): Promise<EventLog<A, N>[]> => {
    const logs = await chain.client.getContractEvents({
      address,
      abi,
      eventName,
      args,
      fromBlock,
      toBlock,
      strict: true,
    } as unknown as Parameters<typeof chain.client.getContractEvents>[0])
    return logs as unknown as EventLog<A, N>[]
  }
  try {
    const last = await chain.client.getBlockNumber({ cacheTime: 0 })
    const whole = await between(0n, last).catch(() => undefined)
    if (whole) return whole
    const found: EventLog<A, N>[] = []
    for (let from = 0n; from <= last; from += CHUNK) {
      found.push(...(await between(from, from + CHUNK - 1n < last ? from + CHUNK - 1n : last)))
    }
    return found
  } catch (cause) {
    throw chainError(cause)
  }
}

/**
 * The newest events of one name, newest first: whoever wants a few does not look through the whole chain.
 *
 * @param want  So many, or all there are if there are fewer.
 * @throws `chain.unreachable` (later).
 */
export async function newestOf<const A extends Abi, N extends ContractEventName<A>>(
  chain: Chain,
  { address, abi }: { address: Address; abi: A },
  eventName: N,
  args: ContractEventArgs<A, N>,
  want: number,
): Promise<EventLog<A, N>[]> {
  await chain.check()
  const found: EventLog<A, N>[] = []
  try {
    let to = await chain.client.getBlockNumber({ cacheTime: 0 })
    while (found.length < want && to >= 0n) {
      const fromBlock = to < CHUNK ? 0n : to - CHUNK + 1n
      const question = { address, abi, eventName, args, fromBlock, toBlock: to, strict: true }
      const logs = await chain.client.getContractEvents(
        question as unknown as Parameters<typeof chain.client.getContractEvents>[0],
      )
      found.push(...(logs as unknown as EventLog<A, N>[]).reverse())
      to = fromBlock - 1n
    }
  } catch (cause) {
    throw chainError(cause)
  }
  return found.slice(0, want)
}

/** {@link historyOf} the ledger. */
export const ledgerHistory = <N extends LedgerEvent>(
  chain: Chain,
  ledger: Address,
  eventName: N,
  args: ContractEventArgs<LedgerAbi, N>,
): Promise<LedgerLog<N>[]> => historyOf(chain, { address: ledger, abi: computeLedgerAbi }, eventName, args)
