import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { ROLES } from '../../deploy/steps/07-roles.ts'
import { slashingManagerAbi } from '../../sdk/chain/abi.ts'
import { slashingOf } from '../../sdk/chain/cases.ts'
import { createSigner } from '../../sdk/native.ts'
import { EXECUTE_SECONDS } from '../../sdk/protocol/cases.ts'
import { createHasher, type Receipt } from '../../sdk/protocol/messages.ts'
import { toWire } from '../../sdk/protocol/wire.ts'
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
  this.timeout(900_000)
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
    await season.grant(ROLES.judge, judge.account.address)
    const params = await season.chain.client.readContract({
      address: season.market.addresses.slashing,
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
    await season.grant(ROLES.slasher, deployer.admin)

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

  it('two receipts of one request prove a fault: a dry run says what it costs, then it costs that, once', async () => {
    const { id, key } = await signingNode()
    const request = `0x${'e1'.repeat(32)}` as const
    const one = signedReceipt(key, receiptOf(id, request, 5n))
    const other = signedReceipt(key, receiptOf(id, request, 6n))
    const files = [written('one', one), written('other', { ...other, provider: 'cpu' })] as const
    const reporter = await season.holder('reporter', 0n)

    const same = await run('prove-equivocation', files[0], files[0], '--account', reporter.account.address)
    const who = ['--account', reporter.account.address, '--dry-run']
    const dry = await run('prove-equivocation', ...files, ...who)
    const kept = await stakeOf(id)
    const proven = await as(reporter, 'prove-equivocation', ...files)
    const again = await as(reporter, 'prove-equivocation', ...files)
    const claimed = await season.home.run('claim', '--key-file', reporter.file, '--json')

    // A fault costs 30 % of 1,000 HEU, and a tenth of that is the reporter's.
    const [slashed, reward] = [300n * HEU, 30n * HEU]
    const call = (dry.json.calls as { contract: string; function: string }[])[0]
    expect(`${call?.contract}.${call?.function}`).to.equal('SlashingManager.proveEquivocation')
    expect(dry.json).to.include({ slashed: slashed.toString(), reward: reward.toString() })
    expect(kept).to.equal(1_000n * HEU)
    expect(proven.json).to.include({ node: id, slashed: slashed.toString(), reward: reward.toString() })
    expect(await stakeOf(id)).to.equal(1_000n * HEU - slashed)
    expect(claimed.code).to.equal(0)
    expect(await season.heuOf(reporter.account.address)).to.equal(reward)
    expect([same, again].map(reasonOf)).to.deep.equal(['SameReceipt', 'AlreadyPunished'])
  })

  it('a price above the most that the payer allowed proves a fault; one below, and another’s voucher, do not', async () => {
    const { id, key } = await signingNode()
    const payer = generatePrivateKey()
    const { hasher, market } = { hasher: createHasher(season.market.domain), market: season.market }
    const request = {
      payer: privateKeyToAccount(payer).address.toLowerCase() as Hex,
      id: `0x${'e2'.repeat(32)}` as Hex,
      pod: 1,
      manifest: `0x${'01'.repeat(32)}` as Hex,
      frontend: 0,
      node: 0,
      maxPrice: 100n,
      deadline: 2_000_000_000,
      input: `0x${'02'.repeat(32)}` as Hex,
    }
    const hash = hasher.struct('Request', request)
    const voucher = { router: market.router.address, ceiling: 100n, expiry: 2_000_000_000, request: hash }
    const digest = hasher.digest('Voucher', voucher)
    const job = (signer: Hex) => ({ request, voucher, signature: createSigner(signer).sign(digest) })
    const files = {
      job: written('job', job(payer)),
      forged: written('forged', job(generatePrivateKey())),
      dear: written('dear', signedReceipt(key, receiptOf(id, hash, 101n))),
      fair: written('fair', signedReceipt(key, receiptOf(id, hash, 100n))),
      foreign: written('foreign', signedReceipt(payer, receiptOf(id, hash, 101n))),
    }
    const prove = (...argv: string[]) => as(accuser, 'prove-contradiction', ...argv)

    const fair = await prove(files.job, files.fair)
    const forged = await prove(files.forged, files.dear)
    const foreign = await prove(files.job, files.foreign)
    const before = await stakeOf(id)
    const proven = await prove(files.job, files.dear)

    expect([fair, forged, foreign].map(reasonOf)).to.deep.equal([
      'NoContradiction',
      'NotPayer',
      'NotNodeSigner',
    ])
    expect(before).to.equal(1_000n * HEU)
    expect(proven.json).to.include({ node: id, slashed: (300n * HEU).toString() })
    expect(await stakeOf(id)).to.equal(700n * HEU)
  })

  it('files that hold no proof are refused', async () => {
    const text = written('text', 'hello')
    const answers = [
      await as(accuser, 'prove-equivocation', text, text),
      await as(accuser, 'prove-contradiction', join(season.home.folder, 'nowhere.json'), text),
    ]

    expect(answers.map(codeOf)).to.deep.equal(['proof.malformed', 'proof.unreadable'])
  })

  /** A fresh node of the owner with 1,000 HEU at stake; its signer's key. */
  async function signingNode(): Promise<{ id: number; key: Hex }> {
    const { id, signerKey } = await season.market.node()
    await season.home.run('stake', 'add', String(id), '1000', '--key-file', owner.file)
    return { id, key: signerKey }
  }

  const stakeOf = async (id: number) =>
    BigInt((await season.home.run('stake', 'show', String(id), '--json')).json.active as string)
  const reasonOf = ({ json }: { json: Record<string, unknown> }) =>
    (json.error as { details?: { error?: string } } | undefined)?.details?.error ?? ''

  function written(name: string, value: unknown): string {
    const file = join(season.home.folder, `${name}.json`)
    writeFileSync(file, toWire(value))
    return file
  }

  const signedReceipt = (key: Hex, receipt: Receipt) => ({
    receipt,
    signature: createSigner(key).sign(createHasher(season.market.domain).digest('Receipt', receipt)),
  })
})

/** Completed now: the signer is the node's. */
const receiptOf = (node: number, request: Hex, price: bigint): Receipt => ({
  request,
  node,
  unitsIn: 1n,
  unitsOut: 2n,
  length: 3n,
  end: 0,
  price,
  output: `0x${'03'.repeat(32)}`,
  evidence: `0x${'04'.repeat(32)}`,
  completedAt: 2_000_000_000,
})
