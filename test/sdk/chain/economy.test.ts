import { expect } from 'chai'
import { getAddress } from 'viem'
import { params } from '../../../deploy/params.ts'
import { emissionControllerAbi } from '../../../sdk/chain/abi.ts'
import { openChain } from '../../../sdk/chain/clients.ts'
import { economyOf } from '../../../sdk/chain/economy.ts'
import { readClock } from '../../../sdk/chain/epochs.ts'
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

  it('38: the deployed parameters, read from the contract, leave no profit in washing', async () => {
    const { client } = chain()
    const emission = { address: market.addresses.emission, abi: emissionControllerAbi } as const
    const { epoch } = await readClock(chain())
    const recoverable = await client.readContract({ ...emission, functionName: 'RECOVERABLE_BPS' })
    const { lambdaBps, betaBps } = await client.readContract({
      ...emission,
      functionName: 'paramsIn',
      args: [epoch],
    })

    expect([lambdaBps, betaBps]).to.deep.equal([params.emissionLambdaBps.value, params.emissionBetaBps.value])
    expect(lambdaBps * betaBps).to.be.at.most((10_000 - Number(recoverable)) * 10_000)
  })

  it('is absent where a ledger was born without voters', async () => {
    const error = await refusal(economyOf(chain(), await ledgerWithoutVoters(market)))

    expect([error.code, error.kind]).to.deep.equal(['economy.absent', 'refused'])
    expect(error.fix).to.match(/podVoters/)
  })
})
