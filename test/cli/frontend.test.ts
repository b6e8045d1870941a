import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { createTestClient, http, keccak256, zeroAddress, zeroHash } from 'viem'
import { ROLES } from '../../deploy/steps/07-roles.ts'
import { computeLedgerAbi, registryAbi, testDollarAbi } from '../../sdk/chain/abi.ts'
import { createSigner, fastKeccak } from '../../sdk/native.ts'
import { createHasher, ROLE } from '../../sdk/protocol/messages.ts'
import { toWire } from '../../sdk/protocol/wire.ts'
import { freePort } from '../market.ts'
import { type CliHome, openHome } from './home.ts'
import { codeOf, type Holder, openSeason, type Season, USD } from './season.ts'

interface Entry {
  id: number
  owner: string
  payout: string
  heir: string
  meta: string
  active: boolean
  inactiveFrom: number
  preferred: number[]
  nodes: { node: number; state: string; slots: number }[]
}

interface Revenue {
  shareBps: number
  days: { day: string; router: string; gross: string; share: string; claimed: string }[]
  epochs: { epoch: number; gross: string; share: string }[]
  routers: {
    gross: string
    claimed: string
    claimable: string
    unposted?: string
    unpostedShare?: string
  }[]
  statement?: { statement: { gross: string } }
}

const lower = (text: string): string => text.toLowerCase()
const sum = (values: readonly string[]): bigint => values.reduce((total, value) => total + BigInt(value), 0n)

/** The split that the market's ledger was born with. @source test/market.ts, deploy/params.ts */
const SHARE_BPS = 1_000n

describe('heurist frontend on a real chain', function () {
  this.timeout(900_000)
  let season: Season
  let home: CliHome
  let router: Server
  let owner: Holder
  let heir: Holder
  let payout: Holder
  let payer: Awaited<ReturnType<Season['market']['payer']>>
  let node: number
  let id: string
  let gross = 0n

  before(async () => {
    season = await openSeason()
    router = await openRouter()
    home = openHome(season.market, `http://127.0.0.1:${(router.address() as AddressInfo).port}`)
    ;[owner, heir, payout] = await Promise.all([
      season.holder('owner', 0n),
      season.holder('heir', 0n),
      season.holder('payout', 0n),
    ])
    payer = await season.market.payer(50n * USD)
    node = Number(await season.nodeOf(owner))
    const made = await run('create', '--payout', payout.account.address, '--key-file', owner.file)
    id = String(made.json.id)
    expect(made.code, made.out + made.err).to.equal(0)
  })
  after(async () => {
    router.close()
    await season.close()
  })

  /** A router's two public documents: it knows one connected node, and signs what it owes the frontend. */
  async function openRouter(): Promise<Server> {
    const signer = createSigner(season.market.router.key)
    const server = createServer((request, response) => {
      if (request.url === '/v1/nodes') {
        const slots = [{ pod: 1 }, { pod: 2 }]
        return void response.end(JSON.stringify({ nodes: [{ id: node, state: 'live', slots }] }))
      }
      const asked = Number(/^\/v1\/statements\/frontend\/(\d+)$/.exec(request.url ?? '')?.[1])
      if (asked !== Number(id) || gross === 0n) {
        const error = { code: 'statement.none', kind: 'refused', message: 'none' }
        return void response.writeHead(404).end(JSON.stringify({ error }))
      }
      const statement = { role: ROLE.frontend, id: asked, gross, asOf: Math.floor(Date.now() / 1000) }
      const digest = createHasher(season.market.domain, fastKeccak).digest('Statement', statement)
      response.end(
        toWire({ statement, signature: signer.sign(digest), router: season.market.router.address }),
      )
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return server
  }

  const run = (...argv: string[]) => home.run('frontend', ...argv, '--json')
  const as = (who: Holder, ...argv: string[]) => run(...argv, '--key-file', who.file)
  const shown = async (of = id) => (await run('show', of)).json as unknown as Entry
  const revenueOf = async (...argv: string[]) =>
    (await run('revenue', id, ...argv)).json as unknown as Revenue
  const heldBy = (holder: Holder) =>
    season.chain.client.readContract({
      address: season.market.addresses.asset,
      abi: testDollarAbi,
      functionName: 'balanceOf',
      args: [holder.account.address],
    })

  it('is created by anyone, with its payout and the hash of its description, and says its id', async () => {
    const about = join(home.folder, 'about.json')
    writeFileSync(about, '{"name":"a page"}')
    const dry = await as(heir, 'create', '--meta', about, '--dry-run')
    const made = await as(heir, 'create', '--meta', about)
    const count = await season.chain.client.readContract({
      address: season.market.addresses.registry,
      abi: registryAbi,
      functionName: 'countOf',
      args: [ROLE.frontend],
    })

    const [call] = dry.json.calls as { contract: string; function: string; args: Record<string, string> }[]
    const meta = keccak256(Buffer.from('{"name":"a page"}'))
    expect([call?.contract, call?.function]).to.deep.equal(['Registry', 'registerFrontend'])
    expect(call?.args).to.deep.equal({ payout: heir.account.address, meta })
    expect(made.json.id).to.equal(count)
    expect(made.json.frontend).to.include({ owner: heir.account.address, meta, active: true })
    const mine = await as(heir, 'show', '--mine')
    expect((mine.json.frontends as Entry[]).map((each) => each.id)).to.deep.equal([count])
  })

  it('its owner sets payout and description; nobody else does, and nobody is paid at the zero address', async () => {
    const meta = `0x${'cd'.repeat(32)}`
    const set = await as(owner, 'set-payout', id, owner.account.address)
    const described = await as(owner, 'set-meta', id, meta)
    const thief = await as(heir, 'set-payout', id, heir.account.address)
    const zero = await as(owner, 'set-payout', id, zeroAddress)
    const word = await as(owner, 'set-meta', id, 'nowhere.json')
    const after = await shown()
    await as(owner, 'set-payout', id, payout.account.address)

    expect([set.code, described.code]).to.deep.equal([0, 0])
    expect([thief, zero, word].map(codeOf)).to.deep.equal([
      'frontend.foreign',
      'address.zero',
      'meta.unreadable',
    ])
    expect(after).to.include({ payout: owner.account.address, meta })
    expect((await shown()).payout).to.equal(payout.account.address)
  })

  it('prefers registered nodes within the bound of the contract, and shows what its router does with them', async () => {
    const most = await season.chain.client.readContract({
      address: season.market.addresses.registry,
      abi: registryAbi,
      functionName: 'MOST_PREFERRED',
    })
    const other = Number(await season.nodeOf(heir))
    const set = await as(owner, 'prefer', id, `${node},${other}`)
    const people = await home.run('frontend', 'show', id)
    const many = Array.from({ length: Number(most) + 1 }, (_, index) => index + 1).join(',')
    const refusals = await Promise.all(
      [many, '4000000', '1,1', '0', 'one'].map((list) => as(owner, 'prefer', id, list)),
    )
    const entry = await shown()
    const none = await as(owner, 'prefer', id, 'none')

    expect(set.code).to.equal(0)
    expect(entry.preferred).to.deep.equal([node, other])
    expect(entry.nodes).to.deep.equal([
      { node, state: 'live', slots: 2 },
      { node: other, state: 'offline', slots: 0 },
    ])
    expect(people.out).to.match(/1\. node \d+ +connected, 2 slots/)
    expect(people.out).to.contain('the call goes to the node that is expected to be done first')
    expect(refusals.map(codeOf)).to.deep.equal([
      'nodes.too_many',
      'node.unknown',
      'nodes.invalid',
      'id.invalid',
      'id.invalid',
    ])
    expect([none.code, (await shown()).preferred]).to.deep.equal([0, []])
  })

  it('changes hands in two steps, and an offer can be taken back', async () => {
    const early = await as(heir, 'accept', id)
    await as(owner, 'offer', id, heir.account.address)
    const offered = await shown()
    await as(owner, 'offer', id, 'none')
    const late = await as(heir, 'accept', id)
    await as(owner, 'offer', id, heir.account.address)
    const taken = await as(heir, 'accept', id)
    const was = await as(owner, 'set-payout', id, owner.account.address)
    const entry = await shown()
    await as(heir, 'offer', id, owner.account.address)
    await as(owner, 'accept', id)

    expect([early, late, was].map(codeOf)).to.deep.equal([
      'frontend.not_offered',
      'frontend.not_offered',
      'frontend.foreign',
    ])
    expect([offered.owner, offered.heir]).to.deep.equal([owner.account.address, heir.account.address])
    expect(taken.code).to.equal(0)
    expect(entry).to.include({ owner: heir.account.address, heir: zeroAddress })
    expect(entry.payout).to.equal(payout.account.address)
    expect((await shown()).owner).to.equal(owner.account.address)
  })

  it('ends with the epoch and comes back before its end', async () => {
    const active = await as(owner, 'reactivate', id)
    const end = await as(owner, 'deactivate', id)
    const again = await as(owner, 'deactivate', id)
    const ending = await shown()
    const epoch = await season.epoch()
    await as(owner, 'reactivate', id)

    expect([active, again].map(codeOf)).to.deep.equal(['frontend.active', 'frontend.inactive'])
    expect(end.code).to.equal(0)
    expect([ending.active, ending.inactiveFrom]).to.deep.equal([true, epoch + 1])
    expect((await shown()).inactiveFrom).to.equal(0)
  })

  it('its revenue is the sum of what was settled, by day and epoch, to the unit, and claim pays it to the payout', async () => {
    // Prices that do not divide by ten: floors must add up like the ledger's.
    const prices = [1_000_003n, 17n, 999_999n]
    const before = await revenueOf()
    for (const price of prices) {
      await season.settle(payer.key, price, { node, pod: 1, frontend: Number(id) })
      await season.wait(86_400)
    }
    const total = prices.reduce((all, price) => all + price, 0n)
    gross = total + 12_345n
    const open = await revenueOf()
    const claim = await home.run('claim', '--frontend', id, '--key-file', owner.file, '--json')
    gross = total
    const paid = await revenueOf()

    const share = (total * SHARE_BPS) / 10_000n
    const floors = prices.map((price, index) => {
      const upTo = prices.slice(0, index).reduce((all, each) => all + each, 0n)
      return ((upTo + price) * SHARE_BPS) / 10_000n - (upTo * SHARE_BPS) / 10_000n
    })
    expect(before.days).to.deep.equal([])
    expect(open.days.map((row) => row.gross)).to.deep.equal(prices.map(String))
    expect(open.days.map((row) => row.share)).to.deep.equal(floors.map(String))
    expect(new Set(open.days.map((row) => row.day)).size).to.equal(prices.length)
    expect(sum(open.epochs.map((row) => row.gross))).to.equal(total)
    expect(sum(open.epochs.map((row) => row.share))).to.equal(share)
    expect(open.routers).to.have.length(1)
    expect(open.routers[0]).to.include({
      gross: total.toString(),
      claimable: share.toString(),
      claimed: '0',
      unposted: '12345',
      unpostedShare: (((total + 12_345n) * SHARE_BPS) / 10_000n - share).toString(),
    })
    expect(open.statement?.statement.gross).to.equal((total + 12_345n).toString())
    expect(claim.code).to.equal(0)
    expect(await heldBy(payout)).to.equal(share)
    expect(paid.routers[0]).to.include({ claimable: '0', claimed: share.toString(), unposted: '0' })
    expect(sum(paid.days.map((row) => row.claimed))).to.equal(share)
  })

  it('of the last days only is what it was among all of them, also across epochs and a new split', async () => {
    await season.nextEpoch()
    await season.settle(payer.key, 333_337n, { node, pod: 1, frontend: Number(id) })
    const split = { node: 7_000, pod: 1_000, frontend: 1_250, voters: 250 }
    await season.grant(ROLES.params, heir.account.address)
    const ledger = { address: season.market.addresses.ledger, abi: computeLedgerAbi } as const
    await season.market.deployer.send({ ...ledger, functionName: 'setSplit', args: [split] }, heir.account)
    await season.nextEpoch()
    await season.settle(payer.key, 777_779n, { node, pod: 1, frontend: Number(id) })
    await season.wait(86_400)
    await season.settle(payer.key, 55_557n, { node, pod: 1, frontend: Number(id) })

    const all = await revenueOf('--days', '60')
    const two = await revenueOf('--days', '2')

    const late = 777_779n + 55_557n
    const [last] = two.routers
    expect(two.days).to.deep.equal(all.days.slice(-2))
    expect(sum(two.days.map((row) => row.share))).to.equal((late * 1_250n) / 10_000n)
    expect(sum(all.days.map((row) => row.share))).to.equal(
      BigInt(last?.claimed ?? 0) + BigInt(last?.claimable ?? 0),
    )
    expect(sum(all.days.map((row) => row.gross))).to.equal(BigInt(last?.gross ?? 0))
    expect(two.shareBps).to.equal(1_250)
  })

  it('as CSV has a line per day, whose columns add up', async () => {
    const { out } = await home.run('frontend', 'revenue', id, '--days', '60', '--csv')
    const all = await revenueOf('--days', '60')

    const [names, ...lines] = out.trim().split('\r\n')
    const cells = lines.map((line) => line.split(','))
    const units = (column: number) =>
      cells.reduce((total, row) => total + BigInt((row[column] ?? '').replace('.', '')), 0n)
    expect(names).to.equal('day,router,gross_usd,share_usd,claimed_usd')
    expect(cells.map(([day]) => day)).to.deep.equal(all.days.map(({ day }) => day))
    expect(units(2)).to.equal(sum(all.days.map((row) => row.gross)))
    expect(units(3)).to.equal(sum(all.days.map((row) => row.share)))
  })

  it('a router that is away hides only what it has not posted, and one that signs for somebody else is refused', async () => {
    const away = openHome(season.market, `http://127.0.0.1:${await freePort()}`)
    const alone = await away.run('frontend', 'revenue', id, '--json')
    const people = await away.run('frontend', 'revenue', id)
    openHome(season.market, `http://127.0.0.1:${(router.address() as AddressInfo).port}`)
    const right = season.market.router.key
    const liar = createServer((_, response) => {
      const statement = { role: ROLE.frontend, id: Number(id) + 1, gross: 1n, asOf: 1 }
      const digest = createHasher(season.market.domain, fastKeccak).digest('Statement', statement)
      const signature = createSigner(right).sign(digest)
      response.end(toWire({ statement, signature, router: season.market.router.address }))
    })
    await new Promise<void>((done) => liar.listen(0, '127.0.0.1', done))
    const lying = openHome(season.market, `http://127.0.0.1:${(liar.address() as AddressInfo).port}`)
    const lie = await lying.run('frontend', 'revenue', id, '--json')
    liar.close()
    openHome(season.market, `http://127.0.0.1:${(router.address() as AddressInfo).port}`)

    expect(alone.code, alone.out).to.equal(0)
    expect((alone.json as unknown as Revenue).routers[0]).to.not.have.property('unposted')
    expect(people.out).to.contain('the router does not answer')
    expect(codeOf(lie)).to.equal('statement.invalid')
  })

  it('words that name no frontend, no days or two formats are refused', async () => {
    const refusals = [
      await run('show', '4000'),
      await run('show', 'mine'),
      await run('show'),
      await run('show', id, '--mine'),
      await run('revenue', '4000'),
      await run('revenue', id, '--days', '0'),
      await run('revenue', id, '--csv'),
      await as(payout, 'set-payout', '4000', payout.account.address),
      await run('show', '--mine', '--account', `0x${'77'.repeat(20)}`),
    ]

    expect(refusals.map(codeOf)).to.deep.equal([
      'frontend.unknown',
      'id.invalid',
      'id.missing',
      'id.missing',
      'frontend.unknown',
      'days.invalid',
      'format.two',
      'frontend.unknown',
      'frontend.none',
    ])
    expect(refusals.map(({ code }) => code)).to.deep.equal(refusals.map(() => 1))
    expect((await home.run('frontend', 'sell')).code).to.equal(2)
  })

  it('an address alone sends nothing, and an account without gas is told what it lacks', async () => {
    const keyless = await run('set-payout', id, payout.account.address, '--account', owner.account.address)
    const anvil = createTestClient({ mode: 'anvil', transport: http(season.market.chain.rpcUrl) })
    const poor = await season.holder('poor', 0n)
    await anvil.setBalance({ address: poor.account.address, value: 0n })
    const broke = await as(poor, 'create')

    expect([keyless, broke].map(codeOf)).to.deep.equal(['account.keyless', 'gas.insufficient'])
    expect((await shown()).meta).to.not.equal(zeroHash)
    expect(lower((await shown()).payout)).to.equal(lower(payout.account.address))
  })
})
