import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import type { BrowserContext, Page, Route } from 'playwright-core'
import type { Hex } from 'viem'
import { PORTAL_ADDRESSES } from '../../apps/web/src/portal/addresses.ts'
import { computeLedgerAbi, emissionControllerAbi, nodeStakingAbi, registryAbi } from '../../sdk/chain/abi.ts'
import { emissionCall } from '../../sdk/chain/emission.ts'
import { readClock } from '../../sdk/chain/epochs.ts'
import { stakeCall } from '../../sdk/chain/stakes.ts'
import { manifestHash, parseManifest } from '../../sdk/protocol/manifest.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import { formatUsd, HEU, usd } from '../../sdk/units.ts'
import { PODS } from '../market.ts'
import { type Actor, openActor } from './actor.ts'
import { faultsInBothThemes, faultsOf, overflowOf } from './axe.ts'
import { whatStopsPaying } from './paying.ts'
import { slowLine } from './slow-line.ts'
import {
  button,
  fund,
  type House,
  isFocused,
  isReady,
  openHouse,
  revenueOf,
  risingPrices,
  until,
} from './visitor.ts'

/** The portal's pages in a real Chromium on a real network; every figure is compared with a read of the chain. */

const KINDS = ['chat', 'embed', 'image', 'translate'] as const
const HOSTILE = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>'
const QUESTION = 'What is a pod?'
const root = join(import.meta.dirname, '..', '..')
const exec = promisify(execFile)

/** Before this nothing that is read of a silent chain has been given up. */
const GIVEN_UP_MS = 40_000
const fact = (page: Page, name: string) => page.locator(`[data-fact="${name}"]`)
const is = async (page: Page, name: string) => (await fact(page, name).first().getAttribute('data-is')) ?? ''
const fill = (page: Page, label: string, text: string) => page.getByLabel(label, { exact: true }).fill(text)
const heading = (page: Page, name: string) =>
  page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
const attribute = async (page: Page, selector: string, name: string) =>
  (await page.locator(selector).first().getAttribute(name)) ?? ''
/** Each check of a list and what came of it. */
const verdicts = async (page: Page): Promise<Record<string, string>> =>
  Object.fromEntries(
    await page
      .locator('[data-check]')
      .evaluateAll((lines) =>
        lines.map((line) => [line.getAttribute('data-check'), line.getAttribute('data-verdict')]),
      ),
  )
const failing = async (page: Page): Promise<string[]> =>
  Object.entries(await verdicts(page)).flatMap(([name, verdict]) => (verdict === 'fails' ? [name] : []))

describe('the portal in a browser', function () {
  this.timeout(300_000)
  let house: House
  let actor: Actor
  let page: Page
  let node = 0
  let pods: Record<string, number>
  before(async () => {
    house = await openHouse({ pods: KINDS })
    actor = await openActor(house.stage)
    const { network, market } = house.stage
    pods = market.seeded.pods
    node = network.nodes[0] ?? 0
    const [owner] = network.owners
    if (!owner) throw new Error('the stage has no node')
    const { economy } = actor
    await actor.give(owner, 300n * HEU, economy.staking)
    await actor.send(owner, stakeCall.add(economy.staking, node, 250n * HEU))
    await actor.send(owner, emissionCall.setTip(economy.emission, node, 1_250))
    await actor.send(owner, emissionCall.setHome(economy.emission, node, market.router.address))
    page = await house.guest(`/pods/${pods.chat}`)
  })
  after(() => house?.close())

  const chainRead = () => house.stage.market.deployer.client
  const ledger = () => ({ address: house.stage.market.addresses.ledger, abi: computeLedgerAbi }) as const
  const registry = () => ({ address: house.stage.market.addresses.registry, abi: registryAbi }) as const
  const router = () => house.stage.market.router.address
  const go = (on: Page, path: string) => on.goto(house.stage.url + path)
  const fromRouter = async <T>(path: string) =>
    (await (await fetch(house.stage.network.routerUrl + path)).json()) as T

  /** Fills the form, runs it, and gives the request once it is answered. */
  async function run(on: Page, pod: string, values: Record<string, string>): Promise<Hex> {
    await go(on, `/pods/${pods[pod]}`)
    await isReady(on)
    for (const [label, text] of Object.entries(values)) await fill(on, label, text)
    return press(on)
  }
  async function press(on: Page): Promise<Hex> {
    await button(on, 'Run').click()
    await on.locator('[data-run=done]').waitFor()
    return (await attribute(on, '[data-receipt]', 'data-receipt')) as Hex
  }
  const settled = (request: string) => until(async () => (await house.receipt(request)).status === 'settled')

  // ------------------------------------------------------------------------------------------------- navigation

  it('is walked through by keyboard: each page says where one is, and begins at its beginning', async () => {
    const mine = await house.open(await house.visitor(), '/')
    const nav = mine.getByRole('navigation', { name: 'Portal' })
    for (const [link, path] of [
      ['Pods', '/pods'],
      ['Nodes', '/nodes'],
      ['Explorer', '/explorer'],
    ] as const) {
      await nav.getByRole('link', { name: link, exact: true }).focus()
      await mine.keyboard.press('Enter')
      await heading(mine, link)

      expect(new URL(mine.url()).pathname).to.equal(path)
      expect(await nav.locator('[aria-current=page]').textContent()).to.equal(link)
      expect(await mine.title()).to.equal(`${link} · Heurist`)
      expect(await mine.evaluate('document.activeElement.id')).to.equal('main')
    }
    await mine.goBack()
    await heading(mine, 'Nodes')
    await mine.keyboard.press('Tab')
    await mine.context().close()
  })

  it('the code of a page is asked for beside what the server says, not after it', async () => {
    const context = await house.visitor()
    let tell = () => {}
    const asked = new Promise<void>((resolve) => {
      tell = resolve
    })
    context.on('request', (request) => {
      if (/\/assets\/nodes-/.test(request.url())) tell()
    })
    await context.route('**/config.json', async (route) => {
      await asked
      await route.continue()
    })
    const mine = await house.open(context, '/nodes')
    await heading(mine, 'Nodes')

    await context.close()
  })

  it('asks the chain what the page earns once somebody looks at it', async () => {
    const context = await house.visitor()
    const chain = new URL(house.stage.market.chain.rpcUrl).host
    let asked = 0
    context.on('request', (request) => {
      if (new URL(request.url()).host === chain) asked += 1
    })
    const mine = await house.open(context, '/pods')
    await mine.locator('[data-pod]').first().waitFor()
    await mine.waitForTimeout(3_000)
    expect(asked).to.equal(0)

    await (await revenueOf(mine)).waitFor()
    expect(asked).to.be.greaterThan(0)
    await context.close()
  })

  it('a tab that only reads leaves the key to the tab that pays', async () => {
    const reader = await house.open(page.context(), '/explorer')
    await reader.getByRole('region', { name: 'Jobs' }).waitFor()

    expect(await reader.locator('[data-session]').count()).to.equal(0)
    expect(await page.locator('[data-session]').getAttribute('data-session')).to.equal('ready')
    await reader.close()
  })

  it('what is no page, no node, no pod, no batch or no epoch says so', async () => {
    const mine = await house.open(await house.visitor(), '/nodes/999')
    await mine.locator('[data-problem="node.unknown"]').waitFor()
    for (const [path, words] of [
      ['/nodes/x', /has a number/],
      ['/nothing', /There is no such page/],
      ['/pods/999', /serves no such pod/],
      [`/explorer/batches/${router()}/99999`, /no batch 99999/],
      ['/explorer/batches/x/1', /a router’s address and a number/],
      ['/explorer/epochs/1', /^Epochs here are/],
    ] as const) {
      await go(mine, path)
      await mine.locator('main').getByText(words).first().waitFor()
      expect(await faultsInBothThemes(mine, path)).to.deep.equal([])
    }
    await mine.context().close()
  })

  // ------------------------------------------------------------------------------------------------------- pods

  it('pods stand with their price, limits and slots as the router and their manifests have them', async () => {
    await go(page, '/pods')
    const { pods: told } = await fromRouter<{ pods: { id: number; slots: number; name: string }[] }>(
      '/v1/pods',
    )
    await page
      .locator('[data-pod]')
      .nth(told.length - 1)
      .waitFor()

    expect(await page.locator('[data-pod]').count()).to.equal(Object.keys(pods).length)
    for (const { id, slots, name } of told) {
      const card = page.locator(`[data-pod="${id}"]`)
      expect(await card.getByRole('heading').textContent()).to.include(name)
      expect(await card.locator('[data-slots]').getAttribute('data-slots')).to.equal(String(slots))
    }
    const image = page.locator(`[data-pod="${pods.image}"]`)
    expect(await image.textContent()).to.include('$0.0001 per step, at least $0.0005 a call')
  })

  it('a pod’s manifest is hashed here and found on the chain; another one is not', async () => {
    const bytes = readFileSync(join(PODS, 'translate', 'pod.yaml'))
    const id = pods.translate ?? 0
    await go(page, `/pods/${id}`)
    await page.locator('[data-check=newest]').waitFor()
    const args = [id] as const
    const newest = await chainRead().readContract({ ...registry(), functionName: 'latestOf', args })

    expect(newest).to.equal(manifestHash(bytes))
    expect(await is(page, 'Manifest')).to.equal(newest)
    expect(await verdicts(page)).to.deep.equal({ bytes: 'holds', published: 'holds', newest: 'holds' })
    expect(await page.locator('main').textContent()).to.include(parseManifest(bytes).description.slice(0, 40))

    const liar = await house.visitor()
    await liar.route('**/manifest', async (route) => {
      const body = (await (await route.fetch()).text()).replace('minimum: 10', 'minimum: 1')
      await route.fulfill({ body, headers: { 'access-control-allow-origin': '*' } })
    })
    const other = await house.open(liar, `/pods/${id}`)
    await other.locator('[data-check=newest]').waitFor()
    expect(await failing(other)).to.deep.equal(['bytes', 'published', 'newest'])
    await liar.close()
  })

  // ------------------------------------------------------------------------------------------------- playground

  it('one deposit by wallet, then all four kinds of pods without a prompt, each with its receipt', async () => {
    const { context, wallet, page: mine } = await house.holder(10n, `/pods/${pods.chat}`)
    await fund(mine)
    await isReady(mine)
    const requests = [
      await run(mine, 'chat', { Message: QUESTION }),
      await run(mine, 'image', { Prompt: 'a red circle on a blue background' }),
      await run(mine, 'embed', { Text: QUESTION }),
      await run(mine, 'translate', { Text: 'The cat sleeps.' }),
    ]

    expect(wallet.prompts).to.deep.equal(['eth_requestAccounts', 'eth_signTypedData_v4'])
    for (const request of requests) {
      const { receipt, request: sent } = await house.receipt(request)
      expect(receipt?.node).to.equal(node)
      // Whoever brought the call is this door.
      expect(sent.frontend).to.equal(house.stage.market.deployer.record.frontends.portal)
    }
    await context.close()
  })

  it('chat: the price stands before, the answer comes, the receipt agrees to the last unit', async () => {
    await go(page, `/pods/${pods.chat}`)
    await isReady(page)
    await fill(page, 'Message', QUESTION)
    const most = BigInt((await attribute(page, '[data-price]', 'data-price')) || '0')
    const { pricing, defaults } = parseManifest(readFileSync(join(PODS, 'chat', 'pod.yaml')))
    const sent = {
      messages: [{ role: 'user', content: QUESTION }],
      max_tokens: defaults.max_tokens,
      temperature: defaults.temperature,
    }
    const work = BigInt(
      JSON.stringify(sent).length * pricing.input + Number(defaults.max_tokens) * pricing.output,
    )
    const request = await press(page)
    const { receipt } = await house.receipt(request)

    expect(most).to.equal((work + BigInt(pricing.per) - 1n) / BigInt(pricing.per))
    expect(await page.locator('[data-answer=whole]').textContent()).to.match(/pod/)
    expect(await is(page, 'Paid')).to.equal(receipt?.price.toString())
    expect(await fact(page, 'Paid').textContent()).to.include(formatUsd(most))
  })

  it('chat streams: the beginning is there before the end', async () => {
    await go(page, `/pods/${pods.chat}`)
    await isReady(page)
    await fill(page, 'Message', QUESTION)
    await page.evaluate(
      `window.seen = []; new MutationObserver(() => {
        const shown = document.querySelector('[data-answer]')
        if (shown && window.seen.at(-1) !== shown.textContent) window.seen.push(shown.textContent)
      }).observe(document.body, { subtree: true, childList: true, characterData: true })`,
    )
    const line = await slowLine(page.context(), house.stage.network.routerUrl, 300)
    try {
      await press(page)
    } finally {
      await line.close()
    }
    const seen = (await page.evaluate('window.seen')) as string[]
    const whole = (await page.locator('[data-answer=whole]').textContent()) ?? ''

    expect(seen.length, JSON.stringify(seen)).to.be.greaterThan(1)
    for (const part of seen) expect(whole.startsWith(part)).to.equal(true)
  })

  it('image: the picture is drawn as it was signed for', async () => {
    await run(page, 'image', { Prompt: 'a large red circle in the centre on a blue background' })
    const picture = page.locator('img[data-picture]')
    await picture.waitFor()
    /** Width and height, and the colours of two places. */
    const [size, [red = 0, , blueOfRed = 0], [redOfBlue = 0, , blue = 0]] = await picture.evaluate(
      async (element) => {
        const image = element as HTMLImageElement
        await image.decode()
        const canvas = document.createElement('canvas')
        canvas.width = image.naturalWidth
        canvas.height = image.naturalHeight
        const paper = canvas.getContext('2d')
        paper?.drawImage(image, 0, 0)
        const colours = [[128, 128] as const, [4, 4] as const].map(([x, y]) => [
          ...(paper?.getImageData(x, y, 1, 1).data ?? []),
        ])
        return [`${canvas.width}x${canvas.height}`, colours[0] ?? [], colours[1] ?? []] as const
      },
    )

    expect(size).to.equal('256x256')
    expect(await picture.getAttribute('alt')).to.include('red circle')
    expect(red).to.be.greaterThan(blueOfRed)
    expect(blue).to.be.greaterThan(redOfBlue)
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download' }).click(),
    ])
    const png = readFileSync(await saved.path())
    expect(png.subarray(1, 4).toString()).to.equal('PNG')
  })

  it('embed: the first numbers of both vectors, and how near they are', async () => {
    const texts = [QUESTION, 'Tell me what a pod is.']
    await run(page, 'embed', { Text: texts[0] ?? '', 'Another text': texts[1] ?? '' })
    const payer = await house.stage.market.payer(usd('1'))
    const client = house.stage.network.client(payer.key)
    const { embeddings = [] } = await client.run('embed', { input: texts })
    await client.close()
    const [a = [], b = []] = embeddings
    const near = a.reduce((sum, each, index) => sum + each * (b[index] ?? 0), 0)

    expect(near).to.be.within(0.3, 1)
    expect(Number(await attribute(page, '[data-similarity]', 'data-similarity'))).to.be.closeTo(near, 1e-6)
    for (const [index, vector] of embeddings.entries()) {
      const shown = (await page.locator(`[data-vector="${index}"]`).textContent()) ?? ''
      const numbers = shown.split('…')[0]?.trim().split(/\s+/)
      expect(numbers).to.deep.equal(vector.slice(0, 8).map((each) => each.toFixed(4)))
      expect(shown).to.include(`${vector.length} numbers`)
    }
  })

  it('translate: what the form says is what another client gets', async () => {
    const asked = { text: 'The house is old.', from: 'en', to: 'fr' }
    await run(page, 'translate', { Text: asked.text, From: asked.from, To: asked.to })
    const payer = await house.stage.market.payer(usd('1'))
    const client = house.stage.network.client(payer.key)
    const { text } = await client.run('translate', asked)
    await client.close()

    expect(await page.locator('[data-answer=whole]').textContent()).to.equal(text)
  })

  it('what a pod refuses is said in its words, and costs nothing', async () => {
    await go(page, `/pods/${pods.image}`)
    await isReady(page)
    await fill(page, 'Prompt', HOSTILE)
    await button(page, 'Run').click()
    const problem = page.locator('[data-run=failed] [data-problem]')
    await problem.waitFor()

    expect(await problem.getAttribute('data-problem')).to.equal('input.invalid')
    expect(await problem.textContent()).to.match(/nothing that this pod can draw/)
    expect(await page.evaluate('window.hurt')).to.equal(undefined)
  })

  it('a pod that grew dearer since its price was shown is not paid: the page says so and shows the new price', async () => {
    const mine = await house.guest(`/pods/${pods.chat}`)
    await risingPrices(mine.context())
    await mine.reload()
    await isReady(mine)
    await fill(mine, 'Message', QUESTION)
    const shown = BigInt(await attribute(mine, '[data-price]', 'data-price'))
    await button(mine, 'Run').click()
    await mine.locator('[data-problem="price.rose"]').waitFor()

    expect(await mine.locator('[data-problem]').textContent()).to.include('Nothing was signed or charged')
    expect(await mine.locator('[data-receipt]').count()).to.equal(0)

    await until(async () => BigInt(await attribute(mine, '[data-price]', 'data-price')) > shown)
    await press(mine)
    await mine.context().close()
  })

  it('a call that is stopped says what it costs, the keyboard goes along with it, and the next one works', async () => {
    await go(page, `/pods/${pods.chat}`)
    await isReady(page)
    await fill(page, 'Message', QUESTION)
    const worker = house.stage.network.pid('worker-1')
    process.kill(worker, 'SIGSTOP')
    try {
      await button(page, 'Run').focus()
      await page.keyboard.press('Enter')
      await isFocused(button(page, 'Stop'))
      // The second half of a double press, and a key that is held down, are meant for Run.
      await page.keyboard.press('Enter')
      await page.keyboard.down('Enter')
      await page.waitForTimeout(600)
      await page.keyboard.down('Enter')
      await page.keyboard.up('Enter')
      await page.locator('[data-receipt]').waitFor()
      expect(await page.locator('[data-problem]').count()).to.equal(0)
      await isFocused(button(page, 'Stop'))
      await page.keyboard.press('Enter')
      await page.locator('[data-problem="call.left"]').waitFor()
      await isFocused(page.locator('[data-run=failed]'))
    } finally {
      process.kill(worker, 'SIGCONT')
    }

    expect(await page.locator('[data-problem]').textContent()).to.match(/Only what was delivered/)
    // Nothing was delivered, and that is known once the node says so.
    await page.locator('[data-fact="Paid"][data-is]').waitFor()
    expect(await is(page, 'Paid')).to.equal('0')
    await press(page)
    expect(await page.locator('[data-answer=whole]').textContent()).to.match(/pod/)
  })

  it('an answer and the form are still there for whoever comes back; a call that was left has its price', async () => {
    await run(page, 'chat', { Message: QUESTION })
    const text = await page.locator('[data-answer=whole]').textContent()
    const paid = await is(page, 'Paid')
    const away = async () => {
      await page.getByRole('link', { name: 'All pods' }).click()
      await heading(page, 'Pods')
    }
    await away()
    await page.goBack()

    await page.locator('[data-run=done]').waitFor()
    expect(await page.locator('[data-answer=whole]').textContent()).to.equal(text)
    expect(await is(page, 'Paid')).to.equal(paid)
    expect(await page.getByLabel('Message', { exact: true }).inputValue()).to.equal(QUESTION)

    const line = await slowLine(page.context(), house.stage.network.routerUrl)
    try {
      await button(page, 'Run').click()
      await page
        .locator('[data-answer=part]')
        .waitFor()
        .catch(async (cause: unknown) => {
          throw new Error(`it shows: ${await page.locator('main').textContent()}`, { cause })
        })
      await away()
    } finally {
      await line.close()
    }
    await page.goBack()
    await page.locator('[data-problem="call.left"]').waitFor()
    await page.locator('[data-fact="Paid"][data-is]').waitFor()
    const { receipt } = await house.receipt(await attribute(page, '[data-receipt]', 'data-receipt'))
    expect(await is(page, 'Paid')).to.equal(receipt?.price.toString())
    expect(await page.locator('[data-answer=part]').textContent()).not.to.equal('')
  })

  it('an address that names no pod is answered in words for people', async () => {
    for (const path of ['/pods/0', '/pods/none']) {
      await go(page, path)
      await page.getByText('Pods have numbers, from 1 on.').waitFor()
    }
  })

  whatStopsPaying({
    house: () => house,
    path: () => `/pods/${pods.chat}`,
    fill: (on) => fill(on, 'Message', QUESTION),
    pays: 'Run',
    done: (on) => on.locator('[data-answer=whole]').waitFor(),
  })

  it('without credit nothing can be run, and the way to it stands there', async () => {
    const mine = await house.open(await house.visitor(), `/pods/${pods.chat}`)
    await mine.locator('[data-session=none]').waitFor()
    await fill(mine, 'Message', QUESTION)

    expect(await button(mine, 'Run').isDisabled()).to.equal(true)
    expect(await mine.locator('form').first().textContent()).to.include('Add credit first')
    expect(await button(mine, 'Add credit').isVisible()).to.equal(true)
    await mine.context().close()
  })

  // --------------------------------------------------------------------------------------------------- snippets

  /** The code that a tab shows for what the form says. */
  async function snippet(pod: string, values: Record<string, string>, tab: string): Promise<string> {
    await go(page, `/pods/${pods[pod]}`)
    await isReady(page)
    for (const [label, text] of Object.entries(values)) await fill(page, label, text)
    await page.getByRole('tab', { name: tab, exact: true }).click()
    return (await page.locator(`[data-snippet=${tab}]`).textContent()) ?? ''
  }
  const inFolder = async <T>(work: (home: string) => Promise<T>): Promise<T> => {
    const home = mkdtempSync(join(tmpdir(), 'heurist-snippet-'))
    try {
      return await work(home)
    } finally {
      rmSync(home, { recursive: true, force: true })
    }
  }
  /** Runs a line of a shell, or a program of TypeScript that lies in the checkout. */
  const runs = (code: string, secrets: Record<string, string>, how: 'sh' | 'tsx') =>
    inFolder(async (home) => {
      const env = { ...process.env, HEURIST_HOME: home, ...secrets }
      if (how === 'sh') return (await exec('sh', ['-c', code], { cwd: root, env })).stdout
      const file = join(root, `.snippet-${process.pid}.mts`)
      writeFileSync(file, code)
      try {
        return (await exec(process.execPath, ['--import', 'tsx', file], { cwd: root, env })).stdout
      } finally {
        rmSync(file)
      }
    })

  it('the curl line is one paid call of the gateway, for every kind that it serves', async () => {
    const secrets = { HEURIST_API_KEY: house.stage.network.apiKey }
    const chat = JSON.parse(
      await runs(await snippet('chat', { Message: `It's ${QUESTION}` }, 'curl'), secrets, 'sh'),
    )
    const embed = JSON.parse(await runs(await snippet('embed', { Text: QUESTION }, 'curl'), secrets, 'sh'))
    const image = JSON.parse(
      await runs(await snippet('image', { Prompt: 'a red circle' }, 'curl'), secrets, 'sh'),
    )

    expect(chat.choices[0].message.content).to.be.a('string').and.not.equal('')
    expect(embed.data[0].embedding).to.have.length(128)
    expect(Buffer.from(image.data[0].b64_json, 'base64').subarray(1, 4).toString()).to.equal('PNG')
  })

  it('the openai, heurist and sdk snippets run as they stand', async () => {
    const payer = await house.stage.market.payer(usd('1'))
    const paying = { HEURIST_KEY: payer.key }
    const openai = await runs(
      await snippet('chat', { Message: QUESTION }, 'openai'),
      { HEURIST_API_KEY: house.stage.network.apiKey },
      'tsx',
    )
    const sdk = await runs(await snippet('translate', { Text: 'The cat sleeps.' }, 'sdk'), paying, 'tsx')
    // A key belongs to one journal, and each of these has its own.
    const [other, third] = [
      await house.stage.market.payer(usd('1')),
      await house.stage.market.payer(usd('1')),
    ]
    const cli = await runs(
      await snippet('chat', { Message: QUESTION }, 'heurist'),
      { HEURIST_KEY: other.key },
      'sh',
    )
    const german = await snippet(
      'translate',
      { Text: 'My sister buys a red hat at the market today.', From: 'en', To: 'de' },
      'heurist',
    )
    const translated = await runs(german, { HEURIST_KEY: third.key }, 'sh')
    const [request = ''] = /0x[0-9a-f]{64}/.exec(sdk) ?? []
    const { receipt } = await house.receipt(request)

    expect(await page.locator('[data-no-curl]').textContent()).to.match(/The command and the SDK sign it/)
    expect(translated).to.include('Meine Schwester kauft heute einen roten Hut auf dem Markt.')
    expect(openai).to.match(/pod/)
    expect(sdk).to.include(formatUsd(receipt?.price ?? 0n))
    expect(cli).to.match(/pod/)
  })

  it('the tabs are walked by arrows, and the code can be copied', async () => {
    const code = await snippet('chat', { Message: QUESTION }, 'sdk')
    const tab = (name: string) => page.getByRole('tab', { name, exact: true })
    await page.keyboard.press('ArrowRight')
    expect(await tab('curl').getAttribute('aria-selected')).to.equal('true')
    await page.keyboard.press('End')
    expect(await tab('sdk').getAttribute('aria-selected')).to.equal('true')

    await button(page, 'Copy the code').click()
    expect(await page.evaluate('navigator.clipboard.readText()')).to.equal(code)
  })

  // ------------------------------------------------------------------------------------------------------ nodes

  it('a node’s page says what the chain says: stake, tip, home, boost, revenue', async () => {
    const { economy, chain } = actor
    await go(page, `/nodes/${node}`)
    await fact(page, 'Revenue').waitFor()
    const { epoch } = await readClock(chain)
    const args = [router(), ROLE.node, node] as const
    const at = { address: economy.emission, abi: emissionControllerAbi } as const
    await until(async () => {
      const [claimable, claimed, gross, split] = await Promise.all([
        chainRead().readContract({ ...ledger(), functionName: 'claimable', args }),
        chainRead().readContract({ ...ledger(), functionName: 'claimedOf', args }),
        chainRead().readContract({ ...ledger(), functionName: 'unitsIn', args: [...args, epoch] }),
        chainRead().readContract({ ...ledger(), functionName: 'splitIn', args: [epoch] }),
      ])
      const share = (gross * BigInt(split.node)) / 10_000n
      const shown = await attribute(page, `[data-epoch="${epoch}"]`, 'data-share')
      return (
        gross > 0n && (await is(page, 'Revenue')) === String(claimable + claimed) && shown === String(share)
      )
    })
    const stake = await chainRead().readContract({
      address: economy.staking,
      abi: nodeStakingAbi,
      functionName: 'stakeOf',
      args: [node],
    })
    const tip = await chainRead().readContract({ ...at, functionName: 'tipIn', args: [node, epoch + 1] })
    const units = 1n << 64n
    const points = await chainRead().readContract({
      ...at,
      functionName: 'pointsOf',
      args: [node, epoch, false, 1n],
    })

    expect(stake.active).to.equal(250n * HEU)
    expect(await is(page, 'Stake')).to.equal(String(stake.active))
    expect(tip).to.equal(1_250)
    expect(await fact(page, 'Tip to voters').textContent()).to.include('next epoch 12.5 %')
    expect(await is(page, 'Boost')).to.equal(String((points * 1_000n) / units))
    expect(await page.locator('main').textContent()).to.match(/live/)

    // Only this epoch has earned: its dollars are the longest bar. It is not final: of HEU there is none.
    const parts = page.locator(`[data-epoch="${epoch}"] [data-part]`)
    expect(await parts.count()).to.equal(1)
    expect([await parts.getAttribute('data-part'), await parts.getAttribute('width')]).to.deep.equal([
      'solid',
      '100%',
    ])
    await page.getByText('its share of what was paid, in dollars').waitFor()
  })

  it('credits: the days are what the receipts cost, as a file too, and how long the credit lasts is said', async () => {
    const mine = await house.guest(`/pods/${pods.chat}`)
    await go(mine, '/credits')
    await mine.getByText('No call was made from this browser yet.').waitFor()
    expect(await mine.locator('[data-pace]').count()).to.equal(0)
    expect(await mine.getByRole('link', { name: 'Export as CSV' }).count()).to.equal(0)

    const requests = [
      await run(mine, 'chat', { Message: QUESTION }),
      await run(mine, 'embed', { Text: QUESTION }),
    ]
    const receipts = await Promise.all(requests.map((request) => house.receipt(request)))
    const cost = receipts.reduce((sum, { receipt }) => sum + BigInt(receipt?.price ?? 0), 0n)
    await go(mine, '/credits')
    const row = mine.locator('[data-day]')
    await row.waitFor()
    const day = await row.getAttribute('data-day')
    await mine.locator('[data-pace]').waitFor()

    expect(cost > 0n).to.equal(true)
    expect(await row.getAttribute('data-value')).to.equal(String(cost))
    expect(await row.locator('[data-part]').getAttribute('width')).to.equal('100%')
    // All of it went today, and the key has so much more.
    const left = BigInt(await attribute(mine, '[data-figure=left]', 'data-value'))
    expect(left / cost > 365n).to.equal(true)
    expect(await mine.locator('[data-pace]').textContent()).to.equal(
      `At the pace of the last day with calls, $${formatUsd(cost)} a day, the key’s credit lasts for more than a year.`,
    )
    const [saved] = await Promise.all([
      mine.waitForEvent('download'),
      mine.getByRole('link', { name: 'Export as CSV' }).click(),
    ])
    expect(saved.suggestedFilename()).to.equal('heurist-spend.csv')
    expect(readFileSync(await saved.path(), 'utf8')).to.equal(
      `day,calls,charged_usd\r\n${day},2,${formatUsd(cost)}\r\n`,
    )
    expect(await faultsInBothThemes(mine, 'credits')).to.deep.equal([])
    await mine.context().close()
  })

  it('the list of nodes has them all, with what each earned', async () => {
    const count = await chainRead().readContract({
      ...registry(),
      functionName: 'countOf',
      args: [ROLE.node],
    })
    await go(page, '/nodes')
    await page.locator(`[data-node="${node}"]`).waitFor()

    expect(await page.locator('[data-node]').count()).to.equal(count)
    const row = page.locator(`[data-node="${node}"]`)
    await row.getByText('translate (warm)').waitFor()
    expect(await row.textContent())
      .to.include('250 HEU')
      .and.match(/cores/)
    await page.getByRole('link', { name: `node ${node}`, exact: true }).click()
    await heading(page, `Node ${node}`)
  })

  it('a pod’s revenue is the chain’s', async () => {
    const id = pods.chat ?? 0
    await go(page, `/pods/${id}`)
    await fact(page, 'Calls settled').waitFor()
    const args = [router(), ROLE.pod, id] as const
    await until(async () => {
      const gross = await chainRead().readContract({ ...ledger(), functionName: 'grossOf', args })
      const claimable = await chainRead().readContract({ ...ledger(), functionName: 'claimable', args })
      const [shown, earned] = [await is(page, 'Calls settled'), await is(page, 'Its deployer earned')]
      return gross > 0n && shown === String(gross) && earned === String(claimable)
    })
  })

  // --------------------------------------------------------------------------------------------------- explorer

  it('finds a job by its hash, the calls of a payer by its address, and says what is neither', async () => {
    const request = await run(page, 'embed', { Text: QUESTION })
    const { request: sent } = await house.receipt(request)
    await go(page, '/explorer')
    const search = page.getByLabel('Request hash or payer’s address')
    await search.fill(HOSTILE)
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()

    await search.fill(sent.payer)
    await page.keyboard.press('Enter')
    const rows = page.getByRole('region', { name: 'Jobs' }).getByRole('row')
    const told = await fromRouter<{ receipts: { payer: string }[] }>('/v1/receipts?limit=50')
    const own = told.receipts.filter(({ payer }) => payer === sent.payer).length
    await until(async () => (await rows.count()) === own + 1)

    await search.fill(request)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').getByText(request.slice(0, 6)).first().waitFor()
    expect(new URL(page.url()).pathname).to.equal(`/r/${request}`)
    await page.keyboard.press('Escape')
    await heading(page, 'Explorer')
    expect(new URL(page.url()).pathname).to.equal('/explorer')
  })

  it('a batch adds up: its debits, its credits, its leaves, as the chain has them', async () => {
    const request = await run(page, 'translate', { Text: 'The cat sleeps.' })
    await settled(request)
    const { batch } = await house.receipt(request)
    const seq = batch?.seq ?? 0n
    const [event] = await chainRead().getContractEvents({
      ...ledger(),
      eventName: 'BatchSettled',
      args: { router: router(), seq },
      fromBlock: 0n,
      strict: true,
    })
    await go(page, '/explorer')
    await page.locator(`[data-batch="${seq}"]`).getByRole('link').first().click()
    await heading(page, `Batch ${seq}`)
    await page.locator('[data-check=data]').waitFor()
    const sum = async (selector: string, name: string) =>
      (
        await page
          .locator(selector)
          .evaluateAll((rows, key) => rows.map((row) => row.getAttribute(key)), name)
      ).reduce((total, each) => total + BigInt(each ?? '0'), 0n)

    expect(await is(page, 'Gross')).to.equal(String(event?.args.gross))
    expect(await is(page, 'Root')).to.equal(event?.args.root)
    expect(await is(page, 'Transaction')).to.equal(event?.transactionHash)
    expect(await is(page, 'Block')).to.equal(String(event?.blockNumber))
    expect(await sum('[data-charge]', 'data-charge')).to.equal(event?.args.gross)
    for (const role of ['node', 'pod'])
      expect(await sum(`[data-credit^="${role} "]`, 'data-amount')).to.equal(event?.args.gross)
    expect(Object.values(await verdicts(page)).every((verdict) => verdict === 'holds')).to.equal(true)
    expect(await page.locator(`[data-leaf="${request}"]`).count()).to.equal(1)
  })

  it('leaves that a router shows and never settled do not hold', async () => {
    const { receipts } = await fromRouter<{ receipts: { hash: Hex; status: string }[] }>('/v1/receipts')
    const request = receipts.find(({ status }) => status === 'settled')?.hash ?? ''
    const digits = request.slice(2)
    const { batch } = await house.receipt(request)
    const liar = await house.visitor()
    await liar.route(`**/v1/batches/${batch?.seq}/parts/0`, async (route) => {
      const told = await (await route.fetch()).text()
      const body = told.replace(
        digits,
        digits.replace(/^./, (first) => (first === '0' ? '1' : '0')),
      )
      expect(body).not.to.equal(told)
      await route.fulfill({ body, headers: { 'access-control-allow-origin': '*' } })
    })
    const other = await house.open(liar, `/explorer/batches/${router()}/${batch?.seq}`)
    await other.locator('[data-check=data]').waitFor()

    expect(await failing(other)).to.deep.equal(['data'])
    await liar.close()
  })

  it('the present epoch has the cap and the reserve of the chain', async () => {
    const { epoch } = await readClock(actor.chain)
    const at = { address: actor.economy.emission, abi: emissionControllerAbi } as const
    const [[cap], reserve] = await Promise.all([
      chainRead().readContract({ ...at, functionName: 'capOf', args: [epoch] }),
      chainRead().readContract({ ...at, functionName: 'reserve' }),
    ])
    await go(page, '/explorer')
    await fact(page, 'Reserve').waitFor()

    expect(await is(page, 'Reserve')).to.equal(String(reserve))
    await page.locator(`[data-epoch="${epoch}"]`).getByRole('link').click()
    await heading(page, `Epoch ${epoch}`)
    await fact(page, 'Cap').waitFor()
    expect(await is(page, 'Cap')).to.equal(String(cap))
  })

  // ---------------------------------------------------------------------------------------------------- receipt

  it('a receipt of this browser’s own call: every signature, hash and sum holds, none is left out', async () => {
    const request = await run(page, 'chat', { Message: QUESTION })
    await settled(request)
    await page.locator('[data-receipt]').click()
    await page.locator('[data-check=split]').waitFor()
    const found = await verdicts(page)

    expect(Object.keys(found)).to.include.members([
      'request',
      'bytes',
      'price',
      'node',
      'router',
      'leaf',
      'root',
      'batch',
      'data',
      'debit',
      'journal',
      'split',
    ])
    expect(Object.entries(found).filter(([, verdict]) => verdict !== 'holds')).to.deep.equal([])
    await page
      .getByRole('dialog')
      .getByText(/^all \d+ hold$/)
      .waitFor()
    await page.keyboard.press('Escape')
    await heading(page, 'chat')
  })

  it('a receipt that somebody changed shows which check fails, whatever was changed', async () => {
    const request = await run(page, 'embed', { Text: QUESTION })
    await settled(request)
    type Document = Record<string, Record<string, unknown>>
    const one = (value: unknown) => String(BigInt(String(value)) + 1n)
    const turned = (hex: unknown) =>
      String(hex).replace(/^(0x.{8})(.)/, (_, a, b) => a + (b === '0' ? '1' : '0'))
    const lies: [string, (document: Document) => void, string][] = [
      [
        'the pod of the signed request',
        ({ request: sent }) => Object.assign(sent ?? {}, { pod: 99 }),
        'request',
      ],
      ['the price', ({ receipt }) => Object.assign(receipt ?? {}, { price: one(receipt?.price) }), 'price'],
      ['the node’s signature', (all) => Object.assign(all, { signature: turned(all.signature) }), 'node'],
      [
        'the router’s signature',
        (all) => Object.assign(all, { ackSignature: turned(all.ackSignature) }),
        'router',
      ],
      ['the sum charged', ({ ack }) => Object.assign(ack ?? {}, { charged: one(ack?.charged) }), 'router'],
      ['the leaf', ({ leaf }) => Object.assign(leaf ?? {}, { charged: one(leaf?.charged) }), 'leaf'],
      ['a payee’s total', ({ leaf }) => Object.assign(leaf ?? {}, { podGross: one(leaf?.podGross) }), 'root'],
      ['the proof', ({ batch }) => Object.assign(batch ?? {}, { proof: [`0x${'11'.repeat(32)}`] }), 'root'],
      ['the split', ({ split }) => Object.assign(split ?? {}, { node: one(split?.node) }), 'split'],
    ]
    const liar = await house.visitor()
    let lie: (document: Document) => void = () => {}
    await liar.route(`**/v1/receipts/${request}`, async (route: Route) => {
      const document = (await (await route.fetch()).json()) as Document
      lie(document)
      await route.fulfill({ json: document, headers: { 'access-control-allow-origin': '*' } })
    })
    const other = await house.open(liar, '/explorer')
    for (const [what, change, name] of lies) {
      lie = change
      await go(other, `/r/${request}`)
      await other.locator(`[data-check="${name}"]`).waitFor()
      expect(await failing(other), what).to.include(name)
      expect(await other.locator(`[data-check="${name}"]`).textContent(), what).to.include('does not hold')
    }
    await liar.close()
  })

  // ------------------------------------------------------------------------------------------------ every page

  /** One page of every address, with its heading. */
  async function places(): Promise<[string, string][]> {
    const { receipts } = await fromRouter<{ receipts: { hash: string; status: string }[] }>('/v1/receipts')
    const last = receipts.find(({ status }) => status === 'settled')?.hash ?? ''
    const { batch } = await house.receipt(last)
    const { epoch } = await readClock(actor.chain)
    return [
      ['/', 'Every answer is priced'],
      ['/pods', 'Pods'],
      ...Object.entries(pods).map(([name, id]): [string, string] => [`/pods/${id}`, name]),
      ['/nodes', 'Nodes'],
      [`/nodes/${node}`, `Node ${node}`],
      ['/explorer', 'Explorer'],
      [`/explorer/batches/${router()}/${batch?.seq}`, `Batch ${batch?.seq}`],
      [`/explorer/epochs/${epoch}`, `Epoch ${epoch}`],
      [`/r/${last}`, 'Receipt'],
    ]
  }
  /** Everything that is read has come; what the page earns is read once somebody looks at its foot. */
  async function whole(on: Page, title: string): Promise<void> {
    await on.getByRole('heading', { name: title }).first().waitFor({ state: 'attached' })
    await on
      .locator('main, dialog')
      .getByText(/^(Reading|Loading)/)
      .first()
      .waitFor({ state: 'detached' })
  }

  it('every page can be opened by its address, and again', async () => {
    const mine = await house.open(await house.visitor(), '/')
    const all = await places()
    for (const [path, title] of all) {
      await go(mine, path)
      await whole(mine, title)
      await mine.reload()
      await whole(mine, title)
      expect(new URL(mine.url()).pathname).to.equal(path)
    }
    // A page that somebody adds is looked at too.
    const known = all.map(([path]) => path)
    for (const address of PORTAL_ADDRESSES.filter((each) => !/credits|stake|lock|vote|claim/.test(each))) {
      const pattern = new RegExp(`^${address.replace(/:\w+/g, '[^/]+')}$`)
      expect(
        known.some((path) => pattern.test(path)),
        address,
      ).to.equal(true)
    }
    await mine.context().close()
  })

  it('no page has a serious or critical fault by axe, or is wider than its window, in both themes', async () => {
    const faults: string[] = []
    const all = await places()
    for (const theme of ['light', 'dark'] as const) {
      for (const width of [360, 1440]) {
        await page.setViewportSize({ width, height: 800 })
        await page.emulateMedia({ colorScheme: theme })
        for (const [path, title] of all) {
          await go(page, path)
          await whole(page, title)
          faults.push(...(await faultsOf(page, `${path} ${theme} ${width}`)))
          faults.push(...(await overflowOf(page, `${path} ${theme} ${width}`)))
        }
      }
    }

    expect(faults).to.deep.equal([])
    await page.setViewportSize({ width: 1440, height: 900 })
  })

  it('nothing jumps while a page fills: on a phone, every page shifts less than a tenth of its window', async () => {
    const request = await run(page, 'chat', { Message: QUESTION })
    await settled(request)
    const { batch } = await house.receipt(request)
    const context = await house.visitor()
    // What browsers count: what moved that nobody touched.
    await context.addInitScript(`window.shift = 0
      new PerformanceObserver((list) => {
        for (const each of list.getEntries()) if (!each.hadRecentInput) window.shift += each.value
      }).observe({ type: 'layout-shift', buffered: true })`)
    const mine = await context.newPage()
    await mine.setViewportSize({ width: 412, height: 823 })
    const { epoch } = await readClock(actor.chain)
    const filled: Record<string, string> = {
      '/': '[aria-label^="Map of the network"]',
      '/pods': '[data-pod]',
      [`/pods/${pods.chat}`]: '[data-fact=Price]',
      '/nodes': '[data-node]',
      [`/nodes/${node}`]: '[data-fact=Stake]',
      '/explorer': '[data-epoch]',
      [`/explorer/batches/${router()}/${batch?.seq}`]: '[data-fact=When]',
      [`/explorer/epochs/${epoch}`]: 'main h1',
      [`/r/${request}`]: '[data-check=split]',
    }
    const jumping: string[] = []
    for (const [path, selector] of Object.entries(filled)) {
      await go(mine, path)
      await mine.locator(selector).first().waitFor()
      await mine.waitForTimeout(1_000)
      const shift = (await mine.evaluate('window.shift')) as number
      if (shift >= 0.1) jumping.push(`${path}: ${shift.toFixed(3)}`)
    }

    expect(jumping).to.deep.equal([])
    await context.close()
  })

  // ------------------------------------------------------------------------------------------------------- down

  it('a call made on a pod’s page is a call of that pod, whichever pod has published the same manifest', async () => {
    const { deployer, addresses, payer } = house.stage.market
    const { account } = await payer(0n)
    const registry = { address: addresses.registry, abi: registryAbi } as const
    // Whoever has an older pod publishes this one's manifest there: its revenue would be theirs.
    const args = [account.address, manifestHash(readFileSync(join(PODS, 'chat', 'pod.yaml')))] as const
    await deployer.send({ ...registry, functionName: 'registerPod', args }, account)
    const id = await deployer.client.readContract({ ...registry, functionName: 'countOf', args: [ROLE.pod] })
    const isListed = async () => (await fetch(`${house.stage.network.routerUrl}/v1/pods/${id}`)).ok
    await until(isListed)
    const page = await house.guest(`/pods/${id}`)
    const called = new Set<number>()
    page.on('request', (sent) => {
      if (sent.url().endsWith('/v1/jobs') && sent.method() === 'POST')
        called.add(sent.postDataJSON().request.pod)
    })
    await page.getByLabel('Message', { exact: true }).fill('What is a pod?')
    await button(page, 'Run').click()
    await page.locator('[data-run=done], [data-run=failed]').waitFor()
    const request = (await page.locator('[data-run] [data-receipt]').getAttribute('data-receipt')) ?? ''
    const answer = await fetch(`${house.stage.network.routerUrl}/v1/receipts/${request}`)
    expect([...called]).to.deep.equal([id])
    // Nobody may serve it: then the router has refused it, and has no receipt.
    if (answer.ok) expect((await house.receipt(request)).request.pod).to.equal(id)
    await page.context().close()
  })

  it('while the chain is down, a banner says so, what was read stays, and the page goes on by itself', async () => {
    const mine = await house.open(await house.visitor(), `/nodes/${node}`)
    await fact(mine, 'Stake').waitFor()
    const banner = mine.locator('[data-banner="chain.unreachable"]')
    await house.stage.market.restartChain(async () => {
      await banner.waitFor()

      expect(await banner.textContent()).to.match(/Read only\. The chain does not answer/)
      expect(await is(mine, 'Stake')).to.equal(String(250n * HEU))
    })
    await banner.waitFor({ state: 'detached' })
    await mine.context().close()
  })

  it('while the router is down the same, on every page', async () => {
    const mine = await house.open(await house.visitor(), '/pods')
    await mine.locator('[data-pod]').first().waitFor()
    const banner = mine.locator('[data-banner=router]')
    await house.stage.network.kill('router', async () => {
      await banner.waitFor()

      expect(await banner.textContent()).to.match(/Read only\. The router does not answer/)
      expect(await mine.locator('[data-pod]').count()).to.equal(Object.keys(pods).length)
    })
    await banner.waitFor({ state: 'detached' })
    await mine.context().close()
  })

  it('a chain that takes the line and says nothing is told of too, before what is read of it is given up', async () => {
    const mine = await house.open(await house.visitor(), `/nodes/${node}`)
    await fact(mine, 'Stake').waitFor()
    const goOn = house.stage.market.hangChain()
    try {
      const banner = mine.locator('[data-banner="chain.unreachable"]')
      await banner.waitFor({ timeout: GIVEN_UP_MS })

      expect(await banner.textContent()).to.match(/Read only\. The chain does not answer/)
      expect(await is(mine, 'Stake')).to.equal(String(250n * HEU))
      goOn()
      await banner.waitFor({ state: 'detached' })
    } finally {
      goOn()
    }
    await mine.context().close()
  })

  const SILENCES: Record<string, (context: BrowserContext) => Promise<() => Promise<unknown>>> = {
    async refuses(context) {
      const of = `${house.stage.network.routerUrl}/**`
      await context.route(of, (route) => route.abort('connectionrefused'))
      return () => context.unroute(of)
    },
    async 'takes the line and says nothing'() {
      const pid = house.stage.network.pid('router')
      process.kill(pid, 'SIGSTOP')
      return async () => process.kill(pid, 'SIGCONT')
    },
  }
  /** What would say that there is none, where nobody told how many there are. */
  const NONE =
    /No call|No node|No payer|Nothing has been|serves no pod|does not know|newest 0|last 0|\b0 of 0\b|0 \/ 0|\$0\.0/
  for (const [how, silence] of Object.entries(SILENCES)) {
    it(`a router that ${how} from the start is said above, and what it did not tell is drawn as unknown`, async () => {
      const context = await house.visitor()
      const goOn = await silence(context)
      try {
        const mine = await house.open(context)
        await go(mine, '/')
        const banner = mine.locator('[data-banner=router]')
        await banner.waitFor()
        await mine.locator('[data-figure]').nth(3).waitFor()
        const main = mine.getByRole('main')

        expect(await banner.textContent()).to.match(/Read only\. The router does not answer/)
        expect(await mine.locator('[data-figure][data-known=false]').count()).to.equal(4)
        expect(await main.textContent()).not.to.match(NONE)
        for (const name of ['Explorer', 'Pods', 'Nodes']) {
          await mine.getByRole('link', { name, exact: true }).click()
          await heading(mine, name)

          expect(await banner.count(), name).to.equal(1)
          expect(await main.textContent(), name).not.to.match(NONE)
        }
        // These live of the chain alone.
        for (const name of ['Stake', 'Lock', 'Vote', 'Claim']) {
          await mine.getByRole('link', { name, exact: true }).click()
          await heading(mine, name)
          await banner.waitFor({ state: 'detached' })

          expect(await main.textContent(), name).not.to.include('Read only')
        }
        await goOn()
        await mine.getByRole('link', { name: 'Network', exact: true }).click()
        await until(async () => (await mine.locator('[data-figure][data-known=true]').count()) === 4)
        await banner.waitFor({ state: 'detached' })
      } finally {
        await goOn()
      }
      await context.close()
    })
  }

  it('no page asked anything of a stranger, and no policy was broken', () => {
    expect(house.strangers).to.deep.equal([])
    expect(house.complaints).to.deep.equal([])
  })
})
