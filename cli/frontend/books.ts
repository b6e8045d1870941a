import type { Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { z } from 'zod'
import { LOCAL_KEY, localKey } from '../../sdk/chain/local.ts'
import { isLocalChain } from '../../sdk/chain/local-chains.ts'
import { bug, HeuristError, later, refused } from '../../sdk/errors.ts'
import { networkFor, payerKey } from '../account.ts'
import { createPrinter, type Printer } from '../print.ts'
import { dayOf, daysOf, firstDay, type RevenueOptions } from './revenue.ts'

export interface BooksOptions extends RevenueOptions {
  gateway?: string
  by?: string
  keyFile?: string
}

const money = z.string().regex(/^-?\d+\.\d{6}$/, 'dollars with six decimals')
const sums = {
  calls: z.number().int().nonnegative(),
  revenue: money,
  outstanding: money,
  cost: money,
  share: money,
  margin: money,
}
const booksSchema = z.object({
  frontend: z.number().int().nonnegative(),
  by: z.string(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  rows: z.array(
    z.object({
      day: z.exactOptional(z.string()),
      key: z.exactOptional(z.string()),
      name: z.exactOptional(z.string().nullable()),
      wallet: z.exactOptional(z.string().nullable()),
      ...sums,
    }),
  ),
  total: z.object(sums),
})
type Books = z.output<typeof booksSchema>
const messageSchema = z.object({ message: z.string() })
const tokenSchema = z.object({ token: z.string() })
const errorSchema = z.object({
  error: z.object({ message: z.string(), code: z.string(), fix: z.exactOptional(z.string()) }),
})

const PATIENCE_MS = 15_000

/**
 * `heurist frontend revenue --gateway URL`: what its callers paid, what the network charged, and what is left.
 *
 * @throws `by.invalid`, `days.invalid`, what the gateway refuses; `gateway.unreachable` (later).
 */
export async function gatewayBooks(url: string, options: BooksOptions): Promise<void> {
  const { by = 'day', csv } = options
  if (!['day', 'key', 'day,key'].includes(by)) {
    throw refused('by.invalid', `--by ${by}`, { fix: 'It is day, key, or day,key.' })
  }
  const print = createPrinter(options.json ?? csv ?? false)
  const from = dayOf(firstDay(Math.floor(Date.now() / 1000), daysOf(options)))
  const gateway = doorOf(url)
  const token = process.env.HEURIST_OPERATOR_KEY ?? (await gateway.signIn(await ownerKey(options)))
  try {
    const path = `/v1/operator/revenue?by=${by}&from=${from}&format=${csv ? 'csv' : 'json'}`
    const answer = await gateway.ask('GET', path, token)
    if (csv) return void process.stdout.write(await answer.text())
    const books = await gateway.read(answer, booksSchema)
    printBooks(print, books)
    print.result(books)
  } finally {
    if (process.env.HEURIST_OPERATOR_KEY === undefined) await gateway.signOut(token)
  }
}

/** On a local chain the gateway of `heurist up` belongs to a key that everybody knows. */
async function ownerKey(options: BooksOptions): Promise<Hex> {
  const network = await networkFor(options)
  const isNamed = options.keyFile !== undefined || process.env.HEURIST_KEY !== undefined
  return !isNamed && isLocalChain(network.chainId) ? localKey(LOCAL_KEY.frontend) : payerKey(options, network)
}

/** One gateway's door. */
function doorOf(url: string) {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw refused('gateway.invalid', `--gateway ${url} is no URL`, {
      fix: 'Write it like http://127.0.0.1:7801.',
    })
  }
  const base = url.replace(/\/+$/, '')

  async function ask(method: string, path: string, token?: string, body?: unknown): Promise<Response> {
    const answer = await fetch(base + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    }).catch((cause: unknown) => {
      throw later('gateway.unreachable', `no gateway answers at ${base}`, {
        fix: 'Check the URL; locally `npm start` starts one.',
        cause,
      })
    })
    if (answer.ok) return answer
    throw await refusalOf(answer, base)
  }

  async function read<T extends z.ZodType>(answer: Response, schema: T): Promise<z.output<T>> {
    const result = schema.safeParse(await answer.json().catch(() => undefined))
    if (result.success) return result.data
    throw bug('gateway.unreadable', `${base}: ${result.error.issues[0]?.message}`)
  }

  return {
    ask,
    read,
    /** @returns the token of a session of that wallet. */
    async signIn(key: Hex): Promise<string> {
      const { address, signMessage } = privateKeyToAccount(key)
      const challenge = await ask('POST', '/v1/account/challenge', undefined, { address })
      const { message } = await read(challenge, messageSchema)
      checkMessage(message, base)
      const signature = await signMessage({ message })
      const session = await ask('POST', '/v1/account/session', undefined, { message, signature })
      return (await read(session, tokenSchema)).token
    },
    signOut: (token: string) => ask('DELETE', '/v1/account/session', token).then(() => undefined),
  }
}

/** What a gateway sends to be signed opens its own pages and nothing else. @throws `gateway.untrue` (refused). */
function checkMessage(message: string, base: string): void {
  const { host } = new URL(base)
  if (message.startsWith(`${host} wants you to sign in with your Ethereum account:\n`)) return
  throw refused('gateway.untrue', `${base} asks for a signature that is not for ${host}`, {
    fix: 'Name the gateway by its public URL; else do not use it.',
  })
}

async function refusalOf(answer: Response, base: string): Promise<HeuristError> {
  const result = errorSchema.safeParse(await answer.json().catch(() => undefined))
  if (!result.success) return later('gateway.unreachable', `${base} answers ${answer.status}`)
  const { code, message, fix } = result.data.error
  return new HeuristError(answer.status >= 500 ? 'later' : 'refused', code, message, {
    ...(fix === undefined || message.includes(fix) ? {} : { fix }),
  })
}

function printBooks(print: Printer, { rows, total, from, by }: Books): void {
  print.line(`since ${from}, in dollars; the share comes back once calls are settled`)
  const names = ['calls', 'revenue', 'outstanding', 'cost', 'share', 'margin'] as const
  // What developers call their keys is their word: it must not speak to this terminal.
  const titles = rows.map(({ day, key, name }) =>
    [day, key, name?.replace(/\p{C}/gu, '·')].filter((part) => part).join(' '),
  )
  const lines = [...rows, total].map((row) => names.map((name) => String(row[name])))
  const widths = names.map((name, column) =>
    Math.max(name.length, ...lines.map((line) => line[column]?.length ?? 0)),
  )
  const wide = (cells: readonly string[]) =>
    cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  ')
  print.rows([
    [by, wide(names)],
    ...lines.map((line, index) => [titles[index] ?? 'in all', wide(line)] as const),
  ])
}
