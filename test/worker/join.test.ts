import { appendFileSync, chmodSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { pino } from 'pino'
import { createTestClient, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { routerConfigSchema } from '../../keepers/router/config.ts'
import { startRouter } from '../../keepers/router/router.ts'
import { registryAbi } from '../../sdk/chain/abi.ts'
import { createKey, loadKey, saveKey } from '../../sdk/chain/keys.ts'
import { fetchNetwork, type Network } from '../../sdk/chain/network.ts'
import { createClient, memoryJournal, usd } from '../../sdk/index.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import { benchMachine, lastBench } from '../../worker/bench.ts'
import { parseConfig } from '../../worker/config.ts'
import type { Check } from '../../worker/doctor/check.ts'
import { examineMachine } from '../../worker/doctor/machine.ts'
import { examineNetwork } from '../../worker/doctor/network.ts'
import { examineNode } from '../../worker/doctor/node.ts'
import { examinePod } from '../../worker/doctor/pod.ts'
import { examine } from '../../worker/doctor.ts'
import { joinNetwork } from '../../worker/identity.ts'
import { lookAtMachine } from '../../worker/machine.ts'
import type { Pod } from '../../worker/pods.ts'
import { openReceipts } from '../../worker/receipts.ts'
import { startWorker, type Worker } from '../../worker/worker.ts'
import { type Market, openMarket } from '../market.ts'
import { writeTestPod } from './pod.ts'

const quiet = pino({ level: 'silent' })
const failing = (checks: Check[]) => checks.filter((check) => !check.ok).map((check) => check.name)

describe('a machine that joins a real network', function () {
  this.timeout(600_000)
  let market: Market
  let router: Awaited<ReturnType<typeof startRouter>>
  let network: Network
  let podsDir: string
  let pod: Pod

  before(async () => {
    podsDir = join(process.env.TMPDIR ?? '/tmp', `heurist-join-${process.pid}`)
    pod = await writeTestPod(podsDir, { outputUnits: 512 })
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
  })
  after(async () => {
    await router?.stop()
    await market?.close()
    rmSync(podsDir, { recursive: true, force: true })
  })

  it('becomes a node with fresh keys, gas and no one’s consent; a second time nothing changes', async () => {
    const home = join(market.home, 'fresh')

    const first = await joinNetwork({ routerUrl: router.url, home })
    const second = await joinNetwork({ network, home })

    expect(first.fresh).to.equal(true)
    expect(second).to.deep.equal({ ...first, fresh: false })
    expect(first.payout).to.equal(first.owner)
    expect(loadKey(first.signerKeyFile).address).to.equal(first.signer)
    expect(loadKey(join(home, 'owner.key')).address).to.equal(first.owner)
    expect(statSync(first.signerKeyFile).mode & 0o077).to.equal(0)
  })

  it('may be owned by a key that lives elsewhere and earn for a third one', async () => {
    const { account, key } = await market.payer(0n)
    const payout = privateKeyToAccount(`0x${'07'.repeat(32)}`).address
    const home = join(market.home, 'owned')

    const identity = await joinNetwork({ network, home, ownerKey: key, payout, name: 'rack 7' })

    expect(identity).to.include({ owner: account.address, payout })
    const refusal = await joinNetwork({ network, home, ownerKey: `0x${'08'.repeat(32)}` }).catch((e) => e)
    expect(refusal).to.include({ node: identity.node })
  })

  it('three at once join through the one local faucet', async () => {
    const nodes = await Promise.all(
      [1, 2, 3].map((index) => joinNetwork({ network, home: join(market.home, `batch-${index}`) })),
    )

    expect(new Set(nodes.map(({ node }) => node)).size).to.equal(3)
  })

  it('does not go on with a signer that was replaced', async () => {
    const home = join(market.home, 'replaced')
    const { node } = await joinNetwork({ network, home })
    const owner = privateKeyToAccount(loadKey(join(home, 'owner.key')).privateKey)
    const next = createKey(join(home, 'next.key')).address
    const registry = { address: network.addresses.registry, abi: registryAbi } as const
    await market.deployer.send({ ...registry, functionName: 'setSigner', args: [node, next] }, owner)

    const refusal = await joinNetwork({ network, home }).catch((cause) => cause)

    expect(refusal).to.include({ code: 'signer.retired', kind: 'refused' })
    expect(failing(await examineNode({ network, home, podsDir }))).to.include('node.registered')
  })

  it('is measured: providers that really load, and units a second of each pod', async () => {
    const home = join(market.home, 'bench')

    const bench = await benchMachine(
      { home, podsDir, slots: [{ pod: 'babble', device: 'cpu', warm: false }] },
      quiet,
    )

    expect(bench.gflops.cpu).to.be.greaterThan(0)
    expect(bench.pods.babble).to.include({ manifest: pod.hash, provider: 'cpu' })
    expect(bench.pods.babble?.unitsPerSecond).to.be.greaterThan(0)
    expect(lastBench(home)).to.deep.equal(bench)
  })

  describe('and serves', () => {
    let worker: Worker
    let home: string

    before(async () => {
      home = join(market.home, 'serving')
      const identity = await joinNetwork({ network, home })
      worker = await startWorker(
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
    })
    after(() => worker?.stop())

    it('a paying client through the real router, with a receipt that the client verifies', async () => {
      const { key } = await market.payer(usd('1.00'))
      const client = createClient({ routerUrl: router.url, key, journal: memoryJournal() })

      const answer = await client.run('babble', {
        messages: [{ role: 'user', content: 'Say something.' }],
        max_tokens: 20,
      })
      await client.close()

      expect(answer.receipt.unitsOut).to.equal(20n)
      expect(answer.receipt.end).to.equal(0)
      expect(answer.price).to.equal(answer.receipt.price)
    })

    it('with nothing that the doctor would find', async () => {
      const checks = await examine({ network, home, podsDir })

      expect(failing(checks)).to.deep.equal([])
      expect(checks.length).to.be.greaterThan(20)
      expect(checks.find((check) => check.name === 'home.receipts')?.detail).to.match(/a worker serves/)
    })
  })

  describe('is examined by the doctor', () => {
    let home: string

    before(async () => {
      home = join(market.home, 'patient')
      await joinNetwork({ network, home })
    })

    /** All but the providers, which take seconds and are looked at above. */
    async function examined(
      facts: { network?: Partial<Network>; home?: string; podsDir?: string; pods?: string[] } = {},
    ): Promise<Check[]> {
      const whole = { home, podsDir, pods: ['babble'], ...facts, network: { ...network, ...facts.network } }
      const machine = await lookAtMachine()
      const checks = await Promise.all([
        examineMachine(whole.home, machine),
        examineNetwork(whole.network),
        examineNode(whole),
        ...whole.pods.map((name) => examinePod(whole.podsDir, name, machine, whole.network)),
      ])
      return checks.flat()
    }
    const fixed = (checks: Check[]) => {
      for (const check of checks)
        if (!check.ok) expect(check.fix, check.name).to.be.a('string').and.not.be.empty
    }

    it('a machine without a home: it has not joined', async () => {
      const checks = await examined({ home: join(market.home, 'nobody') })

      expect(failing(checks)).to.include.members([
        'home.folder',
        'node.signer',
        'node.registered',
        'node.active',
      ])
      expect(existsSync(join(market.home, 'nobody'))).to.equal(false)
      fixed(checks)
    })

    it('a key that no node has', async () => {
      const stranger = join(market.home, 'stranger')
      mkdirSync(stranger, { recursive: true, mode: 0o700 })
      createKey(join(stranger, 'signer.key'))

      const checks = await examined({ home: stranger })

      expect(failing(checks)).to.have.members(['node.registered', 'node.active', 'node.payout'])
      fixed(checks)
    })

    it('a key file that others can read, and a home that others can write to', async () => {
      chmodSync(join(home, 'signer.key'), 0o644)
      chmodSync(home, 0o777)

      const checks = await examined()
      chmodSync(join(home, 'signer.key'), 0o600)
      chmodSync(home, 0o700)

      expect(failing(checks)).to.include.members(['home.folder', 'node.signer'])
      expect(checks.find((check) => check.name === 'node.signer')?.fix).to.match(/chmod 600/)
    })

    it('a router that does not answer', async () => {
      const checks = await examined({ network: { router: { ...network.router, url: 'http://127.0.0.1:9' } } })

      expect(failing(checks)).to.include.members([
        'router.reachable',
        'router.clock',
        'router.link',
        'pod.babble.listed',
      ])
      fixed(checks)
    })

    it('a proxy that lets no WebSocket through, and a clock that is wrong', async () => {
      const proxy = createServer((message, response) => {
        response.setHeader('date', new Date(Date.now() + 3_600_000).toUTCString())
        response.end(message.url === '/v1/pods' ? '{"pods":[]}' : '{}')
      }).listen(0, '127.0.0.1')
      await new Promise((resolve) => proxy.once('listening', resolve))
      const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`

      const checks = await examined({ network: { router: { ...network.router, url } } })
      proxy.close()

      expect(failing(checks)).to.have.members(['router.link', 'router.clock', 'pod.babble.listed'])
      expect(checks.find((check) => check.name === 'router.clock')?.detail).to.match(/behind the router/)
      fixed(checks)
    })

    it('a router that speaks of another ledger than its challenge', async () => {
      const addresses = { ...network.addresses, ledger: network.addresses.asset }

      expect(failing(await examined({ network: { addresses } }))).to.deep.equal(['router.link'])
    })

    it('a chain that is away, or another one, or without our contracts', async () => {
      const away = await examined({ network: { rpcUrl: 'http://127.0.0.1:9' } })
      const other = await examined({ network: { chainId: 1 } })
      const addresses = { ...network.addresses, registry: `0x${'99'.repeat(20)}` as const }
      const empty = await examined({ network: { addresses } })

      expect(failing(away)).to.include.members(['chain.reachable', 'chain.clock', 'chain.contracts'])
      expect(failing(other)).to.include('chain.reachable')
      expect(failing(empty)).to.include('chain.contracts')
      for (const checks of [away, other, empty]) fixed(checks)
    })

    it('pods that are untrue, unknown, too large or not there', async () => {
      const elsewhere = join(market.home, 'pods')
      await writeTestPod(elsewhere, { name: 'large', memoryMiB: 100_000_000 })
      const broken = await writeTestPod(elsewhere, { name: 'broken' })
      appendFileSync(join(broken.folder, 'model', 'config.json'), ' ')
      mkdirSync(join(elsewhere, 'garbled'), { recursive: true })
      writeFileSync(join(elsewhere, 'garbled', 'pod.yaml'), 'name: garbled\n')

      const checks = await examined({ podsDir: elsewhere, pods: ['broken', 'garbled', 'large'] })
      const missing = await examined({ podsDir: elsewhere, pods: ['nowhere'] })

      expect(failing(checks)).to.have.members([
        'pod.broken.files',
        'pod.broken.listed',
        'pod.garbled.manifest',
        'pod.large.fits',
        'pod.large.listed',
      ])
      expect(failing(missing)).to.deep.equal(['pod.nowhere.manifest'])
      fixed([...checks, ...missing])
    })

    it('receipts that no router has acknowledged, and a store that is no store', async () => {
      const store = openReceipts(home)
      const word = (byte: string) => `0x${byte.repeat(32)}` as const
      await store.put({
        signed: {
          receipt: {
            request: word('01'),
            node: 1,
            unitsIn: 1n,
            unitsOut: 1n,
            length: 1n,
            end: 0,
            price: 1n,
            output: word('02'),
            evidence: word('03'),
            completedAt: 1,
          },
          signature: `0x${'04'.repeat(65)}`,
          provider: 'cpu',
        },
        output: new Uint8Array(1),
      })
      store.close()
      const waiting = await examined()
      writeFileSync(
        join(home, 'receipts.db'),
        'not a database, and long enough to be read as one'.repeat(100),
      )
      const corrupt = await examined()
      rmSync(join(home, 'receipts.db'))

      const found = waiting.find((check) => check.name === 'home.receipts')
      expect(found).to.include({ ok: true })
      expect(found?.fix).to.match(/Start the worker/)
      expect(failing(corrupt)).to.deep.equal(['home.receipts'])
      fixed(corrupt)
    })

    it('a node that its owner took out: first a warning, from the next epoch on a fault', async () => {
      const gone = join(market.home, 'out')
      const identity = await joinNetwork({ network, home: gone })
      const owner = privateKeyToAccount(loadKey(join(gone, 'owner.key')).privateKey)
      const registry = { address: network.addresses.registry, abi: registryAbi } as const
      const args = [ROLE.node, identity.node] as const
      await market.deployer.send({ ...registry, functionName: 'deactivate', args }, owner)

      const before = await examineNode({ network, home: gone, podsDir })
      const chain = createTestClient({ mode: 'anvil', transport: http(network.rpcUrl) })
      await chain.increaseTime({ seconds: 604_800 })
      await chain.mine({ blocks: 1 })
      const after = await examineNode({ network, home: gone, podsDir })
      const clock = await examineNetwork(network)

      expect(failing(before)).to.deep.equal([])
      expect(before.find((check) => check.name === 'node.active')?.fix).to.match(/reactivate/)
      expect(failing(after)).to.deep.equal(['node.active'])
      expect(clock.find((check) => check.name === 'chain.clock')?.detail).to.match(/behind the chain/)
      fixed([...after, ...clock])
    })
  })
})
