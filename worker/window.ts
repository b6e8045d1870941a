/** Output pieces are at most this long, so that a slow reader is felt early and a fast one is not chopped up. */
const PIECE_BYTES = 32 * 1024

/** How many more output bytes of one job the router takes just now. */
export interface CreditWindow {
  add(bytes: number): void
  /**
   * Hands `bytes` to `put` piece by piece, in order, never more than the window allows.
   *
   * @returns false if the signal aborted first: what had not been put never will be.
   */
  pass(bytes: Uint8Array, put: (piece: Uint8Array) => void): Promise<boolean>
}

export function creditWindow(windowBytes: number, signal: AbortSignal): CreditWindow {
  let left = windowBytes
  let wake = () => {}
  let turn: Promise<boolean> = Promise.resolve(true)
  signal.addEventListener('abort', () => wake(), { once: true })
  const change = () => new Promise<void>((resolve) => (wake = resolve))

  async function passNow(bytes: Uint8Array, put: (piece: Uint8Array) => void): Promise<boolean> {
    let at = 0
    while (at < bytes.length) {
      if (signal.aborted) return false
      if (left === 0) {
        await change()
        continue
      }
      const piece = bytes.subarray(at, at + Math.min(left, PIECE_BYTES))
      left -= piece.length
      at += piece.length
      put(piece)
    }
    return true
  }

  return {
    add(bytes) {
      left += bytes
      wake()
    },
    pass(bytes, put) {
      turn = turn.then((whole) => whole && passNow(bytes, put))
      return turn
    },
  }
}
