import type { Status } from '../network/documents.ts'

/** Plain words for how far a call has come; the mark's shape says it too, so that colour is never alone. */
const WORDS: Record<Status, { word: string; mark: string; tone: string }> = {
  admitted: { word: 'waiting', mark: '○', tone: 'text-muted' },
  dispatched: { word: 'running', mark: '◐', tone: 'text-accent' },
  receipted: { word: 'answered', mark: '◑', tone: 'text-ink' },
  batched: { word: 'posting', mark: '◕', tone: 'text-ink' },
  settled: { word: 'settled', mark: '●', tone: 'text-accent' },
  failed: { word: 'failed, free', mark: '✕', tone: 'text-muted' },
}

export function StatusMark({ status }: { status: Status }) {
  const { word, mark, tone } = WORDS[status]
  return (
    <span className={`whitespace-nowrap ${tone}`}>
      <span aria-hidden="true" className="mr-1.5 inline-block w-3 text-center text-[0.8em]">
        {mark}
      </span>
      {word}
    </span>
  )
}
