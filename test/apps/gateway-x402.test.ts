import { join } from 'node:path'
import { decodePaymentResponseHeader } from '@x402/fetch'
import { expect } from 'chai'
import Database from 'libsql'
import OpenAI from 'openai'
import { parsePayment } from '../../apps/gateway/x402/payment.ts'
import type { ReceiptDocument } from '../../sdk/index.ts'
import { parseManifest } from '../../sdk/protocol/manifest.ts'
import { formatUsd } from '../../sdk/units.ts'
import { type Market, openMarket } from '../market.ts'
import { openNetwork, type TestNetwork } from '../network.ts'
import { manifestOf } from './door.ts'
import { settled } from './settled.ts'
import {
  balanceOf,
  clientOf,
  openPaidDoor,
  openWallet,
  PAY_TO,
  payingFetch,
  post,
  signedFor,
  type Wallet,
} from './x402.ts'

const QUESTION = { model: 'chat', messages: [{ role: 'user', content: 'What is a pod?' }] }
const MAX_TOKENS = 40

/** The most that a chat call can cost: a token at most for each byte of the document, and `max_tokens` at the other price. */
function priceOf(messages: object, maxTokens: number): bigint {
  const { pricing } = parseManifest(manifestOf('chat'))
  const bytes = JSON.stringify({ messages, max_tokens: maxTokens }).length
  return BigInt(Math.ceil((bytes * pricing.input + maxTokens * pricing.output) / pricing.per))
}

describe('a wallet and no key, on a real network', function () {
  this.timeout(300_000)
  let market: Market
  let network: TestNetwork
  let door: string
  let wallet: Wallet

  before(async () => {
    market = await openMarket()
    network = await openNetwork(market, 1)
    door = await openPaidDoor(market, network, 'paid')
  })
  after(async () => {
    await network?.stop()
    await market?.close()
  })
  beforeEach(async () => {
    wallet = await openWallet(market, 1_000_000n)
  })

  const pay = (path: string, body: object) =>
    payingFetch(market, wallet)(`${door}/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  /** What a piece of work cost the wallet and brought the door, on chain. */
  async function moved(work: () => Promise<unknown>): Promise<{ paid: bigint; got: bigint }> {
    const [had, has] = await Promise.all([balanceOf(market, wallet.address), balanceOf(market, PAY_TO)])
    await work()
    return {
      paid: had - (await balanceOf(market, wallet.address)),
      got: (await balanceOf(market, PAY_TO)) - has,
    }
  }
  /** Until the gateway's books say this of a payment whose request is under way. */
  async function standsAs(state: 'open' | 'due', payment: string, request: Promise<unknown>): Promise<void> {
    let end: unknown
    void request.then((answer) => {
      end = answer
    })
    const books = new Database(join(market.home, 'paid', 'till.sqlite'), { readonly: true })
    const read = books.prepare('SELECT 1 FROM payments WHERE id = ? AND state = ?')
    while (read.get([parsePayment(payment).id, state]) === undefined) {
      if (end !== undefined) throw new Error(`it ended before it was ${state}`, { cause: end })
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    books.close()
  }
  const receiptOf = (answer: Response): Promise<ReceiptDocument> =>
    settled(network.routerUrl, answer.headers.get('x-heurist-receipt') ?? '')

  it('@x402/fetch buys a chat answer for exactly the quoted price; node, pod and frontend get theirs of what it cost', async () => {
    let answer = new Response()
    const body = { ...QUESTION, max_tokens: MAX_TOKENS }
    const price = priceOf(QUESTION.messages, MAX_TOKENS)
    const { paid, got } = await moved(async () => {
      answer = await pay('chat/completions', body)
    })
    const told = (await answer.json()) as OpenAI.ChatCompletion
    const { receipt, split, frontend } = await receiptOf(answer)

    expect(answer.status).to.equal(200)
    expect(told.choices[0]?.message.content).to.match(/\w/)
    expect({ paid, got }).to.deep.equal({ paid: price, got: price })
    expect(answer.headers.get('x-heurist-price')).to.equal(formatUsd(price))
    expect(decodePaymentResponseHeader(answer.headers.get('payment-response') ?? '')).to.include({
      success: true,
      payer: wallet.address.toLowerCase(),
      amount: price.toString(),
    })
    // The router is paid what the call came to, by the gateway's own account, and splits that.
    expect(Number(receipt?.price)).to.be.at.most(Number(price))
    expect(frontend).to.equal(market.seeded.frontend)
    expect(split?.frontend).to.equal((receipt?.price ?? 0n) / 10n)
  })

  it('@x402/fetch buys a picture', async () => {
    let answer = new Response()
    const { steps } = parseManifest(manifestOf('image')).defaults
    const { pricing } = parseManifest(manifestOf('image'))
    const { paid, got } = await moved(async () => {
      answer = await pay('images/generations', { prompt: 'a red circle on a blue background', seed: 7 })
    })
    const told = (await answer.json()) as { data: { b64_json: string }[] }
    const price = BigInt(Math.max(pricing.minimum, Number(steps) * pricing.output))

    expect(
      Buffer.from(told.data[0]?.b64_json ?? '', 'base64')
        .subarray(1, 4)
        .toString(),
    ).to.equal('PNG')
    expect({ paid, got }).to.deep.equal({ paid: price, got: price })
  })

  it('OpenAI’s client with a paying fetch gets whole answers and streams', async () => {
    const openai = new OpenAI({
      baseURL: `${door}/v1`,
      apiKey: 'x402',
      maxRetries: 0,
      fetch: payingFetch(market, wallet),
    })
    const messages = [{ role: 'user' as const, content: 'What is a pod?' }]
    const body = { model: 'chat', messages, max_tokens: MAX_TOKENS }
    const texts: string[] = []
    const { paid, got } = await moved(async () => {
      const whole = await openai.chat.completions.create(body)
      texts.push(whole.choices[0]?.message.content ?? '')
      const streamed = await openai.chat.completions.stream(body).finalChatCompletion()
      texts.push(streamed.choices[0]?.message.content ?? '')
      const response = await openai.responses.create({ model: 'chat', input: 'What is a pod?' })
      texts.push(response.output_text)
    })
    const price = priceOf(QUESTION.messages, MAX_TOKENS)
    // Without a limit of its own, a call is quoted at the pod's.
    const asIs = priceOf(QUESTION.messages, 96) - BigInt(',"max_tokens":96'.length)

    expect(texts[0]).to.match(/\w/)
    expect(new Set(texts).size).to.equal(1)
    expect({ paid, got }).to.deep.equal({ paid: 2n * price + asIs, got: paid })
  })

  it('a call that the network cannot answer costs nothing', async () => {
    let answer = new Response()
    const long = [{ role: 'user', content: 'word '.repeat(2_000) }]
    const { paid } = await moved(async () => {
      answer = await pay('chat/completions', { ...QUESTION, messages: long, max_tokens: MAX_TOKENS })
    })

    expect(answer.status).to.equal(400)
    expect(((await answer.json()) as { error: { code: string } }).error.code).to.equal(
      'context_length_exceeded',
    )
    expect(answer.headers.get('payment-response')).to.equal(null)
    expect(paid).to.equal(0n)
  })

  it('who leaves a stream after its first words has paid its price, once', async () => {
    const body = { ...QUESTION, max_tokens: MAX_TOKENS, stream: true }
    const price = priceOf(QUESTION.messages, MAX_TOKENS)
    const { paid, got } = await moved(async () => {
      const answer = await pay('chat/completions', body)
      const reader = answer.body?.getReader()
      let text = ''
      while (!/"content":"\w/.test(text)) text += new TextDecoder().decode((await reader?.read())?.value)
      await reader?.cancel()
      while ((await balanceOf(market, wallet.address)) === 1_000_000n) {
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    })

    expect({ paid, got }).to.deep.equal({ paid: price, got: price })
  })

  it('a gateway killed between the answer and its settlement takes the money once, and gives the answer to who shows the payment again', async () => {
    const url = `${door}/v1/chat/completions`
    const body = { ...QUESTION, max_tokens: MAX_TOKENS }
    const price = priceOf(QUESTION.messages, MAX_TOKENS)
    const payment = await signedFor(clientOf(market, wallet), url, body)
    const rpc = (method: string, params: unknown[]) =>
      post(market.chain.rpcUrl, { jsonrpc: '2.0', id: 1, method, params }).then((answer) => answer.json())
    let again = new Response()
    const { paid, got } = await moved(async () => {
      // No block takes the settlement, so the answer waits for it.
      await rpc('evm_setIntervalMining', [0])
      const lost = post(url, body, { 'payment-signature': payment }).catch((cause: Error) => cause)
      await standsAs('due', payment, lost)
      await network.kill('paid', 0)
      expect(await lost).to.be.instanceOf(Error)
      const early = await post(url, body, { 'payment-signature': payment })
      expect(early.status).to.equal(503)
      await rpc('anvil_setIntervalMining', [1])
      again = await post(url, body, { 'payment-signature': payment })
    })
    const third = await post(url, body, { 'payment-signature': payment })

    expect(again.status).to.equal(200)
    expect(again.headers.get('x-heurist-repeated')).to.equal('true')
    expect(((await again.json()) as OpenAI.ChatCompletion).choices[0]?.message.content).to.match(/\w/)
    expect(parsePayment(payment).amount).to.equal(price)
    expect({ paid, got }).to.deep.equal({ paid: price, got: price })
    expect(third.status).to.equal(409)
  })

  it('a gateway killed before its call is answered takes nothing, and the payment is good for the next one', async () => {
    const url = `${door}/v1/chat/completions`
    const body = { ...QUESTION, max_tokens: MAX_TOKENS }
    const payment = await signedFor(clientOf(market, wallet), url, body)
    const worker = network.pid('worker-1')
    let after = new Response()
    const { paid, got } = await moved(async () => {
      process.kill(worker, 'SIGSTOP')
      try {
        const lost = post(url, body, { 'payment-signature': payment }).catch((cause: Error) => cause)
        await standsAs('open', payment, lost)
        await network.kill('paid', 0)
        expect(await lost).to.be.instanceOf(Error)
      } finally {
        process.kill(worker, 'SIGCONT')
      }
      const before = await balanceOf(market, wallet.address)
      expect(before).to.equal(1_000_000n)
      while (after.status !== 200 || after.headers.get('x-heurist-receipt') === null) {
        after = await post(url, body, { 'payment-signature': payment })
      }
    })

    expect(paid).to.equal(priceOf(QUESTION.messages, MAX_TOKENS))
    expect(got).to.equal(paid)
  })
})
