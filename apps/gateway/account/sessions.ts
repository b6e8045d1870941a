import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { type Address, getAddress, type Hex, isAddress } from 'viem'
import { createSiweMessage, parseSiweMessage } from 'viem/siwe'
import { refused } from '../../../sdk/errors.ts'
import { sha256 } from '../till/keys.ts'
import type { Store } from '../till/store.ts'

/** How long a message may wait for its signature, and how long a session lasts. */
const ASKED_MS = 10 * 60_000
const SESSION_MS = 24 * 3_600_000
/** 16 random bytes, Unix milliseconds until which it is good, and the HMAC-SHA256 of both; in hexadecimal. */
const NONCE = /^([0-9a-f]{32}[0-9a-f]{12})([0-9a-f]{64})$/
const TOKEN = /^Bearer +(hs[0-9a-f]{64}) *$/i

export interface Sessions {
  /** The text that a wallet signs (EIP-4361), once, within ten minutes. @throws `parameter.invalid` (refused). */
  ask(address: string, origin: URL): string
  /** @throws `session.message_wrong`, `session.invalid` (refused). */
  begin(
    message: string,
    signature: Hex,
    origin: URL,
  ): Promise<{ token: string; wallet: string; expires: number }>
  /** The wallet of an `Authorization` header. @throws `session.missing`, `session.invalid` (refused). */
  walletOf(authorization: string | undefined): string
  end(authorization: string | undefined): void
}

/** Whether the wallet signed the message: a key's signature, or a contract's word (ERC-1271, ERC-6492). */
export type Verify = (message: string, address: Address, signature: Hex) => Promise<boolean>

/** Accounts by wallet signature. A token opens nothing but its wallet's own pages; calls need an API key. */
export function openSessions(
  db: Store,
  { chainId, verify, now = Date.now }: { chainId: number; verify: Verify; now?: () => number },
): Sessions {
  /** Nothing is kept of a message until it comes back: no number of others makes this gateway forget one. */
  const secret = randomBytes(32)
  const used = new Map<string, number>()

  const macOf = (text: string) => createHmac('sha256', secret).update(text).digest()

  function nonceUntil(until: number): string {
    const text = randomBytes(16).toString('hex') + until.toString(16).padStart(12, '0')
    return text + macOf(text).toString('hex')
  }

  /** Uses a nonce up. @returns whether it was made here, is still good and was not used yet. */
  function take(nonce: string): boolean {
    for (const [old, until] of used) {
      if (until >= now()) break
      used.delete(old)
    }
    const [, text = '', mac = ''] = NONCE.exec(nonce) ?? []
    if (text === '' || !timingSafeEqual(macOf(text), Buffer.from(mac, 'hex'))) return false
    const until = Number.parseInt(text.slice(32), 16)
    if (until < now() || used.has(nonce)) return false
    used.set(nonce, until)
    return true
  }

  function ask(address: string, origin: URL): string {
    if (!isAddress(address, { strict: false })) {
      throw refused('parameter.invalid', "'address' is no address of an account", { field: 'address' })
    }
    const until = now() + ASKED_MS
    return createSiweMessage({
      domain: origin.host,
      address: getAddress(address),
      statement: 'Sign in to your account at this gateway. This costs nothing and allows no payment.',
      uri: origin.origin,
      version: '1',
      chainId,
      nonce: nonceUntil(until),
      issuedAt: new Date(now()),
      expirationTime: new Date(until),
    })
  }

  /** The nonce is used up, whatever comes of it. */
  function checked(message: string, { host }: URL): Address {
    const said = parseSiweMessage(message)
    const wrong = (what: string) =>
      refused('session.message_wrong', `The signed message ${what}`, {
        field: 'message',
        fix: 'Ask for a new one at POST /v1/account/challenge, and sign it as it is.',
      })
    if (!take(said.nonce ?? '')) throw wrong('was not asked for here, or too long ago, or used before')
    if (said.domain !== host) throw wrong(`is for ${String(said.domain).slice(0, 128)}, not for ${host}`)
    if (said.chainId !== chainId) throw wrong('is for another chain')
    if (said.address === undefined) throw wrong('names no account')
    return said.address
  }

  return {
    ask,
    async begin(message, signature, origin) {
      const address = checked(message, origin)
      if (!(await verify(message, address, signature))) {
        throw refused('session.invalid', `${address} did not sign this message`, { field: 'signature' })
      }
      const wallet = address.toLowerCase()
      const [token, expires] = [`hs${randomBytes(32).toString('hex')}`, now() + SESSION_MS]
      db.prepare('INSERT INTO accounts (wallet, created) VALUES (?, ?) ON CONFLICT DO NOTHING').run([
        wallet,
        now(),
      ])
      db.prepare('DELETE FROM sessions WHERE expires <= ?').run([now()])
      db.prepare('INSERT INTO sessions (sha256, wallet, expires) VALUES (?, ?, ?)').run([
        sha256(token).toString('hex'),
        wallet,
        expires,
      ])
      return { token, wallet, expires }
    },
    walletOf(authorization) {
      if (authorization === undefined) {
        throw refused('session.missing', 'This page is of an account: sign in first', {
          fix: "Send the token of POST /v1/account/session as 'Authorization: Bearer hs…'.",
        })
      }
      const row = db
        .prepare('SELECT wallet FROM sessions WHERE sha256 = ? AND expires > ?')
        .get([hashOf(authorization), now()]) as { wallet: string } | undefined
      if (row === undefined) {
        throw refused('session.invalid', 'This session is over, or never was', { fix: 'Sign in again.' })
      }
      return row.wallet
    },
    end(authorization) {
      db.prepare('DELETE FROM sessions WHERE sha256 = ?').run([hashOf(authorization ?? '')])
    },
  }
}

const hashOf = (authorization: string): string =>
  sha256(TOKEN.exec(authorization)?.[1]?.toLowerCase() ?? '').toString('hex')
