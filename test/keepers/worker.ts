import type { Hex } from 'viem'
import { WebSocket } from 'ws'
import { createSigner, fastKeccak, type Signer } from '../../sdk/native.ts'
import { runningHash } from '../../sdk/protocol/bytes.ts'
import {
  decodeFrames,
  decodeJob,
  encodeFrames,
  FRAME,
  type Frame,
  type FrameType,
  jsonPayload,
} from '../../sdk/protocol/frames.ts'
import {
  type Challenge,
  challengeSchema,
  challengeText,
  jobHeaderSchema,
  LINK_PATH,
  LINK_PROTOCOL,
  type SlotState,
  textDigest,
} from '../../sdk/protocol/link.ts'
import type { Hasher, Receipt, Request } from '../../sdk/protocol/messages.ts'
import { priceOf } from '../../sdk/protocol/price.ts'
import type { SignedReceipt } from '../../sdk/protocol/wire.ts'
import { type Stage, type TestPod, text, until, utf8 } from './stage.ts'

/** A job as a test worker sees it, and what it can do with it. */
export interface WorkerJob {
  readonly job: number
  readonly request: Request
  readonly hash: Hex
  readonly input: string
  readonly attempt: number
  readonly pod: TestPod
  /** Bytes sent so far. */
  readonly sent: number
  cancelled: boolean
  /** Sum of credits so far, the first window apart. */
  credit: number
  chunk(bytes: string | Uint8Array): void
  /** So many bytes of nothing. */
  flood(bytes: number): void
  /** What an honest worker would sign for the bytes sent. */
  honest(changes?: Partial<Receipt>): Receipt
  sign(receipt: Receipt, signer?: Signer): SignedReceipt
  send(type: FrameType, payload: Uint8Array): void
  sendReceipt(signed: SignedReceipt): void
  /** Signs and sends. */
  finish(changes?: Partial<Receipt>): SignedReceipt
  fail(code: string, kind?: 'refused' | 'later' | 'bug'): void
}

export interface TestWorker {
  readonly node: number
  readonly jobs: WorkerJob[]
  /** Requests that the router said are received. */
  readonly received: string[]
  /** How often the router said that no new work will come. */
  readonly farewells: number
  readonly closed: { code: number; reason: string } | undefined
  /** What the worker does with each job; may be replaced at any time. */
  behave: (job: WorkerJob) => void | Promise<void>
  send(job: number, type: FrameType, payload: Uint8Array): void
  raw(bytes: Uint8Array): void
  slots(states: Partial<SlotState>[]): void
  /** Sends a receipt again that the router has not acknowledged. */
  repeat(signed: SignedReceipt): void
  /** Answers no heartbeat any more. */
  mute(): void
  /** The connection just ends. */
  die(): void
  /** Dials again with the same identity. */
  again(url?: string): Promise<TestWorker>
  nextJob(): Promise<WorkerJob>
}

export interface WorkerOptions {
  pods?: TestPod[]
  slots?: number
  behave?: TestWorker['behave']
  hardware?: Record<string, unknown>
  slot?: Partial<SlotState>
  identity?: { id: number; signerKey: Hex }
  /** Resolves although the router refuses. */
  expectRefusal?: boolean
  challenge?: (challenge: Challenge) => Challenge
}

/** Says three lines and signs for them. */
export const answers =
  (lines = ['{"text":"one "}\n', '{"text":"two"}\n', '{"finish":"stop"}\n']): TestWorker['behave'] =>
  (job) => {
    for (const line of lines) job.chunk(line)
    job.finish()
  }

/** A real WebSocket, real frames, real keys: only the model is missing. */
export async function testWorker(
  stage: Stage,
  router: { url: string },
  options: WorkerOptions = {},
): Promise<TestWorker> {
  const identity = options.identity ?? (await stage.market.node())
  const signer = createSigner(identity.signerKey)
  const pods = options.pods ?? [stage.pod('words')]
  const socket = new WebSocket(router.url.replace('http', 'ws') + LINK_PATH, LINK_PROTOCOL)
  const jobs: WorkerJob[] = []
  const received: string[] = []
  let closed: TestWorker['closed']
  let farewells = 0
  let ready = false
  let muted = false
  let seen = 0

  let frames: Frame[] = []
  /** As a worker does: frames of one tick leave as one message. */
  const send = (job: number, type: FrameType, payload: Uint8Array) => {
    if (frames.length === 0) setImmediate(flush)
    frames.push({ job, type, payload })
  }
  function flush(): void {
    const sending = frames
    frames = []
    if (sending.length > 0 && socket.readyState === WebSocket.OPEN) socket.send(encodeFrames(sending))
  }
  const states = (free = true): SlotState[] =>
    pods.flatMap((pod) =>
      Array.from({ length: options.slots ?? 1 }, (_, index) => ({
        slot: `${pod.manifest.name} ${index}`,
        pod: pod.id,
        manifest: pod.hash,
        state: 'warm' as const,
        free,
        provider: 'cpu' as const,
        ...options.slot,
      })),
    )

  const worker: TestWorker = {
    node: identity.id,
    jobs,
    received,
    get farewells() {
      return farewells
    },
    get closed() {
      return closed
    },
    behave: options.behave ?? answers(),
    send,
    raw(bytes) {
      flush()
      socket.send(bytes)
    },
    slots: (changes) =>
      send(0, FRAME.slots, jsonPayload(changes.map((change, index) => ({ ...states()[index], ...change })))),
    repeat: (signed) => send(0, FRAME.receipt, jsonPayload(signed)),
    mute() {
      muted = true
    },
    die() {
      flush()
      socket.terminate()
    },
    again: (url) =>
      testWorker(stage, { url: url ?? router.url }, { ...options, identity, behave: worker.behave }),
    async nextJob() {
      const index = seen
      seen += 1
      await until('the worker gets a job', () => jobs.length > index)
      const job = jobs[index]
      if (!job) throw new Error('no job')
      return job
    },
  }

  function greet(payload: Uint8Array): void {
    const challenge = challengeSchema.parse(JSON.parse(text(payload)))
    const signed = options.challenge?.(challenge) ?? challenge
    send(
      0,
      FRAME.hello,
      jsonPayload({
        node: identity.id,
        signature: signer.sign(textDigest(challengeText(signed, identity.id), fastKeccak)),
        version: 'test',
        hardware: { memoryMiB: 1024, gpus: [], ...options.hardware },
        slots: states(),
      }),
    )
  }

  function take(job: number, payload: Uint8Array): void {
    const { header, input } = decodeJob(payload)
    const { request, attempt } = jobHeaderSchema.parse(header)
    const pod = pods.find((one) => one.hash === request.manifest)
    if (!pod) throw new Error('a job for a pod that this worker does not have')
    const taken = workerJob(
      { job, request, attempt, pod, input: text(input), node: identity.id, signer, send },
      stage.hasher,
    )
    jobs.push(taken)
    void worker.behave(taken)
  }

  /** Looked up only for the frames that name a running job: a bench's workers keep thousands. */
  function of(job: number, change: (running: WorkerJob) => void): void {
    const running = jobs.findLast((one) => one.job === job)
    if (running) change(running)
  }

  socket.on('message', (data) => {
    for (const { job, type, payload } of decodeFrames(new Uint8Array(data as Buffer))) {
      if (type === FRAME.challenge) greet(payload)
      if (type === FRAME.ready) ready = true
      if (type === FRAME.goaway) farewells += 1
      if (type === FRAME.heartbeat && !muted) send(0, FRAME.heartbeat, new Uint8Array(0))
      if (type === FRAME.job) take(job, payload)
      if (type === FRAME.received) received.push((JSON.parse(text(payload)) as { request: string }).request)
      if (type === FRAME.cancel) of(job, (running) => (running.cancelled = true))
      if (type === FRAME.credit)
        of(job, (running) => (running.credit += new DataView(payload.slice().buffer).getUint32(0)))
    }
  })
  socket.on('close', (code, reason) => {
    closed = { code, reason: reason.toString() }
  })
  socket.on('error', () => {})
  await until('the worker is admitted', () => ready || closed !== undefined)
  if (!ready && !options.expectRefusal) throw new Error(`refused: ${closed?.code} ${closed?.reason}`)
  return worker
}

function workerJob(
  given: Pick<WorkerJob, 'job' | 'request' | 'attempt' | 'pod' | 'input'> & {
    node: number
    signer: Signer
    send: TestWorker['send']
  },
  hasher: Hasher,
): WorkerJob {
  const { node, signer, send, ...facts } = given
  const sent = runningHash()
  const taken: WorkerJob = {
    ...facts,
    hash: hasher.struct('Request', facts.request),
    get sent() {
      return sent.length
    },
    cancelled: false,
    credit: 0,
    chunk(bytes) {
      const chunk = typeof bytes === 'string' ? utf8.encode(bytes) : bytes
      sent.update(chunk)
      send(facts.job, FRAME.chunk, chunk)
    },
    flood: (bytes) => taken.chunk(new Uint8Array(bytes)),
    honest(changes = {}) {
      const unitsIn = changes.unitsIn ?? 3n
      const unitsOut = changes.unitsOut ?? 5n
      return {
        request: taken.hash,
        node,
        unitsIn,
        unitsOut,
        length: BigInt(sent.length),
        end: 0,
        price: priceOf(facts.pod.manifest.pricing, unitsIn, unitsOut),
        output: sent.digest(),
        evidence: `0x${'11'.repeat(32)}`,
        completedAt: Math.floor(Date.now() / 1000),
        ...changes,
      }
    },
    sign: (receipt, other = signer) => ({
      receipt,
      signature: other.sign(hasher.digest('Receipt', receipt)),
      provider: 'cpu',
    }),
    send: (type, payload) => send(facts.job, type, payload),
    sendReceipt: (signed) => send(facts.job, FRAME.receipt, jsonPayload(signed)),
    finish(changes) {
      const signed = taken.sign(taken.honest(changes))
      taken.sendReceipt(signed)
      return signed
    },
    fail: (code, kind = 'later') =>
      send(facts.job, FRAME.fail, jsonPayload({ code, kind, message: `the test worker says ${code}` })),
  }
  return taken
}
