import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import type { Abi, Address, Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { z } from 'zod'
import { computeLedgerAbi, routerBondAbi } from '../../sdk/chain/abi.ts'
import { type Chain, openChain } from '../../sdk/chain/clients.ts'
import type { Network } from '../../sdk/chain/network.ts'
import { bondOf, type Claimable, claimablesOf, entriesOf } from '../../sdk/chain/payees.ts'
import { refused } from '../../sdk/errors.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import { type StatementReply, statementReplySchema } from '../../sdk/protocol/wire.ts'
import { formatUsd } from '../../sdk/units.ts'
import { networkFor, payerKey } from '../account.ts'
import { PAYEE_ROLES, type PayeeRole, type PlannedCall, runCalls } from '../calls.ts'
import { createPrinter, type Printer } from '../print.ts'

interface Options {
  router?: string
  keyFile?: string
  json?: boolean
  dryRun?: boolean
  node?: string
  pod?: string
  frontend?: string
  shortfall?: string
  resolve?: string
}

type Payee = { role: PayeeRole; id: number }

/** `heurist claim`: what nodes, pods and frontends have earned, to their payouts. */
export function claimCommand(): Command {
  return new Command('claim')
    .description('Pay out what your nodes, pods and frontends have earned')
    .option('--router <url>', 'a router; default: the network of this home')
    .option('--key-file <file>', 'who pays the gas, and whose entries are claimed unless ids are named')
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
  const network = await networkFor(options)
  const key = payerKey(options, network)
  const chain = openChain(network)
  await chain.check()
  if (options.shortfall) return file(options.shortfall, { network, chain, key, options, print })
  const payees = await payeesOf(options, chain, network, key)
  if (options.resolve)
    return resolve(Number(options.resolve), payees, { network, chain, key, options, print })
  const items = await claimablesOf(chain, network.addresses, network.router.address, payees)
  printItems(print, items)
  const due = items.filter(({ claimable }) => claimable > 0n)
  const calls = PAYEE_ROLES.flatMap((role) => claimCall(network, role, due))
  const reports = calls.length > 0 ? await runCalls(calls, key, { network, print, ...dry(options) }) : []
  if (calls.length === 0) print.line('nothing to claim')
  print.result({ router: network.router.address, items, calls: reports })
}

const dry = (options: Options) => ({ dryRun: options.dryRun ?? false })

function claimCall(network: Network, role: PayeeRole, due: readonly Claimable[]): PlannedCall[] {
  const ids = due.filter((item) => item.role === role).map(({ id }) => id)
  if (ids.length === 0) return []
  return [
    {
      contract: 'ComputeLedger',
      to: network.addresses.ledger,
      abi: computeLedgerAbi as Abi,
      functionName: 'claim',
      args: [network.router.address, ROLE[role], ids],
    },
  ]
}

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

/** @throws `ids.invalid`, `claim.nobody` (refused). */
async function payeesOf(options: Options, chain: Chain, network: Network, key: Hex): Promise<Payee[]> {
  const named = PAYEE_ROLES.flatMap((role) => idsOf(role, options[role]))
  if (named.length > 0) return named
  const account = privateKeyToAccount(key).address
  const mine = (await entriesOf(chain, network.addresses.registry, account)) as Payee[]
  if (mine.length > 0) return mine
  throw refused('claim.nobody', `${account} owns no node, pod or frontend and is nobody's payout`, {
    fix: 'Name ids with --node, --pod or --frontend, or the owner with --key-file.',
  })
}

function idsOf(role: PayeeRole, text: string | undefined): Payee[] {
  if (text === undefined) return []
  return text.split(',').map((word) => {
    const id = Number(word)
    if (Number.isInteger(id) && id > 0 && id < 2 ** 32) return { role, id }
    throw refused('ids.invalid', `'${word}' is no ${role} id`, { fix: `Write --${role} 1,2,3`, field: role })
  })
}

// ---------------------------------------------------------------------------------------------------- shortfalls

interface Context {
  network: Network
  chain: Chain
  key: Hex
  options: Options
  print: Printer
}

const DAY_S = 86_400

/** A worker's evidence, or one Statement as the router gave it. */
const evidenceSchema = z.union([
  statementReplySchema.transform((reply) => [reply]),
  z
    .looseObject({ reply: statementReplySchema, earlier: z.array(statementReplySchema) })
    .transform(({ reply, earlier }) => [...earlier, reply]),
])

/** @throws `statement.unreadable`, `statement.too_young`, `statement.settled` (refused). */
async function file(path: string, { network, chain, key, options, print }: Context): Promise<void> {
  const statements = readEvidence(path)
  const { ledger } = network.addresses
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
  const bond = await bondOf(chain, ledger, router)
  const call = {
    contract: 'RouterBond',
    to: bond.address,
    abi: routerBondAbi as Abi,
    functionName: 'claimShortfall',
    args: [router, best.statement, best.signature],
  }
  const reports = await runCalls([call], key, { network, print, ...dry(options) })
  const round = options.dryRun ? bond.round : (await bondOf(chain, ledger, router)).round
  if (!options.dryRun)
    print.line(`filed in round ${round}; when it is over: heurist claim --resolve ${round}`)
  print.result({ router, statement: best.statement, settled, round, calls: reports })
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

async function resolve(round: number, payees: readonly Payee[], context: Context): Promise<void> {
  const { network, chain, key, options, print } = context
  const router: Address = network.router.address
  const bond = await bondOf(chain, network.addresses.ledger, router)
  const filed = await Promise.all(
    payees.map(async (payee) => ({
      payee,
      claim: await chain.client.readContract({
        address: bond.address,
        abi: routerBondAbi,
        functionName: 'claimOf',
        args: [router, BigInt(round), ROLE[payee.role], payee.id],
      }),
    })),
  )
  const calls = filed
    .filter(({ claim }) => claim.asked > 0n)
    .map(({ payee }) => ({
      contract: 'RouterBond',
      to: bond.address,
      abi: routerBondAbi as Abi,
      functionName: 'resolveShortfall',
      args: [router, BigInt(round), ROLE[payee.role], payee.id],
    }))
  if (calls.length === 0)
    throw refused('claim.unfiled', `none of these payees has an open claim in round ${round}`)
  print.result({ router, round, calls: await runCalls(calls, key, { network, print, ...dry(options) }) })
}
