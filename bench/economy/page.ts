import { barChart, lineChart } from './chart.ts'
import { gasChart, gasText } from './gas.ts'
import type { Found } from './search.ts'
import { VARIANTS } from './search.ts'
import type { Decade } from './world.ts'

/** `docs/economy.md` and its charts. */

const [BLUE, ORANGE, GREEN, RED] = ['#3b82f6', '#f97316', '#22c55e', '#ef4444']

export function chartsOf(
  found: Record<string, Found>,
  { weeks, income, size }: Decade,
): Record<string, string> {
  const line = (of: (week: Decade['weeks'][number]) => number) => weeks.map(of)
  return {
    'search.svg': barChart(
      'The best attack that was found, by rules',
      'profit per 100 dollars washed, cube root scale',
      Object.entries(found).map(([label, { rate }]) => ({
        label,
        value: Math.cbrt(rate / 10_000),
        colour: rate < 0 ? GREEN : RED,
        shown: `${(rate / 10_000).toLocaleString('en-US', { maximumSignificantDigits: 3 })} dollars`,
      })),
    ),
    'issued.svg': lineChart('Issued and burnt each week', 'HEU', [
      { name: 'base', colour: BLUE, values: line(({ base }) => base) },
      { name: 'dynamic', colour: ORANGE, values: line(({ dynamic }) => dynamic) },
      { name: 'burnt', colour: RED, values: line(({ burnt }) => burnt) },
    ]),
    'reserve.svg': lineChart('The reserve, and what of the caps was not issued', 'HEU', [
      { name: 'reserve', colour: BLUE, values: line(({ reserve }) => reserve) },
      { name: 'Compute Reservoir', colour: GREEN, values: line(({ reservoir }) => reservoir) },
    ]),
    'volume.svg': lineChart('What payers spend each week', 'dollars', [
      { name: 'volume', colour: BLUE, values: line(({ volume }) => volume) },
    ]),
    'income.svg': barChart(
      `Income over ${size.weeks} weeks`,
      'dollars of the split, and HEU beside them',
      income.map(({ role, dollars, heu }) => ({
        label: role,
        value: dollars,
        colour: BLUE,
        shown: `${money(dollars)} dollars${heu > 0 ? ` and ${money(heu)} HEU` : ''}`,
      })),
    ),
    'gas.svg': gasChart(),
  }
}

export function pageOf(found: Record<string, Found>, decade: Decade, seed: number): string {
  const { shipped } = found
  const rows = Object.entries(found).map(
    ([name, { rate, points, climbs }]) =>
      `| ${name} | ${VARIANTS[name]?.why ?? ''} | ${points.toLocaleString('en-US')} + ${climbs} climbs | ${rate < 0 ? 'loses' : '**earns**'} ${Math.abs(rate / 10_000).toLocaleString('en-US', { maximumSignificantDigits: 3 })} |`,
  )
  return `# The economy, tried

Written by \`npm run economy -- --charts\` with seed ${seed}; the same seed gives the same bytes. The formulas are those of
[protocol.md](protocol.md), in \`sdk/protocol/emission.ts\`, which is held equal to the contracts to the wei.

## Does washing pay?

A coalition owns any mix of payer, node, pod, frontend, pod votes and node votes, pays itself for nothing at all, washes at least one percent of all volume over six
epochs of steady, shaken or dying demand, may overpay the burn lot to raise the emission, and gets up to a quarter of every burn back. The search draws worlds and
strategies at random, then climbs from the best of them. Profit is what it has more than if it had done neither, per 100 dollars washed:

| rules | why they are tried | tried | the best attack |
|---|---|---|---|
${rows.join('\n')}

![the best attack by rules](economy/search.svg)

With the shipped parameters the best of ${shipped?.points.toLocaleString('en-US')} points and ${shipped?.climbs} climbs still loses. Its loss is small because the bound is tight: a coalition that gets the whole
quarter back, with every vote on its node and next to no volume, earns back all but the rounding. The contract refuses the first two of the other rules
(\`WashingWouldPay\`); the others are not parameters but mistakes that its code does not make.

## Ten years

${decade.size.nodes.toLocaleString('en-US')} nodes, ${decade.size.pods.toLocaleString('en-US')} pods of which a fifth die with votes on them, ${decade.size.frontends.toLocaleString('en-US')} frontends, ${decade.size.voters.toLocaleString('en-US')} voters (three whales, one vote market, chasers, loyal ones and sleepers) and
${decade.size.payers.toLocaleString('en-US')} payers over ${decade.size.weeks} weeks; demand crashes, booms and stops; the prober fails for half a year from week 200; a coalition washes 5 % of the volume for a year from week 100.
A model of people is a guess; the formulas are not. Read it for what the rules do to shocks, not as a forecast.

![volume](economy/volume.svg)

![issued and burnt](economy/issued.svg)

![reserve](economy/reserve.svg)

![income](economy/income.svg)

| | |
|---|---:|
| issued | ${money(decade.issued)} HEU |
| burnt | ${money(decade.burnt)} HEU |
| reserve at the end | ${money(decade.reserve)} HEU |
| Compute Reservoir | ${money(decade.reservoir)} HEU |
| Gini of nodes, voters, frontends | ${decade.gini.nodes.toFixed(2)}, ${decade.gini.voters.toFixed(2)}, ${decade.gini.frontends.toFixed(2)} |
| the coalition washed, lost, was issued | ${money(decade.coalition.washed)}, ${money(decade.coalition.lost)}, ${money(decade.coalition.emitted)} dollars |
| while the prober failed: part of the base that was issued, largest node's part | ${(100 * decade.proberFailed.issuedOfBase).toFixed(1)} %, ${(100 * decade.proberFailed.largestPart).toFixed(2)} % |

## What size and age cost

${gasText()}

![gas](economy/gas.svg)
`
}

const money = (amount: number): string => Math.round(amount).toLocaleString('en-US')
