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
  getBalance,
  getBlock,
  getBlockNumber,
  getChainId,
  getCode,
  getContractEvents,
  getLogs,
  getTransaction,
  getTransactionCount,
  getTransactionReceipt,
  readContract,
} from 'viem/actions'
import { partMissing } from '../errors.ts'

/** What is asked of a chain here. viem's own client carries all that can be asked, and a browser loads it all. */
const ACTIONS = {
  call,
  getBalance,
  getBlock,
  getBlockNumber,
  getChainId,
  getCode,
  getContractEvents,
  getLogs,
  getTransaction,
  getTransactionCount,
  getTransactionReceipt,
  readContract,
}

/** What comes with `sending.ts`, by its names there. */
const LATE = [
  'estimateFeesPerGas',
  'estimateGas',
  'getGasPrice',
  'sendRawTransaction',
  'waitForTransactionReceipt',
] as const satisfies (keyof typeof import('./sending.ts'))[]

type Base = Client<HttpTransport, ViemChain, undefined, PublicRpcSchema>
type Action = (client: Base, given: never) => unknown
type Actions = typeof ACTIONS & typeof import('./sending.ts')
/** A chain's client with these actions, typed as viem's own. */
export type ReadingClient = Base & Pick<PublicClient<HttpTransport, ViemChain>, keyof Actions>

const loadSending = () =>
  import('./sending.ts').catch((cause: unknown) => {
    throw partMissing('sends transactions', cause)
  })

/** @param options  As viem's `createClient` takes them. */
export function readingClient(options: {
  chain: ViemChain
  transport: HttpTransport
  cacheTime: number
  pollingInterval: number
}): ReadingClient {
  // No contract may have whoever reads it ask a stranger's server (EIP-3668).
  const base: Base = createClient({ ...options, ccipRead: false, rpcSchema: undefined as never })
  const bound = Object.entries(ACTIONS).map(([name, action]) => [
    name,
    (given: never) => (action as Action)(base, given),
  ])
  const late = LATE.map((name) => [
    name,
    async (given: never) => ((await loadSending())[name] as Action)(base, given),
  ])
  return base.extend(() => Object.fromEntries([...bound, ...late])) as unknown as ReadingClient
}
