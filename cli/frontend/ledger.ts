import type { Address, Hex } from 'viem'
import { computeLedgerAbi } from '../../sdk/chain/abi.ts'
import { packedBatchIn, type SettledEvent } from '../../sdk/chain/calldata.ts'
import type { Chain } from '../../sdk/chain/clients.ts'
import { chainError } from '../../sdk/chain/errors.ts'
import { ledgerHistory } from '../../sdk/chain/history.ts'
import { bug } from '../../sdk/errors.ts'
import { unpackBatch } from '../../sdk/protocol/batch.ts'
import { EPOCH_SECONDS, epochAt } from '../../sdk/protocol/epochs.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import { BPS } from '../../sdk/protocol/split.ts'

/** What one transaction settled of a frontend's calls. Base units. */
export interface Posted {
  router: Address
  /** Unix seconds of its block. */
  at: number
  epoch: number
  gross: bigint
  /** What it added to the frontend's earnings. */
  share: bigint
  transaction: Hex
}

/** What one claim paid out. Base units. */
export interface Claim {
  router: Address
  at: number
  to: Address
  amount: bigint
  transaction: Hex
}

export interface History {
  posted: Posted[]
  claims: Claim[]
}

interface Where {
  chain: Chain
  ledger: Address
}

/** Transactions that are read in one go. */
const STEP = 50

type Found = Omit<Posted, 'share'>

/** A settlement before its transaction is read. */
interface Settlement {
  transaction: Hex
  block: bigint
  index: number
  /** Of a single payment. */
  gross?: bigint
  /** Its calldata says what of it is the frontend's. */
  batch?: SettledEvent
}

/**
 * All that `router` settled for the frontend, and all that was claimed of it, since a second of the chain's clock; read from
 * the events and the transactions' own data, and held against the ledger's count of each epoch.
 *
 * @param since  Unix seconds.
 * @throws `chain.unreachable` (later), `revenue.differs` (bug) if the two do not agree.
 */
export async function historyWith(
  where: Where,
  { router, frontend, since }: { router: Address; frontend: number; since: number },
): Promise<History> {
  const times = clockOf(where.chain)
  const block = await where.chain.client.getBlockNumber({ cacheTime: 0 }).catch((cause: unknown) => {
    throw chainError(cause)
  })
  const all = (await settlementsOf(where, router, frontend)).filter((each) => each.block <= block)
  const first = all[0]
  // Shares are floored on running totals, so the running total at the first settlement that is shown must be known.
  const from = epochAt(since) * EPOCH_SECONDS
  const begin = await firstFrom(all, from, times)
  const found = await grossIn(where, { router, frontend }, all.slice(begin), times)
  const claims = await claimsOf(where, { router, frontend, since }, times)
  if (first === undefined) return { posted: [], claims }
  const started = epochAt(await times(first.block))
  const posted = await checked(found)
  return { posted: posted.filter(({ at }) => at >= since), claims }

  async function checked(settled: Found[]): Promise<Posted[]> {
    const unitsIn = unitsReader(where, { router, frontend, block })
    for (const epoch of new Set(settled.map((each) => each.epoch))) {
      const sum = settled.reduce((total, each) => (each.epoch === epoch ? total + each.gross : total), 0n)
      const units = await unitsIn(epoch)
      if (sum === units) continue
      throw bug(
        'revenue.differs',
        `the ledger counts ${units} of epoch ${epoch}, its transactions say ${sum}`,
      )
    }
    const periods = await periodsOf(where)
    const begun = epochAt(from)
    const period = periods.startOf(begun)
    const earlier = range(Math.max(period, started), begun)
    const before = (await Promise.all(earlier.map(unitsIn))).reduce((sum, units) => sum + units, 0n)
    return shared(settled, { period, gross: before }, periods)
  }
}

/** Gives each settlement the difference of two floors, as the ledger does. @source Books.sol, `_share` */
async function shared(
  settled: readonly Found[],
  total: { period: number; gross: bigint },
  periods: Periods,
): Promise<Posted[]> {
  const running = { ...total }
  const posted: Posted[] = []
  for (const each of settled) {
    const period = periods.startOf(each.epoch)
    if (period !== running.period) Object.assign(running, { period, gross: 0n })
    const bps = await periods.bpsIn(each.epoch)
    const before = (running.gross * bps) / BPS
    running.gross += each.gross
    posted.push({ ...each, share: (running.gross * bps) / BPS - before })
  }
  return posted
}

/** Whole numbers from `first` up to, not with, `end`. */
const range = (first: number, end: number): number[] =>
  Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index)

/** Every transaction in which the router settled anything that may be this frontend's, oldest first. */
async function settlementsOf({ chain, ledger }: Where, router: Address, frontend: number) {
  const [batches, singles] = await Promise.all([
    ledgerHistory(chain, ledger, 'BatchSettled', { router }),
    ledgerHistory(chain, ledger, 'PaidOnce', { router }),
  ])
  const placeOf = (log: { blockNumber: bigint; logIndex: number; transactionHash: Hex }) => ({
    block: log.blockNumber,
    index: log.logIndex,
    transaction: log.transactionHash,
  })
  const all: Settlement[] = [
    ...batches.map((log) => ({ ...placeOf(log), batch: log.args })),
    ...singles
      .filter(({ args }) => args.frontend === frontend)
      .map((log) => ({ ...placeOf(log), gross: log.args.price })),
  ]
  return all.sort((a, b) => Number(a.block - b.block) || a.index - b.index)
}

/** Index of the first settlement that is not before a second: times only rise. */
async function firstFrom(all: readonly Settlement[], second: number, times: Times): Promise<number> {
  let [low, high] = [0, all.length]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if ((await times((all[middle] as Settlement).block)) < second) low = middle + 1
    else high = middle
  }
  return low
}

/** Reads the frontend's lines of each transaction. */
async function grossIn(
  { chain }: Where,
  { router, frontend }: { router: Address; frontend: number },
  settlements: readonly Settlement[],
  times: Times,
): Promise<Found[]> {
  const found: Found[] = []
  for (let index = 0; index < settlements.length; index += STEP) {
    const part = await Promise.all(
      settlements.slice(index, index + STEP).map(async ({ transaction, block, gross, batch }) => {
        const at = await times(block)
        const amount = batch ? await lineOf(chain, { transaction, batch }, frontend) : (gross ?? 0n)
        return { router, at, epoch: epochAt(at), gross: amount, transaction }
      }),
    )
    found.push(...part.filter(({ gross }) => gross > 0n))
  }
  return found
}

async function lineOf(
  chain: Chain,
  { transaction: hash, batch }: { transaction: Hex; batch: SettledEvent },
  frontend: number,
): Promise<bigint> {
  const { input } = await chain.client.getTransaction({ hash }).catch((cause: unknown) => {
    throw chainError(cause)
  })
  return (
    unpackBatch(packedBatchIn(hash, input, batch)).frontends.find(({ id }) => id === frontend)?.amount ?? 0n
  )
}

async function claimsOf(
  { chain, ledger }: Where,
  { router, frontend, since }: { router: Address; frontend: number; since: number },
  times: Times,
): Promise<Claim[]> {
  const events = await ledgerHistory(chain, ledger, 'Claimed', { router, role: ROLE.frontend, id: frontend })
  const claims = await Promise.all(
    events.map(async ({ args, blockNumber, transactionHash }) => ({
      router,
      at: await times(blockNumber),
      to: args.to,
      amount: args.amount,
      transaction: transactionHash,
    })),
  )
  return claims.filter(({ at }) => at >= since)
}

type Times = (block: bigint) => Promise<number>

/** Unix seconds of blocks, each asked for once. */
function clockOf({ client }: Chain): Times {
  const known = new Map<bigint, Promise<number>>()
  return (blockNumber) => {
    const asked =
      known.get(blockNumber) ??
      client.getBlock({ blockNumber }).then(
        ({ timestamp }) => Number(timestamp),
        (cause: unknown) => {
          throw chainError(cause)
        },
      )
    known.set(blockNumber, asked)
    return asked
  }
}

/** What the ledger counts of an epoch, as it stood after a block. */
const unitsReader =
  (
    { chain, ledger }: Where,
    { router, frontend, block }: { router: Address; frontend: number; block: bigint },
  ) =>
  (epoch: number): Promise<bigint> =>
    chain.client
      .readContract({
        address: ledger,
        abi: computeLedgerAbi,
        functionName: 'unitsIn',
        args: [router, ROLE.frontend, frontend, epoch],
        blockNumber: block,
      })
      .catch((cause: unknown) => {
        throw chainError(cause)
      })

interface Periods {
  /** The first epoch of the split period that an epoch is in. */
  startOf(epoch: number): number
  /** The frontends' share in an epoch, basis points. */
  bpsIn(epoch: number): Promise<bigint>
}

/** Epochs in which a split began: totals are counted afresh from each. */
async function periodsOf({ chain, ledger }: Where): Promise<Periods> {
  const set = await ledgerHistory(chain, ledger, 'SplitSet', {})
  const starts = [0, ...set.map(({ args }) => args.fromEpoch)]
  const shares = new Map<number, Promise<bigint>>()
  const read = (epoch: number) =>
    chain.client
      .readContract({ address: ledger, abi: computeLedgerAbi, functionName: 'splitIn', args: [epoch] })
      .then(
        ({ frontend }) => BigInt(frontend),
        (cause: unknown) => {
          throw chainError(cause)
        },
      )
  const startOf = (epoch: number) => Math.max(...starts.filter((start) => start <= epoch))
  return {
    startOf,
    bpsIn(epoch) {
      const start = startOf(epoch)
      const share = shares.get(start) ?? read(epoch)
      shares.set(start, share)
      return share
    },
  }
}
