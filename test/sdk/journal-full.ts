import { execFileSync } from 'node:child_process'
import { asHeuristError } from '../../sdk/errors.ts'
import type { AccountId } from '../../sdk/journal.ts'
import { fileJournal } from '../../sdk/journal-file.ts'

/**
 * A process of the journal's test, whose disk has room for a few entries and a part of one more (Linux: a limit on the size of
 * its files), and has room again later. Tells which entries were acknowledged, and what was said of the others.
 */
const [folder = '', accountText = '{}'] = process.argv.slice(2)
const log = await fileJournal(folder).open(JSON.parse(accountText) as AccountId)
process.on('SIGXFSZ', () => {})
const limit = (bytes: string) => execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:`])

const acknowledged: number[] = []
const errors: { code: string; kind: string; cause: string | undefined }[] = []
async function append(at: number): Promise<void> {
  const request = `0x${at.toString(16).padStart(64, '0')}` as const
  try {
    await log.append({ type: 'released', at, request, code: 'test' })
    acknowledged.push(at)
  } catch (cause) {
    const { code, kind, cause: inner } = asHeuristError(cause)
    errors.push({ code, kind, cause: (inner as NodeJS.ErrnoException).code })
  }
}

limit('2000')
let at = 0
while (errors.length < 3) await append(at++)
await Promise.all([append(at++), append(at++), append(at++)])
limit('100000')
await Promise.all([append(at++), append(at++)])
process.stdout.write(JSON.stringify({ acknowledged, errors, last: at - 1 }))
process.exit(0)
