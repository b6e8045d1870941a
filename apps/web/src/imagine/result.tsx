import { useEffect, useRef, useState } from 'react'
import { formatUsd } from '../../../../sdk/units.ts'
import { type Asked, readAsked } from '../../pictures/record.ts'
import { receiptPath } from '../network/address.ts'
import { Button } from '../parts/button.tsx'
import { Copy } from '../parts/copy.tsx'
import { StopButton } from '../parts/stop.tsx'
import { cancel, isRunning } from './draw.ts'
import { type Drawing, STEPS, type Step } from './drawing.ts'
import { Picture } from './picture.tsx'
import { SharePicture } from './share.tsx'
import { usePicture, useUnseenPrice } from './use.ts'

/** The picture that is drawn or looked at, and all that can be done with it. */
export function Result({ drawing, reuse }: { drawing: Drawing | undefined; reuse: (asked: Asked) => void }) {
  const frame = useRef<HTMLDivElement>(null)
  return (
    <section id="result" aria-label="Picture" className="min-w-0 space-y-3">
      <div
        ref={frame}
        tabIndex={-1}
        className="relative grid aspect-square place-items-center overflow-hidden rounded-lg border border-line bg-raised"
      >
        {drawing === undefined ? (
          <p className="label px-8 text-center">Your picture will be here</p>
        ) : drawing.state === 'done' ? (
          <Picture drawing={drawing} alt={`Drawn from: ${readAsked(drawing.input).prompt}`} />
        ) : (
          <div className="w-full max-w-[24rem] px-6">
            {drawing.state === 'drawing' ? (
              <Progress drawing={drawing} onLeft={() => frame.current?.focus()} />
            ) : (
              <Ending drawing={drawing} />
            )}
          </div>
        )}
      </div>
      <p role="status" className="sr-only">
        {drawing?.state === 'done' ? 'The picture is complete.' : ''}
      </p>
      {drawing && <Facts drawing={drawing} reuse={reuse} />}
    </section>
  )
}

const STEP_WORDS: Record<Step, string> = {
  signing: 'Signing with your key…',
  waiting: 'Waiting for a free node…',
  drawing: 'is drawing…',
  checking: 'Checking bytes, price and signatures…',
}

function Progress({ drawing, onLeft }: { drawing: Drawing; onLeft: () => void }) {
  const { id, at, step = 'signing', node } = drawing
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), 500)
    return () => window.clearInterval(timer)
  }, [])
  const words = step === 'drawing' ? `Node ${node ?? ''} ${STEP_WORDS.drawing}` : STEP_WORDS[step]
  return (
    <div className="space-y-3 text-center" data-step={step}>
      <p role="status">{words}</p>
      <progress
        aria-label="How far the picture has come"
        max={STEPS.length}
        value={STEPS.indexOf(step) + 1}
        className="h-1.5 w-full accent-accent"
      />
      <p className="label figures">{Math.max(0, Math.floor((now - at) / 1000))} s</p>
      {isRunning(id) && <StopButton isNext name="Cancel" onStop={() => cancel(id)} onLeft={onLeft} />}
    </div>
  )
}

const ENDINGS = {
  cancelled: 'You cancelled it',
  cut: 'The page was closed here',
  unkept: 'This browser had no room left to keep it',
} as const

function Ending({ drawing }: { drawing: Drawing }) {
  useUnseenPrice(drawing)
  const { state, problem, price, isForgotten, job } = drawing
  const forgotten = 'This browser no longer knows whether it was delivered: its receipt says what it cost.'
  const paid = price === undefined || price === '0' ? undefined : formatUsd(BigInt(price))
  if (state === 'cancelled' || state === 'cut' || state === 'unkept') {
    return (
      <p className="label text-center">
        {ENDINGS[state]}
        {isForgotten ? '. ' : ': '}
        {isForgotten ? forgotten : endWords(paid)}
      </p>
    )
  }
  return (
    <p role="alert" data-problem={problem?.code}>
      {problem?.says} <span className="text-muted">{problem?.fix}</span>
      {isForgotten && <span className="block">{forgotten}</span>}
      {paid !== undefined && (
        <span className="figures block">It had been drawn and delivered, and cost ${paid}.</span>
      )}
      {job && (
        <span className="block">
          Once it can be checked it is shown here, as long as the router has it and the key that paid for it
          is the one of this browser. It is paid once.
        </span>
      )}
    </p>
  )
}

const endWords = (paid: string | undefined): string =>
  paid === undefined
    ? 'a picture that was not delivered costs nothing.'
    : `it had been drawn and delivered, and cost $${paid}. Its settings draw it again.`

/** What it was made with, each fact as it was sent. */
export function Settings({
  asked: { negative_prompt: without, size, steps, guidance, seed },
}: {
  asked: Asked
}) {
  const facts = Object.entries({ without, size, steps, guidance, seed }).filter(
    ([, value]) => value !== undefined,
  )
  return (
    <dl className="label flex flex-wrap gap-x-4">
      {facts.map(([name, value]) => (
        <div key={name} className="flex gap-1.5">
          <dt>{name}</dt>
          <dd className="figures text-ink [overflow-wrap:anywhere]" data-fact={name}>
            {value}
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** One that failed has none as a rule, and is not looked up in vain. */
const hasReceipt = ({ state, price, isForgotten }: Drawing): boolean =>
  price === undefined ? isForgotten === true || (state !== 'failed' && state !== 'drawing') : price !== '0'

function Facts({ drawing, reuse }: { drawing: Drawing; reuse: (asked: Asked) => void }) {
  const [sharing, setSharing] = useState(false)
  const asked = readAsked(drawing.input)
  const { request, price, state } = drawing
  return (
    <div className="space-y-2" data-drawing={drawing.id} data-state={state}>
      <p className="[overflow-wrap:anywhere]">
        {asked.prompt} <Copy text={asked.prompt} what="prompt" />
      </p>
      <Settings asked={asked} />
      <p className="flex flex-wrap items-center gap-2">
        {state === 'done' && (
          <>
            <Download drawing={drawing} seed={asked.seed} />
            <Button onClick={() => setSharing(true)}>Share</Button>
          </>
        )}
        <Button onClick={() => reuse(asked)}>Use these settings</Button>
        {request !== undefined && hasReceipt(drawing) && (
          <a
            href={receiptPath(request)}
            target="_blank"
            rel="noreferrer"
            className="label rounded px-1.5 py-0.5 underline underline-offset-4 hover:bg-accent-soft hover:text-ink"
            data-receipt={request}
          >
            {price === undefined ? 'receipt' : `$${formatUsd(BigInt(price))} · receipt`}
            <span className="sr-only"> (opens in a new tab)</span>
          </a>
        )}
      </p>
      {sharing && <SharePicture drawing={drawing} onClose={() => setSharing(false)} />}
    </div>
  )
}

interface DownloadProps {
  drawing: Drawing
  seed: number | undefined
  name?: string
}

export function Download({ drawing, seed, name = 'Download' }: DownloadProps) {
  const url = usePicture(drawing.id, true)
  return (
    <a
      href={url}
      download={`${drawing.model}-${seed ?? 'picture'}.png`}
      className="rounded-md border border-edge px-3 py-1 hover:bg-accent-soft"
    >
      {name}
    </a>
  )
}
