import {
  type Client,
  createClient,
  type HttpTransport,
  type PublicClient,
  type PublicRpcSchema,
  type Chain as ViemChain,
} from 'viem'
import {
  call,
  estimateFeesPerGas,
  estimateGas,
  getBalance,
  getBlock,
  getBlockNumber,
  getChainId,
  getCode,
  getContractEvents,
  getGasPrice,
  getLogs,
  getTransaction,
  getTransactionCount,
  getTransactionReceipt,
  readContract,
  sendRawTransaction,
  waitForTransactionReceipt,
} from 'viem/actions'

/** What is asked of a chain here. viem's own client carries all that can be asked, and a browser loads it all. */
const ACTIONS = {
  call,
  estimateFeesPerGas,
  estimateGas,
  getBalance,
  getBlock,
  getBlockNumber,
  getChainId,
  getCode,
  getContractEvents,
  getGasPrice,
  getLogs,
  getTransaction,
  getTransactionCount,
  getTransactionReceipt,
  readContract,
  sendRawTransaction,
  waitForTransactionReceipt,
}

type Base = Client<HttpTransport, ViemChain, undefined, PublicRpcSchema>
/** A chain's client with these actions, typed as viem's own. */
export type ReadingClient = Base & Pick<PublicClient<HttpTransport, ViemChain>, keyof typeof ACTIONS>

/** @param options  As viem's `createClient` takes them. */
export function readingClient(options: {
  chain: ViemChain
  transport: HttpTransport
  cacheTime: number
  pollingInterval: number
}): ReadingClient {
  const base: Base = createClient({ ...options, rpcSchema: undefined as never })
  const bound = Object.entries(ACTIONS).map(([name, action]) => [
    name,
    (given: never) => (action as (client: Base, given: never) => unknown)(base, given),
  ])
  return base.extend(() => Object.fromEntries(bound)) as unknown as ReadingClient
}
