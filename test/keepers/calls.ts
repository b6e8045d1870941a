import { openSqlite } from '../../keepers/router/ledger/sqlite.ts'
import { realTimers } from '../../keepers/world.ts'
import { admitted, receipted } from './samples.ts'

/** Admits and charges calls until it is killed, eight at once, and tells each that is durable. */
const [, , path = '', first = ''] = process.argv
const ledger = openSqlite(path, realTimers)
let next = Number(first)

async function lane(): Promise<never> {
  for (;;) {
    const number = next++
    void ledger.commit([{ op: 'job.admitted', job: admitted(number) }], { soon: true })
    const charged = BigInt(100 * number)
    await ledger.commit([{ ...receipted(number), account: { ...receipted(number).account, charged } }])
    process.send?.(number)
  }
}

for (let index = 0; index < 8; index += 1) void lane()
