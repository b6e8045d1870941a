import { type Abi, type BaseError, decodeErrorResult, type Hex, isHex } from 'viem'
import { containsNodeError, getNodeError } from 'viem/utils'
import { asHeuristError, HeuristError, later, refused } from '../errors.ts'
import { errorsAbi } from './abi.ts'
import { wordsFor } from './words.ts'

type AbiError = Extract<Abi[number], { type: 'error' }>

/** Every custom error of every contract of ours, libraries included: a revert may come from any of them. */
const ERRORS: readonly AbiError[] = errorsAbi

/**
 * A revert as an error of ours: `details.error` is the custom error's name, its arguments stand beside it, and where
 * `words.ts` knows what it means, the message says so and `fix` what to do.
 */
export function revertOf(data: Hex, cause?: unknown): HeuristError {
  try {
    const { errorName, args, abiItem } = decodeErrorResult({ abi: ERRORS, data })
    const inputs: AbiError['inputs'] = 'inputs' in abiItem ? abiItem.inputs : []
    const values = (args ?? []) as readonly unknown[]
    const named = inputs.map((input, index) => [input.name || `arg${index}`, String(values[index])] as const)
    const shown = named.map(([name, value]) => `${name} ${value}`).join(', ')
    const facts = Object.fromEntries(named)
    const words = wordsFor(errorName, facts)
    return refused('chain.reverted', `the contract refused: ${words?.says ?? `${errorName}(${shown})`}`, {
      details: { ...facts, error: errorName },
      ...(words ? { fix: words.fix } : {}),
      cause,
    })
  } catch {
    return refused('chain.reverted', `the contract refused with unknown data ${data}`, {
      details: { error: 'unknown', data },
      cause,
    })
  }
}

/** The innermost revert data of a viem error. */
function revertData(error: BaseError): Hex | undefined {
  let found: Hex | undefined
  error.walk((inner) => {
    const data = (inner as { data?: unknown }).data
    const hex = typeof data === 'object' && data !== null ? (data as { data?: unknown }).data : data
    if (isHex(hex) && hex.length >= 10) found = hex
    return false
  })
  return found
}

/** By what it can do and by names, not by class: a process may hold viem twice, as a module and as what `require` gives. */
const isOfViem = (cause: unknown): cause is BaseError => cause instanceof Error && 'walk' in cause

const has = (error: BaseError, ...names: string[]): boolean =>
  error.walk((inner) => inner instanceof Error && names.includes(inner.name)) !== null

/** What a node says of a transaction that it does not take, as viem's own kinds of error. */
const taken = (cause: BaseError): BaseError => (containsNodeError(cause) ? getNodeError(cause, {}) : cause)

/**
 * Whether another process (or a forgotten transaction) used the nonce that we chose. JSON-RPC has no code for a
 * replacement that pays too little: here the node's words are all there is.
 */
export const isNonceConflict = (cause: unknown): boolean =>
  isOfViem(cause) &&
  (has(taken(cause), 'NonceTooLowError', 'NonceTooHighError') ||
    /replacement transaction underpriced|already known|already imported/i.test(cause.details ?? ''))

/** Whether a question was put where there is no contract, as viem says it or {@link chainError} of that. */
export const isOfNoContract = (cause: unknown): boolean =>
  cause instanceof HeuristError
    ? isOfNoContract(cause.cause)
    : isOfViem(cause) && has(cause, 'ContractFunctionZeroDataError', 'AbiDecodingZeroDataError')

const RPC_FIX = 'Check the RPC URL and that the chain runs; then try again.'

/** The number of the error that a node answered with (JSON-RPC); undefined if it answered with none. */
function answeredCode(cause: BaseError): number | undefined {
  const answered = cause.walk((inner) => inner instanceof Error && inner.name === 'RpcRequestError')
  return (answered as { code?: number } | null)?.code
}

/**
 * What went wrong with the chain, as an error of ours: `chain.reverted` (refused) with the custom error's name and
 * arguments, `gas.insufficient` (refused), `chain.unreachable` and `chain.slow` (later). A node that answers a question with
 * an error of its own (it is out of step, or its quota is used up) is as one that does not answer; what it says, and where it
 * is, stays in `cause`: the URL may hold a secret.
 */
export function chainError(cause: unknown): HeuristError {
  if (cause instanceof HeuristError || !isOfViem(cause)) return asHeuristError(cause)
  const data = revertData(cause)
  if (data) return revertOf(data, cause)
  if (has(taken(cause), 'InsufficientFundsError')) {
    return refused('gas.insufficient', 'the account cannot pay for the gas of this transaction', {
      fix: "Send it some of the chain's base token.",
      cause,
    })
  }
  if (has(cause, 'WaitForTransactionReceiptTimeoutError')) {
    return later('chain.slow', 'the transaction was sent but is not in a block yet', { cause })
  }
  if (has(taken(cause), 'ExecutionRevertedError')) return revertOf('0x', cause)
  if (has(cause, 'HttpRequestError', 'TimeoutError')) {
    return later('chain.unreachable', 'the chain does not answer', { fix: RPC_FIX, cause })
  }
  if (has(cause, 'BlockNotFoundError')) {
    return later('chain.unreachable', 'the node of the chain does not know the block', {
      fix: RPC_FIX,
      cause,
    })
  }
  // What `eth_call` gives where there is no code: the node is behind the deployment, or the address is no contract of ours.
  if (isOfNoContract(cause)) {
    return later('chain.unreachable', 'the node of the chain knows no contract at the address', {
      fix: RPC_FIX,
      cause,
    })
  }
  const rpcCode = answeredCode(cause)
  if (rpcCode !== undefined) {
    const says = 'the node of the chain answers with an error of its own'
    return later('chain.unreachable', says, { fix: RPC_FIX, details: { rpcCode }, cause })
  }
  return asHeuristError(cause)
}
