import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { openAccounts } from '../../apps/gateway/accounts.ts'
import { createCatalog } from '../../apps/gateway/catalog.ts'
import type { ChatAnswer, Payer } from '../../apps/gateway/payer.ts'
import { openPictures } from '../../apps/gateway/pictures.ts'
import { createGateway } from '../../apps/gateway/server.ts'
import { bug } from '../../sdk/errors.ts'
import type { Answer, AnswerStream, Piece } from '../../sdk/index.ts'
import { manifestHash, parseManifest } from '../../sdk/protocol/manifest.ts'
import { PODS } from '../market.ts'
import { Judge } from './published.ts'

/** A gateway over real manifests whose payer answers, fails or hangs on command: what a real network does not do at will. */
export interface TestDoor {
  url: string
  key: string
  /** What it pays with; everything not given fails the test. */
  pay(payer: Partial<Payer>): void
  /** JSON to a route, with the key; a text is sent as it is. The answer is what is published, or the test fails. */
  post(path: string, body: unknown): Promise<Response>
  close(): Promise<void>
}

/** The bytes of a pod's manifest. */
export const manifestOf = (name: string): Uint8Array => readFileSync(join(PODS, name, 'pod.yaml'))

/** The chat pod's manifest as that of a pod whose vectors have this many numbers. */
export const embedManifest = (dimensions: number): Uint8Array =>
  Buffer.from(
    Buffer.from(manifestOf('chat'))
      .toString()
      .replace('name: chat', 'name: embed')
      .replace('kind: chat', 'kind: embed')
      .replace(/^defaults:.*$/m, `defaults: { dimensions: ${dimensions} }`),
  )

export async function openDoor(manifests: readonly Uint8Array[] = [manifestOf('chat')]): Promise<TestDoor> {
  const home = mkdtempSync(join(tmpdir(), 'heurist-door-'))
  const pods = manifests.map((bytes, id) => ({
    id,
    name: parseManifest(bytes).name,
    manifest: manifestHash(bytes),
  }))
  const router = createServer((request, response) => {
    const [, index] = /^\/v1\/pods\/(\d+)\/manifest/.exec(request.url ?? '') ?? []
    if (index !== undefined) return void response.end(manifests[Number(index)])
    response.end(JSON.stringify({ pods }))
  })
  await new Promise<void>((done) => router.listen(0, '127.0.0.1', done))
  const keys = await openAccounts(home, false)
  const key = keys.shown ?? ''
  let payer: Partial<Payer> = {}
  const current = <K extends keyof Payer>(method: K): Payer[K] => {
    const found = payer[method]
    if (found === undefined) throw bug('unexpected', `${method} is not paid in this test`)
    return found
  }
  const app = createGateway({
    keys,
    catalog: createCatalog(`http://127.0.0.1:${(router.address() as AddressInfo).port}`),
    payer: {
      chat: (...call) => current('chat')(...call),
      stream: (...call) => current('stream')(...call),
      image: (...call) => current('image')(...call),
      embed: (...call) => current('embed')(...call),
    },
    pictures: openPictures(join(home, 'pictures')),
    publicUrl: undefined,
    stopping: new AbortController().signal,
    log: pino({ level: 'silent' }),
  })
  let judge: Judge | undefined
  const url = await app.listen({ host: '127.0.0.1', port: 0 })

  return {
    url,
    key,
    pay: (given) => {
      payer = given
    },
    async post(path, body) {
      judge ??= await Judge.of(url)
      const answer = await fetch(url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      })
      await judge.check('POST', path, answer)
      return answer
    },
    async close() {
      await app.close()
      await new Promise((done) => router.close(done))
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** Units of a made-up receipt. */
export interface Units {
  unitsIn: bigint
  unitsOut: bigint
  price: bigint
}

/** The hash of the `index`th request. */
export const callOf = (index: number) => `0x${index.toString(16).padStart(64, '0')}` as const

/** The part of an answer that a gateway reads. */
export const paidOf = (index: number, units: Units): Answer =>
  ({ request: callOf(index), receipt: { node: 3, ...units } }) as Answer

export const chatAnswer = (index: number, text: string, units: Units): ChatAnswer => ({
  ...paidOf(index, units),
  text,
  finish: 'stop',
})

/** A stream of these texts that ends in `answer`, or, if that is an error, in it. */
export function streamOf(texts: readonly string[], answer: Answer | Error, call = callOf(1)): AnswerStream {
  const settled = answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
  settled.catch(() => undefined)
  async function* pieces(): AsyncGenerator<Piece> {
    for (const text of texts) yield { bytes: new TextEncoder().encode(text), text }
    if (answer instanceof Error) throw answer
    yield { bytes: new Uint8Array(), finish: 'stop' }
  }
  return {
    request: Promise.resolve(answer instanceof Error ? call : answer.request),
    answer: settled,
    [Symbol.asyncIterator]: pieces,
  }
}

export interface SentEvent {
  event: string | undefined
  data: unknown
}

/** The events of a stream's text, without comments and `[DONE]`. */
export const eventsOf = (text: string): SentEvent[] =>
  text.split('\n\n').flatMap((block) => {
    const data = /^data: (.*)$/m.exec(block)?.[1]
    if (data === undefined || data === '[DONE]') return []
    return [{ event: /^event: (.*)$/m.exec(block)?.[1], data: JSON.parse(data) as unknown }]
  })
