import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { bytesToHex, createTestClient, type Hex, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { computeLedgerAbi, testDollarAbi } from '../../sdk/chain/abi.ts'
import { createSigner, fastKeccak, toCompact } from '../../sdk/native.ts'
import { packBatch } from '../../sdk/protocol/batch.ts'
import { createHasher, ROLE } from '../../sdk/protocol/messages.ts'
import { toWire } from '../../sdk/protocol/wire.ts'
import { type Market, openMarket } from '../market.ts'
import { type CliHome, openHome } from './home.ts'

const USD = 1_000_000n
const ZERO = `0x${'00'.repeat(32)}` as const
const HASH = `0x${'ab'.repeat(32)}` as const

/** A node that has earned ten dollars of one payer, and whose router owes it ten more. */
describe('heurist claim on a real chain', function () {
  this.timeout(900_000)
  let market: Market
  let home: CliHome
  let node: number
  let gas: string
  let owner: Hex

  before(async () => {
    market = await openMarket()
    home = openHome(market)
    const mine = await market.node()
    node = mine.id
    owner = mine.owner.address
    const payer = await market.payer(50n * USD)
    await settle(payer.key, 10n * USD)
    // The owner's key is the market's own; anybody may pay the gas of a claim.
    gas = home.keyFile('gas', payer.key)
  })
  after(() => market.close())

  async function settle(payerKey: Hex, charge: bigint): Promise<void> {
    const hasher = createHasher(market.domain, fastKeccak)
    const expiry = 4_000_000_000
    const voucher = { router: market.router.address, ceiling: charge, expiry, request: HASH }
    const compact = toCompact(createSigner(payerKey).sign(hasher.digest('Voucher', voucher)))
    if (!compact) throw new Error('a signer of ours makes low s only')
    const packed = packBatch({
      seq: 1n,
      prev: ZERO,
      root: HASH,
      dataHash: HASH,
      payers: [{ ...compact, request: HASH, ceiling: charge, expiry, charge }],
      nodes: [{ id: node, amount: charge }],
      pods: [{ id: 1, amount: charge }],
      frontends: [{ id: 1, amount: charge }],
    })
    await market.deployer.send(
      {
        address: market.addresses.ledger,
        abi: computeLedgerAbi,
        functionName: 'settle',
        args: [bytesToHex(packed)],
      },
      privateKeyToAccount(market.router.key),
    )
  }

  const held = () =>
    market.deployer.client.readContract({
      address: market.addresses.asset,
      abi: testDollarAbi,
      functionName: 'balanceOf',
      args: [owner],
    })
  const run = (...argv: string[]) =>
    home.run('claim', '--node', String(node), '--key-file', gas, ...argv, '--json')
  const later = async (seconds: number) => {
    const chain = createTestClient({ mode: 'anvil', transport: http(market.chain.rpcUrl) })
    await chain.increaseTime({ seconds })
    await chain.mine({ blocks: 1 })
  }

  it('a dry run says what would be sent, decoded, and sends nothing', async () => {
    const { code, json } = await run('--dry-run')

    const [call] = json.calls as { contract: string; function: string; args: Record<string, unknown> }[]
    expect(code).to.equal(0)
    expect([call?.contract, call?.function]).to.deep.equal(['ComputeLedger', 'claim'])
    expect(call?.args.ids).to.deep.equal([node])
    expect(await held()).to.equal(0n)
  })

  it('pays the share of the node to its payout, once', async () => {
    const first = await run()
    const again = await run()

    expect([first.code, again.code]).to.deep.equal([0, 0])
    expect((first.json.items as { claimable: string }[])[0]?.claimable).to.equal('7000000')
    expect(await held()).to.equal(7n * USD)
    expect(again.json.calls).to.deep.equal([])
  })

  it('an account that is nobody, and an id that is none, are told so', async () => {
    const nobody = await home.run('claim', '--key-file', gas, '--json')
    const wrong = await home.run('claim', '--node', 'one', '--json')

    expect((nobody.json.error as { code: string }).code).to.equal('claim.nobody')
    expect((wrong.json.error as { code: string }).code).to.equal('ids.invalid')
    expect([nobody.code, wrong.code]).to.deep.equal([1, 1])
  })

  it('files the Statement that its router did not settle once it is a day old, and is paid when the round is over', async () => {
    const { timestamp } = await market.deployer.client.getBlock()
    const statement = { role: ROLE.node, id: node, gross: 12n * USD, asOf: Number(timestamp) }
    const digest = createHasher(market.domain, fastKeccak).digest('Statement', statement)
    const signature = createSigner(market.router.key).sign(digest)
    const file = join(home.folder, 'statement.json')
    writeFileSync(file, toWire({ statement, signature, router: market.router.address }))

    const young = await run('--shortfall', file)
    await later(86_400)
    const filed = await run('--shortfall', file)
    const early = await run('--resolve', '1')
    await later(14 * 86_400)
    const paid = await run('--resolve', '1')

    expect((young.json.error as { code: string }).code).to.equal('statement.too_young')
    expect([filed.code, filed.json.round]).to.deep.equal([0, '1'])
    expect((early.json.error as { details: { error: string } }).details.error).to.equal('TooEarly')
    expect(paid.code).to.equal(0)
    // 70 % of the two dollars that were not settled: below a newcomer's cap of two dollars.
    expect(await held()).to.equal(7n * USD + 1_400_000n)
  })

  it('a Statement that the chain has overtaken, and a file without one, are told so', async () => {
    const file = join(home.folder, 'nothing.json')
    writeFileSync(file, '{}')
    const unreadable = await run('--shortfall', file)
    const unfiled = await run('--resolve', '7')

    expect((unreadable.json.error as { code: string }).code).to.equal('statement.unreadable')
    expect((unfiled.json.error as { code: string }).code).to.equal('claim.unfiled')
  })
})
