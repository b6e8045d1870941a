import { expect } from 'chai'
import { concat, createTestClient, createWalletClient, type Hex, http, pad, toFunctionSelector } from 'viem'
import { localAccount } from '../../deploy/local.ts'
import { auditRouter } from '../../sdk/chain/batches.ts'
import type { Call } from '../../sdk/chain/call.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { fastKeccak } from '../../sdk/native.ts'
import type { Leaf } from '../../sdk/protocol/merkle.ts'
import { createHasher } from '../../sdk/protocol/messages.ts'
import { verifyReceipt } from '../../sdk/verify.ts'
import { openStage, type Stage } from './stage.ts'

/** Calls the contract of the first word of its calldata with the rest of it; reverts at its end if that does. */
const FORWARDER = concat([
  '0x6020360380602060003760006000826000600060',
  '0x00355af115',
  '0x601d57',
  '0x005b600080fd',
])
/** The same, and it is the contract that says `settle`: its calldata has the argument alone. */
const MAKER = concat([
  '0x63',
  toFunctionSelector('settle(bytes)'),
  '0x60e01b600052',
  '0x6020360380602060043760040160006000826000600060',
  '0x00355af115',
  '0x602b57',
  '0x005b600080fd',
])

/** A router that is a contract: the ledger sees a call from inside a transaction that somebody else sent. */
describe('a router behind a contract', function () {
  this.timeout(600_000)
  let stage: Stage

  beforeEach(async () => {
    stage = await openStage()
  })
  afterEach(() => stage?.close())

  /** Settles through code at the router's own address. */
  async function through(code: Hex, calldata: (call: Call) => Hex): Promise<void> {
    const { market, router } = stage
    const transport = http(market.chain.rpcUrl)
    await createTestClient({ mode: 'anvil', transport }).setCode({
      address: market.router.address,
      bytecode: code,
    })
    const wallet = createWalletClient({ account: localAccount('frontend'), transport })
    const { client } = openChain({ chainId: market.domain.chainId, rpcUrl: market.chain.rpcUrl })
    router.script = {
      ...router.script,
      async carry(call) {
        const data = calldata(call)
        const hash = await wallet.sendTransaction({
          to: market.router.address,
          data,
          chain: null,
          gas: 5_000_000n,
        })
        const { status } = await client.waitForTransactionReceipt({ hash })
        if (status !== 'success') throw new Error('the contract did not settle')
        return hash
      },
    }
  }
  const forwarding = () => through(FORWARDER, ({ to, data }) => concat([pad(to), data]))
  const making = () => through(MAKER, ({ to, data }) => concat([pad(to), `0x${data.slice(10)}`]))

  async function audited() {
    const { market, router } = stage
    const { domain, chain, addresses } = market
    const { audit } = await auditRouter({
      chain: openChain({ chainId: domain.chainId, rpcUrl: chain.rpcUrl }),
      ledger: addresses.ledger,
      router: market.router.address,
      routerUrl: router.url,
      hasher: createHasher(domain),
      keccak: fastKeccak,
    })
    return audit
  }

  it('is audited, and its receipts are verified, by the batch inside the call', async () => {
    await forwarding()
    const client = await stage.client()
    const { request } = await client.run('chat', 'hello')
    await stage.router.settle()
    await client.run('chat', 'again')
    await stage.router.settle()
    const { market, router } = stage

    const audit = await audited()
    const checks = await verifyReceipt(request, {
      routerUrl: router.url,
      rpcUrl: market.chain.rpcUrl,
      ledger: market.addresses.ledger,
      journal: () => client.balance(),
    })

    expect(audit).to.deep.include({ batches: 2, leaves: 2, whole: true, lies: [] })
    expect(checks.filter(({ ok }) => !ok)).to.deep.equal([])
  })

  it('whose transaction does not show its batch is told so by name, and the audit goes on: batch.unreadable', async () => {
    const client = await stage.client()
    const { request: before } = await client.run('chat', 'by itself')
    await stage.router.settle()
    await making()
    const { request } = await client.run('chat', 'hidden')
    await stage.router.settle()
    await forwarding()
    for (const text of ['two', 'that overlap']) await client.run('chat', text)
    stage.router.script.listed = (own: Leaf[]) =>
      own.map((leaf, index) => (index === 1 ? { ...leaf, nodeGross: leaf.nodeGross - 1n } : leaf))
    await stage.router.settle()

    const { lies, batches, leaves, whole } = await audited()
    const options = {
      routerUrl: stage.router.url,
      rpcUrl: stage.market.chain.rpcUrl,
      ledger: stage.market.addresses.ledger,
    }
    const [shown, hidden] = [await verifyReceipt(before, options), await verifyReceipt(request, options)]

    expect(lies.map(({ code, seq }) => [code, seq])).to.deep.equal([
      ['batch.unreadable', 2n],
      ['payee.overlap', 3n],
      ['total.differs', 3n],
    ])
    expect(lies[0]?.detail).to.match(/does not show the batch/)
    expect({ batches, leaves, whole }).to.deep.equal({ batches: 3, leaves: 4, whole: true })
    expect(shown.filter(({ ok }) => !ok)).to.deep.equal([])
    expect(hidden.filter(({ ok }) => !ok).map(({ name }) => name)).to.deep.equal(['batch'])
  })
})
