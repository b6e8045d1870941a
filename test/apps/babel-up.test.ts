import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { DOORS } from '../../apps/web/src/network/config.ts'
import { openDiscord, type TestDiscord } from './babel/discord.ts'
import { answerTo, until } from './babel/stage.ts'

const root = join(import.meta.dirname, '../..')
const PORT_BASE = 21_800

/** `heurist up` with the bot: off without a token, on with one, and no reason to stop if Discord does not want it. */
describe('heurist up and babel', function () {
  this.timeout(600_000)
  const home = mkdtempSync(join(tmpdir(), 'heurist-babel-up-'))
  let discord: TestDiscord
  let up: ChildProcess
  let printed = ''

  before(async () => {
    discord = await openDiscord()
    mkdirSync(home, { recursive: true })
  })
  afterEach(async () => {
    if (up.exitCode !== null) return
    const gone = new Promise((resolve) => up.once('exit', resolve))
    up.kill('SIGINT')
    await gone
  })
  after(async () => {
    await discord.close()
    rmSync(home, { recursive: true, force: true })
  })

  async function start(env: NodeJS.ProcessEnv): Promise<void> {
    printed = ''
    up = spawn(
      process.execPath,
      ['cli/heurist.mjs', 'up', '--nodes', '1', '--port-base', String(PORT_BASE)],
      {
        cwd: root,
        env: {
          ...process.env,
          HEURIST_HOME: home,
          HEURIST_KEY: undefined,
          HEURIST_DISCORD_TOKEN: undefined,
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    const hear = (text: Buffer) => {
      printed += text.toString()
    }
    up.stdout?.on('data', hear)
    up.stderr?.on('data', hear)
    await until(
      'the network',
      () => {
        if (up.exitCode !== null) throw new Error(printed)
        return printed.includes('Ctrl-C stops everything')
      },
      Infinity,
    )
  }

  it('without a token the network starts, and says how the bot is switched on', async () => {
    await start({})

    expect(printed).to.include('HEURIST_DISCORD_TOKEN=… npm start').and.to.include('docs/quickstart-babel.md')
  })

  it('with a token that Discord does not take the network stays up, and says why the bot does not', async () => {
    writeFileSync(join(home, 'babel.json'), JSON.stringify({ discordUrl: discord.url }))
    await start({ HEURIST_DISCORD_TOKEN: 'not.the.token' })

    expect(printed).to.include('babel did not start').and.to.include('discord.token_refused')
    expect((await fetch(`http://127.0.0.1:${PORT_BASE}/healthz`)).status).to.equal(200)
  })

  it('with a token it answers on Discord, as a frontend of its own beside the gateway’s', async () => {
    const guild = discord.guild('Home')
    const [general, anna] = [discord.channel(guild, 'general'), discord.person(guild, 'Anna')]
    writeFileSync(join(home, 'babel.json'), JSON.stringify({ discordUrl: discord.url, operators: [anna.id] }))
    await start({ HEURIST_DISCORD_TOKEN: discord.token })
    const options = { language: 'fr', text: 'Where is the key?' }
    const answer = await answerTo(discord.slash(anna, general, { name: 'translate', options }))
    const revenue = await answerTo(discord.slash(anna, general, { name: 'babel revenue' }))

    expect(printed).to.include(`babel is on Discord; what it earns: http://127.0.0.1:${PORT_BASE + 4}`)
    expect(answer.content).to.match(/^Où est la clé \?\n/)
    // The gateway's is the first, the web's doors come next.
    expect(revenue.content).to.match(
      new RegExp(`^Frontend ${2 + DOORS.length}, paid to 0x[0-9a-f]{40}\\n`, 'i'),
    )
    expect(discord.violations).to.deep.equal([])
  })
})
