import { expect } from 'chai'
import { ROLES } from '../../deploy/steps/07-roles.ts'
import { authorityAbi, slashingManagerAbi } from '../../sdk/chain/abi.ts'
import { slashingOf } from '../../sdk/chain/cases.ts'
import { EXECUTE_SECONDS } from '../../sdk/protocol/cases.ts'
import { codeOf, HEU, type Holder, openSeason, type Season } from './season.ts'

const EVIDENCE = `0x${'5a'.repeat(32)}`

interface Listed {
  id: number
  node: number
  state: string
  until: number
  amount: string
  bond: string
  secondsLeft?: number
  step?: { act: string; until?: number }
  next: string
}

describe('heurist case on a real chain', function () {
  this.timeout(300_000)
  let season: Season
  let owner: Holder
  let accuser: Holder
  let judge: Holder
  let node: string
  let window: number
  /** HEU wei: what the parameters ask for an accusation of 100 HEU. */
  let bond: bigint

  before(async () => {
    season = await openSeason()
    owner = await season.holder('owner', 20_000n * HEU)
    accuser = await season.holder('accuser', 20_000n * HEU)
    judge = await season.holder('judge', 0n)
    node = await season.nodeOf(owner)
    const { deployer, addresses } = season.market
    const authority = { address: addresses.authority, abi: authorityAbi } as const
    const args = [ROLES.judge, judge.account.address, 0] as const
    await deployer.send({ ...authority, functionName: 'grantRole', args })
    const params = await season.chain.client.readContract({
      address: addresses.slashing,
      abi: slashingManagerAbi,
      functionName: 'params',
    })
    window = params.disputeSeconds
    const part = (100n * HEU * BigInt(params.bondBps)) / 10_000n
    bond = part > params.leastBond ? part : params.leastBond
    await season.home.run('stake', 'add', node, '1000', '--key-file', owner.file)
  })
  after(() => season.close())

  const run = (...argv: string[]) => season.home.run('case', ...argv, '--json')
  const as = (who: Holder, ...argv: string[]) => run(...argv, '--key-file', who.file)
  const accuse = async () => {
    const { json } = await as(accuser, 'propose', node, '100', '--evidence', EVIDENCE)
    return json.case as Listed
  }
  const shown = async (id: number) => (await run('show', String(id))).json as unknown as Listed
  const frozen = async () => (await season.home.run('stake', 'show', node, '--json')).json.frozen

  it('the manager of cases is found by its right to slash, whoever else was given it', async () => {
    const { deployer, addresses } = season.market
    const authority = { address: addresses.authority, abi: authorityAbi } as const
    await deployer.send({ ...authority, functionName: 'grantRole', args: [ROLES.slasher, deployer.admin, 0] })

    const found = await slashingOf(season.chain, season.economy.staking)

    expect(found.toLowerCase()).to.equal(addresses.slashing.toLowerCase())
  })

  it('seven days are what the contract gives to execute', async () => {
    const seconds = await season.chain.client.readContract({
      address: season.market.addresses.slashing,
      abi: slashingManagerAbi,
      functionName: 'EXECUTE_SECONDS',
    })

    expect(BigInt(EXECUTE_SECONDS)).to.equal(seconds)
  })

  it('an accusation takes its bond, freezes its amount, and is listed with the time left to dispute', async () => {
    const held = await season.heuOf(accuser.account.address)
    const one = await accuse()
    const listed = (await run('list', '--node', node, '--open')).json.cases as Listed[]
    const others = (await run('list', '--node', '77')).json.cases as Listed[]

    expect(one).to.include({ state: 'proposed', node: Number(node), amount: (100n * HEU).toString() })
    expect(held - (await season.heuOf(accuser.account.address))).to.equal(bond)
    expect(await frozen()).to.equal((100n * HEU).toString())
    expect(others).to.deep.equal([])
    expect(listed.map(({ id }) => id)).to.deep.equal([one.id])
    expect(listed[0]?.step).to.deep.equal({ act: 'dispute', until: one.until })
    expect(listed[0]?.next).to.contain(`heurist case dispute ${one.id}`)
    expect(listed[0]?.secondsLeft).to.be.within(1, window)
  })

  it('only the owner disputes, the judge dismisses, and the owner claims both bonds', async () => {
    const one = await accuse()
    const id = String(one.id)
    const thief = await as(accuser, 'dispute', id)
    const early = await as(judge, 'judge', id, 'dismissed')
    const disputed = await as(owner, 'dispute', id)
    const unjudged = await as(accuser, 'judge', id, 'upheld')
    const dismissed = await as(judge, 'judge', id, 'dismissed')
    const held = await season.heuOf(owner.account.address)
    const claimed = await as(owner, 'claim')

    expect([thief, early].map(codeOf)).to.deep.equal(['case.foreign', 'case.early'])
    expect((disputed.json.case as Listed).step?.act).to.equal('judge')
    expect(codeOf(unjudged)).to.equal('chain.reverted')
    expect((dismissed.json.case as Listed).state).to.equal('dismissed')
    expect(claimed.json.amount).to.equal((2n * bond).toString())
    expect((await season.heuOf(owner.account.address)) - held).to.equal(2n * bond)
    expect(codeOf(await as(owner, 'claim'))).to.equal('case.nothing')
    expect(codeOf(await as(owner, 'dispute', id))).to.equal('case.over')
  })

  it('a dry run of an address says what to sign', async () => {
    const { id } = await accuse()
    const dry = await run('dispute', String(id), '--account', owner.account.address, '--dry-run')

    const calls = dry.json.calls as { contract: string; function: string; args: Record<string, unknown> }[]
    expect(calls.map((call) => `${call.contract}.${call.function}`)).to.deep.equal([
      'HEU.approve',
      'SlashingManager.dispute',
    ])
    expect(calls[1]?.args).to.deep.equal({ id: String(id) })
    expect((await shown(id)).state).to.equal('proposed')
  })

  it('nobody disputes: anyone executes after the window, or it lapses seven days later', async () => {
    const slashed = await accuse()
    const slept = await accuse()
    const early = await as(accuser, 'execute', String(slashed.id))
    await season.wait(window + 60)
    const late = await as(owner, 'dispute', String(slashed.id))
    const executed = await as(accuser, 'execute', String(slashed.id))
    const active = BigInt((await season.home.run('stake', 'show', node, '--json')).json.active as string)
    const soon = await as(accuser, 'lapse', String(slept.id))
    await season.wait(EXECUTE_SECONDS)
    const lapsed = await as(accuser, 'lapse', String(slept.id))

    expect([early, late, soon].map(codeOf)).to.deep.equal(['case.early', 'case.over', 'case.early'])
    expect((executed.json.case as Listed).state).to.equal('executed')
    expect(active).to.equal(900n * HEU)
    expect((lapsed.json.case as Listed).state).to.equal('lapsed')
  })

  it('words that name no case, hash or verdict are refused', async () => {
    const answers = [
      await run('show', '99'),
      await run('show', 'mine'),
      await as(accuser, 'propose', node, '1', '--evidence', '0x12'),
      await as(judge, 'judge', '1', 'guilty'),
    ]

    expect(answers.map(codeOf)).to.deep.equal([
      'case.unknown',
      'id.invalid',
      'evidence.invalid',
      'verdict.invalid',
    ])
  })
})
