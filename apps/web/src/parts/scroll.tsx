import type { ReactNode } from 'react'

/** What is wider than the page scrolls within its own frame, by keyboard too. */
export const Scroll = ({ name, children }: { name: string; children: ReactNode }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: who scrolls by keyboard must get there.
  <section aria-label={name} tabIndex={0} className="max-w-full overflow-x-auto">
    {children}
  </section>
)
