import type { ComponentProps } from 'react'

type Props = ComponentProps<'button'> & { tone?: 'main' | 'quiet' | 'plain' }

const TONES = {
  main: 'bg-accent text-on-accent px-3.5 py-1.5 font-[520] disabled:bg-line disabled:text-muted',
  quiet: 'border border-edge px-3 py-1 hover:bg-accent-soft disabled:text-muted',
  plain: 'label px-1.5 py-0.5 hover:bg-accent-soft hover:text-ink',
} as const

/** A button: `main` for the one thing to do next, `quiet` beside it, `plain` in a row of small ones. */
export function Button({ tone = 'quiet', className = '', type = 'button', ...rest }: Props) {
  return (
    <button
      type={type}
      className={`cursor-pointer rounded-md disabled:cursor-not-allowed ${TONES[tone]} ${className}`}
      {...rest}
    />
  )
}
