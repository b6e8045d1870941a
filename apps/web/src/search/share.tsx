import { ShareDialog } from '../sharing/dialog.tsx'
import { addressOf, type Finding, resultOf } from './finding.ts'
import { RESULTS } from './server.ts'
import { useFindings } from './use.ts'

/** Puts a result where others see it again without paying, and takes it away. */
export function ShareFinding({ finding, onClose }: { finding: Finding; onClose: () => void }) {
  const { findings } = useFindings()
  return (
    <ShareDialog
      title="Share this result"
      api={RESULTS}
      path={(id) => addressOf(finding.query, id)}
      share={finding.share}
      body={async () => resultOf(finding)}
      keep={(share) => {
        const now = findings.find(finding.id)
        if (!now || now.share) return false
        findings.patch(finding.id, { share })
        return true
      }}
      forget={() => {
        const { share: _, ...rest } = finding
        findings.put(rest)
      }}
      onClose={onClose}
    >
      Whoever has the link sees the query, the answer, its sources and receipts as they are now, and pays
      nothing. Your key and your other searches stay here.
    </ShareDialog>
  )
}
