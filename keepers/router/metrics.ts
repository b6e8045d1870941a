import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What `/metrics` shows. One set per router, so that several can live in one process. */
export interface Metrics {
  readonly register: Registry
  /** A call ended: `ok` or its error code. */
  ended(outcome: string, ms: number): void
  refused(code: string): void
  retried(reason: string): void
  charged(price: bigint): void
  committed(ops: number, ms: number): void
  /** Of `replaced` and `undone` batches the leaves stay what they are; they are counted again. */
  batch(state: 'signed' | 'settled' | 'final' | 'replaced' | 'undone', leaves: number): void
  /** What a settled batch cost: gas, and base units of the router's float. */
  settled(gasUsed: bigint, floatUsed: bigint): void
  /** Age in seconds and gross of what is in no batch, base units. */
  waiting(ageSeconds: number, gross: bigint): void
  /** A statement was signed. */
  stated(): void
  /** An alarm rang. */
  alarm(event: string): void
  standing(standing: { synced: boolean; allowed: boolean; behind: boolean; float: bigint }): void
  gauges(read: () => { live: number; links: number; unposted: number; feed: number }): void
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

export function createMetrics(): Metrics {
  const register = new Registry()
  const registers = [register]
  collectDefaultMetrics({ register })
  const calls = new Counter({
    name: 'heurist_calls_total',
    help: 'Calls that ended, by outcome',
    labelNames: ['outcome'],
    registers,
  })
  const seconds = new Histogram({
    name: 'heurist_call_seconds',
    help: 'From admission to the end',
    buckets: SECONDS,
    registers,
  })
  const refusals = new Counter({
    name: 'heurist_refusals_total',
    help: 'Calls refused at the door, by code',
    labelNames: ['code'],
    registers,
  })
  const retries = new Counter({
    name: 'heurist_retries_total',
    help: 'Attempts that another node had to take over, by reason',
    labelNames: ['reason'],
    registers,
  })
  const charged = new Counter({
    name: 'heurist_charged_base_units_total',
    help: 'Sum of prices, payment-asset base units',
    registers,
  })
  const commit = new Histogram({
    name: 'heurist_commit_seconds',
    help: 'One durable write of the ledger',
    buckets: [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5],
    registers,
  })
  const group = new Histogram({
    name: 'heurist_commit_operations',
    help: 'Operations in one durable write',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
    registers,
  })
  const batches = new Counter({
    name: 'heurist_batch_leaves_total',
    help: 'Receipts in batches, by state of the batch',
    labelNames: ['state'],
    registers,
  })
  const gas = new Counter({ name: 'heurist_settle_gas_total', help: 'Gas of settled batches', registers })
  const floatUsed = new Counter({
    name: 'heurist_float_used_base_units_total',
    help: "What the router's float paid for lines that were skipped, payment-asset base units",
    registers,
  })
  const statements = new Counter({
    name: 'heurist_statements_total',
    help: 'Statements signed for payees',
    registers,
  })
  const alarms = new Counter({
    name: 'heurist_alarms_total',
    help: 'Alarms that rang, by event',
    labelNames: ['event'],
    registers,
  })
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers })
  const oldest = gauge('heurist_unposted_age_seconds', 'Age of the oldest receipt in no batch')
  const unpostedGross = gauge('heurist_unposted_base_units', 'Gross of receipts in no batch')
  const float = gauge('heurist_float_base_units', "The router's own money in the ledger")
  const synced = gauge('heurist_chain_synced', '1 while the node behind the RPC URL knows the newest blocks')
  const allowed = gauge('heurist_allowed', '1 while the bond lets the router settle')
  const behind = gauge('heurist_journal_behind', '1 while the chain has batches that the journal lacks')

  return {
    register,
    ended(outcome, ms) {
      calls.inc({ outcome })
      seconds.observe(ms / 1000)
    },
    refused: (code) => refusals.inc({ code }),
    retried: (reason) => retries.inc({ reason }),
    charged: (price) => charged.inc(Number(price)),
    committed(ops, ms) {
      group.observe(ops)
      commit.observe(ms / 1000)
    },
    batch: (state, leaves) => batches.inc({ state }, leaves),
    settled(gasUsed, used) {
      gas.inc(Number(gasUsed))
      floatUsed.inc(Number(used))
    },
    waiting(ageSeconds, gross) {
      oldest.set(ageSeconds)
      unpostedGross.set(Number(gross))
    },
    stated: () => statements.inc(),
    alarm: (event) => alarms.inc({ event }),
    standing(now) {
      float.set(Number(now.float))
      synced.set(Number(now.synced))
      allowed.set(Number(now.allowed))
      behind.set(Number(now.behind))
    },
    gauges(read) {
      for (const name of ['live', 'links', 'unposted', 'feed'] as const) {
        new Gauge({
          name: `heurist_${name}`,
          help: { live: 'Live calls', links: 'Workers', unposted: 'Receipts in no batch', feed: 'Watchers' }[
            name
          ],
          registers,
          collect() {
            this.set(read()[name])
          },
        })
      }
    },
  }
}
