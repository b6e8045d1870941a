import type { Hex } from 'viem'
import { FRAME, jsonPayload } from '../sdk/protocol/frames.ts'
import type { SlotState } from '../sdk/protocol/link.ts'
import type { SignedReceipt } from '../sdk/protocol/wire.ts'
import type { LinkOutlet } from './link.ts'
import type { ReceiptStore } from './receipts.ts'
import type { Slot } from './slots.ts'

/** What the router knows of this worker: which slots there are, and which receipts it has not acknowledged. */
export interface Presence {
  /** The pods' numbers on chain, by manifest hash; a pod without one is not offered. */
  numbers: ReadonlyMap<Hex, number>
  offered(): SlotState[]
  /** A router admitted us. */
  arrive(outlet: LinkOutlet): void
  leave(): void
  /** Says what is free now; once per turn, however often it changed. */
  tell(): void
  announce(signed: SignedReceipt): void
  /** Every receipt that was never acknowledged, the identical bytes again. */
  announceAll(): void
  /** Offers nothing more. */
  close(): void
}

/** @param covered  Whether new calls may be taken: what they would earn is covered. */
export function createPresence(
  slots: readonly Slot[],
  receipts: ReceiptStore,
  covered: () => boolean,
): Presence {
  let outlet: LinkOutlet | undefined
  let telling = false
  let closed = false

  const presence: Presence = {
    numbers: new Map(),
    offered: () =>
      slots.flatMap((slot) => {
        const pod = presence.numbers.get(slot.pod.hash)
        if (pod === undefined) return []
        const state = slot.stateFor(pod)
        return [closed || (state.free && !covered()) ? { ...state, free: false } : state]
      }),
    arrive(admitted) {
      outlet = admitted
      presence.announceAll()
    },
    leave() {
      outlet = undefined
    },
    tell() {
      if (telling) return
      telling = true
      queueMicrotask(() => {
        telling = false
        outlet?.send(0, FRAME.slots, jsonPayload(presence.offered()))
      })
    },
    announce: (signed) => void outlet?.send(0, FRAME.receipt, jsonPayload(signed)),
    announceAll() {
      for (const signed of receipts.unreceived()) presence.announce(signed)
    },
    close() {
      closed = true
      presence.tell()
    },
  }
  for (const slot of slots) slot.onChange = presence.tell
  return presence
}
