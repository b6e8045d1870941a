import { checkShared } from '../sharing/bound.ts'
import { ShareDialog } from '../sharing/dialog.tsx'
import { type Finding, resultOf, sharedPath, withoutShare } from './finding.ts'
import { RESULTS } from './server.ts'
import { MOST_KEPT } from './store.ts'
import { useFindings } from './use.ts'

/** Puts a result where others see it again without paying, and takes it away. */
export function ShareFinding({ finding, onClose }: { finding: Finding; onClose: () => void }) {
  const { findings } = useFindings()
  return (
    <ShareDialog
      title="Share this result"
      api={RESULTS}
      path={sharedPath(finding)}
      share={finding.share}
      body={async () => {
        checkShared(findings.view().findings, MOST_KEPT, 'searches')
        return resultOf(finding)
      }}
      keep={(share) => {
        const now = findings.find(finding.id)
        if (!now || now.share) return false
        findings.update(finding.id, (now) => (now.share ? now : { ...now, share }))
        return true
      }}
      forget={({ id }) => findings.update(finding.id, (now) => withoutShare(now, id))}
      onClose={onClose}
    >
      Whoever has the link sees the query, the answer, its sources and receipts as they are now, and pays
      nothing. Your key and your other searches stay here.
    </ShareDialog>
  )
}
