import { join } from 'node:path'
import { ROOT } from './home.ts'

/** The long-running programs that `heurist` starts, by their source. */
const BUNDLED: Record<string, string> = {
  'keepers/router/main.ts': 'router.js',
  'keepers/epoch/main.ts': 'keeper.js',
  'worker/main.ts': 'worker.js',
  'apps/gateway/main.ts': 'gateway.js',
  'apps/web/serve.ts': 'web.js',
  'apps/babel/main.ts': 'babel.js',
}

/**
 * Node's options for those that pass on the calls of all. What is made for a call is soon forgotten: with more room for it (MiB),
 * Node looks a quarter as often for what is not. And V8 must not conclude from a busy moment, when many calls last longer than
 * its looks are apart, that what they are made of is kept: it would put that where it is dear to forget, for good.
 */
export const SERVER_OPTIONS = ['--max-semi-space-size=64', '--no-allocation-site-pretenuring']
const SERVERS = new Set(['keepers/router/main.ts', 'apps/gateway/main.ts'])

/** Node's arguments for a program: from the bundle if this process runs from it, else from the sources. */
export function programArgv(entry: string): string[] {
  const options = SERVERS.has(entry) ? SERVER_OPTIONS : []
  const bundle = process.env.HEURIST_BUNDLE
  const name = BUNDLED[entry]
  const program = bundle && name ? [join(bundle, name)] : ['--import', 'tsx', join(ROOT, entry)]
  return [...options, ...program]
}
