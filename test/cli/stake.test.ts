import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import type { PrivateKeyAccount } from 'viem/accounts'
import { ROLES } from '../../deploy/steps/07-roles.ts'
import { nodeStakingAbi } from '../../sdk/chain/abi.ts'
import { saveKey } from '../../sdk/chain/keys.ts'
import { codeOf, HEU, type Holder, openSeason, type Season } from './season.ts'

interface Stake {
  active: string
  unbonding: string
  unbondAt: number
  counted: string
  countsNext: string
  total: string
  quota: string
}

describe('heurist stake on a real chain', function () {
  this.timeout(900_000)
  let season: Season
  let owner: Holder
  let giver: Holder
  let node: string
  let account: PrivateKeyAccount

  before(async () => {
    season = await openSeason()
    owner = await season.holder('owner', 1000n * HEU)
    giver = await season.holder('giver', 50n * HEU)
    account = owner.account
    node = await season.nodeOf(owner)
  })
  after(() => season.close())

  const run = (...argv: string[]) => season.home.run('stake', ...argv, '--json')
  const mine = (verb: string, ...argv: string[]) => run(verb, node, ...argv, '--key-file', owner.file)
  const shown = async () => (await run('show', node)).json as unknown as Stake
  const now = async () => Number((await season.chain.client.getBlock()).timestamp)

  it('counts from the next epoch, whoever gave it', async () => {
    const own = await mine('add', '100')
    const given = await run('add', node, '50', '--key-file', giver.file)
    const today = await shown()
    await season.nextEpoch()
    const next = await shown()

    expect([own.code, given.code]).to.deep.equal([0, 0])
    expect(today).to.include({ active: (150n * HEU).toString(), counted: '0' })
    expect(today.countsNext).to.equal((150n * HEU).toString())
    expect(next).to.include({ counted: (150n * HEU).toString(), total: (150n * HEU).toString() })
  })

  it('stops counting at once when it unbonds, and counts again from the next epoch when that is taken back', async () => {
    const unbond = await mine('unbond', '60')
    const after = await shown()
    const back = await mine('cancel')
    const again = await shown()

    expect([unbond.code, back.code]).to.deep.equal([0, 0])
    expect(after).to.include({ active: (90n * HEU).toString(), unbonding: (60n * HEU).toString() })
    expect(after.counted).to.equal((90n * HEU).toString())
    expect(again).to.include({ active: (150n * HEU).toString(), unbonding: '0' })
    expect([again.counted, again.countsNext]).to.deep.equal([(90n * HEU).toString(), (150n * HEU).toString()])
  })

  it('is paid to its owner after 21 days, not before, and not to the one who gave it', async () => {
    await mine('unbond', 'all')
    const { unbondAt, unbonding } = await shown()
    const early = await mine('withdraw')
    const thief = await run('withdraw', node, '--key-file', giver.file)
    const waiting = unbondAt - (await now())
    await season.wait(waiting)
    const held = await season.heuOf(account.address)
    const paid = await mine('withdraw')

    const unbond = await season.chain.client.readContract({
      address: season.economy.staking,
      abi: nodeStakingAbi,
      functionName: 'UNBOND_SECONDS',
    })
    expect(unbonding).to.equal((150n * HEU).toString())
    expect(waiting).to.be.within(Number(unbond) - 60, Number(unbond))
    expect([early, thief].map(codeOf)).to.deep.equal(['stake.unbonding', 'stake.foreign'])
    expect(paid.code).to.equal(0)
    expect((await season.heuOf(account.address)) - held).to.equal(150n * HEU)
  })

  it('words that name no node or no stake are refused', async () => {
    const none = await run('add', '77', '1', '--key-file', owner.file)
    const word = await run('show', 'mine')
    const much = await mine('unbond', '1')
    const resting = await mine('withdraw')

    expect([none, word, much, resting].map(codeOf)).to.deep.equal([
      'node.unknown',
      'id.invalid',
      'stake.insufficient',
      'stake.resting',
    ])
  })

  it('of a node that is slashed owes its victim a part, which claim pays', async () => {
    const { deployer } = season.market
    const victim = await season.holder('victim', 0n)
    await mine('add', '10')
    await season.grant(ROLES.slasher, deployer.admin)
    const args = [Number(node), 3n * HEU, victim.account.address, HEU, deployer.admin, 0n] as const
    await deployer.send({
      address: season.economy.staking,
      abi: nodeStakingAbi,
      functionName: 'slash',
      args,
    })

    const claimed = await season.home.run('claim', '--key-file', victim.file, '--json')
    const again = await season.home.run('claim', '--key-file', victim.file, '--json')

    expect((claimed.json.rewards as { refund: string }).refund).to.equal(HEU.toString())
    expect(await season.heuOf(victim.account.address)).to.equal(HEU)
    expect(codeOf(again)).to.equal('claim.nobody')
    expect((await shown()).active).to.equal((7n * HEU).toString())
    await mine('unbond', 'all')
  })

  it('acts by the key of the node’s owner where one of this home’s nodes has it', async () => {
    const folder = join(season.home.folder, 'nodes', '1')
    mkdirSync(folder, { recursive: true })
    saveKey(join(folder, 'owner.key'), owner.key)

    const dry = await run('add', node, '2', '--dry-run')
    const tip = await season.home.run('node', 'tip', node, '10', '--json')

    expect(dry.json.from).to.equal(account.address)
    expect([tip.code, tip.json.nextTip]).to.deep.equal([0, 1000])
  })

  it('a dry run of an address says what to sign', async () => {
    const dry = await run('add', node, '2', '--account', account.address, '--dry-run')

    const calls = dry.json.calls as { contract: string; function: string; args: Record<string, unknown> }[]
    expect(calls.map((call) => `${call.contract}.${call.function}`)).to.deep.equal([
      'HEU.approve',
      'NodeStaking.stake',
    ])
    expect(calls[1]?.args).to.deep.equal({ node: Number(node), amount: (2n * HEU).toString() })
    expect((await shown()).active).to.equal('0')
  })
})
