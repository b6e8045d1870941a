import { useEffect, useRef, useState } from 'react'
import { formatUsd } from '../../../../sdk/units.ts'
import { Button } from '../parts/button.tsx'
import { StopButton } from '../parts/stop.tsx'
import { useSession } from '../session/use.ts'
import { whyNot } from '../session/why.ts'

interface Props {
  /** The most that an answer to this can cost. Base units; undefined = it is not known yet. */
  mostOf: (question: string) => bigint | undefined
  writing: boolean
  mayAsk: boolean
  /** At the price that stands beside it. */
  onSend: (text: string, most: bigint) => void
  onStop: () => void
}

/** Where a question is written: the most it can cost stands beside it before anything is signed. */
export function Composer({ mostOf, writing, mayAsk, onSend, onStop }: Props) {
  const [text, setText] = useState('')
  const question = text.trim()
  const price = mostOf(question === '' ? '?' : question)
  const maySend = mayAsk && question !== ''
  const area = useRef<HTMLTextAreaElement>(null)
  // What was pressed to ask is gone, and with it the focus.
  useEffect(() => {
    if (writing && document.activeElement === document.body) area.current?.focus()
  }, [writing])
  function send() {
    if (!maySend || price === undefined) return
    area.current?.focus()
    onSend(question, price)
    setText('')
  }
  return (
    <form
      className="sticky bottom-0 space-y-1.5 bg-paper pt-1 pb-3"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      <div className="flex items-end gap-2 rounded-lg border border-edge bg-raised p-2 focus-within:border-accent">
        <label className="min-w-0 flex-1">
          <span className="sr-only">Your question</span>
          <textarea
            ref={area}
            value={text}
            rows={Math.min(8, Math.max(1, text.split('\n').length))}
            placeholder="Ask something"
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
              event.preventDefault()
              send()
            }}
            className="block w-full resize-none bg-transparent px-1.5 py-1 placeholder:text-muted focus-visible:outline-none"
          />
        </label>
        {writing ? (
          <StopButton onStop={onStop} onLeft={() => area.current?.focus()} />
        ) : (
          <Button key="send" tone="main" type="submit" disabled={!maySend}>
            Send
          </Button>
        )}
      </div>
      <p className="label flex flex-wrap justify-between gap-x-4">
        <span data-price={price?.toString()}>
          {price === undefined ? 'Reading the price…' : `At most $${formatUsd(price)} for this answer`}
        </span>
        <Why mayAsk={mayAsk} writing={writing} />
      </p>
    </form>
  )
}

function Why({ mayAsk, writing }: { mayAsk: boolean; writing: boolean }) {
  const { view } = useSession()
  if (mayAsk || writing) return <span>Enter sends, Shift and Enter make a new line</span>
  return <span>{whyNot(view.phase)}</span>
}
