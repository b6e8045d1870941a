import { expect } from 'chai'
import { createSigner, fastKeccak, recoverSigner } from '../../sdk/native.ts'
import { toHex } from '../../sdk/protocol/bytes.ts'
import { FRAME, jsonPayload } from '../../sdk/protocol/frames.ts'
import { countersignedSchema } from '../../sdk/protocol/wire.ts'
import {
  account,
  codeOf,
  http,
  nowSeconds,
  openStage,
  type Payer,
  pause,
  post,
  randomHash,
  receiptOf,
  type Stage,
  stream,
  type TestRouter,
  USD,
  until,
} from './stage.ts'
import { answers, type TestWorker, testWorker, type WorkerJob, type WorkerOptions } from './worker.ts'

const ANSWER = '{"text":"one "}\n{"text":"two"}\n{"finish":"stop"}\n'
/** 3 units in and 5 out at 1000 and 4000 per 1000. */
const PRICE = 23n
/** The most that `words` may answer. */
const WORDS_BYTES = 1_048_576

describe('the router, with a real chain and a real link', function () {
  this.timeout(600_000)

  let stage: Stage
  let router: TestRouter
  let payer: Payer
  const workers: TestWorker[] = []

  before(async () => {
    stage = await openStage()
    router = await stage.router({ limits: { ejectAfter: 100, stalledClientMs: 1_500, leaseMs: 1 } })
    payer = await stage.payer(100n * USD)
  })
  afterEach(async () => {
    for (const worker of workers.splice(0)) worker.die()
    await until('no worker is left', async () => (await liveNodes()) === 0)
  })
  after(() => stage?.close())

  async function liveNodes(): Promise<number> {
    const { body } = await http(`${router.url}/v1/nodes`)
    return (body.nodes as { state: string }[]).filter((node) => node.state !== 'offline').length
  }

  /** Registering takes blocks: nodes are used again by later tests, unless one needs a node without a past. */
  const identities: Awaited<ReturnType<Stage['market']['node']>>[] = []

  async function worker(options: WorkerOptions = {}): Promise<TestWorker> {
    const place = workers.length
    identities[place] ??= await stage.market.node()
    const identity = options.identity ?? identities[place]
    const started = await testWorker(stage, router, { ...options, ...(identity ? { identity } : {}) })
    workers.push(started)
    return started
  }

  /** What the payer owes and holds must not have changed by a failed call. */
  async function costsNothing<T>(call: () => Promise<T>): Promise<T> {
    const before = await account(router, payer.address)
    const result = await call()
    expect(await account(router, payer.address)).to.deep.equal(before)
    return result
  }

  const hashOf = (job: Record<string, unknown>) => (job.voucher as { request: string }).request

  describe('a call that goes well', () => {
    it('is answered whole, with the node’s receipt and the router’s acknowledgement of the running total', async () => {
      await worker()
      const before = await account(router, payer.address)

      const answer = await post(router, payer.job())
      const { request: _, mediaType, output, ...signed } = answer.body
      const { receipt, signature, ack, ackSignature } = countersignedSchema.parse(signed)

      expect(answer.status).to.equal(200)
      expect(mediaType).to.equal('application/x-ndjson')
      expect(Buffer.from(String(output), 'base64').toString()).to.equal(ANSWER)
      expect(receipt).to.include({ price: PRICE, length: BigInt(ANSWER.length), end: 0 })
      expect(ack).to.include({
        charged: before.charged + PRICE,
        count: before.count + 1n,
        payer: payer.address,
      })
      expect(recoverSigner(stage.hasher.digest('Ack', ack), ackSignature)).to.equal(
        stage.market.router.address,
      )
      expect(recoverSigner(stage.hasher.digest('Receipt', receipt), signature)).to.not.equal(undefined)
      expect(await account(router, payer.address)).to.deep.include({ charged: ack.charged, held: 0n })
    })

    it('is streamed in order: accepted, chunks, and the receipt after the last byte', async () => {
      const one = await worker()
      const job = payer.job()

      const call = stream(router, job)
      await call.done

      expect(call.events[0]).to.deep.include({ event: 'accepted' })
      expect(call.events[0]?.data).to.include({ node: one.node, request: hashOf(job) })
      expect(call.events.at(-1)?.event).to.equal('receipt')
      expect(call.bytes.toString()).to.equal(ANSWER)
      await until('the worker may forget its receipt', () => one.received.includes(hashOf(job)))
    })

    it('is told to the node as received, so that it is not repeated for ever', async () => {
      const one = await worker()
      const job = payer.job()

      await post(router, job)

      await until('received', () => one.received.includes(hashOf(job)))
    })

    it('may stream more than the window, as fast as the client reads', async () => {
      const size = 190_000
      const one = await worker({ behave: () => {} })
      const call = stream(router, payer.job())
      const job = await one.nextJob()
      for (let sent = 0; sent < size; sent += 1_000) {
        await until('credit', () => job.sent + 1_000 <= 65_536 + job.credit)
        job.chunk('x'.repeat(1_000))
      }
      job.finish()
      await call.done

      expect(call.bytes.length).to.equal(size)
      expect(call.of('receipt')).to.have.length(1)
    })

    it('shows its whole life under its request hash', async () => {
      await worker()
      const job = payer.job()
      expect((await receiptOf(router, hashOf(job))).status).to.equal(404)

      await post(router, job)
      const { body } = await receiptOf(router, hashOf(job))

      expect(body).to.include({ status: 'receipted', hash: hashOf(job), payer: payer.address })
      const split = body.split as Record<string, string>
      expect(Object.values(split).reduce((sum, part) => sum + BigInt(part), 0n)).to.equal(PRICE)
      expect((body.leaf as { request: string }).request).to.equal(hashOf(job))
    })
  })

  describe('the same request again', () => {
    it('gives the stored answer in either form, and charges once', async () => {
      const one = await worker()
      const job = payer.job()
      const first = await post(router, job)
      const charged = (await account(router, payer.address)).charged

      const again = await post(router, job)
      const streamed = stream(router, job)
      await streamed.done

      expect(again.body).to.deep.equal(first.body)
      expect(streamed.bytes.toString()).to.equal(ANSWER)
      expect(streamed.of('accepted')[0]?.data.request).to.equal(hashOf(job))
      expect(one.jobs).to.have.length(1)
      expect((await account(router, payer.address)).charged).to.equal(charged)
    })

    it('joins the call in flight: whole answers wait, streams get the bytes so far and go on', async () => {
      const one = await worker({ behave: () => {} })
      const job = payer.job()
      const first = stream(router, job)
      const running = await one.nextJob()
      running.chunk('abc')
      await until('the first bytes', () => first.bytes.length === 3)

      const second = stream(router, job)
      const whole = post(router, job)
      await until('the same bytes again', () => second.bytes.length === 3)
      running.chunk('def')
      running.finish()
      await Promise.all([first.done, second.done])

      expect([first.bytes.toString(), second.bytes.toString()]).to.deep.equal(['abcdef', 'abcdef'])
      expect(Buffer.from(String((await whole).body.output), 'base64').toString()).to.equal('abcdef')
      expect(one.jobs).to.have.length(1)
    })

    it('twenty at once are one call', async () => {
      const one = await worker()
      const job = payer.job()

      const all = await Promise.all(Array.from({ length: 20 }, () => post(router, job)))

      expect(new Set(all.map((answer) => JSON.stringify(answer.body))).size).to.equal(1)
      expect(one.jobs).to.have.length(1)
    })

    it('with the same id and another body is refused, also while the first is in flight', async () => {
      const one = await worker({ behave: () => {} })
      const id = randomHash()
      const first = post(router, payer.job({ request: { id } }))
      const running = await one.nextJob()

      const during = await post(router, payer.job({ request: { id, maxPrice: 501n } }))
      running.chunk('x')
      running.finish()
      await first
      const afterwards = await post(router, payer.job({ request: { id, maxPrice: 501n } }))

      expect([during.status, codeOf(during)]).to.deep.equal([409, 'request.id_reused'])
      expect([afterwards.status, codeOf(afterwards)]).to.deep.equal([409, 'request.id_reused'])
    })

    it('after a failure that time mends runs again, under the same hold rules', async () => {
      const one = await worker({ behave: (job) => job.fail('engine.broken') })
      const job = payer.job()
      const failed = await costsNothing(() => post(router, job))
      expect([failed.status, codeOf(failed)]).to.deep.equal([502, 'node.failed'])

      one.behave = answers()
      const answer = await post(router, job)

      expect(answer.status).to.equal(200)
      expect(one.jobs.map((each) => each.attempt)).to.deep.equal([1, 2])
    })

    it('after a refusal gives the same refusal', async () => {
      const one = await worker({ behave: (job) => job.fail('input.invalid', 'refused') })
      const job = payer.job()

      const first = await post(router, job)
      const again = await post(router, job)

      expect([first.status, codeOf(first)]).to.deep.equal([400, 'input.invalid'])
      expect(again.body).to.deep.equal(first.body)
      expect(one.jobs).to.have.length(1)
    })
  })

  describe('a call that must not be served', () => {
    type Case = [status: number, code: string, job: () => unknown | Promise<unknown>]
    const other = createSigner(toHex(fastKeccak(new Uint8Array([1]))))
    const cases: Case[] = [
      [400, 'request.malformed', () => '{"chainId":'],
      [400, 'request.malformed', () => 'null'],
      [400, 'request.malformed', () => ({})],
      [413, 'body.too_large', () => JSON.stringify({ input: 'x'.repeat(1024 * 1024) })],
      [400, 'chain.wrong', () => payer.job({ chainId: 1 })],
      [400, 'router.wrong', () => payer.job({ voucher: { router: other.address } })],
      [404, 'pod.unknown', () => payer.job({ request: { pod: 999 } })],
      [409, 'manifest.wrong', () => payer.job({ request: { manifest: randomHash() } })],
      [404, 'frontend.unknown', () => payer.job({ request: { frontend: 999 } })],
      [400, 'input.mismatch', () => payer.job({ request: { input: randomHash() } })],
      [413, 'input.too_large', () => payer.job({ input: `"${'x'.repeat(8192)}"` })],
      [401, 'signature.invalid', () => payer.job({ signer: other })],
      [401, 'signature.malleable', () => highS(payer.job())],
      [400, 'voucher.mismatch', () => payer.job({ voucher: { request: randomHash() } })],
      [400, 'voucher.expired', () => payer.job({ voucher: { expiry: nowSeconds() - 1 } })],
      [400, 'voucher.expiry_out_of_range', () => payer.job({ voucher: { expiry: nowSeconds() + 3600 } })],
      [402, 'voucher.ceiling_low', () => freshPayer((fresh) => fresh.job({ voucher: { ceiling: 499n } }))],
      [400, 'voucher.ceiling_too_high', () => payer.job({ voucher: { ceiling: 2n ** 64n } })],
      [402, 'price.too_low', () => payer.job({ request: { maxPrice: 30n } })],
      [
        400,
        'price.too_high',
        () => payer.job({ request: { maxPrice: 2n ** 48n }, voucher: { ceiling: 2n ** 60n } }),
      ],
      [402, 'credit.insufficient', () => freshPayer((fresh) => fresh.job(), 499n)],
      [402, 'credit.thawing', () => freshPayer((fresh) => fresh.job(), USD, true)],
      [400, 'request.expired', () => payer.job({ request: { deadline: nowSeconds() - 1 } })],
      [503, 'node.unavailable', () => payer.job({ pod: stage.pod('gpu-only') })],
      [503, 'node.unavailable', () => payer.job({ request: { node: 9999 } })],
    ]

    async function freshPayer(make: (fresh: Payer) => unknown, amount = USD, thaw = false): Promise<unknown> {
      const fresh = await stage.payer(amount)
      if (thaw) await stage.thaw(fresh, 1n)
      return make(fresh)
    }

    for (const [status, code, job] of cases) {
      it(`is refused with ${status} ${code}, says what to do, costs nothing and leaves no trace`, async () => {
        const one = await worker()
        const sent = await job()

        const answer = await costsNothing(() => post(router, sent))

        expect([answer.status, codeOf(answer)]).to.deep.equal([status, code])
        const error = answer.body.error as { fix?: string; message: string; kind: string }
        expect(error.message).to.be.a('string').that.is.not.empty
        expect(error.fix ?? error.message).to.be.a('string').that.is.not.empty
        expect(one.jobs).to.deep.equal([])
        if (typeof sent === 'object' && sent !== null && 'voucher' in sent) {
          expect((await receiptOf(router, hashOf(sent as Record<string, unknown>))).status).to.equal(404)
        }
        if (status === 503) expect(Number(answer.headers.get('retry-after'))).to.be.greaterThan(0)
      })
    }

    it('a deposit that has just been made is seen before anybody is refused', async () => {
      await worker()
      const fresh = await stage.payer(0n)
      expect(codeOf(await post(router, fresh.job()))).to.equal('credit.insufficient')
      await pause(150)
      await stage.deposit(fresh, USD)

      expect((await post(router, fresh.job())).status).to.equal(200)
    })

    it('a second call over the same last credit is refused while the first one holds it', async () => {
      const one = await worker({ behave: () => {} })
      const fresh = await stage.payer(700n)
      const first = post(router, fresh.job())
      const running = await one.nextJob()

      const second = await post(router, fresh.job())
      expect([second.status, codeOf(second)]).to.deep.equal([402, 'credit.insufficient'])
      expect(second.body.error).to.deep.include({ details: { available: '200', missing: '300' } })

      running.chunk('x')
      running.finish()
      expect((await first).status).to.equal(200)
      expect(await account(router, fresh.address)).to.include({ held: 0n, available: 700n - PRICE })
    })

    it('two calls at the same instant cannot pass on the same credit', async () => {
      await worker({ slots: 8 })
      const fresh = await stage.payer(1_100n)

      const all = await Promise.all(Array.from({ length: 6 }, () => post(router, fresh.job())))
      const codes = all.map(codeOf).filter((code) => code !== 'status 200')

      expect(codes.every((code) => code === 'credit.insufficient')).to.equal(true)
      const { charged } = await account(router, fresh.address)
      expect(charged).to.equal(PRICE * BigInt(6 - codes.length))
    })

    it('one payer cannot have more calls in flight than one payer may; the others are not kept out', async () => {
      const small = await stage.router({ limits: { jobsPerPayer: 2 } })
      const one = await testWorker(stage, small, { slots: 4, behave: () => {} })
      const fresh = await stage.payer(USD)
      const held = [post(small, fresh.job()), post(small, fresh.job())]
      await until('both run', () => one.jobs.length === 2)

      const third = await post(small, fresh.job())
      const somebody = post(small, payer.job())
      await until('another payer is served', () => one.jobs.length === 3)

      expect([third.status, codeOf(third)]).to.deep.equal([429, 'queue.full'])
      expect(Number(third.headers.get('retry-after'))).to.be.greaterThan(0)
      for (const job of one.jobs) {
        job.chunk('x')
        job.finish()
      }
      expect((await Promise.all([...held, somebody])).map((answer) => answer.status)).to.deep.equal([
        200, 200, 200,
      ])
      await small.stop()
    })

    it('a full queue is refused with the time to come back', async () => {
      const small = await stage.router({ limits: { queuePerPod: 1 } })
      const one = await testWorker(stage, small, { behave: () => {} })
      const held = [post(small, payer.job())]
      await one.nextJob()
      for (let index = 0; index < 4; index += 1) {
        held.push(post(small, payer.job()))
        await pause(50)
      }

      const refused = await post(small, payer.job())

      expect([refused.status, codeOf(refused)]).to.deep.equal([429, 'queue.full'])
      expect(refused.body.error).to.have.nested.property('details.retryAfterSeconds')
      one.behave = answers()
      one.jobs[0]?.chunk('x')
      one.jobs[0]?.finish()
      expect((await Promise.all(held)).map((answer) => answer.status)).to.deep.equal([
        200, 200, 200, 200, 200,
      ])
      await small.stop()
    })
  })

  describe('a node that misbehaves', () => {
    it('that fails before the first byte is taken over by another one, once', async () => {
      const bad = await worker({ behave: (job) => job.fail('engine.broken') })
      const good = await worker({ behave: answers() })
      bad.slots([{ loadMs: 1 }])

      const nodes = new Set<unknown>()
      for (let index = 0; index < 6; index += 1) {
        const answer = await post(router, payer.job())
        expect(answer.status).to.equal(200)
        nodes.add((answer.body.receipt as { node: number }).node)
      }

      expect([...nodes]).to.deep.equal([good.node])
    })

    it('that fails on both nodes is told as node.failed and costs nothing', async () => {
      await worker({ behave: (job) => job.fail('engine.broken') })
      await worker({ behave: (job) => job.fail('engine.broken') })

      const answer = await costsNothing(() => post(router, payer.job()))

      expect([answer.status, codeOf(answer)]).to.deep.equal([502, 'node.failed'])
    })

    it('that never answers runs into the time of its pod', async () => {
      await worker({ pods: [stage.pod('quick')], behave: () => {} })

      const answer = await costsNothing(() => post(router, payer.job({ pod: stage.pod('quick') })))

      expect([answer.status, codeOf(answer)]).to.deep.equal([504, 'job.timeout'])
    })

    it('that never answers is taken over in time by one that does', async () => {
      const taken: WorkerJob[] = []
      const behave = (job: WorkerJob) => {
        taken.push(job)
        if (taken.length > 1) answers()(job)
      }
      const options = { pods: [stage.pod('quick')], behave }
      const both = [await worker(options), await worker(options)]

      const { body } = await post(router, payer.job({ pod: stage.pod('quick') }))

      const [silent, good] = taken.map((job) => both.find(({ jobs }) => jobs.includes(job))?.node)
      expect((body.receipt as { node: number }).node).to.equal(good)
      expect(good).to.not.equal(silent)
      await until('the silent one was told to stop', () => taken[0]?.cancelled === true)
    })

    it('that dies before the first byte is taken over by another one', async () => {
      const dying = await worker({ behave: () => {} })
      const answer = post(router, payer.job())
      await dying.nextJob()
      const good = await worker()

      dying.die()

      expect(((await answer).body.receipt as { node: number }).node).to.equal(good.node)
    })

    it('that dies in the middle of a stream ends it with an error, and nothing is owed', async () => {
      const dying = await worker({ behave: () => {} })
      await worker()

      const call = await costsNothing(async () => {
        const streamed = stream(router, payer.job({ request: { node: dying.node } }))
        const job = await dying.nextJob()
        job.chunk('half of ')
        await until('the first bytes', () => streamed.bytes.length > 0)
        dying.die()
        await streamed.done
        return streamed
      })

      expect(call.bytes.toString()).to.equal('half of ')
      expect(call.events.at(-1)).to.deep.include({ event: 'error' })
      expect(call.events.at(-1)?.data).to.include({ code: 'node.failed', kind: 'later' })
    })

    it('that dies in the middle of a whole answer is taken over: nobody has seen a byte', async () => {
      const dying = await worker({ behave: () => {} })
      const answer = post(router, payer.job())
      const job = await dying.nextJob()
      job.chunk('half of ')
      const good = await worker()
      await pause(50)

      dying.die()

      const { body } = await answer
      expect((body.receipt as { node: number }).node).to.equal(good.node)
      expect(Buffer.from(String(body.output), 'base64').toString()).to.equal(ANSWER)
    })

    it('that loses its link in the middle of a stream may come back and go on where it was', async () => {
      const one = await worker({ behave: () => {} })
      const call = stream(router, payer.job())
      const job = await one.nextJob()
      job.chunk('{"text":"one "}\n')
      await until('the first bytes', () => call.bytes.length > 0)

      one.die()
      one.behave = answers()
      workers.push(await one.again())
      await call.done

      expect(call.bytes.toString()).to.equal(ANSWER)
      expect(call.of('receipt')).to.have.length(1)
    })

    it('that comes back with another answer than it began is refused', async () => {
      const one = await worker({ behave: () => {} })
      const call = await costsNothing(async () => {
        const streamed = stream(router, payer.job())
        const job = await one.nextJob()
        job.chunk('{"text":"six "}\n')
        await until('the first bytes', () => streamed.bytes.length > 0)
        one.die()
        one.behave = answers()
        workers.push(await one.again())
        await streamed.done
        return streamed
      })

      expect(call.events.at(-1)?.data).to.include({ code: 'node.failed' })
      expect(call.bytes.toString()).to.equal('{"text":"six "}\n')
    })

    it('whose receipt was cut off repeats it, and the answer that was delivered is paid', async () => {
      const one = await worker({ behave: () => {} })
      const call = stream(router, payer.job())
      const job = await one.nextJob()
      job.chunk(ANSWER)
      await until('all bytes', () => call.bytes.length === ANSWER.length)
      const signed = job.sign(job.honest())
      one.die()
      // It does not start over: it only repeats what it has signed.
      one.behave = () => {}
      const back = await one.again()
      workers.push(back)
      back.send(0, FRAME.receipt, jsonPayload(signed))
      const again = await back.nextJob()
      again.chunk(ANSWER)
      again.send(FRAME.receipt, jsonPayload(signed))
      await call.done

      expect(call.of('receipt')[0]?.data).to.deep.include({ signature: signed.signature })
      await until('received', () => back.received.includes(job.hash))
    })

    const lies: [string, (job: Parameters<TestWorker['behave']>[0]) => void, string][] = [
      ['signs for other bytes', (job) => job.finish({ output: randomHash() }), 'receipt.output_wrong'],
      ['signs for more bytes', (job) => job.finish({ length: 4_000n }), 'receipt.length_wrong'],
      ['signs for another request', (job) => job.finish({ request: randomHash() }), 'receipt.request_wrong'],
      ['signs as another node', (job) => job.finish({ node: 4_000 }), 'receipt.node_wrong'],
      ['asks another price', (job) => job.finish({ price: 24n }), 'receipt.price_wrong'],
      [
        'counts more units than the pod allows',
        (job) => job.finish({ unitsOut: 65n }),
        'receipt.units_over_limit',
      ],
      ['says that the client left', (job) => job.finish({ end: 1 }), 'receipt.end_wrong'],
      ['lives in another time', (job) => job.finish({ completedAt: 1 }), 'receipt.time_wrong'],
    ]
    for (const [what, lie, reason] of lies) {
      it(`that ${what} is not paid, and the client is told`, async () => {
        await worker({
          behave: (job) => {
            job.chunk(ANSWER)
            lie(job)
          },
        })

        const answer = await costsNothing(() => post(router, payer.job()))

        expect([answer.status, codeOf(answer)]).to.deep.equal([502, 'node.failed'])
        expect(answer.body.error).to.have.nested.property('details.reason', reason)
      })
    }

    it('that signs with another key is not paid', async () => {
      const other = createSigner(toHex(fastKeccak(new Uint8Array([2]))))
      await worker({
        behave: (job) => {
          job.chunk(ANSWER)
          job.send(FRAME.receipt, jsonPayload(job.sign(job.honest(), other)))
        },
      })

      const answer = await costsNothing(() => post(router, payer.job()))

      expect(answer.body.error).to.have.nested.property('details.reason', 'receipt.signature_invalid')
    })

    it('that signs for nothing is not paid', async () => {
      await worker({ behave: (job) => void job.finish() })

      const answer = await costsNothing(() => post(router, payer.job()))

      expect(answer.body.error).to.have.nested.property('details.reason', 'receipt.empty')
    })

    it('that truncates what it sent earns nothing', async () => {
      await worker({
        behave: (job) => {
          job.chunk(ANSWER)
          const short = ANSWER.slice(0, 10)
          job.finish({ length: 10n, output: toHex(fastKeccak(new TextEncoder().encode(short))) })
        },
      })

      const answer = await costsNothing(() => post(router, payer.job()))

      expect(codeOf(answer)).to.equal('node.failed')
    })

    it('that sends past its credit is stopped', async () => {
      const one = await worker({ behave: (job) => job.chunk(new Uint8Array(65_537)) })

      const answer = await costsNothing(() => post(router, payer.job()))

      expect(codeOf(answer)).to.equal('node.failed')
      await until('it was told to stop', () => one.jobs[0]?.cancelled === true)
    })

    it('that sends more than its pod allows is stopped', async () => {
      const one = await worker({ behave: () => {} })

      const answer = await costsNothing(async () => {
        const call = post(router, payer.job())
        const job = await one.nextJob()
        for (let sent = 0; sent <= WORDS_BYTES; sent += 50_000) {
          await until('credit', () => job.cancelled || job.sent + 50_000 <= 65_536 + job.credit)
          job.chunk(new Uint8Array(50_000))
        }
        return call
      })

      expect(codeOf(answer)).to.equal('node.failed')
    })

    it('that sends a receipt that is none is not paid', async () => {
      await worker({
        behave: (job) => {
          job.chunk(ANSWER)
          job.send(FRAME.receipt, jsonPayload({ receipt: 'trust me' }))
        },
      })

      expect(codeOf(await costsNothing(() => post(router, payer.job())))).to.equal('node.failed')
    })

    it('that refuses the input speaks for the client’s error, which keeps its code', async () => {
      const one = await worker({ behave: (job) => job.fail('input.too_long', 'refused') })

      const answer = await costsNothing(() => post(router, payer.job()))

      expect([answer.status, codeOf(answer)]).to.deep.equal([400, 'input.too_long'])
      expect(one.jobs).to.have.length(1)
    })

    it('cannot speak with another error of the router', async () => {
      await worker({ behave: (job) => job.fail('credit.insufficient', 'refused') })

      expect(codeOf(await costsNothing(() => post(router, payer.job())))).to.equal('node.failed')
    })

    it('that is busy against its word loses nothing by it', async () => {
      const identity = await stage.market.node()
      const busy = await worker({ identity, behave: (job) => job.fail('slot.busy') })
      const answer = post(router, payer.job())
      await busy.nextJob()

      expect(codeOf(await answer)).to.equal('node.failed')
      const { body } = await http(`${router.url}/v1/nodes`)
      expect((body.nodes as { id: number }[]).find((node) => node.id === busy.node)).to.include({
        failures: 0,
      })
    })

    it('that fails again and again is ejected, proves itself with one job, and is one of us again', async () => {
      // A router that has just started waits for nodes; this one does not.
      const strict = await stage.router({ limits: { ejectAfter: 2, ejectMs: 8_000, leaseMs: 1 } })
      const one = await testWorker(stage, strict, { slots: 2, behave: (job) => job.fail('engine.broken') })
      await post(strict, payer.job())
      await post(strict, payer.job())

      const during = await post(strict, payer.job())
      expect([during.status, codeOf(during)]).to.deep.equal([503, 'node.unavailable'])
      expect(one.jobs).to.have.length(2)

      await pause(8_100)
      one.behave = answers()
      expect((await post(strict, payer.job())).status).to.equal(200)
      const { body } = await http(`${strict.url}/v1/nodes`)
      expect((body.nodes as { id: number }[]).find((node) => node.id === one.node)).to.include({
        state: 'live',
        jobs: 1,
      })
      await strict.stop()
    })
  })

  describe('a client that leaves', () => {
    it('in the middle of a stream pays what was delivered, and no more', async () => {
      const one = await worker({ behave: () => {} })
      const before = await account(router, payer.address)
      const job = payer.job()
      const call = stream(router, job)
      const running = await one.nextJob()
      running.chunk('{"text":"one "}\n')
      await until('the first bytes', () => call.bytes.length > 0)

      call.leave()
      await until('the worker is told', () => running.cancelled)
      running.finish({ end: 1, unitsOut: 1n })
      await until(
        'it is accounted',
        async () => (await receiptOf(router, hashOf(job))).body.status === 'receipted',
      )

      const { body } = await receiptOf(router, hashOf(job))
      expect(body.receipt).to.include({ end: 1, length: '16', price: '10' })
      expect(await account(router, payer.address)).to.include({ charged: before.charged + 10n, held: 0n })
    })

    it('before the first byte of a stream owes nothing', async () => {
      const one = await worker({ behave: () => {} })
      const job = payer.job()

      await costsNothing(async () => {
        const call = stream(router, job)
        const running = await one.nextJob()
        call.leave()
        await until('the worker is told', () => running.cancelled)
        running.fail('job.cancelled')
        await until(
          'it has failed',
          async () => (await receiptOf(router, hashOf(job))).body.status === 'failed',
        )
      })

      expect((await receiptOf(router, hashOf(job))).body.error).to.include({ code: 'job.abandoned' })
    })

    it('while a whole answer is made owes nothing, even if the node signs for it', async () => {
      const one = await worker({ behave: () => {} })
      const job = payer.job()
      const abort = new AbortController()

      await costsNothing(async () => {
        post(router, job, { signal: abort.signal }).catch(() => {})
        const running = await one.nextJob()
        running.chunk(ANSWER)
        abort.abort()
        await until('the worker is told', () => running.cancelled)
        running.finish()
        await until('the node may forget it', () => one.received.includes(running.hash))
        await until(
          'it has failed',
          async () => (await receiptOf(router, hashOf(job))).body.status === 'failed',
        )
      })
    })

    it('while it waits for a slot gives its place away', async () => {
      const one = await worker({ behave: () => {} })
      const first = post(router, payer.job())
      const running = await one.nextJob()
      const job = payer.job()
      const call = stream(router, job)
      await until('it waits', async () => (await receiptOf(router, hashOf(job))).body.status === 'admitted')

      call.leave()
      await until(
        'it is forgotten',
        async () => (await receiptOf(router, hashOf(job))).body.status === 'failed',
      )
      running.chunk('x')
      running.finish()

      expect((await first).status).to.equal(200)
      expect(one.jobs).to.have.length(1)
    })

    it('and whose node ignores it holds nobody up: another listener still gets the answer', async () => {
      const one = await worker({ behave: () => {} })
      const job = payer.job()
      const [stays, leaves] = [stream(router, job), stream(router, job)]
      const running = await one.nextJob()
      running.chunk('abc')
      await until('both have bytes', () => stays.bytes.length === 3 && leaves.bytes.length === 3)

      leaves.leave()
      await pause(50)
      running.chunk('def')
      running.finish()
      await stays.done

      expect(running.cancelled).to.equal(false)
      expect(stays.of('receipt')).to.have.length(1)
    })

    it('that reads nothing any more stops its worker at the window, and has left after a while', async () => {
      const flood = stage.pod('flood')
      const one = await worker({ pods: [flood], behave: () => {} })
      const before = await account(router, payer.address)
      const job = payer.job({ pod: flood })
      const slow = await stage.stalledClient(router, job)
      const running = await one.nextJob()
      const mayGoOn = () => running.sent <= 65_536 + running.credit - 32_768
      // The sockets of both sides hold some megabytes; then credit stops.
      let waitedMs = 0
      while (waitedMs < 500) {
        if (mayGoOn()) {
          running.flood(32_768)
          waitedMs = 0
        } else {
          await pause(2)
          waitedMs += 2
        }
      }

      expect(running.sent).to.be.lessThan(48 * 1024 * 1024)
      await until('the router gives up on it', () => running.cancelled)
      running.finish({ end: 1 })
      await until(
        'it is accounted',
        async () => (await receiptOf(router, hashOf(job))).body.status === 'receipted',
      )
      slow.destroy()
      expect((await account(router, payer.address)).charged).to.equal(before.charged + PRICE)
    })
  })

  describe('a worker’s link', () => {
    const refusedWith = async (options: WorkerOptions): Promise<string | undefined> => {
      const one = await testWorker(stage, router, { ...options, expectRefusal: true })
      await until('it is closed', () => one.closed !== undefined)
      return one.closed?.reason
    }

    it('is refused to another key than the Registry names', async () => {
      const { id } = await stage.market.node()

      expect(
        await refusedWith({ identity: { id, signerKey: toHex(fastKeccak(new Uint8Array([3]))) } }),
      ).to.equal('signature.invalid')
    })

    it('is refused to a node that nobody registered', async () => {
      expect(
        await refusedWith({ identity: { id: 4_000, signerKey: toHex(fastKeccak(new Uint8Array([4]))) } }),
      ).to.equal('node.unknown')
    })

    it('is refused to an answer to another challenge', async () => {
      expect(
        await refusedWith({ challenge: (given) => ({ ...given, nonce: 'another nonce than given' }) }),
      ).to.equal('signature.invalid')
    })

    it('admits a node that was registered a moment ago', async () => {
      const one = await worker({ identity: await stage.market.node() })

      expect((await post(router, payer.job())).status).to.equal(200)
      expect(one.jobs).to.have.length(1)
    })

    it('is replaced by a newer one of the same node, and its call goes on there', async () => {
      const one = await worker({ behave: () => {} })
      const answer = post(router, payer.job({ request: { node: one.node } }))
      await one.nextJob()

      const newer = await one.again()
      workers.push(newer)
      await until('the older one is closed', () => one.closed?.code === 4001)

      // Pinned to this node, so nobody else may take it over.
      expect(codeOf(await answer)).to.equal('node.failed')
      newer.behave = answers()
      expect((await post(router, payer.job())).status).to.equal(200)
    })

    it('ends when its node gets another signer', async () => {
      const identity = await stage.market.node()
      const one = await worker({ identity })

      await stage.replaceSigner(identity)

      await until('it is closed', () => one.closed !== undefined)
      expect(one.closed?.code).to.equal(4003)
    })

    it('ends on frames that are none', async () => {
      const one = await worker()

      one.raw(new Uint8Array([1, 2, 3]))

      await until('it is closed', () => one.closed?.code === 4000)
    })

    it('ends on frames that only a router sends', async () => {
      const one = await worker()

      one.send(0, FRAME.ready, jsonPayload({}))

      await until('it is closed', () => one.closed?.code === 4000)
    })

    it('ends when it is silent', async () => {
      const one = await worker()
      one.mute()

      await until('it is closed', () => one.closed?.code === 4002)
    })
  })

  describe('the documents', () => {
    it('describe the network, the pods and their manifests byte for byte', async () => {
      const network = await http(`${router.url}/v1/network`)
      const pods = await http(`${router.url}/v1/pods`)
      const raw = await fetch(`${router.url}/v1/pods/words/manifest`)
      const manifest = new Uint8Array(await raw.arrayBuffer())

      expect(network.body).to.deep.include({ chainId: stage.market.domain.chainId, podVoters: true })
      expect((network.body.router as { url: string }).url).to.equal(router.url)
      expect((pods.body.pods as { name: string }[]).map((pod) => pod.name).sort()).to.deep.equal([
        'flood',
        'gpu-only',
        'quick',
        'words',
      ])
      expect(toHex(fastKeccak(manifest))).to.equal(stage.pod('words').hash)
      expect(raw.headers.get('access-control-allow-origin')).to.equal('*')
    })

    it('quote what a call can cost, and how long it will wait', async () => {
      await worker({ slots: 2 })

      const { body } = await http(`${router.url}/v1/quote?pod=words&unitsIn=10&unitsOut=10`)

      expect(body).to.include({
        pod: stage.pod('words').id,
        maxPrice: '50',
        freeSlots: 2,
        pending: 0,
        expectedFirstByteMs: 0,
      })
    })

    it('say by name what they do not know', async () => {
      const codes = async (...paths: string[]) =>
        Promise.all(paths.map(async (path) => codeOf(await http(router.url + path))))

      expect(
        await codes(
          '/v1/pods/none',
          '/v1/quote?pod=none',
          '/v1/receipts/0x12',
          `/v1/receipts/${randomHash()}`,
          '/v1/batches/7',
          '/v1/none',
          '/v1/accounts/zero',
          '/v1/quote?pod=words&unitsIn=many',
        ),
      ).to.deep.equal([
        'pod.unknown',
        'pod.unknown',
        'request.malformed',
        'receipt.unknown',
        'batch.unknown',
        'route.unknown',
        'request.malformed',
        'request.malformed',
      ])
    })

    it('list the newest calls first', async () => {
      await worker()
      const jobs = [payer.job(), payer.job()]
      for (const job of jobs) await post(router, job)

      const { body } = await http(`${router.url}/v1/receipts?limit=2`)

      expect((body.receipts as { hash: string }[]).map((one) => one.hash)).to.deep.equal(
        jobs.map(hashOf).reverse(),
      )
    })

    it('are live: the feed tells of jobs and receipts as they happen', async () => {
      await worker()
      const abort = new AbortController()
      const response = await fetch(`${router.url}/v1/feed`, { signal: abort.signal })
      let seen = ''
      const reading = (async () => {
        for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>)
          seen += Buffer.from(piece).toString()
      })().catch(() => {})

      const job = payer.job()
      await post(router, job)

      await until(
        'the receipt is told',
        () => seen.includes('"type":"receipt"') && seen.includes(hashOf(job)),
      )
      abort.abort()
      await reading
    })

    it('tell the health of the house', async () => {
      expect((await http(`${router.url}/healthz`)).body).to.deep.equal({ ok: true })
      expect((await http(`${router.url}/readyz`)).body).to.deep.equal({ ready: true, reasons: [] })
      const metrics = await (await fetch(`${router.url}/metrics`)).text()
      expect(metrics).to.match(/heurist_calls_total\{outcome="ok"\} \d+/)
    })

    it('may be asked from any page: preflight included', async () => {
      const answer = await fetch(`${router.url}/v1/jobs`, { method: 'OPTIONS' })

      expect(answer.status).to.equal(204)
      expect(answer.headers.get('access-control-allow-origin')).to.equal('*')
    })
  })
})

/** The malleable twin of a job's signature. */
function highS(job: Record<string, unknown>): Record<string, unknown> {
  const signature = String(job.signature)
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
  const s = order - BigInt(`0x${signature.slice(66, 130)}`)
  const v = signature.endsWith('1b') ? '1c' : '1b'
  return { ...job, signature: `${signature.slice(0, 66)}${s.toString(16).padStart(64, '0')}${v}` }
}
