import { useState } from 'react'
import { Button } from '../parts/button.tsx'
import { Short } from '../parts/text.tsx'
import type { Intent } from './intents.ts'
import { ProblemText } from './problem.tsx'
import { type ActState, isLate, type State, undoubled } from './view.ts'

interface LineProps {
  act: ActState
  /** Whether a key of this browser sends it, so that no wallet is asked. */
  isOwn?: boolean
  /** Whether the chain carries it out once at most, whenever and however often it is sent. */
  isIdempotent?: boolean
  onAgain(): void
  onForget(): void
  onSwitch(): void
}

/** How far it has come, and what can be done about it. */
export function ActLine(props: LineProps) {
  const { act, isOwn = false, isIdempotent = false } = props
  const { problem, intent, state } = act
  if (state === 'idle' && !isLate(act)) return null
  return (
    <div className="space-y-2 rounded-md border border-edge px-3 py-2 text-[0.94rem]">
      {problem && (
        <p data-problem={problem.code}>
          <ProblemText problem={problem} />
        </p>
      )}
      {state !== 'refused' && state !== 'idle' && <p>{wordsOf(act, { isOwn, isIdempotent })}</p>}
      {act.isFleeting && !OVER.has(state) && <p data-fleeting>{FLEETING}</p>}
      {intent && <Hashes act={act} />}
      {!isIdempotent && <FromBefore act={act} isOwn={isOwn} />}
      <WaysOn {...props} />
    </div>
  )
}

const ASKABLE = new Set<State>(['unsure', 'missing', 'ready'])
const OVER = new Set<State>(['included', 'failed', 'refused'])

function WaysOn({ act, isOwn = false, onAgain, onForget, onSwitch }: LineProps) {
  const { state, problem, looked } = act
  const mayAsk = ASKABLE.has(state) && (state !== 'unsure' || looked === true)
  return (
    <>
      {mayAsk && state !== 'ready' && !isOwn && <WhatItShows sent={state === 'missing'} onGone={onAgain} />}
      <p className="flex flex-wrap gap-2">
        {problem?.code === 'wallet.wrong_chain' && (
          <Button onClick={onSwitch}>Switch the wallet’s network</Button>
        )}
        {mayAsk && (state === 'ready' || isOwn) && (
          <Button tone={state === 'ready' ? 'main' : 'quiet'} onClick={onAgain}>
            {state === 'ready' ? 'Continue' : 'Send it again'}
          </Button>
        )}
        {(ASKABLE.has(state) || OVER.has(state) || state === 'idle') && (
          <Button tone="plain" onClick={onForget}>
            {ASKABLE.has(state) ? 'Forget it' : 'Dismiss'}
          </Button>
        )}
      </p>
    </>
  )
}

/** A page cannot take a request back from a wallet: whoever sees the wallet says what it shows before it is asked again. */
function WhatItShows({ sent, onGone }: { sent: boolean; onGone(): void }) {
  const [isThere, setThere] = useState(false)
  return (
    <fieldset className="space-y-2">
      <legend>Look in your wallet. What does it show?</legend>
      <p className="flex flex-wrap gap-2">
        <Button aria-pressed={isThere} onClick={() => setThere(true)}>
          {sent ? 'It is pending there' : 'It is still open'}
        </Button>
        <Button onClick={onGone}>It is gone: ask again</Button>
      </p>
      {isThere && (
        <p role="status">
          {sent ? 'Then wait for it, speed it up or cancel it' : 'Then confirm or decline it'} there; this
          page sees what becomes of it.
        </p>
      )}
    </fieldset>
  )
}

const FLEETING =
  'This browser has no room to write that down: once this page is loaded again or closed, it knows nothing of it.'
const FORGET =
  'Forgetting it here takes nothing back from the wallet: if it comes within an hour, this page says so.'
const TWICE = `Asked again while a request is still open there, both can be confirmed, and this may then be done twice. ${FORGET}`
const SAME = `Asked again while a request is still open there, both can be confirmed, and the chain carries out one of them. ${FORGET}`
const DECLINE =
  'It was asked for more than once: if your wallet shows another request for it, decline that, or it may be done twice.'

function wordsOf(
  { state, intent }: ActState,
  { isOwn, isIdempotent }: { isOwn: boolean; isIdempotent: boolean },
): string {
  const step =
    intent && intent.calls.length > 1
      ? ` (step ${Math.min(intent.at + 1, intent.calls.length)} of ${intent.calls.length})`
      : ''
  const twice = isIdempotent ? SAME : TWICE
  const again = intent && undoubled(intent).length > 0 && !isOwn && !isIdempotent ? ` ${DECLINE}` : ''
  switch (state) {
    case 'checking':
      return 'Trying it on the chain, before your wallet is asked…'
    case 'asking':
      return `Confirm in your wallet${step}: ${intent?.title}.${again}`
    case 'unsure':
      if (isOwn)
        return `${intent?.title}: this page was left while it sent that, and cannot know whether it did. If so, it shows up here by itself. Sent again, at most one of the two is carried out.`
      return `Your wallet was asked for this${step} and this page has no answer. If you confirmed, it shows up here by itself. ${twice}`
    case 'sent':
      return `Sent${step}; a block will hold it soon. This page may be closed meanwhile.${again}`
    case 'missing':
      if (isOwn)
        return `It was sent${step}, but the chain knows nothing of it. It may still come; sent again, at most one of the two is carried out.`
      return `It was sent${step}, but the chain knows nothing of it. It may still come. ${twice}`
    case 'ready':
      return `${intent?.title}: step ${(intent?.at ?? 0) + 1} of ${intent?.calls.length} waits for you.`
    case 'included':
      if (intent?.doubles && !isIdempotent)
        return `Done twice${stepsOf(intent)}: ${intent.title}. Your wallet sent both requests for it.${again}`
      return `Done: ${intent?.title}.${again}`
    case 'failed':
      return `Not done: ${intent?.title}.`
    default:
      return ''
  }
}

/** Which of several steps were done twice. */
function stepsOf({ calls, doubles = [] }: Intent): string {
  if (calls.length === 1) return ''
  const steps = doubles.map(({ at }) => at + 1).sort((a, b) => a - b)
  return ` (step${steps.length > 1 ? 's' : ''} ${steps.join(' and ')} of ${calls.length})`
}

/** What was forgotten here, and came after all or may still come. */
function FromBefore({ act: { forgotten = [], state }, isOwn }: { act: ActState; isOwn: boolean }) {
  const late = forgotten.filter(({ hashes }) => hashes.length > 0)
  const mayCome = forgotten.length > late.length && !isOwn && state !== 'refused' && state !== 'idle'
  return (
    <>
      {late.map(({ title, at, nonce, hashes }) => (
        <p key={`${at}:${nonce}`} data-late>
          Done {state === 'included' ? 'too' : 'after all'}: {title}. It was forgotten here, and came all the
          same.{' '}
          <span className="label">
            {hashes.map((hash) => (
              <span key={hash} data-hash={hash} className="mr-2">
                <Short hex={hash} />
              </span>
            ))}
          </span>
        </p>
      ))}
      {mayCome && (
        <p>
          An earlier request was forgotten here: if your wallet still shows that, decline it, or it is done
          too.
        </p>
      )}
    </>
  )
}

function Hashes({ act: { intent } }: { act: ActState }) {
  const hashes = [...(intent?.hashes ?? []), ...(intent?.asked?.hash ? [intent.asked.hash] : [])]
  for (const { hash } of intent?.doubles ?? []) if (!hashes.includes(hash)) hashes.push(hash)
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
