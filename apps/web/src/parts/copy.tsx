import { useState } from 'react'

/** Copies a text and says so, to eyes and to screen readers. */
export function Copy({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState(false)
  async function copy() {
    await navigator.clipboard.writeText(text)
    setCopied(true)
    window.setTimeout(() => setCopied(false), 1_500)
  }
  return (
    <button
      type="button"
      onClick={() => void copy()}
      className="label cursor-pointer rounded px-1.5 py-0.5 hover:bg-accent-soft hover:text-ink"
    >
      <span className="sr-only">Copy {what}</span>
      <span aria-hidden="true">{copied ? 'copied' : 'copy'}</span>
      <span role="status" className="sr-only">
        {copied ? 'Copied' : ''}
      </span>
    </button>
  )
}
