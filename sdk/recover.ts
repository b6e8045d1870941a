import { type Address, compactSignatureToSignature, type Hex, recoverAddress, serializeSignature } from 'viem'

const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
const COMPACT_LENGTH = 2 + 2 * 64

/**
 * The address that signed `digest`: 65-byte signatures and 64-byte ones (EIP-2098). Portable; routers use native.ts.
 *
 * @returns undefined for any signature that has none, and for the malleable twin of one that has.
 */
export async function recoverSigner(digest: Hex, signature: Hex): Promise<Address | undefined> {
  try {
    const full =
      signature.length === COMPACT_LENGTH
        ? serializeSignature(compactSignatureToSignature(halvesOf(signature)))
        : signature
    if (BigInt(`0x${full.slice(66, 130)}`) > HALF_ORDER) return undefined
    return await recoverAddress({ hash: digest, signature: full })
  } catch {
    return undefined
  }
}

/** viem's own parser takes the second half for an s, and refuses one whose parity bit lifts it over the order. */
const halvesOf = (signature: Hex) => ({
  r: signature.slice(0, 66) as Hex,
  yParityAndS: `0x${signature.slice(66)}` as Hex,
})

/** The same question, however it is answered. */
export type Recover = (digest: Hex, signature: Hex) => Address | undefined | Promise<Address | undefined>

/** Whether two addresses are one, however they are written. */
export const same = (a: string | undefined, b: string | undefined): boolean =>
  a !== undefined && a.toLowerCase() === b?.toLowerCase()
