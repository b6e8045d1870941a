import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { DEFAULT_PORT_BASE, portsFrom } from '../../cli/home.ts'
import { settled } from '../apps/settled.ts'
import { freePort, isFree } from '../market.ts'

const root = join(import.meta.dirname, '..', '..')
const exec = promisify(execFile)
/** Runs until it is stopped: this test starts it in its own way. */
const SERVES = 'cd ~/my-page && npm start'

/** A base whose ports of a local network were all free a moment ago. */
async function freeBase(): Promise<number> {
  for (;;) {
    const base = (await freePort()) - 1
    const free = await Promise.all(Object.values(portsFrom(base)).map(isFree))
    if (free.every((each) => each)) return base
  }
}

describe('the quickstart for frontends', function () {
  this.timeout(600_000)
  const home = mkdtempSync(join(tmpdir(), 'heurist-quickstart-'))
  const env = { ...process.env, HOME: home, HEURIST_HOME: join(home, 'network'), HEURIST_KEY: undefined }
  const running: ChildProcess[] = []
  let base: number
  let port: number
  let output = ''

  /** Starts a process and waits until it says so. */
  async function start(argv: string[], cwd: string, ready: string): Promise<void> {
    const child = spawn(process.execPath, argv, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    running.unshift(child)
    let printed = ''
    await new Promise<void>((resolve, reject) => {
      const heard = (text: Buffer) => {
        printed += text.toString()
        if (printed.includes(ready)) resolve()
      }
      child.stdout?.on('data', heard)
      child.stderr?.on('data', heard)
      child.once('exit', () => reject(new Error(`${argv.join(' ')} ended:\n${printed}`)))
    })
  }

  before(async () => {
    base = await freeBase()
    port = await freePort()
    await start(['cli/heurist.mjs', 'up', '--port-base', String(base)], root, 'Ctrl-C stops everything')
  })
  after(async () => {
    for (const child of running) {
      if (child.exitCode !== null) continue
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await gone
    }
    rmSync(home, { recursive: true, force: true })
  })

  /** As it is written, but for the ports that are free here. */
  const here = (command: string): string =>
    command
      .replace('8080', String(port))
      .replace(String(DEFAULT_PORT_BASE + 1), String(base + 1))
      .replace('frontend init ~/my-page', `frontend init ~/my-page --port ${port}`)

  const text = readFileSync(join(root, 'docs', 'quickstart-frontend.md'), 'utf8')
  const commands = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
    block.trim().split('\n'),
  )

  for (const command of commands) {
    it(`runs: ${command}`, async () => {
      if (command === SERVES) return serve()
      const { stdout } = await exec('sh', ['-c', here(command)], { cwd: root, env })

      output = stdout
      expect(stdout.trim()).to.not.equal('')
      if (command.startsWith('curl ')) await press()
      if (command.startsWith('npx heurist claim')) expect(stdout).to.match(/claim in 0x/)
    })
  }

  async function serve(): Promise<void> {
    const folder = join(home, 'my-page')
    const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      scripts: { start: string }
    }
    const [, ...argv] = scripts.start.split(' ')
    await start(argv, folder, `http://127.0.0.1:${port}`)
  }

  /** The button of the page whose price was just asked for; its call is settled. */
  async function press(): Promise<void> {
    const offer = /name="offer" value="([^"]+)"/.exec(output)?.[1] ?? ''
    const answer = await fetch(`http://127.0.0.1:${port}/ask`, {
      method: 'POST',
      body: new URLSearchParams({ offer }),
    })
    const page = await answer.text()
    expect(answer.status, page).to.equal(200)
    const [, request = ''] = /receipt (0x[0-9a-f]{64})/.exec(page) ?? []
    await settled(`http://127.0.0.1:${base}`, request)
  }

  it('names every command once that this release has for frontends', () => {
    const verbs = [
      'create',
      'show',
      'init',
      'revenue',
      'prefer',
      'set-payout',
      'offer',
      'accept',
      'deactivate',
    ]

    expect(commands.length).to.be.greaterThan(8)
    expect(verbs.filter((verb) => !text.includes(verb))).to.deep.equal([])
  })
})
