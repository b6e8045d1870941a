import { startTransition, useEffect, useState } from 'react'
import { z } from 'zod'
import { receiptDocumentSchema } from '../../../../sdk/documents.ts'
import { asHeuristError, type HeuristError } from '../../../../sdk/errors.ts'
import type { AccountId } from '../../../../sdk/journal.ts'
import type { OwnBook } from '../../../../sdk/own-book.ts'
import { type Check, verifyReceipt } from '../../../../sdk/verify.ts'
import { retried } from '../network/retried.ts'
import { useLive } from '../network/use.ts'
import { deliveredOf } from './delivered.ts'
import { follow } from './follow.ts'

const schema = receiptDocumentSchema.extend({ createdAt: z.number() })
export type Receipt = z.output<typeof schema>

type Read<T> = { state: 'reading' } | { state: 'failed'; why: string } | { state: 'read'; value: T }

async function documentOf(url: URL): Promise<Receipt | undefined> {
  const answer = await fetch(url)
  return answer.status === 404 ? undefined : schema.parse(await answer.json())
}

/** The router's document of one call, read again until it is settled. */
export function useReceipt(request: string): Read<Receipt> {
  const { config } = useLive()
  const [receipt, setReceipt] = useState<Read<Receipt>>({ state: 'reading' })
  useEffect(
    () =>
      follow(() => documentOf(new URL(`/v1/receipts/${request}`, config.routerUrl)), {
        read: (value) => startTransition(() => setReceipt({ state: 'read', value })),
        failed: (why) => setReceipt((known) => (known.state === 'read' ? known : { state: 'failed', why })),
      }),
    [request, config.routerUrl],
  )
  return receipt
}

/** The journal of this browser, if the payer is one of its keys. */
async function ownBook(account: AccountId): Promise<OwnBook | undefined> {
  const [{ openSessionDb }, { readOwnBook }] = await Promise.all([
    import('../session/store.ts'),
    import('../session/journal.ts'),
  ])
  const db = await openSessionDb()
  try {
    return await readOwnBook(db, account)
  } finally {
    db.close()
  }
}

function whyOf({ kind, code, message }: HeuristError): string {
  if (kind === 'later') return `${message}. The page tries again by itself.`
  return code === 'unexpected' ? 'something went wrong that this page did not expect.' : message
}

/** A page reads the data of a batch up to some fifteen megabytes; of a larger one it says what it did not check. */
const MOST_LEAVES = 50_000

/** Every signature, hash and proof of a call, checked in this browser against the chain; again as it comes further. */
export function useChecks(request: string, status: Receipt['status'] | undefined): Read<Check[]> {
  const { config } = useLive()
  const [checks, setChecks] = useState<Read<Check[]> & { of?: Receipt['status'] | undefined }>({
    state: 'reading',
  })
  useEffect(() => {
    if (status === undefined || status === 'admitted' || status === 'dispatched' || status === 'failed')
      return
    const { routerUrl, rpcUrl, chainId, ledger } = config
    const place = { routerUrl, rpcUrl, chainId, ledger, mostLeaves: MOST_LEAVES }
    return retried(
      () => verifyReceipt(request as `0x${string}`, { ...place, journal: ownBook, ...deliveredOf(request) }),
      {
        done: (value) => startTransition(() => setChecks({ state: 'read', value, of: status })),
        failed: (cause) => {
          // What was found of a call that has come further since says nothing of it as it is.
          const isKnown = (known: typeof checks) => known.state === 'read' && known.of === status
          const why = whyOf(asHeuristError(cause))
          setChecks((known) => (isKnown(known) ? known : { state: 'failed', why }))
        },
      },
    )
  }, [request, status, config])
  return checks
}
