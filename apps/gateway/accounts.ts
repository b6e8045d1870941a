import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyBaseLogger } from 'fastify'
import { asHeuristError, bug, refused } from '../../sdk/errors.ts'
import { lockFile } from '../../sdk/lock-file.ts'
import { openWebhooks, type Webhooks } from './account/webhooks.ts'
import type { Caller } from './caller.ts'
import { CALLS_PER_MINUTE, isKey, type Key, type Keys, openKeys } from './till/keys.ts'
import { openStore, type Store } from './till/store.ts'
import { HOUSE, openTill, type Till } from './till/till.ts'

/** Who may call at this door, and what each has and spent. */
export interface Accounts {
  /** The key in an `Authorization` header. @throws `api_key.*` (refused). */
  identify(authorization: string): Key
  /** The id of the key in an `Authorization` header; undefined if it opens nothing. Constant-time in the secret. */
  check(authorization: string): string | undefined
  /** Whom calls with this key are charged to. @throws `api_key.unknown` (refused). */
  callerOf(id: string): Caller
  /** The operator's key to show at start: always on a local chain, elsewhere only when it was just made. */
  readonly shown: string | undefined
  readonly keys: Keys
  readonly till: Till
  /** Who is told that an account has little. */
  readonly webhooks: Webhooks
  readonly store: Store
  close(): Promise<void>
}

/**
 * Opens the books in `dataDir`, making the operator's first key if there is none.
 *
 * @param local  On a local chain the first key is kept readable in `api-key` (mode 0600), so that every start can print its
 *               copy-paste line, and webhooks may go to this machine. Elsewhere a lost key is replaced, never recovered.
 * @param log  Told when the books do not take what they should: they are tried again until they do.
 * @throws `till.version`, `till.corrupt`, `till.in_use` (refused); `till.unwritable` (later).
 */
export async function openAccounts(
  dataDir: string,
  local: boolean,
  log?: Pick<FastifyBaseLogger, 'error'>,
): Promise<Accounts> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const release = lockFile(join(dataDir, 'till.lock'), inUse)
  try {
    return await accountsOf(dataDir, { local, log, release })
  } catch (cause) {
    release()
    throw cause
  }
}

interface Beginning {
  local: boolean
  log: Pick<FastifyBaseLogger, 'error'> | undefined
  release: () => void
}

async function accountsOf(dataDir: string, { local, log, release }: Beginning): Promise<Accounts> {
  const store = openStore(dataDir)
  const keys = openKeys(store)
  const till: Till = openTill(store, dataDir, {
    moved: (wallet) => webhooks.look(wallet),
    refused: (cause) => log?.error({ event: 'till.refused', ...asHeuristError(cause).toJSON(), err: cause }),
  })
  await till.ready
  const webhooks = openWebhooks(store, till, { loopback: local })
  const identify = (authorization: string): Key =>
    keys.check(/^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? '')
  const check = (authorization: string): string | undefined => {
    try {
      return identify(authorization).id
    } catch (cause) {
      if (asHeuristError(cause).code.startsWith('api_key.')) return undefined
      throw cause
    }
  }
  return {
    identify,
    check,
    callerOf: (id) => callerOf(keys.find(id), till),
    shown: await firstKey(dataDir, local, keys, check),
    keys,
    till,
    webhooks,
    store,
    async close() {
      webhooks.stop()
      await till.close()
      store.close()
      release()
    },
  }
}

const inUse = (owner: string) =>
  refused('till.in_use', `another gateway has these books (${owner})`, {
    fix: 'Stop it, or give this one a data folder of its own.',
  })

export const callerOf = (key: Key, till: Till): Caller => ({
  wallet: key.wallet,
  key: key.id,
  ...(key.quota === undefined ? {} : { quota: key.quota }),
  ...(key.pods === undefined ? {} : { pods: key.pods }),
  perMinute: key.perMinute,
  till,
})

async function firstKey(
  dataDir: string,
  keepPlain: boolean,
  keys: Keys,
  check: Accounts['check'],
): Promise<string | undefined> {
  const file = join(dataDir, 'api-key')
  const kept = keepPlain ? (await readIfThere(file))?.trim() : undefined
  if (kept !== undefined && isKey(kept) && check(`Bearer ${kept}`) !== undefined) return kept
  if (!keepPlain && keys.list(HOUSE).some(({ revoked }) => revoked === undefined)) return undefined
  const { token } = keys.create(HOUSE, { name: 'first', perMinute: 100 * CALLS_PER_MINUTE })
  if (keepPlain) await writePrivate(file, `${token}\n`)
  return token
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

/** @throws `api_key.missing` (refused). */
export function missingKey(): never {
  throw refused('api_key.missing', "You didn't provide an API key", {
    fix: "Send it as 'Authorization: Bearer <key>'; the gateway printed one when it started, and accounts make their own.",
  })
}
