import type { ReactNode } from 'react'

/** Says above a page that it can only be read, and why. */
export const ReadOnly = ({ name, children }: { name: string; children: ReactNode }) => (
  <p role="status" className="rounded-md border border-edge bg-raised px-3.5 py-2" data-banner={name}>
    <strong className="font-[560]">Read only.</strong> {children}
  </p>
)
