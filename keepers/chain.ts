import { type Address, encodeFunctionData, type Hex, keccak256, parseEventLogs, toHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { computeLedgerAbi, registryAbi } from '../sdk/chain/abi.ts'
import { keySender, openChain } from '../sdk/chain/clients.ts'
import { chainError } from '../sdk/chain/errors.ts'
import { chainReader } from '../sdk/chain/reader.ts'
import { asHeuristError, later } from '../sdk/errors.ts'
import { ROLE } from '../sdk/protocol/messages.ts'
import { type Chain, type Change, type Clock, type Outcome, realClock } from './world.ts'

/** The clock of splits, votes and activity: `Epochs.sol`. */
const EPOCH_SECONDS = 604_800

export interface ChainOptions {
  rpcUrl: string
  chainId: number
  ledger: Address
  registry: Address
  /** The router's key: it signs settlements. */
  key: Hex
}

/** Blocks that are searched for the event of a batch. */
const LOOK_BACK = 50_000n

const NOBODY = /^0x0*$/

/** The chain as a router sees it, over JSON-RPC. */
export function createChain(
  { rpcUrl, chainId, ledger, registry, key }: ChainOptions,
  clock: Clock = realClock,
): Chain {
  const chain = openChain({ chainId, rpcUrl })
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

  const isActive = (role: number, id: number) => {
    const epoch = Math.floor(clock.nowMs() / 1000 / EPOCH_SECONDS)
    return client.readContract({ ...people, functionName: 'isActiveIn', args: [role, id, epoch] })
  }
  const countOf = (role: number) => client.readContract({ ...people, functionName: 'countOf', args: [role] })
  const ownerOf = (role: number, id: number) =>
    client.readContract({ ...people, functionName: 'ownerOf', args: [role, id] })

  return {
    domain: { chainId, verifyingContract: ledger },
    router,
    check: () => chain.check(),
    head: () => ask(() => client.getBlockNumber({ cacheTime: 0 })),
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
    async account(payer) {
      const { deposited, spent, thawing } = await reader.account(router, payer)
      return { deposited, spent, thawing }
    },
    routerState: () =>
      ask(async () => {
        const state = await client.readContract({ ...books, functionName: 'routerOf', args: [router] })
        return { seq: state.seq, batchHash: state.batchHash, float: state.float }
      }),
    changesAfter: (block) =>
      ask(async () => {
        const upTo = await client.getBlockNumber({ cacheTime: 0 })
        if (upTo <= block) return { upTo: block, changes: [] }
        const logs = await client.getLogs({
          address: [ledger, registry],
          fromBlock: block + 1n,
          toBlock: upTo,
        })
        const events = parseEventLogs({ abi: [...computeLedgerAbi, ...registryAbi], logs })
        return { upTo, changes: events.flatMap((event) => changesOf(event.eventName, event.args, router)) }
      }),
    async signSettle(batch) {
      const data = encodeFunctionData({ abi: computeLedgerAbi, functionName: 'settle', args: [toHex(batch)] })
      // The nonce is read anew: a transaction signed before and never sent must not leave a gap.
      sender.forget()
      try {
        const { hash, raw, nonce } = await sender.sign({ to: ledger, data })
        return { hash, raw, nonce }
      } catch (cause) {
        const error = asHeuristError(cause)
        if (error.code !== 'chain.reverted') throw error
        throw later('settle.refused', `the ledger refuses the batch: ${error.message}`, {
          details: error.details,
          cause,
        })
      }
    },
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

const KINDS = ['node', 'pod', 'frontend'] as const
const ACCOUNT_EVENTS = new Set(['Deposited', 'Thawing', 'ThawCancelled', 'Withdrawn'])

/** What an event says must be read again. */
function changesOf(name: string, args: unknown, router: Address): Change[] {
  const fields = args as Record<string, unknown>
  if (typeof fields.router === 'string' && fields.router.toLowerCase() !== router) return []
  if (ACCOUNT_EVENTS.has(name))
    return [{ kind: 'account', payer: String(fields.key).toLowerCase() as Address }]
  if (name === 'FloatAdded' || name === 'FloatWithdrawn') return [{ kind: 'float' }]
  if (name === 'SignerSet') return [{ kind: 'node', id: Number(fields.node) }]
  if (name === 'Published') return [{ kind: 'pod', id: Number(fields.pod) }]
  if (name === 'PreferredSet') return [{ kind: 'frontend', id: Number(fields.frontend) }]
  const kind = KINDS[Number(fields.role)]
  if (kind && ['Registered', 'Deactivated', 'Reactivated'].includes(name))
    return [{ kind, id: Number(fields.id) }]
  return []
}
