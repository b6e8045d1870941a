import type { Hex } from 'viem'
import { createClient, memoryJournal, type ReceiptDocument } from '../../sdk/index.ts'

/** The receipt of a call once it is on the chain, or failed. Waits up to four minutes: the machine may have other work. */
export async function settled(routerUrl: string, request: string): Promise<ReceiptDocument> {
  const client = createClient({ routerUrl, key: `0x${'11'.repeat(32)}`, journal: memoryJournal() })
  for (let attempt = 0; attempt < 2_400; attempt += 1) {
    const document = await client.receipt(request as Hex)
    if (document.status === 'settled' || document.status === 'failed') return document
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${request} is not settled`)
}
