import { Command } from 'commander'
import { formatUsd } from '../../sdk/units.ts'
import { openClient } from '../account.ts'
import { createPrinter } from '../print.ts'

interface Options {
  router?: string
  keyFile?: string
  faucet?: boolean
  json?: boolean
}

/** `heurist credits`: what the key has with the router. Withdrawing comes with the settlement guarantees. */
export function creditsCommand(): Command {
  const credits = new Command('credits').description(
    'What a key has with the router: its deposit and what is left',
  )
  const account = (command: Command) =>
    command
      .option('--router <url>', 'a router; default: the network of this home')
      .option('--key-file <file>', 'the key; on a local chain default: the demo payer')
      .option('--json', 'print one JSON object')

  account(credits.command('show').description('deposited, charged, held, available'))
    .addHelpText('after', '\nExample:\n  $ heurist credits show')
    .action(async (options: Options) => {
      const print = createPrinter(options.json ?? false)
      const { client } = await openClient(options)
      try {
        const balance = await client.balance()
        print.rows(
          Object.entries(balance).map(([name, value]) => [
            name,
            typeof value === 'bigint' ? `$${formatUsd(value)}` : String(value),
          ]),
        )
        print.result(balance)
      } finally {
        await client.close()
      }
    })

  account(
    credits.command('deposit').description('move dollars of the key into its account').argument('<dollars>'),
  )
    .option('--faucet', 'local chains: take the test dollars and the gas from the faucet first')
    .addHelpText('after', '\nExample:\n  $ heurist credits deposit 5.00 --faucet')
    .action(async (dollars: string, options: Options) => {
      const print = createPrinter(options.json ?? false)
      const { client } = await openClient(options)
      try {
        const receipt = await client.deposit(dollars, { faucet: options.faucet ?? false })
        print.line(`deposited $${dollars} in ${receipt.transactionHash}`)
        print.result({ deposited: dollars, transaction: receipt.transactionHash })
      } finally {
        await client.close()
      }
    })
  return credits
}
