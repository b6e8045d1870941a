import { createHash } from 'node:crypto'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { modelFiles, seal, sealed } from '../../pods/seal.ts'
import { manifestHash, parseManifest } from '../../sdk/protocol/manifest.ts'

const PODS = join(import.meta.dirname, '../../pods')

describe('sealed pods', function () {
  this.timeout(600_000)
  let scratch: string

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'heurist-seal-'))
  })

  after(() => rm(scratch, { recursive: true, force: true }))

  it('every shipped pod names all of its files, with their true hashes and sizes', async () => {
    const entries = await readdir(PODS, { recursive: true })
    const pods = entries
      .filter((path) => /^[^/\\]+[/\\]pod\.yaml$/.test(path))
      .map((path) => path.split(/[/\\]/)[0] ?? '')

    expect(pods).to.include.members(['chat', 'embed', 'image', 'translate'])
    for (const pod of pods) {
      const { files } = parseManifest(await readFile(join(PODS, pod, 'pod.yaml')))
      for (const { path, sha256, bytes } of files) {
        const content = await readFile(join(PODS, pod, path))
        expect(createHash('sha256').update(content).digest('hex'), `${pod}/${path}`).to.equal(sha256)
        expect(content.length, `${pod}/${path}`).to.equal(bytes)
      }
      const listed = files.map(({ path }) => path)
      expect(listed).to.have.members((await modelFiles(join(PODS, pod))).map(({ path }) => path))
    }
  })

  it('sealing a sealed pod changes no byte, sealing a changed one gives a new hash', async () => {
    const folder = join(scratch, 'chat')
    await cp(join(PODS, 'chat'), folder, { recursive: true })
    const before = await readFile(join(folder, 'pod.yaml'))

    const same = await seal(folder)
    const after = await readFile(join(folder, 'pod.yaml'))
    await writeFile(join(folder, 'model', 'config.json'), '{}')
    const changed = await seal(folder)

    expect(after.equals(before)).to.equal(true)
    expect(same).to.equal(manifestHash(before))
    expect(changed).to.not.equal(same)
  })

  it('replaces the list of files and nothing else', () => {
    const text = 'name: tiny\n# a remark\nfiles: []\npricing: { unit: token }\n'

    const file = { path: 'model/a.onnx', sha256: 'ab', bytes: 3 }

    expect(sealed(text, [file])).to.equal(
      'name: tiny\n# a remark\nfiles:\n  - { path: model/a.onnx, sha256: ab, bytes: 3 }\npricing: { unit: token }\n',
    )
  })

  it('refuses a manifest that is wrong', async () => {
    const folder = join(scratch, 'wrong')
    await cp(join(PODS, 'chat'), folder, { recursive: true })
    await writeFile(join(folder, 'pod.yaml'), 'name: WRONG\n')

    const error = await seal(folder).catch((cause: unknown) => cause)

    expect(error).to.include({ code: 'manifest.invalid' })
    expect(await readFile(join(folder, 'pod.yaml'), 'utf8')).to.equal('name: WRONG\n')
  })
})
