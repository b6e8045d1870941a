import { request } from 'node:http'
import { join } from 'node:path'
import { expect } from 'chai'
import Database from 'libsql'
import OpenAI from 'openai'
import { createWalletClient, erc20Abi, type Hex, http } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { computeLedgerAbi } from '../../sdk/chain/abi.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { faucet } from '../../sdk/chain/faucet.ts'
import { usd } from '../../sdk/units.ts'
import { type Market, openMarket } from '../market.ts'
import { openNetwork, type TestNetwork } from '../network.ts'
import { thrownBy } from './thrown.ts'

interface AccountPage {
  wallet: string
  deposited: string
  charged: string
  held: string
  available: string
  deposit: { chain_id: number; ledger: Hex; asset: Hex; router: Hex; key: Hex }
}

/** A developer with a wallet and nothing else, against chain, router, worker and gateway. */
describe('a developer with a wallet', function () {
  this.timeout(900_000)
  let market: Market
  let network: TestNetwork
  let developer: PrivateKeyAccount
  let session: string

  before(async () => {
    market = await openMarket()
    network = await openNetwork(market, 1)
    developer = privateKeyToAccount(generatePrivateKey())
    session = await signIn(developer)
  })
  after(async () => {
    await network?.stop()
    await market?.close()
  })

  async function at<T>(
    method: string,
    path: string,
    body?: unknown,
    token = session,
  ): Promise<T & { status: number }> {
    const answer = await fetch(`${network.gatewayUrl}/v1/account${path}`, {
      method,
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    const parsed = text.startsWith('{') ? (JSON.parse(text) as T) : ({ text } as T)
    return { ...parsed, status: answer.status }
  }

  async function signIn(account: PrivateKeyAccount): Promise<string> {
    const { message } = await at<{ message: string }>('POST', '/challenge', { address: account.address }, '')
    const signature = await account.signMessage({ message })
    return (await at<{ token: string }>('POST', '/session', { message, signature }, '')).token
  }

  /** Deposits for the gateway's key, as the account page says. */
  async function deposit(account: PrivateKeyAccount, dollars: string): Promise<Hex> {
    const { deposit: to } = await at<AccountPage>('GET', '/')
    const chain = openChain({ chainId: to.chain_id, rpcUrl: market.chain.rpcUrl })
    await market.gas(account.address)
    await faucet(chain, to.asset, account.address, usd(dollars))
    const wallet = createWalletClient({ account, transport: http(market.chain.rpcUrl) })
    const send = async (call: {
      address: Hex
      abi: readonly unknown[]
      functionName: string
      args: unknown[]
    }) => {
      const hash = await wallet.writeContract({ ...call, chain: null } as never)
      await chain.client.waitForTransactionReceipt({ hash })
      return hash
    }
    await send({ address: to.asset, abi: erc20Abi, functionName: 'approve', args: [to.ledger, usd(dollars)] })
    const args = [to.router, to.key, usd(dollars)]
    return send({ address: to.ledger, abi: computeLedgerAbi, functionName: 'deposit', args })
  }

  const client = (apiKey: string) =>
    new OpenAI({ baseURL: `${network.gatewayUrl}/v1`, apiKey, maxRetries: 0 })
  const hello = { model: 'chat', messages: [{ role: 'user' as const, content: 'What is a receipt?' }] }

  it('signs in by one signature, which opens no other account and works once', async () => {
    const other = privateKeyToAccount(generatePrivateKey())
    const { message } = await at<{ message: string }>(
      'POST',
      '/challenge',
      { address: developer.address },
      '',
    )
    const stranger = await at<{ error: { code: string } }>(
      'POST',
      '/session',
      { message, signature: await other.signMessage({ message }) },
      '',
    )
    const again = await at<{ error: { code: string } }>(
      'POST',
      '/session',
      { message, signature: await developer.signMessage({ message }) },
      '',
    )

    expect([stranger.status, stranger.error.code]).to.deep.equal([401, 'session.invalid'])
    expect([again.status, again.error.code]).to.deep.equal([400, 'session.message_wrong'])
    expect((await at<AccountPage>('GET', '/')).wallet).to.equal(developer.address.toLowerCase())
    expect((await at('GET', '/', undefined, '')).status).to.equal(401)
  })

  it('is asked to sign for no name but its own: a page elsewhere gets no message of this gateway to show', async () => {
    const status = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const call = request(
          `${network.gatewayUrl}/v1/account/challenge`,
          { method: 'POST', headers: { host, 'content-type': 'application/json' } },
          (answer) => resolve(answer.resume().statusCode),
        )
        call.once('error', reject).end(JSON.stringify({ address: developer.address }))
      })

    expect(await status('evil.example')).to.equal(400)
    expect(await status('127.0.0.1.evil.example:80')).to.equal(400)
    expect(await status(new URL(network.gatewayUrl).host)).to.equal(200)
    expect(await status('localhost:7801')).to.equal(200)
  })

  it('has nothing before it deposits: a call is refused with 402 and costs nothing', async () => {
    const { key } = await at<{ key: string }>('POST', '/keys', { name: 'poor' })
    const error = await thrownBy(client(key).chat.completions.create(hello))

    expect([error.status, error.code]).to.deep.equal([402, 'insufficient_quota'])
    expect(await at<AccountPage>('GET', '/')).to.include({ charged: '0.000000', held: '0.000000' })
  })

  it("deposits on chain, and its books count the same dollars once, for whoever's they are", async () => {
    const transaction = await deposit(developer, '1.50')
    const stranger = await signIn(privateKeyToAccount(generatePrivateKey()))
    const stolen = await at<{ error: { code: string } }>('POST', '/deposits', { transaction }, stranger)
    const booked = await at<AccountPage & { booked: string }>('POST', '/deposits', { transaction })
    const twice = await at<AccountPage & { booked: string }>('POST', '/deposits', { transaction })

    expect([stolen.status, stolen.error.code]).to.deep.equal([400, 'deposit.not_yours'])
    expect([booked.booked, booked.available]).to.deep.equal(['1.500000', '1.500000'])
    expect([twice.booked, twice.available]).to.deep.equal(['0.000000', '1.500000'])
  })

  it('pays for a call what its receipt says, from its own account', async () => {
    const { key, id } = await at<{ key: string; id: string }>('POST', '/keys', {
      name: 'work',
      pods: ['chat'],
    })
    const { response } = await client(key).chat.completions.create(hello).withResponse()
    const price = response.headers.get('x-heurist-price') ?? ''
    const account = await at<AccountPage>('GET', '/')
    const { keys } = await at<{ keys: { id: string; spent: string }[] }>('GET', '/keys')

    expect(usd(price) > 0n).to.equal(true)
    expect(account).to.include({ charged: price, held: '0.000000' })
    expect(usd(account.available)).to.equal(usd('1.50') - usd(price))
    expect(response.headers.get('x-heurist-balance')).to.equal(account.available)
    expect(response.headers.get('x-ratelimit-limit-requests')).to.equal('600')
    expect(keys.find((each) => each.id === id)?.spent).to.equal(price)
  })

  it('a stream that is left costs what was delivered, and its hold goes', async () => {
    const { key } = await at<{ key: string }>('POST', '/keys', { name: 'leaver' })
    const before = usd((await at<AccountPage>('GET', '/')).charged)
    const stream = await client(key).chat.completions.create({ ...hello, stream: true })
    for await (const _ of stream) break
    stream.controller.abort()
    let account = await at<AccountPage>('GET', '/')
    for (let look = 0; look < 200 && account.held !== '0.000000'; look += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1_100))
      account = await at<AccountPage>('GET', '/')
    }

    expect(account.held).to.equal('0.000000')
    expect(usd(account.charged) >= before).to.equal(true)
    const { rows } = await at<{ rows: { calls: number; usd: string }[] }>('GET', '/usage?by=day')
    expect(rows.reduce((sum, row) => sum + usd(row.usd), 0n)).to.equal(usd(account.charged))
  })

  it('a key does only what it is for: its pods, its quota, its time, until it is revoked', async () => {
    const made = (terms: object) =>
      at<{ key: string; id: string }>('POST', '/keys', { name: 'bound', ...terms })
    const image = await made({ pods: ['image'] })
    const poor = await made({ quota: '0.000001' })
    const slow = await made({ per_minute: 1 })
    const gone = await made({})
    await at('DELETE', `/keys/${gone.id}`)
    const refusals = await Promise.all(
      [image, poor, gone].map(({ key }) => thrownBy(client(key).chat.completions.create(hello))),
    )
    await client(slow.key).chat.completions.create(hello)
    const fast = await thrownBy(client(slow.key).chat.completions.create(hello))

    expect(refusals.map(({ status, code }) => [status, code])).to.deep.equal([
      [403, 'model_not_allowed'],
      [402, 'insufficient_quota'],
      [401, 'invalid_api_key'],
    ])
    expect([fast.status, fast.code]).to.deep.equal([429, 'rate_limit_exceeded'])
    expect(Number(fast.headers?.get('retry-after'))).to.be.within(1, 60)
  })

  it('sees what it spent by day, key and pod, as JSON, as CSV and as a plot', async () => {
    const { charged } = await at<AccountPage>('GET', '/')
    for (const by of ['day', 'key', 'pod']) {
      const { rows } = await at<{ rows: { usd: string }[] }>('GET', `/usage?by=${by}`)
      expect(
        rows.reduce((sum, row) => sum + usd(row.usd), 0n),
        by,
      ).to.equal(usd(charged))
    }
    const { text } = await at<{ text: string }>('GET', '/usage?by=pod&format=csv')
    expect(text.split('\r\n')[0]).to.equal('pod,calls,units_in,units_out,usd')
    expect(text).to.include(charged)
    const { text: plot } = await at<{ text: string }>('GET', '/usage?by=day&format=svg')
    expect(plot)
      .to.match(/^<svg [\s\S]*<\/svg>\n$/)
      .and.include(`$${charged} for `)
    expect((await at<{ error: { param: string } }>('GET', '/usage?by=moon')).error.param).to.equal('by')
    expect((await at<{ error: { param: string } }>('GET', '/usage?from=2026-02-30')).error.param).to.equal(
      'from',
    )
  })

  it('after the gateway is killed in mid-call its books say what the receipts say', async () => {
    const { key } = await at<{ key: string }>('POST', '/keys', { name: 'crash' })
    const calls = Array.from({ length: 6 }, (_, index) =>
      client(key).chat.completions.create({
        ...hello,
        messages: [{ role: 'user', content: `What is ${index} + 1?` }],
      }),
    )
    const settled = Promise.allSettled(calls)
    await new Promise((resolve) => setTimeout(resolve, 60))
    await network.kill('gateway', 200)
    await settled
    let account = await at<AccountPage>('GET', '/')
    for (let look = 0; look < 300 && usd(account.held) !== (await unheard()); look += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1_100))
      account = await at<AccountPage>('GET', '/')
    }

    expect(usd(account.held)).to.equal(await unheard())
    expect(usd(account.deposited)).to.equal(usd(account.charged) + usd(account.held) + usd(account.available))
  })

  /** What is held for calls that were signed and killed before the router heard of them: until nobody can bring them any more. */
  async function unheard(): Promise<bigint> {
    const db = new Database(join(market.home, 'gateway', 'till.sqlite'), { readonly: true })
    const open = db.prepare('SELECT request, hold FROM calls WHERE closed IS NULL').all([]) as {
      request: Hex
      hold: number
    }[]
    db.close()
    const statuses = await Promise.all(
      open.map(async ({ request: hash }) => (await fetch(`${network.routerUrl}/v1/receipts/${hash}`)).status),
    )
    return open.reduce((sum, { hold }, index) => sum + (statuses[index] === 404 ? BigInt(hold) : 0n), 0n)
  }
})
