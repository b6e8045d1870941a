import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { refused } from '../../../sdk/errors.ts'
import type { Store } from './store.ts'

/**
 * API keys: `<id>-<secret>`, 12 and 40 hexadecimal digits after an `hk` mark. One dash and no `#`, because the
 * published `heurist` SDK splits a key at its first `#` or `-` into consumer id and key. Kept as SHA-256 only:
 * the secret has 160 random bits, so a slow hash would protect nothing.
 */
const KEY = /^hk[0-9a-f]{12}-[0-9a-f]{40}$/
/** What a key may ask per minute, if its owner says nothing. */
export const CALLS_PER_MINUTE = 600
/** Keys of one account that are not revoked. */
export const MOST_KEYS = 100

/** Money in base units, times Unix milliseconds. */
export interface KeyTerms {
  name: string
  quota?: bigint
  expires?: number
  /** The only pods that may be called; absent = all. */
  pods?: string[]
  perMinute: number
}

export interface Key extends KeyTerms {
  id: string
  wallet: string
  created: number
  revoked?: number
}

export interface Keys {
  /** The key that this token is. Constant-time in the secret. @throws `api_key.*` (refused) if it opens nothing. */
  check(token: string): Key
  /** @returns the whole key: shown once, not kept. @throws `api_key.too_many` (refused). */
  create(wallet: string, terms: KeyTerms): { key: Key; token: string }
  list(wallet: string): Key[]
  /** @throws `api_key.unknown` (refused). */
  find(id: string): Key
  /** @throws `api_key.unknown` (refused) if this account has no such key. */
  revoke(wallet: string, id: string): Key
}

interface Row {
  id: string
  sha256: string
  wallet: string
  name: string
  quota: number | null
  expires: number | null
  pods: string | null
  per_minute: number
  created: number
  revoked: number | null
}

export const sha256 = (text: string): Buffer => hash('sha256', text, 'buffer')
export const idOf = (token: string): string => token.slice(0, token.indexOf('-'))
export const isKey = (text: string): boolean => KEY.test(text)

export function openKeys(db: Store, now: () => number = Date.now): Keys {
  const rows = new Map<string, Row>()
  for (const row of db.prepare('SELECT * FROM keys').all([]) as Row[]) rows.set(row.id, row)
  const nobody = randomBytes(32)

  function check(token: string): Key {
    const row = rows.get(idOf(token))
    const right = timingSafeEqual(sha256(token), row ? Buffer.from(row.sha256, 'hex') : nobody)
    if (row === undefined || !right) {
      throw refused('api_key.invalid', 'Incorrect API key provided', {
        fix: 'Use a whole key as it was shown when it was made.',
      })
    }
    if (row.revoked !== null) {
      throw refused('api_key.revoked', 'This API key was revoked', { fix: 'Use another key of the account.' })
    }
    if (row.expires !== null && row.expires <= now()) {
      throw refused('api_key.expired', 'This API key has expired', { fix: 'Make a new key.' })
    }
    return keyOf(row)
  }

  function create(wallet: string, terms: KeyTerms): { key: Key; token: string } {
    const standing = list(wallet).filter(({ revoked }) => revoked === undefined)
    if (standing.length >= MOST_KEYS) {
      throw refused('api_key.too_many', `An account has at most ${MOST_KEYS} keys`, {
        fix: 'Revoke one first.',
      })
    }
    const token = `hk${randomBytes(6).toString('hex')}-${randomBytes(20).toString('hex')}`
    const row: Row = {
      id: idOf(token),
      sha256: sha256(token).toString('hex'),
      wallet,
      name: terms.name,
      quota: terms.quota === undefined ? null : Number(terms.quota),
      expires: terms.expires ?? null,
      pods: terms.pods === undefined ? null : JSON.stringify(terms.pods),
      per_minute: terms.perMinute,
      created: now(),
      revoked: null,
    }
    db.prepare(
      `INSERT INTO keys (id, sha256, wallet, name, quota, expires, pods, per_minute, created)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run([
      row.id,
      row.sha256,
      wallet,
      row.name,
      row.quota,
      row.expires,
      row.pods,
      row.per_minute,
      row.created,
    ])
    rows.set(row.id, row)
    return { key: keyOf(row), token }
  }

  const list = (wallet: string): Key[] => [...rows.values()].filter((row) => row.wallet === wallet).map(keyOf)

  return {
    check,
    create,
    list,
    find(id) {
      const row = rows.get(id)
      if (row === undefined) throw refused('api_key.unknown', 'There is no such key')
      return keyOf(row)
    },
    revoke(wallet, id) {
      const row = rows.get(id)
      if (row === undefined || row.wallet !== wallet) {
        throw refused('api_key.unknown', `This account has no key '${id.slice(0, 64)}'`, { field: 'id' })
      }
      if (row.revoked === null) {
        row.revoked = now()
        db.prepare('UPDATE keys SET revoked = ? WHERE id = ?').run([row.revoked, id])
      }
      return keyOf(row)
    },
  }
}

const keyOf = (row: Row): Key => ({
  id: row.id,
  wallet: row.wallet,
  name: row.name,
  ...(row.quota === null ? {} : { quota: BigInt(row.quota) }),
  ...(row.expires === null ? {} : { expires: row.expires }),
  ...(row.pods === null ? {} : { pods: JSON.parse(row.pods) as string[] }),
  perMinute: row.per_minute,
  created: row.created,
  ...(row.revoked === null ? {} : { revoked: row.revoked }),
})
