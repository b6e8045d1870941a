import type { History, Kind } from './histories.ts'

const DAY = 86_400n

/** Of what was compared, how much was not zero: a comparison of nothing with nothing proves little. */
export function tallyOf(
  histories: readonly History[],
): Record<string, { compared: number; nonZero: number }> {
  const tally: Record<string, { compared: number; nonZero: number }> = {}
  const count = (name: string, value: bigint | undefined) => {
    const seen = tally[name] ?? { compared: 0, nonZero: 0 }
    tally[name] = seen
    seen.compared += 1
    if (value !== undefined && value !== 0n) seen.nonZero += 1
  }
  /** Where the interesting value of an act stands. */
  const named: Partial<Record<Kind, [what: string, at: number][]>> = {
    claimNode: [['claims of nodes', -1]],
    weight: [['weights', -1]],
    past: [
      ['past votes', 2],
      ['past totals', 3],
    ],
    prove: [['slashes by proof', 2]],
    execute: [['slashes by case', 2]],
    withdraw: [['withdrawals of stake', 1]],
    gather: [['gatherings', 2]],
    buy: [['sales of lots', 1]],
    buyCarried: [['sales of what is carried', 1]],
    final: [
      ['bases', 0],
      ['dynamics', 1],
      ['burns', 2],
      ['what is carried', 4],
    ],
  }
  const told: Partial<Record<Kind, string>> = {
    refused: 'refusals',
    idle: 'idle times',
    lapse: 'lapsed cases',
    cancel: 'cancelled exits',
    rules: 'changes of the emission',
    split: 'changes of the split',
    gift: 'gifts',
    collect: 'early collections',
  }
  for (const { kind, values } of histories.flatMap(({ acts }) => acts)) {
    const other = told[kind]
    if (other !== undefined) count(other, 1n)
    for (const [what, at] of named[kind] ?? []) count(what, values.at(at))
    if (kind === 'claim') {
      count(values[1] === 0n ? 'claims of tips' : 'claims of revenue', values.at(-1))
      if (values[1] === 1n && values[2] === 2n) count('revenue of the second router', values.at(-1))
    }
    if (kind === 'work' && values[0] === 2n) count('work of the second router', 1n)
    if (kind === 'home' && values[1] === 2n) count('homes at the second router', 1n)
    if (kind === 'gather' && (values[1] ?? 0n) >= DAY) count('late gatherings', values[2])
  }
  return tally
}
