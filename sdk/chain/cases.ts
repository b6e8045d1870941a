import { type Address, getAddress, type Hex, toFunctionSelector, zeroAddress } from 'viem'
import { later, refused } from '../errors.ts'
import { CASE_STATES, type CaseState } from '../protocol/cases.ts'
import type { Receipt, Request, Voucher } from '../protocol/messages.ts'
import { authorityAbi, nodeStakingAbi, slashingManagerAbi } from './abi.ts'
import { type Call, caller } from './call.ts'
import type { Chain } from './clients.ts'
import { type Economy, economyOf } from './economy.ts'
import { chainError } from './errors.ts'
import { historyOf } from './history.ts'

/** An accusation of a node. HEU in wei. */
export interface Case {
  id: number
  node: number
  state: CaseState
  /** The last Unix second of the state: to dispute, to judge, to execute. */
  until: number
  faultEpoch: number
  /** Frozen, and slashed at most. */
  amount: bigint
  /** Of the proposer; the disputer's is as much. */
  bond: bigint
  proposer: Address
  /** The node's owner, once it disputed. */
  disputer?: Address
  /** Hash of the published evidence. */
  evidence: Hex
}

const SLASH = toFunctionSelector('slash(uint32,uint256,address,uint256,address,uint256)')

/**
 * The SlashingManager of these stakes. Nothing names it but the right to slash: it holds the role that the Authority
 * of the stakes asks for, and says itself that it manages them.
 *
 * @throws `cases.absent` (refused) if no contract may slash these stakes; `chain.*`.
 */
export async function slashingOf(chain: Chain, staking: Address): Promise<Address> {
  const { client } = chain
  try {
    const at = { address: staking, abi: nodeStakingAbi } as const
    const address = await client.readContract({ ...at, functionName: 'authority' })
    const authority = { address, abi: authorityAbi } as const
    const asked = { ...authority, functionName: 'getTargetFunctionRole', args: [staking, SLASH] } as const
    const roleId = await client.readContract(asked)
    const granted = await historyOf(chain, authority, 'RoleGranted', { roleId })
    const members = [...new Set(granted.map(({ args }) => getAddress(args.account)))].reverse()
    for (const member of members) {
      const [may] = await client.readContract({
        ...authority,
        functionName: 'canCall',
        args: [member, staking, SLASH],
      })
      if (may && (await managed(chain, member)) === getAddress(staking)) return member
    }
  } catch (cause) {
    throw chainError(cause)
  }
  throw refused('cases.absent', `no contract may slash the stakes of ${staking}`, {
    fix: 'This network has no SlashingManager: nobody can be accused here.',
    details: { staking },
  })
}

/** The stakes that a member of the role says it manages; undefined for an account that says nothing. */
async function managed({ client }: Chain, member: Address): Promise<Address | undefined> {
  const code = await client.getCode({ address: member })
  if (code === undefined) return undefined
  const at = { address: member, abi: slashingManagerAbi } as const
  return client.readContract({ ...at, functionName: 'staking' }).catch((cause: unknown) => {
    const error = chainError(cause)
    if (error.kind === 'later') throw error
    return undefined
  })
}

export type AccusableEconomy = Economy & { slashing: Address }

/** {@link economyOf} a ledger, with its SlashingManager. @throws `economy.absent`, `cases.absent` (refused), `chain.*`. */
export async function economyWithCases(chain: Chain, ledger: Address): Promise<AccusableEconomy> {
  const economy = await economyOf(chain, ledger)
  return { ...economy, slashing: await slashingOf(chain, economy.staking) }
}

/** How many cases there ever were: ids are 1 to this. */
export async function countCases({ client }: Chain, slashing: Address): Promise<number> {
  const at = { address: slashing, abi: slashingManagerAbi } as const
  const count = await client.readContract({ ...at, functionName: 'count' }).catch((cause: unknown) => {
    throw chainError(cause)
  })
  return Number(count)
}

/** @throws `case.unknown` (refused); `chain.*`. */
export async function readCase({ client }: Chain, slashing: Address, id: number): Promise<Case> {
  const at = { address: slashing, abi: slashingManagerAbi } as const
  const args = [BigInt(id)] as const
  const it = await client.readContract({ ...at, functionName: 'caseOf', args }).catch((cause: unknown) => {
    throw chainError(cause)
  })
  const state = CASE_STATES[it.state]
  if (state === undefined) {
    throw later('case.unreadable', `case ${id} is in state ${it.state}, which this version does not know`, {
      fix: 'Update heurist.',
    })
  }
  if (state === 'none') {
    throw refused('case.unknown', `there is no case ${id}`, { fix: 'See `heurist case list`.' })
  }
  const { node, until, faultEpoch, amount, bond, proposer, disputer, evidence } = it
  const facts = { id, node, state, until, faultEpoch, amount, bond, proposer, evidence }
  return disputer === zeroAddress ? facts : { ...facts, disputer }
}

/** Reads that travel together. */
const AT_ONCE = 100

/** Every case from id `from` on, oldest first. A case of one node is found by looking at all: they are few, and cost a bond. */
export async function readCases(chain: Chain, slashing: Address, from = 1): Promise<Case[]> {
  const count = await countCases(chain, slashing)
  const found: Case[] = []
  for (let start = from; start <= count; start += AT_ONCE) {
    const ids = Array.from({ length: Math.min(AT_ONCE, count - start + 1) }, (_, index) => start + index)
    found.push(...(await Promise.all(ids.map((id) => readCase(chain, slashing, id)))))
  }
  return found
}

/** HEU wei that an accusation of `amount` must stand behind. */
export function bondFor({ client }: Chain, slashing: Address, amount: bigint): Promise<bigint> {
  const at = { address: slashing, abi: slashingManagerAbi } as const
  return client.readContract({ ...at, functionName: 'bondFor', args: [amount] }).catch((cause: unknown) => {
    throw chainError(cause)
  })
}

/** HEU wei of bonds that the account has back or won, to be claimed. */
export function bondsOwed({ client }: Chain, slashing: Address, account: Address): Promise<bigint> {
  const at = { address: slashing, abi: slashingManagerAbi } as const
  return client.readContract({ ...at, functionName: 'owedTo', args: [account] }).catch((cause: unknown) => {
    throw chainError(cause)
  })
}

/** A receipt with the signature of a key that was its node's. */
export interface SignedBy<Message> {
  message: Message
  /** 64 or 65 bytes. */
  signature: Hex
}

/** What a proof costs the node, and of that what its presenter is given. HEU wei. */
export interface Verdict {
  slashed: bigint
  reward: bigint
}

/**
 * Presents a proof without sending it: what it would cost now.
 *
 * @throws `chain.reverted` (refused) with the contract's own reason if it proves nothing; `chain.*`.
 */
export async function tryProof(
  { client }: Chain,
  slashing: Address,
  { call, from }: { call: Call; from: Address },
): Promise<Verdict> {
  const at = { address: slashing, abi: slashingManagerAbi } as const
  const [{ data }, { reporterBps }] = await Promise.all([
    client.call({ account: from, to: call.to, data: call.data }),
    client.readContract({ ...at, functionName: 'params' }),
  ]).catch((cause: unknown) => {
    throw chainError(cause)
  })
  const slashed = BigInt(data ?? '0x0')
  return { slashed, reward: (slashed * BigInt(reporterBps)) / 10_000n }
}

const call = caller(slashingManagerAbi)

/** `propose` and `dispute` take a bond of HEU from the sender's allowance; the other calls take nothing. */
export const caseCall = {
  propose: (
    slashing: Address,
    { node, faultEpoch, amount, evidence }: Pick<Case, 'node' | 'faultEpoch' | 'amount' | 'evidence'>,
  ): Call => call(slashing, 'propose', [node, faultEpoch, amount, evidence]),
  /** The node owner's. */
  dispute: (slashing: Address, id: number): Call => call(slashing, 'dispute', [BigInt(id)]),
  /** The judge's. */
  resolve: (slashing: Address, id: number, upheld: boolean): Call =>
    call(slashing, 'resolve', [BigInt(id), upheld]),
  /** Anyone's, in its time. */
  execute: (slashing: Address, id: number): Call => call(slashing, 'execute', [BigInt(id)]),
  /** Anyone's, once the time of the state is over. */
  lapse: (slashing: Address, id: number): Call => call(slashing, 'lapse', [BigInt(id)]),
  /** Two receipts of one node for one request that differ; anyone's, who is the reporter. */
  proveEquivocation: (slashing: Address, a: SignedBy<Receipt>, b: SignedBy<Receipt>): Call =>
    call(slashing, 'proveEquivocation', [a.message, a.signature, b.message, b.signature]),
  /** A receipt that the payer's request forbids, with the voucher that names that request; anyone's. */
  proveContradiction: (
    slashing: Address,
    request: Request,
    voucher: SignedBy<Voucher>,
    receipt: SignedBy<Receipt>,
  ): Call =>
    call(slashing, 'proveContradiction', [
      request,
      voucher.message,
      voucher.signature,
      receipt.message,
      receipt.signature,
    ]),
  /** Pays an account its bonds; anyone's. */
  claim: (slashing: Address, account: Address): Call => call(slashing, 'claim', [account]),
}
