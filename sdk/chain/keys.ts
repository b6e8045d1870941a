import {
  createCipheriv,
  createDecipheriv,
  pbkdf2Sync,
  randomBytes,
  randomUUID,
  scryptSync,
  timingSafeEqual,
} from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { scrypt } from '@noble/hashes/scrypt.js'
import { type Address, type Hex, isHex } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { z } from 'zod'
import { refused } from '../errors.ts'
import { fromHex, keccak, toHex } from '../protocol/bytes.ts'

/**
 * Private keys on disk (Node only): keystore version 3, as every Ethereum wallet reads it, or for local chains one line
 * of hexadecimal in a file that only its owner can read.
 */

export interface StoredKey {
  address: Address
  privateKey: Hex
}

const hexText = z.string().regex(/^(0x)?([0-9a-fA-F]{2})+$/)

const scryptSchema = z.object({
  kdf: z.literal('scrypt'),
  kdfparams: z.object({
    n: z.number().int().positive(),
    r: z.number().int().positive(),
    p: z.number().int().positive(),
    dklen: z.number().int().min(32).max(64),
    salt: hexText,
  }),
})

const pbkdf2Schema = z.object({
  kdf: z.literal('pbkdf2'),
  kdfparams: z.object({
    c: z.number().int().positive(),
    prf: z.literal('hmac-sha256'),
    dklen: z.number().int().min(32).max(64),
    salt: hexText,
  }),
})

const cryptoSchema = z
  .object({
    cipher: z.literal('aes-128-ctr'),
    cipherparams: z.object({ iv: hexText }),
    ciphertext: hexText,
    mac: hexText,
  })
  .and(z.discriminatedUnion('kdf', [scryptSchema, pbkdf2Schema]))

/** Old wallets write `Crypto`, all others `crypto`. */
const keystoreSchema = z
  .object({ version: z.literal(3), crypto: cryptoSchema.optional(), Crypto: cryptoSchema.optional() })
  .transform((file, context) => {
    const section = file.crypto ?? file.Crypto
    if (section) return section
    context.addIssue({ code: 'custom', message: 'no crypto section', path: ['crypto'] })
    return z.NEVER
  })

type KeystoreCrypto = z.output<typeof cryptoSchema>

/** Scrypt's cost of a new keystore: 2^17, a quarter of a second. Memory needed: 128·n·r bytes. */
const SCRYPT = { n: 131_072, r: 8, p: 1 }
/** More memory than this is a keystore made to hurt, not to protect. */
const MAX_SCRYPT_BYTES = 1 << 30

function derive(crypto: KeystoreCrypto, password: string): Buffer {
  const secret = Buffer.from(password.normalize('NFKC'), 'utf8')
  const salt = fromHex(crypto.kdfparams.salt)
  if (crypto.kdf === 'pbkdf2') {
    return pbkdf2Sync(secret, salt, crypto.kdfparams.c, crypto.kdfparams.dklen, 'sha256')
  }
  const { n, r, p, dklen } = crypto.kdfparams
  const memory = 128 * n * r
  if (memory > MAX_SCRYPT_BYTES)
    throw refused('key.invalid', `the keystore asks for ${memory} bytes of memory`)
  // OpenSSL holds to the bound of RFC 7914; some wallets, and the published vector, do not.
  if (n >= 2 ** (16 * r)) return Buffer.from(scrypt(secret, salt, { N: n, r, p, dkLen: dklen }))
  return scryptSync(secret, salt, dklen, { N: n, r, p, maxmem: 2 * memory + 1_048_576 })
}

/** MAC of keystore v3: keccak-256 of the second half of the derived key and the ciphertext. */
const macOf = (derived: Buffer, ciphertext: Uint8Array): Uint8Array =>
  keccak(Buffer.concat([derived.subarray(16, 32), ciphertext]))

/** The keystore v3 file of a key. Takes a quarter of a second on purpose. */
export function encryptKey(privateKey: Hex, password: string): string {
  const salt = randomBytes(32)
  const iv = randomBytes(16)
  const kdfparams = { ...SCRYPT, dklen: 32, salt: salt.toString('hex') }
  const derived = derive(
    {
      cipher: 'aes-128-ctr',
      cipherparams: { iv: '00' },
      ciphertext: '00',
      mac: '00',
      kdf: 'scrypt',
      kdfparams,
    },
    password,
  )
  const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv)
  const ciphertext = Buffer.concat([cipher.update(fromHex(privateKey)), cipher.final()])
  const file = {
    version: 3,
    id: randomUUID(),
    address: privateKeyToAddress(privateKey).slice(2).toLowerCase(),
    crypto: {
      cipher: 'aes-128-ctr',
      cipherparams: { iv: iv.toString('hex') },
      ciphertext: ciphertext.toString('hex'),
      kdf: 'scrypt',
      kdfparams,
      mac: Buffer.from(macOf(derived, ciphertext)).toString('hex'),
    },
  }
  return `${JSON.stringify(file, null, 2)}\n`
}

/** @throws `key.invalid`, `key.password_wrong` (refused). */
export function decryptKey(keystore: string, password: string): StoredKey {
  let document: unknown
  try {
    document = JSON.parse(keystore)
  } catch (cause) {
    throw refused('key.invalid', 'the keystore is not JSON', { cause })
  }
  const parsed = keystoreSchema.safeParse(document)
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path.join('.') ?? ''
    throw refused('key.invalid', `not a keystore of version 3: ${field}`, { field })
  }
  const crypto = parsed.data
  const derived = derive(crypto, password)
  const ciphertext = fromHex(crypto.ciphertext)
  const mac = fromHex(crypto.mac)
  if (mac.length !== 32 || !timingSafeEqual(macOf(derived, ciphertext), mac)) {
    throw refused('key.password_wrong', 'the password does not open this keystore')
  }
  const decipher = createDecipheriv('aes-128-ctr', derived.subarray(0, 16), fromHex(crypto.cipherparams.iv))
  return keyOf(toHex(Buffer.concat([decipher.update(ciphertext), decipher.final()])))
}

function keyOf(privateKey: Hex): StoredKey {
  try {
    return { privateKey, address: privateKeyToAddress(privateKey) }
  } catch (cause) {
    throw refused('key.invalid', 'not a private key: 32 bytes in hexadecimal, not zero', { cause })
  }
}

/**
 * Reads a key file of either form.
 *
 * @throws `key.missing`, `key.readable_by_others`, `key.password_missing`, `key.password_wrong`, `key.invalid` (refused).
 */
export function loadKey(path: string, password?: string): StoredKey {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (cause) {
    throw refused('key.missing', `cannot read the key file ${path}`, { cause })
  }
  if (text.startsWith('{')) {
    if (password !== undefined) return decryptKey(text, password)
    throw refused('key.password_missing', `the keystore ${path} needs its password`)
  }
  const mode = statSync(path).mode & 0o777
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw refused('key.readable_by_others', `${path} has mode ${mode.toString(8)}`, {
      fix: `Run: chmod 600 ${path}`,
    })
  }
  const hex = text.startsWith('0x') ? text : `0x${text}`
  if (!isHex(hex, { strict: true }) || hex.length !== 66) {
    throw refused('key.invalid', `${path} holds no private key`, {
      fix: 'It is either keystore v3 JSON or one line of 64 hexadecimal digits.',
    })
  }
  return keyOf(hex)
}

/**
 * Makes a fresh key and its file, mode 0600: a keystore with a password, plain hexadecimal (for local chains) without.
 * Never overwrites one.
 *
 * @throws `key.exists` (refused).
 */
export function createKey(path: string, password?: string): StoredKey {
  return saveKey(path, generatePrivateKey(), password)
}

/**
 * Writes the file of a key at hand. Never overwrites one.
 *
 * @throws `key.exists`, `key.invalid` (refused).
 */
export function saveKey(path: string, privateKey: Hex, password?: string): StoredKey {
  const key = keyOf(privateKey)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  try {
    const text = password === undefined ? `${privateKey}\n` : encryptKey(privateKey, password)
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' })
    chmodSync(path, 0o600)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    throw refused('key.exists', `${path} exists already`, {
      fix: 'Choose another file; a key is never overwritten.',
    })
  }
  return key
}
