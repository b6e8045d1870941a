import { readFileSync } from 'node:fs'
import { Pool } from 'undici'

/** One request to send again and again: its body may be another each time. */
export interface Target {
  url: string
  path: string
  headers: Record<string, string>
  body: () => string
}

export interface Times {
  /** Until the first byte of the answer's body, and until its last. Milliseconds, ascending. */
  first: number[]
  whole: number[]
  seconds: number
}

const CONNECTIONS = 64

async function one(pool: Pool, { path, headers, body }: Target, dueMs: number, times: Times): Promise<void> {
  const answer = await pool.request({ path, method: 'POST', headers, body: body() })
  let first: number | undefined
  let size = 0
  for await (const bytes of answer.body) {
    first ??= performance.now() - dueMs
    size += (bytes as Buffer).length
  }
  if (answer.statusCode !== 200 || size === 0) throw new Error(`a call was answered ${answer.statusCode}`)
  times.first.push(first ?? 0)
  times.whole.push(performance.now() - dueMs)
}

const ascending = (times: Times): Times => {
  times.first.sort((a, b) => a - b)
  times.whole.sort((a, b) => a - b)
  return times
}

/** Each connection sends its next request when the last is answered. */
export async function closedLoop(target: Target, count: number): Promise<Times> {
  const pool = new Pool(target.url, { connections: CONNECTIONS, pipelining: 1 })
  const times: Times = { first: [], whole: [], seconds: 0 }
  const startedMs = performance.now()
  let left = count
  const lane = async () => {
    while (left-- > 0) await one(pool, target, performance.now(), times)
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, lane))
  times.seconds = (performance.now() - startedMs) / 1000
  await pool.close()
  return ascending(times)
}

/** So many a second, whether or not the earlier ones are answered; waiting to be sent counts as waiting. */
export async function openLoop(target: Target, perSecond: number, count: number): Promise<Times> {
  const pool = new Pool(target.url, { connections: 4 * CONNECTIONS, pipelining: 1 })
  const times: Times = { first: [], whole: [], seconds: 0 }
  const startedMs = performance.now()
  const calls: Promise<void>[] = []
  for (let index = 0; index < count; index += 1) {
    const dueMs = startedMs + (1000 * index) / perSecond
    const wait = dueMs - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    calls.push(one(pool, target, dueMs, times))
  }
  await Promise.all(calls)
  times.seconds = (performance.now() - startedMs) / 1000
  await pool.close()
  return ascending(times)
}

export const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

/** Processor seconds that a process has used, by Linux's account. */
export function cpuSecondsOf(pid: number): number {
  const after = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  // User and system time, in hundredths of a second.
  return (Number(after[11]) + Number(after[12])) / 100
}
