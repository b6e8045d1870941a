import { formatUsd } from '../../../../sdk/units.ts'
import { useWidth } from '../network/use.ts'
import { Usd } from '../parts/text.tsx'
import { bandsOf, type Share } from './flow.ts'

const HEIGHT = 136
const GAP = 34
const BAR = 5
const TONES = ['fill-accent/85', 'fill-accent/60', 'fill-accent/40', 'fill-accent/25', 'fill-edge/60']

/** The payment as it flows: the price on the left, its five shares on the right, and the same as a table below. */
export function Sankey({ price, shares }: { price: bigint; shares: readonly Share[] }) {
  const [measure, width] = useWidth()
  const left = BAR
  const right = Math.max(120, width - 176)
  const bands = bandsOf(shares, { left, right, height: HEIGHT, gap: GAP })
  const top = ((shares.length - 1) * GAP) / 2
  const total = HEIGHT + (shares.length - 1) * GAP

  return (
    <figure>
      {/* As high as the drawing of five shares, so that nothing moves when it comes. */}
      <div ref={measure} className="min-h-[296px]">
        {width > 0 && (
          <svg
            aria-hidden="true"
            width={width}
            height={total + 24}
            viewBox={`0 -12 ${width} ${total + 24}`}
            className="block"
          >
            <rect x="0" y={top} width={BAR} height={HEIGHT} rx="1.5" className="fill-accent" />
            {bands.map((band, index) => (
              <g key={band.name}>
                <path d={band.path} className={`${TONES[index]} opacity-60`} />
                <rect
                  x={right}
                  y={band.y}
                  width={BAR}
                  height={Math.max(1, band.thickness)}
                  rx="1.5"
                  className={TONES[index]}
                />
                <text
                  x={right + BAR + 10}
                  y={band.y + band.thickness / 2 - 7}
                  dominantBaseline="middle"
                  className="fill-ink text-[12.5px]"
                >
                  {band.name}
                  <tspan className="fill-muted" dx="6">
                    {band.percent === 0 ? '' : `${band.percent.toFixed(1)} %`}
                  </tspan>
                </text>
                <text
                  x={right + BAR + 10}
                  y={band.y + band.thickness / 2 + 9}
                  dominantBaseline="middle"
                  className="figures fill-muted text-[12px]"
                >
                  ${formatUsd(band.amount)}
                </text>
              </g>
            ))}
          </svg>
        )}
      </div>
      <figcaption>
        <details className="mt-2">
          <summary className="label cursor-pointer">as a table</summary>
          <table className="mt-2 w-full text-left text-[0.9rem]">
            <caption className="sr-only">How the price was shared</caption>
            <tbody>
              {bands.map((band) => (
                <tr key={band.name} className="border-b border-line/70">
                  <th scope="row" className="py-1 font-normal">
                    {band.name}
                  </th>
                  <td className="label py-1">{band.note}</td>
                  <td className="py-1 text-right">
                    <Usd amount={band.amount} />
                  </td>
                </tr>
              ))}
              <tr>
                <th scope="row" className="py-1 font-[560]">
                  Price
                </th>
                <td className="label py-1">the sum, to the last unit</td>
                <td className="py-1 text-right">
                  <Usd amount={price} />
                </td>
              </tr>
            </tbody>
          </table>
        </details>
      </figcaption>
    </figure>
  )
}
