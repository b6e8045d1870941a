/** Cases against nodes, as the SlashingManager keeps them: what may happen next, until when, and by whom. Pure. */

/** By their number. @source ISlashingManager.State */
export const CASE_STATES = [
  'none',
  'proposed',
  'disputed',
  'upheld',
  'executed',
  'dismissed',
  'lapsed',
] as const
export type CaseState = (typeof CASE_STATES)[number]

/** Seconds to execute an undisputed case after its dispute window. @source ISlashingManager.EXECUTE_SECONDS */
export const EXECUTE_SECONDS = 7 * 86_400

/** Whether the case still holds stake and bonds. */
export const isOpen = ({ state }: { state: CaseState }): boolean =>
  state === 'proposed' || state === 'disputed' || state === 'upheld'

/** What moves an open case on. `dispute` is the node owner's, `judge` the judge's; the others are anybody's. */
export interface Step {
  act: 'dispute' | 'judge' | 'execute' | 'lapse'
  /** Its last Unix second; absent where there is none. */
  until?: number
}

/**
 * The step that is open at second `now`; undefined once the case is decided.
 *
 * @param until  The last second of the state, as the contract says it.
 */
export function nextStep(
  { state, until }: { state: CaseState; until: number },
  now: number,
): Step | undefined {
  if (!isOpen({ state })) return undefined
  if (state === 'proposed' && now <= until) return { act: 'dispute', until }
  const last = state === 'proposed' ? until + EXECUTE_SECONDS : until
  if (now > last) return { act: 'lapse' }
  return { act: state === 'disputed' ? 'judge' : 'execute', until: last }
}
