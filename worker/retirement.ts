import type { Address } from 'viem'
import { registryAbi } from '../sdk/chain/abi.ts'
import { openChain } from '../sdk/chain/clients.ts'
import { asHeuristError } from '../sdk/errors.ts'
import type { Log } from '../sdk/program.ts'
import { rounds } from './rounds.ts'

/** Looks whether the key that signs here is still its node's: one that was replaced is evidence, and signs no new work. */
export interface Retirement {
  /** Resolves when the chain says that the signer was replaced. */
  readonly happened: Promise<void>
  /** Asks the chain now. @returns whether it was replaced, as far as is known: a silent chain changes nothing. */
  look(): Promise<boolean>
  close(): void
}

export interface RetirementDeps {
  chainId: number
  rpcUrl: string
  registry: Address
  signer: Address
  everyMs: number
  log: Log
}

export function watchRetirement(deps: RetirementDeps): Retirement {
  const { log, signer } = deps
  const { client } = openChain(deps)
  let isOver = false
  let happen = () => {}
  const happened = new Promise<void>((resolve) => {
    happen = resolve
  })

  async function look(): Promise<boolean> {
    try {
      const life = await client.readContract({
        address: deps.registry,
        abi: registryAbi,
        functionName: 'signerLife',
        args: [signer],
      })
      if (life.until === 0 || isOver) return isOver
      isOver = true
      log.error({
        event: 'signer.retired',
        signer,
        node: life.node,
        fix: "Put the node's present signer key in its place and start again.",
      })
      happen()
    } catch (cause) {
      log.warn({ event: 'signer.unread', error: asHeuristError(cause).toJSON() })
    }
    return isOver
  }

  return { happened, look, close: rounds(look, () => (isOver ? undefined : deps.everyMs)) }
}
