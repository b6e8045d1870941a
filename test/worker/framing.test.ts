import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { pino } from 'pino'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { routerConfigSchema } from '../../keepers/router/config.ts'
import { startRouter } from '../../keepers/router/router.ts'
import { computeLedgerAbi, registryAbi, routerBondAbi } from '../../sdk/chain/abi.ts'
import { saveKey } from '../../sdk/chain/keys.ts'
import { fetchNetwork, type Network } from '../../sdk/chain/network.ts'
import { createClient, memoryJournal, usd } from '../../sdk/index.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import { lastBench } from '../../worker/bench.ts'
import { parseConfig } from '../../worker/config.ts'
import { examineCover } from '../../worker/doctor/cover.ts'
import { type Identity, joinNetwork } from '../../worker/identity.ts'
import { type Past, refuseLoss } from '../../worker/loss.ts'
import { openReceipts } from '../../worker/receipts.ts'
import { startWorker } from '../../worker/worker.ts'
import { type Market, openMarket } from '../market.ts'
import { writeTestPod } from './pod.ts'
import { chatInput, requestFor } from './router.ts'
import { openStage, type Stage, type WorkerProcess } from './stage.ts'

const quiet = pino({ level: 'silent' })
const codeOf = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    (cause: { code?: string }) => cause.code ?? String(cause),
  )
const BIN = join(import.meta.dirname, '..', '..', 'cli', 'heurist.mjs')
const heurist = (...argv: string[]): Promise<{ code: number; out: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [BIN, ...argv], (failure, out) =>
      resolve({ code: failure ? Number(failure.code) : 0, out }),
    )
  })
const warm = (stage: Stage) =>
  stage.router.until((slots) => slots.length > 0 && slots.every((s) => s.state === 'warm' && s.free))

describe('a router that wants a second, differing receipt of a node', function () {
  this.timeout(600_000)
  let stage: Stage
  before(async () => {
    stage = await openStage({ router: { acknowledge: false } })
  })
  after(() => stage.close())

  it('and dispatches one request twice to frame it, with another attempt, at once, and after a kill -9, gets identical bytes', async () => {
    const first = stage.start()
    await stage.router.linked()
    await warm(stage)
    const input = chatInput({ max_tokens: 60 })
    const request = requestFor(stage.podId, input)
    const dispatch = () => stage.router.order(request, input)

    const [one, twin] = await Promise.all([dispatch().ended, dispatch().ended])
    const later = await dispatch().ended
    first.kill('SIGKILL')
    await first.gone
    await stage.router.unlinked()
    const second = stage.start()
    await stage.router.linked()
    await warm(stage)
    const reborn = await dispatch().ended
    // Under another attempt, as after a failover back to this node.
    const again = await stage.router.order(request, input, undefined, 7).ended

    expect(one.receiptBytes).to.be.instanceOf(Uint8Array)
    expect([twin.fail?.code, twin.receiptBytes]).to.deep.equal(['job.duplicate', undefined])
    expect(later.receiptBytes).to.deep.equal(one.receiptBytes)
    expect(reborn.receiptBytes).to.deep.equal(one.receiptBytes)
    expect(reborn.output()).to.deep.equal(one.output())
    expect(again.receiptBytes).to.deep.equal(one.receiptBytes)
    // Nobody said `received`, so the new process told it by itself too.
    expect(stage.router.repeated.length).to.be.at.least(1)
    for (const told of stage.router.repeated) expect(told).to.deep.equal(one.receiptBytes)
    const signed = [...first.lines, ...second.lines].filter(({ event }) => event === 'job.done')
    expect(signed).to.have.length(1)
  })
})

describe('a node that lost its receipts', function () {
  this.timeout(600_000)
  let market: Market
  let router: Awaited<ReturnType<typeof startRouter>>
  let network: Network
  let identity: Identity
  let home: string
  let podsDir: string
  let mute: Server

  /** A router that knows of no Statement: the chain alone can tell. */
  const muteUrl = () => `http://127.0.0.1:${(mute.address() as AddressInfo).port}`
  const past = (facts: Partial<Past> = {}): Past => ({
    node: identity.node,
    dataDir: home,
    routerUrl: router.url,
    network,
    ...facts,
  })

  before(async () => {
    podsDir = join(process.env.TMPDIR ?? '/tmp', `heurist-framing-${process.pid}`)
    await writeTestPod(podsDir, { outputUnits: 512 })
    market = await openMarket(podsDir)
    const keyFile = join(market.home, 'router.key')
    saveKey(keyFile, market.router.key)
    const { authority, ...others } = market.addresses
    router = await startRouter(
      routerConfigSchema.parse({
        port: 0,
        dataDir: join(market.home, 'router'),
        rpcUrl: market.chain.rpcUrl,
        chainId: market.domain.chainId,
        addresses: { accessManager: authority, ...others },
        keyFile,
        podsDir,
        settle: { maxAgeMs: 500 },
      }),
      quiet,
      (cause) => {
        throw cause
      },
    )
    network = await fetchNetwork(router.url)
    mute = createServer((_, response) => {
      response.statusCode = 404
      response.end('{}')
    }).listen(0, '127.0.0.1')
    home = join(market.home, 'serving')
    identity = await joinNetwork({ network, home })
  })
  after(async () => {
    mute?.close()
    await router?.stop()
    await market?.close()
    rmSync(podsDir, { recursive: true, force: true })
  })

  it('and never earned begins a new store: a newcomer needs nobody’s consent', async () => {
    expect(await codeOf(refuseLoss(past()))).to.equal(undefined)
  })

  it('but earned before does not start: receipts.lost, by its Statement alone and by the chain alone', async () => {
    const worker = await startWorker(
      parseConfig({
        routerUrl: router.url,
        node: identity.node,
        signerKeyFile: identity.signerKeyFile,
        podsDir,
        dataDir: home,
        slots: [{ pod: 'babble', device: 'cpu', warm: true }],
      }),
      { log: quiet },
    )
    await worker.admitted
    const { key } = await market.payer(usd('1.00'))
    const client = createClient({ routerUrl: router.url, key, journal: memoryJournal() })
    await client.run('babble', { messages: [{ role: 'user', content: 'Say something.' }], max_tokens: 20 })
    await client.close()
    await worker.stop()

    const kept = await codeOf(refuseLoss(past()))
    const gone = join(market.home, 'gone')
    mkdirSync(gone)
    renameSync(join(home, 'receipts.db'), join(gone, 'receipts.db'))
    const byStatement = await codeOf(refuseLoss(past()))
    let settled = 0n
    while (settled === 0n) {
      settled = await market.deployer.client.readContract({
        address: market.addresses.ledger,
        abi: computeLedgerAbi,
        functionName: 'grossOf',
        args: [market.router.address, ROLE.node, identity.node],
      })
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    const byChain = await codeOf(refuseLoss(past({ routerUrl: muteUrl() })))

    expect([kept, byStatement, byChain]).to.deep.equal([undefined, 'receipts.lost', 'receipts.lost'])
  })

  it('is not believed to be new while the chain or the router does not answer', async () => {
    const empty = join(market.home, 'empty')
    const nowhere = 'http://127.0.0.1:9'

    const noChain = await codeOf(refuseLoss(past({ dataDir: empty, rpcUrl: nowhere })))
    const noRouter = await codeOf(refuseLoss(past({ dataDir: empty, routerUrl: nowhere })))

    expect([noChain, noRouter]).to.deep.equal(['chain.unreachable', 'router.unreachable'])
  })

  it('starts when its owner accepts the loss, or puts the receipts back', async () => {
    const config = { routerUrl: router.url, node: identity.node, signerKeyFile: identity.signerKeyFile }
    const stage = await openStage()
    const there = { ...config, podsDir, slots: [{ pod: 'babble', device: 'cpu' }] }
    const run = async (worker: WorkerProcess) => {
      const { event } = await Promise.race([worker.said('ready'), worker.said('worker.failed')])
      worker.kill('SIGTERM')
      await worker.gone
      return [
        event,
        (worker.lines.find((line) => line.event === 'worker.failed')?.error as { code?: string })?.code,
      ]
    }
    const empty = join(market.home, 'bare')

    const lost = await run(stage.start({ ...there, dataDir: empty, acceptLoss: false }))
    const accepted = await run(stage.start({ ...there, dataDir: empty, acceptLoss: true }))
    const restored = await run(
      stage.start({ ...there, dataDir: join(market.home, 'gone'), acceptLoss: false }),
    )
    await stage.close()

    expect(lost).to.deep.equal(['worker.failed', 'receipts.lost'])
    expect(accepted).to.deep.equal(['ready', undefined])
    expect(restored).to.deep.equal(['ready', undefined])
  })

  it('is told so by `heurist node up`, which measures the machine before it serves, and not again for a week', async () => {
    const cli = join(market.home, 'cli')
    const up = (...more: string[]) =>
      heurist(
        'node',
        'up',
        '--router',
        router.url,
        '--home',
        cli,
        '--pods',
        'chat',
        '--once',
        '--json',
        ...more,
      )

    const first = await up()
    const bench = lastBench(cli)
    const second = await up()
    renameSync(join(cli, 'receipts.db'), join(cli, 'elsewhere.db'))
    const newcomer = await up()
    const lost = join(market.home, 'lost')
    mkdirSync(lost, { mode: 0o700 })
    for (const key of ['signer.key', 'owner.key']) copyFileSync(join(home, key), join(lost, key))
    const refusal = await heurist('node', 'up', '--router', router.url, '--home', lost, '--once', '--json')

    expect([first.code, second.code, newcomer.code]).to.deep.equal([0, 0, 0])
    expect(bench?.pods.chat?.unitsPerSecond).to.be.greaterThan(0)
    expect(lastBench(cli)).to.deep.equal(bench)
    expect(refusal.code).to.equal(1)
    expect(JSON.parse(refusal.out).error).to.include({ code: 'receipts.lost', kind: 'refused' })
    expect(existsSync(join(lost, 'bench.json'))).to.equal(false)
  })

  it('keeps no store of the refused start: asking twice gets the same refusal', async () => {
    const bare = join(market.home, 'twice')

    const refusals = [
      await codeOf(refuseLoss(past({ dataDir: bare }))),
      await codeOf(refuseLoss(past({ dataDir: bare }))),
    ]
    openReceipts(bare).close()
    const begun = await codeOf(refuseLoss(past({ dataDir: bare })))

    expect(refusals).to.deep.equal(['receipts.lost', 'receipts.lost'])
    expect(begun).to.equal(undefined)
  })
})

describe('the doctor looks at what covers a node', function () {
  this.timeout(600_000)
  let market: Market
  let stated: { status: number; body: string }
  let door: Server
  let network: Network
  let home: string
  let node: number

  before(async () => {
    market = await openMarket()
    const { authority, bond: _, ...others } = market.addresses
    door = createServer((_, response) => {
      response.statusCode = stated.status
      response.end(stated.body)
    }).listen(0, '127.0.0.1')
    await once(door, 'listening')
    const url = `http://127.0.0.1:${(door.address() as AddressInfo).port}`
    network = {
      chainId: market.domain.chainId,
      rpcUrl: market.chain.rpcUrl,
      addresses: { accessManager: authority, ...others },
      split: { node: 7000, pod: 1000, frontend: 1000, voters: 500 },
      podVoters: false,
      router: { address: market.router.address, url },
    }
    home = join(market.home, 'node')
    node = (await joinNetwork({ network, home })).node
  })
  after(async () => {
    door?.close()
    await market?.close()
  })

  const says = (gross: bigint) => {
    const statement = { role: ROLE.node, id: node, gross: gross.toString(), asOf: 1_800_000_000 }
    const reply = { statement, signature: `0x${'11'.repeat(65)}`, router: market.router.address }
    stated = { status: 200, body: JSON.stringify(reply) }
  }

  it('one unit below the cap is well, at the cap it is not, and a router that leaves covers nothing', async () => {
    const bond = { address: market.addresses.bond, abi: routerBondAbi } as const
    const args = [market.router.address, ROLE.node, node] as const
    const cap = await market.deployer.client.readContract({ ...bond, functionName: 'capOf', args })
    // The least gross whose share, floored, reaches the cap.
    const full = (cap * 10_000n + 6_999n) / 7_000n

    stated = { status: 404, body: '{}' }
    const newcomer = await examineCover({ network, home, podsDir: '' })
    says(full - 1n)
    const below = await examineCover({ network, home, podsDir: '' })
    says(full)
    const at = await examineCover({ network, home, podsDir: '' })
    const router = privateKeyToAccount(market.router.key)
    await market.deployer.send({ ...bond, functionName: 'announceExit', args: [] }, router)
    stated = { status: 404, body: '{}' }
    const leaving = await examineCover({ network, home, podsDir: '' })

    expect(cap > 0n).to.equal(true)
    expect([newcomer.ok, below.ok, at.ok, leaving.ok]).to.deep.equal([true, true, false, false])
    expect(at.fix).to.match(/claim --shortfall .*statements/)
    expect(leaving.fix).to.match(/bond does not let it settle/)
  })
})

describe('a signer rotated away', function () {
  this.timeout(600_000)
  let market: Market
  let stage: Stage
  let node: number
  const owner = privateKeyToAccount(generatePrivateKey())

  before(async () => {
    market = await openMarket()
    const registry = { address: market.addresses.registry, abi: registryAbi } as const
    // A router that does not care whose key it is: only the worker's own look can stop it.
    const chain = { rpcUrl: market.chain.rpcUrl, registry: market.addresses.registry }
    stage = await openStage({ router: { chain } })
    await market.gas(owner.address)
    const args = [stage.key.address, owner.address, `0x${'00'.repeat(32)}`] as const
    await market.deployer.send({ ...registry, functionName: 'registerNode', args }, owner)
    node = await market.deployer.client.readContract({
      ...registry,
      functionName: 'nodeOf',
      args: [stage.key.address],
    })
  })
  after(async () => {
    await stage?.close()
    await market?.close()
  })

  it('signs no new work, for a router that would take it: it stops by itself and does not start again', async () => {
    const worker = stage.start({ node, signerLookMs: 200 })
    await stage.router.linked()
    await warm(stage)
    const input = chatInput({ max_tokens: 20 })
    const before = await stage.router.order(requestFor(stage.podId, input), input).ended
    const registry = { address: market.addresses.registry, abi: registryAbi } as const
    const next = privateKeyToAccount(generatePrivateKey()).address
    await market.deployer.send({ ...registry, functionName: 'setSigner', args: [node, next] }, owner)
    const { code } = await worker.gone
    await stage.router.unlinked()

    const again = stage.start({ node, signerLookMs: 200 })
    const { code: secondCode } = await again.gone

    expect(before.receipt?.receipt.node).to.equal(node)
    expect([code, secondCode]).to.deep.equal([1, 1])
    for (const { lines } of [worker, again])
      expect(lines.map(({ event }) => event)).to.include('signer.retired')
    expect(worker.lines.filter(({ event }) => event === 'job.done')).to.have.length(1)
    expect(again.lines.map(({ event }) => event)).to.not.include('link.ready')
  })
})
