import type { ReactNode } from 'react'
import type { Door, PageConfig } from '../network/config.ts'
import { ThemeChoice } from './theme.tsx'

const DOOR_WORDS: Record<Door, { name: string; path: string }> = {
  portal: { name: 'network', path: '/' },
  pondera: { name: 'pondera', path: '/pondera' },
  imagine: { name: 'imagine', path: '/imagine' },
  search: { name: 'search', path: '/search' },
}

export const Mark = () => (
  <svg aria-hidden="true" width="22" height="22" viewBox="0 0 32 32">
    <rect width="32" height="32" rx="8" className="fill-accent" />
    <path
      d="M10 7v18M22 7v18M10 16h12"
      className="fill-none stroke-on-accent"
      strokeWidth="3"
      strokeLinecap="round"
    />
    <circle cx="16" cy="16" r="3.6" className="fill-on-accent" />
  </svg>
)

/** The head of every door: where one is, the other doors, what stands beside the theme. */
export function DoorHeader({
  door,
  config,
  children,
}: {
  door: Door
  config: PageConfig
  children?: ReactNode
}) {
  const open = Object.keys(config.doors) as Door[]
  return (
    <header className="flex flex-wrap items-center justify-between gap-x-5 gap-y-2.5 py-4">
      <div className="flex items-center gap-2.5">
        <Mark />
        <span className="text-[1.05rem] font-[560] tracking-[-0.015em]">heurist</span>
        {open.length > 1 && (
          <nav aria-label="Doors" className="ml-2 flex flex-wrap gap-0.5 border-l border-line pl-3">
            {open.map((each) => (
              <a
                key={each}
                href={DOOR_WORDS[each].path}
                aria-current={each === door ? 'page' : undefined}
                className="label rounded px-2 py-1 hover:bg-accent-soft hover:text-ink aria-[current]:bg-accent-soft aria-[current]:text-ink"
              >
                {DOOR_WORDS[each].name}
              </a>
            ))}
          </nav>
        )}
      </div>
      <div className="flex flex-wrap items-center gap-3">
        {children}
        <ThemeChoice />
      </div>
    </header>
  )
}

/** The first stop of the keyboard. */
export const SkipLink = ({ to, children }: { to: string; children: ReactNode }) => (
  <a
    href={`#${to}`}
    className="sr-only focus:not-sr-only focus:absolute focus:z-10 focus:m-3 focus:bg-raised focus:px-3 focus:py-1.5"
  >
    {children}
  </a>
)
