import { formatUsd } from '../../../../sdk/units.ts'

/** The most that the button beside it costs: that, and nothing else, is signed. */
export const MostTag = ({ most }: { most: bigint | undefined }) => (
  <span className="label" data-most={most?.toString()}>
    {most === undefined ? 'Reading the price…' : `at most $${formatUsd(most)}`}
  </span>
)
