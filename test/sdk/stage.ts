import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClientOptions, createClient, memoryJournal } from '../../sdk/index.ts'
import { usd } from '../../sdk/units.ts'
import { type Market, openMarket } from '../market.ts'
import { startRouter, type TestRouter } from './router.ts'

const manifest = (name: string, kind: string, pricing: string, limits: string) => `name: ${name}
version: 1.0.0
kind: ${kind}
description: A pod of the tests.
files:
  - { path: model/nothing.bin, sha256: ${'ab'.repeat(32)}, bytes: 0 }
resources: { memoryMiB: 1, vramMiB: 0, providers: [cpu] }
pricing: { ${pricing} }
limits: { ${limits} }
defaults: { max_tokens: 96, steps: 8 }
validation: { method: rerun }
scaling: { idleSeconds: 300 }
`

/** Manifests of the tests. Prices: chat 1 + 4 base units per token, at least 10; image 100 per step, at least 500. */
export const MANIFESTS: Record<string, Uint8Array> = Object.fromEntries(
  Object.entries({
    chat: manifest(
      'chat',
      'chat',
      'unit: token, per: 1000000, input: 1000000, output: 4000000, minimum: 10',
      'inputBytes: 16384, inputUnits: 512, outputUnits: 256, outputBytes: 1048576, seconds: 60',
    ),
    image: manifest(
      'image',
      'image',
      'unit: step, per: 1, input: 0, output: 100, minimum: 500',
      'inputBytes: 16384, inputUnits: 0, outputUnits: 16, outputBytes: 1048576, seconds: 60',
    ),
  }).map(([name, text]) => [name, new TextEncoder().encode(text)]),
)

/** A real chain, a node that the registry knows, and a router of the tests that serves it. */
export interface Stage {
  readonly market: Market
  readonly node: Awaited<ReturnType<Market['node']>>
  readonly router: TestRouter
  /** A folder of this stage alone. */
  readonly folder: string
  /** A client with a fresh key, credit and a journal in memory, if nothing else is asked. */
  client(options?: Partial<ClientOptions>): Promise<ReturnType<typeof createClient>>
  close(): Promise<void>
}

/** A folder with the pods of the tests, as manifests alone: nobody loads them. */
export function podsOf(folder: string = mkdtempSync(join(tmpdir(), 'heurist-pods-'))): string {
  for (const [name, bytes] of Object.entries(MANIFESTS)) {
    mkdirSync(join(folder, name), { recursive: true })
    writeFileSync(join(folder, name, 'pod.yaml'), bytes)
  }
  return folder
}

export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'heurist-sdk-'))
  const market = await openMarket(podsOf(join(folder, 'pods')))
  const node = await market.node()
  const router = await startRouter(market, node, MANIFESTS)
  const clients: ReturnType<typeof createClient>[] = []
  return {
    market,
    node,
    router,
    folder,
    async client(options = {}) {
      const key = options.key ?? (await market.payer(usd('10'))).key
      const client = createClient({ routerUrl: router.url, key, journal: memoryJournal(), ...options })
      clients.push(client)
      return client
    },
    async close() {
      for (const client of clients) await client.close()
      await router.close()
      await market.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
