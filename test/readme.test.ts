import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { generatePrivateKey } from 'viem/accounts'

const root = join(import.meta.dirname, '..')
const exec = promisify(execFile)
const PORT_BASE = 18_800

/** Run by CI itself, or what this test starts in its own way. */
const ELSEWHERE = ['npm install && npm start', 'npm run check', 'npm test']

/** Fenced blocks of one language. */
function fenced(file: string, language: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    (match) => match[1] ?? '',
  )
}

describe('the README', function () {
  this.timeout(900_000)

  const home = mkdtempSync(join(tmpdir(), 'heurist-readme-'))
  const env = { ...process.env, HEURIST_HOME: home, HEURIST_KEY: undefined }
  let network: ChildProcess
  let printed = ''

  before(async () => {
    const argv = ['cli/heurist.mjs', 'up', '--port-base', String(PORT_BASE)]
    network = spawn(process.execPath, argv, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    network.stdout?.on('data', (text: Buffer) => {
      printed += text.toString()
    })
    network.stderr?.on('data', (text: Buffer) => {
      printed += text.toString()
    })
    await new Promise<void>((resolve, reject) => {
      const timer = setInterval(() => {
        if (printed.includes('Ctrl-C stops everything')) {
          clearInterval(timer)
          resolve()
        } else if (network.exitCode !== null) {
          clearInterval(timer)
          reject(new Error(`the network did not start:\n${printed}`))
        }
      }, 100)
    })
  })

  after(async () => {
    if (network.exitCode === null) {
      const gone = new Promise((resolve) => network.once('exit', resolve))
      network.kill('SIGINT')
      await gone
    }
    rmSync(home, { recursive: true, force: true })
  })

  const commands = fenced('README.md', 'sh')
    .flatMap((block) => block.trim().split('\n'))
    .filter((line) => !ELSEWHERE.includes(line))

  for (const command of commands) {
    it(`runs: ${command}`, async () => {
      const { stdout } = await exec('sh', ['-c', command], { cwd: root, env })

      expect(stdout.trim()).to.not.equal('')
    })
  }

  it('its five lines of code make a paid call with a fresh key', async () => {
    const [code = ''] = fenced('README.md', 'ts')
    const file = join(root, `.readme-${process.pid}.mts`)
    writeFileSync(file, code.replace('7800', String(PORT_BASE)))
    try {
      const { stdout } = await exec(process.execPath, ['--import', 'tsx', file], {
        cwd: root,
        env: { ...env, HEURIST_KEY: generatePrivateKey() },
      })
      expect(stdout).to.match(/pod/)
    } finally {
      rmSync(file, { force: true })
    }
  })

  it('the line to paste works: curl gets an answer from the gateway', async () => {
    const line = printed.split('\n').find((text) => text.trim().startsWith('curl ')) ?? ''
    const { stdout } = await exec('sh', ['-c', line.trim()], { cwd: root, env })

    expect(JSON.parse(stdout).choices[0].message.content).to.be.a('string')
  })
})
