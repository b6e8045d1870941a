import type { ReactNode } from 'react'
import { Scroll } from './scroll.tsx'

/** A table that scrolls within its own frame where the page is narrow. */
export function Table({
  name,
  head,
  children,
}: {
  name: string
  /** Column titles; those that begin with `#` stand over figures. */
  head: readonly string[]
  children: ReactNode
}) {
  return (
    <Scroll name={name}>
      <table className="w-full border-collapse text-left text-[0.92rem]">
        <thead className="label border-b border-line">
          <tr>
            {head.map((title) => (
              <th
                key={title}
                scope="col"
                className={`py-1.5 pr-5 font-normal whitespace-nowrap last:pr-0 ${title.startsWith('#') ? 'text-right' : ''}`}
              >
                {title.replace(/^#/, '')}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </Scroll>
  )
}

export const Row = ({ children, ...rest }: { children: ReactNode; [data: `data-${string}`]: unknown }) => (
  <tr className="border-b border-line/70" {...rest}>
    {children}
  </tr>
)

/** @param wide  A sentence: it is not squeezed to a word a line where the page is narrow. */
export const Cell = ({
  children,
  figure = false,
  wide = false,
}: {
  children: ReactNode
  figure?: boolean
  wide?: boolean
}) => (
  <td
    className={`py-2 pr-5 last:pr-0 ${figure ? 'figures text-right whitespace-nowrap' : ''} ${wide ? 'min-w-52' : ''}`}
  >
    {children}
  </td>
)
