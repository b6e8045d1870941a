import { expect } from 'chai'
import type { Chain } from '../../sdk/chain/clients.ts'
import { readCycle } from '../../sdk/chain/cycle.ts'
import { EPOCH_SECONDS } from '../../sdk/protocol/epochs.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'

const address = (digit: string) => `0x${digit.repeat(40)}` as const
const place = {
  ledger: address('1'),
  registry: address('2'),
  escrow: address('6'),
  votes: address('3'),
  emission: address('4'),
  burner: address('5'),
}
const router = address('9')
const NOW = 3_000

/** A pod at the router: what it settled in which epoch, what its voters can draw, the first epoch that is not closed. */
interface PodBooks {
  settled: Record<number, bigint>
  drawable: bigint
  openFrom: number
}

/** Books of pods, as the contracts answer for them, behind a client that counts what it is asked. */
function books(
  pods: readonly PodBooks[],
  lastCheckpoint = NOW,
  lastRoll: readonly number[] = [NOW + 1, NOW + 1],
): { chain: Chain; reads: () => number } {
  let reads = 0
  const answers: Record<string, (args: readonly number[]) => unknown> = {
    nextEpoch: () => NOW,
    lastCheckpoint: () => lastCheckpoint,
    lastRoll: ([ballot]) => lastRoll[Number(ballot)],
    countOf: ([role]) => (role === ROLE.pod ? pods.length : 0),
    // The burner's takes a router, the ballots' a ballot, a router and a pod.
    openFrom: (args) => (args.length === 1 ? NOW : pods[Number(args[2]) - 1]?.openFrom),
    unitsIn: ([, , pod, epoch]) => pods[Number(pod) - 1]?.settled[Number(epoch)] ?? 0n,
    claimable: ([, , pod]) => pods[Number(pod) - 1]?.drawable,
  }
  const client = {
    getBlock: async () => ({ timestamp: BigInt(NOW * EPOCH_SECONDS) }),
    async readContract({ functionName, args }: { functionName: string; args?: readonly number[] }) {
      reads += 1
      const answer = answers[functionName]
      if (!answer) throw new Error(`nobody asked for ${functionName} before`)
      return answer(args ?? [])
    },
  }
  return { chain: { client } as unknown as Chain, reads: () => reads }
}

const dead: PodBooks = { settled: { 2850: 1_000_000n }, drawable: 0n, openFrom: 2_851 }

describe('what the keeper reads in one look', () => {
  it('is two reads for a pod that nobody uses, however long ago somebody did', async () => {
    const readsFor = async (pods: number) => {
      const { chain, reads } = books(Array.from({ length: pods }, () => dead))
      expect((await readCycle(chain, place, [router])).revenue).to.deep.equal([])
      return reads()
    }
    const [none, few, many] = [await readsFor(0), await readsFor(3), await readsFor(300)]

    process.stdout.write(`      reads in one look: ${none} without pods, ${few} for 3, ${many} for 300\n`)
    expect(few - none).to.equal(2 * 3)
    expect(many - none).to.equal(2 * 300)
  })

  it('finds the revenue of the last epoch and of older ones, whoever drew it from the ledger before', async () => {
    const pods: PodBooks[] = [
      dead,
      { settled: { 2999: 500n }, drawable: 25n, openFrom: 2_999 },
      // Somebody made the ledger pay the voters, and closed nothing.
      { settled: { 2999: 500n }, drawable: 0n, openFrom: 2_999 },
      { settled: { 2940: 500n }, drawable: 25n, openFrom: 2_930 },
      // Of the present epoch alone: not over.
      { settled: { 3000: 500n }, drawable: 25n, openFrom: 2_990 },
      { settled: { 2999: 500n, 3000: 500n }, drawable: 25n, openFrom: 3_000 },
    ]

    expect((await readCycle(books(pods).chain, place, [router])).revenue).to.deep.equal([
      { router, pod: 2 },
      { router, pod: 3 },
      { router, pod: 4 },
    ])
  })

  it('opens an epoch for the locks once one was ever made, and once', async () => {
    const awaits = async (checkpoint: number) =>
      (await readCycle(books([], checkpoint).chain, place, [])).awaitsCheckpoint

    expect([await awaits(0), await awaits(NOW - 1), await awaits(NOW)]).to.deep.equal([false, true, false])
  })

  it('rolls a ballot that somebody voted on into the next epoch, and once', async () => {
    const unrolled = async (...lastRoll: number[]) =>
      (await readCycle(books([], NOW, lastRoll).chain, place, [])).unrolled

    expect([await unrolled(0, 0), await unrolled(NOW - 9, NOW), await unrolled(NOW + 1, NOW)]).to.deep.equal([
      [],
      ['node', 'pod'],
      ['pod'],
    ])
  })
})
