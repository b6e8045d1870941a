import type { Check } from '../../../../sdk/checks.ts'

/** What stands beside a check. `waits`: it cannot hold yet. */
export type Verdict = 'holds' | 'open' | 'waits' | 'fails'

export const verdictOf = ({ ok, checked }: Check, waits = false): Verdict =>
  ok ? (checked ? 'holds' : 'open') : waits ? 'waits' : 'fails'
