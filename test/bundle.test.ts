import { execFile } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'

const root = join(import.meta.dirname, '..')
const run = promisify(execFile)
const MADE_OF = ['sdk', 'deploy', 'keepers', 'worker', 'apps', 'cli', 'package.json', 'package-lock.json']

describe('the bundle that programs run from', function () {
  this.timeout(600_000)
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'heurist-bundle-'))
    const filter = (path: string) => !/node_modules|\/dist(\/|$)/.test(path.slice(root.length))
    for (const name of MADE_OF) cpSync(join(root, name), join(folder, name), { recursive: true, filter })
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  /** As npm does at an install, and at the first `npx heurist` of somebody. */
  const make = () => run(process.execPath, [join('deploy', 'build', 'bundle.mjs')], { cwd: folder })
  const file = (name: string) => join(folder, '.bundle', name)
  const identity = () => statSync(file('cli.js')).ino

  it('is left alone while it is fresh, and replaced whole once its sources changed', async () => {
    await make()
    const first = identity()
    await make()
    const again = identity()
    appendFileSync(join(folder, 'cli', 'home.ts'), '\nexport const added = 1\n')
    const before = readFileSync(file('source-hash'), 'utf8')
    await make()

    expect(again).to.equal(first)
    expect(identity()).to.not.equal(first)
    expect(readFileSync(file('source-hash'), 'utf8')).to.not.equal(before)
    expect(readdirSync(folder).filter((name) => name.startsWith('.bundle'))).to.deep.equal(['.bundle'])
  })

  it('stands until the new one is whole', async () => {
    appendFileSync(join(folder, 'cli', 'home.ts'), '\nexport const broken = \n')
    const first = identity()
    const { stderr } = await make()

    expect(stderr).to.match(/no bundle was made: /)
    expect(identity()).to.equal(first)
    expect(readdirSync(folder).filter((name) => name.startsWith('.bundle'))).to.deep.equal(['.bundle'])
  })
})
