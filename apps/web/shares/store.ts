import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { open, readFile, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { refused } from '../../../sdk/errors.ts'

/** What people show to whoever has its link, a file each. The secret that deletes one is kept only as its hash. */

const ID = /^[A-Za-z0-9_-]{22}$/

/** One kind of thing that is shared. */
export interface ShareKind<T extends z.ZodRawShape> {
  /** How people call it: "a shared chat". */
  noun: string
  schema: z.ZodObject<T>
  /** Of one, as JSON. Bytes. */
  mostBytes: number
  /** A file that lies beside each, if one does: how its name ends. */
  beside?: string
}

export interface ShareTerms {
  /** So many are kept at all. */
  most: number
  /** All the files beside them together. Bytes. */
  mostTotalBytes?: number
  now(): number
}

export interface ShareStore<S> {
  /**
   * @param beside  What lies beside it.
   * @throws `share.too_large`, `share.full` (refused).
   */
  create(snapshot: S, beside?: Uint8Array): Promise<{ id: string; secret: string }>
  /** @throws `share.unknown` (refused). */
  read(id: string): Promise<S & { createdAt: number }>
  /** What lies beside it. @throws `share.unknown` (refused). */
  beside(id: string): Promise<Uint8Array>
  /** @throws `share.unknown`, `share.secret_wrong` (refused). */
  delete(id: string, secret: string): Promise<void>
}

export function openShares<T extends z.ZodRawShape>(
  folder: string,
  { noun, schema, mostBytes, beside: ending = '' }: ShareKind<T>,
  { most, mostTotalBytes = 0, now }: ShareTerms,
): ShareStore<z.output<z.ZodObject<T>>> {
  type Snapshot = z.output<z.ZodObject<T>>
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const kept = survey(folder, ending)
  const unknown = () =>
    refused('share.unknown', `there is no such ${noun}`, {
      fix: 'It was deleted, or the link is not whole.',
    })
  const pathOf = (id: string, end = 'json') => {
    if (!ID.test(id)) throw unknown()
    return join(folder, `${id}.${end}`)
  }
  const present = <R>(work: Promise<R>): Promise<R> =>
    work.catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') throw unknown()
      throw cause
    })

  const keptSchema = z.looseObject({ createdAt: z.number(), secretHash: z.string().regex(/^[0-9a-f]{64}$/) })
  async function load(id: string) {
    const { createdAt, secretHash, ...rest } = keptSchema.parse(
      JSON.parse(await present(readFile(pathOf(id), 'utf8'))),
    )
    return { secretHash, shared: { ...schema.parse(rest), createdAt } }
  }

  /** Counts it before it is written, so that many at once do not slip past the limits. */
  function reserve(text: string, size: number): () => void {
    if (Buffer.byteLength(text) > mostBytes) {
      throw refused('share.too_large', `a ${noun} may have ${mostBytes / 1024} KiB`, { fix: 'Share less.' })
    }
    if (kept.count >= most || (size > 0 && kept.bytes + size > mostTotalBytes)) {
      throw refused('share.full', `this page has room for no other ${noun}`, {
        fix: 'Delete shares that nobody needs any more, or ask its operator for room.',
      })
    }
    kept.count += 1
    kept.bytes += size
    return () => {
      kept.count -= 1
      kept.bytes -= size
    }
  }

  return {
    async create(snapshot: Snapshot, beside) {
      const id = randomBytes(16).toString('base64url')
      const secret = randomBytes(32).toString('base64url')
      const text = JSON.stringify({ ...snapshot, createdAt: now(), secretHash: hashOf(secret) })
      const release = reserve(text, beside?.length ?? 0)
      try {
        // A share is there once its own file is; what lies beside it must be by then.
        if (beside) await writeWhole(pathOf(id, ending), beside)
        await writeWhole(pathOf(id), text)
      } catch (cause) {
        release()
        throw cause
      }
      return { id, secret }
    },
    async read(id) {
      return (await load(id)).shared
    },
    async beside(id) {
      await load(id)
      return present(readFile(pathOf(id, ending)))
    },
    async delete(id, secret) {
      const { secretHash } = await load(id)
      if (!timingSafeEqual(Buffer.from(secretHash, 'hex'), Buffer.from(hashOf(secret), 'hex'))) {
        throw refused('share.secret_wrong', 'this is not the secret of this share', {
          fix: `Only the link that was given to whoever made the ${noun} deletes it.`,
        })
      }
      await present(unlink(pathOf(id)))
      kept.count -= 1
      if (ending === '') return
      const { size } = await stat(pathOf(id, ending))
      await unlink(pathOf(id, ending))
      kept.bytes -= size
    },
  }
}

/** What a folder holds; what a crash left half done in it goes. */
function survey(folder: string, ending: string): { count: number; bytes: number } {
  const names = new Set(readdirSync(folder))
  const kept = { count: 0, bytes: 0 }
  for (const name of names) {
    const isWhole = name.endsWith('.json')
    const belongs = ending !== '' && names.has(name.replace(`.${ending}`, '.json'))
    if (isWhole) kept.count += 1
    else if (name.endsWith(`.${ending}`) && belongs) kept.bytes += statSync(join(folder, name)).size
    else rmSync(join(folder, name), { force: true })
  }
  return kept
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** Whole or not at all, and on the disk before anybody gets its link. */
async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const file = await open(`${path}.new`, 'wx', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
}
