import { memo, useState } from 'react'
import { formatUsd } from '../../../../sdk/units.ts'
import { useOpener } from '../focus.tsx'
import { LateMarkdown } from '../markdown/late.tsx'
import { receiptPath } from '../network/address.ts'
import { Button } from '../parts/button.tsx'
import { Copy } from '../parts/copy.tsx'
import type { Cost, Message, Refusal } from './chat.ts'
import { MostTag } from './most.tsx'
import { partThinking } from './thinking.ts'

/** How a question is asked anew, in the place of what follows it. */
export interface AskAnew {
  /** The most that it can cost. Base units; undefined = it is not known yet. */
  most: (question: string) => bigint | undefined
  /** At the price that stood beside the button. */
  ask: (question: string, most: bigint) => void
}

interface Props {
  message: Message
  /** A question's own; an answer's is that of its question. */
  anew?: AskAnew | undefined
  /** What an answer is of, if it may be asked for again. */
  question?: string | undefined
}

export const MessageView = memo(({ message, anew, question }: Props) => {
  if (message.role === 'note') {
    return (
      <p role="note" className="label border-y border-line py-1.5 text-center">
        Another model goes on: {message.text}
      </p>
    )
  }
  if (message.role === 'user') return <Question message={message} anew={anew} />
  return <Answer message={message} anew={anew} question={question} />
})

/** When it comes: one that React sees as another at each render would take the focus back each time. */
const focus = (area: HTMLTextAreaElement | null) => area?.focus()

function Question({ message, anew }: Pick<Props, 'message' | 'anew'>) {
  const [draft, setDraft] = useState<string>()
  const { opener, back } = useOpener()
  const cancel = () => {
    setDraft(undefined)
    back()
  }
  const edited = draft?.trim() ?? ''
  const most = draft === undefined ? undefined : anew?.most(edited === '' ? '?' : edited)
  return (
    <article aria-label="You" className="ml-auto max-w-[44rem] space-y-1 sm:pl-14" data-role="user">
      {draft === undefined ? (
        <p className="ml-auto w-fit rounded-lg bg-accent-soft px-3.5 py-2 [overflow-wrap:anywhere] whitespace-pre-wrap">
          {message.text}
        </p>
      ) : (
        <form
          className="space-y-2"
          onSubmit={(event) => {
            event.preventDefault()
            if (edited === '' || most === undefined) return
            anew?.ask(edited, most)
            setDraft(undefined)
          }}
        >
          <textarea
            aria-label="Your question, edited"
            ref={focus}
            value={draft}
            rows={Math.min(10, draft.split('\n').length + 1)}
            onChange={(event) => setDraft(event.target.value)}
            onKeyDown={(event) => event.key === 'Escape' && cancel()}
            className="w-full rounded-lg border border-edge bg-raised px-3 py-2"
          />
          <p className="flex flex-wrap items-center justify-end gap-2">
            <MostTag most={most} />
            <Button onClick={cancel}>Cancel</Button>
            <Button tone="main" type="submit" disabled={most === undefined || edited === ''}>
              Ask again
            </Button>
          </p>
        </form>
      )}
      {message.excerpts !== undefined && message.excerpts.length > 0 && (
        <details
          className="rounded-md border border-line px-3 py-1.5"
          data-excerpts={message.excerpts.length}
        >
          <summary className="label cursor-pointer">
            Answered from {message.excerpts.length} {message.excerpts.length === 1 ? 'excerpt' : 'excerpts'}
          </summary>
          <ol className="mt-1.5 space-y-2">
            {message.excerpts.map(({ document, text, score }) => (
              <li key={`${document} ${text}`} className="[overflow-wrap:anywhere]">
                <span className="label block">
                  {document}, {Math.round(score * 100)} % alike
                </span>
                <span className="whitespace-pre-wrap">{text}</span>
              </li>
            ))}
          </ol>
        </details>
      )}
      {draft === undefined && (
        <p className="flex justify-end gap-1">
          <Copy text={message.text} what="question" />
          {anew && (
            <Button ref={opener} tone="plain" onClick={() => setDraft(message.text)}>
              edit
            </Button>
          )}
        </p>
      )}
    </article>
  )
}

function Answer({ message, anew, question }: Props) {
  const most = question === undefined ? undefined : anew?.most(question)
  const { thinking, answer, open } = partThinking(message.text)
  const writing = message.state === 'writing'
  return (
    <article
      aria-label={`Answer of ${message.model ?? 'the model'}`}
      aria-busy={writing}
      className="max-w-[46rem] space-y-2"
      data-role="assistant"
      data-state={message.state}
    >
      {thinking !== '' && (
        <details className="rounded-md border border-line px-3 py-1.5">
          <summary className="label cursor-pointer">{open ? 'Thinking…' : 'What the model thought'}</summary>
          <p className="mt-1.5 text-muted [overflow-wrap:anywhere] whitespace-pre-wrap">{thinking}</p>
        </details>
      )}
      {answer === '' && writing ? <p className="text-muted">…</p> : <LateMarkdown text={answer} />}
      <Ending message={message} />
      {!writing && (
        <p className="flex flex-wrap items-center gap-1">
          <Copy text={answer} what="answer" />
          {question !== undefined && most !== undefined && (
            <>
              <Button tone="plain" onClick={() => anew?.ask(question, most)}>
                regenerate
              </Button>
              <MostTag most={most} />
            </>
          )}
          <Receipts message={message} />
        </p>
      )}
    </article>
  )
}

const ENDINGS = {
  stopped: 'You stopped it here: only what was delivered is charged.',
  cut: 'The page was closed here: only what was delivered is charged.',
} as const

function Ending({ message: { state, problem, saw } }: { message: Message }) {
  return (
    <>
      {(state === 'stopped' || state === 'cut') && <p className="label">{ENDINGS[state]}</p>}
      {state === 'failed' && problem && (
        <p role="alert" className="rounded-md border border-edge px-3 py-2" data-problem={problem.code}>
          {problem.says} <span className="text-muted">{problem.fix}</span>
        </p>
      )}
      {saw !== undefined && (
        <p className="label">
          This model reads little at once: it was asked with the last{' '}
          {saw === 1 ? 'message' : `${saw} messages`} only.
        </p>
      )}
    </>
  )
}

/** Why an edited question or a regenerated answer took no place. */
export function Refused({ refused }: { refused: Refusal }) {
  const { asked, problem, state } = refused
  return (
    <section
      role="alert"
      aria-label="Not answered"
      className="rounded-md border border-edge px-3 py-2 [overflow-wrap:anywhere]"
      data-refused
      data-problem={problem?.code ?? state}
    >
      <p>
        {problem?.says ?? ENDINGS[state === 'cut' ? 'cut' : 'stopped']}{' '}
        <span className="text-muted">{problem?.fix}</span>
      </p>
      <p className="label">
        The conversation is as it was before you asked{asked === undefined ? ' again' : `: ${asked}`}
      </p>
      <Receipts message={refused} />
    </section>
  )
}

/** What an answer cost, and looking it up before: whatever became of it. */
export function Receipts({ message }: { message: Message }) {
  const { request, price, isForgotten, state, lookup } = message
  const whole =
    lookup?.price !== undefined && price !== undefined ? BigInt(lookup.price) + BigInt(price) : undefined
  const call = request !== undefined && {
    request,
    ...(price !== undefined ? { price } : {}),
    ...(isForgotten ? { isForgotten } : {}),
  }
  return (
    <>
      {call && <CostView cost={call} state={state} />}
      {lookup && <CostView cost={lookup} state={state} of="looking it up" />}
      {whole !== undefined && (
        <span className="label px-1.5" data-total={whole.toString()}>
          ${formatUsd(whole)} together
        </span>
      )}
    </>
  )
}

interface CostProps {
  cost: Cost
  state: Message['state']
  /** What it is of, if it is not of the answer. */
  of?: string
}

function CostView({ cost: { request, price, isForgotten }, state, of }: CostProps) {
  const isOpen = price === undefined && !isForgotten && state !== 'done'
  if (price === '0' && state === 'failed') return null
  const words = state === 'done' ? undefined : wordsOfCost(price, isForgotten, isOpen, of)
  return (
    <>
      {(price !== '0' || state === 'done') && !(isOpen && state === 'failed') && (
        <Receipt request={request} price={price} {...(of ? { of } : {})} />
      )}
      {words && (
        <span className="label px-1.5" data-cost={isOpen ? 'open' : (price ?? 'forgotten')}>
          {words}
        </span>
      )}
    </>
  )
}

function wordsOfCost(
  price: string | undefined,
  isForgotten: true | undefined,
  isOpen: boolean,
  of = 'it',
): string | undefined {
  if (price === '0') return `Nothing was charged for ${of}.`
  if (isForgotten) return `This browser no longer knows what ${of} cost: the receipt does.`
  return isOpen ? `What ${of} cost is not known yet: it stands here as soon as it is.` : undefined
}

function Receipt({
  request,
  price,
  of,
}: {
  request: string
  price: string | undefined
  /** What it is of, if it is not of the answer. */
  of?: string
}) {
  const name = of === undefined ? 'receipt' : `receipt of ${of}`
  return (
    <a
      href={receiptPath(request)}
      target="_blank"
      rel="noreferrer"
      className="label rounded px-1.5 py-0.5 underline underline-offset-4 hover:bg-accent-soft hover:text-ink"
      data-receipt={request}
    >
      {price === undefined ? name : `$${formatUsd(BigInt(price))} · ${name}`}
      <span className="sr-only"> (opens in a new tab)</span>
    </a>
  )
}
