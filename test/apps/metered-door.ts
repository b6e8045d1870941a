import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import type { Hex } from 'viem'
import { type Accounts, openAccounts } from '../../apps/gateway/accounts.ts'
import { createCatalog } from '../../apps/gateway/catalog.ts'
import { createPayer } from '../../apps/gateway/payer.ts'
import { openPictures } from '../../apps/gateway/pictures.ts'
import { createGateway, type GatewayDeps } from '../../apps/gateway/server.ts'
import { meter } from '../../apps/gateway/till/metered.ts'
import type { Answer, CallOptions, Piece, ReceiptDocument } from '../../sdk/index.ts'
import { manifestHash, parseManifest } from '../../sdk/protocol/manifest.ts'
import { maxPriceOf, unitLimitsOf } from '../../sdk/protocol/price.ts'
import { PODS } from '../market.ts'

/** A gateway with its real books before a network that answers when and for what a test says. */
export interface MeteredDoor {
  /** Its data folder. */
  readonly home: string
  readonly url: string
  readonly accounts: Accounts
  /** Calls that were signed, in their order: the most each could cost. */
  readonly sent: bigint[]
  /** The next calls come to this. Base units. */
  price(amount: bigint): void
  /** Waits until so many calls were sent. */
  sentAtLeast(count: number): Promise<void>
  /** Calls that arrive wait until the returned function is called. */
  hold(): () => void
  /** Streams that arrive wait for their first word until the returned function is called; who leaves one meanwhile is charged. */
  holdBegin(): () => void
  /** Nobody is told what a call came to until the returned function is called. */
  holdReceipts(): () => void
  /** The next calls fail, after they were signed; undefined = they are answered again. @param charged  By the router all the same. */
  fail(error?: Error, charged?: boolean): void
  /** An account with this many base units, and a key of it. */
  account(wallet: string, amount: bigint, terms?: object): { key: string; id: string }
  ask(headers?: Record<string, string>, body?: object): Promise<Response>
  /** Waits until the door has no connection from this port any more. */
  gone(port: number): Promise<void>
  /** As Fastify prints them. */
  routes(): string
  close(): Promise<void>
}

const text = (name: string) => readFileSync(join(PODS, name, 'pod.yaml'))
const pods = ['chat', 'image'].map((name, id) => ({
  id,
  name,
  manifest: manifestHash(text(name)),
  yaml: text(name),
}))
const chat = parseManifest(text('chat'))
export const question = { model: 'chat', messages: [{ role: 'user', content: 'hi' }], temperature: 0 }

/** The most that `question` can cost, by the price formula. */
export function mostOf({ messages, temperature }: typeof question = question): bigint {
  const document = { messages, temperature }
  return maxPriceOf(
    chat,
    unitLimitsOf(chat, document, new TextEncoder().encode(JSON.stringify(document)).length),
  )
}

/**
 * @param more  What the gateway is made with beside its books, given those.
 * @param local  As on a local chain.
 */
export async function openMeteredDoor(
  more: (accounts: Accounts) => Partial<GatewayDeps> = () => ({}),
  local = false,
): Promise<MeteredDoor> {
  const home = mkdtempSync(join(tmpdir(), 'heurist-metered-'))
  const router = createServer((request, response) => {
    const [, index] = /^\/v1\/pods\/(\d+)\/manifest/.exec(request.url ?? '') ?? []
    response.end(index === undefined ? JSON.stringify({ pods }) : pods[Number(index)]?.yaml)
  })
  await new Promise<void>((done) => router.listen(0, '127.0.0.1', done))
  const accounts = await openAccounts(home, local)
  const sent: bigint[] = []
  let price = 1n
  let gate = Promise.resolve()
  let beginning = Promise.resolve()
  let telling = Promise.resolve()
  /** What was left before its first word, and is charged all the same. */
  const charged = new Map<Hex, Answer['receipt']>()
  let failure: Error | undefined
  let charges = false
  let calls = 0
  /** As the client does: who is told of a call has written it down before it goes out. */
  async function sign({ maxPrice, signed }: CallOptions): Promise<Answer> {
    calls += 1
    const request: Hex = `0x${calls.toString(16).padStart(64, '0')}`
    const receipt = { node: 3, price, unitsIn: 1n, unitsOut: 2n }
    if (charges) charged.set(request, receipt as Answer['receipt'])
    await signed?.(request, {} as never)
    sent.push(maxPrice ?? 0n)
    return { request, receipt, text: 'yes', finish: 'stop' } as unknown as Answer
  }
  const catalog = createCatalog(`http://127.0.0.1:${(router.address() as AddressInfo).port}`)
  const metered = meter(
    {
      async run(_, __, options = {}) {
        const answer = await sign(options)
        await gate
        if (failure !== undefined) throw failure
        return answer
      },
      stream(_, __, options = {}) {
        const signing = sign(options)
        const { signal } = options
        const left = new Promise<never>((_, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason as Error))
        })
        left.catch(() => undefined)
        const begun = signing.then(async (answer) => {
          await Promise.race([beginning, left]).catch((cause: unknown) => {
            charged.set(answer.request, answer.receipt)
            throw cause
          })
          return answer
        })
        async function* pieces(): AsyncGenerator<Piece> {
          await begun
          yield { bytes: new TextEncoder().encode('yes'), text: 'yes' }
          await gate
          if (failure !== undefined) throw failure
          yield { bytes: new Uint8Array(), finish: 'stop' }
        }
        const ended = begun.then(async (answer) => {
          await gate
          if (failure !== undefined) throw failure
          return answer
        })
        const request = signing.then((answer) => answer.request)
        for (const each of [request, ended]) each.catch(() => undefined)
        return { request, answer: ended, [Symbol.asyncIterator]: pieces }
      },
      receipt: async (request) => {
        await telling
        const receipt = charged.get(request)
        return { status: receipt === undefined ? 'failed' : 'receipted', receipt } as ReceiptDocument
      },
    },
    { catalog, till: accounts.till },
  )
  const app: FastifyInstance = createGateway({
    keys: accounts,
    catalog,
    payer: createPayer(metered),
    pictures: openPictures(join(home, 'pictures')),
    publicUrl: undefined,
    stopping: new AbortController().signal,
    log: pino({ level: 'silent' }),
    ...more(accounts),
  })
  const callers = new Set<number | undefined>()
  app.server.on('connection', (socket) => {
    const { remotePort } = socket
    callers.add(remotePort)
    socket.once('close', () => callers.delete(remotePort))
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    url,
    home,
    accounts,
    sent,
    async gone(port) {
      while (callers.has(port)) await new Promise((resolve) => setTimeout(resolve, 5))
    },
    price: (amount) => {
      price = amount
    },
    async sentAtLeast(count) {
      while (sent.length < count) await new Promise((resolve) => setTimeout(resolve, 5))
    },
    hold() {
      let open = () => {}
      gate = new Promise((resolve) => {
        open = resolve
      })
      return () => open()
    },
    holdBegin() {
      let open = () => {}
      beginning = new Promise((resolve) => {
        open = resolve
      })
      return () => {
        beginning = Promise.resolve()
        open()
      }
    },
    holdReceipts() {
      let open = () => {}
      telling = new Promise((resolve) => {
        open = resolve
      })
      return () => open()
    },
    fail: (error, isCharged = false) => {
      failure = error
      charges = isCharged
    },
    account(wallet, amount, terms = {}) {
      accounts.store
        .prepare('INSERT INTO accounts (wallet, created) VALUES (?, 0) ON CONFLICT DO NOTHING')
        .run([wallet])
      if (amount > 0n) accounts.till.deposit(`${wallet} ${sent.length} ${amount}`, wallet, amount)
      const { token, key } = accounts.keys.create(wallet, { name: 'k', perMinute: 10_000, ...terms })
      return { key: token, id: key.id }
    },
    ask: (headers = {}, body = question) =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    routes: () => app.printRoutes({ commonPrefix: false }),
    async close() {
      await app.close()
      metered.stop()
      await accounts.close()
      await new Promise((done) => router.close(done))
      rmSync(home, { recursive: true, force: true })
    },
  }
}
