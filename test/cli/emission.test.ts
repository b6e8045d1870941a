import { expect } from 'chai'
import { params } from '../../deploy/params.ts'
import { testDollarAbi } from '../../sdk/chain/abi.ts'
import { codeOf, HEU, type Holder, openSeason, type Season, USD } from './season.ts'

const BPS = 10_000n
const SUPPLY = 1_000_000_000n * HEU
const YEAR = 52n
const DAY = 86_400

interface Shown {
  due: { name: string; what: string }[]
  open: { epoch: number; unrecorded: number[]; finalizableAt: number } | null
}

interface Emission {
  reserve: string
  reservoir: string
  owed: string
  nextEpoch: number
  epochs: { epoch: number; cap: string; base: string; dynamic: string; burnt: string; issued: string }[]
}

interface Burn {
  lot: { amount: string; price: string; cost: string; burnt: string; epoch: number }
  carried: { amount: string }
}

/**
 * One week of calls, and the week after it, by command line alone: gathered, recorded, sold, burnt, finalized, claimed.
 * Node 1 settles a quarter of the volume at its home router, node 2 the rest; node 1 tips a fifth to its one voter.
 */
describe('a week of the economy by heurist', function () {
  this.timeout(900_000)
  let season: Season
  let owner: Holder
  let voter: Holder
  let buyer: Holder
  let nodes: [string, string]
  let week: number

  const charges = [10n * USD, 30n * USD] as const
  const volume = charges[0] + charges[1]
  /** The protocol's part: everything but the shares of node, pod, frontend and voters. */
  const fee = (volume * 500n) / BPS

  before(async () => {
    season = await openSeason()
    owner = await season.holder('owner', 0n)
    voter = await season.holder('voter', 100n * HEU)
    buyer = await season.holder('buyer', 1000n * HEU)
    nodes = [await season.nodeOf(owner), await season.nodeOf(owner)]
  })
  after(() => season.close())

  const run = (...argv: string[]) => season.home.run(...argv, '--json')
  const as = (who: Holder, ...argv: string[]) => run(...argv, '--key-file', who.file)
  async function shown(): Promise<Shown> {
    const { code, json } = await run('epoch', 'show')
    expect(code, JSON.stringify(json)).to.equal(0)
    return json as unknown as Shown
  }
  const burn = async () => (await run('burn', 'show')).json as unknown as Burn
  const emission = async () => (await run('net', 'emission')).json as unknown as Emission
  const names = ({ due }: Shown) => due.map(({ name }) => name)
  const dollarsOf = (address: `0x${string}`) =>
    season.chain.client.readContract({
      address: season.market.addresses.asset,
      abi: testDollarAbi,
      functionName: 'balanceOf',
      args: [address],
    })

  it('the owner names home and tip, which bind from the next epoch; nobody else can', async () => {
    const homes = [
      await as(owner, 'node', 'home', nodes[0], 'here'),
      await as(owner, 'node', 'home', nodes[1], season.market.router.address),
    ]
    const tip = await as(owner, 'node', 'tip', nodes[0], '20')
    const thief = await as(voter, 'node', 'tip', nodes[0], '0')
    const much = await as(owner, 'node', 'tip', nodes[0], '50.01')
    const none = await as(owner, 'node', 'home', '77', 'here')

    expect([...homes, tip].map(({ code }) => code)).to.deep.equal([0, 0, 0])
    expect([thief, much, none].map(codeOf)).to.deep.equal(['node.foreign', 'tip.too_high', 'node.unknown'])
    expect(tip.json).to.include({ tip: 0, nextTip: 2000 })
    expect(String(tip.json.nextHome).toLowerCase()).to.equal(season.market.router.address)
  })

  it('a week of calls is settled, and its node and pod have a voter', async () => {
    await as(voter, 'lock', 'create', '100', '--weeks', '10')
    const cast = await as(voter, 'vote', 'set', '--node', `${nodes[0]}=100`, '--pod', '1=100')
    await season.nextEpoch()
    week = await season.epoch()
    const payer = await season.market.payer(50n * USD)
    await season.settle(payer.key, charges[0], { node: Number(nodes[0]), pod: 1 })
    await season.settle(payer.key, charges[1], { node: Number(nodes[1]), pod: 1 })
    await season.nextEpoch()

    expect(cast.code).to.equal(0)
    const seen = await shown()
    expect(seen.open).to.deep.include({ epoch: week - 1, unrecorded: [] })
    expect(names(seen)).to.deep.equal(['gather', 'checkpoint', 'roll', 'roll', 'close revenue', 'finalize'])
  })

  it('anyone turns the epoch: fees gathered, revenue closed, the idle week before it final, its own nodes recorded', async () => {
    const dry = await run('epoch', 'turn', '--account', buyer.account.address, '--dry-run')
    const turns = [
      await as(buyer, 'epoch', 'turn'),
      await as(buyer, 'epoch', 'turn'),
      await as(buyer, 'epoch', 'turn'),
    ]

    const said = [dry, ...turns].map(({ code, err, json }) =>
      code === 0 ? '' : `${err} ${JSON.stringify(json)}`,
    )
    expect(said).to.deep.equal(['', '', '', ''])
    expect(dry.json.transactions).to.deep.equal([])
    expect(turns.map(({ json }) => (json.acts as { name: string }[]).map(({ name }) => name))).to.deep.equal([
      ['gather', 'checkpoint', 'roll', 'roll', 'close revenue', 'finalize'],
      ['record'],
      [],
    ])
    expect((await burn()).lot).to.include({ amount: fee.toString(), epoch: week, price: '0' })
  })

  it('the lot is sold whole when the sale opens, at a price that only falls, and its HEU are burnt', async () => {
    const early = await as(buyer, 'burn', 'buy')
    await season.wait(DAY)
    const { lot } = await burn()
    const dear = await as(buyer, 'burn', 'buy', '--most', '0.5')
    const bought = await as(buyer, 'burn', 'buy')
    const after = await burn()
    const twice = await as(buyer, 'burn', 'buy')

    // Twice the median at most, falling by half a day; this is minutes into the sale.
    const most = (2n * params.burnerPrice.value * fee) / USD
    expect([early, dear, twice].map(codeOf)).to.deep.equal(['sale.closed', 'sale.dear', 'sale.empty'])
    expect(bought.code).to.equal(0)
    expect(BigInt(lot.cost) <= most && BigInt(lot.cost) > (most * 9n) / 10n).to.equal(true)
    expect(BigInt(after.lot.burnt) <= BigInt(lot.cost)).to.equal(true)
    expect(await season.heuOf(buyer.account.address)).to.equal(1000n * HEU - BigInt(after.lot.burnt))
    expect(await dollarsOf(buyer.account.address)).to.equal(fee)
  })

  it('four days after its end, and not before, the epoch is final', async () => {
    const early = await as(buyer, 'epoch', 'finalize')
    const before = await shown()
    await season.wait(3 * DAY)
    const final = await as(buyer, 'epoch', 'finalize')
    const after = await shown()

    expect([early.json.acts, early.code]).to.deep.equal([[], 0])
    expect(before.open).to.deep.include({
      epoch: week,
      unrecorded: [],
      finalizableAt: (week + 1) * 604_800 + 4 * DAY,
    })
    expect(final.json.acts).to.deep.equal([{ name: 'finalize', what: `epoch ${week}` }])
    expect(after.open).to.equal(null)
    expect(names(after)).to.deep.equal(['close tips'])
  })

  it('what was issued is lambda of what was burnt, and the rest of the cap is the reservoir', async () => {
    const seen = await emission()
    const burnt = BigInt((await burn()).lot.burnt)

    const cap = (SUPPLY * BigInt(params.emissionCapBps.value)) / BPS / YEAR
    const dynamic = (burnt * BigInt(params.emissionLambdaBps.value)) / BPS
    const [last] = seen.epochs
    expect(last).to.include({
      epoch: week,
      cap: cap.toString(),
      base: '0',
      dynamic: dynamic.toString(),
      burnt: burnt.toString(),
      issued: dynamic.toString(),
    })
    // Two epochs are final: the first one issued nothing.
    expect(BigInt(seen.reservoir)).to.equal(2n * cap - dynamic)
    expect(BigInt(seen.reserve)).to.equal(params.emissionReserve.value - dynamic)
    expect(BigInt(seen.owed)).to.equal(dynamic)
    expect(seen.nextEpoch).to.equal(week + 1)
  })

  it('a vote for the node is told what it tipped lately, and what of it would be yours', async () => {
    const dry = await as(voter, 'vote', 'set', '--node', `${nodes[0]}=50`, '--dry-run')

    const [outlook] = dry.json.outlook as Record<string, unknown>[]
    // Of two final epochs one was idle. All the votes are this voter's own, so half of them get all of it.
    const average = (await issued()).tip / 2n
    expect(outlook).to.include({ epochs: 2, reward: average.toString(), others: '0' })
    expect(outlook?.expected).to.equal(average.toString())
  })

  it('the owner claims shares and emission, the voter its tips and revenue: everything itemised, to the wei', async () => {
    const dry = await run('claim', '--account', voter.account.address, '--dry-run')
    const owners = await as(owner, 'claim')
    const voters = await as(voter, 'claim')
    const again = [await as(owner, 'claim'), await as(voter, 'claim')]

    const calls = dry.json.calls as { contract: string; function: string }[]
    expect(calls.map((call) => `${call.contract}.${call.function}`)).to.deep.equal([
      'VoteController.closeTips',
      'VoteController.claimTips',
      'VoteController.claimRevenue',
    ])
    const { dynamic, tip } = await issued()
    const first = (dynamic * charges[0]) / volume - tip
    const second = (dynamic * charges[1]) / volume
    const rewards = owners.json.rewards as { emission: { node: number; amount: string }[] }
    expect([owners, voters, ...again].map(({ code }) => code)).to.deep.equal([0, 0, 0, 0])
    expect(rewards.emission).to.deep.equal([
      { node: Number(nodes[0]), amount: first.toString() },
      { node: Number(nodes[1]), amount: second.toString() },
    ])
    expect(await season.heuOf(owner.account.address)).to.equal(first + second)
    expect(await dollarsOf(owner.account.address)).to.equal((volume * 7000n) / BPS)
    expect(await season.heuOf(voter.account.address)).to.equal(streamed(tip))
    expect(await dollarsOf(voter.account.address)).to.equal(streamed((volume * 500n) / BPS))
    expect(again.map(({ json }) => json.calls)).to.deep.equal([[], []])
  })

  /** What the week issued, by the formulas: nobody settled the week before, so that votes multiply nothing. */
  async function issued() {
    const dynamic = (BigInt((await burn()).lot.burnt) * BigInt(params.emissionLambdaBps.value)) / BPS
    return { dynamic, tip: (((dynamic * charges[0]) / volume) * 2000n) / BPS }
  }

  /** What the one voter of a target gets of a reward of the week: 100 HEU until the tenth week after the vote. */
  function streamed(reward: bigint): bigint {
    const [amount, end, one] = [100n * HEU, BigInt(week) - 1n + 10n, 1n << 128n]
    const weight = amount * (end - BigInt(week))
    const a = (reward * one) / weight
    const b = (reward * BigInt(week) * one + weight - 1n) / weight
    return (amount * (end * a - b)) / one
  }

  it('net params shows what the chain has beside what was planned', async () => {
    const { code, json } = await run('net', 'params')

    const shown = json as unknown as Record<string, { value?: unknown; chain?: unknown }>
    expect(code).to.equal(0)
    for (const name of ['nodeBps', 'voterBps', 'thawSeconds', 'emissionCapBps', 'emissionLambdaBps']) {
      expect(shown[name]?.chain, name).to.equal(shown[name]?.value)
    }
    expect(shown.finalSeconds?.chain).to.equal(String(4 * DAY))
  })

  it('net epoch counts down to the end of the epoch of the chain', async () => {
    const { json } = await run('net', 'epoch')

    const epoch = await season.epoch()
    expect(json).to.include({ epoch, endsAt: (epoch + 1) * 604_800 })
  })

  it('weights are written down by whoever likes', async () => {
    const rolled = await as(buyer, 'epoch', 'roll', '--node', nodes.join(','), '--pod', '1')

    const calls = rolled.json.calls as { contract: string; function: string }[]
    expect(rolled.code).to.equal(0)
    expect(calls.map(({ contract, function: name }) => `${contract}.${name}`)).to.deep.equal([
      'VotingEscrow.checkpoint',
      ...Array.from({ length: 5 }, () => 'VoteController.roll'),
    ])
  })
})
