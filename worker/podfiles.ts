import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { type HeuristError, refused } from '../sdk/errors.ts'
import type { Manifest } from '../sdk/protocol/manifest.ts'

const FIX = 'Fetch the pod folder again, or seal it again if you changed it on purpose (a new version).'

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const part of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(part as Buffer)
  return hash.digest('hex')
}

async function checkFile(folder: string, file: Manifest['files'][number]): Promise<HeuristError | undefined> {
  const path = join(folder, file.path)
  const facts = await stat(path).catch(() => undefined)
  if (!facts?.isFile()) {
    return refused('pod.file_missing', `${file.path} is missing`, { fix: FIX, field: file.path })
  }
  if (facts.size !== file.bytes) {
    return refused(
      'pod.file_corrupt',
      `${file.path} has ${facts.size} bytes, the manifest says ${file.bytes}`,
      {
        fix: FIX,
        field: file.path,
        details: { path: file.path, bytes: facts.size, expected: file.bytes },
      },
    )
  }
  const found = await sha256(path)
  if (found === file.sha256) return undefined
  return refused('pod.file_corrupt', `${file.path} is not the file that the manifest names`, {
    fix: FIX,
    field: file.path,
    details: { path: file.path, sha256: found, expected: file.sha256 },
  })
}

/** Paths under `model/` as a manifest writes them. */
async function modelFiles(folder: string): Promise<string[]> {
  const entries = await readdir(join(folder, 'model'), { recursive: true, withFileTypes: true }).catch(
    () => [],
  )
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
}

/**
 * Everything that is untrue about a pod's files. An engine may read whatever lies under `model/`, so a file there
 * that the manifest does not name is a fault too.
 *
 * @returns `pod.file_missing`, `pod.file_corrupt`, `pod.file_unlisted`; empty if the pod is what it says.
 */
export async function podFileFaults(folder: string, manifest: Manifest): Promise<HeuristError[]> {
  const faults: HeuristError[] = []
  for (const file of manifest.files) {
    const fault = await checkFile(folder, file)
    if (fault) faults.push(fault)
  }
  const listed = new Set(manifest.files.map((file) => file.path))
  for (const path of await modelFiles(folder)) {
    if (listed.has(path)) continue
    faults.push(refused('pod.file_unlisted', `${path} is not in the manifest`, { fix: FIX, field: path }))
  }
  return faults
}

/** @throws the first of `podFileFaults`. */
export async function verifyPodFiles(folder: string, manifest: Manifest): Promise<void> {
  const [fault] = await podFileFaults(folder, manifest)
  if (fault) throw fault
}
