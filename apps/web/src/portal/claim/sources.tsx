import type { Due } from '../../../../../sdk/chain/dues.ts'
import { Dollars, Heu } from '../../acts/figure.tsx'
import { Bar, Legend, type Texture } from '../../parts/bars.tsx'
import { mostOf } from '../../parts/scale.ts'
import { bySource } from './by-source.ts'

const NAMES: Record<Due['kind'], string> = {
  tips: 'Tips for votes',
  revenue: 'Revenue for votes',
  emission: 'Emission',
  share: 'Shares of what was paid',
  refund: 'Owed by slashes',
}
const UNITS: { unit: Due['unit']; texture: Texture; name: string }[] = [
  { unit: 'heu', texture: 'solid', name: 'HEU' },
  { unit: 'usd', texture: 'blocks', name: 'dollars' },
]

/** What is due by where it comes from: each unit has a scale of its own. */
export function Sources({ items }: { items: readonly Due[] }) {
  const sources = bySource(items)
  const shown = UNITS.filter(({ unit }) => sources.some((each) => each.unit === unit))
  return (
    <div>
      <table className="w-full">
        <caption className="sr-only">Due by source</caption>
        <thead className="label text-left">
          <tr>
            <th scope="col" className="font-normal">
              source
            </th>
            <th scope="col" className="w-1/2 font-normal">
              <span className="sr-only">as a bar</span>
            </th>
            <th scope="col" className="text-right font-normal">
              due
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.flatMap(({ unit, texture }) => {
            const own = sources.filter((each) => each.unit === unit)
            const most = mostOf(own.map(({ amount }) => amount))
            return own.map(({ kind, amount, open }) => (
              <tr key={kind} data-source={kind} data-value={amount} className="border-t border-line/70">
                <td className="py-1.5">{NAMES[kind]}</td>
                <td className="px-3">
                  <Bar parts={[{ texture, amount }]} most={most} />
                </td>
                <td className="text-right">
                  {unit === 'heu' ? <Heu amount={amount} /> : <Dollars amount={amount} />}
                  {open && <span className="label block">and what closing adds</span>}
                </td>
              </tr>
            ))
          })}
        </tbody>
      </table>
      <Legend of={shown} />
      {shown.length > 1 && <p className="label mt-1">HEU and dollars each have a scale of their own.</p>}
    </div>
  )
}
