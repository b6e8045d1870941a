import { computeLedgerAbi, registryAbi, routerBondAbi } from '../../sdk/chain/abi.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { loadKey } from '../../sdk/chain/keys.ts'
import { later } from '../../sdk/errors.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import { parseWire, statementReplySchema } from '../../sdk/protocol/wire.ts'
import { decide } from '../limit.ts'
import { type Check, type Examination, type Finding, look } from './check.ts'

const ASK_MS = 10_000

/** Whether the router's bond covers what it has not posted: past it the worker takes no new call. */
export const examineCover = (examination: Examination): Promise<Check> =>
  look('node.cover', () => covered(examination))

async function covered({ network, home, password }: Examination): Promise<Finding> {
  const { client } = openChain(network)
  const router = network.router.address
  const registry = { address: network.addresses.registry, abi: registryAbi } as const
  const books = { address: network.addresses.ledger, abi: computeLedgerAbi } as const
  const signer = loadKey(`${home}/signer.key`, password).address
  const [node, bond] = await Promise.all([
    client.readContract({ ...registry, functionName: 'nodeOf', args: [signer] }),
    client.readContract({ ...books, functionName: 'bond' }),
  ])
  const payee = [router, ROLE.node, node] as const
  const [cap, bps, settled] = await Promise.all([
    client.readContract({ address: bond, abi: routerBondAbi, functionName: 'coverOf', args: payee }),
    client.readContract({ ...books, functionName: 'shareBpsOf', args: [ROLE.node, node] }),
    client.readContract({ ...books, functionName: 'grossOf', args: payee }),
  ])
  // The worker, which knows its own receipts too, is stricter: this is the public part of its reckoning.
  const gross = await statedGross(network.router.url, node)
  const { stop, share } = decide({
    covered: { cap, bps: Number(bps), settled },
    // From nothing: what was charged when, only the worker's own receipts say.
    stated: { gross, from: { gross: 0n, charged: 0n }, fromDayBefore: undefined },
    worked: { charged: 0n, chargedBefore: 0n, chargedDayBefore: 0n, uncharged: 0n, unanswered: 0n },
  })
  const figures = `${share} of ${cap} base units of this node's share are unposted`
  if (stop === undefined) return figures
  throw later(`cover.${stop}`, `${figures}: it takes no new call`, {
    fix:
      stop === 'router_stopped'
        ? "The router's bond does not let it settle. Wait until it tops up, or dial another router."
        : `It resumes when the router posts. After a day: heurist claim --shortfall ${home}/statements/${router.toLowerCase()}.json`,
  })
}

async function statedGross(routerUrl: string, node: number): Promise<bigint> {
  const url = `${routerUrl.replace(/\/+$/, '')}/v1/statements/node/${node}`
  const response = await fetch(url, { signal: AbortSignal.timeout(ASK_MS) })
  if (response.status === 404) return 0n
  if (!response.ok) throw later('router.unreachable', `${url} answers ${response.status}`)
  return parseWire(statementReplySchema, await response.json(), 'statement.malformed').statement.gross
}
