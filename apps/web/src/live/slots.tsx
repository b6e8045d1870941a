import type { Slot } from '../network/documents.ts'

/** Hollow = cold, half = loading, solid = warm, accent = at work. The table of nodes says the same in words. */
export function SlotSquares({
  slots,
  x,
  y,
  most,
}: {
  slots: readonly Slot[]
  x: number
  y: number
  most: number
}) {
  return slots.slice(0, most).map((slot, index) => (
    <rect
      key={slot.slot}
      x={x + index * 14}
      y={y}
      width="10"
      height="10"
      rx="2.5"
      strokeWidth="1.5"
      className={
        !slot.free && slot.state === 'warm'
          ? 'fill-accent stroke-accent'
          : slot.state === 'warm'
            ? 'fill-edge stroke-edge'
            : slot.state === 'loading'
              ? 'fill-line stroke-edge'
              : 'fill-transparent stroke-edge'
      }
    >
      <title>{`slot ${slot.slot}: ${slotWord(slot)}`}</title>
    </rect>
  ))
}

export const slotWord = (slot: Slot): string =>
  slot.state === 'warm' ? (slot.free ? 'warm' : 'at work') : slot.state
