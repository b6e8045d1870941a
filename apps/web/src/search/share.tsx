import { useState } from 'react'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { ShareLinks } from '../pondera/share.tsx'
import { createShare, deleteShare } from '../pondera/shares.ts'
import { type Problem, wordsOf } from '../session/words.ts'
import { addressOf, type Finding, resultOf } from './finding.ts'
import { useFindings } from './use.ts'

/** Puts a result where others see it again without paying, and takes it away. */
export function ShareDialog({ finding, onClose }: { finding: Finding; onClose: () => void }) {
  const { findings } = useFindings()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  const { id, query, share } = finding
  async function act(work: () => Promise<void>) {
    setBusy(true)
    setProblem(undefined)
    await work().catch((cause: unknown) => setProblem(wordsOf(cause)))
    setBusy(false)
  }
  const publish = () =>
    act(async () => findings.patch(id, { share: await createShare('/api/results', resultOf(finding)) }))
  const withdraw = () =>
    act(async () => {
      if (!share) return
      await deleteShare('/api/results', share.id, share.secret)
      const { share: _, ...rest } = finding
      findings.put(rest)
    })
  return (
    <Dialog title="Share this result" onClose={onClose}>
      {share === undefined ? (
        <>
          <p>
            Whoever has the link sees the query, the answer, its sources and receipts as they are now, and
            pays nothing. Your key and your other searches stay here.
          </p>
          <Button tone="main" disabled={busy} onClick={() => void publish()}>
            Make a link
          </Button>
        </>
      ) : (
        <ShareLinks
          path={addressOf(query, share.id)}
          secret={share.secret}
          busy={busy}
          onDelete={() => void withdraw()}
        />
      )}
      <p aria-live="polite">
        {problem && (
          <span data-problem={problem.code}>
            {problem.says} {problem.fix}
          </span>
        )}
      </p>
    </Dialog>
  )
}
