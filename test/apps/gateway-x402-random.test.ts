import { expect } from 'chai'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import type { X402 } from '../../apps/gateway/x402/open.ts'
import { parsePayment } from '../../apps/gateway/x402/payment.ts'
import { createDraw } from '../../bench/economy/draw.ts'
import { later } from '../../sdk/errors.ts'
import { type Market, openMarket } from '../market.ts'
import { type MeteredDoor, mostOf, question } from './metered-door.ts'
import { balanceOf, clientOf, openMeteredPaidDoor, openWallet, signedFor, type Wallet } from './x402.ts'

const SEED = Number(process.env.SEED ?? 20_402)
const ROUNDS = 60
const AT_ONCE = 5
const HAD = 1_000_000n

/** What happens to the calls of a round. */
const FATES = ['answered', 'failed', 'left'] as const

describe('random payments by wallet', function () {
  this.timeout(600_000)
  let market: Market
  let door: MeteredDoor
  let x402: X402
  const payTo = privateKeyToAccount(generatePrivateKey()).address

  before(async () => {
    market = await openMarket()
    ;({ door, x402 } = await openMeteredPaidDoor(market, { payTo, mostInFlight: 100 }))
  })
  after(async () => {
    x402?.settler.stop()
    await door?.close()
    await market?.close()
  })

  const url = () => `${door.url}/v1/chat/completions`

  /** One call, to its end or until it is left. @returns its status; 0 = left. */
  async function call(payment: string, stream: boolean, leave: boolean): Promise<number> {
    const body = stream ? { ...question, stream } : question
    const leaving = new AbortController()
    const asked = fetch(url(), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'payment-signature': payment },
      body: JSON.stringify(body),
      signal: leaving.signal,
    })
    if (!leave) {
      const answer = await asked
      await answer.text()
      return answer.status
    }
    if (stream) {
      const reader = (await asked).body?.getReader()
      let text = ''
      while (!text.includes('yes')) text += new TextDecoder().decode((await reader?.read())?.value)
    }
    const { id } = parsePayment(payment)
    while (x402.books.find(id) === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
    leaving.abort()
    await asked.catch(() => undefined)
    return 0
  }

  async function answered(payment: string): Promise<void> {
    const { id } = parsePayment(payment)
    while (x402.books.find(id)?.state === 'open') await new Promise((resolve) => setTimeout(resolve, 5))
  }

  it(`${ROUNDS * AT_ONCE} calls, whole and streamed, answered, failed, left and shown twice: each answered one is paid its price, no other anything (seed ${SEED})`, async () => {
    const draw = createDraw(SEED)
    const wallets: Wallet[] = []
    for (let index = 0; index < 3; index += 1) wallets.push(await openWallet(market, HAD))
    const spent = new Map<Wallet, bigint>(wallets.map((wallet) => [wallet, 0n]))
    const ended = new Map<string, number>()
    const used: string[] = []
    const most = mostOf()
    for (let round = 0; round < ROUNDS; round += 1) {
      const fate = FATES[draw.below(FATES.length)] ?? 'answered'
      door.price(1n + BigInt(draw.below(Number(most))))
      door.fail(fate === 'failed' ? later('node.failed', 'the node failed') : undefined)
      const work = Array.from({ length: AT_ONCE }, async () => {
        const wallet = wallets[draw.below(wallets.length)] as Wallet
        const stream = draw.below(2) === 0
        const body = stream ? { ...question, stream } : question
        const again = draw.below(5) === 0 ? used[draw.below(used.length + 1)] : undefined
        const payment = again ?? (await signedFor(clientOf(market, wallet), url(), body))
        const status = await call(payment, stream, fate === 'left' && again === undefined)
        const name = `${again === undefined ? fate : 'shown twice'}: ${status}`
        ended.set(name, (ended.get(name) ?? 0) + 1)
        if (again !== undefined || fate === 'failed') return
        used.push(payment)
        spent.set(wallet, (spent.get(wallet) ?? 0n) + most)
      })
      if (fate === 'left') {
        const release = door.hold()
        await Promise.all(work)
        release()
        // What was left goes on without its caller: as this round's, not as the next one's.
        for (const payment of used) await answered(payment)
      } else await Promise.all(work)
    }
    const standing = door.accounts.store.prepare("SELECT 1 FROM payments WHERE state IN ('open', 'due')")
    while (standing.get([]) !== undefined) await new Promise((resolve) => setTimeout(resolve, 20))

    const total = [...spent.values()].reduce((sum, amount) => sum + amount, 0n)
    for (const wallet of wallets) {
      expect(await balanceOf(market, wallet.address)).to.equal(HAD - (spent.get(wallet) ?? 0n))
    }
    expect(await balanceOf(market, payTo)).to.equal(total)
    const books = door.accounts.store
      .prepare('SELECT state, count(*) AS count, sum(amount) AS amount FROM payments GROUP BY state')
      .all([])
    expect(books).to.deep.equal([{ state: 'settled', count: used.length, amount: Number(total) }])
    // The run did what it is for.
    for (const name of ['answered: 200', 'left: 0', 'shown twice: 409']) {
      expect(ended.get(name) ?? 0, name).to.be.greaterThan(10)
    }
    expect((ended.get('failed: 502') ?? 0) + (ended.get('failed: 503') ?? 0)).to.be.greaterThan(5)
    expect(ended.get('failed: 200') ?? 0, 'streams that fail after their first words').to.be.greaterThan(5)
  })
})
