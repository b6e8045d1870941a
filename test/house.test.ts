import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { expect } from 'chai'
import { isFresh as webIsFresh } from '../apps/web/build.ts'
import { generatedAreFresh } from '../deploy/build/build.ts'

/** The house rules a machine can hold: stairs, purity, generated files, named reverts, licences, sizes. */

const root = join(import.meta.dirname, '..')
const SKIPPED = new Set([
  'node_modules',
  'dist',
  'artifacts',
  'cache',
  'out',
  '.git',
  '.heurist',
  'typechain',
  'model',
])

function filesUnder(folder: string, extensions: string[]): string[] {
  const path = join(root, folder)
  if (!existsSync(path)) return []
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const inner = join(folder, entry.name)
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : filesUnder(inner, extensions)
    return extensions.some((extension) => entry.name.endsWith(extension)) ? [inner] : []
  })
}

const TYPESCRIPT = ['.ts', '.tsx', '.mjs', '.cts']
const read = (file: string) => readFileSync(join(root, file), 'utf8')

/** What a room may import. The stairs go down only. */
const STAIRS: Record<string, string[]> = {
  sdk: [],
  deploy: ['sdk'],
  keepers: ['sdk'],
  worker: ['sdk'],
  apps: ['sdk'],
  pods: ['sdk', 'worker'],
  cli: ['sdk', 'deploy', 'keepers', 'worker', 'apps'],
  bench: ['sdk', 'deploy', 'keepers', 'worker', 'apps', 'pods', 'cli', 'test'],
}

/** Static and dynamic imports of a file, as written. */
function importsOf(file: string): string[] {
  const pattern = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)['"]([^'"]+)['"]/g
  return [...read(file).matchAll(pattern)].map((match) => match[1] ?? '')
}

const roomOf = (file: string) => file.split(sep)[0] ?? ''

describe('the house', () => {
  it('imports go down the stairs only', () => {
    const climbs: string[] = []
    for (const [room, below] of Object.entries(STAIRS)) {
      for (const file of filesUnder(room, TYPESCRIPT)) {
        for (const target of importsOf(file).filter((path) => path.startsWith('.'))) {
          const to = roomOf(relative(root, join(root, dirname(file), target)))
          if (to !== room && !below.includes(to)) climbs.push(`${file} imports ${target}`)
        }
      }
    }

    expect(climbs).to.deep.equal([])
  })

  it('ONNX Runtime is loaded through one door, which switches its reports to its maker off', () => {
    const found = ['worker', 'pods', 'bench', 'apps', 'cli', 'test']
      .flatMap((room) => filesUnder(room, TYPESCRIPT))
      .filter((file) => importsOf(file).includes('onnxruntime-node'))

    expect(found).to.deep.equal([join('worker', 'engines', 'onnx.ts')])
  })

  it('sdk/protocol is pure: no clock, environment, network, disk or randomness', () => {
    const impure =
      /\bDate\b|Math\.random|\bprocess\.|\bfetch\(|from 'node:|setTimeout|setInterval|getRandomValues|\bconsole\./
    const found = filesUnder('sdk/protocol', ['.ts']).filter((file) => impure.test(read(file)))

    expect(found).to.deep.equal([])
  })

  it('what a browser loads of the sdk imports nothing of Node', () => {
    const seen = new Set<string>()
    const walk = (file: string): string[] => {
      if (seen.has(file)) return []
      seen.add(file)
      const statics = [...read(file).matchAll(/^(?:import|export)\s[^'"]*from\s*['"]([^'"]+)['"]/gm)].map(
        (m) => m[1] ?? '',
      )
      const node = statics.filter((path) => path.startsWith('node:')).map((path) => `${file} imports ${path}`)
      const inner = statics
        .filter((path) => path.startsWith('.'))
        .map((path) => relative(root, join(root, dirname(file), path)))
      return [...node, ...inner.flatMap(walk)]
    }

    expect(walk(join('sdk', 'index.ts'))).to.deep.equal([])
  })

  it('generated files are fresh: run `npm run build` after touching contracts/', () => {
    expect(generatedAreFresh(root)).to.equal(true)
  })

  it('the built web page is fresh: run `npx tsx apps/web/build.ts` after touching it', () => {
    expect(webIsFresh()).to.equal(true)
  })

  it('every custom error of the contracts is provoked by a test that names it', () => {
    const tests = filesUnder('test', ['.sol', '.ts'])
      .filter((file) => !file.endsWith('house.test.ts'))
      .map(read)
      .join('\n')
    const errors = filesUnder('contracts', ['.sol']).flatMap((file) =>
      [...read(file).matchAll(/^\s*error\s+(\w+)\s*\(/gm)].map((match) => match[1] ?? ''),
    )
    const unprovoked = [...new Set(errors)].filter((error) => {
      const expected = new RegExp(
        `(expectRevert|revert|Revert|custom)[^\\n;]*\\b${error}\\b|test\\w*_${error}\\b|\\.${error}\\.selector\\b`,
      )
      return !expected.test(tests)
    })

    expect(errors.length).to.be.greaterThan(10)
    expect(unprovoked).to.deep.equal([])
  })

  it('contracts use no opcode that ZKsync OS or an EraVM chain lacks', () => {
    const forbidden =
      /\b(selfdestruct|callcode|blobhash|prevrandao|difficulty|tx\.origin)\b|\.transfer\(\s*[^,)]*\)|\.send\(/
    const found = filesUnder('contracts', ['.sol']).filter((file) =>
      forbidden.test(withoutComments(read(file))),
    )

    expect(found).to.deep.equal([])
  })

  it('nothing is unfinished, muted or untyped', () => {
    const smells =
      /\bTODO\b|\bFIXME\b|\bXXX\b|@ts-ignore|@ts-nocheck|\b(?:it|describe)\.(?:only|skip)\(|\bas any\b|: any\b/
    const rooms = ['contracts', 'sdk', 'deploy', 'keepers', 'worker', 'apps', 'cli', 'pods', 'bench', 'test']
    const found = rooms
      .flatMap((room) => filesUnder(room, [...TYPESCRIPT, '.sol']))
      .filter((file) => !file.endsWith('house.test.ts') && smells.test(read(file)))

    expect(found).to.deep.equal([])
  })

  it('no room is a drawer for everything', () => {
    // What costs stake is called SlashingManager by everybody; no other Manager is.
    const drawers =
      /(^|\/)(utils?|helpers?|common|services?|misc)(\/|\.)|(?<!Slashing)Manager\.|Helper\.|Service\./
    const rooms = ['sdk', 'deploy', 'keepers', 'worker', 'apps', 'cli', 'contracts', 'bench']
    const found = rooms
      .flatMap((room) => filesUnder(room, [...TYPESCRIPT, '.sol']))
      .filter((file) => drawers.test(file))

    expect(found).to.deep.equal([])
  })

  it('what ships carries licences that MIT code may ship with', () => {
    const lock = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { dev?: boolean; optional?: boolean; license?: string; link?: boolean }>
    }
    // libvips is LGPL: a separate shared library that sharp loads, which anyone may replace.
    const allowed =
      /^(MIT|ISC|BSD-[23]-Clause|0BSD|Apache-2\.0|CC0-1\.0|Unlicense|BlueOak-1\.0\.0|Python-2\.0|CC-BY-4\.0|MIT OR Apache-2\.0|\(?MIT (OR|AND) [\w.-]+\)?|Apache-2\.0 AND LGPL-3\.0-or-later.*|\(BSD-2-Clause OR MIT OR Apache-2\.0\)|\(MPL-2\.0 OR Apache-2\.0\))$/
    const lgpl = /^node_modules\/@img\/sharp-(libvips|win32|wasm32)/
    const wrong = Object.entries(lock.packages)
      .filter(
        ([path, entry]) =>
          path !== '' && !entry.dev && !entry.link && path.startsWith('node_modules/') && !lgpl.test(path),
      )
      .map(([path, entry]) => [path, entry.license ?? licenceOnDisk(path)] as const)
      .filter(
        ([path, licence]) => licence !== undefined && existsSync(join(root, path)) && !allowed.test(licence),
      )

    expect(wrong).to.deep.equal([])
    expect(read('LICENSE')).to.match(/^MIT License/)
  })

  it('sizes: files past 300 lines ask whether they have two duties (an alarm, not a bound)', () => {
    const rooms = ['contracts', 'sdk', 'deploy', 'keepers', 'worker', 'apps', 'cli', 'bench']
    const long = rooms
      .flatMap((room) => filesUnder(room, [...TYPESCRIPT, '.sol']))
      .filter((file) => !file.endsWith('abi.ts'))
      .map((file) => ({ file, lines: read(file).split('\n').length }))
      .filter(({ lines }) => lines > 300)
    for (const { file, lines } of long) process.stdout.write(`      alarm: ${file} has ${lines} lines\n`)

    // Three times the alarm is no longer a question.
    expect(long.filter(({ lines }) => lines > 900)).to.deep.equal([])
  })

  it('no file that ships is larger than the pods need', () => {
    const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0')
    const large = tracked.filter(
      (file) => file !== '' && existsSync(join(root, file)) && statSync(join(root, file)).size > 8_000_000,
    )

    expect(large).to.deep.equal([])
  })
})

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '')
}

function licenceOnDisk(path: string): string | undefined {
  const file = join(root, path, 'package.json')
  if (!existsSync(file)) return undefined
  const { license } = JSON.parse(readFileSync(file, 'utf8')) as { license?: string | { type: string } }
  return typeof license === 'object' ? license.type : license
}
