import { stretchesOf } from './scale.ts'

/** How a part of a bar is drawn: told apart by its texture, in whatever colours. */
export type Texture = 'solid' | 'blocks' | 'lines' | 'dots'

/** Dashes along the bar, in pixels. */
const DASHES: Record<Texture, string | undefined> = {
  solid: undefined,
  blocks: '7 2',
  lines: '2 2',
  dots: '1.5 5',
}

interface BarProps {
  parts: readonly { texture: Texture; amount: bigint }[]
  /** What is as long as the whole width. */
  most: bigint
}

/** Amounts side by side. It stands in a table that says them too, so that nobody must see it. */
export function Bar({ parts, most }: BarProps) {
  const stretches = stretchesOf(
    parts.map(({ amount }) => amount),
    most,
  )
  return (
    <svg aria-hidden="true" width="100%" height="8" className="block">
      {parts.map(({ texture, amount }, index) => {
        const { from = 0, width = 0 } = stretches[index] ?? {}
        return amount === 0n ? null : (
          <Piece key={texture} texture={texture} from={`${from}%`} width={`${width}%`} />
        )
      })}
    </svg>
  )
}

interface PieceProps {
  texture: Texture
  from: string
  width: string
}

/** A nested drawing, so that the dashes begin with the part and end with it. */
const Piece = ({ texture, from, width }: PieceProps) => (
  <svg aria-hidden="true" x={from} width={width} height="8" data-part={texture}>
    <rect width="100%" height="8" className="fill-accent-soft" />
    <line
      x2="100%"
      y1="4"
      y2="4"
      strokeWidth="8"
      strokeDasharray={DASHES[texture]}
      className="stroke-accent"
    />
  </svg>
)

/** Which texture is what, in words. */
export const Legend = ({ of }: { of: readonly { texture: Texture; name: string }[] }) => (
  <ul className="label mt-2 flex flex-wrap gap-x-5 gap-y-1">
    {of.map(({ texture, name }) => (
      <li key={texture} className="flex items-center gap-2">
        <svg aria-hidden="true" width="22" height="8" className="shrink-0">
          <Piece texture={texture} from="0" width="100%" />
        </svg>
        {name}
      </li>
    ))}
  </ul>
)
