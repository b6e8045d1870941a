import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import Database from 'libsql'
import { encodeFunctionData, type Hex, parseTransaction } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { computeLedgerAbi, heuAbi, registryAbi, routerBondAbi, testDollarAbi } from '../../sdk/chain/abi.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { keySender } from '../../sdk/chain/key-sender.ts'
import { recoverSigner } from '../../sdk/native.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import { statementReplySchema } from '../../sdk/protocol/wire.ts'
import {
  codeOf,
  http,
  openStage,
  type Payer,
  post,
  type RouterOptions,
  receiptOf,
  type Stage,
  type TestRouter,
  USD,
  until,
} from './stage.ts'
import { type TestWorker, testWorker } from './worker.ts'

const PRICE = 23n
const DAY_SECONDS = 86_400

/** One ledger and one chain live through all of it; what each test does to the chain the next one finds. */
describe('settling', function () {
  this.timeout(600_000)

  let stage: Stage
  let home: string
  let dataDir: string
  let payer: Payer
  let worker: TestWorker | undefined
  const routers: TestRouter[] = []

  before(async () => {
    stage = await openStage()
    home = mkdtempSync(join(tmpdir(), 'heurist-settling-'))
    dataDir = join(home, 'data')
    payer = await stage.payer(50n * USD)
  })
  afterEach(async () => {
    worker?.die()
    for (const router of routers.splice(0)) if (!router.crashed) await router.stop()
  })
  after(async () => {
    await stage?.close()
    rmSync(home, { recursive: true, force: true })
  })

  const quick = { maxAgeMs: 1, finalityBlocks: 2, watchMs: 100 }

  async function start(options: RouterOptions = {}): Promise<TestRouter> {
    const router = await stage.router({ dataDir, ...options })
    routers.push(router)
    return router
  }

  /** One more charged call of a router. */
  async function call(router: TestRouter): Promise<string> {
    worker = await (worker?.again(router.url) ?? testWorker(stage, router))
    const job = payer.job()
    expect((await post(router, job)).status).to.equal(200)
    return (job.voucher as { request: string }).request
  }

  const batchOf = async (router: TestRouter, request: string) =>
    (await receiptOf(router, request)).body.batch as
      | { seq: string; txHash: Hex; state: string; final: boolean; block?: string }
      | undefined
  const settled = (router: TestRouter, request: string) =>
    until('it is settled', async () => (await batchOf(router, request))?.state === 'settled')
  const isFinal = (router: TestRouter, request: string) =>
    until('it is final', async () => (await batchOf(router, request))?.final === true)
  const events = (router: TestRouter) => router.log.map((line) => line.event)
  const rings = (router: TestRouter, event: string) =>
    until(event, () => router.log.some((line) => line.event === event && line.level === 'error'))
  const statement = (router: TestRouter, role: string, id: number | string) =>
    http(`${router.url}/v1/statements/${role}/${id}`)
  const node = () => worker?.node ?? 0
  const metric = async (router: TestRouter, name: string) => {
    const text = await (await fetch(`${router.url}/metrics`)).text()
    const line = text.split('\n').find((one) => one.startsWith(`${name} `))
    return line === undefined ? undefined : Number(line.slice(name.length + 1))
  }
  const ledgerAt = () => ({ address: stage.market.addresses.ledger, abi: computeLedgerAbi }) as const
  const bondAt = () => ({ address: stage.market.addresses.bond, abi: routerBondAbi }) as const
  const read = () => stage.market.deployer.client
  const spent = async () => {
    const args = [stage.market.router.address, payer.address] as const
    return (await read().readContract({ ...ledgerAt(), functionName: 'accountOf', args })).spent
  }
  const grossOf = async (role: keyof typeof ROLE, id: number) =>
    read().readContract({
      ...ledgerAt(),
      functionName: 'grossOf',
      args: [stage.market.router.address, ROLE[role], id],
    })

  describe('statements', () => {
    it('sum all acknowledged calls of a payee, posted or not, and the router signs them', async () => {
      const router = await start()
      await call(router)
      await call(router)

      for (const [role, id] of [
        ['node', node()],
        ['pod', stage.pod('words').id],
        ['frontend', stage.market.seeded.frontend],
      ] as const) {
        const answer = await statement(router, role, id)
        const reply = statementReplySchema.parse(answer.body)

        expect(answer.status).to.equal(200)
        expect(reply.statement).to.deep.include({ role: ROLE[role], id, gross: 2n * PRICE })
        expect(Math.abs(reply.statement.asOf - Date.now() / 1000)).to.be.lessThan(60)
        expect(recoverSigner(stage.hasher.digest('Statement', reply.statement), reply.signature)).to.equal(
          stage.market.router.address,
        )
        expect(reply.router).to.equal(stage.market.router.address)
      }
    })

    it('are refused by name to who never had a call, and to what is no payee', async () => {
      const router = await start()
      const answers = await Promise.all([
        statement(router, 'node', 4_000_000),
        statement(router, 'voters', 1),
        statement(router, 'frontend', 0),
        statement(router, 'node', 2 ** 32),
        statement(router, 'pod', 'x'),
      ])

      expect(answers.map((answer) => [answer.status, codeOf(answer)])).to.deep.equal([
        [404, 'statement.none'],
        ...Array(4).fill([400, 'request.malformed']),
      ])
    })

    it('are kept before they leave: a crash before that write signs nothing', async () => {
      let router: TestRouter | undefined
      let crashing: Promise<void> | undefined
      const before = await start()
      await call(before)
      await before.stop()
      const signs = (ops: readonly { op: string }[]) => ops.some(({ op }) => op === 'statement.signed')
      router = await start({
        beforeCommit: (ops) => {
          if (signs(ops)) crashing ??= router?.crash()
        },
      })

      const answer = await statement(router, 'node', node()).catch(() => undefined)

      await crashing
      expect(router.crashed).to.equal(true)
      expect(answer?.body.signature).to.equal(undefined)
    })

    it('of many at once none is below one that was signed before', async () => {
      const router = await start()
      await call(router)
      const asking = Array.from({ length: 20 }, async (_, index) => {
        if (index === 10) await call(router)
        return statementReplySchema.parse((await statement(router, 'node', node())).body).statement.gross
      })

      const [highest = 0n] = (await Promise.all(asking)).sort((a, b) => (a < b ? 1 : -1))
      const after = statementReplySchema.parse((await statement(router, 'node', node())).body)

      expect(after.statement.gross >= highest).to.equal(true)
      expect((await router.world.ledger.statement('node', node()))?.gross).to.equal(after.statement.gross)
    })

    it('peer 30: after a rollback of payees in the database nothing lower is ever signed', async () => {
      const router = await start()
      await call(router)
      const signed = statementReplySchema.parse((await statement(router, 'node', node())).body).statement
      await router.stop()
      const db = new Database(join(dataDir, 'ledger.db'))
      const rolledBack = db.prepare('UPDATE payees SET gross = ? WHERE role = ? AND id = ?')
      rolledBack.run([String(signed.gross - PRICE), 'node', node()])

      const second = await start()
      const refusal = await statement(second, 'node', node())
      await second.stop()
      rolledBack.run([String(signed.gross), 'node', node()])
      db.close()
      const third = await start()

      expect([refusal.status, codeOf(refusal)]).to.deep.equal([503, 'statement.behind'])
      expect((await statement(third, 'node', node())).body.statement).to.include({
        gross: String(signed.gross),
      })
    })
  })

  describe('the chain', () => {
    it('a settled batch is final once its blocks stand on it, and the books agree with the chain', async () => {
      const router = await start({ settle: quick })
      const request = await call(router)
      await settled(router, request)

      await isFinal(router, request)

      const stated = statementReplySchema.parse((await statement(router, 'node', node())).body)
      expect(await grossOf('node', node())).to.equal(stated.statement.gross)
      expect(await metric(router, 'heurist_unposted_base_units')).to.equal(0)
      expect(await metric(router, 'heurist_settle_gas_total')).to.be.greaterThan(100_000)
    })

    it('a stuck transaction is replaced at its nonce for an eighth more, and whichever is mined confirms the batch', async () => {
      const broadcasts: Hex[] = []
      const router = await start({
        settle: { ...quick, stuckMs: 1 },
        chain: (real) => ({
          // The first one never arrives: no block takes it.
          broadcast: (raw) => {
            broadcasts.push(raw)
            return broadcasts.length === 1 ? Promise.resolve() : real.broadcast(raw)
          },
        }),
      })
      const request = await call(router)
      await settled(router, request)

      const [stuck, other] = [broadcasts[0], broadcasts.at(-1)].map((raw) => parseTransaction(raw ?? '0x'))
      expect(broadcasts).to.have.length(2)
      expect(other?.nonce).to.equal(stuck?.nonce)
      expect(other?.data).to.equal(stuck?.data)
      expect((other?.maxFeePerGas ?? 0n) * 8n >= (stuck?.maxFeePerGas ?? 0n) * 9n).to.equal(true)
      expect((other?.maxPriorityFeePerGas ?? 0n) * 8n >= (stuck?.maxPriorityFeePerGas ?? 0n) * 9n).to.equal(
        true,
      )
      const { seq = '0' } = (await batchOf(router, request)) ?? {}
      expect(await router.world.ledger.transactionsOf(BigInt(seq))).to.have.length(2)
    })

    it('a replacement that never arrives does not matter: the first one is mined, and its hash is remembered', async () => {
      const broadcasts: Hex[] = []
      let late: (() => Promise<void>) | undefined
      const router = await start({
        settle: { ...quick, stuckMs: 1 },
        chain: (real) => ({
          async broadcast(raw) {
            broadcasts.push(raw)
            if (broadcasts.length === 1) late = () => real.broadcast(raw)
            else if (broadcasts.length === 2) await late?.()
          },
          // By its hash, not by its event: a node keeps events for as long as it likes.
          settlementOf: async () => undefined,
        }),
      })
      const request = await call(router)
      await settled(router, request)

      const batch = await batchOf(router, request)
      const kept = await router.world.ledger.transactionsOf(BigInt(batch?.seq ?? 0))
      expect(batch?.txHash).to.equal(kept.at(-1)?.hash)
      expect(kept.map(({ raw }) => raw)).to.have.members(broadcasts.slice(0, 2))
    })

    it('two senders of one account sign from one queue: no nonce is taken twice', async () => {
      const chain = openChain({ chainId: stage.market.domain.chainId, rpcUrl: stage.market.chain.rpcUrl })
      const account = privateKeyToAccount(payer.key)
      const senders = [keySender(chain, account), keySender(chain, account)]
      const approve = encodeFunctionData({
        abi: testDollarAbi,
        functionName: 'approve',
        args: [ledgerAt().address, 1n],
      })
      const next = await read().getTransactionCount({ address: account.address })

      const signed = await Promise.all(
        [0, 1, 0, 1].map((index) =>
          senders[index]?.sign({ to: stage.market.addresses.asset, data: approve }),
        ),
      )

      expect(signed.map((one) => one?.nonce)).to.deep.equal([0, 1, 2, 3].map((more) => next + more))
    })

    it('a fee beyond the cap is an alarm, and the same bytes go out again', async () => {
      const broadcasts: Hex[] = []
      const router = await start({
        settle: { ...quick, stuckMs: 1, mostFeePerGas: '1000000000' },
        chain: (real) => ({
          broadcast: (raw) => {
            broadcasts.push(raw)
            return broadcasts.length === 1 ? Promise.resolve() : real.broadcast(raw)
          },
        }),
      })
      const request = await call(router)
      await settled(router, request)

      await rings(router, 'fee.capped')
      expect(broadcasts[1]).to.equal(broadcasts[0])
      expect(parseTransaction(broadcasts[0] ?? '0x').maxFeePerGas).to.equal(1_000_000_000n)
    })

    it('a reorganisation that drops a settled batch gets the identical bytes again', async () => {
      const router = await start({ settle: { ...quick, finalityBlocks: 40, stuckMs: 1 } })
      const first = await call(router)
      await settled(router, first)
      await twoBlocks()
      const snapshot = await stage.rpc('evm_snapshot')
      const undone = await call(router)
      await settled(router, undone)
      const before = await batchOf(router, undone)
      const debited = await spent()

      await stage.rpc('evm_revert', snapshot)
      await until('it is undone', () => events(router).includes('batch.undone'))
      await settled(router, undone)
      const after = await batchOf(router, undone)

      expect(after).to.include({ seq: before?.seq, txHash: before?.txHash })
      expect(await spent(), 'debited once').to.equal(debited)
      const transaction = await read().getTransactionReceipt({ hash: after?.txHash ?? '0x' })
      expect(transaction.status).to.equal('success')
      expect(String(transaction.blockNumber)).to.equal(after?.block)
    })

    /** So that a snapshot holds what was settled before. */
    async function twoBlocks(): Promise<void> {
      const head = await read().getBlockNumber({ cacheTime: 0 })
      await until('two blocks', async () => (await read().getBlockNumber({ cacheTime: 0 })) >= head + 2n)
    }

    it('a router waits until its node is synced: it neither compares nor posts before', async () => {
      let syncing = true
      let asked = 0
      const looks: string[] = []
      const starting = start({
        settle: quick,
        chain: (real) => ({
          sync: async () => {
            asked += 1
            return { ...(await real.sync()), syncing }
          },
          routerState: () => {
            looks.push(syncing ? 'syncing' : 'synced')
            return real.routerState()
          },
          nonce: () => {
            looks.push(syncing ? 'nonce while syncing' : 'nonce')
            return real.nonce()
          },
          counts: () => {
            looks.push(syncing ? 'counts while syncing' : 'counts')
            return real.counts()
          },
        }),
      })
      let up = false
      void starting.then(() => {
        up = true
      })
      await until('it looked three times', () => asked >= 3)
      const early = up
      syncing = false
      const router = await starting
      await settled(router, await call(router))

      expect(early).to.equal(false)
      expect(new Set(looks)).to.deep.equal(new Set(['syncing', 'synced', 'counts', 'nonce']))
      expect(events(router)).to.include('chain.behind')
    })

    it('totals that chain and journal tell differently ring at the start, and no statement is signed', async () => {
      const first = await start({ settle: quick })
      await isFinal(first, await call(first))
      await first.stop()
      const db = new Database(join(dataDir, 'ledger.db'))
      const change = (sign: string) =>
        db.prepare(`UPDATE accounts SET charged = CAST(CAST(charged AS INTEGER) ${sign} 1 AS TEXT)`).run([])
      change('-')

      const second = await start({ settle: quick })
      await rings(second, 'ledger.differs')
      const refusal = await statement(second, 'node', node())
      await second.stop()
      change('+')
      db.close()
      const third = await start({ settle: quick })

      expect([refusal.status, codeOf(refusal)]).to.deep.equal([503, 'ledger.differs'])
      expect(events(third)).to.not.include('ledger.differs')
      expect((await statement(third, 'node', node())).status).to.equal(200)
    })
  })

  describe('credit', () => {
    it('peer 9: N calls at once cannot overspend: what is admitted is held, the rest is refused', async () => {
      const router = await start()
      worker = await (worker?.again(router.url) ?? testWorker(stage, router))
      const hold = 500n
      const poor = await stage.payer(3n * hold)

      const answers = await Promise.all(Array.from({ length: 12 }, () => post(router, poor.job())))

      const served = answers.filter(({ status }) => status === 200)
      const codes = new Set(answers.filter(({ status }) => status !== 200).map(codeOf))
      const { charged } = (await router.world.ledger.account(poor.address)) ?? { charged: 0n }
      expect([...codes]).to.deep.equal(['credit.insufficient'])
      expect(served.length).to.be.at.least(3)
      expect(charged).to.equal(BigInt(served.length) * PRICE)
      expect(charged <= 3n * hold).to.equal(true)
    })

    it('peer 22: a voucher used before its node was deactivated is still paid', async () => {
      const router = await start()
      const owned = await stage.market.node()
      const registry = { address: stage.market.addresses.registry, abi: registryAbi } as const
      worker?.die()
      worker = await testWorker(stage, router, { identity: owned })
      await call(router)
      const args = [ROLE.node, owned.id] as const
      await stage.market.deployer.send({ ...registry, functionName: 'deactivate', args }, owned.owner)
      await router.stop()
      expect(await grossOf('node', owned.id)).to.equal(0n)

      const second = await start({ settle: quick })
      await until('it is posted', async () => (await grossOf('node', owned.id)) === PRICE)
      const claimable = [stage.market.router.address, ROLE.node, owned.id] as const

      expect(
        await read().readContract({ ...ledgerAt(), functionName: 'claimable', args: claimable }),
        'the node share of 70 %, floored',
      ).to.equal((PRICE * 7_000n) / 10_000n)
      expect((await statement(second, 'node', owned.id)).body.statement).to.include({ gross: String(PRICE) })
      worker.die()
      worker = undefined
    })

    it('peer 31: an answer that comes after its call has timed out costs the payer nothing', async () => {
      const router = await start()
      worker = await testWorker(stage, router, { pods: [stage.pod('quick')], behave: () => {} })
      const one = worker
      const before = await router.world.ledger.account(payer.address)
      const late = post(router, payer.job({ pod: stage.pod('quick') }))
      const job = await worker.nextJob()
      const answer = await late

      job.chunk('{"text":"late"}\n{"finish":"stop"}\n')
      job.finish()
      await until('the node is told that it may forget', () => one.received.includes(job.hash))

      expect(answer.status).to.be.oneOf([502, 504])
      expect(await router.world.ledger.account(payer.address)).to.deep.include({
        charged: before.charged,
        count: before.count,
      })
      one.die()
      worker = undefined
    })
  })

  describe('the journal', () => {
    it('serves batch data until its time is over, then says that it is forgotten, and prunes it', async () => {
      const first = await start({ settle: quick })
      const request = await call(first)
      await isFinal(first, request)
      const { seq = '' } = (await batchOf(first, request)) ?? {}
      const data = await http(`${first.url}/v1/batches/${seq}`)
      const [{ decision: explained = '' } = {}] = await first.world.ledger.attempts(
        (await first.world.ledger.job(request as Hex))?.number ?? 0,
      )
      await first.stop()

      const second = await start({ settle: { ...quick, keepMs: 1, keepDecisionsMs: 1 } })
      const gone = await http(`${second.url}/v1/batches/${seq}`)
      await until(
        'it is pruned',
        async () => (await second.world.ledger.batch(BigInt(seq)))?.index.length === 0,
      )
      const job = await second.world.ledger.job(request as Hex)
      const attempts = await second.world.ledger.attempts(job?.number ?? 0)
      await second.stop()
      const third = await start({ settle: quick })

      expect(data.body).to.include({ seq, version: 2, leaves: 1 })
      expect(explained).to.not.equal('')
      expect([gone.status, codeOf(gone)]).to.deep.equal([410, 'batch.forgotten'])
      expect(attempts.map(({ decision }) => decision)).to.deep.equal([''])
      expect(codeOf(await http(`${third.url}/v1/batches/${seq}`)), 'whatever the time').to.equal(
        'batch.forgotten',
      )
      expect(codeOf(await http(`${third.url}/v1/batches/999`))).to.equal('batch.unknown')
      expect((await receiptOf(third, request)).body.status, 'the receipt and its proof stay').to.equal(
        'settled',
      )
    })

    it('batch data whose time is over is not served, also while the journal still needs it', async () => {
      const router = await start({ settle: { ...quick, finalityBlocks: 1_000_000, keepMs: 1 } })
      const request = await call(router)
      await settled(router, request)
      const { seq = '' } = (await batchOf(router, request)) ?? {}

      const gone = await http(`${router.url}/v1/batches/${seq}`)

      expect([gone.status, codeOf(gone)]).to.deep.equal([410, 'batch.forgotten'])
      expect((await router.world.ledger.batch(BigInt(seq)))?.index.length).to.be.greaterThan(0)
    })

    it('peer 30: a journal set back behind the chain is refused at the start: nothing is claimed twice', async () => {
      const first = await start({ settle: quick })
      await isFinal(first, await call(first))
      await first.stop()
      const old = join(home, 'old')
      cpSync(dataDir, old, { recursive: true })
      const second = await start({ settle: quick })
      await isFinal(second, await call(second))
      await second.stop()
      const debited = await spent()

      const refusal = await start({ dataDir: old, settle: quick }).then(
        () => undefined,
        (cause: { code: string; fix: string }) => cause,
      )
      const third = await start({ settle: quick })

      expect(refusal).to.include({ code: 'ledger.behind' })
      expect(await spent()).to.equal(debited)
      expect((await statement(third, 'node', node())).status, 'the newest journal goes on').to.equal(200)
    })
  })

  describe('float and bond', () => {
    it('a float below its bound rings once, and the metrics show it', async () => {
      const router = await start({ settle: quick })
      const float = await stage.float()
      await stage.withdrawFloat(float - 999_999n)

      await rings(router, 'float.low')
      await until('the gauge', async () => (await metric(router, 'heurist_float_base_units')) === 999_999)
      await stage.addFloat(float - 999_999n)
      await until(
        'the gauge',
        async () => (await metric(router, 'heurist_float_base_units')) === Number(float),
      )

      expect(events(router).filter((event) => event === 'float.low')).to.have.length(1)
      expect(await metric(router, 'heurist_alarms_total{event="float.low"}')).to.equal(1)
      expect(await metric(router, 'heurist_allowed')).to.equal(1)
    })

    it('work is posted before it fills the cover of its node, however young it is', async () => {
      const router = await start({ settle: { coverBps: 1, watchMs: 100 } })
      const owned = await stage.market.node()
      worker?.die()
      worker = await testWorker(stage, router, { identity: owned })
      const args = [stage.market.router.address, ROLE.node, owned.id] as const
      const cover = await read().readContract({ ...bondAt(), functionName: 'capOf', args })
      // A ten-thousandth of the cover, at a share of 70 %.
      const calls = Math.ceil(Number(cover) / 10_000 / (Number(PRICE) * 0.7))
      expect(calls).to.be.within(2, 100)

      let last = ''
      for (let index = 1; index < calls; index += 1) last = await call(router)
      const early = await batchOf(router, last)
      last = await call(router)
      await settled(router, last)

      expect(early).to.equal(undefined)
      expect(await grossOf('node', owned.id)).to.equal(BigInt(calls) * PRICE)
      expect(router.log.find((line) => line.event === 'settle.done')).to.include({
        did: 'post',
        why: 'cover',
      })
    })

    /** Moves the chain's time; nobody's clock but the contracts'. */
    async function passes(seconds: number): Promise<void> {
      await stage.rpc('evm_increaseTime', seconds)
      await stage.rpc('evm_mine')
    }

    it('a filed claim rings; once the bond has paid it the router takes no new calls until it is topped up', async () => {
      const router = await start({ settle: { watchMs: 100 } })
      const answered = payer.job()
      worker?.die()
      worker = await testWorker(stage, router)
      expect((await post(router, answered)).status).to.equal(200)
      const body = (await statement(router, 'node', node())).body
      const { statement: stated, signature } = statementReplySchema.parse(body)
      const { deployer, addresses } = stage.market
      const at = stage.market.router.address
      await passes(25 * 3600)

      await deployer.send({ ...bondAt(), functionName: 'claimShortfall', args: [at, stated, signature] })
      await rings(router, 'bond.claim_filed')
      await rings(router, 'bond.claims_open')
      expect((await post(router, payer.job())).status, 'it may still settle').to.equal(200)

      await passes(15 * DAY_SECONDS)
      const { round } = await deployer.client.readContract({
        ...bondAt(),
        functionName: 'bondOf',
        args: [at],
      })
      const claim = [at, round, ROLE.node, stated.id] as const
      await deployer.send({ ...bondAt(), functionName: 'resolveShortfall', args: claim })
      await rings(router, 'bond.stopped')
      const refused = await post(router, payer.job())
      const again = await post(router, answered)

      expect([refused.status, codeOf(refused)]).to.deep.equal([503, 'router.stopped'])
      expect(refused.headers.get('retry-after')).to.equal('60')
      expect(again.status, 'what was answered is answered again').to.equal(200)
      expect(await metric(router, 'heurist_allowed')).to.equal(0)
      expect(await metric(router, 'heurist_alarms_total{event="bond.claim_filed"}')).to.equal(1)

      const owed = await deployer.client.readContract({ ...bondAt(), functionName: 'bondOf', args: [at] })
      const approve = { functionName: 'approve', args: [addresses.bond, 10n ** 30n] } as const
      const asset = { address: addresses.asset, abi: testDollarAbi } as const
      const faucet = [deployer.admin, owed.owedAsset] as const
      await deployer.send({ ...asset, functionName: 'faucet', args: faucet })
      await deployer.send({ ...asset, ...approve })
      await deployer.send({ address: addresses.heu, abi: heuAbi, ...approve })
      const gift = [at, owed.owedAsset, owed.owedHeu] as const
      await deployer.send({ ...bondAt(), functionName: 'deposit', args: gift })
      await until('it may route again', async () => (await metric(router, 'heurist_allowed')) === 1)

      expect((await post(router, payer.job())).status).to.equal(200)
    })
  })
})
