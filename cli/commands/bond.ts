import { Command } from 'commander'
import { parseEther } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { bondCall, bondDepositCalls, readBond } from '../../sdk/chain/bonds.ts'
import type { Call } from '../../sdk/chain/call.ts'
import { keySender } from '../../sdk/chain/clients.ts'
import { usd } from '../../sdk/units.ts'
import { payerKey } from '../account.ts'
import { perform } from '../act.ts'
import { createPrinter } from '../print.ts'
import { openPlace, type Place, type TrustOptions } from '../trust.ts'

interface Options extends TrustOptions {
  keyFile?: string
  dryRun?: boolean
  json?: boolean
}

const common = (command: Command): Command =>
  command
    .option('--router <url>', 'the router; default: of this home')
    .option('--ledger <address>', 'the ledger that you trust; default: of this home')
    .option('--rpc <url>', 'the chain; default: of this home')
    .option('--key-file <file>', "who sends; exit, cancel and withdraw are the router key's own")
    .option('--dry-run', 'print the decoded calls and their data, send nothing')
    .option('--json', 'print one JSON object')

/** `heurist bond`: what a router loses when it cheats. */
export function bondCommand(): Command {
  const bond = new Command('bond').description("a router's bond: show, add, leave")
  common(bond.command('show').description('what it holds, owes and is held for'))
    .addHelpText('after', '\nExample:\n  $ heurist bond show')
    .action((options: Options) => act(options, () => []))
  common(bond.command('deposit').description('add to it').argument('<dollars>').argument('[heu]', 'HEU', '0'))
    .addHelpText('after', '\nExample:\n  $ heurist bond deposit 1000 500 --key-file giver.json')
    .action((dollars: string, heu: string, options: Options) =>
      act(options, ({ bond, router, asset, network }) =>
        bondDepositCalls(bond, router, {
          asset,
          assets: usd(dollars),
          heu: network.addresses.heu,
          heus: parseEther(heu),
        }),
      ),
    )
  for (const [name, functionName, what] of [
    ['exit', 'announceExit', 'announce that the router leaves'],
    ['cancel', 'cancelExit', 'take the announcement back'],
    ['withdraw', 'withdraw', 'take the whole bond, once the exit is due'],
  ] as const) {
    common(bond.command(name).description(what))
      .addHelpText('after', `\nExample:\n  $ heurist bond ${name} --key-file router.json`)
      .action((options: Options) => act(options, (place) => [bondCall(place.bond, functionName)]))
  }
  return bond
}

async function act(options: Options, callsOf: (place: Place) => Call[]): Promise<void> {
  const print = createPrinter(options.json ?? false)
  const place = await openPlace(options)
  const calls = callsOf(place)
  if (calls.length === 0) {
    const state = await readBond(place.chain, place.bond, place.router)
    print.rows(Object.entries(state).map(([name, value]) => [name, String(value)]))
    print.result(state)
    return
  }
  const account = privateKeyToAccount(payerKey(options, place.network))
  const sender = keySender(place.chain, account)
  const outcome = await perform(print, place, calls, {
    from: account.address,
    sender,
    dryRun: options.dryRun ?? false,
  })
  const state = await readBond(place.chain, place.bond, place.router)
  print.result({ ...outcome, bond: state })
}
