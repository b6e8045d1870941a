import { type Address, zeroAddress } from 'viem'
import { BPS, LEAST_WEIGHT, power } from '../protocol/emission.ts'
import { ROLE } from '../protocol/messages.ts'
import { computeLedgerAbi, emissionControllerAbi, registryAbi, voteControllerAbi } from './abi.ts'
import { type Call, caller } from './call.ts'
import type { Chain } from './clients.ts'
import type { Economy } from './economy.ts'
import { lastEpochs, nodeEmissions } from './emission.ts'
import { chainError } from './errors.ts'

/** Votes for nodes share tips (HEU wei); votes for pods share the voters' part of revenue (asset base units). */

/** @source contracts/libraries/Ballots.sol */
export const BALLOT = { node: 0, pod: 1 } as const
export type BallotName = keyof typeof BALLOT

/** Epochs whose average says what a vote may bring. */
const LOOK_BACK = 4
/** Ids that are read in one go. */
const STEP = 200

/** A vote as last changed, and what it adds now and in the next epoch. Weights in token-weeks. */
export interface Vote {
  ballot: BallotName
  id: number
  bps: number
  /** First epoch in which the newest vote counts. */
  from: number
  /** First epoch without weight. */
  end: number
  weight: bigint
  nextWeight: bigint
  /** Closed rewards: HEU wei for a node, base units of the asset for a pod at the asked router. */
  claimable: bigint
}

type Where = Pick<Economy, 'votes' | 'registry' | 'ledger' | 'emission'>

/** Every target that the account ever voted for, by ballot and id. */
export async function readVotes(
  chain: Chain,
  place: Where,
  { account, router, epoch }: { account: Address; router: Address; epoch: number },
): Promise<Vote[]> {
  const found: Vote[] = []
  for (const ballot of ['node', 'pod'] as const) {
    const count = await ask(() =>
      chain.client.readContract({
        address: place.registry,
        abi: registryAbi,
        functionName: 'countOf',
        args: [ROLE[ballot]],
      }),
    )
    for (let first = 1; first <= count; first += STEP) {
      const ids = Array.from({ length: Math.min(STEP, count - first + 1) }, (_, index) => first + index)
      const read = ids.map((id) => readVote(chain, place.votes, { account, router, epoch, ballot, id }))
      found.push(...(await ask(() => Promise.all(read))))
    }
  }
  return found.filter(({ from }) => from > 0)
}

async function readVote(
  { client }: Chain,
  votes: Address,
  asked: { account: Address; router: Address; epoch: number; ballot: BallotName; id: number },
): Promise<Vote> {
  const { account, router, epoch, ballot, id } = asked
  const at = { address: votes, abi: voteControllerAbi } as const
  const number = BALLOT[ballot]
  const of = ballot === 'node' ? zeroAddress : router
  const [[bps, , end, from], weight, nextWeight, claimable] = await Promise.all([
    client.readContract({ ...at, functionName: 'voteOf', args: [account, number, id] }),
    client.readContract({ ...at, functionName: 'votesIn', args: [account, number, id, epoch] }),
    client.readContract({ ...at, functionName: 'votesIn', args: [account, number, id, epoch + 1] }),
    client.readContract({ ...at, functionName: 'claimable', args: [account, number, of, id] }),
  ])
  return { ballot, id, bps, from, end, weight, nextWeight, claimable }
}

/** What voters of a target shared lately. */
export interface Target {
  ballot: BallotName
  id: number
  /** Whether it counts in the next epoch. */
  active: boolean
  /** Per epoch, the average of the last ones that are known; HEU wei or asset base units. */
  reward: bigint
  /** How many epochs that average is of. */
  epochs: number
  /** Weight in the next epoch as votes now stand, those of `account` left out. */
  others: bigint
}

/** @param account  Whose votes are left out of `others`. */
export async function readTargets(
  chain: Chain,
  place: Where,
  asked: { account: Address; router: Address; epoch: number },
  targets: readonly { ballot: BallotName; id: number }[],
): Promise<Target[]> {
  const ids = targets.filter(({ ballot }) => ballot === 'node').map(({ id }) => id)
  const tips = await tipsOf(chain, place, ids)
  return ask(() =>
    Promise.all(
      targets.map(async ({ ballot, id }) => {
        const rewards = ballot === 'node' ? tips(id) : await revenueOf(chain, place, asked, id)
        const { others, active } = await standing(chain, place, asked, { ballot, id })
        const sum = rewards.reduce((total, each) => total + each, 0n)
        const reward = rewards.length === 0 ? 0n : sum / BigInt(rewards.length)
        return { ballot, id, active, reward, epochs: rewards.length, others }
      }),
    ),
  )
}

async function standing(
  { client }: Chain,
  { votes, registry }: Where,
  { account, epoch }: { account: Address; epoch: number },
  { ballot, id }: { ballot: BallotName; id: number },
): Promise<{ others: bigint; active: boolean }> {
  const at = { address: votes, abi: voteControllerAbi } as const
  const number = BALLOT[ballot]
  const [weight, mine, active] = await Promise.all([
    client.readContract({ ...at, functionName: 'weightIn', args: [number, id, epoch + 1] }),
    client.readContract({ ...at, functionName: 'votesIn', args: [account, number, id, epoch + 1] }),
    client.readContract({
      address: registry,
      abi: registryAbi,
      functionName: 'isActiveIn',
      args: [ROLE[ballot], id, epoch + 1],
    }),
  ])
  return { others: weight - mine, active }
}

/** Tips of nodes in the last final epochs. */
async function tipsOf(
  chain: Chain,
  { emission, votes }: Where,
  nodes: readonly number[],
): Promise<(node: number) => bigint[]> {
  if (nodes.length === 0) return () => []
  const at = { address: emission, abi: emissionControllerAbi } as const
  const [first, next] = await ask(() =>
    Promise.all([
      chain.client.readContract({ ...at, functionName: 'firstEpoch' }),
      chain.client.readContract({ ...at, functionName: 'nextEpoch' }),
    ]),
  )
  const epochs = lastEpochs({ first, last: next - 1, count: LOOK_BACK })
  const issued = await nodeEmissions(chain, { emission, votes }, nodes, epochs)
  return (node) => issued.filter((each) => each.node === node).map(({ tip }) => tip)
}

/** The voters' part of what the router settled for a pod in the last epochs that are over: the ledger's own facts. */
async function revenueOf(
  { client }: Chain,
  { ledger, votes }: Where,
  { router, epoch }: { router: Address; epoch: number },
  pod: number,
): Promise<bigint[]> {
  const books = { address: ledger, abi: computeLedgerAbi } as const
  const first = await client.readContract({
    address: votes,
    abi: voteControllerAbi,
    functionName: 'firstEpoch',
  })
  return Promise.all(
    lastEpochs({ first, last: epoch - 1, count: LOOK_BACK }).map(async (each) => {
      const [units, split] = await Promise.all([
        client.readContract({
          ...books,
          functionName: 'unitsIn',
          args: [router, ROLE.voters, pod, each],
        }),
        client.readContract({ ...books, functionName: 'splitIn', args: [each] }),
      ])
      return (units * BigInt(split.voters)) / BPS
    }),
  )
}

/** Weight that `bps` of a lock adds to a target in `epoch`. @source IVoteController: whole ten-thousandths of its amount. */
export const weightOf = (lock: { amount: bigint; end: number }, bps: number, epoch: number): bigint =>
  power((lock.amount / BPS) * BigInt(bps), lock.end, epoch)

/** What a vote gets of a reward if nobody else changes anything; 0 where so little weight has it burnt. */
export function expected({ reward, others }: Pick<Target, 'reward' | 'others'>, mine: bigint): bigint {
  const weight = others + mine
  return weight < LEAST_WEIGHT ? 0n : (reward * mine) / weight
}

/** Of a ballot's power for one target. */
interface Share {
  id: number
  bps: number
}

/** Removals come first, so that what they free can be given in the same call. */
function columns(wanted: readonly Share[]): [number[], number[]] {
  const ordered = [...wanted].sort((a, b) => Number(a.bps > 0) - Number(b.bps > 0))
  return [ordered.map(({ id }) => id), ordered.map(({ bps }) => bps)]
}

const call = caller(voteControllerAbi)

export const voteCall = {
  vote: (votes: Address, ballot: BallotName, wanted: readonly Share[]): Call =>
    call(votes, 'vote', [BALLOT[ballot], ...columns(wanted)]),
  voteBoth: (votes: Address, nodes: readonly Share[], pods: readonly Share[]): Call =>
    call(votes, 'voteBoth', [...columns(nodes), ...columns(pods)]),
  roll: (votes: Address, ballot: BallotName, id: number): Call => call(votes, 'roll', [BALLOT[ballot], id]),
  closeRevenue: (votes: Address, router: Address, pod: number): Call =>
    call(votes, 'closeRevenue', [router, pod]),
  closeTips: (votes: Address, node: number): Call => call(votes, 'closeTips', [node]),
  claimRevenue: (votes: Address, router: Address, pods: readonly number[], to: Address): Call =>
    call(votes, 'claimRevenue', [router, pods, to]),
  claimTips: (votes: Address, nodes: readonly number[], to: Address): Call =>
    call(votes, 'claimTips', [nodes, to]),
}

async function ask<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    throw chainError(cause)
  }
}
