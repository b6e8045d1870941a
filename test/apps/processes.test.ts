import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'

const root = join(import.meta.dirname, '../..')

describe('the processes of the apps', function () {
  this.timeout(600_000)
  let home: string
  let silent: Server
  const started: ChildProcess[] = []

  before(async () => {
    home = mkdtempSync(join(tmpdir(), 'heurist-apps-'))
    // A router that is there and never answers usefully.
    silent = createServer((_, response) => response.writeHead(503).end())
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done))
  })
  after(async () => {
    for (const child of started) child.kill('SIGKILL')
    await new Promise((done) => silent.close(done))
    rmSync(home, { recursive: true, force: true })
  })

  const routerUrl = () => `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  function start(entry: string, config: unknown): { child: ChildProcess; log(): string } {
    const file = join(home, `${started.length}.json`)
    writeFileSync(file, JSON.stringify(config))
    const child = spawn(process.execPath, ['--import', 'tsx', entry, file], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    started.push(child)
    let text = ''
    child.stdout?.on('data', (bytes: Buffer) => {
      text += bytes.toString()
    })
    return { child, log: () => text }
  }
  const web = () =>
    start('apps/web/serve.ts', {
      host: '127.0.0.1',
      port: 0,
      routerUrl: routerUrl(),
      rpcUrl: routerUrl(),
      chainId: 31337,
      ledger: `0x${'1e'.repeat(20)}`,
    })
  const readyOf = async (child: ChildProcess) =>
    (await once(child, 'message'))[0] as { event: string; url: string }
  const exitOf = async (child: ChildProcess) => (await once(child, 'exit'))[0] as number | null

  it('the page says where it is, serves itself, and ends with 0 on SIGTERM', async () => {
    const { child, log } = web()
    const ready = await readyOf(child)
    const page = await fetch(ready.url)

    expect(ready.event).to.equal('ready')
    expect(await page.text()).to.include('<div id="root">')
    child.kill('SIGTERM')
    expect(await exitOf(child)).to.equal(0)
    for (const line of log().trim().split('\n')) expect(JSON.parse(line)).to.include({ room: 'web' })
  })

  it('a process whose parent goes away ends as well', async () => {
    const { child } = web()
    await readyOf(child)
    child.disconnect()

    expect(await exitOf(child)).to.equal(0)
  })

  for (const entry of ['apps/web/serve.ts', 'apps/gateway/main.ts', 'apps/babel/main.ts']) {
    it(`${entry} refuses a configuration that it does not understand, naming the field`, async () => {
      const { child, log } = start(entry, { port: 'eighty' })

      expect(await exitOf(child)).to.equal(1)
      expect(log())
        .to.include('config.invalid')
        .and.to.match(/"field":"\w+"/)
    })
  }

  it('a bot without a token says how to give it one', async () => {
    const { child, log } = start('apps/babel/main.ts', {
      port: 0,
      dataDir: join(home, 'babel'),
      routerUrl: routerUrl(),
      keyFile: join(home, 'nothing.key'),
      frontend: 0,
    })

    expect(await exitOf(child)).to.equal(1)
    expect(log()).to.include('discord.token_missing').and.to.include('HEURIST_DISCORD_TOKEN')
  })

  it('a gateway that still waits for its router ends at once on SIGTERM', async () => {
    const { child } = start('apps/gateway/main.ts', {
      port: 0,
      dataDir: join(home, 'gateway'),
      routerUrl: routerUrl(),
      keyFile: join(home, 'nothing.key'),
      frontend: 0,
    })
    // It has begun once it asks its router.
    await once(silent, 'request')
    child.kill('SIGTERM')

    expect(await exitOf(child)).to.equal(0)
  })
})
