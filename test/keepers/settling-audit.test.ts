import { expect } from 'chai'
import type { Hex } from 'viem'
import { KEEP_SECONDS } from '../../sdk/audit.ts'
import { type Archive, auditRouter } from '../../sdk/chain/batches.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { openStage, type Payer, post, receiptOf, type Stage, type TestRouter, USD, until } from './stage.ts'
import { type TestWorker, testWorker } from './worker.ts'

/** A router that forgets at once; the chain's time says whether it may. */
describe('an audit of a router that forgets', function () {
  this.timeout(600_000)

  let stage: Stage
  let router: TestRouter
  let worker: TestWorker
  let payer: Payer
  const kept = new Map<Hex, Uint8Array>()
  const archive: Archive = {
    read: async (dataHash) => kept.get(dataHash),
    keep: async (dataHash, data) => void kept.set(dataHash, data),
  }

  before(async () => {
    stage = await openStage()
    payer = await stage.payer(USD)
  })
  after(async () => {
    worker?.die()
    await stage?.close()
  })

  async function start(dataDir?: string, keepMs?: number): Promise<TestRouter> {
    const settle = { maxAgeMs: 1, finalityBlocks: 2, watchMs: 100, ...(keepMs ? { keepMs } : {}) }
    const started = await stage.router({ settle, ...(dataDir ? { dataDir } : {}) })
    worker = await (worker?.again(started.url) ?? testWorker(stage, started))
    return started
  }

  async function settledCall(): Promise<void> {
    const job = payer.job()
    expect((await post(router, job)).status).to.equal(200)
    const { request } = job.voucher as { request: string }
    await until('it is settled', async () => {
      const { batch } = (await receiptOf(router, request)).body as { batch?: { state: string } }
      return batch?.state === 'settled'
    })
  }

  async function audited(options: { archive?: Archive } = {}) {
    const { market, hasher } = stage
    const { audit } = await auditRouter({
      chain: openChain({ chainId: market.domain.chainId, rpcUrl: market.chain.rpcUrl }),
      ledger: market.addresses.ledger,
      router: market.router.address,
      routerUrl: router.url,
      hasher,
      ...options,
    })
    return audit
  }

  it('keeps what it read, and finds nothing in what is all there', async () => {
    router = await start()
    await settledCall()
    await settledCall()

    const found = await audited({ archive })

    expect(found.lies).to.deep.equal([])
    expect(found).to.deep.include({ batches: 2, leaves: 2, whole: true, notAudited: [] })
    expect(kept.size, 'an index and a part of each').to.equal(4)
  })

  it('calls it a lie within thirty days, also where the archive has the data', async () => {
    const { dataDir } = router
    await router.stop()
    router = await start(dataDir, 1)

    const [without, withArchive] = [await audited(), await audited({ archive })]

    expect(without.lies.map(({ code, seq }) => [code, seq])).to.deep.equal([
      ['data.missing', 1n],
      ['data.missing', 2n],
    ])
    expect([without.leaves, withArchive.leaves]).to.deep.equal([0, 2])
    expect(withArchive.lies.map(({ code }) => code)).to.deep.equal(['data.missing', 'data.missing'])
  })

  it('lists it as not audited after them, and with an archive goes on as if nothing were gone', async () => {
    await stage.rpc('evm_increaseTime', KEEP_SECONDS + 60)
    await stage.rpc('evm_mine')

    const [without, withArchive] = [await audited(), await audited({ archive })]

    expect(without).to.deep.include({ whole: false, notAudited: [1n, 2n], lies: [] })
    expect(withArchive).to.deep.include({ whole: true, leaves: 2, notAudited: [], lies: [] })
  })
})
