import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import OpenAI from 'openai'
import type { Address, Hex } from 'viem'
import { localAccount } from '../deploy/local.ts'
import { computeLedgerAbi, testDollarAbi } from '../sdk/chain/abi.ts'
import { auditRouter } from '../sdk/chain/batches.ts'
import { openChain } from '../sdk/chain/clients.ts'
import { asHeuristError } from '../sdk/errors.ts'
import { type Answer, type Client, usd, verifyReceipt } from '../sdk/index.ts'
import { createHasher, ROLE, type Role } from '../sdk/protocol/messages.ts'
import { type Market, openMarket } from './market.ts'
import { openNetwork, type TestNetwork } from './network.ts'

/**
 * The whole walk with nothing simulated: real chain and contracts, router, two workers with their slots, gateway, each a
 * process of its own. Every one of them is killed in mid-work; then the books of clients, router and chain must agree.
 */
describe('the walk', function () {
  this.timeout(900_000)

  let market: Market
  let network: TestNetwork
  let payers: { key: Hex; address: Address; client: Client }[]
  const answers: Answer[] = []
  const failures: { request: Hex | undefined; code: string }[] = []

  before(async () => {
    market = await openMarket()
    network = await openNetwork(market, 2)
    payers = []
    for (let index = 0; index < 2; index += 1) {
      const { key, account } = await market.payer(usd('20.00'))
      payers.push({ key, address: account.address, client: network.client(key) })
    }
  })

  after(async () => {
    for (const { client } of payers ?? []) await client.close()
    await network?.stop()
    await market?.close()
  })

  it('twenty concurrent calls of two payers are answered and verified', async () => {
    const failed = await burst(20)

    expect(failed).to.equal(0)
    expect(answers).to.have.length(20)
    expect(new Set(answers.map((answer) => answer.request)).size).to.equal(20)
  })

  it('a worker that dies in mid-work loses nobody a cent', () => during(() => network.kill('worker-1', 300)))

  it('a slot that dies in mid-work is started again', async () => {
    await during(async () => {
      const [slot] = slotsOf(network.pid('worker-2'))
      expect(slot, 'a slot process').to.be.greaterThan(0)
      process.kill(slot ?? 0, 'SIGKILL')
    })
  })

  it('a router that dies in mid-work comes back with every hold, charge and batch', () =>
    during(() => network.kill('router', 300)))

  it('the other worker may die as well', () => during(() => network.kill('worker-2', 300)))

  it('a chain that is stopped and started again settles what waited', () =>
    during(() => market.restartChain(1_500)))

  it('a gateway that dies in mid-work keeps its key and its account', async () => {
    const openai = new OpenAI({ baseURL: `${network.gatewayUrl}/v1`, apiKey: network.apiKey, maxRetries: 0 })
    const ask = () =>
      openai.chat.completions.create({
        model: 'chat',
        messages: [{ role: 'user', content: 'What is a receipt?' }],
      })
    const cut = Promise.allSettled(Array.from({ length: 6 }, ask))
    await pause(60)
    await network.kill('gateway', 300)
    await cut

    const again = await ask()
    expect(again.choices[0]?.message.content).to.be.a('string').that.is.not.empty
  })

  it('afterwards every acknowledged call is settled exactly once, and no failed call left a trace', async () => {
    await settled()
    const leaves = await allLeaves()
    const times = (request: string) => leaves.filter((leaf) => leaf.request === request).length

    for (const answer of answers) {
      expect(times(answer.request), `leaves of ${answer.request}`).to.equal(1)
      expect((await payers[0]?.client.receipt(answer.request))?.status).to.equal('settled')
    }
    for (const { request, code } of failures) {
      if (request !== undefined)
        expect(times(request), `leaves of a call that failed with ${code}`).to.equal(0)
    }
    expect(leaves.length).to.equal(new Set(leaves.map((leaf) => leaf.request)).size)
  })

  it('what each payer was debited is the sum of the receipts it verified, and the ledger balances to the unit', async () => {
    const leaves = await allLeaves()
    for (const { address, client } of payers) {
      const { charged, spent } = await client.balance()
      const receipts = answers.filter((answer) => answer.ack.payer === address.toLowerCase())
      expect(spent, 'debited on chain').to.equal(charged)
      expect(charged, 'own sum').to.equal(receipts.reduce((sum, answer) => sum + answer.price, 0n))
    }

    const debits = await Promise.all(callers().map(spentOf))
    const debited = debits.reduce((sum, spent) => sum + spent, 0n)
    expect(await grossOf('node', network.nodes)).to.equal(debited)
    expect(await grossOf('pod', Object.values(market.seeded.pods))).to.equal(debited)
    expect(await grossOf('frontend', [0, market.seeded.frontend])).to.equal(debited)
    expect(leaves.reduce((sum, leaf) => sum + leaf.price, 0n)).to.equal(debited)

    // Nothing left the ledger: it holds exactly what was deposited and the router's float.
    const deposits = usd('20.00') * 2n + usd('25.00') * 3n + usd('100.00')
    expect(await heldByLedger()).to.equal(deposits)
  })

  it('an audit of what the router published finds every total to be the sum of its calls', async () => {
    const { chain, domain, router, addresses } = market
    const hasher = createHasher(domain)
    const { audit: found } = await auditRouter({
      chain: openChain({ chainId: domain.chainId, rpcUrl: chain.rpcUrl }),
      ledger: addresses.ledger,
      router: router.address,
      routerUrl: network.routerUrl,
      hasher,
    })

    expect(found.lies).to.deep.equal([])
    expect(found.whole).to.equal(true)
    expect(found.leaves).to.be.greaterThan(19)
  })

  it('a receipt verifies from its bytes to the debit, by the sdk and by a script that imports only viem', async () => {
    const answer = answers[0]
    if (!answer) throw new Error('no answer')
    const checks = await verifyReceipt(answer.request, {
      routerUrl: network.routerUrl,
      rpcUrl: market.chain.rpcUrl,
      ledger: market.addresses.ledger,
      bytes: answer.bytes,
    })
    const script = join(import.meta.dirname, '..', 'docs', 'examples', 'verify-receipt.mjs')
    const file = join(market.home, 'answer.bin')
    writeFileSync(file, answer.bytes)
    const printed = execFileSync(
      process.execPath,
      [
        script,
        network.routerUrl,
        market.chain.rpcUrl,
        answer.request,
        file,
        '--ledger',
        market.addresses.ledger,
      ],
      {
        encoding: 'utf8',
      },
    )

    expect(checks.filter((check) => !check.ok)).to.deep.equal([])
    expect(checks.length).to.be.greaterThan(5)
    expect(printed).to.match(/the receipt holds/)
  })

  /** Calls of both payers at once, whole and streamed, words and pictures. @returns how many failed. */
  async function burst(size: number): Promise<number> {
    const before = failures.length
    await Promise.all(
      Array.from({ length: size }, async (_, index) => {
        const { client } = payers[index % 2] ?? {}
        if (!client) throw new Error('no payer')
        await call(client, index)
      }),
    )
    return failures.length - before
  }

  async function call(client: Client, index: number): Promise<void> {
    const question = { messages: [{ role: 'user', content: `What is ${index % 9} plus ${index % 7}?` }] }
    let request: Hex | undefined
    try {
      if (index % 5 === 4)
        answers.push(await client.run('image', { prompt: 'a red circle', seed: index, steps: 4 }))
      else if (index % 2 === 0) answers.push(await client.run('chat', question))
      else {
        const stream = client.stream('chat', question)
        request = await stream.request
        for await (const _ of stream) {
          // Read to the end.
        }
        answers.push(await stream.answer)
      }
    } catch (cause) {
      failures.push({ request, code: asHeuristError(cause).code })
    }
  }

  /** A burst with something terrible in the middle of it; afterwards the network serves again. */
  async function during(disaster: () => Promise<void>): Promise<void> {
    const before = answers.length
    const working = burst(20)
    await pause(120)
    await disaster()
    await working
    await eventually('the network serves again', async () => {
      const kept = answers.length
      await call(payers[0]?.client as Client, 0)
      return answers.length > kept
    })

    expect(answers.length).to.be.greaterThan(before)
  }

  /** Nothing is in flight, and every receipt is on chain. */
  async function settled(): Promise<void> {
    for (const payer of payers) {
      await payer.client.close()
      payer.client = network.client(payer.key)
    }
    await eventually('all receipts are settled', async () => {
      const documents = await Promise.all(answers.map((answer) => payers[0]?.client.receipt(answer.request)))
      const even = await Promise.all(payers.map(async ({ client }) => isEven(await client.balance())))
      const still = await Promise.all(callers().map(isStill))
      return documents.every((each) => each?.status === 'settled') && [...even, ...still].every(Boolean)
    })
  }

  /** What the ledger debited is what the client verified; what may still be in flight was never admitted. */
  const isEven = ({ spent, charged }: { spent: bigint; charged: bigint }) => spent === charged
  /** By the router's books, in which calls stand too whose caller was killed. */
  async function isStill(key: Address): Promise<boolean> {
    const answer = await fetch(`${network.routerUrl}/v1/accounts/${key}`)
    const { held, charged } = (await answer.json()) as { held: string; charged: string }
    return held === '0' && BigInt(charged) === (await spentOf(key))
  }

  interface LeafRow {
    request: Hex
    price: bigint
  }

  /** All leaves of all batches that the ledger knows, from the published batch data. */
  async function allLeaves(): Promise<LeafRow[]> {
    const state = await read('routerOf', [market.router.address])
    const rows: LeafRow[] = []
    const charged = new Map<string, bigint>()
    for (let seq = 1n; seq <= (state as { seq: bigint }).seq; seq += 1n) {
      const batch = `${network.routerUrl}/v1/batches/${seq}`
      const index = (await (await fetch(batch)).json()) as { leaves: number; parts: Hex[] }
      const parts = await Promise.all(
        index.parts.map(async (_, part) => (await fetch(`${batch}/parts/${part}`)).json()),
      )
      const leaves = (parts as { leaves: string[][] }[]).flatMap((part) => part.leaves)
      expect(leaves).to.have.length(index.leaves)
      for (const [payer = '', total = '0', , request = ''] of leaves) {
        rows.push({ request: request as Hex, price: BigInt(total) - (charged.get(payer) ?? 0n) })
        charged.set(payer, BigInt(total))
      }
    }
    return rows
  }

  type View = 'routerOf' | 'accountOf' | 'grossOf'
  const read = (functionName: View, args: readonly unknown[]): Promise<unknown> =>
    market.deployer.client.readContract({
      address: market.addresses.ledger,
      abi: computeLedgerAbi,
      functionName,
      args: args as never,
    })
  const spentOf = async (key: Address) =>
    ((await read('accountOf', [market.router.address, key])) as { spent: bigint }).spent
  const callers = (): Address[] => [...payers.map(({ address }) => address), localAccount('frontend').address]
  const heldByLedger = () =>
    market.deployer.client.readContract({
      address: market.addresses.asset,
      abi: testDollarAbi,
      functionName: 'balanceOf',
      args: [market.addresses.ledger],
    })

  async function grossOf(role: Role, ids: number[]): Promise<bigint> {
    const all = await Promise.all(ids.map((id) => read('grossOf', [market.router.address, ROLE[role], id])))
    return (all as bigint[]).reduce((sum, gross) => sum + gross, 0n)
  }
})

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Polls until true; fails with `what` after five minutes. */
async function eventually(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 300_000
  while (Date.now() < deadline) {
    if (await isTrue().catch(() => false)) return
    await pause(250)
  }
  throw new Error(`never: ${what}`)
}

/** The child processes of a worker that run slots. */
function slotsOf(pid: number): number[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n')
  return rows
    .map((row) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(row))
    .filter((match) => Number(match?.[2]) === pid && match?.[3]?.includes('slot'))
    .map((match) => Number(match?.[1]))
}
