import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { bug, refused } from '../../sdk/errors.ts'

/**
 * API keys: `<id>-<secret>`, 12 and 40 hexadecimal digits after an `hk` mark. One dash and no `#`, because the
 * published `heurist` SDK splits a key at its first `#` or `-` into consumer id and key. Kept as SHA-256 only:
 * the secret has 160 random bits, so a slow hash would protect nothing.
 */
const KEY = /^hk[0-9a-f]{12}-[0-9a-f]{40}$/

const storeSchema = z.strictObject({
  version: z.literal(1),
  keys: z.array(
    z.strictObject({
      id: z.string(),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      createdAt: z.iso.datetime(),
    }),
  ),
})
type Store = z.output<typeof storeSchema>

export interface ApiKeys {
  /** The id of the key in an `Authorization` header; undefined if it opens nothing. Constant-time in the secret. */
  check(authorization: string): string | undefined
  /** The key to show at start: always on a local chain, elsewhere only when it was just made. */
  readonly shown: string | undefined
}

/**
 * Opens the key store in `dataDir`, making the first key if there is none.
 *
 * @param keepPlain  Local chains only: keep the first key readable in `api-key` (mode 0600), so that every start
 *                   can print its copy-paste line. Elsewhere a lost key is replaced, never recovered.
 * @throws `api_key.store_corrupt` (refused).
 */
export async function openKeys(dataDir: string, keepPlain: boolean): Promise<ApiKeys> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const file = join(dataDir, 'api-keys.json')
  const store = await readStore(file)
  const kept = keepPlain ? await readPlain(join(dataDir, 'api-key'), store) : undefined
  const needed = store.keys.length === 0 || (keepPlain && kept === undefined)
  const fresh = needed ? newKey() : undefined
  if (fresh !== undefined) {
    // The readable copy first: a crash between the two leaves a key that opens nothing and is replaced next time.
    if (keepPlain) await writePrivate(join(dataDir, 'api-key'), `${fresh}\n`)
    store.keys.push({
      id: idOf(fresh),
      sha256: sha256(fresh).toString('hex'),
      createdAt: new Date().toISOString(),
    })
    await writePrivate(file, `${JSON.stringify(store, null, 2)}\n`)
  }
  return { shown: fresh ?? kept, check: checker(store) }
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()
const idOf = (key: string): string => key.slice(0, key.indexOf('-'))
const newKey = (): string => `hk${randomBytes(6).toString('hex')}-${randomBytes(20).toString('hex')}`

function checker(store: Store): ApiKeys['check'] {
  const hashes = new Map(store.keys.map((key) => [key.id, Buffer.from(key.sha256, 'hex')]))
  const nobody = randomBytes(32)
  return (authorization) => {
    const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? ''
    const id = idOf(token)
    const matches = timingSafeEqual(sha256(token), hashes.get(id) ?? nobody)
    return matches ? id : undefined
  }
}

async function readStore(file: string): Promise<Store> {
  const text = await readIfThere(file)
  if (text === undefined) return { version: 1, keys: [] }
  try {
    return storeSchema.parse(JSON.parse(text))
  } catch (cause) {
    throw refused('api_key.store_corrupt', `${file} is not a key store`, {
      cause,
      fix: 'Restore it from a backup, or remove it to make a new first key.',
    })
  }
}

async function readPlain(file: string, store: Store): Promise<string | undefined> {
  const key = (await readIfThere(file))?.trim()
  return key !== undefined && KEY.test(key) && checker(store)(`Bearer ${key}`) !== undefined ? key : undefined
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw bug('api_key.store_unreadable', `cannot read ${file}`, { cause })
  }
}

/** Whole or not at all, readable by its owner only. */
async function writePrivate(file: string, text: string): Promise<void> {
  const part = `${file}.part`
  const handle = await open(part, 'w', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await chmod(part, 0o600)
  await rename(part, file)
}
