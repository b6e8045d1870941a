import { Button } from '../parts/button.tsx'
import { Short } from '../parts/text.tsx'
import { ProblemText } from './problem.tsx'
import type { ActState } from './view.ts'

interface LineProps {
  act: ActState
  /** Whether a key of this browser sends it, so that no wallet is asked. */
  isOwn?: boolean
  onAgain(): void
  onForget(): void
  onSwitch(): void
}

/** How far it has come, and what can be done about it. */
export function ActLine(props: LineProps) {
  const { act, isOwn = false } = props
  const { problem, intent, state } = act
  if (state === 'idle') return null
  return (
    <div className="space-y-2 rounded-md border border-edge px-3 py-2 text-[0.94rem]">
      {problem && (
        <p data-problem={problem.code}>
          <ProblemText problem={problem} />
        </p>
      )}
      {state !== 'refused' && <p>{wordsOf(act, isOwn)}</p>}
      {intent && <Hashes act={act} />}
      <WaysOn {...props} />
    </div>
  )
}

const ASKABLE = new Set(['unsure', 'missing', 'ready'])
const OVER = new Set(['included', 'failed', 'refused'])

function WaysOn({ act: { state, problem, looked }, onAgain, onForget, onSwitch }: LineProps) {
  return (
    <p className="flex flex-wrap gap-2">
      {problem?.code === 'wallet.wrong_chain' && (
        <Button onClick={onSwitch}>Switch the wallet’s network</Button>
      )}
      {ASKABLE.has(state) && (state !== 'unsure' || looked) && (
        <Button tone={state === 'ready' ? 'main' : 'quiet'} onClick={onAgain}>
          {state === 'ready' ? 'Continue' : 'Ask again'}
        </Button>
      )}
      {(ASKABLE.has(state) || OVER.has(state)) && (
        <Button tone="plain" onClick={onForget}>
          {OVER.has(state) ? 'Dismiss' : 'Forget it'}
        </Button>
      )}
    </p>
  )
}

function wordsOf({ state, intent }: ActState, isOwn: boolean): string {
  const step =
    intent && intent.calls.length > 1
      ? ` (step ${Math.min(intent.at + 1, intent.calls.length)} of ${intent.calls.length})`
      : ''
  switch (state) {
    case 'checking':
      return 'Trying it on the chain, before your wallet is asked…'
    case 'asking':
      return `Confirm in your wallet${step}: ${intent?.title}.`
    case 'unsure':
      if (isOwn)
        return `${intent?.title}: this page was left while it sent that, and cannot know whether it did. If so, it shows up here by itself. Sent again, at most one of the two is carried out.`
      return `Your wallet was asked for this${step} and this page has no answer. If you confirmed, it shows up here by itself. Asked again, at most one of the two is carried out.`
    case 'sent':
      return `Sent${step}; a block will hold it soon. This page may be closed meanwhile.`
    case 'missing':
      return `It was sent${step}, but the chain knows nothing of it. It may still come; asked again, at most one of the two is carried out.`
    case 'ready':
      return `${intent?.title}: step ${(intent?.at ?? 0) + 1} of ${intent?.calls.length} waits for you.`
    case 'included':
      return `Done: ${intent?.title}.`
    case 'failed':
      return `Not done: ${intent?.title}.`
    default:
      return ''
  }
}

function Hashes({ act: { intent } }: { act: ActState }) {
  const hashes = [...(intent?.hashes ?? []), ...(intent?.asked?.hash ? [intent.asked.hash] : [])]
  if (hashes.length === 0) return null
  return (
    <p className="label">
      {hashes.length === 1 ? 'transaction' : 'transactions'}{' '}
      {hashes.map((hash) => (
        <span key={hash} data-hash={hash} className="mr-2">
          <Short hex={hash} />
        </span>
      ))}
    </p>
  )
}
