import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { SERVER_OPTIONS } from '../cli/program.ts'

const PROBE = join(import.meta.dirname, 'young-probe.ts')
/** As servers run, but for less room: V8 looks sooner. */
const OPTIONS = [...SERVER_OPTIONS, '--max-semi-space-size=8', '--expose-gc']

/** Bytes a time. What a call once left: 6,200 for an answer, 3,100 for a job's audience, 370 for a decision, 550 for a hold. */
const MOST = { answer: 1_000, stream: 200, job: 300, decision: 150, hold: 350 }

describe('what is made for a call', () => {
  it('leaves nothing in the old generation of V8, which a server would have to stop for', async function () {
    this.timeout(120_000)
    const { stdout } = await promisify(execFile)(process.execPath, [...OPTIONS, '--import', 'tsx', PROBE])
    const kept = JSON.parse(stdout) as Record<keyof typeof MOST, number>
    expect(kept).to.have.all.keys(MOST)
    for (const [name, most] of Object.entries(MOST)) {
      expect(kept[name as keyof typeof MOST], `${name}: ${stdout}`).to.be.below(most)
    }
  })
})
