import type { Address } from 'viem'
import { chainReader } from '../../../../../sdk/chain/reader.ts'
import { readSettlement, type Settlement, type SettlementLines } from '../../../../../sdk/chain/settled.ts'
import { type Check, check, no, unchecked } from '../../../../../sdk/checks.ts'
import { asHeuristError, refused } from '../../../../../sdk/errors.ts'
import { createRooter, openData } from '../../../../../sdk/leaves.ts'
import type { Leaf } from '../../../../../sdk/protocol/merkle.ts'
import { createTransport } from '../../../../../sdk/transport.ts'
import { formatUsd } from '../../../../../sdk/units.ts'
import type { PortalPlace } from '../place.ts'

/** One batch, added up in the browser. */
export interface BatchDetail extends Settlement {
  lines: SettlementLines | undefined
  checks: Check[]
  /** In the order of the tree, at most {@link MOST_SHOWN}; undefined if the router does not show them. */
  leaves: Leaf[] | undefined
  count: number | undefined
}

/** A page reads the data of a batch up to some fifteen megabytes. */
const MOST_LEAVES = 50_000
const MOST_SHOWN = 100

/** @throws `batch.unknown` (refused). */
export async function readBatch(
  place: PortalPlace,
  routerUrl: string,
  router: string,
  seq: string,
): Promise<BatchDetail> {
  const found = await readSettlement({ ...place, router: router as Address }, BigInt(seq))
  if (!found) {
    throw refused('batch.unknown', `the chain has no batch ${seq} of ${router}`, {
      fix: 'Batches that are there stand in the explorer.',
    })
  }
  const { lines, ...settlement } = found
  const root = await chainReader(place.chain, place).rootOf(router as Address, settlement.seq)
  const checks = [
    check('root', root === settlement.root, `the ledger keeps ${root}`),
    ...(lines ? sumsOf(settlement, lines) : [unchecked('debits', 'its transaction does not show its lines')]),
  ]
  if (router !== place.router) {
    const data = unchecked('data', 'this page asks another router, which does not have it')
    return { ...settlement, lines, checks: [...checks, data], leaves: undefined, count: undefined }
  }
  const data = await readLeaves(routerUrl, place.router, settlement)
  return { ...settlement, lines, ...data, checks: [...checks, data.check] }
}

/** What was taken is what was credited. */
function sumsOf({ gross }: Settlement, { debits, nodes, pods, frontends }: SettlementLines): Check[] {
  const sum = (amounts: readonly bigint[]) => amounts.reduce((total, each) => total + each, 0n)
  const all = (lines: readonly { amount: bigint }[]) => sum(lines.map(({ amount }) => amount))
  const taken = sum(debits.map(({ charge }) => charge))
  const [toNodes, toPods, toFrontends] = [all(nodes), all(pods), all(frontends)]
  const is = (name: string, ok: boolean, amount: bigint) =>
    check(name, ok, `$${formatUsd(amount)}; the ledger’s gross is $${formatUsd(gross)}`)
  return [
    is('debits', taken === gross, taken),
    is('nodes', toNodes === gross, toNodes),
    is('pods', toPods === gross, toPods),
    // Calls without a frontend credit none.
    is('frontends', toFrontends <= gross, toFrontends),
  ]
}

async function readLeaves(routerUrl: string, router: Address, { seq, dataHash, root }: Settlement) {
  const transport = createTransport(routerUrl)
  const shown: Leaf[] = []
  const none = { leaves: undefined, count: undefined }
  try {
    const { index, parts } = await openData((path) => transport.bytes(path), { router, seq, dataHash })
    if (index.leaves > MOST_LEAVES) {
      return { ...none, check: unchecked('data', `${index.leaves} leaves are more than are read here`) }
    }
    const rooter = createRooter()
    for await (const leaves of parts()) {
      rooter.add(leaves)
      shown.push(...leaves.slice(0, MOST_SHOWN - shown.length))
    }
    const made = rooter.root()
    const found = `the ${index.leaves} of them make ${made}`
    return { leaves: shown, count: index.leaves, check: check('data', made === root, found) }
  } catch (cause) {
    const { code, kind, message } = asHeuristError(cause)
    if (kind === 'later') throw cause
    const detail = `${code}: ${message}`
    return { ...none, check: code.startsWith('data.') ? no('data', detail) : unchecked('data', detail) }
  }
}
