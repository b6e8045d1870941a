import type { Hex } from 'viem'
import { generatePrivateKey } from 'viem/accounts'
import { createSigner, recoverSigner } from '../../sdk/native.ts'

const TIMES = 500
const BATCHES = 9

/** What a call's signatures cost in a loop: a voucher is signed, its receipt and its acknowledgement are recovered. µs, median. */
export function signaturesUs(): number {
  const signer = createSigner(generatePrivateKey())
  const digest: Hex = `0x${'5a'.repeat(32)}`
  const signature = signer.sign(digest)
  const batch = () => {
    const startedMs = performance.now()
    for (let index = 0; index < TIMES; index += 1) {
      signer.sign(digest)
      if (recoverSigner(digest, signature) !== signer.address)
        throw new Error('a signature was not recovered')
      recoverSigner(digest, signature)
    }
    return (1000 * (performance.now() - startedMs)) / TIMES
  }
  const all = Array.from({ length: BATCHES }, batch).sort((one, other) => one - other)
  return all[Math.floor(BATCHES / 2)] ?? 0
}
