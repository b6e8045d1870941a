import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createCatalog } from '../../apps/gateway/catalog.ts'
import type { ImageInput } from '../../apps/gateway/images.ts'
import type { Payer } from '../../apps/gateway/payer.ts'
import { NAMED_LIFE_MS, openPictures, PICTURE_LIFE_MS } from '../../apps/gateway/pictures.ts'
import { aliasOf, IMAGE_MODELS } from '../../apps/gateway/wire/aliases.ts'
import { consumersOf } from '../../apps/gateway/wire/consumer.ts'
import { openJobs } from '../../apps/gateway/wire/jobs.ts'
import { KEPT_MS, openWireStore } from '../../apps/gateway/wire/store.ts'
import { later, refused } from '../../sdk/errors.ts'
import type { Answer, AnswerStream } from '../../sdk/index.ts'
import { rawPost } from './raw.ts'
import { MINER, NODE, openWireDoor, PNG, paid, painted, REQUEST, type WireDoor } from './wire-door.ts'

type Image = Payer['image']

describe("the gateway's Heurist API", function () {
  this.timeout(600_000)
  let door: WireDoor
  let drawn: ImageInput[]

  before(async () => {
    door = await openWireDoor()
  })
  after(() => door.close())
  beforeEach(() => {
    drawn = []
  })

  let count = 0
  const fresh = (prefix = 'sdk-image') => {
    count += 1
    return `${prefix}-${count.toString(16).padStart(10, '0')}`
  }
  const draws = (image: (...call: Parameters<Image>) => ReturnType<Image> = async () => painted) => {
    door.payer.image = (pod, input, options) => {
      drawn.push(input)
      return image(pod, input, options)
    }
  }
  /** A picture that is never ready, and whether its caller has left it. */
  const hangs = () => {
    const left: Promise<void>[] = []
    draws(
      (_, __, { signal }) =>
        new Promise((_, reject) => {
          left.push(
            new Promise((resolve) =>
              signal?.addEventListener('abort', () => {
                reject(refused('call.left', 'left'))
                resolve()
              }),
            ),
          )
        }),
    )
    return left
  }
  const sd = (id: string, more: object = {}, rest: object = {}) => ({
    job_id: id,
    model_input: { SD: { prompt: 'a red circle', ...more } },
    model_id: 'BrainDance',
    ...rest,
  })
  const json = async <T = Record<string, unknown>>(answer: Response | Promise<Response>) =>
    (await (await answer).json()) as T
  const eventually = async (holds: () => Promise<boolean> | boolean) => {
    for (let attempt = 0; attempt < 2_000; attempt += 1) {
      if (await holds()) return
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    throw new Error('it never came true')
  }

  describe('a picture job', () => {
    it('answers a JSON string: a URL that ends in {job_id}-{miner_id}.png and serves the picture', async () => {
      draws()
      const id = fresh()
      const answer = await door.post('/submit_job', sd(id))
      const text = await answer.clone().text()
      const url = await json<string>(answer)

      expect(text).to.equal(`"${url}"`)
      expect(url.replace(/[0-9a-f]{32}/, '*')).to.equal(`${door.url}/pictures/*/${id}-${MINER}.png`)
      expect(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(PNG)).to.equal(true)
      expect(answer.headers.get('x-heurist-pod')).to.equal('image')
      expect(answer.headers.get('x-heurist-receipt')).to.equal(REQUEST)
      expect(answer.headers.get('x-heurist-price')).to.equal('0.001200')
    })

    it('with only a prompt is run with all of the pod’s defaults', async () => {
      draws()
      await door.post('/submit_job', sd(fresh()))

      const { seed, ...rest } = drawn[0] ?? ({} as ImageInput)
      // defaults: { steps: 12, guidance: 2, size: 256x256 }, pods/image/pod.yaml
      expect(rest).to.deep.equal({ prompt: 'a red circle', size: '256x256', steps: 12, guidance: 2 })
      expect(seed).to.be.within(0, 2 ** 32 - 1)
    })

    it('says all seven values as it likes: one side keeps the proportions, a long seed is taken modulo 2^32', async () => {
      draws()
      const all = {
        neg_prompt: 'worst',
        num_iterations: 25,
        guidance_scale: 7.5,
        width: 512,
        height: 64,
        seed: 9,
      }
      const answer = await door.post(
        '/submit_job',
        sd(fresh(), all, { deadline: 30, priority: 1, model_type: 'SD' }),
      )
      await door.post('/submit_job', sd(fresh(), { height: 128, seed: 2 ** 32 + 5 }))
      await door.post('/submit_job', sd(fresh(), { seed: -1 }))
      await door.post('/submit_job', sd(fresh(), { seed: null, width: null }))

      expect(drawn[0]).to.deep.equal({
        prompt: 'a red circle',
        size: '512x64',
        steps: 25,
        guidance: 7.5,
        seed: 9,
      })
      expect(answer.headers.get('x-heurist-ignored')).to.equal('model_input.SD.neg_prompt')
      expect(drawn[1]).to.include({ size: '128x128', seed: 5 })
      for (const { seed } of drawn.slice(2)) expect(seed).to.be.within(0, 2 ** 32 - 1)
    })

    it('sent again answers the same picture and pays nothing', async () => {
      draws()
      const id = fresh()
      const first = await door.post('/submit_job', sd(id))
      const again = await door.post('/submit_job', sd(id))

      expect(await json<string>(again)).to.equal(await json<string>(first))
      expect(drawn.length).to.equal(1)
      expect(again.headers.get('x-heurist-repeated')).to.equal('true')
      expect(again.headers.get('x-heurist-price')).to.equal('0.000000')
    })

    it('sent again after a restart answers the same picture and pays nothing', async () => {
      draws()
      const id = fresh()
      const first = new URL(await json<string>(door.post('/submit_job', sd(id)))).pathname
      await door.restart()
      const again = await json<string>(door.post('/submit_job', sd(id)))

      expect(new URL(again).pathname).to.equal(first)
      expect((await fetch(again)).status).to.equal(200)
      expect(drawn.length).to.equal(1)
    })

    it('sent a hundred times at once is paid once', async () => {
      let finish: (() => void) | undefined
      draws(() => new Promise((resolve) => (finish = () => resolve(painted))))
      const id = fresh()
      const all = Array.from({ length: 100 }, () => door.post('/submit_job', sd(id)))
      await eventually(() => finish !== undefined)
      setTimeout(() => finish?.(), 200)
      const answers = await Promise.all(all)
      const prices = answers.map(({ headers }) => headers.get('x-heurist-price'))

      expect(new Set(await Promise.all(answers.map((each) => json<string>(each)))).size).to.equal(1)
      expect(drawn.length).to.equal(1)
      expect(prices.filter((price) => price === '0.001200').length).to.equal(1)
    })

    it('under the id of another is 409, finished or not', async () => {
      draws()
      const id = fresh()
      await door.post('/submit_job', sd(id))
      const finished = await door.post('/submit_job', sd(id, { seed: 1 }))
      const left = hangs()
      const open = fresh()
      const leaver = new AbortController()
      const first = fetch(`${door.url}/submit_job`, {
        method: 'POST',
        headers: { authorization: `Bearer ${door.key}`, 'content-type': 'application/json' },
        body: JSON.stringify(sd(open)),
        signal: leaver.signal,
      }).catch(() => undefined)
      await eventually(() => left.length === 1)
      const running = await door.post('/submit_job', sd(open, {}, { model_id: 'SDXL' }))
      leaver.abort()
      await first
      await left[0]

      for (const answer of [finished, running]) {
        expect(answer.status).to.equal(409)
        expect(await json(answer)).to.include({ error: 'job.id_reused', field: 'job_id' })
      }
    })

    it('that failed was not paid and may be sent again', async () => {
      const id = fresh()
      draws(async () => {
        throw later('node.failed', 'the node failed')
      })
      const failed = await door.post('/submit_job', sd(id))
      draws()
      const again = await door.post('/submit_job', sd(id))

      expect(failed.status).to.equal(502)
      expect(await json(failed)).to.include({ error: 'node.failed' })
      expect(failed.headers.get('x-heurist-price')).to.equal(null)
      expect(again.status).to.equal(200)
    })

    it('is left at its deadline, in this API’s own shape', async () => {
      const left = hangs()
      const answer = await door.post('/submit_job', sd(fresh(), {}, { deadline: 0.2 }))
      await left[0]

      expect(answer.status).to.equal(504)
      expect(await json(answer)).to.include({ error: 'job.timeout', field: 'deadline' })
    })

    it('is left when the last of those who wait for it leaves, not before', async () => {
      const left = hangs()
      const [id, { found }] = [fresh(), door]
      const callers = [new AbortController(), new AbortController()]
      const calls = callers.map(({ signal }) =>
        fetch(`${door.url}/submit_job`, {
          method: 'POST',
          headers: { authorization: `Bearer ${door.key}`, 'content-type': 'application/json' },
          body: JSON.stringify(sd(id)),
          signal,
        }).catch(() => undefined),
      )
      await eventually(() => left.length === 1 && door.found === found + 2)
      let gone = false
      left[0]?.then(() => {
        gone = true
      })
      callers[0]?.abort()
      await calls[0]
      await new Promise((resolve) => setTimeout(resolve, 100))
      const early = gone
      callers[1]?.abort()
      await left[0]

      expect(early).to.equal(false)
      expect(drawn.length).to.equal(1)
    })

    it('of one consumer is nobody else’s: the same id of two consumers is two jobs', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'heurist-jobs-'))
      const store = openWireStore(folder)
      const jobs = openJobs(store)
      let runs = 0
      const work = async () => {
        runs += 1
        return { ...paid, answer: `answer ${runs}` }
      }
      const stay = new AbortController().signal
      const job = { id: 'x', content: 'same' }
      const answers = []
      for (const consumer of ['a', 'b', 'a']) {
        answers.push((await jobs.run({ ...job, consumer }, 10, stay, work)).row.answer)
      }
      store.close()
      rmSync(folder, { recursive: true })

      expect(answers).to.deep.equal(['answer 1', 'answer 2', 'answer 1'])
    })

    it('is forgotten after a day, and its picture with it', async () => {
      let now = 1_000_000
      const folder = mkdtempSync(join(tmpdir(), 'heurist-jobs-'))
      const store = openWireStore(folder, () => now)
      const row = { consumer: 'a', job: 'x', content: 'c', answer: 'y', receipt: REQUEST, node: 1, made: now }
      store.keepJob(row)
      now += KEPT_MS - 1
      const kept = store.job('a', 'x')
      now += 1
      const gone = store.job('a', 'x')
      store.close()
      let clock = Date.now()
      const pictures = openPictures(folder, () => clock)
      const [named, plain] = [await pictures.keep(PNG, 'job-miner'), await pictures.keep(PNG)]
      clock += PICTURE_LIFE_MS + 60_000
      const late = await pictures.read(plain).catch((cause: { code: string }) => cause.code)
      const still = await pictures.read(named)
      clock += NAMED_LIFE_MS
      const later = await pictures.read(named).catch((cause: { code: string }) => cause.code)
      rmSync(folder, { recursive: true })

      expect(kept).to.include(row)
      expect([gone, late, later]).to.deep.equal([undefined, 'picture.unknown', 'picture.unknown'])
      expect(still.length).to.equal(PNG.length)
      expect(NAMED_LIFE_MS).to.equal(KEPT_MS)
    })

    it('of an unknown model is 404 naming the models there are; what a pod refuses names the caller’s field', async () => {
      const unknown = await door.post('/submit_job', sd(fresh(), {}, { model_id: 'nobody' }))
      draws(async () => {
        throw refused('input.invalid', 'size: is wrong', { field: 'size' })
      })
      const size = await door.post('/submit_job', sd(fresh(), { width: 300, height: 300 }))

      expect(unknown.status).to.equal(404)
      expect(await json(unknown)).to.include({ error: 'pod.unknown', field: 'model_id' })
      expect(size.status).to.equal(422)
      expect(await json(size)).to.include({ error: 'input.invalid', field: 'model_input.SD.width' })
    })

    it('is not drawn for a caller that gives the door no address', async () => {
      draws()
      const headers = { host: '[', authorization: `Bearer ${door.key}` }
      const { answer } = rawPost(`${door.url}/submit_job`, sd(fresh()), headers)

      expect(await answer).to.match(
        /^HTTP\/1\.1 400 [\s\S]*"error":"parameter\.invalid"[\s\S]*"field":"Host"/,
      )
      expect(drawn).to.have.length(0)
    })

    it('whose URL is guessed or changed shows nothing', async () => {
      draws()
      const url = await json<string>(door.post('/submit_job', sd(fresh())))
      const wrong = [
        url.replace(/pictures\/./, 'pictures/g'),
        url.replace(/pictures\/[0-9a-f]{32}/, `pictures/${'0'.repeat(32)}`),
        url.replace('sdk-image', 'sdk-imagf'),
        url.replace(/[^/]+\.png$/, '..%2f..%2fapi-keys.json'),
        url.replace(/[^/]+\.png$/, 'jobs.sqlite'),
      ]

      for (const each of wrong) {
        const answer = await fetch(each)
        expect(answer.status, each).to.equal(404)
        expect(await json(answer)).to.include({ error: 'picture.unknown' })
      }
    })
  })

  describe('a text job', () => {
    const messages = JSON.stringify([{ role: 'user', content: 'hi' }])
    const llm = (id: string, more: object = {}, rest: object = {}) => ({
      job_id: id,
      model_input: { LLM: { prompt: messages, ...more } },
      model_id: 'chat',
      ...rest,
    })
    const streamOf = (
      texts: string[],
      end: () => Promise<Answer> = async () => paid as unknown as Answer,
    ) => {
      door.payer.stream = () => {
        const answer = end()
        answer.catch(() => undefined)
        return {
          request: Promise.resolve(REQUEST),
          answer,
          async *[Symbol.asyncIterator]() {
            for (const text of texts) yield { bytes: new TextEncoder().encode(text), text }
          },
        } as AnswerStream
      }
    }
    const open = (id: string) =>
      fetch(`${door.url}/stream/${id}`, { headers: { authorization: `Bearer ${door.key}` } })
    /** The events of a stream as a reader of the SSE rules sees them. */
    const eventsOf = (text: string) =>
      text
        .split('\n\n')
        .filter(Boolean)
        .map((event) =>
          event
            .split('\n')
            .filter((line) => line.startsWith('data: '))
            .map((line) => line.slice('data: '.length))
            .join('\n'),
        )

    it('answers a JSON string that holds the list of choices, once paid', async () => {
      let asked: unknown[] = []
      door.payer.chat = async (...call) => {
        asked = [...asked, call.slice(0, 2)]
        return { ...paid, text: 'hello', finish: 'stop' }
      }
      const body = llm(fresh('llm'), { temperature: 0, max_tokens: 20 }, { model_type: 'LLM' })
      const choices = JSON.parse(await json<string>(door.post('/submit_job', body)))
      const again = JSON.parse(await json<string>(door.post('/submit_job', body)))

      expect(choices).to.deep.equal([
        { index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' },
      ])
      expect(again).to.deep.equal(choices)
      expect(asked).to.deep.equal([
        ['chat', { messages: [{ role: 'user', content: 'hi' }], temperature: 0, max_tokens: 20 }],
      ])
    })

    it('streams its text as it is made, then the end mark; read again it is the same text at no charge', async () => {
      const texts = ['One\ntwo ', ' three', '[DONE]', ' four']
      streamOf(texts)
      const id = fresh('llm')
      const announced = await json<string>(door.post('/submit_job', llm(id, { use_stream: true })))
      const events = eventsOf(await (await open(id)).text())
      streamOf(['other'])
      const again = await open(id)

      expect(announced).to.equal(id)
      expect(events).to.deep.equal(['One\ntwo ', ' three', '[DO', 'NE]', ' four', '[DONE]'])
      expect(eventsOf(await again.text())).to.deep.equal([texts.join(''), '[DONE]'])
      expect(again.headers.get('x-heurist-price')).to.equal('0.000000')
    })

    it('that fails midway ends in an error event and no end mark', async () => {
      streamOf(['One'], async () => {
        throw later('node.failed', 'the node failed')
      })
      const id = fresh('llm')
      await door.post('/submit_job', llm(id, { use_stream: true }))
      const text = await (await open(id)).text()

      expect(text).to.match(/^data: One\n\nevent: error\ndata: \{"error":"node\.failed"/)
      expect(text).to.not.include('[DONE]')
    })

    it('that was never submitted, or whose deadline is over, has no stream', async () => {
      const id = fresh('llm')
      await door.post('/submit_job', llm(id, { use_stream: true }, { deadline: 0.05 }))
      await new Promise((resolve) => setTimeout(resolve, 100))

      for (const each of [id, 'never', '%00']) {
        const answer = await open(each)
        expect(answer.status).to.equal(404)
        expect(await json(answer)).to.include({ error: 'job.unknown' })
      }
    })

    it('is read by one reader at a time', async () => {
      let finish = () => {}
      streamOf(['One'], () => new Promise((resolve) => (finish = () => resolve(paid as unknown as Answer))))
      const id = fresh('llm')
      await door.post('/submit_job', llm(id, { use_stream: true }))
      const first = await open(id)
      const second = await open(id)
      finish()

      expect(second.status).to.equal(409)
      expect(await json(second)).to.include({ error: 'job.streaming' })
      expect(eventsOf(await first.text())).to.deep.equal(['One', '[DONE]'])
    })
  })

  describe('a task', () => {
    const task = (id: string, parameters: object = {}, rest: object = {}) => ({
      consumer_id: door.consumer,
      api_key: door.secret,
      task_type: 'txt2img',
      task_details: { parameters: { prompt: 'a red circle', lora_name: 'HeuristLogo', ...parameters } },
      job_id: id,
      ...rest,
    })
    const create = async (body: object) => {
      const { task_id } = await json<{ task_id: string }>(door.post('/task_create', body))
      return task_id
    }
    const query = (id: string) =>
      json<{ status: string; result?: string; error?: string; canceled?: boolean }>(
        door.post('/task_result_query', { task_id: id, api_key: door.secret }),
      )
    const ended = async (id: string) => {
      await eventually(async () => ['finished', 'failed'].includes((await query(id)).status))
      return query(id)
    }

    it('needs no header: the key is in the body, in two parts or whole', async () => {
      draws()
      const body = task(fresh('sdk-workflow'))
      const send = (each: object, path = '/task_create') =>
        fetch(door.url + path, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(each),
        })
      const parts = await json<{ task_id: string }>(send(body))
      const whole = await json(send({ ...body, consumer_id: undefined, api_key: door.key }))
      const seen = await send({ task_id: parts.task_id, api_key: door.key }, '/task_result_query')

      expect(parts.task_id).to.match(/^[0-9a-f]{32}$/)
      expect(whole).to.deep.equal(parts)
      expect(seen.status).to.equal(200)
    })

    it('is told to a caller that gives the door an address, and to no other', async () => {
      draws()
      const id = await create(task(fresh('sdk-workflow')))
      await ended(id)
      const body = { task_id: id, api_key: door.secret }
      const { answer } = rawPost(`${door.url}/task_result_query`, body, { host: 'a:99999' })

      expect(await answer).to.match(/^HTTP\/1\.1 400 [\s\S]*"field":"Host"/)
      expect((await query(id)).result).to.match(/^http:\/\/127\.0\.0\.1:\d+\/pictures\//)
    })

    it('is carried out once, however often it is sent; another under its id is 409', async () => {
      draws()
      const body = task(fresh('sdk-workflow'), { width: 64, height: 64, steps: 3, guidance: 4 })
      const ids = await Promise.all(Array.from({ length: 20 }, () => create(body)))
      const { status, result } = await ended(ids[0] ?? '')
      const other = await door.post('/task_create', {
        ...body,
        task_details: { parameters: { prompt: 'b' } },
      })

      expect(new Set(ids).size).to.equal(1)
      expect(status).to.equal('finished')
      expect(result).to.match(new RegExp(`/${body.job_id}-${MINER}\\.png$`))
      expect(drawn.length).to.equal(1)
      expect(drawn[0]).to.include({ size: '64x64', steps: 3, guidance: 4 })
      expect(other.status).to.equal(409)
      expect(await json(other)).to.include({ error: 'task.id_reused', field: 'job_id' })
    })

    it('that is canceled is left, told as failed, and stays so', async () => {
      const left = hangs()
      const id = await create(task(fresh('sdk-workflow')))
      await eventually(() => left.length === 1)
      const running = await query(id)
      const canceled = await door.post('/task_cancel', { task_id: id, api_key: door.secret })
      await left[0]
      await new Promise((resolve) => setTimeout(resolve, 50))

      expect(running).to.deep.equal({ task_id: id, status: 'running' })
      expect(await json(canceled)).to.deep.equal({ task_id: id, msg: 'The task is canceled' })
      expect(await query(id)).to.include({ status: 'failed', canceled: true, error: 'task.canceled' })
    })

    it('that has ended cannot be canceled', async () => {
      draws()
      const id = await create(task(fresh('sdk-workflow')))
      await ended(id)
      const answer = await door.post('/task_cancel', { task_id: id, api_key: door.secret })

      expect(answer.status).to.equal(409)
      expect(await json(answer)).to.include({ error: 'task.ended', field: 'task_id' })
    })

    it('fails at its time limit, or with what the pod said about its own field', async () => {
      const left = hangs()
      const slow = await create(task(fresh('sdk-workflow'), {}, { timeout_seconds: 0.1 }))
      const late = await ended(slow)
      await left[0]
      draws(async () => {
        throw refused('input.invalid', 'guidance: is too much', { field: 'guidance' })
      })
      const wrong = await ended(await create(task(fresh('sdk-workflow'), { guidance: 99 })))

      expect(late).to.include({ status: 'failed', error: 'job.timeout' })
      expect(wrong).to.include({
        status: 'failed',
        error: 'input.invalid',
        field: 'task_details.parameters.guidance',
      })
    })

    it('is tried again when time can mend what failed, and is paid once', async () => {
      let tries = 0
      draws(async () => {
        tries += 1
        if (tries < 2) throw later('queue.full', 'busy')
        return painted
      })
      const { status } = await ended(await create(task(fresh('sdk-workflow'))))

      expect(status).to.equal('finished')
      expect(tries).to.equal(2)
    })

    it('that was cut while it was delivered is not tried again: it may have been charged', async () => {
      draws(async () => {
        throw later('stream.interrupted', 'the connection broke')
      })
      const answer = await ended(await create(task(fresh('sdk-workflow'))))

      expect(answer).to.include({ status: 'failed', error: 'stream.interrupted' })
      expect(drawn.length).to.equal(1)
    })

    it('that came and could not be checked yet is not tried again either: the gateway itself pays it once that is done', async () => {
      draws(async () => {
        throw later('chain.unreachable', 'the chain does not answer', {
          details: { price: '800', unchecked: true },
        })
      })
      const answer = await ended(await create(task(fresh('sdk-workflow'))))

      expect(answer).to.include({ status: 'failed', error: 'chain.unreachable' })
      expect(drawn.length).to.equal(1)
    })

    it('goes on after a restart with the same seed', async () => {
      const left = hangs()
      const id = await create(task(fresh('sdk-workflow')))
      await eventually(() => left.length === 1)
      await door.restart()
      draws()
      await door.restart()
      const { status } = await ended(id)
      const mine = drawn.map(({ seed }) => seed)

      expect(status).to.equal('finished')
      expect(mine.length).to.be.at.least(2)
      expect(new Set(mine).size).to.equal(1)
    })

    it('of another consumer is not found, by query or cancel', async () => {
      draws()
      const id = await create(task(fresh('sdk-workflow')))
      const stranger = { task_id: id, api_key: '0'.repeat(40) }
      const nothing = { task_id: '0'.repeat(32), api_key: door.secret }
      for (const path of ['/task_result_query', '/task_cancel']) {
        const [theirs, none] = [await door.post(path, stranger), await door.post(path, nothing)]

        expect([theirs.status, none.status]).to.deep.equal([404, 404])
        expect(await json(theirs)).to.deep.equal(await json(none))
      }
      const { status } = await ended(id)
      expect(status).to.equal('finished')
    })

    it('a consumer may have a hundred open, not one more', async () => {
      const left = hangs()
      const ids = []
      for (let index = 0; index < 100; index += 1) ids.push(await create(task(fresh('sdk-workflow'))))
      const more = await door.post('/task_create', task(fresh('sdk-workflow')))
      const atOnce = left.length
      await Promise.all(ids.map((id) => door.post('/task_cancel', { task_id: id, api_key: door.secret })))

      expect(more.status).to.equal(429)
      expect(more.headers.get('retry-after')).to.equal('1')
      expect(await json(more)).to.include({ error: 'task.too_many' })
      expect(atOnce).to.equal(8)
    })

    it('of a kind that no pod does is 400 with the pods there are, and no address in it is visited', async () => {
      let visits = 0
      const bait = createServer((_, response) => {
        visits += 1
        response.end()
      })
      await new Promise<void>((done) => bait.listen(0, '127.0.0.1', done))
      const image = `http://127.0.0.1:${(bait.address() as AddressInfo).port}/secret.png`
      const types = ['upscaler', 'txt2vid', 'constructor'].map((task_type) =>
        door.post('/task_create', {
          ...task(fresh('sdk-workflow')),
          task_type,
          task_details: { parameters: { image, prompt: image } },
        }),
      )
      const answers = await Promise.all(types)
      const bodies = await Promise.all(answers.map((each) => json<{ message: string }>(each)))
      await new Promise((done) => bait.close(done))

      expect(answers.map(({ status }) => status)).to.deep.equal([400, 400, 400])
      for (const body of bodies) {
        expect(body).to.include({ error: 'task.unsupported', field: 'task_type' })
        expect(body.message).to.include("'image' (image)")
      }
      expect(visits).to.equal(0)
    })

    it('a resource request while nobody serves is 503', async () => {
      const body = { consumer_id: door.consumer, api_key: door.secret, task_type: 'txt2img' }
      const answer = await door.post('/resource_request', body)

      expect(answer.status).to.equal(503)
      expect(await json(answer)).to.include({ error: 'node.none' })
    })
  })

  describe('another key', () => {
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
    const taskOf = ({ consumer, secret }: { consumer: string; secret: string }) => ({
      consumer_id: consumer,
      api_key: secret,
      task_type: 'txt2img',
      task_details: { parameters: { prompt: 'a red circle' } },
      job_id: fresh('sdk-workflow'),
    })

    it('has jobs and tasks of its own, and sees none of the first', async () => {
      draws()
      const other = door.newKey()
      const id = fresh()
      const mine = await json<string>(door.post('/submit_job', sd(id)))
      const theirs = await json<string>(door.post('/submit_job', sd(id, { seed: 1 }), bearer(other.token)))
      const body = taskOf(other)
      const { task_id } = await json<{ task_id: string }>(door.post('/task_create', body))
      const seen = await door.post('/task_result_query', { task_id, api_key: door.secret })
      const canceled = await door.post('/task_cancel', { task_id, api_key: door.key })
      const llm = { prompt: '[{"role":"user","content":"hi"}]', use_stream: true }
      const stream = fresh('llm')
      await door.post('/submit_job', { job_id: stream, model_input: { LLM: llm }, model_id: 'chat' })
      const read = await fetch(`${door.url}/stream/${stream}`, { headers: bearer(other.token) })

      expect(theirs).to.not.equal(mine)
      expect([seen.status, canceled.status, read.status]).to.deep.equal([404, 404, 404])
    })

    it('that asks faster than it may is 429 at every route, and told when to come back', async () => {
      draws()
      const slow = door.newKey(1)
      const first = await door.post('/submit_job', sd(fresh()), bearer(slow.token))
      const late = [
        await door.post('/submit_job', sd(fresh()), bearer(slow.token)),
        await door.post('/task_create', taskOf(slow)),
        await door.post('/resource_request', { consumer_id: slow.consumer, api_key: slow.secret }),
      ]

      expect(first.status).to.equal(200)
      for (const answer of late) {
        expect(answer.status).to.equal(429)
        expect(Number(answer.headers.get('retry-after'))).to.be.within(1, 60)
        expect(await json(answer)).to.include({ error: 'rate.exceeded' })
      }
      expect(drawn.length).to.equal(1)
    })

    it('that is revoked opens nothing, and its waiting tasks spend nothing more', async () => {
      const left = hangs()
      const gone = door.newKey()
      const kept = await Promise.all(
        Array.from({ length: 9 }, async () => {
          const answer = await door.post('/task_create', taskOf(gone))
          return (await json<{ task_id: string }>(answer)).task_id
        }),
      )
      await eventually(() => left.length === 8)
      const own = await json<{ task_id: string }>(door.post('/task_create', taskOf(door)))
      door.revoke(gone.consumer)
      await door.restart()
      draws()
      await eventually(async () => {
        const body = { task_id: own.task_id, api_key: door.secret }
        return (await json(door.post('/task_result_query', body))).status === 'finished'
      })
      const refusedCall = await door.post('/submit_job', sd(fresh()), bearer(gone.token))
      const query = await door.post('/task_result_query', { task_id: kept[0], api_key: gone.secret })

      expect(refusedCall.status).to.equal(401)
      expect(query.status).to.equal(404)
      // Eight were at work before the key was revoked; afterwards only the other key's task was.
      expect(drawn.length).to.equal(9)
    })
  })

  describe('a name of Heurist’s catalogue', () => {
    const code = (work: () => unknown) => {
      try {
        return work()
      } catch (cause) {
        return (cause as { code: string }).code
      }
    }

    it('of an image model is the only image pod, at every route', async () => {
      draws()
      const [pod] = (await createCatalog(door.routerUrl).list()).filter(({ name }) => name === 'image')
      const catalog = createCatalog(door.routerUrl)
      for (const name of IMAGE_MODELS.keys()) expect(await catalog.find(name, 'image')).to.deep.equal(pod)
      const openAi = await door.post('/v1/images/generations', { model: 'SDXL', prompt: 'a red circle' })

      expect(IMAGE_MODELS.size).to.equal(22)
      expect(openAi.status).to.equal(200)
    })

    it('where several image pods could be meant is refused, naming them', async () => {
      const models = await createCatalog(door.routerUrl).list()
      const pods = models.flatMap((model) =>
        model.name === 'image' ? [model, { ...model, name: 'other' }] : [],
      )

      expect(code(() => aliasOf('SDXL', 'image', pods, {}))).to.equal('pod.ambiguous')
      expect(aliasOf('SDXL', 'image', pods, { SDXL: 'other' })?.name).to.equal('other')
      expect(aliasOf('SDXL', 'chat', pods, {})).to.equal(undefined)
      expect(aliasOf('constructor', 'image', pods, {})).to.equal(undefined)
      expect(aliasOf('SDXL', 'image', [], {})).to.equal(undefined)
    })

    it('of a language model stands for a pod only where the operator says so', async () => {
      const name = 'mistralai/mixtral-8x7b-instruct'
      const messages = [{ role: 'user', content: 'hi' }]
      const answer = await door.post('/chat/completions', { model: name, messages })
      const aliased = createCatalog(door.routerUrl, Date.now, { [name]: 'chat' })

      expect(answer.status).to.equal(404)
      expect((await aliased.find(name, 'chat')).name).to.equal('chat')
      expect(await aliased.find(name, 'image').catch((cause) => cause.code)).to.equal('model.wrong_kind')
    })

    it('is in models.json, beside the pods, with its type, its pod and what is drawn by default', async () => {
      const list = await json<Record<string, unknown>[]>(fetch(`${door.url}/models.json`))
      const named = new Map(list.map((entry) => [entry.name, entry]))

      expect(list.length).to.equal(2 + IMAGE_MODELS.size)
      expect(named.get('chat')).to.include({ type: 'llm' })
      expect(named.get('Zeek')).to.deep.include({
        type: 'compositexl',
        redirect: 'image',
        defaults: {
          width: 256,
          height: 256,
          neg_prompt: '',
          num_inference_steps: 12,
          guidance_scale: 2,
          seed: -1,
        },
      })
    })
  })

  it('a key opens its own consumer only, in parts or whole', () => {
    const keys: Record<string, string> = { 'Bearer a-1': 'a', 'Bearer b-2': 'b' }
    const consumers = consumersOf({ check: (header) => keys[header] }, () => {
      throw new Error('nothing is called')
    })
    const code = (work: () => unknown) => {
      try {
        return work()
      } catch (cause) {
        return (cause as { code: string }).code
      }
    }

    expect(consumers.byParts('a', '1')).to.equal('a')
    expect(consumers.byParts('', 'b-2')).to.equal('b')
    expect(code(() => consumers.byParts('a', 'b-2'))).to.equal('api_key.invalid')
    expect(code(() => consumers.byParts('', '1'))).to.equal('api_key.invalid')
    expect(code(() => consumers.byHeader(undefined))).to.equal('api_key.missing')
    expect([consumers.owns('a', '1'), consumers.owns('b', '1'), consumers.owns('b', 'a-1')]).to.deep.equal([
      true,
      false,
      false,
    ])
    expect(NODE).to.equal(Number(MINER.split('-')[1]))
  })
})
