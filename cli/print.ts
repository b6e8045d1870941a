import { asHeuristError, type HeuristError } from '../sdk/errors.ts'
import { toWire } from '../sdk/protocol/wire.ts'

/** How a command speaks: to a person on a terminal, or as one JSON object for `--json`. */
export interface Printer {
  readonly json: boolean
  /** A line for people; nothing under `--json`. */
  line(text?: string): void
  /** Rows of `name  value`; nothing under `--json`. */
  rows(rows: readonly (readonly [string, string])[]): void
  /** The answer itself: printed only under `--json`. */
  result(value: unknown): void
}

/** Longer than any line of ours. */
const MOST_SHOWN = 2_000

/** Text of others as it may stand on a terminal: in one line, without characters that move, colour or hide what is there. */
export const plain = (text: string): string =>
  String(text)
    .slice(0, MOST_SHOWN)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`)

export function createPrinter(json: boolean): Printer {
  const write = (text: string) => process.stdout.write(`${text}\n`)
  return {
    json,
    line: (text = '') => {
      if (!json) write(text)
    },
    rows(rows) {
      if (json) return
      const width = Math.max(...rows.map(([name]) => name.length))
      for (const [name, value] of rows) write(`  ${plain(name).padEnd(width)}  ${plain(value)}`)
    },
    result: (value) => {
      if (json) write(toWire(value))
    },
  }
}

/** Exit codes: 1 = it failed, 2 = it was called wrongly. */
export function printFailure(cause: unknown, json: boolean): number {
  const error = asHeuristError(cause)
  if (json) process.stdout.write(`${JSON.stringify({ error: error.toJSON() })}\n`)
  else process.stderr.write(`${failureText(error)}\n`)
  return 1
}

function failureText(error: HeuristError): string {
  const facts = Object.entries(error.details).map(([name, value]) => `  ${name}: ${value}`)
  const stack = error.kind === 'bug' && error.cause instanceof Error ? [error.cause.stack ?? ''] : []
  return [
    `heurist: ${plain(error.message)} [${plain(error.code)}]`,
    ...facts.map(plain),
    ...(error.fix ? [`  → ${plain(error.fix)}`] : []),
    ...stack,
  ].join('\n')
}
