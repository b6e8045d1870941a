import { type Address, erc20Abi } from 'viem'
import { refused } from '../errors.ts'
import { votingEscrowAbi } from './abi.ts'
import { type Call, caller } from './call.ts'
import type { Chain } from './clients.ts'
import type { Economy } from './economy.ts'
import { readClock } from './epochs.ts'
import { chainError } from './errors.ts'

/** Epochs that a lock lasts at most. @source IVotingEscrow.MOST_EPOCHS */
export const MOST_LOCK_EPOCHS = 104

/** An account's lock. HEU in wei, power in token-weeks (wei-epochs). */
export interface LockState {
  account: Address
  amount: bigint
  /** First epoch without power, and the first in which it can be withdrawn; 0 = no lock. */
  end: number
  /** The present epoch. */
  epoch: number
  power: bigint
  nextPower: bigint
  /** Of all locks, in this epoch. */
  totalPower: bigint
  /** HEU that the account holds freely. */
  balance: bigint
}

export async function readLock(
  chain: Chain,
  { escrow, heu }: Pick<Economy, 'escrow' | 'heu'>,
  account: Address,
): Promise<LockState> {
  const { epoch } = await readClock(chain)
  const at = { address: escrow, abi: votingEscrowAbi } as const
  const { client } = chain
  const [{ amount, end }, power, nextPower, totalPower, balance] = await Promise.all([
    client.readContract({ ...at, functionName: 'lockOf', args: [account] }),
    client.readContract({ ...at, functionName: 'powerIn', args: [account, epoch] }),
    client.readContract({ ...at, functionName: 'powerIn', args: [account, epoch + 1] }),
    client.readContract({ ...at, functionName: 'totalPowerIn', args: [epoch] }),
    client.readContract({ address: heu, abi: erc20Abi, functionName: 'balanceOf', args: [account] }),
  ]).catch((cause: unknown) => {
    throw chainError(cause)
  })
  return { account, amount, end, epoch, power, nextPower, totalPower, balance }
}

/** The end of a lock that lasts `weeks` whole epochs of power from the present one on. @throws `weeks.invalid`. */
export function lockEnd(epoch: number, weeks: number): number {
  if (Number.isInteger(weeks) && weeks >= 1 && weeks <= MOST_LOCK_EPOCHS) return epoch + weeks
  throw refused('weeks.invalid', `a lock lasts 1 to ${MOST_LOCK_EPOCHS} weeks`, {
    fix: `Write --weeks N, N from 1 to ${MOST_LOCK_EPOCHS}.`,
    details: { weeks },
  })
}

const escrowCall = caller(votingEscrowAbi)

/** The calls of a lock's owner. `lock` creates, adds, extends; `give` adds to the living lock of another. */
export const lockCall = {
  /** @param end  0 = as it is. */
  lock: (escrow: Address, amount: bigint, end: number): Call => escrowCall(escrow, 'lock', [amount, end]),
  give: (escrow: Address, account: Address, amount: bigint): Call =>
    escrowCall(escrow, 'lockFor', [account, amount]),
  withdraw: (escrow: Address): Call => escrowCall(escrow, 'withdraw', []),
  checkpoint: (escrow: Address): Call => escrowCall(escrow, 'checkpoint', []),
}
