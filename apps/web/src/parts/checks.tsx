import type { Check } from '../../../../sdk/checks.ts'
import type { Verdict } from './verdict.ts'

const VERDICTS: Record<Verdict, { mark: string; words: string; tone: string }> = {
  holds: { mark: '✓', words: 'holds', tone: 'text-accent' },
  open: { mark: '–', words: 'not checked', tone: 'text-muted' },
  waits: { mark: '…', words: 'waits', tone: 'text-muted' },
  fails: { mark: '✕', words: 'does not hold', tone: 'text-ink font-[560]' },
}

export interface Line {
  check: Check
  /** What it means, for people. */
  title: string
  verdict: Verdict
}

/** Checks in words: what was looked at, whether it holds, and the values that agree or the two that do not. */
export const CheckList = ({ lines }: { lines: readonly Line[] }) => (
  <ul className="space-y-2.5">
    {lines.map(({ check, title, verdict }) => {
      const { mark, words, tone } = VERDICTS[verdict]
      return (
        <li
          key={check.name}
          data-check={check.name}
          data-verdict={verdict}
          className="grid grid-cols-[1.1rem_minmax(0,1fr)] gap-x-2 text-[0.9rem]"
        >
          <span aria-hidden="true" className={tone}>
            {mark}
          </span>
          <span>
            {title} <span className={verdict === 'fails' ? 'font-[560]' : 'text-muted'}>{words}</span>
            <span className="label block leading-5 [overflow-wrap:anywhere]">{check.detail}</span>
          </span>
        </li>
      )
    })}
  </ul>
)
