import { expect } from 'chai'
import { testDollarAbi } from '../../sdk/chain/abi.ts'
import { formatUsd, USD } from '../../sdk/units.ts'
import { codeOf, HEU, type Holder, openSeason, type Season } from './season.ts'

interface Bond {
  router: string
  asset: string
  heu: string
  leastAsset: string
  owedAsset: string
  reserved: string
  exitAt: string
  mayRoute: boolean
}

interface DryCall {
  contract: string
  function: string
  args: Record<string, string>
}

/** @source IRouterBond.EXIT_SECONDS: 30 days. */
const EXIT_SECONDS = 30 * 86_400

describe('heurist bond on a real chain', function () {
  this.timeout(900_000)
  let season: Season
  let router: Holder
  let giver: Holder
  let stranger: Holder

  before(async () => {
    season = await openSeason()
    const key = season.market.router.key
    const account = { address: season.market.router.address } as Holder['account']
    router = { key, account, file: season.home.keyFile('router', key) }
    giver = await season.holder('giver', 40n * HEU)
    stranger = await season.holder('stranger', 0n)
    const asset = { address: season.market.addresses.asset, abi: testDollarAbi } as const
    const args = [giver.account.address, 100n * USD] as const
    await season.market.deployer.send({ ...asset, functionName: 'faucet', args })
  })
  after(() => season.close())

  const run = (...argv: string[]) => season.home.run('bond', ...argv, '--json')
  const as = (who: Holder, ...argv: string[]) => run(...argv, '--key-file', who.file)
  const shown = async (...argv: string[]) => (await run('show', ...argv)).json as unknown as Bond
  const now = async () => Number((await season.chain.client.getBlock()).timestamp)
  const dollarsOf = (holder: Holder) =>
    season.chain.client.readContract({
      address: season.market.addresses.asset,
      abi: testDollarAbi,
      functionName: 'balanceOf',
      args: [holder.account.address],
    })

  it('a bond is shown to whoever asks: of the router of this home, or of an address, without a key', async () => {
    const own = await shown()
    const other = await shown('--account', stranger.account.address)
    const people = await season.home.run('bond', 'show')

    expect(own).to.include({ router: router.account.address, exitAt: '0', mayRoute: true })
    expect(BigInt(own.asset) >= BigInt(own.leastAsset)).to.equal(true)
    expect(other).to.include({ asset: '0', heu: '0', mayRoute: false })
    expect(other.router).to.equal(stranger.account.address.toLowerCase())
    expect(people.out).to.contain(`${formatUsd(BigInt(own.asset))} dollars`)
    expect(people.out).to.match(/exit +not announced/)
  })

  it('anyone adds to it, dollars and HEU, each after an approval of exactly what is given', async () => {
    const before = await shown()
    const { code, json } = await as(giver, 'deposit', '30', '12')
    const bond = await shown()

    const calls = json.calls as DryCall[]
    expect(code).to.equal(0)
    expect(calls.map((call) => `${call.contract}.${call.function}`)).to.deep.equal([
      'payment asset.approve',
      'HEU.approve',
      'RouterBond.deposit',
    ])
    expect(calls.map(({ args }) => args.value ?? args.assets)).to.deep.equal(
      [30n * USD, 12n * HEU, 30n * USD].map(String),
    )
    expect(BigInt(bond.asset) - BigInt(before.asset)).to.equal(30n * USD)
    expect(BigInt(bond.heu) - BigInt(before.heu)).to.equal(12n * HEU)
    expect(await dollarsOf(giver)).to.equal(70n * USD)
    expect(await season.heuOf(giver.account.address)).to.equal(28n * HEU)
  })

  it('of a router of their own choice, who then leaves with it 30 days after it said so, and not before', async () => {
    const of = ['--of', stranger.account.address]
    const given = await as(giver, 'deposit', '7', '3', ...of)
    const announced = await now()
    const exit = await as(stranger, 'exit')
    const again = await as(stranger, 'exit')
    const early = await as(stranger, 'withdraw')
    const dry = await run('withdraw', '--account', stranger.account.address, '--dry-run')
    const { exitAt } = await shown(...of)
    await season.wait(Number(exitAt) - (await now()) - 60)
    const almost = await as(stranger, 'withdraw')
    await season.wait(61)
    const paid = await as(stranger, 'withdraw')

    expect([given, exit, dry, paid].map(({ code }) => code)).to.deep.equal([0, 0, 0, 0])
    expect(Number(exitAt) - announced).to.be.within(EXIT_SECONDS, EXIT_SECONDS + 60)
    expect([again, early, almost].map(codeOf)).to.deep.equal(['bond.leaving', 'bond.leaving', 'bond.leaving'])
    expect((again.json.error as { kind: string }).kind).to.equal('refused')
    expect((early.json.error as { kind: string }).kind).to.equal('later')
    expect((dry.json.calls as DryCall[]).map((call) => call.function)).to.deep.equal(['withdraw'])
    expect(await dollarsOf(stranger)).to.equal(7n * USD)
    expect(await season.heuOf(stranger.account.address)).to.equal(3n * HEU)
    expect(await shown(...of)).to.include({ asset: '0', heu: '0', exitAt: '0' })
  })

  it('a router takes its announcement back, and keeps what it had', async () => {
    const before = await shown()
    await as(router, 'exit')
    const leaving = await season.home.run('bond', 'show')
    const cancel = await as(router, 'cancel')

    expect(leaving.out).to.match(/exit +due in (29 d|30 d)/)
    expect(cancel.code).to.equal(0)
    expect(await shown()).to.deep.equal(before)
  })

  it('a dry run of an address prints every call decoded and sends nothing, and an address alone sends nothing', async () => {
    const before = await shown()
    const who = ['--account', giver.account.address]
    const dry = await run('deposit', '5', '1', ...who, '--dry-run')
    const exit = await run('exit', '--account', router.account.address, '--dry-run')
    const keyless = await run('deposit', '5', '1', ...who)

    const calls = dry.json.calls as DryCall[]
    expect(dry.json).to.include({ dryRun: true, from: giver.account.address.toLowerCase() })
    expect(calls.map((call) => call.function)).to.deep.equal(['approve', 'approve', 'deposit'])
    expect(calls[2]?.args).to.include({ assets: (5n * USD).toString(), heus: HEU.toString() })
    expect(calls[2]?.args.router?.toLowerCase()).to.equal(router.account.address)
    expect((exit.json.calls as DryCall[]).map((call) => call.function)).to.deep.equal(['announceExit'])
    expect(codeOf(keyless)).to.equal('account.keyless')
    expect(await shown()).to.deep.equal(before)
  })

  it('what is not there, not announced or not held is refused before anything is sent', async () => {
    const answers = [
      await as(giver, 'exit'),
      await as(giver, 'withdraw'),
      await as(router, 'cancel'),
      await as(router, 'withdraw'),
      await as(giver, 'deposit', '1000'),
      await as(giver, 'deposit', '0', '1000'),
      await as(giver, 'deposit', '0'),
      await as(giver, 'deposit', 'much'),
      await as(giver, 'deposit', '1', '--of', 'router'),
      await run('show', '--account', '0x12'),
      await as(giver, 'deposit', '1', '--account', stranger.account.address),
    ]

    expect(answers.map(codeOf)).to.deep.equal([
      'bond.none',
      'bond.none',
      'bond.staying',
      'bond.staying',
      'asset.insufficient',
      'heu.insufficient',
      'amount.invalid',
      'amount.invalid',
      'address.invalid',
      'address.invalid',
      'account.other',
    ])
    expect(answers.map(({ code }) => code)).to.deep.equal(answers.map(() => 1))
    expect(await dollarsOf(giver)).to.equal(63n * USD)
  })
})
