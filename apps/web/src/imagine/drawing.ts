import type { Problem } from '../session/words.ts'

/** A picture that was asked for, as this browser keeps it. */
export interface Drawing {
  id: string
  model: string
  at: number
  /** The very text that was sent. */
  input: string
  /** `drawing` until its end; `cut` = the page was closed meanwhile. */
  state: 'drawing' | 'done' | 'cancelled' | 'cut' | 'failed'
  /** How far it has come, while it is drawn. */
  step?: Step
  /** The node that draws it, once it is known. */
  node?: number
  /** What its receipt is looked up by, known before anybody sees the call. */
  request?: string
  /** Base units, decimal text, of the verified receipt; 0 where the journal says that there is none. */
  price?: string
  /** The journal was shortened since: its receipt alone says what it cost, if it has one. */
  isForgotten?: true
  problem?: Problem
  /** Where it is shared, and the secret that deletes that. */
  share?: { id: string; secret: string }
}

export const STEPS = ['signing', 'waiting', 'drawing', 'checking'] as const
export type Step = (typeof STEPS)[number]

/** So many of a model are kept, and as many that are shared; the oldest that is not shared goes. */
export const MOST_KEPT = 50

/** Those of one model, newest first. Pure. */
export const ofModel = (drawings: readonly Drawing[], model: string): Drawing[] =>
  drawings.filter((each) => each.model === model).sort((a, b) => b.at - a.at)

/** Those of a model that no longer fit; never a shared one, with which the secret would go that deletes its page. Pure. */
export const outgrown = (drawings: readonly Drawing[], model: string): Drawing[] =>
  ofModel(drawings, model)
    .filter(({ share }) => share === undefined)
    .slice(MOST_KEPT)
    .filter(({ state }) => state !== 'drawing')
