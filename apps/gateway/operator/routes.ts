import type { FastifyInstance } from 'fastify'
import { householdOf } from '../../../sdk/household.ts'
import type { Depositing } from '../account/routes.ts'
import { openSessions } from '../account/sessions.ts'
import type { Accounts } from '../accounts.ts'
import { parseBody } from '../parameters.ts'
import { openRate } from '../rate.ts'
import { type OperatorTerms, openOperator } from './operator.ts'
import { type RevenueRow, revenueCsv, revenueOf, revenueParameters, sumsInDollars } from './revenue.ts'

interface Deps {
  keys: Accounts
  depositing?: Depositing
  operator?: OperatorTerms
}

/** Questions a minute from one household. */
const ASKED_PER_MINUTE = 60

/** What the gateway brought and cost, for its operator only. */
export function operatorRoutes(app: FastifyInstance, { keys, depositing, operator: terms }: Deps): void {
  if (depositing === undefined || terms === undefined) return
  const { chain, ledger, verify } = depositing
  const sessions = openSessions(keys.store, { chainId: chain.id, verify })
  const operator = openOperator(terms, { chain, ledger, sessions })
  const rate = openRate()

  app.register(
    async (pages) => {
      pages.addHook('onRequest', async (request, reply) => {
        rate.take(householdOf(request.ip), ASKED_PER_MINUTE, reply)
        await operator.check(request.headers.authorization)
      })

      pages.get('/revenue', async (request, reply) => {
        const query = parseBody(request.query, revenueParameters)
        keys.till.flush()
        const { rows, total } = await revenueOf(keys.store, query, operator.bpsIn)
        reply.header('cache-control', 'no-store')
        if (query.format === 'csv') {
          return reply.type('text/csv; charset=utf-8').send(revenueCsv(query.by, rows))
        }
        return {
          frontend: terms.frontend,
          by: query.by,
          from: query.from ?? null,
          to: query.to ?? null,
          rows: rows.map(rowInDollars),
          total: sumsInDollars(total),
        }
      })
    },
    { prefix: '/v1/operator' },
  )
}

const rowInDollars = (row: RevenueRow) => ({
  ...(row.day === undefined ? {} : { day: row.day }),
  ...(row.key === undefined ? {} : { key: row.key, name: row.name ?? null, wallet: row.wallet ?? null }),
  ...sumsInDollars(row),
})
