import { expect } from 'chai'
import { routerBondAbi } from '../../sdk/chain/abi.ts'
import { type Market, openMarket } from '../market.ts'
import { openHome } from './home.ts'

describe('heurist bond on a real chain', function () {
  this.timeout(120_000)
  let market: Market

  before(async () => {
    market = await openMarket()
  })
  after(() => market.close())

  it('a router announces its exit and takes it back; a dry run does neither', async () => {
    const home = openHome(market)
    const mine = ['--key-file', home.keyFile('router', market.router.key), '--json']
    const exitAt = async () => {
      const at = { address: market.addresses.bond, abi: routerBondAbi } as const
      const args = [market.router.address] as const
      return (await market.deployer.client.readContract({ ...at, functionName: 'bondOf', args })).exitAt
    }

    const dry = await home.run('bond', 'exit', '--dry-run', ...mine)
    const afterDry = await exitAt()
    const exit = await home.run('bond', 'exit', ...mine)
    const announced = await exitAt()
    const cancel = await home.run('bond', 'cancel', ...mine)

    expect([dry.code, exit.code, cancel.code]).to.deep.equal([0, 0, 0])
    expect(afterDry).to.equal(0n)
    expect(announced > 0n).to.equal(true)
    expect(await exitAt()).to.equal(0n)
  })
})
