import { type Address, zeroAddress } from 'viem'
import { registryAbi } from '../../../../../sdk/chain/abi.ts'
import { readClock } from '../../../../../sdk/chain/epochs.ts'
import { chainError } from '../../../../../sdk/chain/errors.ts'
import { type Polls, readPolls } from '../../../../../sdk/chain/polls.ts'
import { type BallotName, readTargets, type Target } from '../../../../../sdk/chain/votes.ts'
import { ROLE } from '../../../../../sdk/protocol/messages.ts'
import type { Scene } from '../../acts/scene.ts'

/** So many of a ballot's newest targets are listed; those that have a vote of the account always are. */
const MOST_LISTED = 60

export const BALLOTS = ['node', 'pod'] as const

/** What the page shows: who may be voted for, and, with an account, where its votes stand. */
export interface Booth {
  router: Address
  polls: Polls | undefined
  targets: Target[]
  /** Targets that are not listed, by ballot. */
  unlisted: Record<BallotName, number>
}

export async function readBooth(scene: Scene, account: Address | undefined): Promise<Booth> {
  const { chain } = scene
  const [economy, router] = await Promise.all([scene.economy(), scene.router()])
  const [{ epoch }, polls, counts] = await Promise.all([
    readClock(chain),
    account && readPolls(chain, economy, { account, router }),
    Promise.all(BALLOTS.map((ballot) => countOf(scene, economy.registry, ballot))),
  ])
  const wanted = BALLOTS.flatMap((ballot, index) => {
    const last = counts[index] ?? 0
    const newest = Array.from({ length: Math.min(last, MOST_LISTED) }, (_, back) => last - back).reverse()
    const voted = (polls?.votes ?? []).filter((vote) => vote.ballot === ballot).map(({ id }) => id)
    return [...new Set([...voted, ...newest])].sort((a, b) => a - b).map((id) => ({ ballot, id }))
  })
  const asked = { account: account ?? zeroAddress, router, epoch }
  const all = await readTargets(chain, economy, asked, wanted)
  const stands = (target: Target) =>
    (polls?.votes ?? []).some(
      ({ ballot, id, bps }) => ballot === target.ballot && id === target.id && bps > 0,
    )
  const unlisted = (index: number) => Math.max(0, (counts[index] ?? 0) - MOST_LISTED)
  return {
    router,
    polls: polls || undefined,
    targets: all.filter((target) => target.active || stands(target)),
    unlisted: { node: unlisted(0), pod: unlisted(1) },
  }
}

const countOf = ({ chain }: Scene, registry: Address, ballot: BallotName): Promise<number> =>
  chain.client
    .readContract({ address: registry, abi: registryAbi, functionName: 'countOf', args: [ROLE[ballot]] })
    .catch((cause: unknown) => {
      throw chainError(cause)
    })
