import type { Address } from 'viem'
import { later } from '../../sdk/errors.ts'
import type { Ledger, NewBatch, UnpostedLeaf } from '../router/ledger/ledger.ts'
import type { Metrics } from '../router/metrics.ts'
import type { Chain, ChainAccount } from '../world.ts'
import { createBuilder, createFit } from './batch.ts'
import { type Coverage, createCover } from './coverage.ts'
import type { Credited } from './credited.ts'
import { accountsOf } from './observe.ts'
import { piecesAfter, withPauses } from './pieces.ts'
import type { SettleDeps } from './settle.ts'

const FIRST = { seq: 0n, hash: `0x${'00'.repeat(32)}` as const }

/** What of the duty's world a batch is made of. */
export interface GatherDeps extends Pick<SettleDeps, 'clock' | 'log' | 'limits'> {
  chain: Pick<Chain, 'router' | 'routerState' | 'sync' | 'balance'>
  ledger: Pick<Ledger, 'lastBatch' | 'leavesAfter'>
  metrics: Pick<Metrics, 'alarm'>
}

/**
 * The next batch: the oldest leaves that fit and that payers or float pay for, read and hashed piece by piece.
 *
 * @throws `settle.refused` (later) if the float cannot pay for the oldest: an alarm, since nothing moves until it can.
 */
export async function gather(deps: GatherDeps, credited: Pick<Credited, 'has'>): Promise<NewBatch> {
  const { chain, ledger, clock, limits } = deps
  const last = await ledger.lastBatch()
  const [{ float }, { headAt }] = await Promise.all([chain.routerState(), chain.sync()])
  const nowSeconds = Math.max(headAt, Math.floor(clock.nowMs() / 1000))
  const accounts = new Map<Address, ChainAccount>()
  const cover = createCover((payer) => accounts.get(payer), float, nowSeconds)
  const fits = createFit(limits, (payee) => credited.has(payee, clock.nowMs()))
  const builder = createBuilder(chain.router, last ?? FIRST, limits.partLeaves)

  for await (const piece of piecesAfter(ledger, last?.lastLeaf ?? 0, limits.maxLeaves)) {
    for (const account of await accountsOf(chain, strangers(piece, accounts))) accounts.set(...account)
    const taken = piece.findIndex((leaf) => {
      if (!fits(leaf) || !cover.add(leaf)) return true
      builder.add(leaf)
      return false
    })
    if (taken !== -1) break
  }
  tell(deps, float, cover.now())
  if (builder.leaves > 0) return withPauses(builder.build())
  throw later('settle.refused', 'the float cannot pay for the oldest receipt, whose payer does not', {
    fix: 'Add at least `missing` base units to the float.',
    details: { missing: String(cover.now().missing) },
  })
}

const strangers = (piece: readonly UnpostedLeaf[], known: ReadonlyMap<Address, unknown>): Address[] =>
  piece.map(({ body }) => body.payer).filter((payer) => !known.has(payer))

function tell(
  { log, metrics }: Pick<GatherDeps, 'log' | 'metrics'>,
  float: bigint,
  { count, uncovered, missing }: Coverage,
): void {
  for (const { payer, reason, charge } of uncovered) {
    log.error({ event: 'line.uncovered', payer, reason, charge: String(charge) })
    metrics.alarm('line.uncovered')
  }
  if (missing === 0n) return
  log.error({ event: 'float.exhausted', float: String(float), missing: String(missing), payable: count })
  metrics.alarm('float.exhausted')
}
