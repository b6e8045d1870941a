import { createContext, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import { plainText } from '../../search/text.ts'
import { go, useSearch } from '../network/address.ts'
import { freshId } from '../network/id.ts'
import { useSession } from '../session/use.ts'
import { wordsOf } from '../session/words.ts'
import { addressOf, type Finding, isRunning, newFinding } from './finding.ts'
import { begunNow, run } from './running.ts'
import type { Findings, FindingsView } from './store.ts'
import type { Terms } from './terms.ts'

export const FindingsContext = createContext<Findings | undefined>(undefined)

export function useFindings(): { findings: Findings; view: FindingsView } {
  const findings = useContext(FindingsContext)
  if (findings === undefined) throw new Error('FindingsContext is missing')
  return { findings, view: useSyncExternalStore(findings.subscribe, findings.view) }
}

/** What the address asks for: a query, and the search that answered it. */
export function useAddress(): { query: string; rid: string | undefined } {
  const asked = new URLSearchParams(useSearch())
  const rid = asked.get('rid') ?? ''
  return {
    query: (asked.get('q') ?? '').slice(0, 100),
    rid: /^[\w-]{1,64}$/.test(rid) ? rid : undefined,
  }
}

const AGAIN_MS = 20_000

/**
 * What a search costs and who answers it; undefined until router and server told. Read again now and then, and at once
 * where a search was refused because it costs more by now.
 */
export function useTerms(): Terms | undefined {
  const { config } = useSession()
  const { view } = useFindings()
  const refusals = view.findings.filter(({ problem }) => problem?.code === 'price.rose').length
  const [terms, setTerms] = useState<Terms>()
  // biome-ignore lint/correctness/useExhaustiveDependencies: each refusal is a reason to read them.
  useEffect(() => {
    let gone = false
    const read = async () => {
      if (document.visibilityState !== 'visible') return
      const { readTermsOf } = await import('./terms.ts')
      const next = await readTermsOf(config)
      if (!gone) setTerms(next)
    }
    const again = () => void read().catch((cause: unknown) => console.warn(wordsOf(cause).says))
    again()
    const timer = window.setInterval(again, AGAIN_MS)
    return () => {
      gone = true
      window.clearInterval(timer)
    }
  }, [config, refusals])
  return terms
}

const OPEN_MS = 1_500

/** Counts what ended calls of a search cost as soon as this browser's journal says so. */
export function useOpenCalls({ id, open, state }: Finding): void {
  const { findings } = useFindings()
  const ended = !isRunning({ state })
  const waiting = ended && (open ?? []).length > 0
  useEffect(() => {
    if (!waiting) return
    const count = async () => {
      const { countOpen } = await import('./ask.ts')
      await countOpen(findings, id)
    }
    const again = () => void count().catch((cause: unknown) => console.warn(wordsOf(cause).says))
    again()
    const timer = window.setInterval(again, OPEN_MS)
    return () => window.clearInterval(timer)
  }, [findings, id, waiting])
}

/**
 * Searches by the key of this browser, and goes to where the result will stand; undefined while that cannot be. Where no pod
 * is asked it costs nothing, and needs no key.
 */
export function useSearching(terms: Terms | undefined): ((query: string) => void) | undefined {
  const { findings } = useFindings()
  const { session, view } = useSession()
  const { client } = view
  const pays = terms?.model !== undefined || terms?.vectors !== undefined
  if (terms === undefined || (pays && (view.phase !== 'ready' || client === undefined))) return undefined
  return (text) => {
    const query = plainText(text) || text.trim()
    const now = Date.now()
    const again = begunNow(findings, query, now)
    if (again !== undefined) return go(addressOf(query, again))
    const id = freshId().slice(0, 22)
    findings.add(newFinding(id, query, now))
    void run(id, async (signal) => {
      try {
        const { searchFor } = await import('./ask.ts')
        await searchFor({
          findings,
          session,
          client,
          id,
          query,
          model: terms.model,
          vectors: terms.vectors,
          signal,
        })
      } catch (cause) {
        findings.patch(id, { state: 'failed', problem: wordsOf(cause) })
      }
    })
    go(addressOf(query, id))
  }
}
