import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'

const root = join(import.meta.dirname, '../../..')

/** A process that opens a session, with a home of its own and no variable that silences reports; what it left there. */
function traces(door: string): string[] {
  const home = mkdtempSync(join(tmpdir(), 'heurist-onnx-'))
  const script = `import { InferenceSession } from '${door}'
    await InferenceSession.create('${join(root, 'pods/chat/model/onnx/model.onnx')}')`
  const { CI: _, ORT_DISABLE_TELEMETRY: __, ORT_RUNNING_UNIT_TESTS: ___, ...env } = process.env
  try {
    execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: root,
      // A proxy that nobody runs: not even this test reports anything.
      env: { ...env, HOME: home, XDG_CACHE_HOME: join(home, '.cache'), https_proxy: 'http://127.0.0.1:9' },
    })
    return readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((file) => /onnxruntime/.test(file))
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

describe('ONNX Runtime', function () {
  this.timeout(600_000)

  it('reports nothing to its maker: no identity of the device, no store of events to send', () => {
    expect(traces('./worker/engines/onnx.ts')).to.deep.equal([])
  })

  it('multiplies float32 as float32 on CUDA, whatever the environment says', () => {
    const script = `await import('./worker/engines/onnx.ts'); console.log(process.env.NVIDIA_TF32_OVERRIDE)`
    const said = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: root,
      env: { ...process.env, NVIDIA_TF32_OVERRIDE: '1' },
    })

    expect(said.toString().trim()).to.equal('0')
  })

  if (process.platform === 'linux') {
    it('would, loaded any other way: the day this fails, the door can go', () => {
      expect(traces('onnxruntime-node')).to.not.deep.equal([])
    })
  }
})
