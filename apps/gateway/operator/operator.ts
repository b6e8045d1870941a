import { timingSafeEqual } from 'node:crypto'
import type { Address } from 'viem'
import { computeLedgerAbi, registryAbi } from '../../../sdk/chain/abi.ts'
import type { Chain } from '../../../sdk/chain/clients.ts'
import { chainError } from '../../../sdk/chain/errors.ts'
import { refused } from '../../../sdk/errors.ts'
import { ROLE } from '../../../sdk/protocol/messages.ts'
import type { Sessions } from '../account/sessions.ts'
import { sha256 } from '../till/keys.ts'

/** Whose gateway this is: the owner of its frontend on the Registry, and who has the operator's key. */
export interface OperatorTerms {
  /** 0 = none: then only the key opens these pages, and calls earn no share. */
  frontend: number
  /** SHA-256 of the operator's key, in hexadecimal. */
  keySha256?: string
}

export interface Operator {
  /** @throws `session.missing`, `session.invalid`, `operator.forbidden` (refused), `chain.unreachable` (later). */
  check(authorization: string | undefined): Promise<void>
  /** The frontend's share of what is settled in an epoch, basis points. @throws `chain.unreachable` (later). */
  bpsIn(epoch: number): Promise<number>
}

interface Deps {
  chain: Chain
  ledger: Address
  sessions: Pick<Sessions, 'walletOf'>
}

export function openOperator(
  { frontend, keySha256 }: OperatorTerms,
  { chain, ledger, sessions }: Deps,
): Operator {
  const books = { address: ledger, abi: computeLedgerAbi } as const
  const shares = new Map<number, number>()
  let registry: Promise<Address> | undefined

  const ask = async <T>(read: Promise<T>): Promise<T> => {
    try {
      return await read
    } catch (cause) {
      throw chainError(cause)
    }
  }

  /** Asked each time: a frontend changes hands, and then its books do. */
  async function owner(): Promise<Address> {
    registry ??= ask(chain.client.readContract({ ...books, functionName: 'registry' })).catch(
      (cause: unknown) => {
        registry = undefined
        throw cause
      },
    )
    const address = await registry
    const args = [ROLE.frontend, frontend] as const
    return ask(chain.client.readContract({ address, abi: registryAbi, functionName: 'ownerOf', args }))
  }

  function isKey(authorization: string | undefined): boolean {
    const token = /^Bearer +(\S{1,512}) *$/i.exec(authorization ?? '')?.[1]
    if (keySha256 === undefined || token === undefined) return false
    return timingSafeEqual(sha256(token), Buffer.from(keySha256, 'hex'))
  }

  return {
    async check(authorization) {
      if (isKey(authorization)) return
      const wallet = sessions.walletOf(authorization)
      const mine = frontend === 0 ? undefined : await owner()
      if (mine?.toLowerCase() === wallet) return
      throw refused('operator.forbidden', `These books are the operator's, and ${wallet} is not`, {
        fix: "Sign in with the wallet that owns the gateway's frontend on the Registry.",
      })
    },
    async bpsIn(epoch) {
      if (frontend === 0) return 0
      const known = shares.get(epoch)
      if (known !== undefined) return known
      const split = await ask(chain.client.readContract({ ...books, functionName: 'splitIn', args: [epoch] }))
      // An epoch's split is final once it has begun, and calls are of none that has not.
      shares.set(epoch, split.frontend)
      return split.frontend
    },
  }
}
