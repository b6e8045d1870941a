import { asHeuristError } from './errors.ts'

/** One thing that must hold about a call, and what was found. */
export interface Check {
  name: string
  /** False if something contradicts it. */
  ok: boolean
  /** False if there was nothing to check it against; `ok` then says no more than that nothing contradicts it. */
  checked: boolean
  /** One line: the values that agree, or the two that do not. */
  detail: string
}

export const check = (name: string, ok: boolean, detail: string): Check => ({
  name,
  ok,
  checked: true,
  detail,
})
export const yes = (name: string, detail: string): Check => check(name, true, detail)
export const no = (name: string, detail: string): Check => check(name, false, detail)
export const unchecked = (name: string, detail: string): Check => ({ name, ok: true, checked: false, detail })

/**
 * What an error says of a check: that what was shown is wrong. What nobody foresaw is no excuse either, for it may come of
 * what was shown.
 *
 * @throws what time can mend: to be checked again.
 */
export function noIfRefused(name: string, cause: unknown): Check {
  const { code, kind, message } = asHeuristError(cause)
  if (kind === 'later') throw cause
  const says =
    code === 'unexpected' ? 'could not be checked: something went wrong that was not expected' : message
  return no(name, `${code}: ${says}`)
}
