import { expect } from 'chai'
import { getAddress } from 'viem'
import { openChain } from '../../../sdk/chain/clients.ts'
import { economyOf } from '../../../sdk/chain/economy.ts'
import { ledgerWithoutVoters, type Market, openMarket } from '../../market.ts'
import { refusal } from '../refusal.ts'

describe('the economy of a ledger', function () {
  this.timeout(600_000)
  let market: Market
  before(async () => {
    market = await openMarket()
  })
  after(() => market.close())

  const chain = () => openChain({ chainId: market.domain.chainId, rpcUrl: market.chain.rpcUrl })

  it('is found by the ledger alone', async () => {
    const found = await economyOf(chain(), market.addresses.ledger)

    const { escrow, votes, staking, emission, burner, heu, asset, registry, ledger } = market.addresses
    const expected = { escrow, votes, staking, emission, burner, heu, asset, registry, ledger }
    const same = (economy: Record<string, `0x${string}`>) =>
      Object.fromEntries(Object.entries(economy).map(([name, address]) => [name, getAddress(address)]))
    expect(same({ ...found })).to.deep.equal(same(expected))
  })

  it('is absent where a ledger was born without voters', async () => {
    const error = await refusal(economyOf(chain(), await ledgerWithoutVoters(market)))

    expect([error.code, error.kind]).to.deep.equal(['economy.absent', 'refused'])
    expect(error.fix).to.match(/podVoters/)
  })
})
