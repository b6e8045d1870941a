import { join } from 'node:path'
import { expect } from 'chai'
import type { Hex } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { ROLES } from '../../deploy/steps/07-roles.ts'
import { authorityAbi, heuAbi, nodeStakingAbi, slashingManagerAbi } from '../../sdk/chain/abi.ts'
import { saveKey } from '../../sdk/chain/keys.ts'
import { EXECUTE_SECONDS } from '../../sdk/protocol/cases.ts'
import { accusationsOf, type CaseWatch, LAST_CALL_SECONDS, watchCases } from '../../worker/cases.ts'
import { examineCases } from '../../worker/doctor/cases.ts'
import { networkOf } from '../cli/home.ts'
import { HEU, type Holder, openSeason, type Season } from '../cli/season.ts'
import { ledgerWithoutVoters } from '../market.ts'
import { openStage, type Stage } from './stage.ts'

type Line = Record<string, unknown> & { level: string; event: string }

const EVIDENCE = `0x${'5a'.repeat(32)}` as const

describe('the cases against a node', function () {
  this.timeout(900_000)
  let season: Season
  let owner: Holder
  let accuser: Holder
  let judge: Holder
  let node: number
  let other: number
  let window: number
  let watch: CaseWatch
  const lines: Line[] = []

  before(async () => {
    season = await openSeason()
    owner = await season.holder('owner', 40_000n * HEU)
    accuser = await season.holder('accuser', 40_000n * HEU)
    judge = await season.holder('judge', 0n)
    node = Number(await season.nodeOf(owner))
    other = Number(await season.nodeOf(owner))
    const { deployer, addresses } = season.market
    await season.grant(ROLES.judge, judge.account.address)
    await approve(owner.account, addresses.staking)
    await approve(owner.account, addresses.slashing)
    await approve(accuser.account, addresses.slashing)
    const staking = { address: addresses.staking, abi: nodeStakingAbi } as const
    for (const id of [node, other])
      await deployer.send({ ...staking, functionName: 'stake', args: [id, 1_000n * HEU] }, owner.account)
    const params = await deployer.client.readContract({ ...slashing(), functionName: 'params' })
    window = params.disputeSeconds
    watch = watchCases({
      ...place(),
      node,
      ledger: addresses.ledger,
      everyMs: 3_600_000,
      log: collecting(lines),
    })
  })
  after(async () => {
    watch?.close()
    await season?.close()
  })

  const place = () => ({ chainId: season.market.domain.chainId, rpcUrl: season.market.chain.rpcUrl })
  const slashing = () => ({ address: season.market.addresses.slashing, abi: slashingManagerAbi }) as const
  const approve = (account: PrivateKeyAccount, spender: Hex) =>
    season.market.deployer.send(
      { address: season.economy.heu, abi: heuAbi, functionName: 'approve', args: [spender, 20_000n * HEU] },
      account,
    )
  const accuse = async (id: number, amount: bigint) => {
    const args = [id, await season.epoch(), amount, EVIDENCE] as const
    await season.market.deployer.send({ ...slashing(), functionName: 'propose', args }, accuser.account)
    return Number(await season.chain.client.readContract({ ...slashing(), functionName: 'count' }))
  }
  const caseOf = (id: number) =>
    season.chain.client.readContract({ ...slashing(), functionName: 'caseOf', args: [BigInt(id)] })
  const act = (who: Holder, functionName: 'dispute' | 'lapse', id: number) =>
    season.market.deployer.send({ ...slashing(), functionName, args: [BigInt(id)] }, who.account)
  /** What a look adds to the log. */
  const looked = async () => {
    lines.length = 0
    await watch.look()
    return lines.slice()
  }

  it('are told once each, with amount, deadline and the command that answers; those of other nodes are not', async () => {
    const quiet = await looked()
    await accuse(other, 50n * HEU)
    const foreign = await looked()
    const id = await accuse(node, 100n * HEU)
    const told = await looked()
    const again = await looked()

    const { until, bond } = await caseOf(id)
    expect([quiet, foreign, again]).to.deep.equal([[], [], []])
    expect(told).to.have.length(1)
    expect(told[0]).to.include({
      level: 'warn',
      event: 'node.accused',
      case: id,
      node,
      state: 'proposed',
      amount: (100n * HEU).toString(),
      bond: bond.toString(),
      evidence: EVIDENCE,
      until: Number(until),
    })
    expect(told[0]?.secondsLeft).to.be.within(1, window)
    expect(told[0]?.fix).to.contain(`heurist case dispute ${id}`)
  })

  it('wake the owner in the last day, and no more once they are disputed; the end is told too', async () => {
    const id = await accuse(node, 60n * HEU)
    await looked()
    await season.wait(window - LAST_CALL_SECONDS - 60)
    const early = await looked()
    await season.wait(120)
    const late = (await looked()).filter((line) => line.case === id)
    const repeated = await looked()
    await act(owner, 'dispute', id)
    const disputed = await looked()
    const args = [BigInt(id), false] as const
    await season.market.deployer.send({ ...slashing(), functionName: 'resolve', args }, judge.account)
    const decided = await looked()

    expect([early, repeated]).to.deep.equal([[], []])
    expect(late.map(({ level, event }) => [level, event])).to.deep.equal([['error', 'node.accused']])
    expect(late[0]?.secondsLeft).to.be.within(1, LAST_CALL_SECONDS)
    expect(disputed.map(({ level, state, next }) => [level, state, next])).to.deep.equal([
      ['warn', 'disputed', 'judge'],
    ])
    expect(decided.map(({ level, event, case: one }) => [level, event, one])).to.deep.equal([
      ['info', 'case.decided', id],
    ])
  })

  it('that nobody answered may be executed, then only ended, and both are told', async () => {
    await season.wait(window)
    const executable = await looked()
    await season.wait(EXECUTE_SECONDS)
    const over = await looked()
    const [open] = await accusationsOf(season.chain, season.market.addresses.ledger, node)()

    expect(executable.map(({ state, next }) => [state, next])).to.deep.equal([['proposed', 'execute']])
    expect(over.map(({ next }) => next)).to.deep.equal(['lapse'])
    expect(over[0]?.fix).to.contain(`heurist case lapse ${open?.id}`)
    await act(accuser, 'lapse', open?.id ?? 0)
    expect((await looked()).map(({ event }) => event)).to.deep.equal(['case.decided'])
    expect(await accusationsOf(season.chain, season.market.addresses.ledger, node)()).to.deep.equal([])
  })

  it('a chain that does not answer is told, and keeps what was known', async () => {
    const heard: Line[] = []
    const deaf = watchCases({
      chainId: season.market.domain.chainId,
      rpcUrl: 'http://127.0.0.1:9',
      node,
      ledger: season.market.addresses.ledger,
      everyMs: 3_600_000,
      log: collecting(heard),
    })
    await deaf.look()
    deaf.close()

    expect(heard.map(({ level, event }) => [level, event])).to.deep.include(['warn', 'cases.unread'])
  })

  it('a ledger without an economy has none, and a network whose manager may not slash has none', async () => {
    const { deployer, addresses } = season.market
    const bare = await ledgerWithoutVoters(season.market)
    const none = await accusationsOf(season.chain, bare, node)()
    const id = await accuse(node, 10n * HEU)
    const seen = await accusationsOf(season.chain, addresses.ledger, node)()
    const authority = { address: addresses.authority, abi: authorityAbi } as const
    const args = [ROLES.slasher, addresses.slashing] as const
    await deployer.send({ ...authority, functionName: 'revokeRole', args })
    const powerless = await accusationsOf(season.chain, addresses.ledger, node)()
    await season.grant(...args)

    expect(none).to.deep.equal([])
    expect(seen.map((one) => one.id)).to.deep.equal([id])
    expect(powerless).to.deep.equal([])
  })

  it('the doctor finds one that waits for an answer, says how to give it, and is content when it is given', async () => {
    const network = networkOf(season.market)
    const home = join(season.market.home, 'patient')
    const { id, signerKey, owner: healthy } = await season.market.node()
    saveKey(join(home, 'signer.key'), signerKey)
    const examination = { network, home, podsDir: '' }
    const well = await examineCases(examination)
    const staking = { address: season.market.addresses.staking, abi: nodeStakingAbi } as const
    const args = [id, 1_000n * HEU] as const
    await season.market.deployer.send({ ...staking, functionName: 'stake', args }, owner.account)
    const number = await accuse(id, 70n * HEU)
    const ill = await examineCases(examination)
    const heu = { address: season.economy.heu, abi: heuAbi } as const
    const gift = [healthy.address, 5_000n * HEU] as const
    await season.market.deployer.send({ ...heu, functionName: 'transfer', args: gift }, accuser.account)
    await approve(healthy, season.market.addresses.slashing)
    const answer = { ...slashing(), functionName: 'dispute', args: [BigInt(number)] } as const
    await season.market.deployer.send(answer, healthy)
    const answered = await examineCases(examination)

    expect(well).to.deep.equal({ name: 'node.cases', ok: true, detail: `nobody accuses node ${id}` })
    expect(ill).to.include({ name: 'node.cases', ok: false })
    expect(ill.detail).to.contain('70 HEU')
    expect(ill.fix).to.contain(`heurist case dispute ${number}`)
    expect([answered.ok, answered.detail.includes('disputed')]).to.deep.equal([true, true])
    const missing = await examineCases({ ...examination, home: join(season.market.home, 'nobody') })
    expect([missing.ok, missing.fix?.includes('node up')]).to.deep.equal([false, true])
  })

  it('a worker looks when it starts, and again while it serves', async () => {
    const stage: Stage = await openStage({
      router: {
        chain: {
          rpcUrl: season.market.chain.rpcUrl,
          registry: season.market.addresses.registry,
          ledger: season.market.addresses.ledger,
        },
      },
    })
    try {
      const first = await accuse(other, 30n * HEU)
      const worker = stage.start({ node: other, caseLookMs: 200 })
      const told = await worker.said('node.accused')
      const second = await accuse(other, 20n * HEU)
      while (!worker.lines.some((line) => line.event === 'node.accused' && line.case === second))
        await new Promise((resolve) => setTimeout(resolve, 50))

      expect(told.fix).to.contain('heurist case')
      expect(
        worker.lines.filter((line) => line.event === 'node.accused' && line.case === first),
      ).to.have.length(1)
    } finally {
      await stage.close()
    }
  })
})

/** A log that keeps what it is told, with its level. */
function collecting(lines: Line[]) {
  const at = (level: string) => (facts: object) => void lines.push({ level, ...facts } as Line)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } as Parameters<
    typeof watchCases
  >[0]['log']
}
