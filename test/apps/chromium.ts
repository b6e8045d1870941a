import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

/** Where Chromium usually is. `HEURIST_CHROMIUM` names another place. */
const USUAL = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/** The Chromium of this machine; undefined if there is none. */
export function findChromium(): string | undefined {
  const named = process.env.HEURIST_CHROMIUM
  if (named !== undefined) return existsSync(named) ? named : undefined
  return USUAL.find((path) => existsSync(path))
}

/** Test files that need it; the first of them is quick enough for `npm test`. */
export const BROWSER_TESTS = [
  'test/apps/web-pondera.test.ts',
  'test/apps/web-pondera-chat.test.ts',
  'test/apps/web-pondera-documents.test.ts',
  'test/apps/web-pondera-money.test.ts',
  'test/apps/web-acts.test.ts',
  'test/apps/web-session.test.ts',
  'test/apps/web-live.test.ts',
  'test/apps/web-acts-twice.test.ts',
  'test/apps/web-session-keys.test.ts',
  'test/apps/web-portal.test.ts',
  'test/apps/web-portal-epochs.test.ts',
  'test/apps/web-imagine.test.ts',
  'test/apps/web-search.test.ts',
  'test/apps/web-unkept.test.ts',
  'test/apps/web-weight.test.ts',
  'test/apps/web-day.test.ts',
  'test/apps/web-late.test.ts',
] as const

export const NO_CHROMIUM =
  'no Chromium was found: install one, or name it with HEURIST_CHROMIUM; the tests in a browser did not run'

/** @throws if there is no Chromium: a test in a browser never passes without one. */
export function launchChromium(): Promise<Browser> {
  const executablePath = findChromium()
  if (executablePath === undefined) throw new Error(NO_CHROMIUM)
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}
