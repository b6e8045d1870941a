import { spawnSync } from 'node:child_process'
import { expect } from 'chai'
import fc from 'fast-check'
import { type Hex, recoverAddress } from 'viem'
import { generatePrivateKey, privateKeyToAddress, sign } from 'viem/accounts'
import { createSigner, recoverSigner, signatureLibrary, toCompact } from '../../sdk/native.ts'
import { toHex } from '../../sdk/protocol/bytes.ts'
import { recoverSigner as recoverPortable } from '../../sdk/recover.ts'
import { seeded } from './seed.ts'

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const digests = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toHex(bytes) as Hex)
const keys = fc
  .bigInt({ min: 1n, max: ORDER - 1n })
  .map((key) => `0x${key.toString(16).padStart(64, '0')}` as Hex)

const compactOf = (signature: Hex): Hex => {
  const { r, vs } = toCompact(signature) ?? { r: '0x', vs: '0x' }
  return `${r}${vs.slice(2)}` as Hex
}

/** (r, order − s, other v): the same key, another signature. */
function twinOf(signature: Hex): Hex {
  const s = (ORDER - BigInt(`0x${signature.slice(66, 130)}`)).toString(16).padStart(64, '0')
  return `${signature.slice(0, 66)}${s}${signature.endsWith('1b') ? '1c' : '1b'}` as Hex
}

describe(`the fast signatures (${signatureLibrary})`, function () {
  this.timeout(600_000)

  it('are what viem signs, byte for byte, and recover to the same address', async () => {
    await fc.assert(
      fc.asyncProperty(keys, digests, async (key, digest) => {
        const signer = createSigner(key)
        const signature = signer.sign(digest)
        expect(signer.address).to.equal(privateKeyToAddress(key).toLowerCase())
        expect(signature).to.equal(await sign({ hash: digest, privateKey: key, to: 'hex' }))
        expect(recoverSigner(digest, signature)).to.equal(signer.address)
        expect((await recoverAddress({ hash: digest, signature })).toLowerCase()).to.equal(signer.address)
      }),
      seeded({ numRuns: 200 }),
    )
  })

  it('are one in 65 and 64 bytes, and with v as 0 and 1', () => {
    fc.assert(
      fc.property(keys, digests, (key, digest) => {
        const { address, sign } = createSigner(key)
        const signature = sign(digest)
        const parity = signature.endsWith('1b') ? '00' : '01'
        expect(recoverSigner(digest, compactOf(signature))).to.equal(address)
        expect(recoverSigner(digest, `${signature.slice(0, 130)}${parity}` as Hex)).to.equal(address)
        expect(compactOf(compactOf(signature))).to.equal(compactOf(signature))
      }),
      seeded({}),
    )
  })

  it('of the malleable twin are refused, by the portable check as well', async () => {
    await fc.assert(
      fc.asyncProperty(keys, digests, async (key, digest) => {
        const twin = twinOf(createSigner(key).sign(digest))
        expect(toCompact(twin)).to.equal(undefined)
        expect(recoverSigner(digest, twin)).to.equal(undefined)
        expect(await recoverPortable(digest, twin)).to.equal(undefined)
      }),
      seeded({ numRuns: 50 }),
    )
  })

  it('whose second half is above the order with its parity bit recover as the ledger does, by the portable check as well', async () => {
    // s within 2^127 of half the order: nobody meets one by chance, but who chooses the digest first can make one.
    const digest = toHex(new Uint8Array(32).fill(7)) as Hex
    const r = createSigner(generatePrivateKey()).sign(digest).slice(2, 66)
    const s = ORDER / 2n - 1n
    const compact: Hex = `0x${r}${((1n << 255n) | s).toString(16)}`
    const whole: Hex = `0x${r}${s.toString(16).padStart(64, '0')}1c`

    const [portable, fast] = [await recoverPortable(digest, compact), recoverSigner(digest, compact)]

    expect(((1n << 255n) | s) > ORDER).to.equal(true)
    expect(fast).to.match(/^0x/)
    expect(portable?.toLowerCase()).to.equal(fast)
    expect((await recoverAddress({ hash: digest, signature: whole })).toLowerCase()).to.equal(fast)
  })

  it('that are noise recover nobody or somebody else, and never throw', async () => {
    const key = generatePrivateKey()
    const { address } = createSigner(key)
    const noise = fc
      .constantFrom(64, 65)
      .chain((size) => fc.uint8Array({ minLength: size, maxLength: size }))
      .map((bytes) => toHex(bytes) as Hex)
    await fc.assert(
      fc.asyncProperty(digests, noise, async (digest, signature) => {
        const found = recoverSigner(digest, signature)
        expect(found).not.to.equal(address)
        const portable = await recoverPortable(digest, signature)
        expect(portable?.toLowerCase()).to.equal(found)
      }),
      seeded({ numRuns: 500 }),
    )
  })

  for (const [what, signature] of Object.entries<Hex>({
    'r = 0': `0x${'00'.repeat(32)}${'01'.repeat(32)}1b`,
    's = 0': `0x${'01'.repeat(32)}${'00'.repeat(32)}1b`,
    'v = 29': `0x${'01'.repeat(64)}1d`,
    'r past the order': `0x${'ff'.repeat(32)}${'01'.repeat(32)}1b`,
  })) {
    it(`with ${what} recover nobody`, async () => {
      const digest: Hex = `0x${'42'.repeat(32)}`

      expect(recoverSigner(digest, signature)).to.equal(undefined)
      expect(await recoverPortable(digest, signature)).to.equal(undefined)
    })
  }

  it('are the same from the WebAssembly build that stands in where no native one fits', () => {
    const key: Hex = `0x${'07'.repeat(32)}`
    const digest: Hex = `0x${'42'.repeat(32)}`
    const script = `import { createSigner, recoverSigner, signatureLibrary } from '${new URL('../../sdk/native.ts', import.meta.url).href}'
      const signature = createSigner('${key}').sign('${digest}')
      console.log(JSON.stringify([signatureLibrary, signature, recoverSigner('${digest}', signature)]))`
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', script],
      { encoding: 'utf8', env: { ...process.env, HEURIST_SECP256K1: 'wasm' } },
    )

    const signer = createSigner(key)
    expect(stderr).to.equal('')
    expect(JSON.parse(stdout)).to.deep.equal(['wasm', signer.sign(digest), signer.address])
  })
})
