import { type Address, encodeFunctionData, type Hex, keccak256, parseEventLogs, toHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { computeLedgerAbi, registryAbi, routerBondAbi } from '../sdk/chain/abi.ts'
import { paidOnce } from '../sdk/chain/batches.ts'
import { openChain } from '../sdk/chain/clients.ts'
import { chainError, isOfNoContract } from '../sdk/chain/errors.ts'
import { historyOf } from '../sdk/chain/history.ts'
import { keySender } from '../sdk/chain/key-sender.ts'
import { isLocalChain } from '../sdk/chain/local-chains.ts'
import { chainReader } from '../sdk/chain/reader.ts'
import { rpcFetch } from '../sdk/chain/rpc-fetch.ts'
import { asHeuristError, later } from '../sdk/errors.ts'
import { nodeHttp } from '../sdk/node-http.ts'
import { epochAt } from '../sdk/protocol/epochs.ts'
import { ROLE } from '../sdk/protocol/messages.ts'
import {
  type BondEvent,
  type Chain,
  type ChainAccount,
  type Change,
  type Clock,
  type Outcome,
  realClock,
  type SignedTransaction,
} from './world.ts'

export interface ChainOptions {
  rpcUrl: string
  chainId: number
  ledger: Address
  registry: Address
  /** The router's key: it signs settlements. */
  key: Hex
  /** The most that a settlement may pay, wei per gas; unbounded if absent. */
  mostFeePerGas?: bigint
  /** Blocks that must stand on a deposit before it is credit; {@link depositConfirmationsOn} its chain if absent. */
  depositConfirmations?: number
}

/** As many blocks as a settled batch is watched for. A local chain undoes nothing that it was not asked to. */
export const depositConfirmationsOn = (chainId: number): number => (isLocalChain(chainId) ? 0 : 12)

/** No fee is above this: the width of the field. */
const UNBOUNDED = 2n ** 128n - 1n

/** Blocks that are searched for the event of a batch. */
const LOOK_BACK = 50_000n

/** Blocks that are searched for changes at once: what public RPC providers answer. */
const MOST_BLOCKS = 1_000n

const NOBODY = /^0x0*$/
const NOTHING: ChainAccount = { deposited: 0n, spent: 0n, thawing: 0n }

/** The chain as a router sees it, over JSON-RPC. */
export function createChain(
  {
    rpcUrl,
    chainId,
    ledger,
    registry,
    key,
    mostFeePerGas = UNBOUNDED,
    depositConfirmations = depositConfirmationsOn(chainId),
  }: ChainOptions,
  clock: Clock = realClock,
): Chain {
  const chain = openChain({ chainId, rpcUrl, fetchFn: rpcFetch(nodeHttp()) })
  const { client } = chain
  const account = privateKeyToAccount(key)
  const router = account.address.toLowerCase() as Address
  const sender = keySender(chain, account)
  const reader = chainReader(chain, { ledger, registry })
  const books = { address: ledger, abi: computeLedgerAbi } as const
  const people = { address: registry, abi: registryAbi } as const

  async function ask<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (cause) {
      throw chainError(cause)
    }
  }

  let bondAt: Address | undefined
  /** The ledger knows its bond, for good. */
  async function bond() {
    bondAt ??= await client.readContract({ ...books, functionName: 'bond' })
    return { address: bondAt, abi: routerBondAbi } as const
  }

  const settleCall = (batch: Uint8Array) => ({
    to: ledger,
    data: encodeFunctionData({ abi: computeLedgerAbi, functionName: 'settle', args: [toHex(batch)] }),
  })

  async function signed(sign: () => Promise<SignedTransaction>): Promise<SignedTransaction> {
    try {
      const { hash, raw, nonce } = await sign()
      return { hash, raw, nonce }
    } catch (cause) {
      const error = asHeuristError(cause)
      if (error.code !== 'chain.reverted') throw error
      throw later('settle.refused', `the ledger refuses the batch: ${error.message}`, {
        details: error.details,
        cause,
      })
    }
  }

  const isActive = (role: number, id: number) => {
    const epoch = epochAt(clock.nowMs() / 1000)
    return client.readContract({ ...people, functionName: 'isActiveIn', args: [role, id, epoch] })
  }
  async function balanceAt(payer: Address, blockNumber?: bigint): Promise<ChainAccount> {
    const at = blockNumber === undefined ? {} : { blockNumber }
    const args = [router, payer] as const
    const { deposited, spent, thawing } = await ask(() =>
      client.readContract({ ...books, functionName: 'accountOf', args, ...at }),
    )
    return { deposited, spent, thawing }
  }

  /** Before there was a ledger nobody had deposited. */
  async function balanceThen(payer: Address, blockNumber: bigint): Promise<ChainAccount> {
    try {
      return await balanceAt(payer, blockNumber)
    } catch (cause) {
      if (isOfNoContract(cause)) return NOTHING
      throw cause
    }
  }

  const countOf = (role: number) => client.readContract({ ...people, functionName: 'countOf', args: [role] })
  const ownerOf = (role: number, id: number) =>
    client.readContract({ ...people, functionName: 'ownerOf', args: [role, id] })

  return {
    domain: { chainId, verifyingContract: ledger },
    router,
    check: () => chain.check(),
    head: () => ask(() => client.getBlockNumber({ cacheTime: 0 })),
    async hashOf(block) {
      const found = await client.getBlock({ blockNumber: block }).catch((cause: unknown) => {
        if (cause instanceof Error && cause.name === 'BlockNotFoundError') return undefined
        throw chainError(cause)
      })
      return found?.hash
    },
    async terms() {
      const { bps, voters } = await reader.split()
      return { split: bps, podVoters: voters }
    },
    counts: () =>
      ask(async () => {
        const [nodes, pods, frontends] = await Promise.all([ROLE.node, ROLE.pod, ROLE.frontend].map(countOf))
        return { nodes: nodes ?? 0, pods: pods ?? 0, frontends: frontends ?? 0 }
      }),
    node: (id) =>
      ask(async () => {
        const [signer, active] = await Promise.all([
          client.readContract({ ...people, functionName: 'signerOf', args: [id] }),
          isActive(ROLE.node, id),
        ])
        return NOBODY.test(signer) ? undefined : { signer: signer.toLowerCase() as Address, active }
      }),
    pod: (id) =>
      ask(async () => {
        const [latest, active] = await Promise.all([
          client.readContract({ ...people, functionName: 'latestOf', args: [id] }),
          isActive(ROLE.pod, id),
        ])
        return NOBODY.test(latest) ? undefined : { latest, active }
      }),
    frontend: (id) =>
      ask(async () => {
        const [owner, preferred, active] = await Promise.all([
          ownerOf(ROLE.frontend, id),
          client.readContract({ ...people, functionName: 'preferredOf', args: [id] }),
          isActive(ROLE.frontend, id),
        ])
        return NOBODY.test(owner) ? undefined : { preferred: [...preferred], active }
      }),
    isVersion: (pod, manifest) => reader.isVersion(pod, manifest),
    async firstToPublish(manifests) {
      const [first] = await historyOf(chain, people, 'Published', { manifest: [...manifests] })
      return first && { pod: first.args.pod, block: first.blockNumber, hash: first.blockHash }
    },
    balance: (payer) => balanceAt(payer),
    async account(payer) {
      if (depositConfirmations === 0) return balanceAt(payer)
      const head = await ask(() => client.getBlockNumber({ cacheTime: 0 }))
      const deep = head - BigInt(depositConfirmations)
      // The later one last: what was deposited in between is not yet in the first.
      const then = deep > 0n ? await balanceThen(payer, deep) : NOTHING
      const now = await balanceAt(payer)
      return {
        deposited: least(now.deposited, then.deposited),
        spent: now.spent,
        thawing: most(now.thawing, then.thawing),
      }
    },
    routerState: () =>
      ask(async () => {
        const state = await client.readContract({ ...books, functionName: 'routerOf', args: [router] })
        const { seq, batchHash, float, allowed } = state
        return { seq, batchHash, float, allowed }
      }),
    pausedUntil: () =>
      ask(async () => Number(await client.readContract({ ...books, functionName: 'pausedUntil' }))),
    sync: () =>
      ask(async () => {
        const [syncing, block] = await Promise.all([
          client.request<{ Method: 'eth_syncing'; Parameters?: undefined; ReturnType: unknown }>({
            method: 'eth_syncing',
          }),
          client.getBlock({ blockTag: 'latest' }),
        ])
        return { syncing: syncing !== false, head: block.number, headAt: Number(block.timestamp) }
      }),
    bond: () =>
      ask(async () => {
        const at = await bond()
        const [held, leastAsset, leastHeu] = await Promise.all([
          client.readContract({ ...at, functionName: 'bondOf', args: [router] }),
          client.readContract({ ...at, functionName: 'leastAsset' }),
          client.readContract({ ...at, functionName: 'leastHeu' }),
        ])
        const { asset, heu, reserved, owedAsset, owedHeu } = held
        const [exitAt, convictedAt] = [Number(held.exitAt), Number(held.convictedAt)]
        return { asset, heu, reserved, owedAsset, owedHeu, exitAt, convictedAt, leastAsset, leastHeu }
      }),
    bondEventsAfter: (block) =>
      ask(async () => {
        const head = await client.getBlockNumber({ cacheTime: 0 })
        if (head <= block) return { upTo: block, events: [] }
        const upTo = head - block > MOST_BLOCKS ? block + MOST_BLOCKS : head
        const { address } = await bond()
        const logs = await client.getLogs({ address, fromBlock: block + 1n, toBlock: upTo })
        const events = parseEventLogs({ abi: routerBondAbi, logs })
        return { upTo, events: events.flatMap((event) => bondEventOf(event.eventName, event.args, router)) }
      }),
    coverOf: (node) =>
      ask(async () =>
        client.readContract({ ...(await bond()), functionName: 'coverOf', args: [router, ROLE.node, node] }),
      ),
    nodeBps: () =>
      ask(() => client.readContract({ ...books, functionName: 'shareBpsOf', args: [ROLE.node, 1] })),
    grossOf: (role, id) => reader.grossOf(router, role, id),
    paidOnce: () => paidOnce(chain, ledger, router),
    rootOf: (seq) => reader.rootOf(router, seq),
    gasPrice: () => ask(() => client.getGasPrice()),
    changesAfter: (block) =>
      ask(async () => {
        const head = await client.getBlockNumber({ cacheTime: 0 })
        if (head <= block) return undefined
        const upTo = head - block > MOST_BLOCKS ? block + MOST_BLOCKS : head
        // Before the logs: if another block takes its place meanwhile, the hash will differ.
        const { hash } = await client.getBlock({ blockNumber: upTo })
        const logs = await client.getLogs({
          address: [ledger, registry],
          fromBlock: block + 1n,
          toBlock: upTo,
        })
        const events = parseEventLogs({ abi: [...computeLedgerAbi, ...registryAbi], logs })
        return {
          upTo,
          hash,
          changes: events.flatMap((event) => changesOf(event.eventName, event.args, router)),
        }
      }),
    signSettle(batch) {
      // The nonce is read anew: a transaction signed before and never sent must not leave a gap.
      sender.forget()
      return signed(() => sender.sign(settleCall(batch), mostFeePerGas))
    },
    replaceSettle: (batch, stuck) => signed(() => sender.replace(settleCall(batch), stuck, mostFeePerGas)),
    async broadcast(raw) {
      await sender.broadcast({ raw, hash: keccak256(raw) })
    },
    async outcome(hash) {
      const receipt = await client.getTransactionReceipt({ hash }).catch((cause: unknown) => {
        if (cause instanceof Error && cause.name === 'TransactionReceiptNotFoundError') return undefined
        throw chainError(cause)
      })
      return receipt && outcomeOf(receipt)
    },
    settlementOf: (seq) =>
      ask(async () => {
        const head = await client.getBlockNumber({ cacheTime: 0 })
        const logs = await client.getContractEvents({
          ...books,
          eventName: 'BatchSettled',
          args: { router, seq },
          fromBlock: head > LOOK_BACK ? head - LOOK_BACK : 0n,
        })
        const hash = logs.at(-1)?.transactionHash
        if (!hash) return undefined
        const receipt = await client.getTransactionReceipt({ hash })
        return { hash, outcome: outcomeOf(receipt) }
      }),
    nonce: () => ask(() => client.getTransactionCount({ address: router, blockTag: 'latest' })),
  }
}

type MinedReceipt = Parameters<typeof parseEventLogs>[0]['logs']

function outcomeOf(receipt: {
  status: 'success' | 'reverted'
  blockNumber: bigint
  gasUsed: bigint
  logs: MinedReceipt
}): Outcome {
  const events = parseEventLogs({ abi: computeLedgerAbi, logs: receipt.logs })
  const settled = events.find((event) => event.eventName === 'BatchSettled')
  const skipped = events.flatMap((event) =>
    event.eventName === 'LineSkipped' ? [{ index: Number(event.args.index), reason: event.args.reason }] : [],
  )
  return {
    block: receipt.blockNumber,
    succeeded: receipt.status === 'success',
    gasUsed: receipt.gasUsed,
    floatUsed: settled?.eventName === 'BatchSettled' ? settled.args.floatUsed : 0n,
    skipped,
  }
}

/** What an event of the bond means to this router. */
function bondEventOf(name: string, args: unknown, router: Address): BondEvent[] {
  const fields = args as Record<string, unknown>
  if (String(fields.router).toLowerCase() !== router) return []
  const big = (field: string) => BigInt(String(fields[field]))
  const who = { role: Number(fields.role), id: Number(fields.id), round: Number(fields.round) }
  if (name === 'ShortfallClaimed')
    return [{ kind: 'claimed', ...who, gross: big('gross'), asked: big('asked') }]
  if (name === 'ShortfallResolved') return [{ kind: 'resolved', ...who, paid: big('paid') }]
  if (name === 'Convicted') return [{ kind: 'convicted', leaf: String(fields.leaf) as Hex }]
  return []
}

const KINDS = ['node', 'pod', 'frontend'] as const
const ACCOUNT_EVENTS = new Set(['Deposited', 'Thawing', 'ThawCancelled', 'Withdrawn', 'Refunded'])

/** What an event says must be read again. */
function changesOf(name: string, args: unknown, router: Address): Change[] {
  const fields = args as Record<string, unknown>
  if (typeof fields.router === 'string' && fields.router.toLowerCase() !== router) return []
  if (ACCOUNT_EVENTS.has(name))
    return [{ kind: 'account', payer: String(fields.key).toLowerCase() as Address }]
  if (name === 'FloatAdded' || name === 'FloatWithdrawn') return [{ kind: 'float' }]
  if (name === 'Paused' || name === 'Unpaused') return [{ kind: 'pause' }]
  if (name === 'SignerSet') return [{ kind: 'node', id: Number(fields.node) }]
  if (name === 'Published') return [{ kind: 'pod', id: Number(fields.pod) }]
  if (name === 'PreferredSet') return [{ kind: 'frontend', id: Number(fields.frontend) }]
  const kind = KINDS[Number(fields.role)]
  if (kind && ['Registered', 'Deactivated', 'Reactivated'].includes(name))
    return [{ kind, id: Number(fields.id) }]
  return []
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b)
