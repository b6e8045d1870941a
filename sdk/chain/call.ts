import { type Abi, type Address, encodeFunctionData, erc20Abi, type Hex } from 'viem'

/** A contract call, encoded. No value: nothing here is payable. */
export interface Call {
  to: Address
  data: Hex
  /** Base token to send along; only a local faucet does. Wei. */
  value?: bigint
}

/** What encodes calls of the contracts that speak an ABI. */
export const caller =
  (abi: Abi) =>
  (to: Address, functionName: string, args: readonly unknown[] = []): Call => ({
    to,
    data: encodeFunctionData({ abi, functionName, args }),
  })

const tokenCall = caller(erc20Abi)

/** Lets `spender` take exactly `amount` of the sender's tokens. */
export const approveCall = (token: Address, spender: Address, amount: bigint): Call =>
  tokenCall(token, 'approve', [spender, amount])
