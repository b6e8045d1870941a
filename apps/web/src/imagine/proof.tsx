import { useEffect, useState } from 'react'
import type { Check } from '../../../../sdk/checks.ts'
import { later } from '../../../../sdk/errors.ts'
import { verifyReceipt } from '../../../../sdk/verify.ts'
import { picturePath, type SharedPicture } from '../../pictures/record.ts'
import type { PageConfig } from '../network/config.ts'
import { retried } from '../network/retried.ts'
import { useSession } from '../session/use.ts'
import { type Problem, wordsOf } from '../session/words.ts'

/** What is shown of the walk, in its order: the rest is on the receipt's own page. */
const WORDS: Record<string, string> = {
  request: 'the payer signed for this prompt with these settings',
  bytes: 'the receipt names the hash of these very bytes',
  price: 'the price is the one of the model’s registered manifest',
  node: 'a registered node signed the receipt',
  router: 'the router countersigned it',
}

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
  const found = Object.entries(WORDS).map(([name, words]) => {
    const check = read.checks.find((each) => each.name === name)
    return {
      name,
      words,
      ok: check?.ok === true && check.checked,
      detail: check?.detail ?? 'it was not checked',
    }
  })
  return (
    <ul aria-label="Checks" className="space-y-1.5">
      {found.map(({ name, words, ok, detail }) => (
        <li
          key={name}
          className="grid grid-cols-[1.1rem_minmax(0,1fr)] gap-x-2"
          data-check={name}
          data-ok={ok}
        >
          <span aria-hidden="true" className={ok ? 'text-accent' : 'text-ink'}>
            {ok ? '✓' : '✕'}
          </span>
          <span>
            {ok ? words : `Does not hold: ${words}`}
            <span className="label block [overflow-wrap:anywhere]">{detail}</span>
          </span>
        </li>
      ))}
    </ul>
  )
}
