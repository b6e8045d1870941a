import { expect } from 'chai'
import fc from 'fast-check'
import { MAX_WIRE_BYTES } from '../../apps/gateway/wire/context.ts'
import { openWireDoor, paid as paidText, painted, type WireDoor } from './wire-door.ts'

/** What each field of Heurist's API does with what it must not hold. Nothing is paid for any of it. */
describe('bad input at Heurist’s API', function () {
  this.timeout(600_000)
  let door: WireDoor
  let paid = 0

  before(async () => {
    door = await openWireDoor()
    const count = () => {
      paid += 1
    }
    door.payer.image = async () => {
      count()
      return painted
    }
    door.payer.chat = async () => {
      count()
      return { ...paidText, text: 'hello', finish: 'stop' }
    }
  })
  after(() => door.close())
  beforeEach(() => {
    paid = 0
  })

  type Body = Record<string, unknown>
  const base: Record<string, () => Body> = {
    '/submit_job': () => ({
      job_id: 'bad-1',
      model_input: { SD: { prompt: 'a red circle' } },
      model_id: 'image',
    }),
    'text /submit_job': () => ({
      job_id: 'bad-1',
      model_input: { LLM: { prompt: '[{"role":"user","content":"hi"}]' } },
      model_id: 'chat',
    }),
    '/task_create': () => ({
      consumer_id: door.consumer,
      api_key: door.secret,
      task_type: 'txt2img',
      task_details: { parameters: { prompt: 'a red circle' } },
      job_id: 'bad-1',
    }),
    '/task_result_query': () => ({ task_id: '0'.repeat(32), api_key: door.secret }),
    '/task_cancel': () => ({ task_id: '0'.repeat(32), api_key: door.secret }),
    '/resource_request': () => ({ consumer_id: door.consumer, api_key: door.secret }),
  }
  /** The body with one value set, or taken out, at a dotted path. */
  function changed(body: Body, path: string, value: unknown): Body {
    const copy = structuredClone(body)
    const steps = path.split('.')
    const last = steps.pop() ?? ''
    let at: Body = copy
    for (const step of steps) at = at[step] as Body
    if (value === undefined) delete at[last]
    else at[last] = value
    return copy
  }
  async function refusal(answer: Response) {
    const body = (await answer.json()) as { error: string; message: string; field?: string }
    expect(answer.headers.get('content-type')).to.match(/^application\/json/)
    expect(Object.keys(body).filter((key) => !['error', 'message', 'field'].includes(key))).to.deep.equal([])
    expect(body.error).to.match(/^[a-z_]+\.[a-z_]+$/)
    expect(body.message).to.be.a('string').and.not.equal('')
    return { status: answer.status, ...body }
  }

  const long = 'x'.repeat(9_000)
  /** Route, path of the wrong field, values that are wrong there; the field named is the same unless said. */
  const wrong: [route: string, path: string, values: unknown[], field?: string][] = [
    [
      '/submit_job',
      'job_id',
      [undefined, '', 7, '../x', 'a/b', 'a b', 'a"b', '-x', 'é', 'x'.repeat(129), {}],
    ],
    ['/submit_job', 'model_id', [undefined, '', 7, 'x'.repeat(129), []]],
    ['/submit_job', 'model_type', ['sd', 7, {}, 'LLM']],
    ['/submit_job', 'deadline', [0, -1, 601, '30', {}]],
    ['/submit_job', 'priority', [0, 2, '1', true]],
    ['/submit_job', 'model_input', [undefined, null, 'x', [], {}, { SD: null }]],
    ['/submit_job', 'model_input.x', [1]],
    ['/submit_job', 'x', [1]],
    ['/submit_job', 'model_input.SD', ['x', 7, []]],
    ['/submit_job', 'model_input.LLM', [{ prompt: '[]' }], 'model_input'],
    ['/submit_job', 'model_input.SD.prompt', [undefined, 7, null, long]],
    ['/submit_job', 'model_input.SD.neg_prompt', [7, {}, long]],
    ['/submit_job', 'model_input.SD.num_iterations', [0, -1, 1.5, '5', 51, 1001]],
    ['/submit_job', 'model_input.SD.guidance_scale', [-1, '5', 101]],
    ['/submit_job', 'model_input.SD.width', [0, -8, 1.5, '64', 4097]],
    ['/submit_job', 'model_input.SD.height', [0, -8, 1.5, '64', 4097]],
    ['/submit_job', 'model_input.SD.seed', [-2, 1.5, '7', 2 ** 53]],
    ['/submit_job', 'model_input.SD.lora', ['x']],
    ['text /submit_job', 'model_input.LLM.prompt', [undefined, '', 7, 'not JSON', '{}', '[]', 'null']],
    [
      'text /submit_job',
      'model_input.LLM.prompt',
      ['[{"role":"nobody","content":"x"}]'],
      'model_input.LLM.prompt[0].role',
    ],
    ['text /submit_job', 'model_input.LLM.use_stream', ['true', 1]],
    ['text /submit_job', 'model_input.LLM.temperature', [-1, 3, '1']],
    ['text /submit_job', 'model_input.LLM.max_tokens', [0, 1.5, '5', 100_000]],
    ['text /submit_job', 'model_input.LLM.tools', [7, 'not JSON', '[{"type":"function"}]']],
    [
      'text /submit_job',
      'model_input.LLM.extra_body',
      [7, 'not JSON', '[]', '"x"', '{"n":3}', '{"stream":true}'],
    ],
    [
      'text /submit_job',
      'model_input.LLM.extra_body',
      ['{"guided_json":"{}"}'],
      'model_input.LLM.extra_body.guided_json',
    ],
    ['text /submit_job', 'model_id', ['nobody', 'image']],
    ['/task_create', 'consumer_id', [7, {}, 'x'.repeat(129)]],
    ['/task_create', 'api_key', [undefined, '', 7, null, {}, 'x'.repeat(257)]],
    ['/task_create', 'task_type', [undefined, '', 7, 'upscaler', 'txt2vid', '__proto__', 'x'.repeat(65)]],
    ['/task_create', 'task_details', [undefined, null, 'x', []]],
    ['/task_create', 'task_details.parameters', [undefined, 7, []]],
    ['/task_create', 'task_details.x', [1]],
    ['/task_create', 'job_id', [undefined, '', 7, '../x', 'x'.repeat(129)]],
    ['/task_create', 'workflow_id', [7, '1', '2', 'nobody', 'chat', 'x'.repeat(129)]],
    ['/task_create', 'timeout_seconds', [0, -1, '5', 3601]],
    ['/task_create', 'x', [1]],
    ['/task_create', 'task_details.parameters.prompt', [undefined, 7, long]],
    ['/task_create', 'task_details.parameters.lora_name', ['', 7, 'nobody', 'chat', '../x']],
    ['/task_create', 'task_details.parameters.aspect_ratio', ['wide', '0:1', '16:9', 7]],
    ['/task_create', 'task_details.parameters.width', [0, 1.5, '64', 4097]],
    ['/task_create', 'task_details.parameters.height', [0, 1.5, '64', 4097]],
    ['/task_create', 'task_details.parameters.guidance', [-1, '5', 101]],
    ['/task_create', 'task_details.parameters.steps', [0, 1.5, '5', 51]],
    ['/task_create', 'task_details.parameters.seed', [-2, 1.5, '7']],
    ['/task_create', 'task_details.parameters.image', ['http://127.0.0.1/x']],
    ['/task_result_query', 'task_id', [undefined, '', 7, {}, 'x'.repeat(129), 'nobody', "' OR 1=1 --"]],
    ['/task_result_query', 'api_key', [undefined, '', 7, {}, 'x'.repeat(257)]],
    ['/task_result_query', 'x', [1]],
    ['/task_cancel', 'task_id', [undefined, '', 7, {}, 'nobody']],
    ['/task_cancel', 'api_key', [undefined, '', 7]],
    ['/task_cancel', 'x', [1]],
    ['/resource_request', 'consumer_id', [7, 'x'.repeat(129)]],
    ['/resource_request', 'api_key', [undefined, '', 7]],
    ['/resource_request', 'task_type', ['upscaler', '', 7]],
    ['/resource_request', 'workflow_id', ['nobody', 7]],
    ['/resource_request', 'x', [1]],
  ]

  for (const [route, path, values, field = path] of wrong) {
    it(`${route} refuses a wrong ${field} by name`, async () => {
      const url = route.split(' ').at(-1) ?? ''
      for (const value of values) {
        const answer = await door.post(url, changed(base[route]?.() ?? {}, path, value))
        const told = await refusal(answer)

        expect(told.status, JSON.stringify(value)).to.be.within(400, 499)
        expect(told.field, JSON.stringify(value)).to.equal(field)
      }
      expect(paid).to.equal(0)
    })
  }

  it('the bodies that these are changes of are right', async () => {
    const answers = []
    for (const route of ['/submit_job', '/task_create']) answers.push(await door.post(route, base[route]?.()))
    const [query, cancel] = [
      await refusal(await door.post('/task_result_query', base['/task_result_query']?.())),
      await refusal(await door.post('/task_cancel', base['/task_cancel']?.())),
    ]
    const resource = await refusal(await door.post('/resource_request', base['/resource_request']?.()))

    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200])
    expect([query.error, cancel.error, resource.error]).to.deep.equal([
      'task.unknown',
      'task.unknown',
      'node.none',
    ])
  })

  it('a wrong key is 401, in the header before the body is read, in the body before anything is done', async () => {
    const twisted = `${door.consumer}-${door.secret.replace(/./g, '0')}`
    const tells = [
      await door.post('/submit_job', 'not JSON', { authorization: `Bearer ${twisted}` }),
      await door.post('/submit_job', base['/submit_job']?.(), { authorization: 'Basic x' }),
      await fetch(`${door.url}/submit_job`, { method: 'POST', body: '{}' }),
      await fetch(`${door.url}/stream/x`, { headers: { authorization: `Bearer ${twisted}` } }),
      await door.post('/task_create', { ...base['/task_create']?.(), api_key: '0'.repeat(40) }),
      await door.post('/task_create', { ...base['/task_create']?.(), consumer_id: 'hk000000000000' }),
      await door.post('/task_create', { ...base['/task_create']?.(), consumer_id: undefined }),
      await door.post('/resource_request', { ...base['/resource_request']?.(), api_key: twisted }),
    ]

    for (const answer of tells) {
      const told = await refusal(answer)
      expect(told.status).to.equal(401)
      expect(told.error).to.be.oneOf(['api_key.invalid', 'api_key.missing'])
      expect(JSON.stringify(told)).to.not.include(door.secret)
    }
    expect(paid).to.equal(0)
  })

  it('what is not JSON, not an object, too large or of another type is told in this API’s own shape', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    for (const route of Object.keys(base).filter((each) => each.startsWith('/'))) {
      const statuses = []
      for (const body of ['{"a":', '', '7', 'null', '[]', '"x"', '{"__proto__":{"a":1}}']) {
        statuses.push((await refusal(await door.post(route, body))).status)
      }
      const large = await refusal(await door.post(route, { x: 'x'.repeat(MAX_WIRE_BYTES) }))
      const typed = await refusal(await door.post(route, 'a=b', form))

      expect(new Set(statuses)).to.deep.equal(new Set([400]))
      expect([large.status, large.error]).to.deep.equal([413, 'body.too_large'])
      expect([typed.status, typed.error]).to.deep.equal([415, 'body.unsupported_type'])
    }
  })

  it('any body at all is answered 200 or a 4xx with its reason: no crash, no 5xx', async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
    const numRuns = Number(process.env.RUNS ?? 6_000)
    console.log(`      seed ${seed}, ${numRuns} bodies`)
    const texts = fc.constantFrom(
      'SD',
      'LLM',
      'chat',
      'image',
      'SDXL',
      'txt2img',
      '3',
      '1:1',
      '16:9',
      '__proto__',
    )
    const value = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.oneof(texts, fc.integer({ min: -2, max: 1100 }), fc.double(), fc.boolean()),
      },
      { weight: 1, arbitrary: fc.jsonValue() },
    )
    const route = fc.constantFrom(...Object.keys(base))
    const pathsOf = (each: string) => wrong.filter(([name]) => name === each).map(([, path]) => path)
    const body = route.chain((each) =>
      fc
        .array(fc.tuple(fc.constantFrom(...pathsOf(each)), value), { minLength: 1, maxLength: 4 })
        .map((changes) => ({ each, changes })),
    )
    const raw = fc.tuple(
      route,
      fc.oneof(
        fc.json(),
        fc.string(),
        fc.jsonValue().map((json) => JSON.stringify(json)),
      ),
    )
    const statuses = new Map<number, number>()
    let id = 0

    const check = async (each: string, text: string): Promise<void> => {
      const answer = await door.post(each.split(' ').at(-1) ?? '', text)
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      if (answer.status === 200) return
      const told = await refusal(answer)
      // Nobody serves here, and a deadline of no time is over: the network's state, told as such.
      if (told.error === 'node.none' || told.error === 'job.timeout') return
      expect(told.status, `${each} ${text} ${JSON.stringify(told)}`).to.be.within(400, 499)
    }
    await fc.assert(
      fc.asyncProperty(
        fc.oneof({ weight: 4, arbitrary: body }, { weight: 1, arbitrary: raw }),
        async (given) => {
          if (Array.isArray(given)) return check(given[0], given[1])
          id += 1
          let made: Body = { ...base[given.each]?.() }
          if ('job_id' in made) made.job_id = `fuzz-${id}`
          for (const [path, to] of given.changes) {
            try {
              made = changed(made, path, to)
            } catch {
              // An earlier change took away what this one would change.
            }
          }
          await check(given.each, JSON.stringify(made))
        },
      ),
      { seed, numRuns },
    )
    console.log(`      answers ${JSON.stringify(Object.fromEntries([...statuses].sort()))}`)

    expect(statuses.get(400) ?? 0).to.be.greaterThan(numRuns / 10)
    expect(statuses.get(200) ?? 0).to.be.greaterThan(0)
    expect((await fetch(`${door.url}/healthz`)).status).to.equal(200)
  })
})
