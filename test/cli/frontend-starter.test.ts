import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { expect } from 'chai'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { params } from '../../deploy/params.ts'
import { testDollarAbi } from '../../sdk/chain/abi.ts'
import { loadKey } from '../../sdk/chain/keys.ts'
import { usd } from '../../sdk/units.ts'
import { settled } from '../apps/settled.ts'
import { freePort, type Market, openMarket } from '../market.ts'
import { openNetwork, type TestNetwork } from '../network.ts'
import { type CliHome, openHome } from './home.ts'
import { codeOf } from './season.ts'

/** What `heurist frontend init` writes, run as its own process over a whole network and used as a browser does. */
describe('a page made by heurist frontend init', function () {
  this.timeout(600_000)
  let market: Market
  let network: TestNetwork
  let home: CliHome
  let page: ChildProcess
  let printed = ''
  let folder: string
  let url: string
  let frontend: number
  const payout = privateKeyToAccount(generatePrivateKey()).address

  before(async () => {
    market = await openMarket()
    network = await openNetwork(market, 1)
    home = openHome(market, network.routerUrl)
    folder = join(market.home, 'my page')
    const owner = generatePrivateKey()
    const ownerFile = home.keyFile('owner', owner)
    await market.gas(privateKeyToAccount(owner).address)
    const made = await run('frontend', 'create', '--payout', payout, '--key-file', ownerFile)
    frontend = Number(made.json.id)
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    const argv = ['--frontend', String(frontend), '--port', String(port), '--per-day', '0.01']
    const init = await run('frontend', 'init', folder, ...argv)
    expect(init.code, init.out + init.err).to.equal(0)
    const key = join(folder, 'payer.key')
    const deposit = await run('credits', 'deposit', '1.00', '--key-file', key, '--faucet')
    expect(deposit.code, deposit.out + deposit.err).to.equal(0)
    await start()
  })
  after(async () => {
    await stop()
    await network?.stop()
    await market?.close()
  })

  const run = (...argv: string[]) => home.run(...argv, '--json')

  /** `npm start`, without npm between us and its process. */
  async function start(): Promise<void> {
    const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      scripts: { start: string }
    }
    const [, ...argv] = scripts.start.split(' ')
    page = spawn(process.execPath, argv, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    printed = ''
    await new Promise<void>((resolve, reject) => {
      const heard = (text: Buffer) => {
        printed += text.toString()
        if (printed.includes(url)) resolve()
      }
      page.stdout?.on('data', heard)
      page.stderr?.on('data', heard)
      page.once('exit', (code) => reject(new Error(`the page ended with ${code}:\n${printed}`)))
    })
  }

  async function stop(): Promise<void> {
    if (page === undefined || page.exitCode !== null) return
    const gone = new Promise((resolve) => page.once('exit', resolve))
    page.kill('SIGTERM')
    await gone
  }

  async function post(path: string, form: Record<string, string> | string) {
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: typeof form === 'string' ? form : new URLSearchParams(form).toString(),
    })
    return { status: answer.status, text: await answer.text(), headers: answer.headers }
  }

  /** Base units of the dollars in a page. */
  const dollarsIn = (text: string): bigint => usd(/\$(\d+\.\d{6})/.exec(text)?.[1] ?? 'none')
  const offerIn = (text: string): string => /name="offer" value="([^"]+)"/.exec(text)?.[1] ?? ''
  const priced = async (prompt: string) => offerIn((await post('/price', { prompt })).text)
  const payer = () => loadKey(join(folder, 'payer.key')).address
  const charged = async (): Promise<bigint> => {
    const answer = await fetch(`${network.routerUrl}/v1/accounts/${payer()}`)
    return BigInt(((await answer.json()) as { charged: string }).charged)
  }

  it('is under 100 lines, all of them, and runs on nothing but this package', () => {
    const files = readdirSync(folder, { withFileTypes: true }).filter(
      (entry) => entry.isFile() && entry.name !== 'payer.key',
    )
    const lines = files.map(
      ({ name }) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n').length,
    )
    const server = readFileSync(join(folder, 'server.ts'), 'utf8')
    const imports = [...server.matchAll(/from '([^']+)'/g)].map((match) => match[1])

    expect(lines.reduce((sum, count) => sum + count, 0)).to.be.lessThan(100)
    expect(imports.every((name) => /^(node:|heurist\/sdk\/)/.test(name ?? ''))).to.equal(true)
    expect(imports.length).to.be.greaterThan(3)
  })

  it('refuses a folder with something in it, a file, a frontend that is none, and an amount that is none', async () => {
    const argv = ['--frontend', String(frontend)]
    const full = join(market.home, 'full')
    mkdirSync(full)
    writeFileSync(join(full, 'mine.txt'), 'mine')
    const refusals = [
      await run('frontend', 'init', full, ...argv),
      await run('frontend', 'init', join(full, 'mine.txt'), ...argv),
      await run('frontend', 'init', join(market.home, 'a'), '--frontend', '4000'),
      await run('frontend', 'init', join(market.home, 'b'), ...argv, '--per-day', 'much'),
      await run('frontend', 'init', join(market.home, 'c'), ...argv, '--port', '99999'),
    ]

    expect(refusals.map(codeOf)).to.deep.equal([
      'folder.not_empty',
      'folder.invalid',
      'frontend.unknown',
      'amount.invalid',
      'port.invalid',
    ])
    expect(readdirSync(full)).to.deep.equal(['mine.txt'])
    expect(readdirSync(market.home)).to.not.include.members(['a', 'b', 'c'])
    expect((await home.run('frontend', 'init', full)).code).to.equal(2)
  })

  it('shows a page that runs no script, then a price, then the answer with its receipt, for no more than that price', async () => {
    const first = await fetch(url)
    const offer = await post('/price', { prompt: 'What is a pod?' })
    const answer = await post('/ask', { offer: offerIn(offer.text) })
    const [, receipt = ''] = /receipt (0x[0-9a-f]{64})/.exec(answer.text) ?? []

    const document = await settled(network.routerUrl, receipt)
    const csp = first.headers.get('content-security-policy') ?? ''
    expect(first.status).to.equal(200)
    expect(csp).to.contain("default-src 'none'")
    expect(csp).to.not.contain('unsafe')
    expect(await first.text()).to.not.match(/<script|<style| on\w+=|<!-- result -->/)
    expect(offer.text).to.contain('<blockquote>What is a pod?</blockquote>')
    expect(answer.status, printed).to.equal(200)
    expect(/<pre>(.*)<\/pre>/s.exec(answer.text)?.[1]).to.match(/pod/)
    expect(document.receipt?.price).to.equal(dollarsIn(answer.text))
    expect(document.request.frontend).to.equal(frontend)
    expect(dollarsIn(answer.text) <= dollarsIn(offer.text)).to.equal(true)
    expect(await charged()).to.equal(dollarsIn(answer.text))
  })

  it('earns its share: after settlement and claim it is in the payout, to the unit', async () => {
    for (const prompt of ['What is a node?', 'What is an epoch?']) {
      await post('/ask', { offer: await priced(prompt) })
    }
    const last = await post('/ask', { offer: await priced('What is a voucher?') })
    await settled(network.routerUrl, /receipt (0x[0-9a-f]{64})/.exec(last.text)?.[1] ?? '')
    const total = await charged()
    const revenue = await run('frontend', 'revenue', String(frontend))
    const gas = home.keyFile('gas', (await market.payer(0n)).key)
    const claim = await run('claim', '--frontend', String(frontend), '--key-file', gas)

    const share = (total * BigInt(params.frontendBps.value)) / 10_000n
    const [row] = revenue.json.routers as { gross: string; claimable: string; unposted: string }[]
    const held = await market.deployer.client.readContract({
      address: market.addresses.asset,
      abi: testDollarAbi,
      functionName: 'balanceOf',
      args: [payout],
    })
    expect(claim.code, claim.out).to.equal(0)
    expect(share > 0n).to.equal(true)
    expect(row).to.include({ gross: total.toString(), claimable: share.toString(), unposted: '0' })
    expect(held).to.equal(share)
  })

  it('pays once for one click, however often and however many at once', async () => {
    const before = await charged()
    const offer = await priced('What is a slot?')
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('/ask', { offer })))

    const paid = answers.filter(({ status }) => status === 200)
    expect(paid).to.have.length(1)
    expect(answers.filter(({ status }) => status === 409)).to.have.length(19)
    expect((await charged()) - before).to.equal(dollarsIn(paid[0]?.text ?? ''))
  })

  it('answers what is wrong with a clear error, and is charged nothing for it', async () => {
    const before = await charged()
    const evil = '<script>alert("1")</script>&\'$&'
    const html = await post('/price', { prompt: evil })
    const answers = {
      empty: await post('/price', { prompt: '   ' }),
      absent: await post('/price', 'question=1'),
      json: await post('/price', '{"prompt":"hello"}'),
      broken: await post('/price', '%E0%A4%A&&=&%'),
      long: await post('/price', { prompt: 'a'.repeat(2_001) }),
      large: await post('/price', { prompt: 'a'.repeat(50_000) }),
      offer: await post('/ask', { offer: 'constructor' }),
      none: await post('/ask', ''),
      page: await post('/admin', {}),
      proto: await post('/__proto__', {}),
    }
    const statuses = Object.fromEntries(Object.entries(answers).map(([name, { status }]) => [name, status]))

    expect(html.status).to.equal(200)
    expect(html.text).to.contain('&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#38;&#39;$&#38;')
    expect(html.text).to.not.contain('<script>')
    expect(statuses).to.deep.equal({
      empty: 400,
      absent: 400,
      json: 400,
      broken: 400,
      long: 400,
      large: 413,
      offer: 409,
      none: 409,
      page: 404,
      proto: 404,
    })
    for (const { text } of Object.values(answers)) expect(text).to.match(/<p role="alert">[A-Z][^<]+<\/p>/)
    expect(await chunked()).to.equal(413)
    expect(await charged()).to.equal(before)
  })

  /** A body whose length is not said. @returns the status. */
  const chunked = () =>
    new Promise<number>((resolve, reject) => {
      const asked = request(`${url}/price`, { method: 'POST' }, (answer) => {
        answer.resume()
        resolve(answer.statusCode ?? 0)
      })
      asked.once('error', reject)
      asked.setHeader('content-type', 'application/x-www-form-urlencoded')
      asked.write('prompt=')
      asked.end('hello')
    })

  it('takes the model’s limit for what it is, and charges nothing for a question beyond it', async () => {
    const before = await charged()
    const offer = await post('/price', { prompt: 'zq'.repeat(1_000) })
    const answer = offer.status === 200 ? await post('/ask', { offer: offerIn(offer.text) }) : offer

    expect(answer.status, answer.text + printed).to.equal(400)
    expect(await charged()).to.equal(before)
  })

  it('spends no more in a day than it may, whoever asks', async () => {
    const before = await charged()
    const statuses: number[] = []
    let most = 0n
    while (statuses.at(-1) !== 429 && statuses.length < 50) {
      const offer = await post('/price', { prompt: 'What is a receipt?' })
      most = dollarsIn(offer.text)
      statuses.push((await post('/ask', { offer: offerIn(offer.text) })).status)
    }

    expect(statuses.at(-1)).to.equal(429)
    expect(most > 0n).to.equal(true)
    expect((await charged()) <= usd('0.01')).to.equal(true)
    expect((await charged()) >= before).to.equal(true)
  })

  it('has still spent the dollars of the day after it was stopped', async () => {
    const before = await charged()
    await stop()
    await start()
    const again = await post('/ask', { offer: await priced('What is a receipt?') })

    expect(again.status).to.equal(429)
    expect(await charged()).to.equal(before)
  })

  it('goes on the next day, with the same key and its journal, and says so while the network is away', async () => {
    await stop()
    const [today = ''] = readdirSync(folder).filter((name) => name.startsWith('spent-'))
    renameSync(join(folder, today), join(folder, 'spent-2026-01-01'))
    await start()
    const again = await post('/ask', { offer: await priced('What is a batch?') })
    await network.stop()
    const away = await post('/price', { prompt: 'What is a pod?' })

    expect(again.status, printed).to.equal(200)
    expect(away.status).to.equal(503)
    expect(away.text).to.contain('No answer came')
    expect(away.text).to.not.contain('127.0.0.1')
  })
})
