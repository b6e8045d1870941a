import type { Job } from '../../../../sdk/protocol/wire.ts'
import type { Problem } from '../session/words.ts'

/** A picture that was asked for, as this browser keeps it. */
export interface Drawing {
  id: string
  model: string
  at: number
  /** The very text that was sent. */
  input: string
  /** `drawing` until its end; `cut` = the page was closed meanwhile; `unkept` = it came, and the disk had no room for it. */
  state: 'drawing' | 'done' | 'unkept' | 'cancelled' | 'cut' | 'failed'
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
  /** Of one that came and could not be checked then: its answer is asked for with it again, and paid once. */
  job?: Job
  /** Where it is shared, and the secret that deletes that. */
  share?: { id: string; secret: string }
}

export const STEPS = ['signing', 'waiting', 'drawing', 'checking'] as const
export type Step = (typeof STEPS)[number]

/** So many of a model are kept, and as many that are shared. */
export const MOST_KEPT = 50

/** Those of one model, newest first. Pure. */
export const ofModel = (drawings: readonly Drawing[], model: string): Drawing[] =>
  drawings.filter((each) => each.model === model).sort((a, b) => b.at - a.at)

/**
 * Those of a model that no longer fit: what cost nothing and came to nothing goes first, then the oldest. Never a shared one,
 * with which the secret would go that deletes its page, nor one that is being drawn. Pure.
 *
 * @param come  Has just come and stays, whatever the clock said when the others did.
 */
export function outgrown(drawings: readonly Drawing[], model: string, come?: string): Drawing[] {
  const ended = ofModel(drawings, model)
    .filter(({ state, share }) => state !== 'drawing' && share === undefined)
    .reverse()
  const [free, dear] = [ended.filter(isFree), ended.filter((each) => !isFree(each))]
  const mayGo = [...free, ...dear].filter(({ id }) => id !== come)
  return mayGo.slice(0, Math.max(0, ended.length - MOST_KEPT))
}

/** What has to go for the next one of its model: a picture, or the line of a call that was paid for. Pure. */
export function nextToGo(drawings: readonly Drawing[], model: string): Drawing | undefined {
  const next: Drawing = { id: '', model, at: Number.POSITIVE_INFINITY, input: '', state: 'done' }
  return outgrown([...drawings, next], model, next.id).find((each) => !isFree(each))
}

const isFree = ({ state, request, price }: Drawing): boolean =>
  state !== 'done' && state !== 'unkept' && (request === undefined || price === '0')
