import type { Address, ContractEventArgs, ContractEventName, Log } from 'viem'
import { computeLedgerAbi } from './abi.ts'
import type { Chain } from './clients.ts'
import { chainError } from './errors.ts'

type LedgerAbi = typeof computeLedgerAbi
export type LedgerEvent = ContractEventName<LedgerAbi>
export type LedgerLog<N extends LedgerEvent> = Log<bigint, number, false, undefined, true, LedgerAbi, N>

/** Blocks per question where a node refuses to look through all of them at once. */
const CHUNK = 10_000n

/**
 * Every event of one name that the ledger ever emitted, oldest first, narrowed by its indexed arguments.
 *
 * @throws `chain.unreachable` (later).
 */
export async function ledgerHistory<N extends LedgerEvent>(
  chain: Chain,
  ledger: Address,
  eventName: N,
  args: ContractEventArgs<LedgerAbi, N>,
): Promise<LedgerLog<N>[]> {
  await chain.check()
  const between = async (fromBlock: bigint, toBlock: bigint): Promise<LedgerLog<N>[]> => {
    const logs = await chain.client.getContractEvents({
      address: ledger,
      abi: computeLedgerAbi,
      eventName,
      args,
      fromBlock,
      toBlock,
      strict: true,
    } as Parameters<typeof chain.client.getContractEvents>[0])
    return logs as unknown as LedgerLog<N>[]
  }
  try {
    const last = await chain.client.getBlockNumber()
    const whole = await between(0n, last).catch(() => undefined)
    if (whole) return whole
    const found: LedgerLog<N>[] = []
    for (let from = 0n; from <= last; from += CHUNK) {
      found.push(...(await between(from, from + CHUNK - 1n < last ? from + CHUNK - 1n : last)))
    }
    return found
  } catch (cause) {
    throw chainError(cause)
  }
}
