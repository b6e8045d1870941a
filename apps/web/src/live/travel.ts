/** Dots that travel along lines: the page's only motion, and only when a job moves. */

export interface Leg {
  path: SVGPathElement
  /** From its end to its start. */
  back: boolean
}

const SPEED_PX_PER_MS = 0.42
const SHORTEST_MS = 260
/** More than this on the way at once is a crowd, not a picture. */
const MOST = 80
let travelling = 0

const calm = () => window.matchMedia('(prefers-reduced-motion: reduce)').matches

/** Sends one dot along the legs, one after the other. Readers who want no motion see the lines light up instead. */
export async function travel(layer: SVGGElement, legs: readonly Leg[]): Promise<void> {
  if (travelling >= MOST || document.visibilityState === 'hidden') return
  travelling += 1
  try {
    for (const leg of legs) {
      const ms = Math.max(SHORTEST_MS, leg.path.getTotalLength() / SPEED_PX_PER_MS)
      leg.path.dataset.lit = ''
      await (calm() ? pause(ms) : move(layer, leg, ms))
      delete leg.path.dataset.lit
    }
  } finally {
    travelling -= 1
  }
}

const pause = (ms: number) => new Promise((resolve) => window.setTimeout(resolve, ms))

function move(layer: SVGGElement, { path, back }: Leg, ms: number): Promise<void> {
  const dot = document.createElementNS('http://www.w3.org/2000/svg', 'circle')
  dot.setAttribute('r', '4.5')
  dot.setAttribute('class', 'fill-accent')
  const length = path.getTotalLength()
  const started = performance.now()
  return new Promise((resolve) => {
    const step = (now: number) => {
      const share = Math.min(1, Math.max(0, now - started) / ms)
      if (share >= 1 || !path.isConnected) {
        dot.remove()
        return resolve()
      }
      const eased = share < 0.5 ? 2 * share * share : 1 - (2 - 2 * share) ** 2 / 2
      const point = path.getPointAtLength(length * (back ? 1 - eased : eased))
      dot.setAttribute('cx', String(point.x))
      dot.setAttribute('cy', String(point.y))
      if (!dot.isConnected) layer.append(dot)
      requestAnimationFrame(step)
    }
    requestAnimationFrame(step)
  })
}
