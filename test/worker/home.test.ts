import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { getAddress, zeroAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { emissionControllerAbi } from '../../sdk/chain/abi.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { emissionCall } from '../../sdk/chain/emission.ts'
import { readClock } from '../../sdk/chain/epochs.ts'
import { keySender } from '../../sdk/chain/key-sender.ts'
import { loadKey, saveKey } from '../../sdk/chain/keys.ts'
import type { Network } from '../../sdk/chain/network.ts'
import { joinNetwork } from '../../worker/identity.ts'
import { type Market, openMarket } from '../market.ts'

/** Only what a node's home router settles earns it emission. */
describe('the home router of a machine that joins', function () {
  this.timeout(600_000)
  let market: Market
  let network: Network

  before(async () => {
    market = await openMarket()
    const { authority, heu, asset, registry, ledger } = market.addresses
    network = {
      chainId: market.domain.chainId,
      rpcUrl: market.chain.rpcUrl,
      addresses: { accessManager: authority, heu, asset, registry, ledger },
      split: { node: 7000, pod: 1000, frontend: 1000, voters: 500 },
      podVoters: true,
      router: { address: market.router.address, url: 'http://127.0.0.1:9' },
    }
  })
  after(() => market.close())

  const homeOf = async (node: number) => {
    const chain = openChain(network)
    const { epoch } = await readClock(chain)
    return chain.client.readContract({
      address: market.addresses.emission,
      abi: emissionControllerAbi,
      functionName: 'homeIn',
      args: [node, epoch + 1],
    })
  }
  const choose = async (home: string, node: number, router: `0x${string}`) => {
    const owner = privateKeyToAccount(loadKey(join(home, 'owner.key')).privateKey)
    await keySender(openChain(network), owner).send(
      emissionCall.setHome(market.addresses.emission, node, router),
    )
  }

  it('is the one that it joins, from the next epoch on', async () => {
    const identity = await joinNetwork({ network, home: join(market.home, 'fresh') })

    expect(identity.homeRouter).to.equal(getAddress(market.router.address))
    expect(await homeOf(identity.node)).to.equal(getAddress(market.router.address))
  })

  it('is left as it is if the owner has chosen another', async () => {
    const home = join(market.home, 'elsewhere')
    const other = getAddress(`0x${'0e'.repeat(20)}`)
    const { node } = await joinNetwork({ network, home })
    await choose(home, node, other)

    const again = await joinNetwork({ network, home })

    expect(again.homeRouter).to.equal(other)
    expect(await homeOf(node)).to.equal(other)
  })

  it('is the owner’s choice alone: a machine without the owner’s key serves all the same', async () => {
    const home = join(market.home, 'signer-only')
    const { node } = await joinNetwork({ network, home })
    await choose(home, node, zeroAddress)
    rmSync(join(home, 'owner.key'))

    const without = await joinNetwork({ network, home })
    saveKey(join(home, 'owner.key'), `0x${'09'.repeat(32)}`)
    const foreign = await joinNetwork({ network, home })

    expect([without, foreign].map(({ homeRouter }) => homeRouter)).to.deep.equal([undefined, undefined])
    expect(without.node).to.equal(node)
    expect(await homeOf(node)).to.equal(zeroAddress)
  })
})
