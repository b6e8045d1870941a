import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { encodeFunctionData, type Hex } from 'viem'
import { z } from 'zod'
import { computeLedgerAbi, routerBondAbi } from '../../sdk/chain/abi.ts'
import { readBond } from '../../sdk/chain/bonds.ts'
import type { Call } from '../../sdk/chain/call.ts'
import { type Economy, economyOf } from '../../sdk/chain/economy.ts'
import { type Claimable, claimablesOf, claimCalls, entriesOf } from '../../sdk/chain/payees.ts'
import { HeuristError, refused } from '../../sdk/errors.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import { type StatementReply, statementReplySchema } from '../../sdk/protocol/wire.ts'
import { formatUsd } from '../../sdk/units.ts'
import type { Outcome } from '../act.ts'
import { type Actor, actorFor, performAs } from '../actor.ts'
import { createPrinter, type Printer } from '../print.ts'
import { openPlace, type Place, type TrustOptions } from '../trust.ts'
import { type Found, findRewards, printRewards } from './rewards.ts'

const PAYEE_ROLES = ['node', 'pod', 'frontend'] as const
type PayeeRole = (typeof PAYEE_ROLES)[number]

interface Options extends TrustOptions {
  keyFile?: string
  account?: string
  json?: boolean
  dryRun?: boolean
  node?: string
  pod?: string
  frontend?: string
  shortfall?: string
  resolve?: string
}

type Payee = { role: PayeeRole; id: number }

/** `heurist claim`: what nodes, pods and frontends have earned, to their payouts; what votes have, to the account. */
export function claimCommand(): Command {
  return new Command('claim')
    .description('Pay out all that your nodes, pods, frontends and votes have earned')
    .option('--router <url>', 'a router; default: the network of this home')
    .option('--ledger <address>', 'the ledger that you trust; default: of this home')
    .option('--rpc <url>', 'the chain; default: of this home')
    .option('--key-file <file>', 'who pays the gas, and whose entries are claimed unless ids are named')
    .option('--account <address>', 'the same without its key, with --dry-run')
    .option('--node <ids>', 'node ids, separated by commas')
    .option('--pod <ids>', 'pod ids')
    .option('--frontend <ids>', 'frontend ids')
    .option('--shortfall <file>', 'file the Statement in this file with the bond: its router did not post')
    .option('--resolve <round>', 'pay the filed claims of that round, once it is over')
    .option('--dry-run', 'print the decoded calls and send nothing')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ heurist claim --node 1 --dry-run')
    .action(async (options: Options) => claim(options, createPrinter(options.json ?? false)))
}

async function claim(options: Options, print: Printer): Promise<void> {
  const place = await openPlace(options)
  const actor = actorFor(options, place)
  const economy = await economyIn(place)
  const context = { place: { ...place, ...(economy ? { economy } : {}) }, actor, options, print }
  if (options.shortfall) return file(options.shortfall, context)
  const payees = await payeesOf(context)
  if (options.resolve) {
    if (payees.length === 0) throw nobody(context)
    return resolve(options.resolve, payees, context)
  }
  await pay(payees, context)
}

/** Shares in the ledger, and what the economy owes. @throws `claim.nobody` (refused). */
async function pay(payees: readonly Payee[], context: Context): Promise<void> {
  const { place, print } = context
  const items = await claimablesOf(place.chain, place, place.router, payees)
  const { rewards, calls, transactions } = await rewardsOf(payees, context)
  if (payees.length === 0 && calls.length === 0 && !rewards?.hasVoted) throw nobody(context)
  printItems(print, items)
  if (rewards) printRewards(print, rewards)
  const all = [...claimCalls(place.ledger, place.router, items), ...calls]
  if (all.length === 0) print.line('nothing to claim')
  const outcome = await send(all, context)
  print.result({
    router: place.router,
    items,
    ...(rewards ? { rewards } : {}),
    ...outcome,
    transactions: [...transactions, ...outcome.transactions],
  })
}

/** What the economy owes, if this ledger has one; closed before, unless nothing is to be sent. */
async function rewardsOf(
  payees: readonly Payee[],
  context: Context,
): Promise<Partial<Found> & { calls: Call[]; transactions: Hex[] }> {
  const { place, actor, options } = context
  const transactions: Hex[] = []
  if (!place.economy) return { calls: [], transactions }
  const asked = {
    account: actor.account,
    nodes: payees.filter(({ role }) => role === 'node').map(({ id }) => id),
    named: isNamed(options),
  }
  const close = async (calls: readonly Call[]) => {
    transactions.push(...(await send(calls, context)).transactions)
  }
  const found = await findRewards(place, place.economy, asked, options.dryRun ? undefined : close)
  return { ...found, transactions }
}

const economyIn = (place: Place): Promise<Economy | undefined> =>
  economyOf(place.chain, place.ledger).catch((cause: unknown) => {
    if (cause instanceof HeuristError && cause.code === 'economy.absent') return undefined
    throw cause
  })

interface Context {
  place: Place & { economy?: Economy }
  actor: Actor
  options: Options
  print: Printer
}

const send = (calls: readonly Call[], { place, actor, options, print }: Context): Promise<Outcome> =>
  performAs(print, place, calls, { ...actor, dryRun: options.dryRun ?? false })

function printItems(print: Printer, items: readonly Claimable[]): void {
  print.rows(
    items.map(({ role, id, claimable, claimed, payout }) => [
      `${role} ${id}`,
      `$${formatUsd(claimable)} to ${payout}  (so far $${formatUsd(claimed)})`,
    ]),
  )
  const sum = items.reduce((total, { claimable }) => total + claimable, 0n)
  if (items.length > 1) print.line(`  together $${formatUsd(sum)}`)
}

const isNamed = (options: Options): boolean => PAYEE_ROLES.some((role) => options[role] !== undefined)

/** The named ids, else what the account owns or is paid for. @throws `ids.invalid` (refused). */
async function payeesOf({ options, place: { chain, registry }, actor }: Context): Promise<Payee[]> {
  if (isNamed(options)) return PAYEE_ROLES.flatMap((role) => idsOf(role, options[role]))
  return (await entriesOf(chain, registry, actor.account)) as Payee[]
}

const nobody = ({ actor }: Context) =>
  refused(
    'claim.nobody',
    `${actor.account} owns no node, pod or frontend, is nobody's payout and never voted`,
    { fix: 'Name ids with --node, --pod or --frontend, or the owner with --key-file.' },
  )

function idsOf(role: PayeeRole, text: string | undefined): Payee[] {
  if (text === undefined) return []
  return text.split(',').map((word) => {
    const id = Number(word)
    if (Number.isInteger(id) && id > 0 && id < 2 ** 32) return { role, id }
    throw refused('ids.invalid', `'${word}' is no ${role} id`, { fix: `Write --${role} 1,2,3`, field: role })
  })
}

// ---------------------------------------------------------------------------------------------------- shortfalls

const DAY_S = 86_400

/** A worker's evidence, or one Statement as the router gave it. */
const evidenceSchema = z.union([
  statementReplySchema.transform((reply) => [reply]),
  z
    .looseObject({ reply: statementReplySchema, earlier: z.array(statementReplySchema) })
    .transform(({ reply, earlier }) => [...earlier, reply]),
])

/** @throws `statement.unreadable`, `statement.too_young`, `statement.settled` (refused). */
async function file(path: string, context: Context): Promise<void> {
  const statements = readEvidence(path)
  const { place, options, print } = context
  const { chain, ledger, bond } = place
  const { timestamp } = await chain.client.getBlock()
  const [first] = statements
  if (!first) throw unreadable(path)
  const { role, id } = first.statement
  const { router } = first
  const settled = await chain.client.readContract({
    address: ledger,
    abi: computeLedgerAbi,
    functionName: 'grossOf',
    args: [router, role, id],
  })
  const open = statements.filter(({ statement }) => statement.gross > settled)
  if (open.length === 0) {
    throw refused(
      'statement.settled',
      `the router has settled all that its Statement says: $${formatUsd(settled)}`,
    )
  }
  const old = open.filter(({ statement }) => statement.asOf + DAY_S <= Number(timestamp))
  const best = old.sort((a, b) => (a.statement.gross < b.statement.gross ? -1 : 1)).at(-1)
  if (!best) {
    const at = Math.min(...open.map(({ statement }) => statement.asOf)) + DAY_S
    throw refused('statement.too_young', 'a Statement must be a day old before its router is late', {
      fix: `Come back at ${new Date(at * 1000).toISOString()}.`,
      details: { readyAt: at },
    })
  }
  const args = [router, best.statement, best.signature] as const
  const data = encodeFunctionData({ abi: routerBondAbi, functionName: 'claimShortfall', args })
  const outcome = await send([{ to: bond, data }], context)
  const { round } = await readBond(chain, bond, router)
  if (!options.dryRun)
    print.line(`filed in round ${round}; when it is over: heurist claim --resolve ${round}`)
  print.result({ router, statement: best.statement, settled, round, ...outcome })
}

function readEvidence(path: string): StatementReply[] {
  try {
    return evidenceSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    throw unreadable(path)
  }
}

const unreadable = (path: string) =>
  refused('statement.unreadable', `${path} holds no Statement`, {
    fix: "A worker keeps them in statements/<router>.json of its folder; or save the router's /v1/statements/node/<id>.",
  })

/** @throws `round.invalid`, `claim.unfiled` (refused). */
async function resolve(text: string, payees: readonly Payee[], context: Context): Promise<void> {
  const { chain, bond, router } = context.place
  if (!/^[1-9]\d{0,4}$/.test(text)) throw refused('round.invalid', `'${text}' is no round`)
  const round = BigInt(text)
  const calls: Call[] = []
  for (const { role, id } of payees) {
    const args = [router, round, ROLE[role], id] as const
    const { asked } = await chain.client.readContract({
      address: bond,
      abi: routerBondAbi,
      functionName: 'claimOf',
      args,
    })
    if (asked === 0n) continue
    calls.push({
      to: bond,
      data: encodeFunctionData({ abi: routerBondAbi, functionName: 'resolveShortfall', args }),
    })
  }
  if (calls.length === 0) {
    throw refused('claim.unfiled', `none of these payees has an open claim in round ${round}`, {
      fix: 'File one with --shortfall; `heurist bond show` names the last round.',
    })
  }
  context.print.result({ router, round, ...(await send(calls, context)) })
}
