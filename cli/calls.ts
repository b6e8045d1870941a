import { type Abi, type Address, encodeFunctionData, type Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { keySender, openChain } from '../sdk/chain/clients.ts'
import type { Network } from '../sdk/chain/network.ts'
import { ROLE } from '../sdk/protocol/messages.ts'
import type { Printer } from './print.ts'

/** One contract call that a command would make. */
export interface PlannedCall {
  /** The contract's name, for people. */
  contract: string
  to: Address
  abi: Abi
  functionName: string
  args: readonly unknown[]
}

export interface SendOptions {
  network: Network
  print: Printer
  dryRun?: boolean
}

/** What happened to a planned call, or would. */
export interface CallReport {
  contract: string
  to: Address
  function: string
  args: Record<string, unknown>
  data: Hex
  /** Absent in a dry run. */
  transaction?: Hex
}

export const dataOf = ({ abi, functionName, args }: PlannedCall): Hex =>
  encodeFunctionData({ abi, functionName, args: [...args] })

/** The call in words: its function with every argument named, and the bytes that a Safe or a hardware wallet takes. */
export function describeCall(call: PlannedCall): CallReport {
  const item = call.abi.find(
    (entry) =>
      entry.type === 'function' &&
      entry.name === call.functionName &&
      entry.inputs.length === call.args.length,
  )
  const inputs = item?.type === 'function' ? item.inputs : []
  const args = Object.fromEntries(
    call.args.map((value, index) => [inputs[index]?.name || `arg${index}`, value]),
  )
  return { contract: call.contract, to: call.to, function: call.functionName, args, data: dataOf(call) }
}

/**
 * Sends the calls one after the other by the account of `key`, or under `--dry-run` only says what they would be.
 *
 * @throws what {@link keySender} throws.
 */
export async function runCalls(
  calls: readonly PlannedCall[],
  key: Hex,
  options: SendOptions,
): Promise<CallReport[]> {
  const { network, print } = options
  if (options.dryRun) {
    const reports = calls.map(describeCall)
    for (const report of reports) printCall(print, report)
    return reports
  }
  const sender = keySender(openChain(network), privateKeyToAccount(key))
  const reports: CallReport[] = []
  for (const call of calls) {
    const { transactionHash } = await sender.send({ to: call.to, data: dataOf(call) })
    print.line(`${call.contract}.${call.functionName} in ${transactionHash}`)
    reports.push({ ...describeCall(call), transaction: transactionHash })
  }
  return reports
}

function printCall(print: Printer, { contract, to, function: name, args, data }: CallReport): void {
  print.line(`${contract}.${name}  (not sent)`)
  print.rows([
    ['to', to],
    ...Object.entries(args).map(([key, value]) => [key, textOf(value)] as const),
    ['data', data],
  ])
}

const textOf = (value: unknown): string =>
  typeof value === 'object'
    ? JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? inner.toString() : inner))
    : String(value)

/** The roles that a person names. */
export const PAYEE_ROLES = ['node', 'pod', 'frontend'] as const
export type PayeeRole = (typeof PAYEE_ROLES)[number]
export const roleNumber = (role: PayeeRole): number => ROLE[role]
