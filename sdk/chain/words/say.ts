import { formatHeu, formatPercent } from '../../units.ts'

/** What a custom error says to a person, and what to do then. */
export interface Words {
  says: string
  fix: string
}

/** Arguments of a custom error by name, as text. */
export type Args = Readonly<Record<string, string>>

export type Wording = Record<string, (args: Args) => Words>

export const first = (args: Args): string | undefined => Object.values(args)[0]
export const last = (args: Args): string | undefined => Object.values(args).at(-1)

/** A Unix second, for people. */
export const date = (seconds: string | undefined): string => {
  const at = new Date(Number(seconds) * 1000)
  return Number.isNaN(at.getTime()) ? `second ${seconds}` : `${at.toISOString().slice(0, 19)}Z`
}

/** Wei of HEU, for people: the six first decimals. */
export const heu = (wei = '0'): string => `${formatHeu(BigInt(wei) - (BigInt(wei) % MICRO))} HEU`
const MICRO = 10n ** 12n

export const percent = (bps: string | undefined): string => formatPercent(Number(bps))
