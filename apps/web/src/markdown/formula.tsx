import katex from 'katex'
import { useEffect, useRef, useState } from 'react'
import { FORMULA } from './tex.ts'

/** A formula as MathML, which browsers draw and screen readers read; what is no formula stays as it was written. */
export default function Formula({ tex, display }: { tex: string; display: boolean }) {
  const place = useRef<HTMLSpanElement>(null)
  const [broken, setBroken] = useState(false)
  useEffect(() => {
    if (place.current === null) return
    try {
      katex.render(tex, place.current, { ...FORMULA, displayMode: display })
      setBroken(false)
    } catch {
      // A formula that is still being written, or none.
      setBroken(true)
    }
  }, [tex, display])
  return (
    <>
      <span ref={place} hidden={broken} className={display ? 'formula' : undefined} />
      {broken && <code>{tex}</code>}
    </>
  )
}
