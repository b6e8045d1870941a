// Bundles the long-running programs, so that each starts in a fifth of the time it takes to load a thousand modules.
// Made by `npm install` (the `prepare` script) into `.bundle/`, never committed; used only while it is fresh, else the
// sources run as they are. Plain JavaScript, because it runs before anything else does.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..')
export const BUNDLE = join(ROOT, '.bundle')
const STAMP = join(BUNDLE, 'source-hash')

/** Program name → its source. */
export const PROGRAMS = {
  cli: 'cli/main.ts',
  router: 'keepers/router/main.ts',
  keeper: 'keepers/epoch/main.ts',
  worker: 'worker/main.ts',
  slot: 'worker/slot/main.ts',
  gateway: 'apps/gateway/main.ts',
  web: 'apps/web/serve.ts',
  babel: 'apps/babel/main.ts',
}

/** Packages that load binaries, or files beside themselves, stay where npm put them. */
const EXTERNAL = [
  'onnxruntime-node',
  'libsql',
  'secp256k1',
  'tiny-secp256k1',
  'sharp',
  '@huggingface/*',
  'pino',
  'fastify',
  '@fastify/static',
  'ws',
  'prom-client',
  'tsx',
  'discord.js',
]

const ROOMS = ['sdk', 'deploy', 'keepers', 'worker', 'apps/gateway', 'apps/web', 'apps/babel', 'cli']
const SKIPPED = new Set(['node_modules', 'dist', 'src', 'public'])

function sources(folder) {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : sources(path)
    return entry.name.endsWith('.ts') ? [path] : []
  })
}

/** A hash of everything that the bundle is made of. */
function sourceHash() {
  const hash = createHash('sha256').update(ROOT)
  for (const file of [...ROOMS.flatMap(sources).sort(), 'package-lock.json', 'deploy/build/bundle.mjs']) {
    hash.update(file).update(readFileSync(join(ROOT, file)))
  }
  return hash.digest('hex')
}

/** The bundle's folder if it was made from today's sources. */
export function freshBundle() {
  try {
    return readFileSync(STAMP, 'utf8') === sourceHash() ? BUNDLE : undefined
  } catch {
    return undefined
  }
}

/** What a source says of its own place stays true inside the bundle. */
const ownPlace = {
  name: 'own-place',
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (path.includes('node_modules')) return undefined
      const place = { dirname: dirname(path), filename: path, url: pathToFileURL(path).href }
      const contents = readFileSync(path, 'utf8').replace(
        /\bimport\.meta\.(dirname|filename|url)\b/g,
        (_, name) => JSON.stringify(place[name]),
      )
      return { contents, loader: 'ts' }
    })
  },
}

/**
 * npm runs this at every `npx heurist` of somebody whose npm has not seen this folder before, while programs run from the
 * bundle: one that is fresh is left alone, and a new one takes its place whole.
 */
async function bundle() {
  const { build } = await import('esbuild')
  const fresh = `${BUNDLE}.${process.pid}`
  const old = `${fresh}.old`
  try {
    mkdirSync(fresh)
    await build({
      absWorkingDir: ROOT,
      entryPoints: PROGRAMS,
      outdir: fresh,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      external: EXTERNAL,
      // Bundled CommonJS packages ask for `require`.
      banner: {
        js: `import { createRequire as $createRequire } from 'node:module'; const require = $createRequire(import.meta.url);`,
      },
      plugins: [ownPlace],
      logLevel: 'error',
    })
    writeFileSync(join(fresh, 'package.json'), '{ "type": "module" }\n')
    writeFileSync(join(fresh, basename(STAMP)), sourceHash())
    if (existsSync(BUNDLE)) renameSync(BUNDLE, old)
    renameSync(fresh, BUNDLE)
  } finally {
    for (const left of [fresh, old]) rmSync(left, { recursive: true, force: true })
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (existsSync(join(ROOT, 'package-lock.json')) && freshBundle() === undefined) {
    // A start without a bundle is slower, not broken: an install never fails for it.
    await bundle().catch((cause) => process.stderr.write(`no bundle was made: ${cause.message}\n`))
  }
}
