import { useEffect, useState } from 'react'
import type { Check } from '../../../../sdk/checks.ts'
import { later } from '../../../../sdk/errors.ts'
import { verifyReceipt } from '../../../../sdk/verify.ts'
import { picturePath, type SharedPicture } from '../../pictures/record.ts'
import type { PageConfig } from '../network/config.ts'
import { retried } from '../network/retried.ts'
import type { Verdict } from '../parts/verdict.ts'
import { useSession } from '../session/use.ts'
import { type Problem, wordsOf } from '../session/words.ts'
import { provenOf } from './proven.ts'

const MARKS: Partial<Record<Verdict, { mark: string; tone: string; before: string }>> = {
  holds: { mark: '✓', tone: 'text-accent', before: '' },
  open: { mark: '–', tone: 'text-muted', before: 'Not checked: ' },
}
const FAILS = { mark: '✕', tone: 'text-ink', before: 'Does not hold: ' }

type Read = { state: 'reading' } | { state: 'read'; checks: Check[] } | { state: 'failed'; problem: Problem }

async function checksOf(config: PageConfig, id: string, { request, input }: SharedPicture): Promise<Check[]> {
  const answer = await fetch(picturePath(id))
  if (!answer.ok)
    throw later('page.unreachable', 'the picture does not load', { fix: 'Load the page again.' })
  const bytes = new Uint8Array(await answer.arrayBuffer())
  const { routerUrl, rpcUrl, chainId, ledger } = config
  const place = { routerUrl, rpcUrl, chainId, ledger, mostLeaves: 0 }
  return verifyReceipt(request, { ...place, bytes, input: new TextEncoder().encode(input) })
}

/** Where a shared picture comes from, checked in this browser against the chain. */
export default function Proof({ id, shared }: { id: string; shared: SharedPicture }) {
  const { config } = useSession()
  const [read, setRead] = useState<Read>({ state: 'reading' })
  useEffect(
    () =>
      retried(() => checksOf(config, id, shared), {
        done: (checks) => setRead({ state: 'read', checks }),
        failed: (cause) => setRead({ state: 'failed', problem: wordsOf(cause) }),
      }),
    [config, id, shared],
  )
  if (read.state === 'reading') return <p className="label">Checking…</p>
  if (read.state === 'failed') {
    return (
      <p data-problem={read.problem.code}>
        {read.problem.says} {read.problem.fix}
      </p>
    )
  }
  return (
    <ul aria-label="Checks" className="space-y-1.5">
      {provenOf(read.checks).map(({ check: { name, detail }, words, verdict }) => {
        const { mark, tone, before } = MARKS[verdict] ?? FAILS
        return (
          <li
            key={name}
            className="grid grid-cols-[1.1rem_minmax(0,1fr)] gap-x-2"
            data-check={name}
            data-verdict={verdict}
          >
            <span aria-hidden="true" className={tone}>
              {mark}
            </span>
            <span>
              {before}
              {words}
              <span className="label block [overflow-wrap:anywhere]">{detail}</span>
            </span>
          </li>
        )
      })}
    </ul>
  )
}
