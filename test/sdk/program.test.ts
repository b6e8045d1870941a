import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'

/** A program that serves nothing: it says what it is told to say, and writes down that it was stopped. */
const SOURCE = `
import { writeFileSync } from 'node:fs'
import { z } from ${JSON.stringify(import.meta.resolve('zod'))}
import { runProgram } from ${JSON.stringify(new URL('../../sdk/program.ts', import.meta.url).href)}

const schema = z.strictObject({ stopped: z.string(), how: z.enum(['serves', 'throws', 'gives up']) })
await runProgram('example', schema, async ({ stopped, how }, { log, end, stopWith }) => {
  if (how === 'throws') throw new Error('no such luck')
  const held = setInterval(() => {}, 1_000)
  stopWith(async () => {
    clearInterval(held)
    writeFileSync(stopped, 'stopped')
  })
  if (how === 'gives up') end(1)
  log.debug({ event: 'example.debug' })
  return { url: 'http://here', told: { secret: 'told' }, logged: { fact: 'logged' } }
})
`

describe('the life of a process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heurist-program-'))
  const stopped = join(folder, 'stopped')
  const entry = join(folder, 'example.mts')
  const children: ChildProcess[] = []
  before(() => writeFileSync(entry, SOURCE))
  beforeEach(() => rmSync(stopped, { force: true }))
  after(() => {
    for (const child of children) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  function begin(config: string | undefined) {
    const path = join(folder, 'config.json')
    if (config !== undefined) writeFileSync(path, config)
    const child = fork(entry, config === undefined ? [] : [path], {
      execArgv: ['--import', import.meta.resolve('tsx')],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    children.push(child)
    let log = ''
    child.stdout?.on('data', (bytes) => {
      log += bytes
    })
    // Not `close`, which never comes after `disconnect`.
    const ended = Promise.all([once(child, 'exit'), child.stdout && once(child.stdout, 'end')]).then(
      ([[code]]) => ({
        code: code as number | null,
        lines: log.trim().split('\n').filter(Boolean),
      }),
    )
    return { child, ended }
  }
  const serving = JSON.stringify({ stopped, how: 'serves' })
  const lastError = (lines: string[]) => JSON.parse(lines.at(-1) ?? '{}').error
  const wasStopped = () => existsSync(stopped)

  it('tells its parent where it is, and logs nothing of what it tells its parent alone', async () => {
    const { child, ended } = begin(serving)
    const [message] = await once(child, 'message')
    child.kill('SIGTERM')
    const { code, lines } = await ended

    expect(message).to.deep.equal({ event: 'ready', url: 'http://here', secret: 'told' })
    expect(lines.map((line) => JSON.parse(line))).to.have.length(1)
    expect(JSON.parse(lines[0] ?? '')).to.include({
      event: 'ready',
      room: 'example',
      url: 'http://here',
      fact: 'logged',
    })
    expect(lines[0]).not.to.include('secret')
    expect(code).to.equal(0)
    expect(wasStopped()).to.equal(true)
  })

  it('stops when its parent is gone', async () => {
    const { child, ended } = begin(serving)
    await once(child, 'message')
    child.disconnect()

    expect((await ended).code).to.equal(0)
    expect(wasStopped()).to.equal(true)
  })

  it('stops what serves before it gives up', async () => {
    const { code } = await begin(JSON.stringify({ stopped, how: 'gives up' })).ended

    expect(code).to.equal(1)
    expect(wasStopped()).to.equal(true)
  })

  it('says why it could not start, and ends', async () => {
    const { code, lines } = await begin(JSON.stringify({ stopped, how: 'throws' })).ended

    expect(code).to.equal(1)
    expect(JSON.parse(lines.at(-1) ?? '{}')).to.include({ event: 'example.failed' })
    expect(lastError(lines)).to.include({ code: 'unexpected' })
  })

  it('refuses a configuration that is not named, not JSON, or not what the schema says', async () => {
    const wrong = { 'config.missing': [undefined, '{'], 'config.invalid': [JSON.stringify({ stopped })] }
    for (const [expected, configs] of Object.entries(wrong)) {
      for (const config of configs) {
        const { code, lines } = await begin(config).ended

        expect(code, String(config)).to.equal(1)
        expect(lastError(lines), String(config)).to.include({ code: expected })
      }
    }
  })
})
