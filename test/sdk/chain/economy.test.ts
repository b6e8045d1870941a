import { expect } from 'chai'
import { createWalletClient, encodeDeployData, getAddress, http, zeroAddress } from 'viem'
import bytecode from '../../../deploy/bytecode.json' with { type: 'json' }
import { localAccount } from '../../../deploy/local.ts'
import { computeLedgerAbi } from '../../../sdk/chain/abi.ts'
import { openChain } from '../../../sdk/chain/clients.ts'
import { economyOf } from '../../../sdk/chain/economy.ts'
import { type Market, openMarket } from '../../market.ts'
import { refusal } from '../refusal.ts'

describe('the economy of a ledger', function () {
  this.timeout(120_000)
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
    const { asset, registry, authority, bond } = market.addresses
    const terms = {
      asset,
      registry,
      authority,
      bond,
      podVoters: zeroAddress,
      burner: zeroAddress,
      split: { node: 7000, pod: 1000, frontend: 1000, voters: 500 },
      thawSeconds: 86_400,
      priorityDeadline: 0,
    }
    const wallet = createWalletClient({
      account: localAccount('faucet'),
      transport: http(market.chain.rpcUrl),
    })
    const data = encodeDeployData({
      abi: computeLedgerAbi,
      bytecode: bytecode.contracts.ComputeLedger as `0x${string}`,
      args: [terms],
    })
    const hash = await wallet.sendTransaction({ data, to: null, chain: null })
    const { contractAddress } = await market.deployer.client.waitForTransactionReceipt({ hash })

    const error = await refusal(economyOf(chain(), contractAddress ?? zeroAddress))

    expect([error.code, error.kind]).to.deep.equal(['economy.absent', 'refused'])
    expect(error.fix).to.match(/podVoters/)
  })
})
