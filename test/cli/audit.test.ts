import { expect } from 'chai'
import { openStage, type Stage } from '../sdk/stage.ts'
import { type CliHome, openHome } from './home.ts'

describe('heurist audit on a real chain', function () {
  this.timeout(900_000)
  let stage: Stage
  let home: CliHome

  before(async () => {
    stage = await openStage()
    home = openHome(stage.market, stage.router.url)
  })
  after(() => stage.close())

  const prices = () =>
    [...stage.router.calls.values()].reduce((sum, { answer }) => sum + (answer?.receipt.price ?? 0n), 0n)

  it('ends with 0 for a router whose totals are its calls, with 1 and the name of the lie for one that debits a unit more', async () => {
    const client = await stage.client()
    await client.run('chat', 'hello')
    await client.run('chat', 'hello again')
    await stage.router.settle()
    const honest = await home.run('audit', '--json')
    const gross = prices()
    await client.run('chat', 'and again')
    const more = <Row extends object, Name extends keyof Row>(rows: readonly Row[], name: Name): Row[] =>
      rows.map((row, index) => (index === 0 ? { ...row, [name]: (row[name] as bigint) + 1n } : row))
    stage.router.script = {
      posted: (batch) => ({
        ...batch,
        payers: more(batch.payers, 'charge'),
        nodes: more(batch.nodes, 'amount'),
        pods: more(batch.pods, 'amount'),
        frontends: more(batch.frontends, 'amount'),
      }),
    }
    await stage.router.settle()
    const liar = await home.run('audit', '--json')
    const told = await home.run('audit')

    expect(honest.code).to.equal(0)
    expect(honest.json).to.include({ batches: 1, leaves: 2, gross: gross.toString(), whole: true })
    expect(honest.json.lies).to.deep.equal([])
    expect([liar.code, told.code]).to.deep.equal([1, 1])
    expect((liar.json.lies as { code: string }[]).map(({ code }) => code)).to.include('line.differs')
    expect(told.out).to.contain('line.differs')
  })
})
