import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

/**
 * `npx tsx apps/web/build.ts` makes `dist/`, which is committed so that a start compiles nothing. `dist/.source-hash`
 * names every file it was made from with its SHA-256, and the pinned versions of the packages in it. Beside what is worth
 * it lies the same compressed, for the server to send: `.br` to browsers that take it, `.gz` to the others.
 */

const here = import.meta.dirname
const root = join(here, '..', '..')
const dist = join(here, 'dist')
const stamp = join(dist, '.source-hash')

/** Not in the module graph, but they shape the result. */
const ALWAYS = [
  'index.html',
  'pondera.html',
  'imagine.html',
  'search.html',
  'package.json',
  'vite.config.ts',
  'src/style.css',
  ...readdirSync(join(here, 'public'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(here, join(parentPath, name))),
]
/** What the page takes from the root package. */
const PACKAGES = ['viem', 'zod', 'yaml'] as const

const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')

function packageLines(): string[] {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  return PACKAGES.map((name) => `package ${name}@${dependencies[name]}`)
}

/** The stamp of these files as they are now; undefined if one is gone. */
function stampOf(files: readonly string[]): string | undefined {
  const paths = [...new Set(files)].sort()
  if (!paths.every((path) => existsSync(join(root, path)))) return undefined
  const lines = paths.map((path) => `${sha256(join(root, path))}  ${path}`)
  return `${[...lines, ...packageLines()].join('\n')}\n`
}

/** Whether `dist/` was made from the sources as they are now. */
export function isFresh(): boolean {
  if (!existsSync(stamp)) return false
  const text = readFileSync(stamp, 'utf8')
  const files = [...text.matchAll(/^[0-9a-f]{64} {2}(.+)$/gm)].map((match) => match[1] ?? '')
  return stampOf(files) === text
}

/** Builds the page; needs the devDependencies. */
export async function build(): Promise<void> {
  const { build: bundle } = await import('vite')
  const files = ALWAYS.map((file) => relative(root, join(here, file)))
  await bundle({
    configFile: join(here, 'vite.config.ts'),
    logLevel: 'warn',
    plugins: [
      {
        name: 'sources',
        generateBundle() {
          for (const id of this.getModuleIds()) {
            const path = id.split('?')[0] ?? id
            if (path.startsWith(root) && !path.includes('node_modules')) files.push(relative(root, path))
          }
        },
      },
    ],
  })
  compress()
  const made = stampOf(files)
  if (made === undefined) throw new Error('a source vanished while the page was built')
  writeFileSync(stamp, made)
}

/** Smaller files fit a packet as they are. Bytes. */
const LEAST_COMPRESSED = 1_024

function compress(): void {
  for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(?:js|mjs|css|html|svg)$/.test(name)) continue
    const path = join(dist, name)
    const bytes = readFileSync(path)
    if (bytes.length < LEAST_COMPRESSED) continue
    const hint = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
    writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: hint }))
    writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }))
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await build()
