import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Curve, powerChart } from './chart.ts'

/** What calls cost in markets of several sizes, as the gas tests of `test/solidity` left it in `bench/snapshots/economy`. */

const SIZES = [4, 16, 64, 256]
const VOTES = [1, 4, 13, 52]

const kept = (name: string, size: number): number =>
  Number(readFileSync(join(import.meta.dirname, '..', 'snapshots', 'economy', `${name}_${size}.txt`), 'utf8'))

const curve = (name: string, colour: string, file: string, sizes: readonly number[]): Curve => ({
  name,
  colour,
  points: sizes.map((size) => [size, kept(file, size)]),
})

export const gasChart = (): string =>
  powerChart(
    'Gas in small and in large markets',
    'execution, by nodes, pods, voters and epochs behind a call',
    [
      curve('first vote', '#3b82f6', 'flat_vote_first', SIZES),
      curve('vote again', '#a855f7', 'flat_vote_again', SIZES),
      curve('node’s claim', '#f97316', 'flat_node_claim', SIZES),
      curve('voter’s claim', '#22c55e', 'flat_claim', SIZES),
      curve('roll', '#64748b', 'flat_roll', SIZES),
      curve('re-voter’s claim', '#ef4444', 'revotes_claim', VOTES),
    ],
  )

export function gasText(): string {
  const thousands = (gas: number) => `${(gas / 1_000).toLocaleString('en-US', { maximumFractionDigits: 1 })}k`
  const each = (kept('revotes_claim', 52) - kept('revotes_claim', 1)) / 51
  return `Votes for two targets, claims and rolls cost the same however many nodes, pods, voters and epochs are behind them, each of which the keepers rolled; both axes go by powers, and every slot is cold. One
cost grows, and the red line is drawn by what it grows with: a claim walks back over the claimant's own votes for that target since its last claim. That is ${thousands(each)} for each
epoch in which it voted otherwise than before: a claim is ${thousands(kept('revotes_claim', 13))} after a quarter of a year of weekly changes, ${thousands(kept('revotes_claim', 52))} after a year, and ${(kept('revotes_claim', 520) / 1e6).toFixed(1)} M after ten
years without a claim ([why](decisions.md)). Who votes the same again writes nothing, and claims like who voted once.`
}
