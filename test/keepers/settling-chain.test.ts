import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { computeLedgerAbi, testDollarAbi } from '../../sdk/chain/abi.ts'
import { type Request, ROLE } from '../../sdk/protocol/messages.ts'
import {
  http,
  nowSeconds,
  openStage,
  type Payer,
  post,
  randomHash,
  receiptOf,
  type Stage,
  type TestRouter,
  USD,
  until,
} from './stage.ts'
import { testWorker } from './worker.ts'

const PRICE = 23n
const quick = { maxAgeMs: 1, finalityBlocks: 2, watchMs: 100 }

/** What happens on the chain beside a router's own batches. */
describe('a chain that lives its own life', function () {
  this.timeout(180_000)

  let stage: Stage
  let home: string
  before(async () => {
    stage = await openStage()
    home = mkdtempSync(join(tmpdir(), 'heurist-settling-'))
  })
  after(async () => {
    await stage?.close()
    rmSync(home, { recursive: true, force: true })
  })

  const batchOf = async (router: TestRouter, request: string) =>
    (await receiptOf(router, request)).body.batch as { state: string; final: boolean } | undefined
  const events = (router: TestRouter) => router.log.map((line) => line.event)

  it('single payments through the router are no difference: it signs statements at its next start', async () => {
    const dataDir = join(home, 'paid-once')
    const first = await stage.router({ dataDir, settle: quick })
    const worker = await testWorker(stage, first)
    const payer = await stage.payer(USD)
    const job = payer.job()
    expect((await post(first, job)).status).to.equal(200)
    const { request } = job.voucher as { request: string }
    await until('it is final', async () => (await batchOf(first, request))?.final === true)
    worker.die()
    await first.stop()

    await payOnce(stage, payer, worker.node, 2n * PRICE)
    const second = await stage.router({ dataDir, settle: quick })
    const stated = await http(`${second.url}/v1/statements/node/${worker.node}`)
    await second.stop()

    expect(await grossOf(stage, worker.node), 'the ledger counts both').to.equal(3n * PRICE)
    expect(events(second)).to.not.include('ledger.differs')
    expect([stated.status, (stated.body.statement as { gross: string }).gross]).to.deep.equal([
      200,
      String(PRICE),
    ])
  })
})

const booksOf = ({ market }: Stage) => ({ address: market.addresses.ledger, abi: computeLedgerAbi }) as const

const grossOf = (stage: Stage, node: number): Promise<bigint> =>
  stage.market.deployer.client.readContract({
    ...booksOf(stage),
    functionName: 'grossOf',
    args: [stage.market.router.address, ROLE.node, node],
  })

/** A wallet without an account pays one call of `node` through the router of the stage. */
async function payOnce(stage: Stage, payer: Payer, node: number, price: bigint): Promise<void> {
  const { deployer, addresses, router } = stage.market
  const wallet = privateKeyToAccount(generatePrivateKey())
  const asset = { address: addresses.asset, abi: testDollarAbi } as const
  await deployer.send({ ...asset, functionName: 'faucet', args: [wallet.address, price] })

  const { request: body } = payer.job() as { request: Request }
  const request = { ...body, payer: wallet.address, id: randomHash(), maxPrice: price }
  const expiry = nowSeconds() + 3_600
  const hash = stage.hasher.struct('Request', request)
  const nonce = stage.hasher.digest('Voucher', {
    router: router.address,
    ceiling: price,
    expiry,
    request: hash,
  })
  const [, name, version, chainId, verifyingContract] = await deployer.client.readContract({
    ...asset,
    functionName: 'eip712Domain',
  })
  const validBefore = BigInt(expiry)
  const signature = await wallet.signTypedData({
    domain: { name, version, chainId, verifyingContract },
    types: {
      ReceiveWithAuthorization: [
        { name: 'from', type: 'address' },
        { name: 'to', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'validAfter', type: 'uint256' },
        { name: 'validBefore', type: 'uint256' },
        { name: 'nonce', type: 'bytes32' },
      ],
    },
    primaryType: 'ReceiveWithAuthorization',
    message: {
      from: wallet.address,
      to: addresses.ledger,
      value: price,
      validAfter: 0n,
      validBefore,
      nonce,
    },
  })
  const authorization = { validAfter: 0n, validBefore, signature }
  const args = [request, expiry, node, price, randomHash(), authorization] as const
  await deployer.send({ ...booksOf(stage), functionName: 'payOnce', args }, privateKeyToAccount(router.key))
}
