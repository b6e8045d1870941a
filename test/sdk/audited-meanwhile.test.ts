import { expect } from 'chai'
import { auditRouter } from '../../sdk/chain/batches.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { fastKeccak } from '../../sdk/native.ts'
import { partPath } from '../../sdk/protocol/data.ts'
import { createHasher } from '../../sdk/protocol/messages.ts'
import { openStage, type Stage } from './stage.ts'

/** A real chain and an honest router that settles again each time its first part is asked for. */
describe('an audit of a router that settles meanwhile', function () {
  this.timeout(240_000)

  let stage: Stage
  const real = globalThis.fetch

  beforeEach(async () => {
    stage = await openStage()
    const client = await stage.client()
    for (let call = 0; call < 4; call += 1) await client.run('chat', `call ${call}`)
    await stage.router.settle()
    await client.run('chat', 'more')
    await (await stage.client({ frontend: 1 })).run('chat', 'of somebody else')
  })
  afterEach(() => {
    globalThis.fetch = real
    return stage?.close()
  })

  function audited() {
    const { market, router } = stage
    const { domain, chain, addresses } = market
    return auditRouter({
      chain: openChain({ chainId: domain.chainId, rpcUrl: chain.rpcUrl }),
      ledger: addresses.ledger,
      router: market.router.address,
      routerUrl: router.url,
      hasher: createHasher(domain),
      keccak: fastKeccak,
    })
  }

  /** @param forgets  Once the router has settled, the node has no state of an earlier block any more. */
  function settling(forgets: boolean): Seen {
    const seen = { settled: 0, refused: 0, oldest: 0n }
    const { router, market } = stage
    globalThis.fetch = (async (url: string, init: RequestInit = {}) => {
      if (String(url) === router.url + partPath(1n, 0) && seen.settled === 0) {
        seen.settled += 1
        await router.settle()
        seen.oldest = await newest()
      }
      if (!forgets || !String(url).startsWith(market.chain.rpcUrl)) return real(url, init)
      return real(url, { ...init, body: remembered(String(init.body), seen) })
    }) as typeof fetch
    return seen
  }

  interface Seen {
    settled: number
    refused: number
    /** The first block whose state the node still has. */
    oldest: bigint
  }

  interface Asked {
    method: string
    params?: unknown[]
  }

  /** Questions about a block that is forgotten become ones about a block that is not there: the real node refuses them. */
  function remembered(body: string, seen: Seen): string {
    const asked = JSON.parse(body) as Asked | Asked[]
    const changed = (one: Asked): Asked => {
      const block = one.params?.[1]
      if (one.method !== 'eth_call' || typeof block !== 'string' || !block.startsWith('0x')) return one
      if (BigInt(block) >= seen.oldest) return one
      seen.refused += 1
      return { ...one, params: [one.params?.[0], '0xffffffff'] }
    }
    return JSON.stringify(Array.isArray(asked) ? asked.map(changed) : changed(asked))
  }

  async function newest(): Promise<bigint> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_blockNumber', params: [] })
    const headers = { 'content-type': 'application/json' }
    const response = await real(stage.market.chain.rpcUrl, { method: 'POST', headers, body })
    return BigInt(((await response.json()) as { result: string }).result)
  }

  it('finds no lie: events and totals are of one block, and the next audit has the rest', async () => {
    const seen = settling(false)
    const { audit } = await audited()
    const next = (await audited()).audit

    expect(seen.settled).to.equal(1)
    expect(audit).to.deep.include({ batches: 1, leaves: 4, whole: true, lies: [] })
    expect(next).to.deep.include({ batches: 2, leaves: 6, whole: true, lies: [] })
  })

  it('goes on to a newer block where the node no longer has the state of the first one, and finds no lie', async () => {
    const seen = settling(true)
    const { audit, leafAt } = await audited()

    expect(seen.settled).to.equal(1)
    expect(seen.refused).to.be.greaterThan(0)
    expect(audit).to.deep.include({ batches: 2, leaves: 6, whole: true, lies: [] })
    expect((await leafAt({ seq: 2n, index: 1 })).leaf.frontend).to.equal(1)
  })

  it('names what a thief posted too much there as well', async () => {
    const seen = settling(true)
    stage.router.script = {
      listed: (own) =>
        own.map((leaf, index) => (index === 1 ? { ...leaf, nodeGross: leaf.nodeGross - 1n } : leaf)),
    }
    const { audit } = await audited()

    expect(seen.refused).to.be.greaterThan(0)
    expect(audit.lies.map(({ code, seq }) => [code, seq])).to.deep.equal([
      ['payee.overlap', 2n],
      ['total.differs', 2n],
    ])
  })
})
