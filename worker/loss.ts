import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { computeLedgerAbi } from '../sdk/chain/abi.ts'
import { openChain } from '../sdk/chain/clients.ts'
import { chainError } from '../sdk/chain/errors.ts'
import type { Network } from '../sdk/chain/network.ts'
import { asHeuristError, later, refused } from '../sdk/errors.ts'
import type { Log } from '../sdk/program.ts'
import { ROLE } from '../sdk/protocol/messages.ts'
import { parseWire, statementReplySchema } from '../sdk/protocol/wire.ts'

/** What a node must know before it may begin a new receipt store. */
export interface Past {
  node: number
  /** Where the receipts are, or should be. */
  dataDir: string
  routerUrl: string
  rpcUrl?: string | undefined
  network: Pick<Network, 'chainId' | 'rpcUrl' | 'addresses' | 'router'>
}

const ASK_MS = 10_000
const RETRY_MS = 1_000

/** `refuseLoss`, once chain and router have both answered: before that, nobody can say that nothing is lost. */
export async function awaitPast(past: Past, log: Log): Promise<void> {
  for (;;) {
    try {
      return await refuseLoss(past)
    } catch (cause) {
      const error = asHeuristError(cause)
      if (error.kind !== 'later') throw error
      log.warn({ event: 'past.awaited', error: error.toJSON() })
      await pause(RETRY_MS)
    }
  }
}

/**
 * A node without its receipts could sign a second, differing one for a request of its past, and be slashed for it. So
 * nobody begins a new store whose node has earned at this router before. A new key does not help: both receipts are
 * the same node's, and the old signer's stays evidence. Time does: a worker takes no deadline more than a day ahead,
 * so a day after it last served no request of its past can come again.
 *
 * @throws `receipts.lost` (refused); `chain.unreachable`, `router.unreachable` (later): nobody can say that nothing is lost.
 */
export async function refuseLoss(past: Past): Promise<void> {
  if (existsSync(join(past.dataDir, 'receipts.db'))) return
  const [settled, stated] = await Promise.all([settledOf(past), statedOf(past)])
  if (settled === 0n && stated === 0n) return
  throw refused('receipts.lost', `Node ${past.node} has served before, and ${past.dataDir} has no receipts`, {
    fix: 'Put its receipts.db back. If it is gone: wait 24 hours since the node last served, then start once with --accept-loss; or join as a new node in a new home.',
    details: { node: past.node, settled: settled.toString(), stated: stated.toString() },
  })
}

async function settledOf({ network, rpcUrl, node }: Past): Promise<bigint> {
  const chain = openChain({ chainId: network.chainId, rpcUrl: rpcUrl ?? network.rpcUrl })
  await chain.check()
  return chain.client
    .readContract({
      address: network.addresses.ledger,
      abi: computeLedgerAbi,
      functionName: 'grossOf',
      args: [network.router.address, ROLE.node, node],
    })
    .catch((cause: unknown) => {
      throw chainError(cause)
    })
}

/** Whatever it is signed with: a router that lies here only keeps this node from serving it. */
async function statedOf({ routerUrl, node }: Past): Promise<bigint> {
  const url = `${routerUrl.replace(/\/+$/, '')}/v1/statements/node/${node}`
  const response = await fetch(url, { signal: AbortSignal.timeout(ASK_MS) }).catch((cause: unknown) => {
    throw later('router.unreachable', `no answer from ${url}`, { cause })
  })
  if (response.status === 404) return 0n
  if (!response.ok) throw later('router.unreachable', `${url} answers ${response.status}`)
  return parseWire(statementReplySchema, await response.json(), 'statement.malformed').statement.gross
}
