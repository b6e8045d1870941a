import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { createChain, depositConfirmationsOn } from '../../keepers/chain.ts'
import { computeLedgerAbi, testDollarAbi } from '../../sdk/chain/abi.ts'
import { type Request, ROLE } from '../../sdk/protocol/messages.ts'
import {
  codeOf,
  http,
  nowSeconds,
  openStage,
  type Payer,
  pause,
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
/** An account that was just read is not read again sooner. */
const JUST_READ_MS = 150
const quick = { maxAgeMs: 1, finalityBlocks: 2, watchMs: 100 }

/** What happens on the chain beside a router's own batches. One ledger lives through all of it. */
describe('a chain that lives its own life', function () {
  this.timeout(600_000)

  let stage: Stage
  let home: string
  let dataDir: string
  before(async () => {
    stage = await openStage()
    home = mkdtempSync(join(tmpdir(), 'heurist-settling-'))
    dataDir = join(home, 'data')
  })
  after(async () => {
    await stage?.close()
    rmSync(home, { recursive: true, force: true })
  })

  const batchOf = async (router: TestRouter, request: string) =>
    (await receiptOf(router, request)).body.batch as { state: string; final: boolean } | undefined
  const events = (router: TestRouter) => router.log.map((line) => line.event)

  it('single payments through the router are no difference: it signs statements at its next start', async () => {
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

  describe('a deposit', () => {
    const floatAlarms = ['line.uncovered', 'float.used', 'float.exhausted']

    it('is credit once `depositConfirmations` blocks stand on it, and not one sooner', async () => {
      const depositConfirmations = 30
      const router = await stage.router({ dataDir, settle: { depositConfirmations } })
      const worker = await testWorker(stage, router)
      const payer = await stage.payer(0n)
      await stage.deposit(payer, USD)

      const { client } = stage.market.deployer
      const head = () => client.getBlockNumber({ cacheTime: 0 })
      const args = { key: payer.address }
      const [event] = await client.getContractEvents({
        ...booksOf(stage),
        eventName: 'Deposited',
        args,
        fromBlock: 0n,
      })
      const deposited = event?.blockNumber ?? expect.fail('nothing was deposited')

      const answers: { before: number; after: number; code: unknown }[] = []
      do {
        await pause(JUST_READ_MS)
        const before = Number((await head()) - deposited)
        const code = codeOf(await post(router, payer.job()))
        answers.push({ before, code, after: Number((await head()) - deposited) })
        await stage.rpc('anvil_mine', '0x1')
      } while (answers.at(-1)?.code === 'credit.insufficient')
      worker.die()
      await router.stop()

      const served = answers.pop()
      expect(served?.code).to.equal('status 200')
      expect(served?.after).to.be.at.least(depositConfirmations)
      expect(answers[0]?.before, 'it was asked for at once').to.be.below(depositConfirmations)
      for (const { before } of answers) expect(before).to.be.below(depositConfirmations)
    })

    it('is no credit yet on a ledger that is younger than that, and the chain is not called out of reach', async () => {
      const { address } = await stage.payer(USD)
      const { addresses, chain, deployer, domain, router } = stage.market
      const { client } = deployer
      const first = 1n
      const depositConfirmations = Number((await client.getBlockNumber({ cacheTime: 0 })) - first)
      expect(await client.getCode({ address: addresses.ledger, blockNumber: first })).to.equal(undefined)
      const seen = createChain({
        ...{ rpcUrl: chain.rpcUrl, chainId: domain.chainId, key: router.key, depositConfirmations },
        ...{ ledger: addresses.ledger, registry: addresses.registry },
      })

      expect(await seen.balance(address)).to.include({ deposited: USD })
      expect(await seen.account(address)).to.deep.equal({ deposited: 0n, spent: 0n, thawing: 0n })
    })

    it('that a reorganisation takes back sooner was never served: the float is what it was', async () => {
      const router = await stage.router({ dataDir, settle: { depositConfirmations: 100 } })
      const worker = await testWorker(stage, router)
      const payer = await stage.payer(0n)
      const float = await stage.float()
      const snapshot = await stage.rpc('evm_snapshot')
      await stage.deposit(payer, USD)

      const answer = await post(router, payer.job())
      await stage.rpc('evm_revert', snapshot)
      await stage.rpc('anvil_mine', '0x5')
      await pause(JUST_READ_MS)
      const after = await post(router, payer.job())
      worker.die()
      await router.stop()

      expect([answer, after].map(codeOf)).to.deep.equal(['credit.insufficient', 'credit.insufficient'])
      expect(events(router).filter((event) => floatAlarms.includes(event))).to.deep.equal([])
      expect(await stage.float()).to.equal(float)
    })

    it('that was served and is taken back all the same is paid by the float: the price of what was served', async () => {
      const first = await stage.router({ dataDir, settle: { depositConfirmations: 1 } })
      const worker = await testWorker(stage, first)
      const payer = await stage.payer(0n)
      const float = await stage.float()
      const snapshot = await stage.rpc('evm_snapshot')
      await stage.deposit(payer, USD)
      await stage.rpc('anvil_mine', '0x1')

      const job = payer.job()
      expect((await post(first, job)).status).to.equal(200)
      const { request } = job.voucher as { request: string }
      worker.die()
      await first.stop()
      await stage.rpc('evm_revert', snapshot)
      await stage.rpc('anvil_mine', '0x5')
      const second = await stage.router({ dataDir, settle: quick })
      await until('it is settled', async () => (await batchOf(second, request))?.state === 'settled')
      await second.stop()

      expect(events(second)).to.include.members(['line.uncovered', 'float.used'])
      expect(await stage.float()).to.equal(float - PRICE)
    })

    it('needs no block on it on a local chain, and twelve on any other', () => {
      expect([31_337, 1_337].map(depositConfirmationsOn)).to.deep.equal([0, 0])
      expect([1, 324, 8_453].map(depositConfirmationsOn)).to.deep.equal([12, 12, 12])
    })
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
