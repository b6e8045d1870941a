import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getHeapSpaceStatistics } from 'node:v8'
import { openStore } from '../apps/gateway/till/store.ts'
import { HOUSE, NOTHING, openTill } from '../apps/gateway/till/till.ts'
import { Audience, Output } from '../keepers/router/job.ts'
import type { Answer } from '../sdk/calls.ts'
import type { Piece } from '../sdk/decode.ts'
import { LateStream } from '../sdk/late-stream.ts'
import { nodeHttp } from '../sdk/node-http.ts'
import { choose } from '../sdk/protocol/route.ts'

/** Prints what each piece that a call makes leaves in V8's old generation, bytes a time: one JSON object by name. */

const ROUNDS = 3_000
/** Until then V8 still compiles, which makes things that last. */
const WARM_UP = 1_000
/**
 * So many times those rounds, and the least of them counts: V8 compiles beside the calls, which ends after the warm-up where
 * others need the machine. What calls leave is in each.
 */
const WINDOWS = 3
/** Calls under way at once. */
const LANES = 4
/** Between two looks: fewer than fill the young generation. */
const LOOK = 50

const oldBytes = (): number =>
  getHeapSpaceStatistics()
    .filter(({ space_name }) => space_name === 'old_space' || space_name === 'large_object_space')
    .reduce((sum, { space_used_size }) => sum + space_used_size, 0)

/** What V8 forgets in between is not taken off: it had to look for it. */
async function keptBy(work: (index: number) => unknown): Promise<number> {
  let last = oldBytes()
  let grown = 0
  let least = Number.POSITIVE_INFINITY
  let index = 0
  const lane = async () => {
    while (index < WARM_UP + WINDOWS * ROUNDS) {
      index += 1
      const mine = index
      await work(mine)
      if (mine % LOOK === 0) {
        // As a server's own calls would: the young generation is emptied, and nothing else.
        ;(globalThis.gc as (options: object) => void)({ type: 'minor' })
        const now = oldBytes()
        grown += Math.max(0, now - last)
        last = now
      }
      const past = mine - WARM_UP
      if (past < 0 || past % ROUNDS !== 0) continue
      if (past > 0) least = Math.min(least, grown)
      grown = 0
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return Math.round(least / ROUNDS)
}

const soon = () => new Promise((resolve) => setImmediate(resolve))
const kept: Record<string, number> = {}
async function* pieces(): AsyncGenerator<Piece> {
  await soon()
  yield { bytes: new Uint8Array(0) }
}

const server = createServer((_, response) => response.end('{"an":"answer"}'))
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
const http = nodeHttp()
kept.answer = await keptBy(async () => {
  const { body } = await http(url, {})
  for await (const _ of body);
})

kept.stream = await keptBy(async () => {
  const stream = new LateStream({ request: async () => '0x00', answer: async () => ({}) as Answer, pieces })
  await stream.request
  for await (const _ of stream);
})

kept.job = await keptBy(async () => {
  const output = new Output()
  const audience = new Audience(output, {
    timers: { soon: (run) => void setImmediate(run) },
    mayFlow: () => true,
    onFlow: () => {},
  })
  await new Promise<void>((resolve, reject) => {
    audience.join({
      streaming: true,
      accepted() {},
      chunk: (_, flushed) => flushed(),
      finished: () => resolve(),
      failed: reject,
    })
    output.write(0, new Uint8Array(40))
    audience.more()
    const answer = { request: '0x', mediaType: '', output: output.slice(0), countersigned: {} } as never
    audience.end({ answer })
  })
  return audience.seen
})

const resources = { memoryMiB: 1, vramMiB: 0, providers: ['cpu' as const] }
const view = [1, 2, 3].map((node) => ({
  node,
  state: 'live' as const,
  slots: 1,
  free: 1,
  warm: 1,
  providers: ['cpu' as const],
  memoryMiB: 9,
  vramMiB: 0,
  loadMs: 1,
  runMs: node,
  succeeded: 1,
  failed: 0,
  uptime: 1,
}))
kept.decision = await keptBy(async (seed) => {
  const question = { resources, node: 0, preferred: [], excluded: [] }
  const decision = choose([...view], question, seed)
  await soon()
  return decision
})

const home = mkdtempSync(join(tmpdir(), 'heurist-young-'))
const till = openTill(openStore(home), home)
kept.hold = await keptBy(async () => {
  const ticket = till.open({ wallet: HOUSE, key: 'k', pod: 'words', most: 1n })
  await soon()
  ticket.close(NOTHING)
  return [ticket.request, till.balance(HOUSE).available]
})
await till.close()
rmSync(home, { recursive: true, force: true })

process.stdout.write(JSON.stringify(kept))
process.exit(0)
