import { type Address, compactSignatureToSignature, type Hex, recoverAddress, serializeSignature } from 'viem'
import { partMissing } from './errors.ts'

const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
const COMPACT_LENGTH = 2 + 2 * 64

/** viem fetches its curve when it first recovers. What is recovered first is known, so that only the code can be to blame. */
const KNOWN = {
  hash: `0x${'11'.repeat(32)}`,
  signature:
    '0xb9f0bb08640d3c1c00761cdd0121209268f6fd3816bc98b9e6f3cc77bf82b69812ac7a61788a0fdc0e19180f14c945a8e1088a27d92a74dce81c0981fb6447441b',
} as const
let curve: Promise<unknown> | undefined

async function loadCurve(): Promise<void> {
  curve ??= recoverAddress(KNOWN)
  try {
    await curve
  } catch (cause) {
    curve = undefined
    throw partMissing('checks signatures', cause)
  }
}

/**
 * The address that signed `digest`: 65-byte signatures and 64-byte ones (EIP-2098). Portable; routers use native.ts.
 *
 * @returns undefined for any signature that has none, and for the malleable twin of one that has.
 * @throws `program.part_missing` (later) if the code that recovers could not be fetched.
 */
export async function recoverSigner(digest: Hex, signature: Hex): Promise<Address | undefined> {
  await loadCurve()
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
