import { useMemo } from 'react'
import type { Address } from 'viem'
import { type Economy, economyOf } from '../../../../sdk/chain/economy.ts'
import { chainError } from '../../../../sdk/chain/errors.ts'
import { chainReader } from '../../../../sdk/chain/reader.ts'
import { asHeuristError } from '../../../../sdk/errors.ts'
import { createHasher, type Hasher } from '../../../../sdk/protocol/messages.ts'
import { type Answer, useRead } from '../network/answer.ts'
import { whileAnswering } from '../network/chain.ts'
import type { PageConfig } from '../network/config.ts'
import { useLive } from '../network/use.ts'
import type { Place } from '../session/deposit.ts'
import { openPlace } from '../session/place.ts'

/** The chain as the portal's pages read it: by the ledger that this page trusts, and all that follows from it. */
export interface PortalPlace extends Place {
  registry: Address
  /** Undefined where the ledger was deployed without one. */
  economy: Economy | undefined
  hasher: Hasher
}

let opened: { config: PageConfig; place: Promise<PortalPlace> } | undefined

/**
 * Once for all pages; after a failure it is tried again.
 *
 * @throws `network.differs` (refused), `router.unreachable`, `chain.unreachable` (later).
 */
export function portalPlace(config: PageConfig): Promise<PortalPlace> {
  if (opened?.config === config) return opened.place
  const place = readPlace(config).catch((cause: unknown) => {
    opened = undefined
    throw cause
  })
  opened = { config, place }
  return place
}

async function readPlace(config: PageConfig): Promise<PortalPlace> {
  const place = await openPlace(config)()
  const { chain, ledger } = place
  const { registry } = await chainReader(chain, { ledger, registry: ledger }).addresses()
  const economy = await economyOf(chain, ledger).catch((cause: unknown) => {
    if (asHeuristError(cause).code === 'economy.absent') return undefined
    throw cause
  })
  const hasher = createHasher({ chainId: config.chainId, verifyingContract: ledger })
  return { ...place, registry, economy, hasher }
}

/** Figures of the chain are read again this often. Milliseconds. */
const EVERY_MS = 8_000

/**
 * What a page reads of the chain, read again while it is seen.
 *
 * @param read  A function of the module, so that it is the same at every render.
 * @param args  What it is asked for: numbers, texts.
 */
export function useChain<A extends readonly (string | number)[], T>(
  read: (place: PortalPlace, ...args: A) => Promise<T>,
  ...args: A
): Answer<T> & { again: () => void } {
  return useRead(useQuestion(read, args), EVERY_MS)
}

/** The same of what never changes: it is asked until it is answered. */
export function useChainOnce<A extends readonly (string | number)[], T>(
  read: (place: PortalPlace, ...args: A) => Promise<T>,
  ...args: A
): Answer<T> {
  return useRead(useQuestion(read, args))
}

/** One function as long as the same is asked. */
function useQuestion<A extends readonly (string | number)[], T>(
  read: (place: PortalPlace, ...args: A) => Promise<T>,
  args: A,
): () => Promise<T> {
  const { config } = useLive()
  const key = JSON.stringify(args)
  return useMemo(
    () => () => {
      const reading = portalPlace(config)
        .then((place) => read(place, ...(JSON.parse(key) as unknown as A)))
        .catch((cause: unknown) => {
          throw chainError(cause)
        })
      return whileAnswering(config, reading)
    },
    [config, read, key],
  )
}
