import type { Network } from '../../sdk/chain/network.ts'
import { asHeuristError } from '../../sdk/errors.ts'

/** One thing that was looked at. */
export interface Check {
  /** `room.thing`, stable. */
  name: string
  ok: boolean
  /** What was found. */
  detail: string
  /** What to do; present whenever `ok` is false. */
  fix?: string
}

export interface Examination {
  network: Network
  /** The node's folder: keys and receipts. */
  home: string
  podsDir: string
  /** Names of the pods to look at; default: every folder of `podsDir` that is one. */
  pods?: string[]
  /** Opens the signer's key file, if it is a keystore. */
  password?: string
}

/** What was found; with a `fix`, it works but could be better. */
export type Finding = string | { detail: string; fix: string }

/** Runs one look; what it throws is the fault. */
export async function look(name: string, find: () => Finding | Promise<Finding>): Promise<Check> {
  try {
    const found = await find()
    if (typeof found === 'string') return { name, ok: true, detail: found }
    return { name, ok: true, ...found }
  } catch (cause) {
    const error = asHeuristError(cause)
    const fix = error.fix ?? 'Look at the message; if it says nothing, report it as a bug.'
    return { name, ok: false, detail: error.message, fix }
  }
}
