import { execFileSync } from 'node:child_process'
import type { AccountId } from '../../sdk/journal.ts'
import { fileJournal } from '../../sdk/journal-file.ts'

/**
 * A process of the journal's test, whose disk has room for a few entries and a part of one more (Linux: a limit on the size of its files).
 * Tells how many were acknowledged before the first refusal.
 */
const [folder = '', accountText = '{}'] = process.argv.slice(2)
const log = await fileJournal(folder).open(JSON.parse(accountText) as AccountId)
process.on('SIGXFSZ', () => {})
execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=2000'])

let acknowledged = 0
try {
  for (;;) {
    const request = `0x${acknowledged.toString(16).padStart(64, '0')}` as const
    await log.append({ type: 'released', at: acknowledged, request, code: 'test' })
    acknowledged += 1
  }
} catch (cause) {
  process.stdout.write(JSON.stringify({ acknowledged, code: (cause as NodeJS.ErrnoException).code }))
  process.exit(0)
}
