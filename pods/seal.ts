/**
 * Fills the `files:` list of a pod's manifest with every file under `model/`: path, SHA-256, bytes.
 *
 *   node --import tsx pods/seal.ts chat image
 *
 * Nothing else in `pod.yaml` changes, and sealing a sealed pod changes nothing. Its new hash is printed: a changed
 * hash is a new version.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseDocument, YAMLMap, YAMLSeq } from 'yaml'
import { manifestHash, parseManifest } from '../sdk/protocol/manifest.ts'

interface SealedFile {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
}

/** Every file under `model/`, sorted by path, as a manifest names it. */
export async function modelFiles(folder: string): Promise<SealedFile[]> {
  const entries = await readdir(join(folder, 'model'), { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
  return Promise.all(
    paths.map(async (path) => {
      const content = await readFile(join(folder, path))
      const sha256 = createHash('sha256').update(content).digest('hex')
      return { path, sha256, bytes: content.length }
    }),
  )
}

/** The manifest's text with its `files` replaced, comments and order kept. */
export function sealed(manifest: string, files: readonly SealedFile[]): string {
  const document = parseDocument(manifest)
  const list = new YAMLSeq()
  for (const file of files) {
    const item = new YAMLMap()
    item.flow = true
    for (const [key, value] of Object.entries(file)) item.set(key, value)
    list.add(item)
  }
  document.set('files', list)
  return document.toString({ lineWidth: 0, flowCollectionPadding: true })
}

/** Seals the pod in `folder` and returns its hash. @throws `manifest.invalid` if the manifest is wrong. */
export async function seal(folder: string): Promise<string> {
  const path = join(folder, 'pod.yaml')
  const text = sealed(await readFile(path, 'utf8'), await modelFiles(folder))
  const bytes = new TextEncoder().encode(text)
  parseManifest(bytes)
  await writeFile(path, bytes)
  return manifestHash(bytes)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const names = process.argv.slice(2)
  if (names.length === 0) {
    process.stderr.write('usage: node --import tsx pods/seal.ts NAME...\n')
    process.exit(2)
  }
  for (const name of names) console.log(`${name} ${await seal(join(import.meta.dirname, name))}`)
}
