import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdirSync, readdirSync } from 'node:fs'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { refused } from '../../../sdk/errors.ts'
import { MOST_SHARE_BYTES } from './snapshot.ts'

/** What people share, a file each. The secret that deletes one is kept only as its hash. */

/** What is shared: a chat, a result. */
export interface Shareable<T extends object> {
  /** Of an object without the fields `createdAt` and `secretHash`. */
  schema: z.ZodType<T>
  noun: string
}

const headSchema = z.looseObject({ createdAt: z.number(), secretHash: z.string().regex(/^[0-9a-f]{64}$/) })
const ID = /^[A-Za-z0-9_-]{22}$/

export interface ShareStore<T extends object> {
  readonly kind: Shareable<T>
  /** @throws `share.too_large`, `share.full` (refused). */
  create(snapshot: T): Promise<{ id: string; secret: string }>
  /** @throws `share.unknown` (refused). */
  read(id: string): Promise<T & { createdAt: number }>
  /** @throws `share.unknown`, `share.secret_wrong` (refused). */
  delete(id: string, secret: string): Promise<void>
}

/** @param most  So many are kept at all. */
export function openShares<T extends object>(
  folder: string,
  kind: Shareable<T>,
  { most, now }: { most: number; now(): number },
): ShareStore<T> {
  const { schema, noun } = kind
  const unknown = () =>
    refused('share.unknown', `there is no such shared ${noun}`, {
      fix: 'It was deleted, or the link is not whole.',
    })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  let kept = readdirSync(folder).filter((name) => name.endsWith('.json')).length
  const pathOf = (id: string) => {
    if (!ID.test(id)) throw unknown()
    return join(folder, `${id}.json`)
  }

  async function load(id: string) {
    const text = await readFile(pathOf(id), 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') throw unknown()
      throw cause
    })
    const { createdAt, secretHash, ...snapshot } = headSchema.parse(JSON.parse(text))
    return { secretHash, shared: { ...schema.parse(snapshot), createdAt } }
  }

  return {
    kind,
    async create(snapshot) {
      const id = randomBytes(16).toString('base64url')
      const secret = randomBytes(32).toString('base64url')
      const text = JSON.stringify({ ...snapshot, createdAt: now(), secretHash: hashOf(secret) })
      if (Buffer.byteLength(text) > MOST_SHARE_BYTES) {
        throw refused('share.too_large', `a shared ${noun} may have ${MOST_SHARE_BYTES / 1024} KiB`, {
          fix: `Share a shorter ${noun}.`,
        })
      }
      if (kept >= most) {
        throw refused('share.full', 'this page keeps no more of what people share', {
          fix: 'Delete shares that nobody needs any more, or ask its operator for room.',
        })
      }
      kept += 1
      try {
        await writeWhole(pathOf(id), text)
      } catch (cause) {
        kept -= 1
        throw cause
      }
      return { id, secret }
    },
    async read(id) {
      return (await load(id)).shared
    },
    async delete(id, secret) {
      const { secretHash } = await load(id)
      if (!timingSafeEqual(Buffer.from(secretHash, 'hex'), Buffer.from(hashOf(secret), 'hex'))) {
        throw refused('share.secret_wrong', 'this is not the secret of this share', {
          fix: 'Only the link that was given to whoever shared it deletes it.',
        })
      }
      await rm(pathOf(id))
      kept -= 1
    },
  }
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** Whole or not at all, and on the disk before anybody gets its link. */
async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
}
