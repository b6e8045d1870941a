import type { ReceiptDocument } from '../../../../sdk/documents.ts'

/** Between two questions; after one about a call that the router does not know, and may yet admit. Milliseconds. */
const AGAIN_MS = 1_500
const UNKNOWN_MS = 6_000

/**
 * Asks what became of a call until it is over, as long as somebody looks.
 *
 * @param ask  Gives undefined of a call that the router does not know.
 * @returns ends it: nothing is told, or asked, any more.
 */
export function follow<T extends Pick<ReceiptDocument, 'status'>>(
  ask: () => Promise<T | undefined>,
  tell: { read(value: T): void; failed(why: string): void },
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let gone = false
  const next = (pause: number) => {
    timer = setTimeout(() => (document.visibilityState === 'visible' ? again() : next(pause)), pause)
  }
  async function look() {
    const value = await ask()
    if (gone) return
    if (value) tell.read(value)
    else tell.failed('This router has admitted no such request.')
    if (value?.status !== 'settled' && value?.status !== 'failed') next(value ? AGAIN_MS : UNKNOWN_MS)
  }
  function again() {
    look().catch((cause: unknown) => {
      console.warn(cause)
      if (gone) return
      tell.failed('The router does not answer.')
      next(AGAIN_MS)
    })
  }
  again()
  return () => {
    gone = true
    clearTimeout(timer)
  }
}
