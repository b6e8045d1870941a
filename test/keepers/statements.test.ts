import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { generatePrivateKey } from 'viem/accounts'
import { openSqlite } from '../../keepers/router/ledger/sqlite.ts'
import { createMetrics } from '../../keepers/router/metrics.ts'
import { createStanding } from '../../keepers/settle/standing.ts'
import { createStatements } from '../../keepers/settle/statements.ts'
import { realClock, realTimers } from '../../keepers/world.ts'
import { createSigner, fastKeccak } from '../../sdk/native.ts'
import { createHasher } from '../../sdk/protocol/messages.ts'
import { address, admitted, receipted } from './samples.ts'

describe('statements on a journal that answers slowly', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'heurist-statements-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('are signed one after the other: a slow look cannot overwrite a higher figure', async () => {
    const ledger = openSqlite(join(folder, 'ledger.db'), realTimers)
    await ledger.commit([{ op: 'job.admitted', job: admitted(1) }, receipted(1)])
    let answerFirst = () => {}
    const slow = new Promise<void>((resolve) => {
      answerFirst = resolve
    })
    let looks = 0
    const statements = createStatements({
      ledger: {
        ...ledger,
        async grossOf(role, id) {
          looks += 1
          const [look, gross] = [looks, await ledger.grossOf(role, id)]
          if (look === 1) await slow
          return gross
        },
      },
      clock: realClock,
      hasher: createHasher({ chainId: 1, verifyingContract: address(9) }, fastKeccak),
      signer: createSigner(generatePrivateKey()),
      standing: createStanding(),
      metrics: createMetrics(),
    })

    const first = statements('node', '5')
    while (looks === 0) await new Promise((resolve) => setImmediate(resolve))
    await ledger.commit([{ op: 'job.admitted', job: admitted(2) }, receipted(2)])
    const second = statements('node', '5')
    await new Promise((resolve) => setTimeout(resolve, 20))
    answerFirst()
    const signed = [(await first).statement.gross, (await second).statement.gross]

    expect(signed).to.deep.equal([100n, 200n])
    expect((await ledger.statement('node', 5))?.gross).to.equal(200n)
    await ledger.close()
  })
})
