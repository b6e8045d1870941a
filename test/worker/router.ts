import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Address, Hex } from 'viem'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Network } from '../../sdk/chain/network.ts'
import type { ErrorBody } from '../../sdk/errors.ts'
import { recoverSigner } from '../../sdk/native.ts'
import { keccak, toHex, writeUint } from '../../sdk/protocol/bytes.ts'
import {
  decodeFrames,
  encodeFrames,
  encodeJob,
  FRAME,
  type Frame,
  type FrameType,
  jsonPayload,
} from '../../sdk/protocol/frames.ts'
import {
  type Challenge,
  challengeText,
  type Hello,
  LINK_PATH,
  LINK_PROTOCOL,
  type SlotState,
  textDigest,
} from '../../sdk/protocol/link.ts'
import { createHasher, type Request } from '../../sdk/protocol/messages.ts'
import { parseWire, type SignedReceipt, signedReceiptSchema } from '../../sdk/protocol/wire.ts'

export const DOMAIN = { chainId: 31_337, verifyingContract: `0x${'ed'.repeat(20)}` as Address }
export const ROUTER = `0x${'a1'.repeat(20)}` as Address
export const hasher = createHasher(DOMAIN)

/** What became of one job, as its frames arrive. */
export interface Answer {
  job: number
  hash: Hex
  chunks: Uint8Array[]
  receipt?: SignedReceipt
  /** The receipt's frame, byte for byte. */
  receiptBytes?: Uint8Array
  fail?: ErrorBody
  /** Resolves with the answer when it has a receipt or a failure. */
  ended: Promise<Answer>
  output(): Uint8Array
  /** Resolves when at least so many output bytes are here. */
  atLeast(bytes: number): Promise<void>
}

export interface RouterOptions {
  signer: Address
  pods: { id: number; name: string; manifest: Hex }[]
  windowBytes?: number
  /** Grants credit for every byte that arrives, like a client that reads. */
  generous?: boolean
  leaseMs?: number
  heartbeatMs?: number
  /** Says `received` to every receipt at once. */
  acknowledge?: boolean
  challenge?: Partial<Challenge>
  /** Answers no heartbeat and no ping: a connection that only looks alive. */
  deaf?: boolean
  /** A real chain and its contracts; else there is none. */
  chain?: { rpcUrl: string; registry: Address; ledger?: Address }
}

/** A small honest router that speaks the link's real frames over real sockets; misbehaves where a test asks it to. */
export interface TestRouter {
  readonly url: string
  readonly hellos: Hello[]
  readonly refused: number
  /** What the worker said of its slots last. */
  slots(): SlotState[]
  /** Resolves when the worker's slots look like this. */
  until(look: (slots: SlotState[]) => boolean): Promise<void>
  linked(): Promise<void>
  unlinked(): Promise<void>
  send(job: number, type: FrameType, payload?: Uint8Array): void
  order(request: Request, input: Uint8Array, deadlineMs?: number, attempt?: number): Answer
  credit(job: number, bytes: number): void
  received(request: Hex): void
  /** Receipts with job 0, byte for byte. */
  readonly repeated: Uint8Array[]
  repeat(count: number): Promise<void>
  readonly closes: number[]
  /** Cuts the link, politely or not. */
  hangUp(code?: number): void
  /** Stops listening, as if the process had gone. */
  down(): Promise<void>
  /** Listens again on the same port. */
  back(): Promise<void>
  close(): Promise<void>
}

export async function startTestRouter(options: RouterOptions): Promise<TestRouter> {
  const settings = { windowBytes: 65_536, generous: true, leaseMs: 5_000, heartbeatMs: 200, ...options }
  const acknowledge = options.acknowledge ?? true
  const hellos: Hello[] = []
  const repeated: Uint8Array[] = []
  const closes: number[] = []
  const answers = new Map<number, Answer & { settle(): void; wake(): void }>()
  const watchers = new Set<() => void>()
  let refusedCount = 0
  let jobs = 0
  let port = 0
  let link: WebSocket | undefined
  let slots: SlotState[] = []
  let http: Server
  let sockets: WebSocketServer

  const changed = () => {
    for (const watcher of watchers) watcher()
  }
  const when = (look: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!look()) return
        watchers.delete(check)
        resolve()
      }
      watchers.add(check)
      check()
    })

  const network = (): Network => ({
    chainId: DOMAIN.chainId,
    rpcUrl: options.chain?.rpcUrl ?? 'http://127.0.0.1:9',
    addresses: {
      accessManager: ROUTER,
      heu: ROUTER,
      asset: ROUTER,
      registry: options.chain?.registry ?? ROUTER,
      ledger: options.chain?.ledger ?? DOMAIN.verifyingContract,
    },
    split: { node: 7000, pod: 1000, frontend: 1000, voters: 500 },
    podVoters: false,
    router: { address: ROUTER, url: `http://127.0.0.1:${port}` },
  })

  const put = (socket: WebSocket, frame: Frame) => socket.send(encodeFrames([frame]))
  const text = (payload: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(payload))

  function greet(socket: WebSocket): void {
    const challenge: Challenge = {
      nonce: toHex(crypto.getRandomValues(new Uint8Array(32))),
      router: ROUTER,
      chainId: DOMAIN.chainId,
      ledger: DOMAIN.verifyingContract,
      ...options.challenge,
    }
    put(socket, { job: 0, type: FRAME.challenge, payload: jsonPayload(challenge) })
    let admitted = false
    socket.on('message', (data) => {
      for (const frame of decodeFrames(new Uint8Array(data as Buffer))) {
        if (frame.type === FRAME.hello) admitted = admit(socket, challenge, frame)
        else if (admitted && socket === link) take(frame)
      }
    })
    socket.on('close', (code) => {
      closes.push(code)
      if (link === socket) link = undefined
      changed()
    })
    socket.on('error', () => {})
  }

  function admit(socket: WebSocket, challenge: Challenge, frame: Frame): boolean {
    const hello = text(frame.payload) as Hello
    const digest = textDigest(challengeText(challenge, hello.node))
    if (recoverSigner(digest, hello.signature as Hex) !== options.signer.toLowerCase()) {
      refusedCount += 1
      const error = { code: 'signature.invalid', kind: 'refused', message: 'not the node signer' }
      put(socket, { job: 0, type: FRAME.fail, payload: jsonPayload(error) })
      socket.close(4003)
      changed()
      return false
    }
    link?.close(4001)
    link = socket
    hellos.push(hello)
    slots = hello.slots
    const { leaseMs, heartbeatMs, windowBytes } = settings
    const ready = { node: hello.node, leaseMs, heartbeatMs, windowBytes }
    put(socket, { job: 0, type: FRAME.ready, payload: jsonPayload(ready) })
    changed()
    return true
  }

  function take(frame: Frame): void {
    const answer = answers.get(frame.job)
    if (frame.type === FRAME.heartbeat && link && !options.deaf)
      put(link, { job: 0, type: FRAME.heartbeat, payload: new Uint8Array() })
    if (frame.type === FRAME.slots) slots = text(frame.payload) as SlotState[]
    if (frame.type === FRAME.chunk && answer) {
      answer.chunks.push(frame.payload.slice())
      if (settings.generous) router.credit(frame.job, frame.payload.length)
      answer.wake()
    }
    if (frame.type === FRAME.fail && answer) {
      answer.fail = text(frame.payload) as ErrorBody
      answer.settle()
    }
    if (frame.type === FRAME.receipt) {
      const receipt = parseWire(signedReceiptSchema, text(frame.payload), 'receipt')
      if (frame.job === 0) repeated.push(frame.payload.slice())
      if (answer) {
        answer.receipt = receipt
        answer.receiptBytes = frame.payload.slice()
        answer.settle()
      }
      if (acknowledge) router.received(receipt.receipt.request)
    }
    changed()
  }

  async function listen(): Promise<void> {
    http = createServer((message, response) => {
      response.setHeader('content-type', 'application/json')
      if (message.url === '/v1/network') return response.end(JSON.stringify(network()))
      if (message.url === '/v1/pods') return response.end(JSON.stringify({ pods: options.pods }))
      response.statusCode = 404
      response.end('{}')
    })
    sockets = new WebSocketServer({
      server: http,
      autoPong: !options.deaf,
      path: LINK_PATH,
      handleProtocols: (offered) => (offered.has(LINK_PROTOCOL) ? LINK_PROTOCOL : false),
    })
    sockets.on('connection', greet)
    http.listen(port, '127.0.0.1')
    await once(http, 'listening')
    port = (http.address() as AddressInfo).port
  }

  /** Somebody may have got the port for a moment. */
  async function listenAgain(): Promise<void> {
    for (;;) {
      try {
        return await listen()
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }

  async function silence(): Promise<void> {
    for (const socket of sockets.clients) socket.terminate()
    sockets.close()
    http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
    link = undefined
    changed()
  }

  const router: TestRouter = {
    get url() {
      return `http://127.0.0.1:${port}`
    },
    hellos,
    repeated,
    closes,
    get refused() {
      return refusedCount
    },
    slots: () => slots,
    until: (look) => when(() => look(slots)),
    linked: () => when(() => link !== undefined),
    unlinked: () => when(() => link === undefined),
    send(job, type, payload = new Uint8Array()) {
      if (!link) throw new Error('no worker is linked')
      put(link, { job, type, payload })
    },
    order(request, input, deadlineMs = Date.now() + 60_000, attempt = 1) {
      jobs += 1
      const job = jobs
      let settle = () => {}
      const chunks: Uint8Array[] = []
      const output = () => new Uint8Array(Buffer.concat(chunks))
      const wakers = new Set<() => void>()
      const answer = {
        job,
        hash: hasher.struct('Request', request),
        chunks,
        output,
        ended: new Promise<Answer>((resolve) => {
          settle = () => resolve(answer)
        }),
        settle: () => settle(),
        wake: () => {
          for (const waker of wakers) waker()
        },
        atLeast: (bytes: number) =>
          new Promise<void>((resolve) => {
            const check = () => {
              if (output().length < bytes) return
              wakers.delete(check)
              resolve()
            }
            wakers.add(check)
            check()
          }),
      }
      answers.set(job, answer)
      router.send(job, FRAME.job, encodeJob({ request, attempt, deadlineMs }, input))
      return answer
    },
    credit(job, bytes) {
      const payload = new Uint8Array(4)
      writeUint(payload, 0, 4, bytes)
      if (link) router.send(job, FRAME.credit, payload)
    },
    received: (request) => router.send(0, FRAME.received, jsonPayload({ request })),
    repeat: (count) => when(() => repeated.length >= count),
    hangUp: (code) => (code === undefined ? link?.terminate() : link?.close(code)),
    down: silence,
    back: listenAgain,
    close: silence,
  }
  await listen()
  return router
}

/** A request for a pod with this input, signed for by nobody: a worker trusts its router for that. */
export function requestFor(
  pod: { id: number; manifest: Hex },
  input: Uint8Array,
  facts: Partial<Request> = {},
): Request {
  return {
    payer: `0x${'b2'.repeat(20)}`,
    id: toHex(crypto.getRandomValues(new Uint8Array(32))),
    pod: pod.id,
    manifest: pod.manifest,
    frontend: 0,
    node: 0,
    maxPrice: 10_000_000n,
    deadline: Math.floor(Date.now() / 1000) + 60,
    input: toHex(keccak(input)),
    ...facts,
  }
}

export const chatInput = (facts: Record<string, unknown> = {}): Uint8Array =>
  new TextEncoder().encode(
    JSON.stringify({ messages: [{ role: 'user', content: 'Say something.' }], seed: 1, ...facts }),
  )
