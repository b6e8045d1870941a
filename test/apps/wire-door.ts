import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { openAccounts } from '../../apps/gateway/accounts.ts'
import { createCatalog } from '../../apps/gateway/catalog.ts'
import type { Payer } from '../../apps/gateway/payer.ts'
import { openPictures } from '../../apps/gateway/pictures.ts'
import { createGateway } from '../../apps/gateway/server.ts'
import { HOUSE } from '../../apps/gateway/till/till.ts'
import { manifestHash } from '../../sdk/protocol/manifest.ts'
import { Judge } from './published.ts'

/**
 * Heurist's API before a payer that a test commands: what cannot be provoked at will on a real network. Pods are
 * real; nobody answers for the chain, so miners have no address.
 */

export const REQUEST = `0x${'ab'.repeat(32)}` as const
export const NODE = 3
export const MINER = `0x${'0'.repeat(40)}-${NODE}`
export const PNG = Buffer.from('89504e470d0a1a0a0000000d4948445200000100000001000802000000', 'hex')

/** What a paid answer carries; these fields of a receipt are all that this door reads. */
export const paid = {
  request: REQUEST,
  receipt: { node: NODE, price: 1200n, unitsIn: 9n, unitsOut: 7n },
} as Awaited<ReturnType<Payer['chat']>>
export const painted = { ...paid, png: PNG } as Awaited<ReturnType<Payer['image']>>

export interface WireDoor {
  url: string
  key: string
  consumer: string
  secret: string
  folder: string
  routerUrl: string
  /** What each call does; a test sets it. */
  payer: Payer
  /** How many requests have found their model: in that same turn each begins its job or joins it. */
  found: number
  /** One more key; its id is whom it is for. */
  newKey(perMinute?: number): { token: string; consumer: string; secret: string }
  revoke(consumer: string): void
  /** The answer is what is published, or the test fails. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
  /** The same gateway again, on the same folder. */
  restart(): Promise<void>
  close(): Promise<void>
}

const pods = ['chat', 'image'].map((name, index) => {
  const yaml = readFileSync(join(import.meta.dirname, `../../pods/${name}/pod.yaml`))
  return { id: index + 1, name, manifest: manifestHash(yaml), yaml }
})

export async function openWireDoor(): Promise<WireDoor> {
  const folder = mkdtempSync(join(tmpdir(), 'heurist-wire-'))
  const router = createServer((request, response) => {
    const pod = pods.find(({ id }) => request.url?.startsWith(`/v1/pods/${id}/manifest`))
    if (request.url === '/v1/pods') response.end(JSON.stringify({ pods }))
    else if (pod !== undefined) response.end(pod.yaml)
    else if (request.url === '/v1/nodes') response.end(JSON.stringify({ nodes: [] }))
    else response.writeHead(404).end()
  })
  await new Promise<void>((done) => router.listen(0, '127.0.0.1', done))
  const keys = await openAccounts(folder, false)
  const key = keys.shown ?? ''
  const [consumer = '', secret = ''] = key.split('-')
  let app: FastifyInstance
  let judge: Judge | undefined
  const fail = () => {
    throw new Error('no call is expected')
  }
  const door: WireDoor = {
    url: '',
    key,
    consumer,
    secret,
    folder,
    routerUrl: `http://127.0.0.1:${(router.address() as AddressInfo).port}`,
    payer: { chat: fail, stream: fail, image: fail, embed: fail },
    found: 0,
    newKey(perMinute = 60_000) {
      const { token } = keys.keys.create(HOUSE, { name: 'another', perMinute })
      const [consumer = '', secret = ''] = token.split('-')
      return { token, consumer, secret }
    },
    revoke: (consumer) => void keys.keys.revoke(HOUSE, consumer),
    async post(path, body, headers = {}) {
      judge ??= await Judge.of(door.url)
      const answer = await fetch(door.url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      })
      await judge.check('POST', path, answer)
      return answer
    },
    async restart() {
      await app.close()
      await start()
    },
    async close() {
      await app.close()
      await new Promise((done) => router.close(done))
      rmSync(folder, { recursive: true, force: true })
    },
  }

  async function start(): Promise<void> {
    const stopping = new AbortController()
    const catalog = createCatalog(door.routerUrl)
    app = createGateway({
      keys,
      catalog: {
        ...catalog,
        async find(...asked) {
          const model = await catalog.find(...asked)
          door.found += 1
          return model
        },
      },
      payer: {
        chat: (...call) => door.payer.chat(...call),
        stream: (...call) => door.payer.stream(...call),
        image: (...call) => door.payer.image(...call),
        embed: (...call) => door.payer.embed(...call),
      },
      pictures: openPictures(join(folder, 'pictures')),
      publicUrl: undefined,
      stopping: stopping.signal,
      log: pino({ level: 'silent' }),
    })
    door.url = await app.listen({ host: '127.0.0.1', port: 0 })
  }

  await start()
  return door
}
