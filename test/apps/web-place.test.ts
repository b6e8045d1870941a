import { expect } from 'chai'
import type { PageConfig } from '../../apps/web/src/network/config.ts'
import { readEarned } from '../../apps/web/src/network/earned.ts'
import { openPlace } from '../../apps/web/src/session/place.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { claimablesOf } from '../../sdk/chain/payees.ts'
import { refusal } from '../sdk/refusal.ts'
import { openStage, type Stage } from '../sdk/stage.ts'

const LIE = `0x${'cd'.repeat(20)}`
const FRONTEND = 1

describe('what a page takes of its router', function () {
  this.timeout(300_000)
  let stage: Stage
  let config: PageConfig
  before(async () => {
    stage = await openStage()
    const { router, market } = stage
    config = {
      routerUrl: router.url,
      rpcUrl: market.chain.rpcUrl,
      chainId: market.domain.chainId,
      ledger: market.addresses.ledger,
      doors: {},
      relay: false,
    }
    await (await stage.client({ frontend: FRONTEND })).run('chat', 'hi')
    await router.settle()
  })
  beforeEach(() => {
    stage.router.script = {}
  })
  after(() => stage.close())

  /** The router tells other addresses than the chain has. */
  function lie(part: object): void {
    const change = (body: unknown) => {
      const { addresses, ...rest } = body as { addresses: object }
      return { ...rest, addresses: { ...addresses, ...part } }
    }
    stage.router.script = { get: { '/v1/network': change } }
  }

  it('is not where the money is: a router that names another ledger, registry or asset is not used', async () => {
    const { asset, ledger } = await openPlace(config)()
    expect([asset, ledger]).to.deep.equal([stage.market.addresses.asset, stage.market.addresses.ledger])

    for (const [name, code] of [
      ['ledger', 'network.differs'],
      ['registry', 'network.untrue'],
      ['asset', 'network.untrue'],
    ] as const) {
      lie({ [name]: LIE })
      expect((await refusal(openPlace(config)())).code, name).to.equal(code)
    }
  })

  it('is not who earned what: the ledger’s own registry tells that', async () => {
    const { chain, domain, addresses, router } = stage.market
    const place = openChain({ chainId: domain.chainId, rpcUrl: chain.rpcUrl })
    const [own] = await claimablesOf(place, addresses, router.address, [{ role: 'frontend', id: FRONTEND }])
    lie({ registry: LIE })

    expect((own?.claimable ?? 0n) > 0n).to.equal(true)
    expect(await readEarned(config, FRONTEND)).to.deep.equal({
      earned: (own?.claimable ?? 0n) + (own?.claimed ?? 0n),
      payout: own?.payout,
    })
  })
})
