/** The five shares of a price as bands of a sankey, in pixels. Pure. */

export interface Share {
  name: string
  amount: bigint
  note: string
}

export interface Band extends Share {
  /** The band from the payer's bar to its own. */
  path: string
  /** Top and thickness of its own bar. */
  y: number
  thickness: number
  percent: number
}

export interface FlowBox {
  left: number
  right: number
  /** Height of the whole price. */
  height: number
  gap: number
}

/** Thickness is true to the amount; the label of a thin band still gets a row of its own. */
export function bandsOf(shares: readonly Share[], { left, right, height, gap }: FlowBox): Band[] {
  const total = shares.reduce((sum, share) => sum + share.amount, 0n)
  let from = ((shares.length - 1) * gap) / 2
  let to = 0
  return shares.map((share) => {
    const part = total === 0n ? 0 : Number((share.amount * 1_000_000n) / total) / 1_000_000
    const thickness = part * height
    const band = {
      ...share,
      thickness,
      y: to,
      percent: part * 100,
      path: ribbon(left, from, right, to, thickness),
    }
    from += thickness
    to += thickness + gap
    return band
  })
}

function ribbon(left: number, from: number, right: number, to: number, thickness: number): string {
  const bend = (left + right) / 2
  return [
    `M${left} ${from}C${bend} ${from} ${bend} ${to} ${right} ${to}`,
    `v${thickness}`,
    `C${bend} ${to + thickness} ${bend} ${from + thickness} ${left} ${from + thickness}Z`,
  ].join('')
}
