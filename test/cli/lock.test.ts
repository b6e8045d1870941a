import { join } from 'node:path'
import { expect } from 'chai'
import { saveKey } from '../../sdk/chain/keys.ts'
import { lockEnd } from '../../sdk/chain/locks.ts'
import { refusal } from '../sdk/refusal.ts'
import { codeOf, HEU, type Holder, openSeason, type Season } from './season.ts'

interface Lock {
  amount: string
  end: number
  epoch: number
  power: string
  nextPower: string
  balance: string
}

describe('how long a lock lasts', () => {
  it('is counted in epochs from the present one, and bounded by two years', async () => {
    expect(lockEnd(2960, 1)).to.equal(2961)
    expect(lockEnd(2960, 104)).to.equal(3064)
    for (const weeks of [0, 105, 1.5, Number.NaN]) {
      expect((await refusal((async () => lockEnd(2960, weeks))())).code).to.equal('weeks.invalid')
    }
  })
})

describe('heurist lock on a real chain', function () {
  this.timeout(900_000)
  let season: Season
  let voter: Holder

  before(async () => {
    season = await openSeason()
    voter = await season.holder('voter', 1000n * HEU)
  })
  after(() => season.close())

  const run = (...argv: string[]) => season.home.run('lock', ...argv, '--json')
  const mine = (...argv: string[]) => run(...argv, '--key-file', voter.file)
  const shown = async () => (await mine('show')).json as unknown as Lock

  it('without a key gives the calls to sign elsewhere, decoded, and sends nothing', async () => {
    const account = voter.account.address
    const dry = await run('create', '100', '--weeks', '10', '--account', account, '--dry-run')
    const keyless = await run('create', '100', '--weeks', '10', '--account', account)

    const calls = dry.json.calls as { contract: string; function: string; args: Record<string, unknown> }[]
    const end = (await season.epoch()) + 10
    expect(dry.code).to.equal(0)
    expect(dry.json.from).to.match(new RegExp(account, 'i'))
    expect(calls.map((call) => `${call.contract}.${call.function}`)).to.deep.equal([
      'HEU.approve',
      'VotingEscrow.lock',
    ])
    expect(calls[1]?.args).to.deep.equal({ amount: (100n * HEU).toString(), end })
    expect([keyless.code, codeOf(keyless)]).to.deep.equal([1, 'account.keyless'])
    expect((await shown()).amount).to.equal('0')
  })

  it('is created with power for every week that it lasts', async () => {
    const created = await mine('create', '100', '--weeks', '10')

    const lock = created.json.lock as unknown as Lock
    const epoch = await season.epoch()
    expect(created.code).to.equal(0)
    expect(lock).to.include({ amount: (100n * HEU).toString(), end: epoch + 10, epoch })
    expect(lock.power).to.equal((100n * HEU * 10n).toString())
    expect(lock.nextPower).to.equal((100n * HEU * 9n).toString())
    expect(await season.heuOf(voter.account.address)).to.equal(900n * HEU)
  })

  it('is one per account; it grows and lasts longer, never shorter; others may give to it', async () => {
    const giver = await season.holder('giver', 5n * HEU)

    const second = await mine('create', '1', '--weeks', '10')
    const added = await mine('add', '50')
    const given = await run('add', '5', '--for', voter.account.address, '--key-file', giver.file)
    const longer = await mine('extend', '--weeks', '20')
    const shorter = await mine('extend', '--weeks', '19')

    const epoch = await season.epoch()
    expect([second, shorter].map(codeOf)).to.deep.equal(['lock.exists', 'lock.longer'])
    expect([added.code, given.code, longer.code]).to.deep.equal([0, 0, 0])
    expect(await shown()).to.include({ amount: (155n * HEU).toString(), end: epoch + 20 })
  })

  it('cannot be left early, and not be given more than one holds', async () => {
    const early = await mine('withdraw')
    const much = await mine('add', '100000')
    const nobody = await season.holder('nobody', 0n)
    const none = await run('add', '1', '--key-file', nobody.file)
    const nothing = await mine('add', '0')

    expect([early, much, none, nothing].map(codeOf)).to.deep.equal([
      'lock.running',
      'heu.insufficient',
      'lock.absent',
      'amount.invalid',
    ])
    expect([early.code, much.code, none.code]).to.deep.equal([1, 1, 1])
  })

  it('is paid back whole once it is over', async () => {
    const before = await season.heuOf(voter.account.address)
    for (let week = 0; week < 20; week += 1) await season.nextEpoch()
    const over = await mine('add', '1')
    const paid = await mine('withdraw')

    expect(codeOf(over)).to.equal('lock.over')
    expect(paid.code).to.equal(0)
    expect((await season.heuOf(voter.account.address)) - before).to.equal(155n * HEU)
    expect((await shown()).amount).to.equal('0')
  })

  it('takes an encrypted key, and no other password', async () => {
    const file = join(season.home.folder, 'sealed.json')
    saveKey(file, voter.key, 'correct horse')
    const withPassword = async (password: string) => {
      process.env.HEURIST_PASSWORD = password
      try {
        return await run('create', '1', '--weeks', '2', '--key-file', file)
      } finally {
        delete process.env.HEURIST_PASSWORD
      }
    }

    const wrong = await withPassword('battery staple')
    const right = await withPassword('correct horse')

    expect(codeOf(wrong)).to.match(/^key\./)
    expect([wrong.code, right.code]).to.deep.equal([1, 0])
    expect((await shown()).amount).to.equal(HEU.toString())
  })
})
