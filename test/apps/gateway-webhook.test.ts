import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { verifyMessage } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { destinationOf, isPublic, type Reach } from '../../apps/gateway/account/destination.ts'
import { openWebhooks, type Webhooks } from '../../apps/gateway/account/webhooks.ts'
import { openStore, type Store } from '../../apps/gateway/till/store.ts'
import { openTill, type Till } from '../../apps/gateway/till/till.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { asHeuristError } from '../../sdk/errors.ts'
import { formatUsd } from '../../sdk/units.ts'
import { type MeteredDoor, openMeteredDoor } from './metered-door.ts'

const SEED = Number(process.env.HEURIST_SEED ?? 20_261_126)
const ANN = `0x${'a'.repeat(40)}`

interface Heard {
  path: string | undefined
  host: string | undefined
  headers: IncomingMessage['headers']
  body: string
}

/** A receiver of webhooks that answers as a test says. */
async function openReceiver(answer: (response: ServerResponse, heard: Heard) => void) {
  const heard: Heard[] = []
  const server: Server = createServer(async (request, response) => {
    let body = ''
    for await (const bytes of request) body += String(bytes)
    const said = { path: request.url, host: request.headers.host, headers: request.headers, body }
    heard.push(said)
    answer(response, said)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return {
    heard,
    port,
    url: `http://127.0.0.1:${port}/low`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
const ok = (response: ServerResponse) => void response.writeHead(204).end()

async function until(fact: () => boolean): Promise<void> {
  while (!fact()) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('the webhook of an account', function () {
  this.timeout(600_000)
  let home: string
  let store: Store
  let till: Till
  let webhooks: Webhooks
  let receiver: Awaited<ReturnType<typeof openReceiver>>
  let calls = 0

  function open(reach: Reach = { loopback: true }, pausesMs: readonly number[] = [1, 1, 1]): void {
    store = openStore(home)
    till = openTill(store, home, { moved: (wallet) => webhooks.look(wallet) })
    webhooks = openWebhooks(store, till, reach, { pausesMs })
    webhooks.resume()
  }
  const crash = () => {
    webhooks.stop()
    store.close()
  }
  /** One call that costs this much. */
  function spend(price: bigint): void {
    const ticket = till.open({ wallet: ANN, key: 'hk1', pod: 'chat', most: price })
    calls += 1
    void ticket.signed(`0x${calls.toString(16).padStart(64, '0')}`)
    ticket.close({ price, unitsIn: 0n, unitsOut: 0n })
    till.flush()
  }
  const outcome = () => webhooks.find(ANN)?.last?.outcome
  const over = () => until(() => outcome() !== 'under way')

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'heurist-webhook-'))
    open()
    store.prepare('INSERT INTO accounts (wallet, created) VALUES (?, 0)').run([ANN])
    till.deposit('d1', ANN, 1_000n)
  })
  afterEach(() => {
    crash()
    receiver?.close()
    rmSync(home, { recursive: true, force: true })
  })

  it('is signed: HMAC-SHA256 of id, time and body with the secret that was shown', async () => {
    receiver = await openReceiver(ok)
    const secret = await webhooks.set(ANN, receiver.url)
    till.setLowMark(ANN, 500n)
    spend(600n)
    await over()
    const { headers, body } = receiver.heard[0] as Heard
    const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
    const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`

    expect(key).to.have.lengthOf(32)
    expect(headers['webhook-signature']).to.equal(
      `v1,${createHmac('sha256', key).update(text).digest('base64')}`,
    )
    expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000)).to.be.lessThan(60)
    const { type, data } = JSON.parse(body) as { type: string; data: object }
    expect(type).to.equal('balance.low')
    expect(data).to.deep.equal({ wallet: ANN, balance: formatUsd(400n), low_mark: formatUsd(500n) })
    expect(outcome()).to.equal('delivered')
  })

  it('is told once for each time that the balance falls below the mark, however often calls are charged or held', async () => {
    receiver = await openReceiver(ok)
    await webhooks.set(ANN, receiver.url)
    till.setLowMark(ANN, 500n)
    const held = till.open({ wallet: ANN, key: 'hk1', pod: 'chat', most: 900n })
    held.close({ price: 0n, unitsIn: 0n, unitsOut: 0n })
    spend(500n)
    const atTheMark = receiver.heard.length
    for (const price of [1n, 100n, 100n]) spend(price)
    await over()
    till.deposit('d2', ANN, 1_000n)
    spend(900n)
    await until(() => receiver.heard.length === 2)
    await over()
    spend(1n)
    crash()
    open()
    till.setLowMark(ANN, 600n)

    expect(atTheMark).to.equal(0)
    expect(webhooks.find(ANN)?.low).to.equal(true)
    const told = store.prepare('SELECT count(*) AS count FROM deliveries').get([]) as { count: number }
    expect(told.count).to.equal(2)
    expect(new Set(receiver.heard.map(({ headers }) => headers['webhook-id'])).size).to.equal(2)
  })

  it('is tried again under the same id, signed afresh, until it is heard', async () => {
    let answered = 0
    receiver = await openReceiver((response) => {
      answered += 1
      response.writeHead(answered < 3 ? 500 : 200).end()
    })
    await webhooks.set(ANN, receiver.url)
    till.setLowMark(ANN, 1_001n)
    await over()

    expect(outcome()).to.equal('delivered')
    expect(webhooks.find(ANN)?.last?.attempts).to.equal(3)
    expect(new Set(receiver.heard.map(({ headers }) => headers['webhook-id'])).size).to.equal(1)
  })

  it('is given up after the last pause, and why is said', async () => {
    receiver = await openReceiver((response) => void response.writeHead(500).end())
    await webhooks.set(ANN, receiver.url)
    till.setLowMark(ANN, 1_001n)
    await over()

    expect([outcome(), webhooks.find(ANN)?.last?.attempts]).to.deep.equal(['answered 500', 4])
    expect(receiver.heard).to.have.lengthOf(4)
  })

  it('that was not heard before a crash is heard after it, and one that was is not told again', async () => {
    receiver = await openReceiver((response) => void response.writeHead(503).end())
    crash()
    open({ loopback: true }, [3_600_000])
    const { url, port } = receiver
    await webhooks.set(ANN, url)
    till.setLowMark(ANN, 1_001n)
    await until(() => receiver.heard.length === 1)
    crash()
    receiver.close()
    const first = receiver.heard[0]?.headers['webhook-id']
    receiver = await openReceiver(ok)
    open({ loopback: true, resolve: async () => [{ address: '127.0.0.1', family: 4 }] })
    store.prepare('UPDATE webhooks SET url = ?').run([url.replace(String(port), String(receiver.port))])
    await over()
    crash()
    open()

    expect(outcome()).to.equal('delivered')
    expect(receiver.heard.map(({ headers }) => headers['webhook-id'])).to.deep.equal([first])
  })

  it('follows no redirect, reads no endless answer and waits for none', async () => {
    const seen: (string | undefined)[] = []
    const tell = async (answer: (response: ServerResponse, heard: Heard) => void, reach = {}) => {
      crash()
      open({ loopback: true, ...reach }, [])
      receiver = await openReceiver(answer)
      await webhooks.set(ANN, receiver.url)
      till.setLowMark(ANN, 0n)
      till.setLowMark(ANN, 1_001n)
      await over()
      seen.push(outcome())
      receiver.close()
    }
    await tell((response) => void response.writeHead(302, { location: '/secret' }).end())
    const paths = receiver.heard.map(({ path }) => path)
    let endless = 0
    await tell((response) => {
      response.writeHead(200)
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384))) endless += 16_384
      }
      response.on('drain', more)
      more()
    })
    await tell(() => undefined, { patienceMs: 300 })

    expect(seen).to.deep.equal(['answered 302', 'delivered', 'too slow'])
    expect(paths).to.deep.equal(['/low'])
    expect(endless).to.be.lessThan(64 * 1024 * 1024)
  })

  it('that answers 101, with or without an upgrade, is not heard, and its line is closed', async () => {
    const seen: (string | undefined)[] = []
    let closed = 0
    for (const [upgrade, reach] of [
      // Nothing comes after it, and that is waited for.
      ['', { patienceMs: 300 }],
      ['Connection: Upgrade\r\nUpgrade: x\r\n', {}],
    ] as const) {
      const server = createTcp((socket) => {
        socket.on('error', () => undefined)
        socket.once('close', () => {
          closed += 1
        })
        socket.once('data', () => socket.write(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}\r\n`))
      })
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
      const { port } = server.address() as AddressInfo
      crash()
      open({ loopback: true, ...reach }, [])
      await webhooks.set(ANN, `http://127.0.0.1:${port}/low`)
      till.setLowMark(ANN, 0n)
      till.setLowMark(ANN, 1_001n)
      await until(() => closed === seen.length + 1)
      await over()
      seen.push(outcome())
      await new Promise((done) => server.close(done))
    }

    expect(seen).to.have.lengthOf(2)
    for (const why of seen) expect(why).to.be.oneOf(['answered 101', 'too slow'])
    expect(seen[1]).to.equal('answered 101')
    expect(closed).to.equal(2)
  })

  it('goes to the address that was looked at, even if its name means another one when it is asked again', async () => {
    receiver = await openReceiver(ok)
    let asked = 0
    store
      .prepare('INSERT INTO webhooks (wallet, url, secret, made) VALUES (?, ?, ?, 0)')
      .run([ANN, `http://hook.example:${receiver.port}/x`, 'whsec_AAAA'])
    crash()
    open({
      loopback: true,
      // Fine when it is looked at; whoever asked again would go to a machine that is not there.
      resolve: async () => [{ address: asked++ % 2 === 0 ? '127.0.0.1' : '127.0.0.2', family: 4 }],
    })
    till.setLowMark(ANN, 1_001n)
    await over()

    expect(receiver.heard.map(({ host, path }) => [host, path])).to.deep.equal([
      [`hook.example:${receiver.port}`, '/x'],
    ])
    expect(asked).to.equal(1)
  })

  it('whose name means a private machine when it is to be told is not sent', async () => {
    receiver = await openReceiver(ok)
    store
      .prepare('INSERT INTO webhooks (wallet, url, secret, made) VALUES (?, ?, ?, 0)')
      .run([ANN, `https://hook.example:${receiver.port}/x`, 'whsec_AAAA'])
    crash()
    open({ loopback: false, resolve: async () => [{ address: '127.0.0.1', family: 4 }] }, [])
    till.setLowMark(ANN, 1_001n)
    await over()

    expect([outcome(), receiver.heard.length]).to.deep.equal(['webhook.url_refused', 0])
  })

  it('that is removed or replaced is told nothing more', async () => {
    receiver = await openReceiver((response) => void response.writeHead(500).end())
    crash()
    open({ loopback: true }, [3_600_000])
    await webhooks.set(ANN, receiver.url)
    till.setLowMark(ANN, 1_001n)
    await until(() => receiver.heard.length === 1)
    webhooks.remove(ANN)

    expect(webhooks.find(ANN)).to.equal(undefined)
    const [{ outcome: why }] = store.prepare('SELECT outcome FROM deliveries').all([]) as [
      { outcome: string },
    ]
    expect(why).to.equal('removed')
  })
})

describe('where a webhook may go', () => {
  const refusal = async (url: string, reach: Reach = { loopback: false }) => {
    try {
      const { address } = await destinationOf(url, reach)
      return address
    } catch (cause) {
      const { code, field } = asHeuristError(cause)
      return `${code} ${field}`
    }
  }
  const resolve = (...addresses: string[]) => ({
    loopback: false,
    resolve: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
  })

  it('is the public network by https, and nothing else', async () => {
    const wrong = [
      ...[
        '',
        'x',
        'http://example.com',
        'ftp://example.com',
        'file:///etc/passwd',
        'https://a:b@example.com',
      ],
      ...[
        'https://example.com/#x',
        'https://127.0.0.1',
        'https://127.1',
        'https://0x7f000001',
        'https://2130706433',
      ],
      ...['https://10.1.2.3', 'https://172.31.0.1', 'https://192.168.1.1', 'https://100.100.100.200'],
      ...[
        'https://169.254.169.254/latest/meta-data',
        'https://168.63.129.16',
        'https://0.0.0.0',
        'https://224.0.0.1',
      ],
      ...[
        'https://[::1]',
        'https://[::]',
        'https://[fe80::1]',
        'https://[fd00:ec2::254]',
        'https://[ff02::1]',
      ],
      ...[
        'https://[::ffff:10.0.0.1]',
        'https://[::ffff:a9fe:a9fe]',
        'https://[64:ff9b::a00:1]',
        'https://[2002:a00:1::]',
      ],
      ...['https://[2001:0:1::1]', 'https://[2001:db8::1]'],
    ]
    for (const url of wrong) {
      const reach = url.includes('example') ? resolve('93.184.215.14') : undefined
      expect(await refusal(url, reach), url).to.equal('webhook.url_refused url')
    }
    expect(await refusal('https://93.184.215.14/x')).to.equal('93.184.215.14')
    expect(await refusal('https://[2606:2800:21f:cb07::1]')).to.equal('2606:2800:21f:cb07::1')
    expect(await refusal('https://example.com', resolve('93.184.215.14'))).to.equal('93.184.215.14')
  })

  it('is refused if one of the addresses of its name is no public one, or if it has none', async () => {
    expect(await refusal('https://example.com', resolve('93.184.215.14', '10.0.0.1'))).to.include(
      'url_refused',
    )
    expect(await refusal('https://example.com', resolve('::ffff:127.0.0.1'))).to.include('url_refused')
    expect(await refusal('https://example.com', resolve())).to.include('url_refused')
  })

  it('is this machine too on a local chain, and no other private one', async () => {
    const local = { loopback: true }

    expect(await refusal('http://127.0.0.1:8080/x', local)).to.equal('127.0.0.1')
    expect(await refusal('http://[::1]/x', local)).to.equal('::1')
    expect(await refusal('http://10.0.0.1/x', local)).to.equal('webhook.url_refused url')
    expect(await refusal('http://93.184.215.14/x', local)).to.equal('webhook.url_refused url')
    expect(await refusal('http://169.254.169.254/x', local)).to.equal('webhook.url_refused url')
  })

  it(`of 20,000 random addresses is public exactly what the registries leave (seed ${SEED})`, () => {
    const inRange = ([a, b, c]: number[]): boolean => {
      if (a === undefined || b === undefined || c === undefined) return true
      if (a === 0 || a === 10 || a === 127 || a >= 224) return true
      if (a === 100) return b >= 64 && b < 128
      if (a === 169) return b === 254
      if (a === 172) return b >= 16 && b < 32
      if (a === 192)
        return (
          b === 168 ||
          (b === 0 && (c === 0 || c === 2)) ||
          (b === 88 && c === 99) ||
          (b === 31 && c === 196) ||
          (b === 52 && c === 193) ||
          (b === 175 && c === 48)
        )
      if (a === 198) return b === 18 || b === 19 || (b === 51 && c === 100)
      return a === 203 && b === 0 && c === 113
    }
    const octet = fc.oneof(
      fc.nat(255),
      fc.constantFrom(0, 2, 10, 16, 18, 31, 51, 64, 88, 99, 100, 113, 127, 168, 169, 172, 192, 198, 203, 254),
    )
    fc.assert(
      fc.property(fc.tuple(octet, octet, octet, octet), (octets) => {
        fc.pre(octets.join('.') !== '168.63.129.16')
        expect(isPublic(octets.join('.')), octets.join('.')).to.equal(!inRange(octets))
        expect(isPublic(`::ffff:${octets.join('.')}`)).to.equal(false)
      }),
      { seed: SEED, numRuns: 20_000 },
    )
  })
})

describe('the webhook page of an account', function () {
  this.timeout(600_000)
  let door: MeteredDoor
  let receiver: Awaited<ReturnType<typeof openReceiver>>
  const wallet = privateKeyToAccount(generatePrivateKey())
  let token = ''

  async function at<T>(method: string, path: string, body?: object): Promise<T & { status: number }> {
    const answer = await fetch(`${door.url}/v1/account${path}`, {
      method,
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { ...(JSON.parse(text || '{}') as T), status: answer.status }
  }

  before(async () => {
    receiver = await openReceiver(ok)
    const zero = `0x${'0'.repeat(40)}` as const
    door = await openMeteredDoor(
      () => ({
        depositing: {
          chain: openChain({ chainId: 31_337, rpcUrl: 'http://127.0.0.1:1' }),
          ledger: zero,
          asset: zero,
          router: zero,
          key: zero,
          confirmations: 0,
          verify: (message, address, signature) => verifyMessage({ message, address, signature }),
        },
      }),
      true,
    )
    const { message } = await at<{ message: string }>('POST', '/challenge', { address: wallet.address })
    token = (
      await at<{ token: string }>('POST', '/session', {
        message,
        signature: await wallet.signMessage({ message }),
      })
    ).token
  })
  after(async () => {
    await door?.close()
    receiver?.close()
  })

  it('opens to nobody else', async () => {
    const mine = token
    token = ''
    const statuses = [
      (await at('GET', '/webhook')).status,
      (await at('PUT', '/webhook', { url: receiver.url, low_mark: '1' })).status,
      (await at('DELETE', '/webhook')).status,
    ]
    token = mine

    expect(statuses).to.deep.equal([401, 401, 401])
  })

  it('names what is wrong with a webhook, and keeps none', async () => {
    const param = async (body: object) => {
      const { status, error } = await at<{ error: { param: string } }>('PUT', '/webhook', body)
      return [status, error.param]
    }

    expect(await param({ url: 'http://10.0.0.1/x', low_mark: '1' })).to.deep.equal([400, 'url'])
    expect(await param({ url: 'x'.repeat(3_000), low_mark: '1' })).to.deep.equal([400, 'url'])
    expect(await param({ url: receiver.url, low_mark: '-1' })).to.deep.equal([400, 'low_mark'])
    expect(await param({ url: receiver.url })).to.deep.equal([400, 'low_mark'])
    expect(await param({ url: receiver.url, low_mark: '1', more: 1 })).to.deep.equal([400, 'more'])
    expect((await at('GET', '/webhook')).status).to.equal(404)
  })

  it('shows its secret once, is told when a call brings the balance below the mark, and goes when it is removed', async () => {
    const { key } = door.account(wallet.address.toLowerCase(), 2_000_000n)
    const made = await at<{ secret: string; low: boolean }>('PUT', '/webhook', {
      url: receiver.url,
      low_mark: '1.50',
    })
    const before = await door.ask({ authorization: `Bearer ${key}` })
    door.price(600_000n)
    door.accounts.till.open({ wallet: wallet.address.toLowerCase(), key: 'x', pod: 'chat', most: 600_000n })
    await until(() => receiver.heard.length === 0)
    const ticket = door.accounts.till.open({
      wallet: wallet.address.toLowerCase(),
      key: 'x',
      pod: 'chat',
      most: 600_000n,
    })
    await ticket.signed(`0x${'99'.repeat(32)}`)
    ticket.close({ price: 600_000n, unitsIn: 0n, unitsOut: 0n })
    await until(() => receiver.heard.length === 1)
    const shown = await at<{ low: boolean; low_mark: string; url: string }>('GET', '/webhook')
    const after = await door.ask({ authorization: `Bearer ${key}` })
    const removed = await at('DELETE', '/webhook')

    expect(made.secret).to.match(/^whsec_/)
    expect(made.low).to.equal(false)
    expect(shown).to.include({ low: true, low_mark: '1.500000', url: receiver.url })
    expect(JSON.stringify(shown)).not.to.include(made.secret)
    expect(before.headers.has('x-heurist-balance-low')).to.equal(false)
    expect(after.headers.get('x-heurist-balance-low')).to.equal('true')
    expect([removed.status, (await at('GET', '/webhook')).status]).to.deep.equal([204, 404])
  })
})
