import type { AnchorHTMLAttributes } from 'react'
import { go } from '../network/address.ts'

type Props = AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }

/** A link inside one door: the page stays, its key stays open. Other clicks than a plain one are the browser's. */
export function Link({ href, ...rest }: Props) {
  return (
    <a
      href={href}
      onClick={(event) => {
        if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
        event.preventDefault()
        go(href)
        window.scrollTo({ top: 0 })
      }}
      {...rest}
    />
  )
}
