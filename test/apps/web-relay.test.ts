import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import Fastify, { type FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { type Address, type Hex, toHex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { openTries } from '../../apps/web/api/tries.ts'
import { configSchema, createWeb } from '../../apps/web/server.ts'
import { testDollarAbi } from '../../sdk/chain/abi.ts'
import { authorizedCall, readAccount, signOpen } from '../../sdk/chain/accounts.ts'
import { type Chain, openChain } from '../../sdk/chain/clients.ts'
import { saveKey } from '../../sdk/chain/keys.ts'
import { asHeuristError } from '../../sdk/errors.ts'
import { usd } from '../../sdk/units.ts'
import { type Market, openMarket } from '../market.ts'

describe('tries to have a deposit relayed', () => {
  const MINUTE_MS = 60_000

  function tries(mostADay = 100) {
    let now = 1_000_000_000
    const opened = openTries({ mostADay, now: () => now })
    const codeOf = (work: () => unknown) => {
      try {
        work()
        return 'taken'
      } catch (cause) {
        return asHeuristError(cause).code
      }
    }
    return {
      useless: (address: string) => codeOf(() => opened.begin(address)),
      useful: (address: string) => codeOf(() => opened.begin(address).carry()),
      vain: (address: string) => codeOf(() => opened.begin(address).forget()),
      pass: (ms: number) => {
        now += ms
      },
    }
  }
  const repeat = (times: number, work: () => string) => Array.from({ length: times }, work)

  it('that the contract refuses hold their own household up for a minute, and nobody else', () => {
    const { useless, useful, pass } = tries(12)

    expect(repeat(11, () => useless('10.0.0.1'))).to.deep.equal([...Array(10).fill('taken'), 'rate.limited'])
    expect(useful('10.0.0.1')).to.equal('rate.limited')
    expect(useful('10.0.0.2')).to.equal('taken')
    pass(MINUTE_MS)
    // Neither its own twelve of the hour nor anybody's of the day are touched.
    expect(repeat(11, () => useful('10.0.0.1'))).to.deep.equal(Array(11).fill('taken'))
    expect(useful('10.0.0.3')).to.equal('rate.limited')
  })

  it('that are carried are twelve an hour and household; those beyond are as useless as a forged one', () => {
    const { useful, pass } = tries()

    expect(repeat(13, () => useful('10.0.0.1'))).to.deep.equal([...Array(12).fill('taken'), 'rate.limited'])
    // Each of these is tried out on the chain too, so ten a minute are the most of them.
    expect(repeat(10, () => useful('10.0.0.1'))).to.deep.equal(Array(10).fill('rate.limited'))
    pass(60 * MINUTE_MS)
    expect(useful('10.0.0.1')).to.equal('taken')
  })

  it('that a full day refuses cost a household nothing, nor do those that met no chain', () => {
    const { useful, vain, pass } = tries(1)
    useful('10.0.0.1')

    expect(repeat(9, () => useful('10.0.0.2'))).to.deep.equal(Array(9).fill('rate.limited'))
    pass(24 * 60 * MINUTE_MS)
    expect(repeat(50, () => vain('10.0.0.2'))).to.deep.equal(Array(50).fill('taken'))
    expect(useful('10.0.0.2')).to.equal('taken')
  })
})

describe('the relay of a page, on a real chain', function () {
  this.timeout(120_000)
  let home: string
  let market: Market
  let chain: Chain
  let router: FastifyInstance
  let routerUrl: string
  let app: FastifyInstance
  before(async () => {
    home = mkdtempSync(join(tmpdir(), 'heurist-relay-'))
    market = await openMarket()
    const { addresses, domain } = market
    chain = openChain({ chainId: domain.chainId, rpcUrl: market.chain.rpcUrl })
    router = Fastify()
    router.get('/v1/network', async () => ({
      chainId: domain.chainId,
      rpcUrl: market.chain.rpcUrl,
      addresses: { ...addresses, accessManager: addresses.authority },
      split: { node: 7_000, pod: 1_000, frontend: 500, voters: 500 },
      podVoters: true,
      router: { address: market.router.address, url: 'http://127.0.0.1:1' },
    }))
    routerUrl = await router.listen({ port: 0, host: '127.0.0.1' })
    app = relay((await market.payer(0n)).key, 2)
  })
  after(async () => {
    await app?.close()
    await router?.close()
    await market?.close()
    rmSync(home, { recursive: true, force: true })
  })

  /** A page's server whose gas is paid by this key. */
  function relay(key: Hex, mostADay: number): FastifyInstance {
    const keyFile = join(home, `relay-${mostADay}.key`)
    saveKey(keyFile, key)
    const { chainId, verifyingContract: ledger } = market.domain
    const config = { port: 0, routerUrl, rpcUrl: market.chain.rpcUrl, chainId, ledger }
    return createWeb(
      configSchema.parse({ ...config, relay: { keyFile, mostADay } }),
      pino({ level: 'silent' }),
    )
  }

  /** Somebody with ten dollars signs one for a fresh key. */
  async function deposit(): Promise<{ key: Address; data: Hex; forged: Hex }> {
    const { account: giver } = await market.payer(0n)
    const asset = { address: market.addresses.asset, abi: testDollarAbi } as const
    await market.deployer.send({ ...asset, functionName: 'faucet', args: [giver.address, usd('10')] }, giver)
    const key = privateKeyToAccount(generatePrivateKey())
    const { ledger } = market.addresses
    const place = { ledger, router: market.router.address }
    const owner = giver.address
    const gift = {
      amount: usd('1'),
      owner,
      salt: toHex(7n, { size: 32 }),
      validBefore: 10n ** 11n,
      opening: await signOpen(key, owner, { chain, ...place }),
    }
    const terms = { ...place, asset: market.addresses.asset, key: key.address }
    const forger = privateKeyToAccount(generatePrivateKey())
    const forging = {
      address: giver.address,
      signTypedData: (typed: Parameters<typeof giver.signTypedData>[0]) => forger.signTypedData(typed),
    }
    const [{ data }, forged] = await Promise.all([
      authorizedCall(chain, terms, { ...gift, giver }),
      authorizedCall(chain, terms, { ...gift, giver: forging as typeof giver }),
    ])
    return { key: key.address, data, forged: forged.data }
  }
  const send = (data: Hex, remoteAddress: string, by = app) =>
    by.inject({ method: 'POST', url: '/api/deposits', payload: { data }, remoteAddress })
  const codeOf = async (data: Hex, address: string) => {
    const answer = await send(data, address)
    return answer.statusCode === 200 ? 'carried' : answer.json().error.code
  }
  const heldBy = async (key: Address) =>
    (await readAccount(chain, market.addresses.ledger, { router: market.router.address, key })).deposited

  it('a deposit whose signature is forged is tried out, refused, and takes nothing of what others may send', async () => {
    const { key, data, forged } = await deposit()
    const codes = []
    for (let index = 0; index < 11; index += 1) codes.push(await codeOf(forged, '10.0.0.1'))

    expect(codes).to.deep.equal([...Array(10).fill('chain.reverted'), 'rate.limited'])
    expect(await codeOf(data, '10.0.0.2')).to.equal('carried')
    expect(await heldBy(key)).to.equal(usd('1'))
    // What was taken already is refused like it.
    expect(await codeOf(data, '10.0.0.2')).to.equal('chain.reverted')
  })

  it('the same deposit sent many times at once is carried once, and counts once; more than the day has are refused', async () => {
    const { key, data } = await deposit()
    const answers = await Promise.all(Array.from({ length: 8 }, () => send(data, '10.0.0.3')))

    expect(answers.map(({ statusCode }) => statusCode)).to.deep.equal(Array(8).fill(200))
    expect(new Set(answers.map((answer) => answer.json().hash))).to.have.property('size', 1)
    expect(await heldBy(key)).to.equal(usd('1'))
    expect(await codeOf((await deposit()).data, '10.0.0.4')).to.equal('rate.limited')
  })

  it('a page without gas says so, and what it could not carry counts for nothing', async () => {
    const dry = relay(generatePrivateKey(), 1)
    const { data } = await deposit()
    const codes = []
    for (let index = 0; index < 13; index += 1) {
      codes.push((await send(data, '10.0.0.1', dry)).json().error.code)
    }

    expect(codes).to.deep.equal(Array(13).fill('relay.dry'))
    await dry.close()
  })
})
