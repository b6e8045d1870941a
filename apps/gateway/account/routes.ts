import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Address, Hex } from 'viem'
import { z } from 'zod'
import { refused } from '../../../sdk/errors.ts'
import { householdOf } from '../../../sdk/household.ts'
import { hashSchema } from '../../../sdk/protocol/wire.ts'
import { formatUsd } from '../../../sdk/units.ts'
import type { Accounts } from '../accounts.ts'
import { dollars } from '../dollars.ts'
import { formatPath } from '../parameters.ts'
import { openRate } from '../rate.ts'
import { CALLS_PER_MINUTE, type Key } from '../till/keys.ts'
import { bookDeposit, type PayIn } from './deposits.ts'
import { usagePlot } from './plot.ts'
import { openSessions, type Verify } from './sessions.ts'
import { usageCsv, usageOf, usageQuery } from './usage.ts'

/** What the account pages need of the chain. */
export interface Depositing extends PayIn {
  verify: Verify
}

interface Deps {
  keys: Accounts
  depositing?: Depositing
  publicUrl: string | undefined
}

export const keyBody = z.strictObject({
  name: z.string().min(1).max(64),
  quota: dollars.optional(),
  expires: z.iso.datetime().optional(),
  pods: z.array(z.string().min(1).max(128)).min(1).max(64).optional(),
  per_minute: z.number().int().min(1).max(10_000).default(CALLS_PER_MINUTE),
})
export const challengeBody = z.strictObject({ address: z.string().max(64) })
export const sessionBody = z.strictObject({
  message: z.string().min(1).max(4_096),
  signature: z
    .string()
    .regex(/^0x([0-9a-f]{2})+$/i, 'hexadecimal bytes')
    .max(20_000)
    .transform((text) => text as Hex),
})
export const depositBody = z.strictObject({ transaction: hashSchema })
export const settingsBody = z.strictObject({ low_mark: dollars })
export const webhookBody = z.strictObject({ url: z.string().min(1).max(2_048), low_mark: dollars })
/** Questions a minute from one household, before anybody is known. */
const ASKED_PER_MINUTE = 60

/** Accounts by wallet: sign in, deposit, make and revoke keys, see what was spent. */
export function accountRoutes(app: FastifyInstance, { keys: accounts, depositing, publicUrl }: Deps): void {
  if (depositing === undefined) return
  const { keys, till, store, webhooks } = accounts
  const sessions = openSessions(store, { chainId: depositing.chain.id, verify: depositing.verify })
  const rate = openRate()
  const originOf = (request: FastifyRequest) => signedOrigin(publicUrl, request)
  const walletOf = (request: FastifyRequest) => sessions.walletOf(request.headers.authorization)

  app.register(
    async (pages) => {
      pages.addHook('onRequest', async (request, reply) =>
        rate.take(householdOf(request.ip), ASKED_PER_MINUTE, reply),
      )

      pages.post('/challenge', async (request) => ({
        message: sessions.ask(parse(challengeBody, request.body).address, originOf(request)),
      }))
      pages.post('/session', async (request) => {
        const { message, signature } = parse(sessionBody, request.body)
        const { token, wallet, expires } = await sessions.begin(message, signature, originOf(request))
        return { token, wallet, expires: new Date(expires).toISOString() }
      })
      pages.delete('/session', async (request, reply) => {
        sessions.end(request.headers.authorization)
        return reply.code(204).send()
      })

      pages.get('/', async (request) => accountOf(walletOf(request)))
      pages.patch('/', async (request) => {
        const wallet = walletOf(request)
        till.setLowMark(wallet, parse(settingsBody, request.body).low_mark)
        return accountOf(wallet)
      })

      pages.get('/keys', async (request) => ({ keys: keys.list(walletOf(request)).map(shown) }))
      pages.post('/keys', async (request, reply) => {
        const wallet = walletOf(request)
        const { name, quota, expires, pods, per_minute } = parse(keyBody, request.body)
        const { key, token } = keys.create(wallet, {
          name,
          perMinute: per_minute,
          ...(quota === undefined ? {} : { quota }),
          ...(expires === undefined ? {} : { expires: Date.parse(expires) }),
          ...(pods === undefined ? {} : { pods }),
        })
        return reply.code(201).send({ ...shown(key), key: token })
      })
      pages.delete<{ Params: { id: string } }>('/keys/:id', async (request) =>
        shown(keys.revoke(walletOf(request), request.params.id)),
      )

      pages.post('/deposits', async (request) => {
        const wallet = walletOf(request)
        const booked = await bookDeposit(
          depositing,
          till,
          wallet,
          parse(depositBody, request.body).transaction,
        )
        return { booked: formatUsd(booked), ...accountOf(wallet) }
      })

      pages.get('/webhook', async (request) => webhookOf(walletOf(request)))
      pages.put('/webhook', async (request) => {
        const wallet = walletOf(request)
        const { url, low_mark } = parse(webhookBody, request.body)
        const secret = await webhooks.set(wallet, url)
        till.setLowMark(wallet, low_mark)
        return { ...webhookOf(wallet), secret }
      })
      pages.delete('/webhook', async (request, reply) => {
        webhooks.remove(walletOf(request))
        return reply.code(204).send()
      })

      pages.get('/usage', async (request, reply) => {
        const wallet = walletOf(request)
        const query = parse(usageQuery, request.query)
        till.flush()
        const rows = usageOf(store, wallet, query)
        if (query.format === 'svg') {
          return reply
            .type('image/svg+xml; charset=utf-8')
            .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
            .send(usagePlot(query.by, rows))
        }
        if (query.format === 'csv') {
          return reply.type('text/csv; charset=utf-8').send(usageCsv(query.by, rows, formatUsd))
        }
        return {
          by: query.by,
          rows: rows.map(({ name, calls, unitsIn, unitsOut, price }) => ({
            [query.by]: name,
            calls,
            units_in: unitsIn,
            units_out: unitsOut,
            usd: formatUsd(price),
          })),
        }
      })
    },
    { prefix: '/v1/account' },
  )

  function accountOf(wallet: string) {
    const { deposited, charged, held, available } = till.balance(wallet)
    return {
      wallet,
      deposited: formatUsd(deposited),
      charged: formatUsd(charged),
      held: formatUsd(held),
      available: formatUsd(available),
      low_mark: formatUsd(till.lowMark(wallet)),
      deposit: payInOf(depositing as PayIn),
    }
  }

  function webhookOf(wallet: string) {
    const webhook = webhooks.find(wallet)
    if (webhook === undefined) {
      throw refused('webhook.unknown', 'This account has no webhook', { fix: 'Set one with PUT.' })
    }
    const { url, low, last } = webhook
    return {
      url,
      low_mark: formatUsd(till.lowMark(wallet)),
      low,
      last: last === undefined ? null : { ...last, made: new Date(last.made).toISOString() },
    }
  }

  const shown = (key: Key) => ({
    id: key.id,
    name: key.name,
    spent: formatUsd(till.spentBy(key.id)),
    quota: key.quota === undefined ? null : formatUsd(key.quota),
    expires: key.expires === undefined ? null : new Date(key.expires).toISOString(),
    pods: key.pods ?? null,
    per_minute: key.perMinute,
    created: new Date(key.created).toISOString(),
    revoked: key.revoked === undefined ? null : new Date(key.revoked).toISOString(),
  })
}

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/

/**
 * Whose name a wallet signs for: the gateway's own. What a request calls its host is somebody's word, and a page elsewhere
 * could have messages made that its visitors' wallets find right; only on this machine it does no harm.
 *
 * @throws `session.no_public_url` (refused).
 */
function signedOrigin(publicUrl: string | undefined, { host }: FastifyRequest): URL {
  if (publicUrl !== undefined) return new URL(publicUrl)
  if (LOOPBACK.test(host)) return new URL(`http://${host}`)
  throw refused('session.no_public_url', 'This gateway does not say by which name it is reached', {
    fix: "Its operator sets 'publicUrl' in its configuration; then wallets can sign in.",
  })
}

/** What a wallet calls to pay in: approve the ledger, then `deposit(router, key, amount)`. */
const payInOf = ({ chain, ledger, asset, router, key }: PayIn) => ({
  chain_id: chain.id,
  ledger: ledger as Address,
  asset,
  router,
  key,
})

/** @throws `parameter.invalid` (refused), naming the field. */
function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value ?? {})
  if (result.success) return result.data
  const [issue] = result.error.issues
  const unknown = issue?.code === 'unrecognized_keys' ? (issue.keys[0] ?? '').slice(0, 64) : undefined
  const field = formatPath([...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])])
  throw refused('parameter.invalid', `Invalid '${field || 'body'}': ${issue?.message ?? 'is wrong'}`, {
    field,
  })
}
