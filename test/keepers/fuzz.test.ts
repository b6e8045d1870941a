import { expect } from 'chai'
import fc from 'fast-check'
import { encodeFrames, FRAME, type FrameType, jsonPayload } from '../../sdk/protocol/frames.ts'
import { seeded } from '../sdk/seed.ts'
import {
  account,
  codeOf,
  http,
  openStage,
  type Payer,
  post,
  type Stage,
  type TestRouter,
  USD,
  until,
} from './stage.ts'
import { answers, type TestWorker, testWorker, type WorkerJob } from './worker.ts'

const RUNS = Number(process.env.HEURIST_FUZZ_RUNS ?? 150)

/** Whatever comes in at a door, the router answers by name, charges nothing for it, and goes on serving. */
describe('noise at the doors of a router', function () {
  this.timeout(900_000)

  let stage: Stage
  let router: TestRouter
  let payer: Payer

  before(async () => {
    stage = await openStage()
    router = await stage.router({ limits: { ejectAfter: 1_000_000, leaseMs: 1 } })
    payer = await stage.payer(100n * USD)
  })
  after(() => stage?.close())

  const alarms = () => router.log.filter((line) => line.level === 'error')
  const isRefusal = (answer: { status: number; body: Record<string, unknown> }) =>
    answer.status >= 400 &&
    answer.status < 500 &&
    /^[a-z_]+\.[a-z_]+$/.test(codeOf({ ...answer, headers: new Headers() }))

  it('any bytes as a job are refused by name', async () => {
    const before = await account(router, payer.address)
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.json({ maxDepth: 4 }).map((json) => Buffer.from(json)),
      fc.string({ maxLength: 200 }).map((words) => Buffer.from(words)),
    )

    await fc.assert(
      fc.asyncProperty(bodies, fc.boolean(), async (body, streamed) => {
        const answer = await http(`${router.url}/v1/jobs`, {
          method: 'POST',
          body: new Uint8Array(body),
          headers: streamed ? { accept: 'text/event-stream' } : {},
        })
        expect(isRefusal(answer), JSON.stringify(answer.body)).to.equal(true)
      }),
      seeded({ numRuns: RUNS }),
    )
    expect(await account(router, payer.address)).to.deep.equal(before)
    expect(alarms()).to.deep.equal([])
  })

  it('a good job with one field of it turned into anything is refused by name, or is the same job', async () => {
    const worker = await testWorker(stage, router)
    const paths = [
      ['chainId'],
      ['signature'],
      ['input'],
      ...['payer', 'id', 'pod', 'manifest', 'frontend', 'node', 'maxPrice', 'deadline', 'input'].map(
        (field) => ['request', field],
      ),
      ...['router', 'ceiling', 'expiry', 'request'].map((field) => ['voucher', field]),
    ]
    const values = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.bigInt({ min: 0n, max: 2n ** 140n }).map(String),
      fc.integer(),
      fc
        .uint8Array({ minLength: 0, maxLength: 66 })
        .map((bytes) => `0x${Buffer.from(bytes).toString('hex')}`),
      fc.constantFrom('', '0x', null, '-1', '1e3', 1e21, '０'),
    )

    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), values, async (path, value) => {
        const job = JSON.parse(
          JSON.stringify(payer.job(), (_, one) => (typeof one === 'bigint' ? String(one) : one)),
        )
        const before = await account(router, payer.address)
        const target = path.slice(0, -1).reduce((object, key) => object[key], job)
        if (JSON.stringify(target[path.at(-1) ?? '']) === JSON.stringify(value)) return
        target[path.at(-1) ?? ''] = value
        const answer = await post(router, JSON.stringify(job))
        expect(
          isRefusal(answer),
          `${path.join('.')} = ${JSON.stringify(value)}: ${JSON.stringify(answer.body)}`,
        ).to.equal(true)
        expect(await account(router, payer.address)).to.deep.equal(before)
      }),
      seeded({ numRuns: RUNS }),
    )
    expect(worker.jobs).to.deep.equal([])
    expect(alarms()).to.deep.equal([])
    worker.die()
  })

  it('any path and query of a document is answered or refused by name', async () => {
    const places = fc.constantFrom(
      'pods',
      'nodes',
      'accounts',
      'receipts',
      'batches',
      'batches/1/parts',
      'quote',
      'network',
      'feedback',
      '',
    )
    const words = fc.string({ maxLength: 30 }).map(encodeURIComponent)

    await fc.assert(
      fc.asyncProperty(places, words, words, words, async (place, part, key, value) => {
        const response = await fetch(
          `${router.url}/v1/${place}/${part}?${key}=${value}&limit=${value}&pod=${part}&batch=${value}`,
        )
        const body = await response.text()
        expect(response.status, `${place}/${part}: ${body}`).to.be.lessThan(500)
      }),
      seeded({ numRuns: RUNS }),
    )
    expect(alarms()).to.deep.equal([])
  })

  it('a link that sends any bytes is closed, and the others go on', async () => {
    const good = await testWorker(stage, router)
    const identity = await stage.market.node()

    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
        const noisy = await testWorker(stage, router, { identity })
        noisy.raw(bytes)
        // Whole frames among them may be harmless; then it lives on.
        noisy.raw(new Uint8Array([0xff, 0xff]))
        await until('it is closed', () => noisy.closed !== undefined)
        expect(noisy.closed?.code).to.equal(4000)
      }),
      seeded({ numRuns: Math.ceil(RUNS / 5) }),
    )
    expect((await post(router, payer.job())).status).to.equal(200)
    good.die()
    expect(alarms()).to.deep.equal([])
  })

  it('a worker that says anything about a job is paid only for what holds', async () => {
    const worker = await testWorker(stage, router, { behave: () => {}, slots: 4 })
    const types = fc.constantFrom<FrameType>(
      FRAME.chunk,
      FRAME.receipt,
      FRAME.fail,
      FRAME.slots,
      FRAME.heartbeat,
    )
    const payloads = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.jsonValue({ maxDepth: 2 }).map(jsonPayload),
      fc
        .record({
          code: fc.string({ maxLength: 30 }),
          kind: fc.constantFrom('refused', 'later', 'bug', 7),
          message: fc.jsonValue(),
        })
        .map(jsonPayload),
      fc.constant('a good receipt' as const),
    )
    const says = fc.array(fc.tuple(types, payloads), { minLength: 1, maxLength: 6 })
    let current: TestWorker = worker
    const came = { paid: 0, refused: 0 }

    await fc.assert(
      fc.asyncProperty(says, async (frames) => {
        if (current.closed) current = await current.again()
        const before = await account(router, payer.address)
        let paid: bigint | undefined
        current.behave = (job: WorkerJob) => {
          for (const [type, payload] of frames) {
            if (payload === 'a good receipt') {
              const signed = job.sign(job.honest())
              paid ??= job.sent > 0 ? signed.receipt.price : undefined
              job.sendReceipt(signed)
            } else if (type === FRAME.chunk) job.chunk(payload)
            else current.raw(encodeFrames([{ job: type === FRAME.slots ? 0 : job.job, type, payload }]))
          }
          job.fail('worker.done')
        }
        const answer = await post(router, payer.job({ request: { node: current.node } }))
        const charged = (await account(router, payer.address)).charged - before.charged

        if (answer.status === 200) {
          came.paid += 1
          expect(charged).to.equal(paid)
        } else {
          came.refused += 1
          expect(charged, `charged for ${codeOf(answer)}`).to.equal(0n)
          expect(codeOf(answer)).to.not.equal('unexpected')
        }
        expect((await account(router, payer.address)).held).to.equal(0n)
        if (!current.closed) current.slots([{}, {}, {}, {}])
      }),
      seeded({ numRuns: RUNS }),
    )
    expect(came.paid, 'paid').to.be.greaterThan(0)
    expect(came.refused, 'refused').to.be.greaterThan(0)
    current.behave = answers()
    if (current.closed) current = await current.again()
    expect((await post(router, payer.job())).status).to.equal(200)
    expect(alarms()).to.deep.equal([])
    current.die()
  })
})
