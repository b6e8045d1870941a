import { Command } from 'commander'
import { entriesOf } from '../../sdk/chain/payees.ts'
import { refused } from '../../sdk/errors.ts'
import { actorFor } from '../actor.ts'
import { type EconomyOptions, economyOptions, idOf } from '../economy.ts'
import { createPrinter } from '../print.ts'
import { openPlace } from '../trust.ts'
import { accept, create, deactivate, offer, prefer, reactivate, setMeta, setPayout } from './acts.ts'
import { type BooksOptions, gatewayBooks } from './books.ts'
import {
  earningsOf,
  preferredAt,
  printEarnings,
  printFrontend,
  printPreferred,
  readFrontend,
} from './entry.ts'
import { init } from './init.ts'
import { type RevenueOptions, revenue } from './revenue.ts'

/** `heurist frontend`: whoever brings callers earns a share of what they pay. */
export function frontendCommand(): Command {
  const frontend = new Command('frontend').description(
    'Bring callers and earn a share of what they pay: create, show, set-payout, prefer, revenue',
  )
  ownerVerbs(frontend)
  const own = verbOf(frontend)

  own('show', 'owner, payout, preferred nodes and earnings of a frontend, or of yours', 'show 1')
    .argument('[id]', 'of the frontend')
    .option('--mine', 'all that the account owns or is paid for')
    .action(show)
  frontend
    .command('init')
    .description(
      'a page to begin with, in under 100 lines: it shows a price, asks the network, and earns its share',
    )
    .argument('<folder>', 'where it goes; new or empty')
    .requiredOption('--frontend <id>', 'who earns; `heurist frontend create` makes one')
    .option('--router <url>', 'a router; default: the network of this home')
    .option('--ledger <address>', 'the ledger that you trust; default: of this home')
    .option('--rpc <url>', 'the chain; default: of this home')
    .option('--port <number>', 'where it serves, on this machine', '8080')
    .option('--per-day <dollars>', 'the most it spends in a day', '1.00')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ heurist frontend init my-page --frontend 2')
    .action(init)
  frontend
    .command('revenue')
    .description(
      'what it earned by day and epoch, claimed, to claim and not posted yet; or the books of its gateway',
    )
    .argument('[id]', 'of the frontend')
    .option('--router <url>', 'a router; default: the network of this home')
    .option('--ledger <address>', 'the ledger that you trust; default: of this home')
    .option('--rpc <url>', 'the chain; default: of this home')
    .option('--days <number>', 'back from today', '30')
    .option('--gateway <url>', 'revenue, cost and margin from the books of this gateway instead')
    .option('--by <what>', 'with --gateway: day, key, or day,key', 'day')
    .option('--key-file <file>', 'with --gateway: the owner of its frontend, or HEURIST_OPERATOR_KEY is set')
    .option('--csv', 'the days as comma-separated values')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ heurist frontend revenue 1 --days 7\n  $ heurist frontend revenue --gateway http://127.0.0.1:7801 --by day,key',
    )
    .action((id: string | undefined, options: RevenueOptions & BooksOptions) =>
      options.gateway === undefined ? revenue(id, options) : gatewayBooks(options.gateway, options),
    )
  return frontend
}

const verbOf = (frontend: Command) => (name: string, what: string, example: string) =>
  economyOptions(frontend.command(name).description(what)).addHelpText(
    'after',
    `\nExample:\n  $ heurist frontend ${example}`,
  )

/** What its owner does. */
function ownerVerbs(frontend: Command): void {
  const verb = verbOf(frontend)
  const own = (name: string, what: string, example: string) =>
    verb(name, what, `${example} --key-file owner.json`).argument('<id>', 'of the frontend')

  verb('create', 'register a frontend; anyone may, and it is free', 'create --key-file owner.json')
    .option('--payout <address>', 'who is paid; default: the owner')
    .option('--meta <file>', 'what describes it: a file, or the keccak-256 of one')
    .action(create)
  own('set-payout', 'who is paid from now on, earnings not yet claimed included', 'set-payout 1 0x…')
    .argument('<address>')
    .action(setPayout)
  own('set-meta', 'another description', 'set-meta 1 about.json')
    .argument('<file>', 'or the keccak-256 of one')
    .action(setMeta)
  own('prefer', 'the nodes whose free slots get its calls first', 'prefer 1 4,2')
    .argument('<nodes>', "ids, best first, separated by commas; or 'none'")
    .action(prefer)
  own('offer', 'offer it to another owner, who has to accept', 'offer 1 0x…')
    .argument('<address>', "or 'none' to take the offer back")
    .action(offer)
  own('accept', 'take over what was offered to you', 'accept 1').action(accept)
  own('deactivate', 'from the next epoch on routers take no calls of it', 'deactivate 1').action(deactivate)
  own('reactivate', 'undo that', 'reactivate 1').action(reactivate)
}

/** @throws `id.missing`, `frontend.unknown`, `frontend.none` (refused). */
async function show(text: string | undefined, options: EconomyOptions & { mine?: boolean }): Promise<void> {
  if ((text === undefined) !== (options.mine ?? false)) {
    throw refused('id.missing', 'name one frontend, or ask for --mine', {
      fix: '`heurist frontend show 1`, or `heurist frontend show --mine`.',
      field: 'id',
    })
  }
  const print = createPrinter(options.json ?? false)
  const place = await openPlace(options)
  const ids = text === undefined ? await mine() : [idOf(text, 'frontend')]
  const shown = []
  for (const id of ids) {
    const frontend = await readFrontend(place, id)
    const nodes = await preferredAt(place.network.router.url, frontend.preferred)
    const earnings = await earningsOf(place, id)
    printFrontend(print, frontend)
    printPreferred(print, nodes)
    printEarnings(print, earnings)
    shown.push({ ...frontend, nodes, earnings })
  }
  print.result(text === undefined ? { frontends: shown } : shown[0])

  async function mine(): Promise<number[]> {
    const { account } = actorFor(options, place)
    const entries = await entriesOf(place.chain, place.registry, account)
    const found = entries.filter(({ role }) => role === 'frontend').map(({ id }) => id)
    if (found.length > 0) return found
    throw refused('frontend.none', `${account} owns no frontend and is paid for none`, {
      fix: 'Register one with `heurist frontend create`.',
    })
  }
}
