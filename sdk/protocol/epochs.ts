/** The one clock of the protocol. @source contracts/libraries/Epochs.sol */

/** Seconds. An epoch begins on a Thursday, 00:00 UTC. */
export const EPOCH_SECONDS = 604_800

/** The epoch that holds a second. */
export const epochAt = (seconds: number): number => Math.floor(seconds / EPOCH_SECONDS)

/** The first second of an epoch, Unix. */
export const startOf = (epoch: number): number => epoch * EPOCH_SECONDS
