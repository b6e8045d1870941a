import { expect } from 'chai'
import { parseVotes } from '../../cli/commands/vote.ts'
import { expected, weightOf } from '../../sdk/chain/votes.ts'
import { LEAST_WEIGHT } from '../../sdk/protocol/emission.ts'
import { refusal } from '../sdk/refusal.ts'
import { codeOf, HEU, type Holder, openSeason, type Season, USD } from './season.ts'

describe('votes as people write them', () => {
  it('are percent per id, of one ballot', () => {
    expect(parseVotes('node', '1=60, 2=12.5%')).to.deep.equal([
      { ballot: 'node', id: 1, bps: 6000 },
      { ballot: 'node', id: 2, bps: 1250 },
    ])
    expect(parseVotes('pod', undefined)).to.deep.equal([])
  })

  it('more than all of the power, an id twice and words that are no vote are refused', async () => {
    const codes = await Promise.all(
      ['1=60,2=41', '1=10,1=20', '1', '1=2=3', 'one=10', '0=10', '1=half', ''].map(async (text) => {
        const { code } = await refusal((async () => parseVotes('node', text))())
        return code
      }),
    )

    expect(codes).to.deep.equal([
      'vote.too_much',
      'vote.twice',
      'vote.invalid',
      'vote.invalid',
      'id.invalid',
      'id.invalid',
      'percent.invalid',
      'vote.invalid',
    ])
  })
})

describe('what a vote may bring', () => {
  it('weighs its part of the lock by the weeks that are left of it', () => {
    const lock = { amount: 1000n * HEU, end: 3000 }

    expect(weightOf(lock, 2500, 2948)).to.equal(250n * HEU * 52n)
    expect(weightOf(lock, 10_000, 3000)).to.equal(0n)
  })

  it('is the part of the weight with its own added, and nothing where so little weight has the reward burnt', () => {
    expect(expected({ reward: 900n, others: 2n * HEU }, HEU)).to.equal(300n)
    expect(expected({ reward: 900n, others: 0n }, HEU)).to.equal(900n)
    expect(expected({ reward: 900n, others: 0n }, LEAST_WEIGHT - 1n)).to.equal(0n)
  })
})

interface Outlook {
  ballot: string
  id: number
  bps: number
  weight: string
  others: string
  reward: string
  epochs: number
  expected: string
}

interface Shown {
  votes: { ballot: string; id: number; bps: number; weight: string; nextWeight: string }[]
}

/** Two voters, two nodes and the market's pods. */
describe('heurist vote on a real chain', function () {
  this.timeout(900_000)
  const WEEKS = 10n
  let season: Season
  let small: Holder
  let large: Holder
  let nodes: string[]

  before(async () => {
    season = await openSeason()
    small = await season.holder('small', 200n * HEU)
    large = await season.holder('large', 300n * HEU)
    nodes = [await season.nodeOf(small), await season.nodeOf(small)]
    for (const [{ file }, amount] of [
      [small, '100'],
      [large, '300'],
    ] as const) {
      await season.home.run('lock', 'create', amount, '--weeks', String(WEEKS), '--key-file', file)
    }
  })
  after(() => season.close())

  const run = (voter: Holder, ...argv: string[]) =>
    season.home.run('vote', ...argv, '--key-file', voter.file, '--json')
  const standing = async (voter: Holder) => {
    const { votes } = (await run(voter, 'show')).json as unknown as Shown
    return votes.filter(({ bps }) => bps > 0).map(({ ballot, id, bps }) => [ballot, id, bps])
  }

  it('is one call for both ballots, and binds from the next epoch', async () => {
    const [one, two] = nodes
    const cast = await run(small, 'set', '--node', `${one}=60,${two}=40`, '--pod', '1=100')
    const alone = await run(large, 'set', '--node', `${one}=100`)

    const calls = cast.json.calls as { contract: string; function: string }[]
    const outlook = alone.json.outlook as Outlook[]
    const { votes } = (await run(small, 'show')).json as unknown as Shown
    expect([cast.code, alone.code]).to.deep.equal([0, 0])
    expect(calls.map((call) => `${call.contract}.${call.function}`)).to.deep.equal([
      'VoteController.voteBoth',
    ])
    expect(cast.json.epoch).to.equal((await season.epoch()) + 1)
    expect(outlook[0]).to.include({
      weight: (300n * HEU * (WEEKS - 1n)).toString(),
      others: (60n * HEU * (WEEKS - 1n)).toString(),
      epochs: 0,
      expected: '0',
    })
    expect(votes.map(({ weight }) => weight)).to.deep.equal(['0', '0', '0'])
    expect(votes.map(({ nextWeight }) => nextWeight)).to.deep.equal(
      [60n, 40n, 100n].map((part) => (part * HEU * (WEEKS - 1n)).toString()),
    )
  })

  it('says before it is sent what the pod paid its voters lately, and the part of it that would be yours', async () => {
    const payer = await season.market.payer(50n * USD)
    await season.settle(payer.key, 10n * USD, { node: Number(nodes[0]), pod: 1 })
    await season.nextEpoch()

    const dry = await run(large, 'set', '--pod', '1=50', '--dry-run')

    const [outlook] = dry.json.outlook as Outlook[]
    // Five per cent of ten dollars; weights of the next epoch, which is the second of the votes that stand.
    const reward = (10n * USD * 500n) / 10_000n
    const [mine, others] = [150n * HEU * (WEEKS - 2n), 100n * HEU * (WEEKS - 2n)]
    expect(outlook).to.include({ reward: reward.toString(), epochs: 1, others: others.toString() })
    expect(outlook?.expected).to.equal(((reward * mine) / (mine + others)).toString())
    expect(await standing(large)).to.deep.equal([['node', Number(nodes[0]), 10_000]])
  })

  it('replaces what stood on a ballot, and leaves the other ballot alone', async () => {
    const moved = await run(small, 'set', '--node', `${nodes[1]}=100`)

    expect(moved.code).to.equal(0)
    expect(await standing(small)).to.deep.equal([
      ['node', Number(nodes[1]), 10_000],
      ['pod', 1, 10_000],
    ])
  })

  it('is a picture of the lock until it is renewed', async () => {
    await season.home.run('lock', 'add', '50', '--key-file', small.file)
    const before = (await run(small, 'show')).json as unknown as Shown
    const renewed = await run(small, 'renew')
    const after = (await run(small, 'show')).json as unknown as Shown

    const next = (shown: Shown) => shown.votes.find(({ ballot }) => ballot === 'pod')?.nextWeight
    expect(renewed.code).to.equal(0)
    expect(next(before)).to.equal((100n * HEU * (WEEKS - 2n)).toString())
    expect(next(after)).to.equal((150n * HEU * (WEEKS - 2n)).toString())
  })

  it('can all be taken back, at any time', async () => {
    const reset = await run(small, 'reset')
    const again = await run(small, 'reset')

    expect([reset.code, again.code]).to.deep.equal([0, 1])
    expect(codeOf(again)).to.equal('vote.none')
    expect(await standing(small)).to.deep.equal([])
  })

  it('needs a lock that lives when it binds, a target that counts, and words', async () => {
    const idle = await season.holder('idle', 10n * HEU)
    const nobody = await run(idle, 'set', '--pod', '1=100')
    await season.home.run('lock', 'create', '5', '--weeks', '1', '--key-file', idle.file)
    const short = await run(idle, 'set', '--pod', '1=100')
    const unknown = await run(large, 'set', '--node', '99=100')
    const empty = await run(large, 'set')
    const keyless = await season.home.run(
      'vote',
      'set',
      '--pod',
      '1=100',
      '--account',
      large.account.address,
      '--json',
    )

    expect([nobody, short, unknown, empty, keyless].map(codeOf)).to.deep.equal([
      'lock.absent',
      'lock.short',
      'target.inactive',
      'vote.empty',
      'account.keyless',
    ])
  })
})
