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

/** Node's arguments for a program: from the bundle if this process runs from it, else from the sources. */
export function programArgv(entry: string): string[] {
  const bundle = process.env.HEURIST_BUNDLE
  const name = BUNDLED[entry]
  return bundle && name ? [join(bundle, name)] : ['--import', 'tsx', join(ROOT, entry)]
}
