import { type Check, unchecked } from '../../../../sdk/checks.ts'
import { type Verdict, verdictOf } from '../parts/verdict.ts'

/** What is shown of the walk, in its order: the rest is on the receipt's own page. */
const WORDS: Record<string, string> = {
  request: 'the payer signed for this prompt with these settings',
  bytes: 'the receipt names the hash of these very bytes',
  price: 'the price is the one of the model’s registered manifest',
  node: 'a registered node signed the receipt',
  router: 'the router countersigned it',
}
/** What ends the walk where it fails, and is not worth a line where it holds. */
const ENDS: Record<string, string> = {
  ledger: 'the router settles on the ledger that this page trusts',
  chain: 'the router settles on the chain that this page trusts',
  receipt: 'the router shows a receipt',
}

export interface Proven {
  check: Check
  words: string
  verdict: Verdict
}

const NOT_CHECKED = 'it was not checked'

/** What the checks of a shared picture say to people. Pure. */
export function provenOf(checks: readonly Check[]): Proven[] {
  const ends = checks.filter(({ name, ok }) => name in ENDS && !ok)
  const shown = Object.keys(WORDS).map(
    (name) => checks.find((each) => each.name === name) ?? unchecked(name, NOT_CHECKED),
  )
  return [...ends, ...shown].map((check) => ({
    check,
    words: ENDS[check.name] ?? WORDS[check.name] ?? check.name,
    verdict: verdictOf(check),
  }))
}
