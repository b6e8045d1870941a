import type { Address, Hex } from 'viem'
import { mediaTypeOf } from '../../sdk/decode.ts'
import { later } from '../../sdk/errors.ts'
import type { Cancel, World } from '../world.ts'
import type { Limits } from './config.ts'
import type { Listener } from './job.ts'
import type { AttemptRow, JobRow } from './ledger/ledger.ts'
import type { Registry } from './registry.ts'

/** Calls that are not live: ended ones, and those that a restart left open. */
export interface Stored {
  /** Takes stock after a start: open calls may be taken up again for one lease, then they are interrupted. */
  start(): Promise<void>
  stop(): void
  find(payer: Address, id: Hex): Promise<JobRow | undefined>
  attempts(row: JobRow): Promise<AttemptRow[]>
  /** Answers a receipted call again: the very bytes that were charged, so whoever leaves early owes nothing more. */
  replay(row: JobRow, listener: Listener): Promise<void>
  /** Whether the call is open since before the start, and its client may still come back. */
  mayComeBack(request: Hex): boolean
  /** Whether the call was charged, on that node's receipt. */
  chargedFor(request: Hex, node: number): Promise<boolean>
  /** Its client has come back, or never will. */
  takeUp(request: Hex): void
}

export function createStored(
  world: Pick<World, 'clock' | 'timers' | 'ledger' | 'log'>,
  registry: Registry,
  limits: Limits,
  fatal: (cause: unknown) => void,
): Stored {
  const { clock, timers, ledger, log } = world
  const open = new Map<Hex, JobRow>()
  let cancels: Cancel[] = []

  const record = (ops: Parameters<typeof ledger.commit>[0]) => void ledger.commit(ops).catch(fatal)

  function giveUp(): void {
    const at = clock.nowMs()
    const interrupted = later(
      'job.interrupted',
      'The router was restarted before this call had its answer.',
      {
        fix: 'Send the same request again while its deadline lasts; it costs nothing that it was interrupted.',
      },
    ).toJSON()
    for (const row of open.values()) log.info({ event: 'job.interrupted', request: row.request })
    record([...open.values()].map((row) => ({ op: 'job.failed', job: row.number, error: interrupted, at })))
    open.clear()
  }

  const forget = () => record([{ op: 'outputs.forgotten', before: clock.nowMs() - limits.outputsMs }])

  return {
    async start() {
      for (const row of await ledger.openJobs()) open.set(row.request, row)
      if (open.size > 0) log.info({ event: 'jobs.open', count: open.size, leaseMs: limits.leaseMs })
      cancels = [timers.after(limits.leaseMs, giveUp), timers.every(limits.outputsMs / 24, forget)]
    },
    stop() {
      for (const cancel of cancels) cancel()
    },
    find: (payer, id) => ledger.jobById(payer, id),
    attempts: (row) => ledger.attempts(row.number),
    async replay(row, listener) {
      const receipt = await ledger.receipt(row.number)
      const output = await ledger.output(row.number)
      const pod = await registry.pod(row.body.pod)
      const kind = pod?.versions.get(row.body.manifest)?.manifest.kind
      if (!receipt || !output || !kind) {
        throw later('output.forgotten', 'This answer is older than outputs are kept.', {
          fix: 'Its receipt is at GET /v1/receipts/<request>; for the content send a new request.',
        })
      }
      const answer = {
        request: row.request,
        mediaType: mediaTypeOf(kind),
        output,
        countersigned: receipt.countersigned,
      }
      listener.accepted({
        request: row.request,
        node: receipt.countersigned.receipt.node,
        expectedFirstByteMs: 0,
      })
      if (listener.streaming) listener.chunk(output, () => listener.finished(answer))
      else listener.finished(answer)
    },
    mayComeBack: (request) => open.has(request),
    async chargedFor(request, node) {
      // A charge that is being written counts.
      await ledger.commit([])
      const row = await ledger.job(request)
      return row?.status === 'receipted' && row.node === node
    },
    takeUp: (request) => void open.delete(request),
  }
}
