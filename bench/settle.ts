import { type Market, openMarket } from '../test/market.ts'
import { type Figure, figure } from './figure.ts'
import { channels, perReceipt, type SettleJobs } from './settle/baselines.ts'
import type { Cost } from './settle/chain.ts'
import { fund, type Hub, openHub, payersFrom } from './settle/hub.ts'
import { type Job, jobsOf, type Population, SEED, take } from './settle/jobs.ts'
import { eraBytes, netChanges, type StateDiff, zksyncOsBytes } from './settle/pubdata.ts'

/**
 * Gas and published bytes per job of the settlement transactions that a router of default configuration makes, cut and
 * built by its own functions, from their real receipts and state differences on the local chain, with every slot that they
 * touch cold and non-zero, except each new root. Beside it, in the same run and
 * conditions, one signature per receipt and payer-node channels. Jobs pair everybody at random; the seed is printed.
 */
const SMALL: Population = { payers: 50, nodes: 100, pods: 20, frontends: 10 }
const SMALL_JOBS = 1_000
const LARGE: Population = { payers: 200, nodes: 500, pods: 50, frontends: 20 }
const SIZES = [
  ['10k', 10_000],
  ['100k', 100_000],
  ['1m', 1_000_000],
] as const
/** Both baselines are measured by a block full of their transactions: 100 M gas take so many thousand lines. */
const RECEIPTS_PER_BLOCK = 8_000
const CHANNELS_PER_BLOCK = 7_000

/** Per job, or per channel. */
interface PerLine {
  gas: number
  zksyncOs: number
  era: number
}

export async function run(): Promise<Figure[]> {
  process.stderr.write(`seed ${SEED}\n`)
  const market = await openMarket()
  try {
    const hub = openHub(market)
    return [...(await smallFigures(market, hub)), ...(await largeFigures(market, hub))]
  } finally {
    await market.close()
  }
}

/** Two batches make every slot non-zero; the third is measured. */
async function smallFigures(market: Market, hub: Hub): Promise<Figure[]> {
  const signers = payersFrom(0, SMALL.payers)
  const jobs = jobsOf(SMALL, SEED)
  const rounds = [take(jobs, SMALL_JOBS), take(jobs, SMALL_JOBS), take(jobs, SMALL_JOBS)]
  await fund(market, signers)
  const receipts = await perReceipt(market, signers)
  let [ours, theirs] = [
    { gas: 0, bytes: 0 },
    { gas: 0, bytes: 0 },
  ]
  for (const round of rounds) {
    ours = onlyOne(await hub.settle(signers, round))
    theirs = (await receipts(round))[0] ?? theirs
  }
  const perJob = { name: 'one signature per receipt', value: theirs.gas / SMALL_JOBS }
  return [
    figure('settle.gas_per_job', rounded(ours.gas / SMALL_JOBS), 'gas', perJob),
    figure('settle.batch_bytes', ours.bytes, 'bytes', {
      name: 'one signature per receipt',
      value: theirs.bytes,
    }),
  ]
}

async function largeFigures(market: Market, hub: Hub): Promise<Figure[]> {
  const signers = payersFrom(SMALL.payers, LARGE.payers)
  const jobs = jobsOf(LARGE, SEED + 1)
  await fund(market, signers)
  await hub.settle(signers, take(jobs, SIZES[0][1]))
  const receipt = await lineOf(await perReceipt(market, signers), [
    take(jobs, RECEIPTS_PER_BLOCK),
    take(jobs, RECEIPTS_PER_BLOCK),
  ])
  const pairs = distinctPairs(jobs, CHANNELS_PER_BLOCK)
  const channel = await lineOf(await channels(market, signers), [pairs, pairs])

  const figures: Figure[] = []
  for (const [label, count] of SIZES) {
    const work = take(jobs, count)
    const costs = await hub.settle(signers, work)
    const share = new Set(work.map(({ payer, node }) => payer * LARGE.nodes + node)).size / count
    figures.push(figure(`settle.batches_${label}`, costs.length, 'batches'))
    figures.push(...figuresOf(label, perJob(costs), receipt, scaled(channel, share)))
  }
  return figures
}

/** Every job once to make its slots non-zero, then a block that is measured. */
async function lineOf(settle: SettleJobs, [first, second]: [Job[], Job[]]): Promise<PerLine> {
  await settle(first)
  return perLine(await settle(second), second.length)
}

function perLine(costs: readonly Cost[], lines: number): PerLine {
  const diffs: StateDiff[] = costs.map(({ diff }) => diff)
  const changes = [...netChanges(diffs).values()]
  if (changes.length === 0) throw new Error('the chain reports no state difference')
  return {
    gas: costs.reduce((sum, { gas }) => sum + gas, 0) / lines,
    zksyncOs: zksyncOsBytes(changes) / lines,
    era: eraBytes(changes) / lines,
  }
}

/** Batches are posted as they fill up, each in a block of its own: what they publish adds up. */
function perJob(costs: readonly (Cost & { jobs: number })[]): PerLine {
  const jobs = costs.reduce((sum, cost) => sum + cost.jobs, 0)
  const total = (of: (line: PerLine) => number) =>
    costs.reduce((sum, cost) => sum + of(perLine([cost], 1)), 0) / jobs
  return {
    gas: total(({ gas }) => gas),
    zksyncOs: total(({ zksyncOs }) => zksyncOs),
    era: total(({ era }) => era),
  }
}

function onlyOne<T>(batches: readonly T[]): T {
  const [first, ...more] = batches
  if (!first || more.length > 0) throw new Error(`${batches.length} batches where one was to be measured`)
  return first
}

/** What channels cost per job: each that was touched is one line. */
const scaled = (channel: PerLine, linesPerJob: number): PerLine => ({
  gas: channel.gas * linesPerJob,
  zksyncOs: channel.zksyncOs * linesPerJob,
  era: channel.era * linesPerJob,
})

function figuresOf(label: string, ours: PerLine, receipt: PerLine, channel: PerLine): Figure[] {
  const kinds = [
    ['gas_per_job', 'gas', 'gas'],
    ['zksync_os_bytes_per_job', 'bytes', 'zksyncOs'],
    ['era_bytes_per_job', 'bytes', 'era'],
  ] as const
  return kinds.flatMap(([name, unit, key]) => {
    const value = rounded(ours[key])
    const beside = (baseline: string, line: PerLine) => ({ name: baseline, value: rounded(line[key]) })
    return [
      figure(`settle.${name}_${label}`, value, unit, beside('one signature per receipt', receipt)),
      figure(`settle.${name}_${label}.vs_channels`, value, unit, beside('payer-node channels', channel)),
    ]
  })
}

/** Jobs of `count` payer-node pairs that all differ. */
function distinctPairs(jobs: Iterator<Job, never>, count: number): Job[] {
  const pairs = new Map<string, Job>()
  while (pairs.size < count) {
    const job = jobs.next().value
    pairs.set(`${job.payer}/${job.node}`, job)
  }
  return [...pairs.values()]
}

/** Four digits that mean something. */
const rounded = (value: number): number => Number(value.toPrecision(4))
