import { expect } from 'chai'
import type { Heurist, WorkflowTaskResult } from 'heurist'
import { FluxLoraTask, Text2VideoTask, UpscalerTask } from 'heurist/workflow'
import { type Market, openMarket } from '../market.ts'
import { openNetwork, type TestNetwork } from '../network.ts'

/** The unmodified `heurist` client, given only its two base URLs and a key, against chain, router, worker and gateway. */
describe('the heurist client on a real network', function () {
  this.timeout(900_000)
  let market: Market
  let network: TestNetwork
  let Client: typeof Heurist
  let heurist: Heurist

  const PNG = '89504e470d0a1a0a'
  const CIRCLE = 'a small red circle on a blue background, top left'

  before(async () => {
    market = await openMarket()
    network = await openNetwork(market, 1)
    // The package's CommonJS build loses its named exports; its ES build has them.
    Client = (await import('heurist')).Heurist
    heurist = client(network.apiKey)
  })
  // The client tells its own failures, and those it hides, on the console.
  const { log, error } = console
  const said: string[] = []
  beforeEach(() => {
    console.log = console.error = (...words) => said.push(words.map(String).join(' '))
  })
  afterEach(() => {
    Object.assign(console, { log, error })
    said.length = 0
  })
  after(async () => {
    await network?.stop()
    await market?.close()
  })

  function client(apiKey: string): Heurist {
    const made = new Client({ baseURL: network.gatewayUrl, workflowURL: network.gatewayUrl, apiKey })
    // SmartGen's language model has an address of its own, which no option reaches.
    const { openai } = made.smartgen as unknown as { openai: { baseURL: string } }
    openai.baseURL = network.gatewayUrl
    return made
  }

  interface Listed {
    hash: string
    payer: string
    status: string
    price?: string
  }
  /** Every call the router ever admitted, newest first. */
  async function calls(): Promise<Listed[]> {
    const answer = await fetch(`${network.routerUrl}/v1/receipts?limit=200`)
    return ((await answer.json()) as { receipts: Listed[] }).receipts
  }
  async function charged(): Promise<bigint> {
    const payer = (await calls())[0]?.payer ?? ''
    const answer = await fetch(`${network.routerUrl}/v1/accounts/${payer}`)
    return BigInt(((await answer.json()) as { charged: string }).charged)
  }
  async function picture(url: string) {
    const answer = await fetch(url)
    const bytes = Buffer.from(await answer.arrayBuffer())
    expect(answer.status).to.equal(200)
    expect(answer.headers.get('content-type')).to.equal('image/png')
    expect(bytes.subarray(0, 8).toString('hex')).to.equal(PNG)
    return { bytes, size: [bytes.readUInt32BE(16), bytes.readUInt32BE(20)] }
  }
  async function refusal(work: Promise<unknown>) {
    const error = await work.then(
      () => new Error('nothing was thrown'),
      (cause: unknown) => cause as Error,
    )
    return error as Error & { errorDetails?: { status_code: number; error_type: string } }
  }
  async function until(task: string, status: WorkflowTaskResult['status']): Promise<WorkflowTaskResult> {
    for (let attempt = 0; attempt < 3_000; attempt += 1) {
      const found = await heurist.workflow.queryTaskResult(task)
      if (found.status === status) return found
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    throw new Error(`${task} is not ${status}`)
  }

  it('images.generate draws a PNG, paid once, at a URL that names job, miner and node', async () => {
    const before = (await calls()).length
    const { url, model } = await heurist.images.generate({ model: 'BrainDance', prompt: CIRCLE, seed: 7 })
    const { size } = await picture(url)
    const made = (await calls()).slice(0, (await calls()).length - before)

    expect(model).to.equal('BrainDance')
    expect(size).to.deep.equal([256, 256])
    expect(made.length).to.equal(1)
    const [node] = network.nodes
    expect(new URL(url).pathname).to.match(
      new RegExp(`^/pictures/[0-9a-f]{32}/sdk-image-[0-9a-f]{10}-0x[0-9a-f]{40}-${node}\\.png$`),
    )
  })

  it('images.generate honours size, steps, guidance and seed: the same picture again, another with another seed', async () => {
    const draw = {
      model: 'image',
      prompt: CIRCLE,
      width: 64,
      height: 64,
      num_iterations: 5,
      guidance_scale: 3,
    }
    const urls = []
    for (const seed of [11, 11, 12]) urls.push((await heurist.images.generate({ ...draw, seed })).url)
    const [a, b, c] = await Promise.all(urls.map(picture))
    const [latest] = await calls()

    expect(a?.size).to.deep.equal([64, 64])
    expect(b?.bytes.equals(a?.bytes ?? Buffer.of())).to.equal(true)
    expect(c?.bytes.equals(a?.bytes ?? Buffer.of())).to.equal(false)
    // 100 base units a step, 500 at least: pods/image/pod.yaml.
    expect(latest?.price).to.equal('500')
  })

  it('a picture that the pod cannot draw is an error, and nothing is charged', async () => {
    const before = await charged()
    const error = await refusal(heurist.images.generate({ model: 'SDXL', prompt: 'xyzzy' }))

    expect(error.message).to.equal('Generate image error. Please try again later')
    expect(await charged()).to.equal(before)
  })

  it('smartgen.generateImage draws its description, as flux and as stable diffusion', async () => {
    for (const is_sd of [false, true]) {
      const made = await heurist.smartgen.generateImage({ description: CIRCLE, is_sd, quality: 'high' })

      expect(made.parameters).to.include({
        model: 'FLUX.1-dev',
        prompt: CIRCLE,
        width: 512,
        height: 512,
        num_iterations: 30,
        guidance_scale: is_sd ? 6 : 3,
      })
      expect((await picture('url' in made ? made.url : '')).size).to.deep.equal([512, 512])
    }
  })

  it('smartgen with param_only says what it would draw and draws nothing', async () => {
    const before = await charged()
    const made = await heurist.smartgen.generateImage({ description: CIRCLE, param_only: true })

    expect(made).to.not.have.property('url')
    expect(made.parameters).to.include({ prompt: CIRCLE, num_iterations: 20, guidance_scale: 3 })
    expect(await charged()).to.equal(before)
  })

  it('executeWorkflowAndWaitForResult draws a PNG, paid once', async () => {
    const before = (await calls()).length
    const task = new FluxLoraTask({
      prompt: CIRCLE,
      lora_name: 'HeuristLogo',
      width: 128,
      height: 128,
      steps: 6,
    })
    const result = await heurist.workflow.executeWorkflowAndWaitForResult(task, 120_000, 1_000)

    expect(result.status).to.equal('finished')
    expect((await picture(result.result)).size).to.deep.equal([128, 128])
    expect(result.result).to.match(/\/sdk-workflow-[0-9a-f]{10}-0x[0-9a-f]{40}-\d+\.png$/)
    expect((await calls()).length).to.equal(before + 1)
  })

  it('a canceled task ends the waiting loop, and is told as canceled', async () => {
    // The worker is gone for a while, so that the task cannot end by itself.
    await network.kill('worker-1', 0)
    const task = new FluxLoraTask({ prompt: CIRCLE, lora_name: 'image', job_id_prefix: 'canceled' })
    const id = await heurist.workflow.executeWorkflow(task)
    const told = await heurist.workflow.cancelTask(id)
    const after = await heurist.workflow.queryTaskResult(id)

    expect(told).to.deep.equal({ task_id: id, msg: 'The task is canceled' })
    expect(after).to.include({ task_id: id, status: 'failed', canceled: true, error: 'task.canceled' })
    expect(await heurist.workflow.cancelTask(id)).to.deep.equal(told)
  })

  it('a task outlives the gateway: it goes on when the gateway starts again', async () => {
    const task = new FluxLoraTask({ prompt: CIRCLE, lora_name: 'image', steps: 50, width: 512, height: 512 })
    const id = await heurist.workflow.executeWorkflow(task)
    const { status } = await heurist.workflow.queryTaskResult(id)
    await network.kill('gateway', 100)
    const { result } = await until(id, 'finished')

    expect(status).to.be.oneOf(['waiting', 'running'])
    expect((await picture(result)).size).to.deep.equal([512, 512])
  })

  it('what no pod can do is refused with the pods there are', async () => {
    const before = await charged()
    const tasks = [
      new UpscalerTask({ image_url: 'http://127.0.0.1:1/secret.png' }),
      new Text2VideoTask({ prompt: CIRCLE }),
      new FluxLoraTask({ prompt: CIRCLE, lora_name: 'no-such-lora' }),
    ]
    const [upscaler, video, lora] = await Promise.all(
      tasks.map((task) => refusal(heurist.workflow.executeWorkflow(task))),
    )

    for (const error of [upscaler, video]) {
      expect(error?.message).to.include("'image' (image)")
      expect(error?.errorDetails).to.include({ status_code: 400, error_type: 'client_error' })
    }
    expect(lora?.message).to.include("'image'")
    expect(lora?.errorDetails).to.include({ status_code: 404 })
    expect(await charged()).to.equal(before)
  })

  it('resourceRequest names a miner that serves now', async () => {
    const [consumer = ''] = network.apiKey.split('-')
    const miner = await heurist.workflow.resourceRequest(consumer)

    expect(miner).to.match(new RegExp(`^0x[0-9a-f]{40}-${network.nodes[0]}$`))
  })

  it("a stranger's key opens nothing, and finds no task of another", async () => {
    const task = new FluxLoraTask({ prompt: CIRCLE, lora_name: 'image' })
    const id = await heurist.workflow.executeWorkflow(task)
    const stranger = client(`hk${'0'.repeat(12)}-${'0'.repeat(40)}`)

    const drawn = await refusal(stranger.images.generate({ model: 'image', prompt: CIRCLE }))
    const made = await refusal(stranger.workflow.executeWorkflow(task))
    const seen = await refusal(stranger.workflow.queryTaskResult(id))
    const stopped = await refusal(stranger.workflow.cancelTask(id))
    expect(drawn.message).to.include('Generate image error')
    expect(made.errorDetails?.status_code).to.equal(401)
    expect([seen.errorDetails?.status_code, stopped.errorDetails?.status_code]).to.deep.equal([404, 404])
    await until(id, 'finished')
  })
})
