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
      for (const [name, value] of rows) write(`  ${name.padEnd(width)}  ${value}`)
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
    `heurist: ${error.message} [${error.code}]`,
    ...facts,
    ...(error.fix ? [`  → ${error.fix}`] : []),
    ...stack,
  ].join('\n')
}
