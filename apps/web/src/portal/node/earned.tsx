import { Bar, Legend } from '../../parts/bars.tsx'
import { Fact, FactList } from '../../parts/facts.tsx'
import { LINK, Link } from '../../parts/link.tsx'
import { mostOf } from '../../parts/scale.ts'
import { Section } from '../../parts/section.tsx'
import { Cell, Row, Table } from '../../parts/table.tsx'
import { Heu, Usd } from '../../parts/text.tsx'
import type { NodeDetail } from './read.ts'

const FEES = { texture: 'solid', name: 'its share of what was paid, in dollars' } as const
const BASE = { texture: 'blocks', name: 'base emission, in HEU' } as const
const DYNAMIC = { texture: 'lines', name: 'dynamic emission, in HEU' } as const
const TIPS = { texture: 'dots', name: 'tips to voters, out of the emission' } as const

/** What a node earned, epoch by epoch: dollars on one scale, HEU on another. */
export function Earned({ node: { entry, emissions, waits, economy } }: { node: NodeDetail }) {
  const of = (epoch: number) => emissions.find((each) => each.epoch === epoch)
  const revenue = entry.revenue.filter(
    ({ epoch, gross }) => epoch === entry.epoch || gross > 0n || of(epoch) !== undefined,
  )
  const mostUsd = mostOf(revenue.map(({ share }) => share))
  const mostHeu = mostOf(revenue.map(({ epoch }) => of(epoch)?.amount ?? 0n))
  return (
    <Section title="Earned" note="by epoch, at this page’s router">
      <FactList wide>
        <Fact name="Revenue" is={entry.claimable + entry.claimed}>
          <Usd amount={entry.claimable + entry.claimed} />
          <span className="text-muted">
            , of it <Usd amount={entry.claimable} /> to be claimed
          </span>
        </Fact>
        {economy && (
          <Fact name="Emission waits" is={waits}>
            <Heu amount={waits} />
          </Fact>
        )}
      </FactList>
      <div className="mt-3">
        <Table
          name="Earned by epoch"
          head={[
            'Epoch',
            'As bars',
            '#Settled calls',
            '#Its share',
            '#Emission',
            '#Base of it',
            '#Dynamic of it',
            '#Tips of it',
          ]}
        >
          {revenue.map(({ epoch, gross, share }) => {
            const emission = of(epoch)
            const dynamic = emission && emission.amount - emission.base
            return (
              <Row
                key={epoch}
                data-epoch={epoch}
                data-share={share}
                data-base={emission?.base}
                data-dynamic={dynamic}
                data-tip={emission?.tip}
              >
                <Cell>
                  <Link href={`/explorer/epochs/${epoch}`} className={LINK}>
                    {epoch}
                  </Link>
                  {epoch === entry.epoch && <span className="label"> now</span>}
                </Cell>
                <Cell>
                  <div className="w-32 space-y-0.5">
                    <Bar parts={[{ ...FEES, amount: share }]} most={mostUsd} />
                    {emission && (
                      <>
                        <Bar
                          parts={[
                            { ...BASE, amount: emission.base },
                            { ...DYNAMIC, amount: emission.amount - emission.base },
                          ]}
                          most={mostHeu}
                        />
                        <Bar parts={[{ ...TIPS, amount: emission.tip }]} most={mostHeu} />
                      </>
                    )}
                  </div>
                </Cell>
                <Cell figure>
                  <Usd amount={gross} />
                </Cell>
                <Cell figure>
                  <Usd amount={share} />
                </Cell>
                <Cell figure>{emissionCell(emission?.amount)}</Cell>
                <Cell figure>{emissionCell(emission?.base)}</Cell>
                <Cell figure>{emissionCell(dynamic)}</Cell>
                <Cell figure>{emissionCell(emission?.tip)}</Cell>
              </Row>
            )
          })}
        </Table>
        <Legend of={economy ? [FEES, BASE, DYNAMIC, TIPS] : [FEES]} />
        <p className="label mt-1">
          The longest bar is the most of these epochs{economy && ', of dollars and of HEU by itself'}.
        </p>
      </div>
    </Section>
  )
}

const emissionCell = (amount: bigint | undefined) =>
  amount === undefined ? <span className="text-muted">not final</span> : <Heu amount={amount} />
