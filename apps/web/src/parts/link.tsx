import type { AnchorHTMLAttributes } from 'react'
import { go } from '../network/address.ts'

/** A link inside a door: the page changes without being loaded again, unless another tab is wished for. */
export function Link({ href, onClick, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  return (
    <a
      href={href}
      onClick={(event) => {
        onClick?.(event)
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return
        event.preventDefault()
        go(href)
      }}
      {...rest}
    />
  )
}

/** How a link in running text looks. */
export const LINK = 'underline decoration-edge decoration-1 underline-offset-4 hover:decoration-accent'
