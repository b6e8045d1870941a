import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { testDollarAbi } from '../../sdk/chain/abi.ts'
import { type Market, openMarket } from '../market.ts'
import { openNetwork, type TestNetwork } from '../network.ts'
import { balanceOf, openPaidDoor } from './x402.ts'

const root = join(import.meta.dirname, '..', '..')

describe('the snippet of the gateway’s README', function () {
  this.timeout(300_000)
  let market: Market
  let network: TestNetwork

  before(async () => {
    market = await openMarket()
    network = await openNetwork(market, 1)
  })
  after(async () => {
    await network?.stop()
    await market?.close()
  })

  it('pays and prints an answer, as it stands there', async () => {
    const text = readFileSync(join(root, 'apps', 'gateway', 'README.md'), 'utf8')
    const [, code = ''] = /^```js\n([\s\S]*?)^```/m.exec(text) ?? []
    const key = generatePrivateKey()
    const { address } = privateKeyToAccount(key)
    const asset = { address: market.addresses.asset, abi: testDollarAbi } as const
    await market.deployer.send({ ...asset, functionName: 'faucet', args: [address, 1_000_000n] })
    const gateway = await openPaidDoor(market, network, 'paid')
    const env = { ...process.env, GATEWAY: gateway, WALLET_KEY: key }
    const argv = ['--input-type=module', '-e', code]
    const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: root, env })

    expect(code).to.contain('wrapFetchWithPayment')
    expect(stdout).to.match(/\w/)
    expect(Number(await balanceOf(market, address))).to.be.lessThan(1_000_000)
  })
})
