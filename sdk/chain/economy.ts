import { type Address, zeroAddress } from 'viem'
import { refused } from '../errors.ts'
import { computeLedgerAbi, emissionControllerAbi, voteControllerAbi } from './abi.ts'
import type { Chain } from './clients.ts'
import { chainError } from './errors.ts'

/** The contracts of the economy. All of them follow from the ledger: who trusts that needs to be told nothing. */
export interface Economy {
  ledger: Address
  registry: Address
  asset: Address
  heu: Address
  escrow: Address
  votes: Address
  staking: Address
  emission: Address
  burner: Address
  /** Not named by the ledger: `economyWithCases` looks for it. */
  slashing?: Address
}

/**
 * Asks the ledger for its voters, those for the emission, and so on.
 *
 * @throws `economy.absent` (refused) if this ledger was deployed without one; `chain.*`.
 */
export async function economyOf(chain: Chain, ledger: Address): Promise<Economy> {
  const { client } = chain
  const books = { address: ledger, abi: computeLedgerAbi } as const
  try {
    const [registry, asset, votes] = await Promise.all([
      client.readContract({ ...books, functionName: 'registry' }),
      client.readContract({ ...books, functionName: 'asset' }),
      client.readContract({ ...books, functionName: 'podVoters' }),
    ])
    if (votes === zeroAddress) throw absent(ledger)
    const ballots = { address: votes, abi: voteControllerAbi } as const
    const [escrow, emission] = await Promise.all([
      client.readContract({ ...ballots, functionName: 'escrow' }),
      client.readContract({ ...ballots, functionName: 'emission' }),
    ])
    const controller = { address: emission, abi: emissionControllerAbi } as const
    const [heu, staking, burner] = await Promise.all([
      client.readContract({ ...controller, functionName: 'heu' }),
      client.readContract({ ...controller, functionName: 'staking' }),
      client.readContract({ ...controller, functionName: 'burner' }),
    ])
    return { ledger, registry, asset, heu, escrow, votes, staking, emission, burner }
  } catch (cause) {
    throw chainError(cause)
  }
}

const absent = (ledger: Address) =>
  refused('economy.absent', `ledger ${ledger} has no voters: it was deployed without an economy`, {
    fix: 'Use a network whose ledger names a VoteController (`podVoters`).',
    details: { ledger },
  })
