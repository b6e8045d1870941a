import { type ReactNode, useEffect, useId, useRef } from 'react'
import { Boundary, Broken } from './boundary.tsx'

/** A dialog over the page. Escape, the backdrop and its button close it; focus goes back to where it was. */
export function Dialog({
  title,
  onClose,
  side = 'middle',
  children,
}: {
  title: string
  onClose: () => void
  side?: 'middle' | 'left'
  children: ReactNode
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const element = dialog.current
    const before = document.activeElement
    element?.showModal()
    return () => {
      element?.close()
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  const place =
    side === 'left'
      ? 'm-0 mr-auto h-dvh max-h-none w-[19rem] max-w-[88vw] border-r'
      : 'm-auto w-[31rem] max-w-[calc(100vw-1.5rem)] rounded-lg border'
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog by itself.
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
      className={`${place} border-line bg-raised text-ink`}
    >
      <div className="space-y-4 px-5 pt-4 pb-6">
        <header className="flex items-center justify-between gap-3">
          <h2 id={id} className="text-[1.05rem]">
            {title}
          </h2>
          <button
            type="button"
            onClick={onClose}
            className="-mr-2 cursor-pointer rounded px-2 py-1 text-muted hover:bg-accent-soft hover:text-ink"
          >
            Close
          </button>
        </header>
        <Boundary instead={<Broken />}>{children}</Boundary>
      </div>
    </dialog>
  )
}
