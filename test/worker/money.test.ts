import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'chai'
import { createSigner, fastKeccak } from '../../sdk/native.ts'
import { toHex } from '../../sdk/protocol/bytes.ts'
import { encodeJob, FRAME, type FrameType } from '../../sdk/protocol/frames.ts'
import { manifestHash, parseManifest } from '../../sdk/protocol/manifest.ts'
import { createHasher } from '../../sdk/protocol/messages.ts'
import { loadChat } from '../../worker/engines/chat/load.ts'
import { createJobs } from '../../worker/jobs.ts'
import { startOvertime } from '../../worker/overtime.ts'
import { openReceipts, RECEIVED_KEPT_MS, type ReceiptStore } from '../../worker/receipts.ts'
import type { Slot, SlotRun } from '../../worker/slots.ts'

const POD = join(import.meta.dirname, '..', '..', 'pods', 'chat')
const bytes = new Uint8Array(readFileSync(join(POD, 'pod.yaml')))
const manifest = parseManifest(bytes)
const hash = manifestHash(bytes)
const hasher = createHasher({ chainId: 31_337, verifyingContract: `0x${'11'.repeat(20)}` }, fastKeccak)
const log = { info() {}, warn() {}, error() {}, debug() {} }
const input = new TextEncoder().encode('{"messages":[{"role":"user","content":"hi"}]}')
const DAY_S = 86_400

type Said = { job: number; type: FrameType; text: string }

/** Jobs over one slot whose engine does what `run` says; everything around it is the real thing. */
function stage(now: () => number, run: (job: SlotRun, said: Said[]) => Promise<void>) {
  const home = mkdtempSync(join(tmpdir(), 'heurist-money-'))
  const receipts = openReceipts(home, now)
  const said: Said[] = []
  const credits: number[] = []
  const slot = {
    id: 'chat.0',
    pod: { hash, manifest, folder: POD },
    free: true,
    provider: 'cpu',
    claim() {},
    release() {},
    credit: (count: number) => void credits.push(count),
    async run(job: SlotRun) {
      job.onStart()
      await run(job, said)
      return {
        work: { unitsIn: 3n, unitsOut: 2n, complete: true, evidence: new Uint8Array(1) },
        provider: 'cpu' as const,
      }
    },
  } as unknown as Slot
  const outlet = {
    windowBytes: 65_536,
    send(job: number, type: FrameType, payload: Uint8Array) {
      said.push({ job, type, text: new TextDecoder().decode(payload) })
      return true
    },
  }
  const jobs = createJobs({
    node: 1,
    hasher,
    signer: createSigner(`0x${'22'.repeat(32)}`),
    slots: [slot],
    podOf: () => 1,
    receipts,
    refusal: () => undefined,
    announce() {},
    log,
    now,
  } as Parameters<typeof createJobs>[0])
  const take = (job: number, deadline: number) =>
    jobs.take(
      job,
      encodeJob(
        {
          request: {
            payer: `0x${'33'.repeat(20)}`,
            id: `0x${'44'.repeat(32)}`,
            pod: 1,
            manifest: hash,
            frontend: 0,
            node: 0,
            maxPrice: 1_000n,
            deadline,
            input: toHex(fastKeccak(input)),
          },
          attempt: job,
          deadlineMs: now() + 60_000,
        },
        input,
      ),
      outlet,
    )
  const close = () => {
    receipts.close()
    rmSync(home, { recursive: true, force: true })
  }
  return { jobs, receipts, said, credits, take, close }
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 30_000 && !condition(); i += 1) await wait(10)
  expect(condition()).to.equal(true)
}

const failuresOf = (said: Said[]) =>
  said.filter(({ type }) => type === FRAME.fail).map(({ text }) => JSON.parse(text).code as string)
const receiptsOf = (said: Said[]) => said.filter(({ type }) => type === FRAME.receipt).map(({ text }) => text)

describe('what a worker signs for', function () {
  this.timeout(600_000)

  it('a request that outlives the memory of its receipt is refused: nothing is ever signed twice', async () => {
    let nowMs = 1_800_000_000_000
    const { receipts, said, take, close } = stage(
      () => nowMs,
      async (job) => job.onChunk(new TextEncoder().encode('{"text":"a"}\n')),
    )
    const farthest = nowMs / 1000 + RECEIVED_KEPT_MS / 1000
    take(1, farthest + 1)
    await until(() => failuresOf(said).length === 1)
    take(2, farthest)
    await until(() => receiptsOf(said).length === 1)
    receipts.markReceived(requestOf(receipts), true)
    nowMs += RECEIVED_KEPT_MS + 1
    receipts.prune()
    take(3, farthest)
    await until(() => failuresOf(said).length === 2)

    expect(failuresOf(said)).to.deep.equal(['request.deadline_far', 'request.expired'])
    expect(receiptsOf(said)).to.have.length(1)
    close()
  })

  it('credit for a job whose engine has ended does not open the window of the next one', async () => {
    const { jobs, receipts, credits, said, take, close } = stage(Date.now, async (job) =>
      job.onChunk(new Uint8Array(10)),
    )
    const put = receipts.put
    let written = () => {}
    receipts.put = async (delivery) => {
      await new Promise<void>((resolve) => (written = resolve))
      return put(delivery)
    }
    take(1, Math.floor(Date.now() / 1000) + DAY_S / 2)
    await until(() => said.some(({ type }) => type === FRAME.chunk))
    await wait(20)
    jobs.credit(1, 50_000)
    written()
    await until(() => receiptsOf(said).length === 1)

    expect(credits).to.deep.equal([])
    close()
  })

  it('an answer that was signed for is told again to its end, also when its client leaves in the middle', async () => {
    const length = 150_000
    const { jobs, said, take, close } = stage(Date.now, async (job) => job.onChunk(new Uint8Array(length)))
    const deadline = Math.floor(Date.now() / 1000) + DAY_S / 2
    take(1, deadline)
    await until(() => receiptsOf(said).length === 1)
    const repeated = () =>
      said.reduce(
        (sum, { job, type, text }) => sum + (job === 2 && type === FRAME.chunk ? text.length : 0),
        0,
      )
    take(2, deadline)
    await until(() => repeated() === 65_536)
    jobs.cancel(2)
    jobs.credit(2, length)
    await until(() => receiptsOf(said).length === 2 || failuresOf(said).length > 0)

    expect(failuresOf(said)).to.deep.equal([])
    expect(repeated()).to.equal(length)
    expect(new Set(receiptsOf(said)).size, 'one signature').to.equal(1)
    close()
  })

  it('time spent waiting for a reader is not the time of the pod', () => {
    let nowMs = 1_000
    const clock = startOvertime(10_000, 100, () => nowMs)
    nowMs += 4_000
    const afterWork = clock.leftMs()
    clock.sent(100)
    nowMs += 60_000
    const whileWaiting = clock.leftMs()
    clock.credit(50)
    nowMs += 5_000
    const afterMoreWork = clock.leftMs()
    nowMs += 1_000

    expect([afterWork, whileWaiting, afterMoreWork, clock.leftMs()]).to.deep.equal([6_000, 6_000, 1_000, 0])
  })

  it('no prompt has more tokens than its JSON has bytes, whatever a template makes of it: the quote bounds the price', async () => {
    const engine = await loadChat(POD, {
      ...manifest,
      resources: { ...manifest.resources, providers: ['cpu'] },
    })
    // The template's `lower` makes three bytes, and as many tokens, of these two.
    const text = JSON.stringify({
      messages: [{ role: 'user', content: '\u0130'.repeat(120) }],
      max_tokens: 4,
    })
    let emitted = 0
    const refusal = await engine
      .run(new TextEncoder().encode(text), {
        emit: () => {
          emitted += 1
        },
        signal: new AbortController().signal,
      })
      .then(
        () => undefined,
        (cause: { code: string }) => cause.code,
      )

    expect(refusal).to.equal('input.too_long')
    expect(emitted).to.equal(0)
    await engine.close()
  })
})

function requestOf(receipts: ReceiptStore) {
  const [signed] = receipts.unreceived()
  if (!signed) throw new Error('nothing was signed')
  return signed.receipt.request
}
