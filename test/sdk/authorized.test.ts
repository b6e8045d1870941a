import { expect } from 'chai'
import { createTestClient, http } from 'viem'
import { authorizedCall, isAuthorizationUsed } from '../../sdk/chain/accounts.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { accountCall } from '../../sdk/chain/deposits.ts'
import { faucet } from '../../sdk/chain/faucet.ts'
import { keySender } from '../../sdk/chain/key-sender.ts'
import { usd } from '../../sdk/units.ts'
import { type Market, openMarket } from '../market.ts'

const DAY = 86_400

describe('a deposit by signature', function () {
  this.timeout(200_000)
  let market: Market
  before(async () => {
    market = await openMarket()
  })
  after(() => market.close())

  it('is used once its money is there, and stays so whatever is paid out after it', async () => {
    const { addresses, router, domain } = market
    const { rpcUrl } = market.chain
    const chain = openChain({ chainId: domain.chainId, rpcUrl })
    const { account: giver } = await market.payer(0n)
    await faucet(chain, addresses.asset, giver.address, usd('5'))
    const sender = keySender(chain, giver)
    const place = {
      ledger: addresses.ledger,
      asset: addresses.asset,
      router: router.address,
      key: giver.address,
    }
    const salt = `0x${'07'.repeat(32)}` as const
    const gift = { giver, amount: usd('5'), owner: giver.address, salt, validBefore: 2n ** 40n }
    const { data } = await authorizedCall(chain, place, gift)
    const send = (call: typeof data) => sender.send({ to: addresses.ledger, data: call })
    const isUsed = () => isAuthorizationUsed(chain, place, data)

    const before = await isUsed()
    await send(data)
    const after = await isUsed()
    await send(accountCall.thaw(router.address, giver.address, usd('5')))
    const test = createTestClient({ mode: 'anvil', transport: http(rpcUrl) })
    await test.increaseTime({ seconds: DAY + 60 })
    await send(accountCall.withdraw(router.address, giver.address))

    expect([before, after, await isUsed()]).to.deep.equal([false, true, true])
  })
})
