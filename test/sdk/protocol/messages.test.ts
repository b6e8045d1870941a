import { expect } from 'chai'
import fc from 'fast-check'
import { type Hex, hashStruct, hashTypedData } from 'viem'
import { fastKeccak } from '../../../sdk/native.ts'
import { fromHex, keccak, readUint, runningHash, toHex, writeUint } from '../../../sdk/protocol/bytes.ts'
import {
  createHasher,
  eip712Domain,
  type MessageName,
  type Messages,
  TYPES,
} from '../../../sdk/protocol/messages.ts'
import { seeded } from '../seed.ts'

const hexOf = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => toHex(value) as Hex)

/** Any value of a field, the edges often: numbers for the small types, bigints for the large ones. */
function anyOf(type: string): fc.Arbitrary<string | number | bigint> {
  if (type === 'address') return hexOf(20)
  if (type === 'bytes32') return hexOf(32)
  const bits = Number(type.slice('uint'.length))
  const value = fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n })
  return bits > 40 ? value : value.map(Number)
}

const messageOf = <N extends MessageName>(name: N): fc.Arbitrary<Messages[N]> =>
  fc.record(
    Object.fromEntries(TYPES[name].map((field) => [field.name, anyOf(field.type)])),
  ) as unknown as fc.Arbitrary<Messages[N]>

const domainOf = fc.record({ chainId: fc.integer({ min: 1, max: 2 ** 47 }), verifyingContract: hexOf(20) })

describe('messages', function () {
  this.timeout(600_000)

  for (const name of Object.keys(TYPES) as MessageName[]) {
    it(`a thousand random ${name}s hash as viem hashes them`, () => {
      const types = { [name]: TYPES[name] }
      fc.assert(
        fc.property(domainOf, messageOf(name), (domain, message) => {
          const hasher = createHasher(domain, fastKeccak)
          const data = message as unknown as Record<string, unknown>

          expect(hasher.struct(name, message)).to.equal(hashStruct({ types, primaryType: name, data }))
          expect(hasher.digest(name, message)).to.equal(
            hashTypedData({ domain: eip712Domain(domain), types, primaryType: name, message: data }),
          )
        }),
        seeded({ numRuns: 1000 }),
      )
    })
  }

  it('two messages that differ in one field have two hashes', () => {
    const hasher = createHasher({ chainId: 1, verifyingContract: `0x${'22'.repeat(20)}` })
    fc.assert(
      fc.property(messageOf('Receipt'), fc.nat({ max: TYPES.Receipt.length - 1 }), (message, index) => {
        const field = TYPES.Receipt[index]?.name ?? 'node'
        const value = message[field]
        const other =
          typeof value === 'string'
            ? toHex(fromHex(value).map((byte, at) => (at === 0 ? byte ^ 1 : byte)))
            : typeof value === 'bigint'
              ? value ^ 1n
              : value + (value % 2 === 0 ? 1 : -1)
        expect(hasher.struct('Receipt', { ...message, [field]: other })).not.to.equal(
          hasher.struct('Receipt', message),
        )
      }),
      seeded({}),
    )
  })

  const voucher = {
    router: `0x${'33'.repeat(20)}`,
    ceiling: 1n,
    expiry: 1,
    request: `0x${'44'.repeat(32)}`,
  } as const
  const hasher = createHasher({ chainId: 1, verifyingContract: `0x${'22'.repeat(20)}` })
  for (const [what, change] of Object.entries({
    'a ceiling of 2^128': { ceiling: 1n << 128n },
    'a negative ceiling': { ceiling: -1n },
    'an expiry of 2^40': { expiry: 2 ** 40 },
    'a negative expiry': { expiry: -1 },
    'an expiry that is no whole number': { expiry: 1.5 },
    'an address of 19 bytes': { router: `0x${'33'.repeat(19)}` as Hex },
    'a hash that is not hexadecimal': { request: `0x${'zz'.repeat(32)}` as Hex },
  })) {
    it(`${what} is refused, not cut to fit`, () => {
      expect(() => hasher.struct('Voucher', { ...voucher, ...change })).to.throw(RangeError)
    })
  }

  it('a missing field is refused by name', () => {
    const { ceiling: _, ...rest } = voucher

    expect(() => hasher.struct('Voucher', rest as Messages['Voucher'])).to.throw(RangeError, 'ceiling')
  })
})

describe('bytes', () => {
  it('hexadecimal goes there and back, upper case included', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromHex(toHex(bytes))).to.deep.equal(bytes)
        expect(fromHex(toHex(bytes).slice(2).toUpperCase())).to.deep.equal(bytes)
      }),
      seeded({}),
    )
  })

  it('whole numbers go there and back in every width that holds them', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 32 }),
        fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }),
        (size, wide) => {
          const value = wide & ((1n << BigInt(8 * size)) - 1n)
          const bytes = new Uint8Array(size + 2)
          writeUint(bytes, 1, size, value)
          expect(readUint(bytes, 1, size)).to.equal(value)
          expect([bytes[0], bytes[size + 1]]).to.deep.equal([0, 0])
          expect(() => writeUint(bytes, 1, size, 1n << BigInt(8 * size))).to.throw(RangeError)
        },
      ),
      seeded({}),
    )
  })

  it('a running hash is the hash of what it saw, at every prefix', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), (parts) => {
        const running = runningHash()
        const seen: number[] = []
        for (const part of parts) {
          running.update(part)
          seen.push(...part)
          expect(running.digest()).to.equal(toHex(keccak(new Uint8Array(seen))))
          expect(running.length).to.equal(seen.length)
        }
      }),
      seeded({}),
    )
  })

  it('the fast keccak is the portable one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        expect(toHex(fastKeccak(bytes))).to.equal(toHex(keccak(bytes)))
      }),
      seeded({}),
    )
  })
})
