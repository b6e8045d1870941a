import { type ReactNode, useId } from 'react'

/** A titled part of the page; the line above it is all the frame it needs. */
export function Section({ title, note, children }: { title: string; note?: ReactNode; children: ReactNode }) {
  const id = useId()
  return (
    <section aria-labelledby={id} className="border-t border-line pt-5">
      <div className="mb-3 flex flex-wrap items-baseline justify-between gap-x-4">
        <h2 id={id} className="text-[1.05rem]">
          {title}
        </h2>
        {note !== undefined && <p className="label">{note}</p>}
      </div>
      {children}
    </section>
  )
}

export const Empty = ({ children }: { children: ReactNode }) => <p className="py-4 text-muted">{children}</p>

/** The head of a page: its name, and what it is about or the way back. */
export const PageHead = ({ title, children }: { title: string; children?: ReactNode }) => (
  <header className="space-y-1">
    <h1 className="text-[1.45rem] leading-snug [overflow-wrap:anywhere]">{title}</h1>
    {children !== undefined && <div className="max-w-[44rem] text-muted">{children}</div>}
  </header>
)

/** Two columns where there is room. */
export const Columns = ({ children }: { children: ReactNode }) => (
  <div className="grid grid-cols-1 gap-x-12 gap-y-10 lg:grid-cols-2">{children}</div>
)
