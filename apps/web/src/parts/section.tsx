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
