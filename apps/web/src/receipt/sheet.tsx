import { useEffect, useRef } from 'react'
import { Copy } from '../parts/copy.tsx'
import { Empty } from '../parts/section.tsx'
import { Short, Usd } from '../parts/text.tsx'
import { Checks } from './checks.tsx'
import { Facts } from './facts.tsx'
import type { Share } from './flow.ts'
import { type Receipt, useReceipt } from './read.ts'
import { Sankey } from './sankey.tsx'
import { Timeline } from './timeline.tsx'

/** One receipt over the page; Escape, the backdrop and the back button close it. */
export default function ReceiptSheet({
  request,
  onShown,
  onClose,
}: {
  request: string
  /** The receipt stands there, or why it does not. */
  onShown: () => void
  onClose: () => void
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const close = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    const element = dialog.current
    const before = document.activeElement
    element?.showModal()
    close.current?.focus()
    return () => {
      element?.close()
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  const receipt = useReceipt(request)
  useEffect(() => {
    if (receipt.state !== 'reading') onShown()
  }, [receipt.state, onShown])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog by itself.
    <dialog
      ref={dialog}
      aria-labelledby="receipt-title"
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
      className="m-0 ml-auto h-dvh max-h-none w-full max-w-[36rem] border-l border-line bg-raised text-ink"
    >
      <div className="space-y-7 px-5 pt-5 pb-12 sm:px-8">
        <header className="flex items-center justify-between gap-3">
          <h2 id="receipt-title" className="text-[1.05rem]">
            Receipt <Short hex={request} className="mx-1 text-muted" />{' '}
            <Copy text={request} what="request hash" />
          </h2>
          <button
            type="button"
            ref={close}
            onClick={onClose}
            className="-mr-2 cursor-pointer rounded px-2 py-1 text-muted hover:bg-accent-soft hover:text-ink"
          >
            Close
          </button>
        </header>
        {receipt.state === 'reading' && <Empty>Reading…</Empty>}
        {receipt.state === 'failed' && <Empty>{receipt.why}</Empty>}
        {receipt.state === 'read' && <Body request={request} document={receipt.value} />}
      </div>
    </dialog>
  )
}

function Body({ request, document }: { request: string; document: Receipt }) {
  const { receipt, split, error } = document
  return (
    <>
      {error ? (
        <p>
          The call failed and cost nothing. <span className="text-muted">{error.message}</span>
        </p>
      ) : (
        <Timeline document={document} />
      )}
      {receipt && split && (
        <section aria-label="Payment" className="space-y-4">
          <p className="text-[2.1rem] leading-none font-[520] tracking-[-0.025em]">
            <Usd amount={receipt.price} />
          </p>
          <Sankey price={receipt.price} shares={sharesOf(document, split)} />
        </section>
      )}
      <Checks request={request} status={document.status} />
      <Facts document={document} />
    </>
  )
}

function sharesOf({ receipt, request }: Receipt, split: NonNullable<Receipt['split']>): Share[] {
  return [
    { name: `Node ${receipt?.node ?? ''}`, amount: split.node, note: 'who did the work' },
    { name: 'Pod deployer', amount: split.pod, note: 'who published the pod' },
    {
      name: 'Frontend',
      amount: split.frontend,
      note: request.frontend === 0 ? 'none: burnt' : `frontend ${request.frontend}`,
    },
    {
      name: 'Pod voters',
      amount: split.voters,
      note: split.voters === 0n ? 'none: burnt' : 'who voted for the pod',
    },
    { name: 'Protocol', amount: split.protocol, note: 'burnt' },
  ]
}
