import { expect } from 'chai'
import { createGlances, MOST_GLANCES, MOST_READING } from '../../keepers/router/reads.ts'
import { createRegistry } from '../../keepers/router/registry.ts'
import type { World } from '../../keepers/world.ts'
import { computeLedgerAbi } from '../../sdk/chain/abi.ts'
import { address } from './samples.ts'
import { account, codeOf, http, openStage, post, type Stage, type TestRouter, USD, until } from './stage.ts'
import { testWorker } from './worker.ts'

/** What a reviewer did to a router from outside, each held shut. */
describe('a router among strangers', function () {
  this.timeout(600_000)

  let stage: Stage
  before(async () => {
    stage = await openStage()
  })
  after(() => stage.close())

  it('takes no new call while the ledger is paused, says so, and takes them again when it ends', async () => {
    const { deployer, addresses } = stage.market
    const books = { address: addresses.ledger, abi: computeLedgerAbi } as const
    const isReady = async (at: TestRouter) => (await http(`${at.url}/readyz`)).status === 200
    const first = await stage.router()
    await testWorker(stage, first)
    const payer = await stage.payer(USD)
    const answered = payer.job()
    expect((await post(first, answered)).status).to.equal(200)
    const before = await account(first, payer.address)

    await deployer.send({ ...books, functionName: 'pause', args: [] })
    const untilSeconds = Number(await deployer.client.readContract({ ...books, functionName: 'pausedUntil' }))
    await until('the pause is seen', async () => !(await isReady(first)))
    const ready = await http(`${first.url}/readyz`)
    const [refused, again] = [await post(first, payer.job()), await post(first, answered)]
    const after = await account(first, payer.address)
    await first.stop()

    expect([ready.status, ready.body]).to.deep.equal([
      503,
      { ready: false, reasons: ['the ledger is paused'] },
    ])
    expect([refused.status, codeOf(refused)]).to.deep.equal([503, 'ledger.paused'])
    expect(refused.body.error).to.deep.include({ kind: 'later' })
    expect((refused.body.error as { details: unknown }).details).to.deep.equal({
      pausedUntil: untilSeconds,
      retryAfterSeconds: 60,
    })
    expect(refused.headers.get('retry-after')).to.equal('60')
    expect((refused.body.error as { fix: string }).fix).to.match(/\S.*\.$/)
    expect(again.status, 'what was answered is answered again').to.equal(200)
    expect(after, 'nothing is held or charged').to.deep.equal(before)

    const second = await stage.router({ dataDir: first.dataDir })
    await testWorker(stage, second)
    expect(codeOf(await post(second, payer.job())), 'one that starts meanwhile').to.equal('ledger.paused')
    await deployer.send({ ...books, functionName: 'unpause', args: [] })
    await until('the end is seen', () => isReady(second))
    expect((await post(second, payer.job())).status).to.equal(200)
    await second.stop()
  })

  it('a pod number that no pod can have is refused by its field, and nothing is unexpected', async () => {
    const router = await stage.router()
    const told = async (path: string) => {
      const answer = await http(router.url + path)
      const { field } = answer.body.error as { field?: string }
      return [answer.status, codeOf(answer), ...(field ? [field] : [])]
    }
    const tooHigh = [2 ** 32, 9_999_999_999, 10n ** 30n].map(String)

    for (const id of ['0', '01', ...tooHigh]) {
      for (const path of [`/v1/pods/${id}`, `/v1/pods/${id}/manifest`, `/v1/quote?pod=${id}`]) {
        expect(await told(path), path).to.deep.equal([400, 'request.malformed', 'pod'])
      }
    }
    expect(await told(`/v1/pods/${2 ** 32 - 1}`)).to.deep.equal([404, 'pod.unknown'])
    expect(router.log.filter(({ level }) => level === 'error')).to.deep.equal([])
    await router.stop()
  })

  /** A registry that follows nothing and counts what it reads, on the chain of a router. */
  async function counting({ world }: TestRouter, clock: World['clock'] = world.clock) {
    const reads = { manifests: 0, counts: 0, pod: 0, account: 0 }
    const { chain, manifests } = world
    const counted = <A extends unknown[], R>(name: keyof typeof reads, read: (...args: A) => R) => {
      return (...args: A): R => {
        reads[name] += 1
        return read(...args)
      }
    }
    const registry = createRegistry(
      {
        ...world,
        clock,
        manifests: { ...manifests, read: counted('manifests', manifests.read) },
        chain: {
          ...chain,
          counts: counted('counts', chain.counts),
          pod: counted('pod', chain.pod),
          account: counted('account', chain.account),
        },
      },
      3_600_000,
    )
    await registry.start()
    Object.assign(reads, { manifests: 0, counts: 0, pod: 0, account: 0 })
    return { registry, reads }
  }

  it('three hundred unknown pods cost one look at how many there are, and no manifest', async () => {
    const router = await stage.router()
    const { registry, reads } = await counting(router)
    const ids = Array.from({ length: 300 }, (_, index) => 100_000 + index)

    const found = await Promise.all(ids.map((id) => registry.pod(id)))
    const again = await registry.pod(ids[0] ?? 0)

    expect([...found, again].filter((pod) => pod !== undefined)).to.deep.equal([])
    expect(reads).to.deep.equal({ manifests: 0, counts: 2, pod: 0, account: 0 })
    registry.stop()
    await router.stop()
  })

  it('whoever registers while strangers ask for unknown numbers is found at once', async () => {
    const router = await stage.router()
    const { registry } = await counting(router)
    const known = Math.max(0, ...registry.nodeIds())
    expect(await registry.node(known + 1)).to.equal(undefined)

    const asking = registry.node(known + 1_000)
    const { id } = await stage.market.node()
    const [found] = await Promise.all([registry.node(id), asking])

    expect(id).to.equal(known + 1)
    expect(found).to.deep.include({ active: true })
    registry.stop()
    await router.stop()
  })

  it('an account that is not served here is read once a second, however many ask', async () => {
    const router = await stage.router()
    let aheadMs = 0
    const startMs = Date.now()
    const { registry, reads } = await counting(router, { nowMs: () => startMs + aheadMs })
    const payer = await stage.payer(USD)
    const ask = async (times: number) =>
      Promise.all(Array.from({ length: times }, () => registry.glance(payer.address)))

    const first = await ask(50)
    aheadMs = 999
    const second = await ask(50)
    expect(reads.account).to.equal(1)
    aheadMs = 1_000
    await ask(50)

    expect(reads.account).to.equal(2)
    for (const seen of [...first, ...second]) expect(seen.deposited).to.equal(USD)
    registry.stop()
    await router.stop()
  })

  it('an account that is served here is shown as it is now', async () => {
    const router = await stage.router()
    const startMs = Date.now()
    let aheadMs = 0
    const { registry } = await counting(router, { nowMs: () => startMs + aheadMs })
    const payer = await stage.payer(USD)
    await registry.account(payer.address, false)
    await stage.deposit(payer, USD)
    aheadMs = 200

    expect((await registry.glance(payer.address)).deposited).to.equal(2n * USD)
    registry.stop()
    await router.stop()
  })

  it('strangers are read so many at a time, and those beyond are told when to ask', async () => {
    const router = await stage.router()
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let asked = 0
    const { chain } = router.world
    const registry = createRegistry(
      {
        ...router.world,
        chain: {
          ...chain,
          account: async (payer) => {
            asked += 1
            await held
            return chain.account(payer)
          },
        },
      },
      3_600_000,
    )
    await registry.start()

    const asking = Array.from({ length: MOST_READING + 10 }, (_, index) =>
      registry.glance(address(1_000 + index)).then(
        () => 'read',
        ({ code, kind, details }) => [code, kind, details.retryAfterSeconds].join(' '),
      ),
    )
    release()
    const told = await Promise.all(asking)

    expect(asked).to.equal(MOST_READING)
    expect(told.slice(0, MOST_READING)).to.deep.equal(Array(MOST_READING).fill('read'))
    expect(told.slice(MOST_READING)).to.deep.equal(Array(10).fill('accounts.busy later 1'))
    expect((await registry.glance(address(1))).deposited, 'and there is room again').to.equal(0n)
    registry.stop()
    await router.stop()
  })

  it('what strangers looked at is forgotten, oldest first, before it fills the memory', async () => {
    const clock = { nowMs: () => 1_000 }
    const reads: string[] = []
    const glance = createGlances(async (payer) => {
      reads.push(payer)
      return { deposited: 0n, spent: 0n, thawing: 0n }
    }, clock)

    for (let number = 1; number <= MOST_GLANCES + 1; number += 1) await glance(address(number))
    await glance(address(MOST_GLANCES + 1))
    await glance(address(1))

    expect(reads).to.have.length(MOST_GLANCES + 2)
    expect(reads.at(-1)).to.equal(address(1))
  })
})
