import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'

const bin = join(import.meta.dirname, '..', '..', 'cli', 'heurist.mjs')

/** One run of `heurist` with a home of its own. */
function heurist(home: string, ...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { ...process.env, HEURIST_HOME: home, HEURIST_KEY: undefined, HEURIST_ROUTER_URL: undefined }
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...argv], { env, timeout: 300_000 }, (failure, out, err) => {
      resolve({ code: failure ? Number(failure.code) : 0, out, err })
    })
  })
}

describe('heurist, called wrongly or in the wrong place', function () {
  this.timeout(600_000)

  let home: string
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'heurist-cli-'))
  })
  afterEach(() => rmSync(home, { recursive: true, force: true }))

  it('an unknown command is a usage error: exit 2', async () => {
    const { code, err } = await heurist(home, 'frobnicate')

    expect(code).to.equal(2)
    expect(err).to.match(/unknown command/)
  })

  it('every command shows an example in its help', async () => {
    for (const words of [
      ['up'],
      ['run'],
      ['receipt', 'verify'],
      ['node', 'up'],
      ['credits', 'show'],
      ['claim'],
      ['audit'],
      ['credits', 'withdraw', 'start'],
      ['claim'],
      ['bond', 'deposit'],
      ['stake', 'unbond'],
      ['lock', 'create'],
      ['vote', 'set'],
      ['pod', 'list'],
      ['frontend', 'create'],
      ['frontend', 'revenue'],
    ]) {
      const { code, out } = await heurist(home, ...words, '--help')

      expect(code, words.join(' ')).to.equal(0)
      expect(out, words.join(' ')).to.match(/Example/)
    }
  })

  it('a command whose subject is not built says so in one line and does nothing', async () => {
    for (const noun of ['route']) {
      const { code, out, err } = await heurist(home, noun, 'show')

      expect(code, noun).to.equal(1)
      expect(out, noun).to.equal('')
      expect(err.trim().split('\n'), noun).to.have.length(1)
      expect(err, noun).to.match(/command\.absent/)
    }
  })

  it('without a network it names the way out, as text and as JSON', async () => {
    const text = await heurist(home, 'pod', 'list')
    const json = await heurist(home, 'pod', 'list', '--json')

    expect(text.code).to.equal(1)
    expect(text.err).to.match(/network\.missing[\s\S]*npm start/)
    expect(JSON.parse(json.out).error.code).to.equal('network.missing')
  })

  it('a router that is not there is named', async () => {
    const { code, err } = await heurist(home, 'pod', 'list', '--router', 'http://127.0.0.1:9')

    expect(code).to.equal(1)
    expect(err).to.match(/router\.unreachable/)
  })

  it('a number of nodes that is none, and a port that is none, are refused before anything starts', async () => {
    expect((await heurist(home, 'up', '--nodes', 'many')).err).to.match(/nodes\.invalid/)
    expect((await heurist(home, 'up', '--port-base', '80')).err).to.match(/port\.invalid/)
  })

  it('a port that is taken is named with another way to start', async () => {
    const base = 21_000
    const squatter = await listen(base + 1)
    const { code, err } = await heurist(home, 'up', '--once', '--port-base', String(base))
    await new Promise((resolve) => squatter.close(resolve))

    expect(code).to.equal(1)
    expect(err).to.match(/port 21001 \(gateway\) is taken/)
    expect(err).to.match(/--port-base/)
  })

  it('a home that another network uses is left alone', async () => {
    mkdirSync(home, { recursive: true })
    writeFileSync(join(home, 'up.pid'), String(process.pid))
    const { code, err } = await heurist(home, 'up', '--once')

    expect(code).to.equal(1)
    expect(err).to.match(/network\.running/)
  })

  it('a chain state that cannot be read gives a line and a way out', async () => {
    writeFileSync(join(home, 'chain.json'), 'not a state')
    const { code, err } = await heurist(home, 'up', '--once', '--port-base', '22000')

    expect(code).to.equal(1)
    expect(err).to.match(/chain\.not_started[\s\S]*--reset/)
  })

  it('parameters print with unit and reason', async () => {
    const { code, out } = await heurist(home, 'net', 'params', '--json')

    expect(code).to.equal(0)
    expect(JSON.parse(out).nodeBps).to.include({ value: 7000, unit: 'bps of gross' })
  })
})

function listen(port: number): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
